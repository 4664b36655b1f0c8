//! The Rust drivers, and the tools that come with the server, through the gateway.

use sluice_tests::postgres::{APP, Postgres};
use sluice_tests::process::{checked, printed};
use sluice_tests::{Gateway, Settings};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{Connection as _, Executor as _, Row as _};
use std::process::Command;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

fn stage() -> (Postgres, Gateway, String) {
    let shop = Postgres::start().unwrap();
    let gateway = Gateway::start(&shop, Settings::default()).unwrap();
    let token = gateway.token("user:ada").unwrap();
    (shop, gateway, token)
}

/// The driver speaks through a TLS stream that is made here, as its own TLS modules do.
async fn tokio_client(gateway: &Gateway, token: &str) -> Client {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(gateway.authority()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", gateway.port))
        .await
        .unwrap();
    stream
        .write_all(&[0, 0, 0, 8, 4, 210, 22, 47])
        .await
        .unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'S');
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    let (client, connection) = tokio_postgres::Config::new()
        .user("app")
        .password(token)
        .dbname("shop")
        .ssl_mode(tokio_postgres::config::SslMode::Disable)
        .connect_raw(stream, NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

fn assert_masked(clear: &str, ssn: &str) {
    assert!(
        ssn != clear && ssn.ends_with(&clear[clear.len() - 4..]) && ssn.contains('*'),
        "{ssn}"
    );
}

#[tokio::test]
async fn tokio_postgres_sees_masked_binary_answers_and_exact_refusals() {
    let (shop, gateway, token) = stage();
    let clear = shop
        .superuser_sql("SELECT ssn FROM customers WHERE id = 7")
        .unwrap();
    let client = tokio_client(&gateway, &token).await;
    let by_id = client
        .prepare("SELECT id, ssn, created_at FROM customers WHERE id = $1")
        .await
        .unwrap();
    let (first, second) = tokio::join!(
        client.query_one(&by_id, &[&7_i32]),
        client.query_one(&by_id, &[&7_i32])
    );
    for row in [first.unwrap(), second.unwrap()] {
        assert_eq!(row.get::<_, i32>(0), 7);
        assert_masked(&clear, row.get(1));
    }
    let error = client
        .execute("DROP TABLE customers", &[])
        .await
        .unwrap_err();
    assert_eq!(
        error.code().map(|code| code.code()),
        Some("42501"),
        "{error:?}"
    );
    let simple = client
        .simple_query("SELECT ssn FROM customers WHERE id = 7; SELECT 1")
        .await
        .unwrap();
    let rows: Vec<&str> = simple
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    assert_masked(&clear, rows[0]);
    assert_eq!(rows[1], "1");
}

#[tokio::test]
async fn tokio_postgres_cancels_its_own_query_and_nobody_elses() {
    let (_shop, gateway, token) = stage();
    let client = tokio_client(&gateway, &token).await;
    let other = tokio_client(&gateway, &token).await;
    let long = "SELECT count(*) FROM customers a, customers b, customers c, customers d";
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", gateway.port))
        .await
        .unwrap();
    // A made-up key is answered by nothing at all, and ends nothing.
    stream
        .write_all(&[0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0, 0, 1])
        .await
        .unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(
        rest.is_empty(),
        "a made-up cancel key was answered: {rest:?}"
    );

    let running = client.simple_query(long);
    tokio::pin!(running);
    let cancel = client.cancel_token();
    let address = format!("127.0.0.1:{}", gateway.port);
    // The query may not have begun when the first request comes: ask until it ends.
    let answer = loop {
        tokio::select! {
            answer = &mut running => break answer,
            () = tokio::time::sleep(std::time::Duration::from_millis(100)) => {
                let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
                let _ = cancel.cancel_query_raw(stream, NoTls).await;
            }
        }
    };
    assert_eq!(
        answer.unwrap_err().code().map(|code| code.code()),
        Some("57014")
    );
    assert_eq!(
        other
            .query_one("SELECT 1", &[])
            .await
            .unwrap()
            .get::<_, i32>(0),
        1
    );
}

#[tokio::test]
async fn sqlx_sees_masked_answers_through_its_statement_cache() {
    let (shop, gateway, token) = stage();
    let clear = shop
        .superuser_sql("SELECT ssn FROM customers WHERE id = 7")
        .unwrap();
    let options = PgConnectOptions::new_without_pgpass()
        .host("localhost")
        .port(gateway.port)
        .username("app")
        .password(&token)
        .database("shop")
        .ssl_mode(PgSslMode::VerifyFull)
        .ssl_root_cert(gateway.authority());
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    for _ in 0..3 {
        let row = sqlx::query("SELECT id, ssn FROM customers WHERE id = $1")
            .bind(7_i32)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(row.get::<i32, _>(0), 7);
        assert_masked(&clear, row.get(1));
    }
    let error = connection
        .execute("DROP TABLE customers")
        .await
        .unwrap_err();
    assert_eq!(
        error
            .as_database_error()
            .and_then(|error| error.code())
            .as_deref(),
        Some("42501")
    );
    let mut transaction = connection.begin().await.unwrap();
    assert!(transaction.execute("DROP TABLE customers").await.is_err());
    assert!(
        transaction.execute("SELECT 1").await.is_err(),
        "the transaction is aborted"
    );
    transaction.rollback().await.unwrap();
    assert!(connection.execute("SELECT 1").await.is_ok());
}

/// Policies under which everything runs, and nothing is masked.
const PERMIT_ALL: &str = "@id(\"all\") permit (principal, action, resource);";

#[test]
fn pgbench_runs_in_all_three_protocols() {
    let shop = Postgres::start().unwrap();
    let gateway = Gateway::start(&shop, Settings::default().policies(PERMIT_ALL)).unwrap();
    let token = gateway.token("user:ada").unwrap();
    shop.superuser_sql("GRANT CREATE ON SCHEMA public TO shop_app")
        .unwrap();
    let pgbench = |arguments: &[&str]| {
        printed(
            Command::new("pgbench")
                .args(arguments)
                .arg(gateway.address("shop", "app"))
                .env("PGPASSWORD", &token),
        )
        .unwrap()
    };
    pgbench(&["-i", "-q", "-s", "1"]);
    for protocol in ["simple", "extended", "prepared"] {
        for script in [&["-S"][..], &[]] {
            let mut arguments = vec!["-n", "-M", protocol, "-c", "4", "-j", "2", "-t", "50"];
            arguments.extend(script);
            let report = pgbench(&arguments);
            assert!(
                report.contains("number of transactions actually processed: 200/200"),
                "{report}"
            );
            assert!(
                !report.contains("number of failed transactions: 1"),
                "{report}"
            );
        }
    }
    let changed = shop
        .superuser_sql("SELECT count(*) FROM pgbench_history")
        .unwrap();
    assert_eq!(changed, "600");
}

#[test]
fn pg_dump_through_the_gateway_equals_a_direct_one() {
    let shop = Postgres::start().unwrap();
    let gateway = Gateway::start(&shop, Settings::default().policies(PERMIT_ALL)).unwrap();
    let token = gateway.token("user:ada").unwrap();
    let dump = |address: &str, password: &str| {
        let mut command = Command::new("pg_dump");
        command
            .args(["--no-owner", "-d", address])
            .env("PGPASSWORD", password);
        let text = printed(&mut command).unwrap();
        // Newer versions put a random key there.
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let direct = dump(&shop.direct(APP, "disable"), "");
    let through = dump(&gateway.address("shop", "app"), &token);
    assert!(
        direct.contains("COPY public.customers"),
        "the dump holds the sample"
    );
    assert_eq!(direct, through);
}

#[test]
fn pg_dump_is_masked_for_whom_nothing_is_revealed() {
    let shop = Postgres::start().unwrap();
    let policies = "@id(\"most\") permit (principal, action, resource) unless { action == Action::\"reveal\" };";
    let gateway = Gateway::start(&shop, Settings::default().policies(policies)).unwrap();
    let token = gateway.token("user:ada").unwrap();
    let output = checked(
        Command::new("pg_dump")
            .args([
                "--data-only",
                "--table=customers",
                "-d",
                &gateway.address("shop", "app"),
            ])
            .env("PGPASSWORD", &token),
    )
    .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let clear = shop
        .superuser_sql("SELECT ssn FROM customers WHERE id = 7")
        .unwrap();
    assert!(text.contains("COPY public.customers"), "{text}");
    assert!(
        !text.contains(&clear) && !text.contains("@example.com"),
        "sensitive values in a dump"
    );
}
