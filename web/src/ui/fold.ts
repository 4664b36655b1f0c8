// Leaves out the middle of a long text: its beginning and its end are what tells most.
import { count, counted } from "./numbers";

// What is longer than a line on a telephone takes several rows there, however few line ends it has.
const WIDTH = 80;
// The second half of a character, and the last place where words may part.
const MARKS = /[\uDC00-\uDFFF]/;
const BREAK = /[\s,;()](?!.*[\s,;()])/;
const WORD = 40;

export interface Fold {
  /** Where the middle begins and ends. */
  from: number;
  until: number;
  /** How much the text is altogether, and how much of it the middle is. */
  whole: string;
  hidden: string;
}

/** The middle of a text that takes more than so many rows; null where all of it may as well be shown. */
export function foldOf(text: string, rows: number): Fold | null {
  const starts = rowStarts(text);
  const head = Math.ceil(rows / 2);
  const tail = rows - head;
  // A button in place of two rows saves nothing.
  if (starts.length <= rows + 2) return null;
  const from = lineEnd(text, starts[head] ?? 0);
  const until = lineStart(text, starts[starts.length - tail] ?? text.length);
  if (from >= until) return null;
  const cut = text.slice(from, until);
  // Lines say nothing of how much there is where they are long.
  const inLines = cut.length <= linesOf(cut) * 2 * WIDTH;
  const amount = (part: string) =>
    inLines ? counted(linesOf(part), "line") : `${count(part.length)} characters`;
  return { from, until, whole: amount(text), hidden: amount(cut) };
}

const linesOf = (text: string) => text.replace(/\n$/, "").split("\n").length;

// A line is shown whole unless most of it would be too much.
const NEAR = 3 * WIDTH;

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at - 1) + 1;
  return end > 0 && end - at <= NEAR ? end : at;
}

function lineStart(text: string, at: number): number {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  return start > 0 && at - start <= NEAR ? start : at;
}

/** Where each row of the text begins. */
function rowStarts(text: string): number[] {
  const starts: number[] = [];
  let at = 0;
  while (at < text.length) {
    starts.push(at);
    const end = text.indexOf("\n", at);
    const line = end === -1 ? text.length : end + 1;
    at = line - at > WIDTH + 1 ? wordEnd(text, at) : line;
  }
  return starts;
}

/** Where a row that begins here ends: half a number would be another number, half a character none. */
function wordEnd(text: string, at: number): number {
  const end = at + WIDTH;
  const last = BREAK.exec(text.slice(end - WORD, end));
  if (last) return end - WORD + last.index + 1;
  return MARKS.test(text[end] ?? "") ? end + 1 : end;
}
