// What approvals say in words.
import { describe, expect, it } from "vitest";
import {
  type Approval,
  blastRadius,
  endOf,
  groupsAsked,
  holds,
  stateOf,
  timeLeft,
  whoMustAgree,
  whyNot,
} from "./approval";
import { base } from "./made.fixture";

const approval = (changes: object): Approval => ({ ...base, ...changes });
const dana = { principal: "user:dana", groups: ["dba"] };

describe("whoMustAgree", () => {
  it.each([
    [[["dba"]], 1, "one of dba"],
    [[["dba"], ["legal", "security"]], 1, "one of dba, or one of legal and one of security"],
    [[["dba"]], 2, "one of dba; 2 people altogether"],
    [[["legal", "security"]], 2, "one of legal and one of security"],
    [[[]], 2, "anybody else; 2 people altogether"],
  ])("%j of %i", (group_sets, people, words) => {
    expect(whoMustAgree(approval({ group_sets, people }))).toBe(words);
  });
});

describe("whyNot", () => {
  it("says nothing to who may decide, nor once it is decided", () => {
    expect(whyNot(approval({ may_decide: true }), dana)).toBeNull();
    expect(whyNot(approval({ state: "denied" }), dana)).toBeNull();
  });

  it.each([
    [{ principal: "user:dana" }, /your own request. Somebody in dba/],
    [{ principal: "agent:bot", owner: "user:dana" }, /answer for the agent/],
    [{ given: [{ by: "user:dana", groups: ["dba"], at: 0 }] }, /agreed already/],
    [{ group_sets: [["legal"], ["security"]] }, /legal or security, and you are in none/],
  ])("%j", (changes, words) => {
    expect(whyNot(approval(changes), dana)).toMatch(words);
  });
});

it("lists each asked group once", () => {
  expect(groupsAsked(approval({ group_sets: [["b", "a"], ["b"]] }))).toEqual(["a", "b"]);
});

it("knows when something ends, and whether it holds", () => {
  const window = approval({ state: "approved", scope: { scope: "window", until: 9_000_000 } });
  expect(endOf(window)).toBe(9_000_000);
  expect([holds(window, 8_000), holds(window, 9_500)]).toEqual([true, false]);
  const session = approval({ state: "approved", scope: { scope: "session", session: "s-1" } });
  expect(endOf(session)).toBeNull();
  expect(holds(session, 99_000)).toBe(true);
  expect(stateOf(window, 9_500).label).toBe("over");
});

it("warns of many rows", () => {
  expect(blastRadius(approval({}))).toBeNull();
  expect(blastRadius(approval({ estimated_rows: 1 }))).toEqual({
    words: "about 1 row",
    tone: "plain",
  });
  expect(blastRadius(approval({ estimated_rows: 1204 }))).toEqual({
    words: "about 1,204 rows",
    tone: "warn",
  });
  expect(blastRadius(approval({ estimated_rows: 2_000_000 }))?.tone).toBe("danger");
});

it("counts down", () => {
  expect(timeLeft(90_000_000, 1_000)).toBe("1 min 29 s");
  expect(timeLeft(5_000_000, 6_000)).toBe("no time");
});
