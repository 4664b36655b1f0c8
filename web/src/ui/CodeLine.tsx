// The beginning of a piece of code in one line, coloured and inert: for rows of tables and lists.
import { useMemo } from "react";
import { highlight } from "@/code/highlight";
import type { LanguageName } from "@/code/languages";
import { useLanguage } from "@/code/useLanguage";
import classes from "./ui.module.css";
import { visible } from "./visible";

// More does not fit into a line.
const MAX_SHOWN = 300;

interface CodeLineProps {
  code: string;
  language?: LanguageName;
  /** In a column of a table whose width must not depend on it. */
  fit?: boolean;
}

export function CodeLine({ code, language, fit = false }: CodeLineProps) {
  const loaded = useLanguage(language);
  const pieces = useMemo(() => {
    const line = oneLine(code);
    return loaded ? highlight(line, loaded) : [{ text: line, classes: "" }];
  }, [code, loaded]);
  return (
    <bdi className={`${classes.codeLine} ${fit ? classes.fit : ""}`}>
      {pieces.map((piece, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move.
        <span key={at} className={piece.classes || undefined}>
          {piece.text}
        </span>
      ))}
    </bdi>
  );
}

/** What of a text fits into a line, with what it hides made visible. */
export function oneLine(text: string): string {
  const start = text.slice(0, MAX_SHOWN + 1).trim();
  const line = visible(start).replace(/\s+/g, " ");
  return text.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)} …` : line;
}
