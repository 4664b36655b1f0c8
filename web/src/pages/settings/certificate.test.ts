// The certificate warns a month ahead.
import { expect, it } from "vitest";
import { standing } from "./certificate";

const DAY = 86_400_000_000;
const NOW = 1_700_000_000_000;

it.each([
  [31 * DAY, "good", 31],
  [30 * DAY, "good", 30],
  [29.5 * DAY, "soon", 29],
  [DAY / 2, "soon", 0],
  [-1, "over", -1],
])("with %i microseconds left it is %s", (left, state, days) => {
  expect(standing(NOW * 1000 + left, NOW)).toEqual({ state, days });
});
