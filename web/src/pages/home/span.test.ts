// The overview's numbers.
import { expect, it } from "vitest";
import { decisionsPerMinute, rate, spanOf, stepName, totals } from "./span";

const point = (at: number, allowed: number, asked: number, denied: number) => ({
  at,
  allowed,
  asked,
  denied,
  denied_by_people: 1,
  failed: 1,
  masked_values: 10,
});
const overview = {
  busiest: [],
  held: 0,
  live_sessions: 0,
  log: { behind: 0, gaps: 0, root: "", size: 0 },
  points: [point(0, 10, 5, 0), point(300, 0, 0, 20)],
  step_seconds: 300,
};

it("scales decisions to a minute", () => {
  expect(decisionsPerMinute(overview)).toEqual([
    { at: 0, allowed: 2, asked: 1, denied: 0 },
    { at: 300, allowed: 0, asked: 0, denied: 4 },
  ]);
});

it("adds up", () => {
  expect(totals(overview)).toEqual({
    decisions: 35,
    asked: 5,
    denied: 20,
    byPeople: 2,
    failed: 2,
    masked: 20,
  });
});

it("takes an unknown range for the shortest one", () => {
  expect([spanOf("7d").seconds, spanOf("x").value, spanOf(undefined).value]).toEqual([
    604_800,
    "1h",
    "1h",
  ]);
});

it("shows rates and steps in few characters", () => {
  expect([0, 0.2467, 3.51, 99, 1234.5].map(rate)).toEqual(["0", "0.25", "3.5", "99", "1,235"]);
  expect([30, 60, 300, 3_600, 7_200, 86_400].map(stepName)).toEqual([
    "30 s",
    "minute",
    "5 min",
    "hour",
    "2 h",
    "day",
  ]);
});
