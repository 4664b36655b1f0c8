// Differences are grouped, what opens up first.
import { expect, it } from "vitest";
import { type Difference, repeated, turns } from "./differences";

const one = (before: string, after: string) =>
  ({ before: { decision: before }, after: { decision: after } }) as unknown as Difference;

it("groups by what it went from and to", () => {
  const found = turns([
    one("allow", "deny"),
    one("allow", "deny"),
    one("deny", "allow"),
    one("ask", "ask"),
  ]);
  expect(found.map((t) => [t.id, t.count])).toEqual([
    ["deny-allow", 1],
    ["ask-ask", 1],
    ["allow-deny", 2],
  ]);
});

it("takes repetitions as one, with the newest", () => {
  const ran = (op: number, principal: string, after = "deny") => ({
    ...one("allow", after),
    operation: { op, text: "SELECT 1", principal, connection: "shop" },
  });
  const found = repeated([
    ran(4, "user:ada"),
    ran(3, "user:dana"),
    ran(2, "user:ada"),
    ran(1, "user:ada", "ask"),
  ] as Difference[]);
  expect(found.map((r) => [r.newest.operation.op, r.times])).toEqual([
    [4, 2],
    [3, 1],
    [1, 1],
  ]);
});
