// All that happened, one row each. Only rows in sight are made, so that it stays fast with very many.
import { IconAlertTriangle, IconEyeOff, IconHandStop, IconX } from "@tabler/icons-react";
import { useEffect, useId, useRef } from "react";
import { CodeLine, oneLine } from "@/ui/CodeLine";
import { Decision } from "@/ui/Decision";
import { counted } from "@/ui/numbers";
import { duration } from "@/ui/time";
import { isFailed, isMasked } from "../record/find";
import { notRun } from "../record/notRun";
import type { Entry, Operation } from "../record/record";
import { languageOf } from "../words";
import classes from "./replay.module.css";
import { useWindow } from "./useWindow";

const ROW_PX = 52;

interface EntryListProps {
  entries: Entry[];
  /** The chosen one. */
  at: number;
  /** When the session began: times count from there. */
  start: number;
  protocol: string | undefined;
  onChoose: (at: number) => void;
}

export function EntryList({ entries, at, start, protocol, onChoose }: EntryListProps) {
  const box = useRef<HTMLDivElement>(null);
  const { first, last, reveal } = useWindow(box, ROW_PX, entries.length);
  useEffect(() => reveal(at), [at, reveal]);
  const id = useId();
  const page = Math.max(Math.floor((box.current?.clientHeight ?? 0) / ROW_PX) - 1, 1);
  const keys: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: entries.length - 1,
  };
  return (
    <div
      ref={box}
      role="listbox"
      data-keys
      aria-label="Timeline"
      aria-activedescendant={at >= first && at < last ? `${id}-${at}` : undefined}
      tabIndex={0}
      className={classes.list}
      onKeyDown={(e) => {
        const to = keys[e.key];
        if (to === undefined) return;
        e.preventDefault();
        onChoose(Math.min(Math.max(to, 0), entries.length - 1));
      }}
    >
      <div role="presentation" style={{ height: entries.length * ROW_PX }} className={classes.all}>
        {entries.slice(first, last).map((entry, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys.
          // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names the active row.
          <div
            key={entry.key}
            id={`${id}-${first + i}`}
            role="option"
            aria-selected={first + i === at}
            aria-setsize={entries.length}
            aria-posinset={first + i + 1}
            className={`${classes.row} ${entry.kind === "gap" ? classes.gap : ""}`}
            style={{ top: (first + i) * ROW_PX, height: ROW_PX }}
            onClick={() => onChoose(first + i)}
          >
            <Row entry={entry} offset={entry.at - start} protocol={protocol} />
          </div>
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  entry: Entry;
  offset: number;
  protocol: string | undefined;
}

function Row({ entry, offset, protocol }: RowProps) {
  const after = <span className={classes.dim}>+{duration(Math.max(offset, 0))}</span>;
  switch (entry.kind) {
    case "op":
      return (
        <>
          <div className={classes.line}>
            <span className={classes.number}>#{entry.op.op}</span>
            <CodeLine code={entry.op.text} language={languageOf(protocol)} />
          </div>
          <div className={classes.line}>
            {entry.op.decision && <Decision decision={entry.op.decision.decision} />}
            {after}
            <Came op={entry.op} />
          </div>
        </>
      );
    case "gap":
    case "closed":
      return (
        <>
          <div className={classes.line}>
            {entry.kind === "gap" && <IconAlertTriangle size={15} aria-hidden />}
            <b>{entry.kind === "gap" ? "Gap: something may be missing" : "Session closed"}</b>
          </div>
          <div className={classes.line}>
            {after} <span className={classes.cut}>{oneLine(entry.why)}</span>
          </div>
        </>
      );
    default:
      return (
        <>
          <div className={classes.line}>
            <CodeLine code={entry.text} language={languageOf(protocol)} />
          </div>
          <div className={classes.line}>
            {after} <span>{entry.kind === "prepared" ? "prepared, not run" : "only planned"}</span>
          </div>
        </>
      );
  }
}

/** What an operation came to, in a few words. */
function Came({ op }: { op: Operation }) {
  const { answered, hold } = op;
  return (
    <>
      {hold && (
        <span className={classes.flag} title={hold.ended ? "it waited" : "it waits"}>
          <IconHandStop size={13} aria-hidden />
          {hold.ended?.how ?? "waits"}
        </span>
      )}
      {isFailed(op) && (
        <span className={classes.bad}>
          <IconX size={13} aria-hidden />
          {answered && "cut" in answered.outcome ? "cut" : "failed"}
        </span>
      )}
      {isMasked(op) && (
        <span className={classes.flag} title="values in its answer were masked">
          <IconEyeOff size={13} aria-hidden />
          {counted(answered?.masked.length ?? 0, "column")} masked
        </span>
      )}
      {answered && notRun(op) === null && (
        <span className={classes.right}>
          {answered.rows > 0 && `${counted(answered.rows, "row")}, `}
          {duration(answered.micros)}
        </span>
      )}
    </>
  );
}
