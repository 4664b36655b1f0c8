// Typed names.
import { expect, it } from "vitest";
import { meant, perhaps } from "./people";

const KNOWN = ["user:ada", "user:farid", "service:ci", "user:ci"];

it.each([
  ["farid", "user:farid"],
  [" Farid ", "user:farid"],
  ["user:ada", "user:ada"],
  ["ci", "user:ci"],
  ["far", "user:far"],
  ["", ""],
])("takes %j for %j", (typed, principal) => {
  expect(meant(typed, KNOWN)).toBe(principal);
});

it.each([
  ["ci", ["service:ci", "user:ci"]],
  ["service:ada", ["user:ada"]],
  ["far", ["user:farid"]],
  ["user:ada", []],
  ["zoe", []],
])("offers for %j %j", (typed, offered) => {
  expect(perhaps(typed, KNOWN)).toEqual(offered);
});
