// Who still waits, in words.
import { expect, it } from "vitest";
import type { Approval } from "./approval";
import { base } from "./made.fixture";
import { inGroups, inNumbers, whoWaits } from "./waits";

const held: Approval = {
  ...base,
  may_decide: true,
  expires: 7_200_000_000,
  waiting: 1,
  client: "psql",
};

it.each<[Partial<Approval>, string | null]>([
  [{}, "ada's psql is waiting; it runs as soon as you approve."],
  [{ client: null }, "ada's client is waiting; it runs as soon as you approve."],
  [{ may_decide: false }, "ada's psql is waiting; it runs as soon as it is approved."],
  [{ people: 2 }, "ada's psql is waiting; it runs as soon as it is approved."],
  [{ connect: true }, "ada's psql is waiting to connect; it is let in as soon as you approve."],
  [
    { connect: true, waiting: 3 },
    "3 of ada's clients are waiting to connect; one of them is let in as soon as you approve.",
  ],
  [
    { principal: "service:ci", protocol: "http", client: "curl" },
    "ci's curl is waiting; the request is sent as soon as you approve.",
  ],
  [
    { waiting: 0 },
    "Nobody waits any more: approving lets ada run exactly this once, within 1 h 59 min, by asking for it again.",
  ],
  [
    { waiting: 0, connect: true },
    "Nobody waits any more: approving lets ada connect once, within 1 h 59 min, by asking for it again.",
  ],
  [
    { waiting: 0, protocol: "http" },
    "No connection is held open for it: approving lets ada send exactly this once, within 1 h 59 min, by asking for it again.",
  ],
  [
    { waiting: 0, state: "approved" },
    "Nobody waits any more: it runs once when ada asks again, within 1 h 59 min.",
  ],
  // Asked ahead, over, or given for longer than one run.
  [{ waiting: undefined }, null],
])("%j", (changes, words) => {
  expect(whoWaits({ ...held, ...changes }, 60_000)).toBe(words);
});

it("tells what waits from what nobody waits for", () => {
  const waiting = [0, 1, null, 3, 0].map((n, at) => ({ ...held, id: `a-${at}`, waiting: n }));
  const groups = inGroups(waiting);
  expect(groups.flatMap((g) => g.approvals.map((a) => a.id)).join()).toBe("a-1,a-3,a-2,a-0,a-4");
  expect(inNumbers(groups)).toBe("2 waiting now, 1 asked ahead, 2 whose client has gone");
});
