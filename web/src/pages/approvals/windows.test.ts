// Lengths of windows.
import { expect, it } from "vitest";
import { presets, windowOf } from "./windows";

it("offers what is not longer than what was asked for", () => {
  expect(presets().map((p) => p.label)).toEqual(["15 min", "1 h", "2 h", "8 h"]);
  expect(presets(3_600).map((p) => p.value)).toEqual(["900", "3600"]);
});

it.each([
  [90, "minutes", 5_400],
  ["1.5", "hours", 5_400],
  [7, "days", 604_800],
] as const)("%s %s", (amount, unit, seconds) => {
  expect(windowOf(amount, unit)).toEqual({ seconds, error: null });
});

it("says what is wrong with a length", () => {
  expect(windowOf("", "hours").error).toBe("Say how long");
  expect(windowOf(0, "hours").error).toBe("Say how long");
  expect(windowOf(8, "days").error).toBe("At most 7 d");
  expect(windowOf(3, "hours", 7_200).error).toBe("At most 2 h");
});
