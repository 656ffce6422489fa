// Plays a plan by a client of Node's: `client.mjs fetch|http|axios BASE`, see ../http_plan.py.

import http from "node:http";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";

const [kind, base] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });
const TOLD = ["allow", "content-type", "retry-after"];
const PATIENCE = 10_000;

function rowOf(line) {
  const [method, url, heads, body, ways] = line.split("\t");
  const headers = Object.fromEntries(heads.split("|").filter(Boolean).map((h) => h.split(": ")));
  const content = body === "-" ? undefined : Buffer.from(body.slice(1), "base64");
  return { method, url, headers, content, ways: ways.split(" ") };
}

async function byFetch({ method, url, headers, content, ways }) {
  const chunked = ways.includes("chunked");
  const body = chunked ? Readable.toWeb(Readable.from([content])) : content;
  const signal = AbortSignal.timeout(PATIENCE);
  const response = await fetch(url, { method, headers, body, duplex: "half", signal });
  const told = Object.fromEntries(response.headers);
  return [response.status, told, Buffer.from(await response.arrayBuffer())];
}

function byHttp({ method, url, headers, content, ways }) {
  const place = ways.includes("proxy") ? new URL(base) : new URL(url);
  const { host, pathname, search } = new URL(url);
  const path = ways.includes("proxy") ? url : pathname + search;
  const all = { ...headers, host };
  if (ways.includes("expect")) all.expect = "100-continue";
  if (ways.includes("chunked")) all["transfer-encoding"] = "chunked";
  else if (content) all["content-length"] = content.length;
  const { hostname, port } = place;
  return new Promise((resolve, reject) => {
    const options = { method, hostname, port, path, headers: all, agent, timeout: PATIENCE };
    const request = http.request(options, async (response) => {
      const parts = await response.toArray().catch(reject);
      resolve([response.statusCode, response.headers, Buffer.concat(parts ?? [])]);
    });
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error("no response in time")));
    if (ways.includes("expect")) {
      request.flushHeaders();
      request.on("continue", () => request.end(content));
    } else if (ways.includes("chunked")) {
      for (let at = 0; at < content.length; at += 7000) request.write(content.subarray(at, at + 7000));
      request.end();
    } else request.end(content);
  });
}

async function byAxios(axios, { method, url, headers, content, ways }) {
  const { hostname, port } = new URL(base);
  const response = await axios.request({
    method,
    url,
    headers,
    data: ways.includes("chunked") ? Readable.from([content]) : content,
    proxy: ways.includes("proxy") ? { protocol: "http", host: hostname, port: Number(port) } : false,
    httpAgent: agent,
    timeout: PATIENCE,
    responseType: "arraybuffer",
    validateStatus: () => true,
  });
  return [response.status, response.headers, response.data];
}

const axios = kind === "axios" ? (await import("axios")).default : undefined;
const play = { fetch: byFetch, http: byHttp, axios: (row) => byAxios(axios, row) }[kind];
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const [status, headers, body] = await play(rowOf(line));
    const told = TOLD.filter((name) => headers[name]).map((name) => `${name}: ${headers[name]}`);
    console.log([status, told.join("|"), Buffer.from(body).toString("base64")].join("\t"));
  } catch (error) {
    const why = `${error.cause ?? error.code ?? ""} ${error}`.replace(/\s+/g, " ");
    console.log(`-\t${why}\t`);
  }
}
process.exit(0);
