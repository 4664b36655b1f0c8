// What the values of an operation are called, and how JSON is laid out.
import { describe, expect, it } from "vitest";
import type { Approval } from "./approval";
import { laidOut } from "./json";
import { valuesOf } from "./named";

const of = (protocol: string, parameters: (string | null)[]) =>
  valuesOf({ protocol, parameters } as Approval);

describe("valuesOf", () => {
  it("numbers what is bound to a statement", () => {
    expect(of("postgres", ["1", null])).toEqual([
      { name: "$1", text: "1" },
      { name: "$2", text: null },
    ]);
  });

  it("tells the header of a request from its body", () => {
    const header = "content-type: text/plain\nif-match: 7";
    expect(of("http", [header, "a: b"]).map((v) => v.name)).toEqual(["Header", "Body"]);
    expect(of("http", [header]).map((v) => v.name)).toEqual(["Header"]);
    expect(of("http", ['{"a":1}'])).toEqual([
      { name: "Body", text: '{\n  "a": 1\n}', language: "json" },
    ]);
  });
});

describe("laidOut", () => {
  it.each([
    ["not json", null],
    ['"text"', null],
    ["{,}", null],
    ["{}", "{}"],
    [' { "a" : [ ] } ', '{\n  "a": []\n}'],
    [
      '{"a":[1,"x, {y}: \\" z"],"b":null}',
      '{\n  "a": [\n    1,\n    "x, {y}: \\" z"\n  ],\n  "b": null\n}',
    ],
    // What reading it would lose.
    ['{"n":1,"n":12345678901234567890}', '{\n  "n": 1,\n  "n": 12345678901234567890\n}'],
  ])("%s", (text, shown) => {
    expect(laidOut(text)).toBe(shown);
  });
});
