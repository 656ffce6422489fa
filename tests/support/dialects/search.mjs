import { readFileSync } from "node:fs";

const lines = readFileSync(0, "utf-8").replace(/\n$/, "").split("\n");
const forms = Number(lines[0]);
const texts = lines.slice(1 + 2 * forms).map((line) => Buffer.from(line, "hex").toString("utf-8"));
let found = "";
for (let form = 0; form < forms; form++) {
  const [pattern, refused] = [1, 2].map((place) => new RegExp(lines[place + 2 * form], "u"));
  for (const text of texts) found += pattern.test(text) && !refused.test(text) ? "1" : "0";
}
process.stdout.write(found);
