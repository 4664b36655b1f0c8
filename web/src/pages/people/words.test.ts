// Words and filters of the people pages.
import { describe, expect, it } from "vitest";
import { issuerOf, kindOf, matching, nameOf, type Token, tokenState } from "./words";

it("takes principals apart", () => {
  expect([kindOf("agent:a:b"), nameOf("agent:a:b")]).toEqual(["agent", "a:b"]);
});

describe("tokenState", () => {
  const token: Token = {
    id: "t-1",
    principal: "user:ada",
    purpose: "access",
    created: 0,
    expires: 5_000_000,
    valid: true,
  };
  it.each([
    [{}, "valid"],
    [{ revoked: 1 }, "revoked"],
    [{ valid: false }, "off"],
    [{ expires: 1_000_000 }, "expired"],
  ])("%j is %s", (changes, label) => {
    expect(tokenState({ ...token, ...changes }, 2_000).label).toBe(label);
  });
});

it("finds what holds all words", () => {
  const rows = [
    { a: "Ada", b: "dba" },
    { a: "Kim", b: null },
  ];
  const find = (typed?: string) => matching(rows, typed, (r) => [r.a, r.b])?.map((r) => r.a);
  expect(find(" DBA ada ")).toEqual(["Ada"]);
  expect(find(undefined)).toEqual(["Ada", "Kim"]);
  expect(matching(undefined, "x", () => [])).toBeUndefined();
});

it("reads a trusted issuer, whatever is missing", () => {
  expect(issuerOf(null)).toEqual({ issuer: "", preset: "", audiences: [], rules: [] });
  expect(
    issuerOf({ preset: "github-actions", audiences: ["x"], rules: [{ when: "a", service: "s" }] }),
  ).toMatchObject({ preset: "github-actions", rules: [{ when: "a", service: "s", groups: [] }] });
});
