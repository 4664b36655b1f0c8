// CodeMirror as a React component. The text is the parent's; marks are shown in the gutter.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import {
  bracketMatching,
  indentOnInput,
  LanguageSupport,
  syntaxHighlighting,
} from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, type Extension, Prec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { type RefObject, useEffect, useRef } from "react";
import { readNonce } from "@/app/nonce";
import type { EditorProps } from "@/ui/Editor";
import { diagnostics } from "./diagnostics";
import classes from "./editor.module.css";
import { editorLook } from "./editorLook";
import { type LanguageName, loadLanguage } from "./languages";

export default function CodeEditor(props: EditorProps) {
  const { label, value, language, marks, readOnly = false, minHeight, goTo } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useEditor(host, props);

  useEffect(() => {
    const current = view.current;
    const old = current?.state.doc.toString();
    if (!current || old === undefined || old === value) return;
    current.dispatch({ changes: { from: 0, to: old.length, insert: value } });
  }, [view, value]);

  useEffect(() => {
    const current = view.current;
    current?.dispatch(setDiagnostics(current.state, diagnostics(current.state.doc, marks ?? [])));
  }, [view, marks]);

  useEffect(() => {
    const current = view.current;
    if (!current || !goTo) return;
    const { doc } = current.state;
    const { from } = doc.line(Math.min(Math.max(goTo.line, 1), doc.lines));
    const effects = EditorView.scrollIntoView(from, { y: "start", yMargin: 24 });
    current.dispatch({ selection: { anchor: from }, effects });
    current.focus();
  }, [view, goTo]);

  useLoadedLanguage(view, language);

  useEffect(() => {
    view.current?.dispatch({ effects: fixed.reconfigure(lock(readOnly, label)) });
  }, [view, readOnly, label]);

  return <div ref={host} className={classes.host} style={{ minHeight }} />;
}

const spoken = new Compartment();
const fixed = new Compartment();

function lock(readOnly: boolean, label: string): Extension {
  return [
    EditorState.readOnly.of(readOnly),
    // Said outright, since not everything takes editable content for something that the keyboard reaches.
    EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
  ];
}

/** Makes the editor once; later changes come through the effects above. */
function useEditor(host: RefObject<HTMLDivElement | null>, props: EditorProps) {
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    if (!host.current) return;
    const made = new EditorView({
      parent: host.current,
      doc: latest.current.value,
      extensions: extensions(latest),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
  }, [host]);
  return view;
}

function extensions(latest: RefObject<EditorProps>): Extension {
  return [
    EditorView.cspNonce.of(readNonce()),
    lineNumbers(),
    history(),
    drawSelection(),
    highlightActiveLine(),
    // Characters that cannot be seen become visible here as everywhere else.
    highlightSpecialChars({ addSpecialChars: /[\u061c\u180e\u2060-\u206f\u{e0000}-\u{e007f}]/gu }),
    bracketMatching(),
    indentOnInput(),
    lintGutter(),
    syntaxHighlighting(classHighlighter),
    EditorView.lineWrapping,
    editorLook,
    spoken.of([]),
    fixed.of(lock(latest.current.readOnly ?? false, latest.current.label)),
    Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => submit(latest.current) }])),
    // Tab is left to the browser, so that the keyboard can leave the editor.
    keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      const text = update.state.doc.toString();
      if (text !== latest.current.value) latest.current.onChange(text);
    }),
  ];
}

function submit({ onSubmit }: EditorProps): boolean {
  onSubmit?.();
  return onSubmit !== undefined;
}

function useLoadedLanguage(view: RefObject<EditorView | null>, language: LanguageName) {
  useEffect(() => {
    let wanted = true;
    loadLanguage(language).then(
      (found) =>
        wanted &&
        view.current?.dispatch({ effects: spoken.reconfigure(new LanguageSupport(found)) }),
      // Without colours the text can still be edited.
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, [view, language]);
}
