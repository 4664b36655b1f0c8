// Ranges of time as they stand in the query string: `range=24h`, or `from=` and `to=` in microseconds.

export const RANGES = [
  { value: "1h", label: "Last hour", ms: 3_600_000 },
  { value: "6h", label: "Last 6 hours", ms: 21_600_000 },
  { value: "24h", label: "Last day", ms: 86_400_000 },
  { value: "7d", label: "Last 7 days", ms: 604_800_000 },
  { value: "30d", label: "Last 30 days", ms: 2_592_000_000 },
];

export interface RangeValues {
  range?: string;
  from?: string;
  to?: string;
}

export interface Range {
  from?: number;
  to?: number;
}

const MINUTE_MS = 60_000;

/** The ends in microseconds. What counts back from now is rounded to the minute, so that queries stay the same. */
export function resolveRange(values: RangeValues, nowMs = Date.now()): Range {
  const back = RANGES.find((r) => r.value === values.range);
  if (back) {
    const minute = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
    return { from: (minute - back.ms) * 1000 };
  }
  const range: Range = {};
  const from = Number(values.from || Number.NaN);
  const to = Number(values.to || Number.NaN);
  if (Number.isSafeInteger(from)) range.from = from;
  if (Number.isSafeInteger(to)) range.to = to;
  return range;
}

/** Microseconds as a field for local date and time wants them, and back. */
export function toField(micros: string | undefined): string {
  if (!micros || !Number.isFinite(Number(micros))) return "";
  const date = new Date(Number(micros) / 1000);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * MINUTE_MS);
  return local.toISOString().slice(0, 16);
}

export function fromField(text: string): string {
  const ms = new Date(text).getTime();
  return Number.isNaN(ms) ? "" : String(ms * 1000);
}
