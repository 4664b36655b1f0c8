// Times and lengths of time in words. The API counts microseconds since the epoch.

export const MICROS_PER_SECOND = 1_000_000;

const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

const words = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

const pad = (n: number, width = 2) => String(n).padStart(width, "0");

/** `5 min. ago`, `in 2 hr.`, `just now`. */
export function relative(micros: number, nowMs: number): string {
  const seconds = (micros / 1000 - nowMs) / 1000;
  if (Math.abs(seconds) < 45) return seconds > 5 ? "in a moment" : "just now";
  const [unit, length] = STEPS.find(([, l]) => Math.abs(seconds) >= l * 0.75) ?? ["minute", 60];
  return words.format(Math.round(seconds / length), unit).replace(".", "");
}

/** `2026-11-23 17:17:33.416`, in the reader's own time zone. */
export function exact(micros: number): string {
  const d = new Date(micros / 1000);
  const day = `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
  const time = `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
  return `${day} ${time}.${pad(d.getMilliseconds(), 3)}`;
}

/** The same instant in UTC, for comparing with the log. */
export function utc(micros: number): string {
  return new Date(micros / 1000).toISOString().replace("T", " ");
}

/** `850 µs`, `6.8 ms`, `2.4 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(micros: number): string {
  if (micros === 0) return "0 s";
  if (micros < 1_000) return `${Math.round(micros)} µs`;
  if (micros < MICROS_PER_SECOND) return `${short(micros / 1_000)} ms`;
  const seconds = micros / MICROS_PER_SECOND;
  if (seconds < 59.5) return `${short(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3_600) return two(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  if (minutes < 1_440) return two(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function short(n: number): string {
  return n < 10 ? String(Math.round(n * 10) / 10) : String(Math.round(n));
}

function two(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small > 0 ? `${big} ${bigUnit} ${small} ${smallUnit}` : `${big} ${bigUnit}`;
}
