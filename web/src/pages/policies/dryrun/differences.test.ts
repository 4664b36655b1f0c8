// Differences are grouped, what opens up first.
import { expect, it } from "vitest";
import { type Difference, turns } from "./differences";

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
