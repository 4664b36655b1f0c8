// Pages of a list that came as a whole.
import { expect, it } from "vitest";
import { pageOf } from "./usePaged";

it("cuts a list into pages", () => {
  const all = [1, 2, 3, 4, 5];
  expect(pageOf(all, undefined, 2)).toEqual({ rows: [1, 2], older: "2" });
  expect(pageOf(all, "4", 2)).toEqual({ rows: [5], older: null });
  expect(pageOf(all, "9", 2)).toEqual({ rows: [1, 2], older: "2" });
  expect(pageOf(undefined, "2", 2)).toEqual({ rows: undefined, older: null });
});
