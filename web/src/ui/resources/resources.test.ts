// YAML that is printed and read, problems that find their field, differences that are folded.
import { describe, expect, it } from "vitest";
import { consent, decided } from "./decided";
import { after, fold } from "./diff";
import { lineOf } from "./problems";
import { fileOf } from "./resources";
import { parse, pathAt, print } from "./yaml";

const SHOP = {
  accounts: [
    {
      default: true,
      name: "app",
      password: { env: "SHOP_PASSWORD" },
      username: "shop_app",
    },
    { default: false, name: "owner", password: null, username: "shop_owner" },
  ],
  databases: null,
  environment: "prod",
  hold_timeout_seconds: 600,
  labels: { on: "yes", team: "payments" },
  name: "shop",
  protocol: "postgres",
  strict_masking: true,
  target: { address: "db:5432", ca_file: null, tls: "verify-full" },
};

const SHOP_TEXT = `kind: Connection
name: shop
protocol: postgres
environment: prod
labels: {on: "yes", team: payments}
target: {address: db:5432, tls: verify-full}
accounts:
  - {name: app, default: true, username: shop_app, password: {env: SHOP_PASSWORD}}
  - {name: owner, username: shop_owner}
`;

describe("print", () => {
  it("writes what people would write", () => {
    const printed = print("Connection", SHOP);
    expect(parse(printed).body).toMatchObject({
      labels: { on: "yes" },
      target: { tls: "verify-full" },
    });
    for (const gone of ["null", "strict_masking", "hold_timeout", "default: false"]) {
      expect(printed).not.toContain(gone);
    }
    expect(printed.startsWith("kind: Connection\nname: shop\nprotocol: postgres\n")).toBe(true);
    expect(printed).toContain("  - {name: owner, username: shop_owner}\n");
  });

  it("quotes what older readers of YAML take for something else", () => {
    const printed = print("DataClass", { name: "on", detectors: ["no"] });
    expect(printed).not.toMatch(/: on$|\[no\]/m);
  });
});

describe("parse", () => {
  it("reads a resource", () => {
    const read = parse(SHOP_TEXT);
    expect(read).toMatchObject({ kind: "Connection", name: "shop", documents: 1, marks: [] });
  });
  it("says where it cannot", () => {
    expect(parse("name: [a\nb: c").marks[0]?.line).toBeGreaterThan(0);
    expect(parse("").body).toBeNull();
    expect(parse("- a").body).toBeNull();
    expect(parse("a: 1\n---\nb: 2").documents).toBe(2);
  });
});

it.each([
  [2, 1, ["name"]],
  [2, 7, ["name"]],
  [6, 19, ["target", "address"]],
  [8, 12, ["accounts", 0, "name"]],
  [9, 30, ["accounts", 1, "username"]],
  [99, 1, []],
])("finds the field at %i:%i", (line, column, path) => {
  expect(pathAt(SHOP_TEXT, line, column)).toEqual(path);
});

it("folds what stays and gives back the text", () => {
  const lines = [...Array.from({ length: 10 }, (_, i) => ` ${i}`), "-old", "+new"];
  expect(fold(lines)).toEqual(["  ... 7 lines as they were", " 7", " 8", " 9", "-old", "+new"]);
  expect(after(lines).endsWith("8\n9\nnew\n")).toBe(true);
});

it("keeps the file that a resource came from", () => {
  const one = { kind: "DataClass", name: "ssn", body: {}, source: "data.yml" } as never;
  expect(fileOf("DataClass", "ssn", one)).toBe("data.yml");
  expect(fileOf("DataClass", "ssn")).toBe("data-classes/ssn.yaml");
});

it("names the place of a problem", () => {
  const problem = { file: "a.yaml", line: 3, column: 1, message: "no", help: 'did you mean "x"?' };
  expect(lineOf(problem, "a.yaml")).toBe('line 3: no (did you mean "x"?)');
  expect(lineOf(problem, "b.yaml")).toBe('a.yaml:3: no (did you mean "x"?)');
  const text = "kind: Connection\nname: shop\naccounts: [{default: true}]\n";
  const lacks = { file: "a.yaml", line: 3, column: 12, message: 'the setting "name" is missing' };
  expect(lineOf(lacks, "a.yaml", text)).toBe(
    'line 3: in accounts 1, the setting "name" is missing',
  );
  expect(lineOf({ file: "", line: 0, column: 0, message: "no" }, undefined)).toBe("no");
});

it("puts consent into words, and takes what it cannot read for a refusal", () => {
  expect(consent(decided({ decision: "ask", group_sets: [["dba"]], people: 1 }))).toBe(
    "somebody of dba",
  );
  expect(consent({ decision: "ask", group_sets: [["a", "b"], ["c"]], people: 2 })).toBe(
    "2 people of a and b, or of c",
  );
  expect(decided({}).decision).toBe("deny");
});
