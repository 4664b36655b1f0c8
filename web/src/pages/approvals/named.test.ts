// What the values of an operation are called, and how JSON is laid out.
import { describe, expect, it } from "vitest";
import type { Approval } from "./approval";
import { laidOut } from "./json";
import { valuesOf } from "./named";

const of = (...parameters: Approval["parameters"]) => valuesOf({ parameters } as Approval);

describe("valuesOf", () => {
  it("calls what is bound to a statement as the gateway does", () => {
    expect(of({ name: "$1", value: "1" }, { name: "$2", value: null })).toEqual([
      { name: "$1", text: "1" },
      { name: "$2", text: null },
    ]);
  });

  it("tells the header of a request from its body", () => {
    const header = ["content-type: text/plain", "if-match: 7"].map((value) => ({
      name: "header",
      value,
    }));
    expect(of(...header, { name: "body", value: "a: b" })).toEqual([
      { name: "Header", text: "content-type: text/plain\nif-match: 7" },
      { name: "Body", text: "a: b" },
    ]);
    expect(of({ name: "body", value: '{"a":1}' })).toEqual([
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
