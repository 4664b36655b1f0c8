// What the replay shows of bodies, how fast it plays, and which rows are in sight.
import { expect, it } from "vitest";
import type { Part } from "../record/record";
import { bodyOf } from "./body";
import { waitMs } from "./pace";
import { windowOf } from "./useWindow";

const part = (text: string, capped = false): Part => ({
  at: 0,
  side: "target",
  content: { text },
  capped,
});

it("lays out JSON that came in parts", () => {
  const body = bodyOf([part('{"a":'), part("[1]}")], "target", "application/problem+json");
  expect(body).toEqual({ text: '{\n  "a": [\n    1\n  ]\n}', language: "json", capped: false });
});

it.each([
  ["cut off", '{"a":', true],
  ["with a number too large to hold", '{"id":12345678901234567890}', false],
])("leaves JSON as it is when it is %s", (_, text, capped) => {
  expect(bodyOf([part(text, capped)], "target", "application/json")?.text).toBe(text);
});

it("has no body for a side that sent none", () => {
  expect(bodyOf([part("x")], "caller", "")).toBeNull();
});

it.each([
  [0, 10_000_000, "1", false, 10_000],
  [0, 10_000_000, "1", true, 1_000],
  [0, 10_000_000, "5", true, 200],
  [0, 10_000_000, "max", false, 150],
  [5, 4, "2", true, 150],
] as const)("from %d to %d at %s waits", (at, after, speed, skip, expected) => {
  expect(waitMs(at, after, speed, skip)).toBe(expected);
});

it("makes only the rows in sight", () => {
  expect(windowOf(50_000, 500, 50, 10_000)).toEqual({ first: 992, last: 1_018 });
  expect(windowOf(0, 500, 50, 3)).toEqual({ first: 0, last: 3 });
  expect(windowOf(90_000, 500, 50, 10)).toEqual({ first: 10, last: 10 });
});
