// A client in Node 18 or newer, with nothing to install:
//   retry-contract consumer --client-exec "node examples/consumers/node/client.mjs"
const {
  RETRY_CONTRACT_ENDPOINT: endpoint,
  RETRY_CONTRACT_CAMPAIGN: campaign,
  RETRY_CONTRACT_MESSAGES: message,
  POSTMAN_API_KEY: key,
} = process.env;

try {
  const response = await fetch(`${endpoint}/campaigns/${campaign}/messages/${message}/retry`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}` },
    redirect: "manual",
    signal: AbortSignal.timeout(3000), // for the headers and the body
  });
  const body = await response.text();
  if (response.status === 201) {
    const { id, latestStatus } = JSON.parse(body);
    console.log(JSON.stringify({ id, latestStatus }));
  } else {
    console.error(`status ${response.status}`);
    process.exitCode = 1;
  }
} catch (error) {
  // Not its message: that of a malformed header holds the key.
  console.error(error.name, error.cause?.code ?? "");
  process.exitCode = 1;
}
