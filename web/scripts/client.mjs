// Makes src/api/schema.ts, the types of the API, from openapi.json.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const at = (path) => new URL(`../${path}`, import.meta.url);
const description = JSON.parse(await readFile(at("openapi.json"), "utf8"));

// Operations are named by their path here. Their ids are of no use, and need not be unique.
for (const methods of Object.values(description.paths)) {
  for (const operation of Object.values(methods)) delete operation.operationId;
}

const types = astToString(await openapiTS(description));
await writeFile(at("src/api/schema.ts"), `// Made from openapi.json by npm run client.\n${types}`);
