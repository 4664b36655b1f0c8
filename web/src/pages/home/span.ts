// The lengths of time that the overview can look back.

import type { Answer } from "@/api/query";
import type { Point } from "@/ui/Chart";

export const SPANS = [
  { value: "1h", label: "1 h", seconds: 3_600 },
  { value: "6h", label: "6 h", seconds: 21_600 },
  { value: "24h", label: "24 h", seconds: 86_400 },
  { value: "7d", label: "7 d", seconds: 604_800 },
  { value: "30d", label: "30 d", seconds: 2_592_000 },
] as const;

export type Span = (typeof SPANS)[number];

export function spanOf(value: string | undefined): Span {
  return SPANS.find((s) => s.value === value) ?? SPANS[0];
}

type Overview = Answer<"/v1/overview">;

/** Decisions scaled to a minute, so that ranges with longer steps can be compared. */
export function decisionsPerMinute({ points, step_seconds: step }: Overview): Point[] {
  const perMinute = (n: number) => (n * 60) / Math.max(step, 1);
  return points.map(({ at, allowed, asked, denied }) => ({
    at,
    allowed: perMinute(allowed),
    asked: perMinute(asked),
    denied: perMinute(denied),
  }));
}

export interface Totals {
  decisions: number;
  asked: number;
  denied: number;
  /** Of what waited: those that somebody said no to. */
  byPeople: number;
  failed: number;
  masked: number;
}

export function totals({ points }: Overview): Totals {
  const sum = { decisions: 0, asked: 0, denied: 0, byPeople: 0, failed: 0, masked: 0 };
  for (const p of points) {
    sum.decisions += p.allowed + p.asked + p.denied;
    sum.asked += p.asked;
    sum.denied += p.denied;
    sum.byPeople += p.denied_by_people;
    sum.failed += p.failed;
    sum.masked += p.masked_values;
  }
  return sum;
}

/** `0`, `0.25`, `3.5`, `120`: a rate with as many digits as say something. */
export function rate(n: number): string {
  if (n >= 100) return new Intl.NumberFormat("en").format(Math.round(n));
  return String(Number(n.toPrecision(2)));
}

/** `minute`, `5 min`, `hour`, `day`: the length of a step, after "per". */
export function stepName(seconds: number): string {
  const whole: Record<number, string> = { 1: "second", 60: "minute", 3600: "hour", 86400: "day" };
  const name = whole[seconds];
  if (name) return name;
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3_600 ? `${Math.round(seconds / 60)} min` : `${rate(seconds / 3_600)} h`;
}
