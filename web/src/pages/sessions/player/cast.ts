// Reads terminal recordings (asciicast, version 2 and 3): their events for the player, their text for the search.

/** When, in seconds from the beginning; what (`o` printed, `r` resized, `m` marked); and the text of it. */
export type CastEvent = [at: number, code: string, data: string];

export interface Cast {
  version: 2 | 3;
  title: string;
  columns: number;
  rows: number;
  events: CastEvent[];
}

/** What was printed, without control sequences, and when. */
export interface Printed {
  plain: string;
  /** Where in `plain` each piece begins, and its time in seconds; both only ever rise. */
  starts: number[];
  times: number[];
}

export interface Match {
  /** In seconds. */
  at: number;
  before: string;
  found: string;
  after: string;
}

const PLAYED = new Set(["o", "r", "m"]);
const MAX_MATCHES = 200;
const CONTEXT = 40;

// What steers a terminal: CSI, OSC and other strings, single escapes, and controls other than line feeds.
const STEERING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose.
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|[\x00-\x09\x0b-\x1f\x7f]/g;

/** Throws an error in words where it is no recording. */
export function parseCast(source: string): Cast {
  const lines = source.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const header = parseLine(lines[0] ?? "") as Record<string, unknown> | null;
  const version = header?.version;
  if (!header || (version !== 2 && version !== 3)) {
    throw new Error("This is no terminal recording in the asciicast format, version 2 or 3.");
  }
  const term = (version === 3 ? header.term : { cols: header.width, rows: header.height }) as
    | { cols?: unknown; rows?: unknown }
    | undefined;
  const events: CastEvent[] = [];
  let time = 0;
  for (const line of lines.slice(1)) {
    const event = parseLine(line);
    // The end of a recording that was cut off is no reason to refuse the rest.
    if (!Array.isArray(event) || typeof event[0] !== "number") continue;
    time = version === 3 ? time + event[0] : event[0];
    const [, code, data] = event;
    if (PLAYED.has(code) && typeof data === "string") events.push([time, code, data]);
  }
  if (events.length === 0) throw new Error("Nothing was printed in this recording.");
  return {
    version,
    title: typeof header.title === "string" ? header.title : "",
    columns: Number(term?.cols) || 80,
    rows: Number(term?.rows) || 24,
    events,
  };
}

/** The same events without waits of more than so many seconds. */
export function withoutIdle(events: CastEvent[], most: number): CastEvent[] {
  let before = 0;
  let left = 0;
  return events.map(([at, code, data]) => {
    left += Math.max(at - before - most, 0);
    before = at;
    return [at - left, code, data];
  });
}

/** A time of some events as the time of the same events told otherwise, which have their own times. */
export function sameMoment(at: number, events: CastEvent[], others: CastEvent[]): number {
  const index = events.findLastIndex((event) => event[0] <= at);
  return others[index]?.[0] ?? 0;
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** What the events printed. */
export function printed(events: CastEvent[]): Printed {
  const pieces = events
    .filter(([, code]) => code === "o")
    .map(([at, , data]) => [at, data] as const);
  // A control sequence may be cut in two, so all of it is looked at as one text.
  const raw = pieces.map(([, text]) => text).join("");
  const rawStarts: number[] = [];
  let offset = 0;
  for (const [, text] of pieces) {
    rawStarts.push(offset);
    offset += text.length;
  }
  const starts: number[] = [];
  let plain = "";
  let end = 0;
  let piece = 0;
  const take = (to: number) => {
    for (; piece < rawStarts.length && (rawStarts[piece] ?? 0) < to; piece += 1) {
      starts.push(plain.length + Math.max((rawStarts[piece] ?? 0) - end, 0));
    }
    plain += raw.slice(end, to);
  };
  for (const match of raw.matchAll(STEERING)) {
    take(match.index);
    end = match.index + match[0].length;
  }
  take(raw.length);
  while (starts.length < pieces.length) starts.push(plain.length);
  return { plain, starts, times: pieces.map(([time]) => time) };
}

/** Where the words were printed, whatever the case: at most the first 200. */
export function search(text: Printed, words: string): Match[] {
  if (words === "") return [];
  const pattern = new RegExp(words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi");
  const found: Match[] = [];
  for (const match of text.plain.matchAll(pattern)) {
    const end = match.index + match[0].length;
    found.push({
      at: timeOf(text, end - 1),
      before: lastLine(text.plain.slice(Math.max(match.index - CONTEXT, 0), match.index)),
      found: match[0],
      after: firstLine(text.plain.slice(end, end + CONTEXT)),
    });
    if (found.length === MAX_MATCHES) break;
  }
  return found;
}

/** When the character at this place was printed. */
function timeOf({ starts, times }: Printed, at: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return times[low - 1] ?? 0;
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf("\n") + 1);
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end < 0 ? text : text.slice(0, end);
}
