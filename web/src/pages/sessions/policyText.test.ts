// One policy out of a file of several.
import { expect, it } from "vitest";
import { findPolicy } from "./policyText";

const FILE = `// Who may do what; see the docs.
@id("reads")
permit (principal, action in Action::"read", resource);

@id("no-drop") @message("never; ask a DBA")
forbid (principal, action == Action::"sql:drop", resource) // @id("wrong");
;

// without a name, unlike @id("reads")
permit (principal, action, resource);
`;

it.each([
  ["reads", /^\/\/ Who may[\s\S]*@id\("reads"\)[\s\S]*resource\);$/],
  ["no-drop", /^@id\("no-drop"\)[\s\S]*\n;$/],
  ["shop.cedar:10", /^\/\/ without a name.*\npermit/],
])("finds %s", (id, text) => {
  expect(findPolicy("shop.cedar", FILE, id)).toMatch(text);
});

it("finds nothing where there is nothing", () => {
  expect(findPolicy("shop.cedar", FILE, "writes")).toBeNull();
});
