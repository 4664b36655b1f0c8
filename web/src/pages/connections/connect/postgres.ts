// How the usual clients of PostgreSQL are told to connect through the gateway.
import {
  addressHost,
  conninfoValue,
  oneLine,
  pgpassField,
  quoted,
  rustQuoted,
  shellWord,
} from "./quote";
import type { Reach } from "./reach";
import type { Client, Snippet } from "./snippet";

/** `host=... port=...`, as libpq and pgx read it. */
export function conninfo(reach: Reach): string {
  const values = [
    ["host", reach.host],
    ["port", reach.port],
    ["dbname", reach.database],
    ["user", reach.account],
    ["sslmode", "verify-full"],
    ["sslrootcert", reach.authority ?? "system"],
  ];
  return values.map(([key, value]) => `${key}=${conninfoValue(value ?? "")}`).join(" ");
}

export function url(reach: Reach): string {
  const part = encodeURIComponent;
  const query = `sslmode=verify-full&sslrootcert=${part(reach.authority ?? "system")}`;
  const at = `${addressHost(reach.host)}:${reach.port}`;
  return `postgresql://${part(reach.account)}@${at}/${part(reach.database)}?${query}`;
}

export function jdbc(reach: Reach): string {
  const part = encodeURIComponent;
  const trust = reach.authority
    ? `sslrootcert=${part(reach.authority)}`
    : "sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory";
  const at = `${addressHost(reach.host)}:${reach.port}`;
  const query = `user=${part(reach.account)}&sslmode=verify-full&${trust}`;
  return `jdbc:postgresql://${at}/${part(reach.database)}?${query}`;
}

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
    `sslrootcert=${reach.authority ? `/path/to/${reach.authority}` : "system"}`,
  ];
  return `${lines.join("\n")}\n`;
}

function python(reach: Reach): string {
  const root = reach.authority ?? "system";
  return `import os
import psycopg

with psycopg.connect(
    host=${quoted(reach.host)},
    port=${reach.port},
    dbname=${quoted(reach.database)},
    user=${quoted(reach.account)},
    password=os.environ["SLUICE_TOKEN"],
    sslmode="verify-full",
    sslrootcert=${quoted(root)},
) as connection:
    print(connection.execute("select current_user").fetchone())
`;
}

function node(reach: Reach): string {
  const read = reach.authority ? 'import { readFileSync } from "node:fs";\n' : "";
  const ssl = reach.authority ? `{ ca: readFileSync(${quoted(reach.authority)}, "utf8") }` : "true";
  return `${read}import pg from "pg";

const client = new pg.Client({
  host: ${quoted(reach.host)},
  port: ${reach.port},
  database: ${quoted(reach.database)},
  user: ${quoted(reach.account)},
  password: process.env.SLUICE_TOKEN,
  ssl: ${ssl},
});
await client.connect();
`;
}

function go(reach: Reach): string {
  // Go takes the system's authorities where none are named.
  const told = reach.authority ? conninfo(reach) : conninfo(reach).replace(/ sslrootcert=\S+$/, "");
  return `config, err := pgx.ParseConfig(${quoted(told)})
if err != nil {
	return err
}
config.Password = os.Getenv("SLUICE_TOKEN")
connection, err := pgx.ConnectConfig(ctx, config)
`;
}

function sqlx(reach: Reach): string {
  const root = reach.authority ? `\n    .ssl_root_cert(${rustQuoted(reach.authority)})` : "";
  return `let options = PgConnectOptions::new()
    .host(${rustQuoted(reach.host)})
    .port(${reach.port})
    .database(${rustQuoted(reach.database)})
    .username(${rustQuoted(reach.account)})
    .password(&std::env::var("SLUICE_TOKEN")?)
    .ssl_mode(PgSslMode::VerifyFull)${root};
let pool = PgPool::connect_with(options).await?;
`;
}

function tokioPostgres(reach: Reach): string {
  const root = reach.authority
    ? `
    .add_root_certificate(Certificate::from_pem(&std::fs::read(${rustQuoted(reach.authority)})?)?)`
    : "";
  return `let tls = TlsConnector::builder()${root}
    .build()?;
let (client, connection) = tokio_postgres::Config::new()
    .host(${rustQuoted(reach.host)})
    .port(${reach.port})
    .dbname(${rustQuoted(reach.database)})
    .user(${rustQuoted(reach.account)})
    .password(std::env::var("SLUICE_TOKEN")?)
    .ssl_mode(SslMode::Require)
    .connect(postgres_native_tls::MakeTlsConnector::new(tls))
    .await?;
tokio::spawn(connection);
`;
}

const shell = (code: string, title?: string): Snippet => ({ code, title });

export const POSTGRES: Client[] = [
  {
    id: "psql",
    name: "psql",
    note: "psql asks for the password: paste your token. It works the same for pg_dump, pgbench and everything else that uses libpq.",
    snippets: (reach) => [shell(`psql ${shellWord(conninfo(reach))}\n`)],
  },
  {
    id: "pgpass",
    name: ".pgpass",
    note: "With this line in ~/.pgpass nobody asks for the password. Put your token in place of TOKEN, and let nobody else read the file: chmod 600 ~/.pgpass",
    snippets: (reach) => [shell(pgpass(reach), "~/.pgpass")],
  },
  {
    id: "service",
    name: "pg_service.conf",
    note: "Gives all of it a name, so that psql needs no more than that.",
    snippets: (reach) => [
      shell(service(reach), "~/.pg_service.conf"),
      shell(`psql ${shellWord(`service=${conninfoValue(reach.name)}`)}\n`, "then"),
    ],
  },
  {
    id: "url",
    name: "URL",
    note: "For tools that take a database URL. The token is better kept out of it: most tools read it from PGPASSWORD.",
    snippets: (reach) => [
      shell(url(reach)),
      shell(`export DATABASE_URL=${shellWord(url(reach))}\n`, "in a shell"),
    ],
  },
  {
    id: "jdbc",
    name: "JDBC",
    note: (reach) =>
      reach.authority
        ? "The driver reads the authority from the PEM file itself. Where only a trust store will do, import it there and use sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory instead of sslrootcert."
        : "The driver trusts what the Java runtime trusts.",
    snippets: (reach) => [
      shell(jdbc(reach)),
      ...(reach.authority
        ? [
            shell(
              `keytool -importcert -noprompt -alias sluice -file ${reach.authority} -keystore truststore.p12 -storepass changeit\n`,
              "into a trust store",
            ),
          ]
        : []),
    ],
  },
  { id: "python", name: "Python", note: "With psycopg 3.", snippets: (r) => [shell(python(r))] },
  { id: "node", name: "Node", note: "With pg.", snippets: (r) => [shell(node(r))] },
  { id: "go", name: "Go", note: "With pgx 5.", snippets: (r) => [shell(go(r))] },
  {
    id: "rust",
    name: "Rust",
    note: "With sqlx, or with tokio-postgres and native-tls.",
    snippets: (r) => [shell(sqlx(r), "sqlx"), shell(tokioPostgres(r), "tokio-postgres")],
  },
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
