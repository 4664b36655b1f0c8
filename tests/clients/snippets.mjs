// Prints what the console shows under "How to connect", as JSON, made by the console's own code: node snippets.mjs FACTS,
// where FACTS is {list, connection, here, account, database}: the answer of /v1/connections, a name in it, the address of
// the console, and what is chosen on the page.
import { fileURLToPath, pathToFileURL } from "node:url";

const web = fileURLToPath(new URL("../../web/", import.meta.url));
const { runnerImport } = await import(
  pathToFileURL(`${web}node_modules/vite/dist/node/index.js`).href
);
const load = async (name) => {
  const path = `${web}src/pages/connections/connect/${name}.ts`;
  const options = { root: web, configFile: `${web}vite.config.ts`, logLevel: "error" };
  return (await runnerImport(path, options)).module;
};
const [{ reach }, { clientsOf }] = [await load("reach"), await load("clients")];

const { list, connection, here, ...choice } = JSON.parse(process.argv[2]);
const info = list.connections.find(({ name }) => name === connection);
const way = reach(list, info, new URL(here), choice);
const shown = clientsOf(info.protocol).map(({ id, note, snippets, values }) => ({
  id,
  note: typeof note === "string" ? note : note(way),
  snippets: snippets(way),
  values: values?.(way) ?? [],
}));
console.log(JSON.stringify(shown));
