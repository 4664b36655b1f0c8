// Cuts a text into pieces with class names for their colours, without an editor.
import type { Language } from "@codemirror/language";
import { classHighlighter, highlightCode } from "@lezer/highlight";

// Beyond this the colours are not worth the time; the text is still shown.
export const MAX_HIGHLIGHTED = 100_000;

export interface Coloured {
  text: string;
  classes: string;
}

export function highlight(text: string, language: Language): Coloured[] {
  if (text.length > MAX_HIGHLIGHTED) return [{ text, classes: "" }];
  const found: Coloured[] = [];
  highlightCode(
    text,
    language.parser.parse(text),
    classHighlighter,
    (piece, classes) => found.push({ text: piece, classes }),
    () => found.push({ text: "\n", classes: "" }),
  );
  return found;
}
