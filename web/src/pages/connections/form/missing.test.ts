// What the form knows without asking.
import { expect, it } from "vitest";
import { misnamed, missing } from "./missing";

it("tells what is still empty", () => {
  const body = { name: "shop", protocol: "postgres", accounts: [{ default: true, username: "" }] };
  expect([...missing(body, true).keys()]).toEqual([
    "environment",
    "target.address",
    "accounts.0.name",
    "accounts.0.username",
  ]);
  expect([...missing({ ...body, accounts: [] }, true).keys()].at(-1)).toBe("accounts");
});

it("tells names that cannot be one", () => {
  const body = { name: "Bad Name!", accounts: [{ name: "app$" }, { name: "the owner" }] };
  expect([...misnamed(body).keys()]).toEqual(["name", "accounts.1.name"]);
});
