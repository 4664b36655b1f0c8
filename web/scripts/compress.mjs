// Puts a compressed twin beside every file that gains by it: the gateway serves these as they are.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const dist = new URL("../dist/", import.meta.url).pathname;
const gains = /\.(js|css|svg|json)$/;

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !gains.test(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const whole = readFileSync(path);
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  const small = brotliCompressSync(whole, { params: quality });
  if (small.length < whole.length) writeFileSync(`${path}.br`, small);
}
