// A request for approval, for tests.
import type { Approval } from "./approval";

export const base: Approval = {
  id: "a-1",
  principal: "user:ada",
  connection: "shop",
  account: "app",
  database: "shop",
  text: "DELETE FROM payments",
  parameters: [],
  group_sets: [["dba"]],
  people: 1,
  given: [],
  state: "pending",
  scope: {},
  may_decide: false,
  created: 0,
  expires: 5_000_000,
};
