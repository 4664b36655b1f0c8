// What of a long text is left out.
import { expect, it } from "vitest";
import { foldOf } from "./fold";

const shown = (text: string, rows: number) => {
  const fold = foldOf(text, rows);
  return fold && [text.slice(0, fold.from), text.slice(fold.until), fold.whole, fold.hidden];
};

const lines = (n: number) => Array.from({ length: n }, (_, at) => `line ${at + 1}`).join("\n");

it("shows what is short whole", () => {
  expect(foldOf("", 4)).toBeNull();
  expect(foldOf(lines(6), 4)).toBeNull();
});

it("keeps the beginning and the end of many lines", () => {
  expect(shown(lines(152), 4)).toEqual([
    "line 1\nline 2\n",
    "line 151\nline 152",
    "152 lines",
    "148 lines",
  ]);
  expect(shown(`${lines(9)}\n`, 4)?.slice(2)).toEqual(["9 lines", "5 lines"]);
});

it("keeps the beginning and the end of one long line", () => {
  const text = `UPDATE ${"x".repeat(2_000)} WHERE id = 1`;
  const [start, end, whole] = shown(text, 4) ?? [];
  expect([start?.startsWith("UPDATE x"), whole]).toEqual([true, "2,020 characters"]);
  expect(start?.length).toBeLessThanOrEqual(160);
  expect(end?.endsWith("WHERE id = 1")).toBe(true);
});

it("cuts no line in two unless it is very long", () => {
  const text = Array.from({ length: 50 }, (_, at) => `${at} ${"x".repeat(100)}`).join("\n");
  const [start, end] = shown(text, 6) ?? [];
  expect([start?.endsWith("x\n"), end?.startsWith("48 x")]).toEqual([true, true]);
});

it("counts characters where they are in few lines", () => {
  const text = `SELECT 1;\n${"x".repeat(5_000)}\n${lines(20)}`;
  expect(shown(text, 8)?.[2]).toBe("5,161 characters");
});

it("cuts no word in two where it can be helped", () => {
  const text = `x IN (${Array.from({ length: 500 }, (_, at) => 1_000 + at)})`;
  const [start, end] = shown(text, 4) ?? [];
  expect([start?.slice(-6), end?.slice(0, 5)]).toEqual([
    expect.stringMatching(/,\d{4},$/),
    expect.stringMatching(/^\d{4},$/),
  ]);
});

it("cuts no character in two", () => {
  const text = `x${"😀".repeat(500)}`;
  const fold = foldOf(text, 4);
  expect(text.slice(0, fold?.from)).not.toMatch(/\p{Cs}/u);
  expect(text.slice(fold?.until)).not.toMatch(/\p{Cs}/u);
});
