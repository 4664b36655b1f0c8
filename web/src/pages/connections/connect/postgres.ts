// How the usual clients of PostgreSQL are told to connect through the gateway.
import { conninfo, SYSTEM, url } from "./addresses";
import { JDBC, PROGRAMS } from "./programs";
import { conninfoValue, oneLine, pgpassField, shellWord } from "./quote";
import type { Reach } from "./reach";
import { type Client, file, shell } from "./snippet";

/** Where Debian and its kin have them in a file, which every libpq can read. */
const DEBIAN = "/etc/ssl/certs/ca-certificates.crt";

const OLD_LIBPQ = `sslrootcert=${SYSTEM} needs libpq 16 (psql --version says which you have). An older one, and the one inside psycopg[binary], takes your system's file instead: ${DEBIAN} on Debian, Ubuntu and Alpine, /etc/pki/tls/certs/ca-bundle.crt on Fedora and Red Hat, /etc/ssl/cert.pem on macOS.`;

/** A note, and what to know where the system's authorities are meant. */
const withOld = (note: string) => (reach: Reach) =>
  reach.authority ? note : `${note} ${OLD_LIBPQ}`;

export function pgpass(reach: Reach): string {
  const fields = [reach.host, reach.port, reach.database, reach.account].map(pgpassField);
  return `${fields.join(":")}:TOKEN\n`;
}

export function service(reach: Reach): string {
  const lines = [
    `[${reach.name}]`,
    `host=${reach.host}`,
    `port=${reach.port}`,
    `dbname=${oneLine(reach.database)}`,
    `user=${reach.account}`,
    "sslmode=verify-full",
    `sslrootcert=${reach.authority ? `/path/to/${reach.authority}` : SYSTEM}`,
  ];
  return `${lines.join("\n")}\n`;
}

export const POSTGRES: Client[] = [
  {
    id: "psql",
    name: "psql",
    note: withOld(
      "psql asks for the password: paste your token. It works the same for pg_dump, pgbench and everything else that uses libpq.",
    ),
    snippets: (reach) =>
      reach.authority
        ? [{ code: `psql ${shellWord(conninfo(reach))}\n` }]
        : [
            shell("psql 16 and newer", `psql ${shellWord(conninfo(reach))}`),
            shell("older, on Debian and Ubuntu", `psql ${shellWord(conninfo(reach, DEBIAN))}`),
          ],
  },
  {
    id: "pgpass",
    name: ".pgpass",
    note: "With this line in ~/.pgpass nobody asks for the password. Put your token in place of TOKEN, and let nobody else read the file: libpq does not look into it otherwise.",
    snippets: (reach) => [file("~/.pgpass", pgpass(reach)), shell("then", "chmod 600 ~/.pgpass")],
  },
  {
    id: "service",
    name: "pg_service.conf",
    note: (reach) =>
      reach.authority
        ? `Gives all of it a name, so that psql needs no more than that, in any folder: put the one that has ${reach.authority} in place of /path/to.`
        : `Gives all of it a name, so that psql needs no more than that. ${OLD_LIBPQ}`,
    snippets: (reach) => [
      file("~/.pg_service.conf", service(reach)),
      shell("then", `psql ${shellWord(`service=${conninfoValue(reach.name)}`)}`),
    ],
  },
  {
    id: "url",
    name: "URL",
    note: (reach) =>
      reach.authority
        ? "For tools that take a database URL. The token is better kept out of it: most tools read it from PGPASSWORD."
        : `For tools that take a database URL. The token is better kept out of it: most tools read it from PGPASSWORD. Tools without libpq, such as those in Node, Go and Rust, trust the system by themselves, or take a file: leave &sslrootcert=${SYSTEM} out for them. ${OLD_LIBPQ}`,
    snippets: (reach) => [
      { code: url(reach) },
      shell("in a shell", `export DATABASE_URL=${shellWord(url(reach))}`),
      ...(reach.authority
        ? []
        : [
            shell(
              "without libpq 16, on Debian and Ubuntu",
              `export DATABASE_URL=${shellWord(url(reach, DEBIAN))}`,
            ),
          ]),
    ],
  },
  JDBC,
  ...PROGRAMS,
  {
    id: "gui",
    name: "DBeaver",
    note: "What to fill in, in DBeaver, DataGrip, pgAdmin and TablePlus. In DBeaver the certificate goes into SSL, CA certificate.",
    snippets: () => [],
    values: (reach) => [
      ["Host", reach.host],
      ["Port", reach.port],
      ["Database", reach.database],
      ["User name", reach.account],
      ["SSL mode", "verify-full"],
      ...(reach.authority ? ([["CA certificate", reach.authority]] as [string, string][]) : []),
    ],
  },
];
