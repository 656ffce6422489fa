// Standard input: {"schemas": {name: schema}, "payloads": [payload]}.
// Standard output: {name: [is the payload valid]}.
// `format` stays an annotation, as JSON Schema 2020-12 has it: the pattern holds the rule.
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";

const { schemas, payloads } = JSON.parse(readFileSync(0, "utf-8"));
const verdicts = {};
for (const [name, schema] of Object.entries(schemas)) {
  const ajv = new Ajv2020.default({ strict: true, strictTypes: true, validateFormats: false });
  if (!ajv.validateSchema(schema)) throw new Error(ajv.errorsText());
  const validate = ajv.compile(schema);
  verdicts[name] = payloads.map((payload) => validate(payload));
}
process.stdout.write(JSON.stringify(verdicts));
