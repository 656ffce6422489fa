// A consumer in Node with zod: `node reader.mjs` reads on, `node reader.mjs strict` is closed.
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
const Reply = process.argv[2] === "strict" ? z.object(fields).strict() : z.object(fields);

for await (const line of createInterface({ input: process.stdin })) {
  const read = Reply.safeParse(JSON.parse(line));
  if (read.success) console.log("ok", JSON.stringify(read.data));
  else console.log("error", read.error.issues.map((i) => `${i.code}: ${i.message}`).join("; "));
}
