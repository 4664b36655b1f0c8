// Code of which the beginning and the end are shown, until all of it is asked for.
import { useState } from "react";
import type { Coloured } from "@/code/highlight";
import type { Fold } from "./fold";
import { Unfold } from "./Unfold";
import classes from "./ui.module.css";

interface FoldedProps {
  pieces: Coloured[];
  fold: Fold;
  end: number;
}

export function Folded({ pieces, fold, end }: FoldedProps) {
  const [all, setAll] = useState(false);
  const toggle = (
    <Unfold
      className={classes.fold}
      open={all}
      more={`${fold.hidden} not shown. Show all ${fold.whole}`}
      less="Show less"
      toggle={() => setAll(!all)}
    />
  );
  if (all) {
    return (
      <>
        <pre>
          <Pieces pieces={pieces} />
        </pre>
        {toggle}
      </>
    );
  }
  return (
    <>
      <pre>
        <Pieces pieces={part(pieces, 0, fold.from)} />
      </pre>
      {toggle}
      <pre>
        <Pieces pieces={part(pieces, fold.until, end)} />
      </pre>
    </>
  );
}

/** The pieces of a part of the text. */
function part(pieces: Coloured[], from: number, until: number): Coloured[] {
  let at = 0;
  return pieces.flatMap((piece) => {
    const start = at;
    at += piece.text.length;
    const text = piece.text.slice(Math.max(from - start, 0), Math.max(until - start, 0));
    return text ? [{ ...piece, text }] : [];
  });
}

export function Pieces({ pieces }: { pieces: Coloured[] }) {
  return (
    <code>
      {pieces.map((piece, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move.
        <span key={at} className={piece.classes || undefined}>
          {piece.text}
        </span>
      ))}
    </code>
  );
}
