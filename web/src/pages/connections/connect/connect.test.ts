// What clients are told reads back as what was meant, whatever the names are.
import { describe, expect, it } from "vitest";
import { conninfo, jdbcUrl, url } from "./addresses";
import { clientsOf, sluiceConnect, sluiceLogin } from "./clients";
import { pgpass, service } from "./postgres";
import {
  conninfoValue,
  oneLine,
  pathPart,
  pgpassField,
  rustQuoted,
  shellWord,
  wholeAddress,
} from "./quote";
import { address, type Connection, type Reach, reach } from "./reach";

const PLAIN: Reach = {
  protocol: "postgres",
  name: "shop",
  host: "gw.example.com",
  port: "6432",
  database: "shop",
  account: "app",
  accounts: ["app"],
  authority: "sluice-ca.pem",
  url: "https://gw.example.com:9443/c/shop",
  site: null,
  console: "https://gw.example.com:8443",
};
const ODD: Reach = {
  ...PLAIN,
  host: "fd00::1",
  database: "shop/it's a:db\\",
  account: "a$b",
  authority: null,
};
/** Everything that a client is shown, as one text. */
const shown = (protocol: string, id: string, way: Reach) =>
  clientsOf(protocol)
    .find((client) => client.id === id)
    ?.snippets(way)
    .map(({ code }) => code)
    .join("\n");

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

it.each([
  ["shop/other", "shop/other"],
  ["a:b$c d?", "a:b$c%20d%3F"],
])("a database in an address: %s", (text, expected) => {
  expect(pathPart(text)).toBe(expected);
});

it.each([
  ["::1", "0:0:0:0:0:0:0:1"],
  ["fd00::a:1", "fd00:0:0:0:0:0:a:1"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["10.0.0.1", "10.0.0.1"],
  ["gw.example.com", "gw.example.com"],
])("a host: %s", (host, whole) => {
  expect(wholeAddress(host)).toBe(whole);
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
      jdbcUrl,
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
      "postgresql://a%24b@[fd00::1]:6432/shop/it's%20a:db%5C?sslmode=verify-full&sslrootcert=system",
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

describe("where systems trust the gateway by themselves", () => {
  const known: Reach = { ...PLAIN, authority: null };
  it.each([
    ["psql", "sslrootcert=/etc/ssl/certs/ca-certificates.crt"],
    ["url", "sslrootcert=/etc/ssl/certs/ca-certificates.crt"],
    ["jdbc", "DefaultJavaSSLFactory"],
    ["python", "certifi.where()"],
    ["node", "ssl: true"],
  ])("%s is told so", (id, expected) => {
    expect(shown("postgres", id, known)).toContain(expected);
  });
  it.each(["go", "rust", "node"])("%s needs no word of it", (id) => {
    expect(shown("postgres", id, known)).not.toContain("sslrootcert");
    expect(shown("postgres", id, known)).not.toContain("sluice-ca");
  });
});

describe("services", () => {
  it("are asked by address", () => {
    expect(shown("http", "curl", PLAIN)).toBe(
      'curl --cacert sluice-ca.pem --oauth2-bearer "$SLUICE_TOKEN" https://gw.example.com:9443/c/shop/\n',
    );
  });
  it.each(["curl", "httpie", "python", "node"])("%s names one of several accounts", (id) => {
    const header = /sluice-account/i;
    expect(shown("http", id, PLAIN)).not.toMatch(header);
    expect(shown("http", id, { ...PLAIN, accounts: ["app", "other"] })).toMatch(header);
  });
  it("are opened by browsers where they have an origin of their own", () => {
    expect(shown("http", "browser", { ...PLAIN, site: "https://shop.gw.example.com:9443" })).toBe(
      "https://shop.gw.example.com:9443/",
    );
  });
});

it("sluice is told where to sign in, and the account that was chosen", () => {
  expect(sluiceLogin(PLAIN)).toBe(
    "SLUICE_CA=sluice-ca.pem sluice login --url https://gw.example.com:8443",
  );
  expect(sluiceLogin(ODD)).toBe("sluice login --url https://gw.example.com:8443");
  expect(sluiceConnect({ ...PLAIN, database: "shop/a b" })).toBe("sluice connect 'shop/a b'");
  expect(sluiceConnect({ ...PLAIN, accounts: ["first", "app"] })).toBe(
    "sluice connect shop --account app",
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
  const here = { hostname: "gw", origin: "https://gw:8443" };
  const list = { connections: [info], listen: { postgres: "0.0.0.0:6432" }, ca_pem: "PEM" };

  it("names another database after the connection", () => {
    expect(reach(list, info, here, {})).toMatchObject({ database: "shop", account: "app" });
    expect(reach(list, info, here, { database: "other" })?.database).toBe("shop/other");
    expect(reach(list, info, here, { account: "owner" })?.account).toBe("owner");
  });
  it("needs no path on a listener of its own, and no file for a known certificate", () => {
    const own = reach({ ...list, ca_pem: null }, { ...info, listen: "0.0.0.0:7000" }, here, {});
    const url = "https://gw:7000";
    expect(own).toMatchObject({ url, site: url, authority: null });
  });
  it("gives browsers the connection's own host where it has one", () => {
    const web = { ...info, protocol: "http", host: "shop.gw.example.com" } as Connection;
    const way = reach({ ...list, listen: { http: "0.0.0.0:9443" } }, web, here, {});
    expect(way).toMatchObject({
      url: "https://gw:9443/c/shop",
      site: "https://shop.gw.example.com:9443",
    });
  });
  it("is nowhere without a listener", () => {
    expect(reach({ ...list, listen: {} }, info, here, {})).toBeNull();
  });
});
