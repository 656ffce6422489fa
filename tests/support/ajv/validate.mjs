// Standard input: {"schemas": {name: schema}, "payloads": [payload]}.
// Standard output: {name: [is the payload valid]}, which must be the same whether `format` is only an
// annotation, as JSON Schema 2020-12 has it, or checked too: the pattern holds the rule.
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const { schemas, payloads } = JSON.parse(readFileSync(0, "utf-8"));
const verdicts = {};
for (const [name, schema] of Object.entries(schemas)) {
  const [plain, checked] = [false, true].map((validateFormats) => {
    const ajv = new Ajv2020({ strict: true, strictTypes: true, validateFormats });
    if (validateFormats) addFormats(ajv);
    if (!ajv.validateSchema(schema)) throw new Error(ajv.errorsText());
    const validate = ajv.compile(schema);
    return payloads.map((payload) => validate(payload));
  });
  if (String(plain) !== String(checked)) throw new Error(`${name}: formats change a verdict`);
  verdicts[name] = plain;
}
process.stdout.write(JSON.stringify(verdicts));
