// Connections are found by words and by labels.
import { expect, it } from "vitest";
import type { Connection } from "./connect/reach";
import { find } from "./find";

const one = (name: string, environment: string, labels: Record<string, string>) =>
  ({ name, protocol: "postgres", environment, labels, accounts: ["app"] }) as unknown as Connection;
const ALL = [
  one("shop", "prod", { team: "payments" }),
  one("shop-staging", "staging", { team: "payments", region: "eu" }),
  one("crm", "prod", { team: "sales" }),
];

it.each([
  [{}, ["shop", "shop-staging", "crm"]],
  [{ q: "SHOP" }, ["shop", "shop-staging"]],
  [{ q: "shop eu" }, ["shop-staging"]],
  [{ environment: "prod" }, ["shop", "crm"]],
  [{ label: "team=payments" }, ["shop", "shop-staging"]],
  [{ label: "team=payments,region=eu" }, ["shop-staging"]],
  [{ protocol: "http" }, []],
])("%j finds %j", (wanted, names) => {
  expect(find(ALL, wanted).map((c) => c.name)).toEqual(names);
});
