// A consumer in Node with zod, after `npm install` in this folder:
//   retry-contract consumer --exec "node examples/consumers/node/reader.mjs"
// With "reader.mjs strict" it rejects unknown fields.
import { createInterface } from "node:readline";
import { z } from "zod";

const fields = {
  createdAt: z.string(),
  updatedAt: z.string(),
  id: z.string(),
  recipient: z.string(),
  values: z.record(z.string(), z.string()),
  fullMessage: z.string(),
  latestStatus: z.string(),
  templateBodyId: z.string(),
  campaignId: z.string(),
};
const Response = process.argv[2] === "strict" ? z.strictObject(fields) : z.object(fields);

for await (const line of createInterface({ input: process.stdin })) {
  const read = Response.safeParse(JSON.parse(line));
  if (read.success) console.log("ok", JSON.stringify(read.data));
  else console.log("error", JSON.stringify(read.error.issues));
}
