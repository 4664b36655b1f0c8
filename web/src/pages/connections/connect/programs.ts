// Programs that ask PostgreSQL through the gateway, each whole: what to install, the file, how to run it.
import { conninfo, jdbcUrl } from "./addresses";
import { quoted, rustQuoted, shellWord } from "./quote";
import type { Reach } from "./reach";
import { type Client, file, shell } from "./snippet";

function java(reach: Reach): string {
  return `import java.sql.DriverManager;

class Ask {
    public static void main(String[] arguments) throws Exception {
        var url = ${quoted(jdbcUrl(reach))};
        var token = System.getenv("SLUICE_TOKEN");
        try (var connection = DriverManager.getConnection(url, ${quoted(reach.account)}, token);
             var rows = connection.createStatement().executeQuery("select current_user")) {
            rows.next();
            System.out.println(rows.getString(1));
        }
    }
}
`;
}

function python(reach: Reach): string {
  // The libpq in the package looks for the system's authorities where no system has them.
  const root = reach.authority ? quoted(reach.authority) : "certifi.where()";
  return `import os
${reach.authority ? "" : "import certifi\n"}import psycopg

with psycopg.connect(
    host=${quoted(reach.host)},
    port=${reach.port},
    dbname=${quoted(reach.database)},
    user=${quoted(reach.account)},
    password=os.environ["SLUICE_TOKEN"],
    sslmode="verify-full",
    sslrootcert=${root},
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
console.log((await client.query("select current_user")).rows);
await client.end();
`;
}

function go(reach: Reach): string {
  return `package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
)

func main() {
	ctx := context.Background()
	config, err := pgx.ParseConfig(${quoted(conninfo(reach, reach.authority))})
	if err != nil {
		log.Fatal(err)
	}
	config.Password = os.Getenv("SLUICE_TOKEN")
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close(ctx)
	var who string
	if err := connection.QueryRow(ctx, "select current_user").Scan(&who); err != nil {
		log.Fatal(err)
	}
	fmt.Println(who)
}
`;
}

function sqlx(reach: Reach): string {
  const root = reach.authority ? `\n        .ssl_root_cert(${rustQuoted(reach.authority)})` : "";
  return `use sqlx::postgres::{PgConnectOptions, PgPool, PgSslMode};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = PgConnectOptions::new()
        .host(${rustQuoted(reach.host)})
        .port(${reach.port})
        .database(${rustQuoted(reach.database)})
        .username(${rustQuoted(reach.account)})
        .password(&std::env::var("SLUICE_TOKEN")?)
        .ssl_mode(PgSslMode::VerifyFull)${root};
    let pool = PgPool::connect_with(options).await?;
    let who: String = sqlx::query_scalar("select current_user")
        .fetch_one(&pool)
        .await?;
    println!("{who}");
    Ok(())
}
`;
}

function tokioPostgres(reach: Reach): string {
  const { authority } = reach;
  const uses = authority ? "{Certificate, TlsConnector}" : "TlsConnector";
  const root = authority
    ? `
        .add_root_certificate(Certificate::from_pem(&std::fs::read(${rustQuoted(authority)})?)?)`
    : "";
  return `use native_tls::${uses};
use postgres_native_tls::MakeTlsConnector;
use tokio_postgres::config::SslMode;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tls = TlsConnector::builder()${root}
        .build()?;
    let (client, connection) = tokio_postgres::Config::new()
        .host(${rustQuoted(reach.host)})
        .port(${reach.port})
        .dbname(${rustQuoted(reach.database)})
        .user(${rustQuoted(reach.account)})
        .password(std::env::var("SLUICE_TOKEN")?)
        .ssl_mode(SslMode::Require)
        .connect(MakeTlsConnector::new(tls))
        .await?;
    tokio::spawn(connection);
    let who: String = client.query_one("select current_user", &[]).await?.get(0);
    println!("{who}");
    Ok(())
}
`;
}

/** The runtime that both Rust drivers run in. */
const TOKIO = "cargo add tokio --features macros,rt-multi-thread";

export const JDBC: Client = {
  id: "jdbc",
  name: "JDBC",
  note: ({ authority }) =>
    authority
      ? "The token goes into the property password, not into the URL. The driver reads the authority from the PEM file itself; where only a trust store will do, use the second URL. A trust store takes the place of the one that Java has."
      : "The token goes into the property password, not into the URL. The driver trusts what the Java runtime trusts.",
  snippets: (reach) => [
    { code: jdbcUrl(reach) },
    file("Ask.java", java(reach)),
    shell("run it, with the driver's jar beside it", "java -cp '*' Ask.java"),
    ...(reach.authority
      ? [
          { title: "with a trust store", code: jdbcUrl(reach, null) },
          shell(
            "which is made so",
            `keytool -importcert -noprompt -alias sluice -file ${shellWord(reach.authority)} -keystore truststore.p12 -storepass changeit`,
          ),
          shell(
            "and used so",
            "export JAVA_TOOL_OPTIONS='-Djavax.net.ssl.trustStore=truststore.p12 -Djavax.net.ssl.trustStorePassword=changeit'",
          ),
        ]
      : []),
  ],
};

export const PROGRAMS: Client[] = [
  {
    id: "python",
    name: "Python",
    note: ({ authority }) =>
      authority
        ? "With psycopg 3."
        : "With psycopg 3. It is told to trust public authorities by the list of certifi: for one of your company's, name its file instead.",
    snippets: (reach) => [
      shell(
        "once",
        `python3 -m venv venv && venv/bin/pip install 'psycopg[binary]'${reach.authority ? "" : " certifi"}`,
      ),
      file("ask.py", python(reach)),
      shell("run it", "venv/bin/python ask.py"),
    ],
  },
  {
    id: "node",
    name: "Node",
    note: ({ authority }) =>
      authority
        ? "With pg 8."
        : "With pg 8. Node trusts public authorities by a list of its own: for one of your company's, set NODE_EXTRA_CA_CERTS to its file.",
    snippets: (reach) => [
      shell("once", "npm install pg"),
      file("ask.mjs", node(reach)),
      shell("run it", "node ask.mjs"),
    ],
  },
  {
    id: "go",
    name: "Go",
    note: "With pgx 5.",
    snippets: (reach) => [
      file("main.go", go(reach)),
      shell("once", "go mod init ask && go mod tidy"),
      shell("run it", "go run ."),
    ],
  },
  {
    id: "rust",
    name: "Rust",
    note: "With sqlx, or with tokio-postgres and native-tls. Both trust what the system trusts, and the file besides.",
    snippets: (reach) => [
      shell("once", `cargo init --name ask && ${TOKIO}`),
      shell(
        "sqlx",
        "cargo add sqlx --no-default-features --features postgres,runtime-tokio,tls-rustls-ring-native-roots",
      ),
      file("src/main.rs", sqlx(reach)),
      shell("or tokio-postgres", "cargo add tokio-postgres postgres-native-tls native-tls"),
      { title: "src/main.rs with it", file: "src/main.rs", code: tokioPostgres(reach) },
      shell("run it", "cargo run"),
    ],
  },
];
