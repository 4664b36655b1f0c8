// What clients are told reads back as what was meant, whatever the names are.
import { describe, expect, it } from "vitest";
import { clientsOf, sluiceConnect } from "./clients";
import { HTTP } from "./http";
import { conninfo, jdbc, pgpass, service, url } from "./postgres";
import { conninfoValue, oneLine, pgpassField, rustQuoted, shellWord } from "./quote";
import { address, type Connection, type Reach, reach } from "./reach";

const PLAIN: Reach = {
  protocol: "postgres",
  name: "shop",
  host: "gw.example.com",
  port: "6432",
  database: "shop",
  account: "app",
  authority: "sluice-ca.pem",
  url: "https://gw.example.com:9443/c/shop",
};
const ODD: Reach = {
  ...PLAIN,
  host: "fd00::1",
  database: "shop/it's a:db\\",
  account: "a$b",
  authority: null,
};

it.each([
  ["shop/x", "shop/x"],
  ["", "''"],
  ["a b", "'a b'"],
  ["it's $HOME", "'it'\\''s $HOME'"],
  ["a;b", "'a;b'"],
  ["`id`", "'`id`'"],
])("a word of a shell: %s", (text, expected) => {
  expect(shellWord(text)).toBe(expected);
});

it.each([
  ["shop", "shop"],
  ["", "''"],
  ["a b", "'a b'"],
  ["it's", "'it\\'s'"],
  ["a\\b", "'a\\\\b'"],
])("a value of a connection string: %s", (text, expected) => {
  expect(conninfoValue(text)).toBe(expected);
});

it("a field of .pgpass, a line of a file, a text in Rust", () => {
  expect(pgpassField("a:b\\c")).toBe("a\\:b\\\\c");
  expect(oneLine("a\nb=c")).toBe("a b=c");
  expect(rustQuoted('a"b\u0001\b')).toBe('"a\\"b\\u{0001}\\u{8}"');
});

describe("PostgreSQL", () => {
  it.each([
    [
      "conninfo",
      conninfo,
      "host=gw.example.com port=6432 dbname=shop user=app sslmode=verify-full sslrootcert=sluice-ca.pem",
    ],
    [
      "URL",
      url,
      "postgresql://app@gw.example.com:6432/shop?sslmode=verify-full&sslrootcert=sluice-ca.pem",
    ],
    [
      "JDBC",
      jdbc,
      "jdbc:postgresql://gw.example.com:6432/shop?user=app&sslmode=verify-full&sslrootcert=sluice-ca.pem",
    ],
    [".pgpass", pgpass, "gw.example.com:6432:shop:app:TOKEN\n"],
  ])("%s", (_, make, expected) => {
    expect(make(PLAIN)).toBe(expected);
  });

  it.each([
    [
      "conninfo",
      conninfo,
      "host=fd00::1 port=6432 dbname='shop/it\\'s a:db\\\\' user=a$b sslmode=verify-full sslrootcert=system",
    ],
    [
      "URL",
      url,
      "postgresql://a%24b@[fd00::1]:6432/shop%2Fit's%20a%3Adb%5C?sslmode=verify-full&sslrootcert=system",
    ],
    [".pgpass", pgpass, "fd00\\:\\:1:6432:shop/it's a\\:db\\\\:a$b:TOKEN\n"],
  ])("%s with odd names", (_, make, expected) => {
    expect(make(ODD)).toBe(expected);
  });

  it("a service stays within its lines", () => {
    expect(service({ ...PLAIN, database: "shop/a\nsslmode=disable" })).toContain(
      "\ndbname=shop/a sslmode=disable\n",
    );
  });

  it("no client is shown a secret, and all of them know where to go", () => {
    for (const client of clientsOf("postgres").filter((c) => c.id !== "sluice")) {
      const shown = JSON.stringify([client.snippets(PLAIN), client.values?.(PLAIN)]);
      expect(shown, client.name).toContain("6432");
      expect(shown, client.name).not.toContain("undefined");
    }
  });
});

it("services are asked by address", () => {
  const curl = HTTP[0]?.snippets(PLAIN)[0]?.code;
  expect(curl).toBe(
    'curl --cacert sluice-ca.pem --oauth2-bearer "$SLUICE_TOKEN" https://gw.example.com:9443/c/shop/\n',
  );
  expect(sluiceConnect({ ...PLAIN, database: "shop/a b" }, true)).toContain(
    "sluice connect 'shop/a b' --account app -- psql\n",
  );
});

describe("reach", () => {
  it.each([
    ["127.0.0.1:6432", "gw", "127.0.0.1", "6432"],
    ["0.0.0.0:6432", "gw.example.com", "gw.example.com", "6432"],
    ["[::]:6432", "[fd00::1]", "fd00::1", "6432"],
    ["[::1]:6432", "gw", "::1", "6432"],
  ])("%s seen from %s", (listen, here, host, port) => {
    expect(address(listen, here)).toEqual({ host, port });
  });

  const info = {
    name: "shop",
    protocol: "postgres",
    accounts: ["app", "owner"],
    database: "shop",
  } as Connection;
  const list = { connections: [info], listen: { postgres: "0.0.0.0:6432" }, ca_pem: "PEM" };

  it("names another database after the connection", () => {
    expect(reach(list, info, "gw", {})).toMatchObject({ database: "shop", account: "app" });
    expect(reach(list, info, "gw", { database: "other" })?.database).toBe("shop/other");
    expect(reach(list, info, "gw", { account: "owner" })?.account).toBe("owner");
  });
  it("needs no path on a listener of its own, and no file for a known certificate", () => {
    const own = reach({ ...list, ca_pem: null }, { ...info, listen: "0.0.0.0:7000" }, "gw", {});
    expect(own).toMatchObject({ url: "https://gw:7000", authority: null });
  });
  it("is nowhere without a listener", () => {
    expect(reach({ ...list, listen: {} }, info, "gw", {})).toBeNull();
  });
});
