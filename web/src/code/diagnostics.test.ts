// Marks land where the problem is, also when the text has changed since.
import { Text } from "@codemirror/state";
import { expect, it } from "vitest";
import { diagnostics } from "./diagnostics";

const doc = Text.of(["permit (", "  principle", ");"]);

it.each([
  ["a word", { line: 2, column: 3 }, { from: 11, to: 20 }],
  ["a whole line", { line: 2, column: 0 }, { from: 9, to: 20 }],
  ["the whole text", { line: 0, column: 0 }, { from: 0, to: 8 }],
  ["a line that is gone", { line: 9, column: 1 }, { from: 21, to: 22 }],
  ["a column that is gone", { line: 1, column: 99 }, { from: 8, to: 8 }],
])("marks %s", (_, place, expected) => {
  expect(diagnostics(doc, [{ ...place, message: "m" }])).toMatchObject([expected]);
});
