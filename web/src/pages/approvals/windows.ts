// Lengths of windows that are offered, and those that people type.
import { MAX_WINDOW_SECONDS, seconds } from "./approval";

export interface Preset {
  value: string;
  label: string;
}

export const CUSTOM = "custom";

const UNITS = { minutes: 60, hours: 3_600, days: 86_400 } as const;
export type Unit = keyof typeof UNITS;
export const UNIT_NAMES = Object.keys(UNITS) as Unit[];

/** 15 min, 1 h, 2 h, 8 h: those that are not longer than `most`. */
export function presets(most = MAX_WINDOW_SECONDS): Preset[] {
  return [900, 3_600, 7_200, 28_800]
    .filter((s) => s <= most)
    .map((s) => ({ value: String(s), label: seconds(s) }));
}

/** So many seconds, or why not. */
export function windowOf(
  amount: number | string,
  unit: Unit,
  most = MAX_WINDOW_SECONDS,
): { seconds: number; error: null } | { seconds: null; error: string } {
  const n = typeof amount === "number" ? amount : Number.parseFloat(amount);
  if (!Number.isFinite(n) || n <= 0) return { seconds: null, error: "Say how long" };
  const total = Math.round(n * UNITS[unit]);
  if (total < 1) return { seconds: null, error: "Say how long" };
  if (total > most) return { seconds: null, error: `At most ${seconds(most)}` };
  return { seconds: total, error: null };
}
