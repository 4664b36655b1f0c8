// Values put at places, and problems found by field.
import { expect, it } from "vitest";
import { byField, get, set } from "./form";

it.each([
  ["a field", {}, ["a"], 1, { a: 1 }],
  ["a deep field", {}, ["a", "b"], 1, { a: { b: 1 } }],
  ["an item", { l: [{ a: 1 }] }, ["l", 0, "a"], 2, { l: [{ a: 2 }] }],
  ["one more item", { l: [1] }, ["l", 1], 2, { l: [1, 2] }],
])("puts %s", (_, from, path, value, expected) => {
  expect(set(from as never, path, value)).toEqual(expected);
  expect(get(expected as never, path)).toBe(value);
});

it.each([
  ["a field", { a: 1, b: 2 }, ["a"], { b: 2 }],
  ["a group with its last field", { a: { b: 1 }, c: 1 }, ["a", "b"], { c: 1 }],
  ["an item", { l: [1, 2] }, ["l", 0], { l: [2] }],
  ["a field of an item, which stays", { l: [{ a: 1 }] }, ["l", 0, "a"], { l: [{}] }],
])("takes away %s", (_, from, path, expected) => {
  expect(set(from as never, path, undefined)).toEqual(expected);
});

it("finds the field of a problem", () => {
  const text = "kind: Connection\naccounts:\n  - {name: a b}\n";
  const problem = { file: "f.yaml", line: 3, column: 12, message: "no" };
  expect([...byField(text, "f.yaml", [problem])]).toEqual([["accounts.0.name", "no"]]);
  expect(byField(text, "g.yaml", [problem]).size).toBe(0);
  const missing = { ...problem, message: 'the setting "username" is missing' };
  expect([...byField(text, "f.yaml", [missing]).keys()]).toEqual(["accounts.0.username"]);
});
