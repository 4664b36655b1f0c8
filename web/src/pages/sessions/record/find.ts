// Finding things within a record: by decision, by what became of them, by text.
import type { RecordedValue } from "./events";
import { notRun } from "./notRun";
import type { Entry, Operation } from "./record";

export const SHOWN = ["allow", "ask", "deny", "held", "masked", "failed"] as const;
export type Shown = (typeof SHOWN)[number];

export function isHeld(op: Operation): boolean {
  return op.hold !== null || op.decision?.decision === "ask";
}

export function isMasked(op: Operation): boolean {
  return (op.answered?.masked.length ?? 0) > 0;
}

export function isFailed(op: Operation): boolean {
  return op.answered !== null && !("done" in op.answered.outcome) && notRun(op) === null;
}

export function is(op: Operation, what: Shown): boolean {
  switch (what) {
    case "held":
      return isHeld(op);
    case "masked":
      return isMasked(op);
    case "failed":
      return isFailed(op);
    default:
      return op.decision?.decision === what;
  }
}

/** The entries that are wanted. Gaps stay, whatever is looked for by decision: they say that something is missing. */
export function wanted(entries: Entry[], show: Shown | undefined, text: string): Entry[] {
  const words = text.trim();
  if (!show && !words) return entries.slice();
  const found = words ? finder(words) : () => true;
  return entries.filter((entry) => {
    if (entry.kind === "op") return (!show || is(entry.op, show)) && found(textsOf(entry));
    if (entry.kind === "gap" && !words) return true;
    return !show && found(textsOf(entry));
  });
}

/** Whether any of the texts holds these words, whatever the case. */
function finder(words: string): (texts: Iterable<string>) => boolean {
  const pattern = new RegExp(words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
  return (texts) => {
    for (const text of texts) if (pattern.test(text)) return true;
    return false;
  };
}

function* textsOf(entry: Entry): Generator<string> {
  switch (entry.kind) {
    case "op":
      yield* textsOfOperation(entry.op);
      return;
    case "gap":
    case "closed":
      yield entry.why;
      return;
    default:
      yield entry.text;
  }
}

function* textsOfOperation(op: Operation): Generator<string> {
  yield op.text;
  yield* texts(op.parameters);
  for (const head of [op.caller, op.target]) {
    for (const [name, value] of head?.fields ?? []) yield `${name}: ${value}`;
  }
  yield* op.columns;
  for (const row of op.rows) yield* texts(row);
  for (const part of op.parts) yield* texts([part.content]);
}

function* texts(values: RecordedValue[]): Generator<string> {
  for (const value of values) if (typeof value === "object" && "text" in value) yield value.text;
}

/** The next entry from `at` on (not `at` itself), forwards or backwards, for which `test` holds; -1 when there is none. */
export function next(
  entries: Entry[],
  at: number,
  step: 1 | -1,
  test: (entry: Entry) => boolean,
): number {
  for (let i = at + step; i >= 0 && i < entries.length; i += step) {
    const entry = entries[i];
    if (entry && test(entry)) return i;
  }
  return -1;
}
