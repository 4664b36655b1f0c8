// Lays out JSON for reading. Nothing but the space between its parts changes: names that come twice and long numbers
// stay as they were sent, which reading and writing the value would not leave.

const PARTS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const OPENING = "{[";
const CLOSING = "}]";

/** Null where the text is no JSON object or list. */
export function laidOut(text: string): string | null {
  if (!/^\s*[[{]/.test(text) || !isJson(text)) return null;
  const parts = text.match(PARTS) ?? [];
  let depth = 0;
  let out = "";
  parts.forEach((part, at) => {
    const before = parts[at - 1] ?? "";
    const opened = isOneOf(OPENING, before);
    if (isOneOf(CLOSING, part)) {
      depth -= 1;
      out += opened ? part : line(depth) + part;
      return;
    }
    out += (opened || before === "," ? line(depth) : "") + part + (part === ":" ? " " : "");
    if (isOneOf(OPENING, part)) depth += 1;
  });
  return out;
}

const isOneOf = (some: string, part: string) => part !== "" && some.includes(part);
const line = (depth: number) => `\n${"  ".repeat(depth)}`;

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
