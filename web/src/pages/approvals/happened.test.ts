// What a dialog says once there is nothing left to decide.
import { expect, it } from "vitest";
import type { Approval } from "./approval";
import { canStill, happened } from "./happened";
import { base } from "./made.fixture";

const approval = (changes: object): Approval => ({ ...base, ...changes });
const lee = { principal: "user:lee", groups: ["dba"] };
const given = [{ by: "user:dana", groups: ["dba"], at: 0 }];
const once = { scope: "once" };

it.each<[object, string]>([
  [
    { state: "denied", refusal: "user:dana: not on a Friday" },
    "Denied by user:dana: not on a Friday",
  ],
  [{ state: "cancelled" }, "Withdrawn: ada took it back, or does not wait any more."],
  [{ state: "expired" }, "Nobody decided it in time, and it has ended."],
  [{ state: "approved", given, scope: once }, "Approved by user:dana for one run."],
  [
    { state: "spent", given, scope: once },
    "Approved by user:dana for one run; it is used or was ended.",
  ],
  [
    { given: [{ ...given[0], by: "user:lee" }] },
    "You have agreed already. Somebody else has to agree as well.",
  ],
])("%j", (changes, words) => {
  expect(happened(approval(changes), lee)).toBe(words);
});

it("knows what can still be done", () => {
  const open = approval({ may_decide: true });
  const window = approval({ state: "approved", scope: { scope: "window", until: 9_000_000 } });
  expect([canStill("approve", open, 0), canStill("deny", base, 0)]).toEqual([true, false]);
  expect([canStill("takeBack", base, 0), canStill("end", base, 0)]).toEqual([true, false]);
  expect([canStill("end", window, 8_000), canStill("end", window, 9_500)]).toEqual([true, false]);
});
