// Makes hostile text inert: control, invisible and direction-changing characters become words.

// C0 and C1 controls except tab and line feed, soft hyphen, zero-width and joining characters, marks and overrides
// of direction, line and paragraph separators, byte order mark, tags, lone surrogates.
const ODD =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/gu;

const NAMES: Record<number, string> = { 0: "NUL", 8: "BS", 13: "CR", 27: "ESC", 127: "DEL" };

function nameOf(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Text that shows what it contains: `visible("a\u202eb")` is `a⟨U+202E⟩b`. CR LF is an ordinary line end. */
export function visible(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(ODD, (char) => `⟨${nameOf(char)}⟩`);
}

export interface Piece {
  text: string;
  odd: boolean;
}

/** The same in pieces, so that what was replaced can be marked. */
export function pieces(text: string): Piece[] {
  const plain = text.replace(/\r\n/g, "\n");
  const found: Piece[] = [];
  let end = 0;
  for (const match of plain.matchAll(ODD)) {
    if (match.index > end) found.push({ text: plain.slice(end, match.index), odd: false });
    found.push({ text: nameOf(match[0]), odd: true });
    end = match.index + match[0].length;
  }
  if (end < plain.length) found.push({ text: plain.slice(end), odd: false });
  return found;
}
