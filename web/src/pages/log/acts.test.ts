// What the log's acts are about.
import { expect, it } from "vitest";
import { diffOf, sizeOf, subjectHref } from "./acts";

it.each([
  ["s-01m84pkeav1wxzvg9v7m", "/sessions/s-01m84pkeav1wxzvg9v7m"],
  ["a-7k3m9q2x4c", "/approvals/a-7k3m9q2x4c"],
  ["user:ada", "/people/user%3Aada"],
  ["Connection shop", "/connections/shop"],
  ["t-4e8v7m2n5c3b", undefined],
])("%s leads to %s", (subject, href) => {
  expect(subjectHref(subject)).toBe(href);
});

it("knows a difference when it sees one", () => {
  expect(diffOf("resource.update", " a\n-b\n+c\n(the rest is not kept)")).toEqual([
    " a",
    "-b",
    "+c",
    " (the rest is not kept)",
  ]);
  expect(diffOf("resource.update", "changed by hand")).toBeNull();
  expect(diffOf("token.create", "-b")).toBeNull();
  expect(sizeOf([" a", "-b", "+c", "+d"])).toBe("+2 −1");
});
