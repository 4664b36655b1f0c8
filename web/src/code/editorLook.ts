// The editor in the console's colours, for both schemes at once.
import { EditorView } from "@codemirror/view";

export const editorLook = EditorView.theme({
  "&": { fontSize: "0.8125rem", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--mantine-color-text)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--mantine-color-text)" },
  ".cm-gutters": {
    backgroundColor: "var(--s-subtle)",
    color: "var(--mantine-color-dimmed)",
    borderRight: "1px solid var(--s-line)",
  },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--s-hover) 60%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { background: "color-mix(in srgb, var(--s-focus) 30%, transparent)" },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "color-mix(in srgb, var(--s-focus) 25%, transparent)",
  },
  ".cm-specialChar": { color: "var(--s-odd-text)", backgroundColor: "var(--s-odd)" },
  ".cm-tooltip": {
    backgroundColor: "var(--s-raised)",
    color: "var(--mantine-color-text)",
    border: "1px solid var(--s-line)",
    borderRadius: "6px",
  },
  ".cm-panels": {
    backgroundColor: "var(--s-subtle)",
    color: "var(--mantine-color-text)",
    borderColor: "var(--s-line)",
  },
});
