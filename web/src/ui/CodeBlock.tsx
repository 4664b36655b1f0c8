// Code to read: coloured, inert, with a button to copy it.
import { useMemo } from "react";
import { highlight } from "@/code/highlight";
import type { LanguageName } from "@/code/languages";
import { useLanguage } from "@/code/useLanguage";
import { CopyButton } from "./CopyButton";
import { Folded, Pieces } from "./FoldedCode";
import { foldOf } from "./fold";
import classes from "./ui.module.css";
import { visible } from "./visible";

interface CodeBlockProps {
  code: string;
  language?: LanguageName;
  /** What it is, for screen readers: "Statement". */
  label?: string;
  /** Break long lines instead of scrolling. */
  wrap?: boolean;
  maxHeight?: number;
  /** Instead of scrolling, show so many rows of the beginning and the end until all of it is asked for. */
  rows?: number;
}

export function CodeBlock({
  code,
  language,
  label = "Code",
  wrap = true,
  maxHeight = 400,
  rows,
}: CodeBlockProps) {
  const loaded = useLanguage(language);
  const text = useMemo(() => visible(code), [code]);
  const pieces = useMemo(
    () => (loaded ? highlight(text, loaded) : [{ text, classes: "" }]),
    [text, loaded],
  );
  const fold = useMemo(() => (rows ? foldOf(text, rows) : null), [text, rows]);
  return (
    <section className={`${classes.code} ${wrap ? classes.wrap : ""}`} aria-label={label}>
      {fold ? (
        <Folded pieces={pieces} fold={fold} end={text.length} />
      ) : rows ? (
        <pre>
          <Pieces pieces={pieces} />
        </pre>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <pre style={{ maxHeight }} tabIndex={0}>
          <Pieces pieces={pieces} />
        </pre>
      )}
      <span className={classes.copy}>
        <CopyButton text={code} />
      </span>
    </section>
  );
}
