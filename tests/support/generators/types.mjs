// Standard input: {name: schema}. Writes the types of each into name.ts.
import { readFileSync, writeFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const schemas = JSON.parse(readFileSync(0, "utf-8"));
for (const [name, schema] of Object.entries(schemas)) {
  writeFileSync(`${name}.ts`, await compile(schema, name));
}
