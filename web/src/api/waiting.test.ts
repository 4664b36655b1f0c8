// What waits, counted.
import { expect, it } from "vitest";
import type { Schemas } from "./client";
import { forMe, held } from "./waiting";

const asked = (more: object) => ({ state: "pending", may_decide: true, ...more });
const some = [
  asked({ waiting: 1 }),
  asked({ waiting: 2, may_decide: false }),
  asked({ waiting: 0 }),
  asked({ waiting: null }),
  asked({ state: "approved", waiting: 1 }),
] as Schemas["ApprovalInfo"][];

it("tells clients that wait from those that have gone", () => {
  expect(held(some)).toEqual({ now: 2, gone: 1 });
});

it("counts what the caller may decide", () => {
  expect(forMe(some)).toHaveLength(3);
  expect(forMe(undefined)).toBeUndefined();
});
