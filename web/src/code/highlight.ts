// Cuts a text into pieces with class names for their colours, without an editor.
import type { Language } from "@codemirror/language";
import { classHighlighter, highlightCode } from "@lezer/highlight";

// Beyond this the colours are not worth the time; the text is still shown.
export const MAX_HIGHLIGHTED = 100_000;

export interface Coloured {
  text: string;
  classes: string;
}

// The parser of SQL takes the dollar of a parameter (`$12`) for a sign of its own; lines must not break there.
function add(found: Coloured[], piece: Coloured) {
  const before = found.at(-1);
  const begun = before?.classes === "" ? /\$\d*$/.exec(before.text)?.[0] : undefined;
  if (!before || !begun || !/^\d+$/.test(piece.text)) {
    found.push(piece);
    return;
  }
  before.text = before.text.slice(0, -begun.length);
  found.push({ text: `${begun}${piece.text}`, classes: piece.classes });
}

export function highlight(text: string, language: Language): Coloured[] {
  if (text.length > MAX_HIGHLIGHTED) return [{ text, classes: "" }];
  const found: Coloured[] = [];
  highlightCode(
    text,
    language.parser.parse(text),
    classHighlighter,
    (piece, classes) => add(found, { text: piece, classes }),
    () => found.push({ text: "\n", classes: "" }),
  );
  return found;
}
