// Held operations that never ran.
import { expect, it } from "vitest";
import type { Outcome } from "./events";
import { isFailed } from "./find";
import { notRun } from "./notRun";
import type { Operation } from "./record";

const op = (how: string | null, outcome?: Outcome) =>
  ({
    hold: how && { ended: { how, by: [] } },
    answered: outcome ? { outcome } : null,
  }) as unknown as Operation;

it.each([
  ["a denied one", op("denied", { cut: "not forwarded" }), "Denied"],
  ["one that nobody decided", op("timed out"), "Nobody decided in time"],
  ["one of a later gateway", op("moved"), "It does not wait any more: moved"],
])("says why %s did not run, and counts it as no failure", (_, held, why) => {
  expect(notRun(held)).toBe(why);
  expect(isFailed(held)).toBe(false);
});

it.each([
  ["an approved one", op("approved", { cut: "the session was ended" })],
  ["one that the policies let in", op("not needed any more", { failed: "no" })],
  ["one that never waited", op(null, { failed: "division by zero" })],
])("leaves %s to its outcome", (_, ran) => {
  expect(notRun(ran)).toBeNull();
  expect(isFailed(ran)).toBe(true);
});
