// Names and values as each language and file reads them back.

/** A word of a POSIX shell. */
export function shellWord(text: string): string {
  if (/^[\w\-./:=@%+,]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A value in a connection string of keywords, as libpq reads it. */
export function conninfoValue(text: string): string {
  if (/^[^\s'\\]+$/.test(text)) return text;
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** A field of .pgpass. */
export function pgpassField(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll(":", "\\:");
}

/** A text in double quotes as Python, Go, JavaScript and JSON read it. */
export const quoted = (text: string): string => JSON.stringify(text);

/** A text in double quotes as Rust reads it. */
export function rustQuoted(text: string): string {
  return JSON.stringify(text).replace(/\\u([0-9a-f]{4})|\\([bf])/g, (_, hex, letter) =>
    hex ? `\\u{${hex}}` : letter === "b" ? "\\u{8}" : "\\u{c}",
  );
}

/** A value in a .properties or service file: it ends with its line. */
export function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ");
}

/** A host in an address: IPv6 addresses stand in brackets there. */
export function addressHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/**
 * The database in an address. Some drivers (node-postgres) leave escapes of `/`, `:` and `$` as they are, and every
 * one takes these without an escape.
 */
export function pathPart(text: string): string {
  return encodeURIComponent(text).replace(/%(2F|3A|24)/g, decodeURIComponent);
}

/** An IPv6 address with all of its parts, as Java writes it; other hosts as they are. */
export function wholeAddress(host: string): string {
  const [before, after] = host.split("::").map((part) => part.split(":").filter(Boolean));
  if (!before || !after) return host;
  const zeros = Array<string>(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after].join(":");
}
