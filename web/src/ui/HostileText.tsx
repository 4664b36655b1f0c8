// Shows hostile text (statements, names of applications) with what it hides marked.

import classes from "./ui.module.css";
import { pieces } from "./visible";

interface HostileTextProps {
  text: string;
  /** In the typeface of code: for statements. */
  mono?: boolean;
}

export function HostileText({ text, mono = false }: HostileTextProps) {
  const parts = pieces(text);
  return (
    <bdi className={mono ? classes.mono : undefined}>
      {parts.map((part, at) =>
        part.odd ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move.
          <span key={at} className={classes.odd} title="a character that cannot be seen">
            {part.text}
          </span>
        ) : (
          part.text
        ),
      )}
    </bdi>
  );
}
