// The policies that stand in a Cedar text: enough of a reader to name them and find their place.

export interface Policy {
  /** Its @id, or what the gateway calls it without one: file:line. */
  id: string;
  message?: string;
  effect: "permit" | "forbid";
  line: number;
}

// Comments and texts first, so that nothing in them counts.
const TOKEN = /\/\/[^\n]*|"(?:[^"\\]|\\.)*"|@[A-Za-z_]\w*|[A-Za-z_]\w*|[;(){}\n]|\S/g;

export function outline(text: string, file: string): Policy[] {
  const found: Policy[] = [];
  let line = 1;
  let notes: Record<string, string> = {};
  let first = 0;
  let key: string | null = null;
  let inside = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const at = line;
    line += newLines(token);
    if (token === "\n" || token.startsWith("//")) continue;
    if (inside) {
      if (token === ";") inside = false;
      continue;
    }
    if (token.startsWith("@")) {
      key = token.slice(1);
      first ||= at;
    } else if (token.startsWith('"') && key) {
      notes[key] = unquoted(token);
      key = null;
    } else if (token === "permit" || token === "forbid") {
      const place = first || at;
      found.push({
        id: notes.id ?? `${file}:${place}`,
        message: notes.message,
        effect: token,
        line: place,
      });
      notes = {};
      first = 0;
      inside = true;
    }
  }
  return found;
}

function newLines(token: string): number {
  return token.split("\n").length - 1;
}

function unquoted(token: string): string {
  return token.slice(1, -1).replace(/\\(["\\'])/g, "$1");
}
