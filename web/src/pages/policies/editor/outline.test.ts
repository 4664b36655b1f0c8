// Policies are found by their words, not by what comments and texts say.
import { expect, it } from "vitest";
import { outline } from "./outline";

it("names policies, their effect, message and line", () => {
  const text = `// permit (nobody);
@id("eng-reads")
permit (principal, action, resource)
when { context.reason == "permit; \\"forbid\\"" };

@id("no-drop") @message("never \\"ever\\"")
forbid (principal, action == Action::"sql:drop_database", resource);
permit (principal, action, resource);
`;
  expect(outline(text, "a.cedar")).toEqual([
    { id: "eng-reads", effect: "permit", line: 2, message: undefined },
    { id: "no-drop", effect: "forbid", line: 6, message: 'never "ever"' },
    { id: "a.cedar:8", effect: "permit", line: 8, message: undefined },
  ]);
});

it.each(["", "permit", "@id(", 'permit (principal == User::"a'])("survives %j", (text) => {
  expect(outline(text, "a.cedar").length).toBeLessThan(2);
});
