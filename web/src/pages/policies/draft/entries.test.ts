// Drafts: what counts as changed, how several resources of a file travel, where problems come home to.
import { expect, it } from "vitest";
import { type Draft, type Entry, pack, withEntry } from "./entries";

const entry = (
  kind: string,
  name: string,
  file: string,
  text: string | null,
  base = "x",
): Entry => ({
  kind,
  name,
  file,
  text,
  base,
});
const DRAFT: Draft = [
  entry("Policy", "a.cedar", "a.cedar", "permit"),
  entry("DataClass", "ssn", "classes.yaml", "kind: DataClass\nname: ssn\n"),
  entry("DataClass", "card", "classes.yaml", "kind: DataClass\nname: card"),
  entry("PolicyTest", "old", "tests.yaml", null),
];

it("what is as it was is no change", () => {
  const [policy] = DRAFT as [Entry];
  expect(withEntry(DRAFT, { ...policy, text: "x" })).toHaveLength(3);
  expect(withEntry(DRAFT, { ...policy, text: "other" })).toHaveLength(4);
  expect(withEntry([], { ...policy, text: null, base: "" })).toHaveLength(0);
  expect(withEntry([], { ...policy, text: null })).toHaveLength(1);
});

it("resources of one file are one file, and problems find the way back", () => {
  const { sent, home } = pack(DRAFT);
  expect(sent.files).toEqual([
    { name: "a.cedar", text: "permit\n" },
    {
      name: "classes.yaml",
      text: "kind: DataClass\nname: ssn\n---\nkind: DataClass\nname: card\n",
    },
  ]);
  expect(sent.delete).toEqual([{ kind: "PolicyTest", name: "old" }]);
  const at = (file: string, line: number) => {
    const found = home({ file, line, column: 1, message: "" });
    return [found.file, found.line];
  };
  expect(at("classes.yaml", 2)).toEqual(["DataClass/ssn", 2]);
  expect(at("classes.yaml", 5)).toEqual(["DataClass/card", 2]);
  expect(at("a.cedar", 1)).toEqual(["Policy/a.cedar", 1]);
  expect(at("a.cedar", 0)).toEqual(["Policy/a.cedar", 0]);
  expect(at("other.yaml", 3)).toEqual(["other.yaml", 3]);
});
