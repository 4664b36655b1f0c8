// Helpers that turn values into what people read.
import { describe, expect, it } from "vitest";
import { bytes, count, counted } from "./numbers";
import { resolveRange } from "./range";
import { duration, relative, utc } from "./time";
import { pieces, visible } from "./visible";

it.each([
  [850, "850 µs"],
  [6_800, "6.8 ms"],
  [2_400_000, "2.4 s"],
  [59_700_000, "1 min"],
  [185_000_000, "3 min 5 s"],
  [7_800_000_000, "2 h 10 min"],
  [86_400_000_000 * 3 + 4 * 3_600_000_000, "3 d 4 h"],
])("duration of %d microseconds", (micros, expected) => {
  expect(duration(micros)).toBe(expected);
});

it.each([
  [0, "0 B"],
  [1_536, "1.5 KiB"],
  [1_048_570, "1 MiB"],
  [24_117_248, "23 MiB"],
])("size of %d bytes", (n, expected) => {
  expect(bytes(n)).toBe(expected);
});

it("counts", () => {
  expect([count(12345), counted(1, "row"), counted(0, "row")]).toEqual([
    "12,345",
    "1 row",
    "0 rows",
  ]);
});

const NOW = Date.UTC(2026, 10, 23, 12);
it.each([
  [0, "just now"],
  [20, "in a moment"],
  [-300, "5 min ago"],
  [7200, "in 2 hr"],
  [-86_400, "yesterday"],
])("%d seconds from now", (seconds, expected) => {
  expect(relative((NOW + seconds * 1000) * 1000, NOW)).toBe(expected);
});

it("shows UTC", () => {
  expect(utc(NOW * 1000)).toBe("2026-11-23 12:00:00.000Z");
});

describe("visible", () => {
  it.each([
    ["SELECT 1\n\tFROM t", "SELECT 1\n\tFROM t"],
    ["a\r\nb", "a\nb"],
    ["a\rb", "a⟨CR⟩b"],
    ["\u001b[31m", "⟨ESC⟩[31m"],
    ["x\u202ey\u2066z", "x⟨U+202E⟩y⟨U+2066⟩z"],
    ["zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"],
    ["lone \ud800", "lone ⟨U+D800⟩"],
    ["tag \u{e0041}", "tag ⟨U+E0041⟩"],
    ["Grüße, 世界 👍", "Grüße, 世界 👍"],
  ])("%j", (text, expected) => {
    expect(visible(text)).toBe(expected);
    const joined = pieces(text).map((p) => (p.odd ? `⟨${p.text}⟩` : p.text));
    expect(joined.join("")).toBe(expected);
  });
});

describe("resolveRange", () => {
  it("counts back from the minute", () => {
    const now = NOW + 12_345;
    expect(resolveRange({ range: "1h" }, now)).toEqual({ from: (NOW - 3_600_000) * 1000 });
  });

  it("takes exact ends", () => {
    expect(resolveRange({ from: "5", to: "9" }, NOW)).toEqual({ from: 5, to: 9 });
  });

  it("ignores what is no time", () => {
    expect(resolveRange({ range: "long", from: "x" }, NOW)).toEqual({});
  });
});
