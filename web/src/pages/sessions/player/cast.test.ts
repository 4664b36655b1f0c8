// Terminal recordings: their times, and finding words in what they printed.
import { expect, it } from "vitest";
import { parseCast, printed, sameMoment, search, withoutIdle } from "./cast";

const V2 = [
  '{"version": 2, "width": 100, "height": 30, "title": "deploy"}',
  '[0.5, "o", "$ make de"]',
  '[1.0, "i", "ignored"]',
  '[1.5, "o", "ploy\\r\\n\\u001b[3"]',
  '[9.5, "o", "1mFAILED\\u001b[0m at step 3\\r\\n"]',
  '[10, "o", "half a li',
].join("\n");

const V3 = [
  '{"version": 3, "term": {"cols": 80, "rows": 24}}',
  "# a comment",
  '[0.5, "o", "one "]',
  '[1.0, "o", "two"]',
].join("\n");

it("reads both versions", () => {
  expect(parseCast(V2)).toMatchObject({ version: 2, title: "deploy", columns: 100, rows: 30 });
  expect(parseCast(V3).events).toEqual([
    [0.5, "o", "one "],
    [1.5, "o", "two"],
  ]);
});

it.each(["", "hello", '{"version": 1}', '{"version": 2, "width": 1, "height": 1}'])(
  "refuses %j",
  (text) => {
    expect(() => parseCast(text)).toThrow(/recording/);
  },
);

it("finds words across pieces, without what steers the terminal", () => {
  const text = printed(parseCast(V2).events);
  expect(text.plain).toBe("$ make deploy\nFAILED at step 3\n");
  expect(search(text, "DEPLOY")).toEqual([
    { at: 1.5, before: "$ make ", found: "deploy", after: "" },
  ]);
  expect(search(text, "failed")).toMatchObject([{ at: 9.5, after: " at step 3" }]);
  expect(search(text, ".")).toEqual([]);
});

it("leaves waits out and still knows where it is", () => {
  const { events } = parseCast(V2);
  const short = withoutIdle(events, 2);
  expect(short.map(([at]) => at)).toEqual([0.5, 1.5, 3.5]);
  expect(sameMoment(9.6, events, short)).toBe(3.5);
  expect(sameMoment(0, short, events)).toBe(0);
});
