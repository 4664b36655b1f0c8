// Marks by line and column as CodeMirror wants them: from and to in the text.
import type { Diagnostic } from "@codemirror/lint";
import type { Text } from "@codemirror/state";
import type { Mark } from "@/ui/Editor";

export function diagnostics(doc: Text, marks: Mark[]): Diagnostic[] {
  return marks
    .map((mark) => ({
      ...place(doc, mark),
      severity: mark.severity ?? "error",
      message: mark.message,
    }))
    .sort((a, b) => a.from - b.from);
}

function place(doc: Text, { line, column }: Mark): { from: number; to: number } {
  // What is wrong with the whole text is shown on its first line. The text may have become shorter meanwhile.
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  if (line < 1 || column < 1) return { from: at.from, to: at.to };
  const from = Math.min(at.from + column - 1, at.to);
  const word = /^[\w@]+/.exec(at.text.slice(from - at.from));
  return { from, to: Math.min(from + (word?.[0].length ?? 1), at.to) };
}
