// How long a replay waits between two entries.

export const SPEEDS = ["1", "2", "5", "max"] as const;
export type Speed = (typeof SPEEDS)[number];

// Longer waits are idle time; with "skip idle" they take this long.
const IDLE_MS = 1_000;
// Nothing can be seen that is shown for less time than this.
const LEAST_MS = 150;

/** From one time to a later one, both in microseconds. */
export function waitMs(at: number, after: number, speed: Speed, skipIdle: boolean): number {
  if (speed === "max") return LEAST_MS;
  const recorded = Math.max(after - at, 0) / 1000;
  const counted = skipIdle ? Math.min(recorded, IDLE_MS) : recorded;
  return Math.max(counted / Number(speed), LEAST_MS);
}
