// Highlighting keeps every character and knows Cedar's words.
import { expect, it } from "vitest";
import { highlight } from "./highlight";
import { type LanguageName, loadLanguage } from "./languages";

const POLICY = `@id("dba-reads") // all of it
permit (principal in Group::"dba", action == Action::"read", resource)
when { context.rows < 100 && true };`;

const SAMPLES: Record<LanguageName, string> = {
  sql: "SELECT id, 'x' FROM customers -- all\nWHERE id = 1;",
  http: "GET /people?x=1 HTTP/1.1\nhost: reports.example.com\n\n",
  json: '{"a": [1, true, null]}',
  yaml: "kind: User\nname: ada\ngroups: [engineering]\n",
  cedar: POLICY,
};

it.each(Object.entries(SAMPLES))("%s keeps its text and gets colours", async (name, text) => {
  const pieces = highlight(text, await loadLanguage(name as LanguageName));
  expect(pieces.map((p) => p.text).join("")).toBe(text);
  expect(pieces.some((p) => p.classes !== "")).toBe(true);
});

it("knows the words of Cedar", async () => {
  const pieces = highlight(POLICY, await loadLanguage("cedar"));
  const classOf = (text: string) => pieces.find((p) => p.text === text)?.classes;
  expect(classOf("permit")).toBe("tok-keyword");
  expect(classOf("when")).toBe("tok-keyword");
  expect(classOf("Group")).toBe("tok-typeName");
  expect(classOf('"dba"')).toBe("tok-string");
  expect(classOf("principal")).toBe("tok-propertyName");
  expect(classOf("@id")).toBe("tok-meta");
  expect(classOf("100")).toBe("tok-number");
  expect(classOf("// all of it")).toBe("tok-comment");
});

it("takes no name of a column for a keyword, and a parameter for one piece", async () => {
  const text = "SELECT id, name FROM customers WHERE value = $12 AND id=$1";
  const pieces = highlight(text, await loadLanguage("sql"));
  expect(pieces.map((p) => p.text).join("")).toBe(text);
  const keywords = pieces.filter((p) => p.classes === "tok-keyword").map((p) => p.text);
  expect(keywords).toEqual(["SELECT", "FROM", "WHERE", "AND"]);
  const numbers = pieces.filter((p) => p.classes === "tok-number").map((p) => p.text);
  expect(numbers).toEqual(["$12", "$1"]);
});
