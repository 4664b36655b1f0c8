// Code to read: coloured, inert, with a button to copy it.
import { useMemo } from "react";
import { highlight } from "@/code/highlight";
import type { LanguageName } from "@/code/languages";
import { useLanguage } from "@/code/useLanguage";
import { CopyButton } from "./CopyButton";
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
}

export function CodeBlock({
  code,
  language,
  label = "Code",
  wrap = true,
  maxHeight = 400,
}: CodeBlockProps) {
  const loaded = useLanguage(language);
  const text = useMemo(() => visible(code), [code]);
  const pieces = useMemo(
    () => (loaded ? highlight(text, loaded) : [{ text, classes: "" }]),
    [text, loaded],
  );
  return (
    <section className={`${classes.code} ${wrap ? classes.wrap : ""}`} aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre style={{ maxHeight }} tabIndex={0}>
        <code>
          {pieces.map((piece, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move.
            <span key={at} className={piece.classes || undefined}>
              {piece.text}
            </span>
          ))}
        </code>
      </pre>
      <span className={classes.copy}>
        <CopyButton text={code} />
      </span>
    </section>
  );
}
