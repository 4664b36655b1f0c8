// Finds one policy in a file of Cedar policies.

/** The text of the policy with this id: its `@id`, or `FILE:LINE` where it has none. */
export function findPolicy(file: string, text: string, id: string): string | null {
  let line = 1;
  for (const piece of statements(text)) {
    const body = piece.trim();
    const first =
      line + (piece.slice(0, piece.length - piece.trimStart().length).match(/\n/g)?.length ?? 0);
    line += piece.match(/\n/g)?.length ?? 0;
    if (!body) continue;
    const own = /@id\s*\(\s*("(?:[^"\\]|\\.)*")\s*\)/.exec(withoutComments(body))?.[1];
    const name = own === undefined ? `${file}:${first + commentLines(body)}` : unquoted(own);
    if (name === id) return body;
  }
  return null;
}

/** The pieces that end with a semicolon outside of texts and comments. */
function* statements(text: string): Generator<string> {
  const token = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|;/g;
  let start = 0;
  for (const match of text.matchAll(token)) {
    if (match[0] !== ";") continue;
    yield text.slice(start, match.index + 1);
    start = match.index + 1;
  }
  yield text.slice(start);
}

function withoutComments(body: string): string {
  return body.replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*/g, (found) =>
    found.startsWith("/") ? "" : found,
  );
}

/** Lines of comments before the policy itself, which is what a place in a file counts to. */
function commentLines(body: string): number {
  const before = /^(?:\s*(?:\/\/[^\n]*)?\n)*/.exec(body)?.[0] ?? "";
  return before.match(/\n/g)?.length ?? 0;
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}
