//! Unmodified clients of HTTP through the gateway, against real services.

use anyhow::Result;
use serde_json::{Value, json};
use sluice_tests::issuer::Issuer;
use sluice_tests::process::{checked, printed};
use sluice_tests::web::{DOMAIN, SECRET, Script, Service, Web};
use sluice_tests::{Settings, cargo};
use std::process::Command;

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// curl in both versions: masks in every kind of body, compressed or not, with lengths that are right.
#[test]
fn curl_sees_masked_answers_of_every_kind() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    let people = json!([
        {"name": "Ada", "email": "[redacted]", "ssn": "[redacted]"},
        {"name": "Grace", "email": "[redacted]", "ssn": "[redacted]"},
    ]);
    for version in ["--http1.1", "--http2"] {
        assert_eq!(json_of(&web.get("/people", &[version])?), people);
        for compressed in [&["--compressed"][..], &[]] {
            let arguments = [&[version], compressed].concat();
            let got = web.get("/people.gz", &arguments)?;
            assert_eq!(json_of(&got), people, "{arguments:?}");
        }
        for (path, expected) in [
            ("/people.csv", "name,email\nAda,[redacted]\n"),
            (
                "/people.xml",
                "<people><person><email>[redacted]</email></person></people>",
            ),
            ("/people.form", "name=Ada&email=%5Bredacted%5D"),
            ("/people.txt", "write to [redacted]\n"),
        ] {
            assert_eq!(web.get(path, &[version])?, expected);
        }
        let lines = web.get("/people.ndjson", &[version])?;
        assert_eq!(lines.matches("[redacted]").count(), 4, "{lines}");
        let head = web.get("/header", &[version, "--include"])?;
        assert!(head.contains("x-contact: [redacted]"), "{head}");
        for (path, why) in [
            ("/people.br", "cannot be read"),
            ("/file", "cannot be read"),
            ("/broken.json", "cannot be passed on"),
        ] {
            let (status, body) = web.status(path, &[version])?;
            assert!(
                [403, 502].contains(&status) && body.contains(why),
                "{path}: {status} {body}"
            );
            assert!(!body.contains("ada@"), "{body}");
        }
    }
    let events = web.get("/events", &["--no-buffer"])?;
    assert_eq!(events.matches("[redacted]").count(), 6, "{events}");
    Ok(())
}

/// What passes unread where an administrator says so, and where nothing is hidden.
#[test]
fn types_that_cannot_be_read_pass_where_that_is_said() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(
        service.plain,
        "settings: {opaque_types: [application/octet-stream]}",
    )?;
    assert_eq!(web.get("/file", &[])?, "0123456789");
    let clear = Settings::default().resource(
        "world.yaml",
        "kind: User\nname: ada\ngroups: [analysts]\n---\nkind: User\nname: bob\ngroups: [leads]\n",
    );
    let target = format!("{{address: '127.0.0.1:{}', tls: disable}}", service.plain);
    let web = Web::start_with(&target, "", clear)?;
    assert_eq!(web.get("/file", &[])?, "0123456789");
    // Nothing is hidden, so that parts can be asked for.
    let (status, part) = web.status("/range", &["--range", "2-4"])?;
    assert_eq!((status, part.as_str()), (206, "234"));
    let big = web.curl(
        "/big?megabytes=50&type=image/png",
        &["--output", "/dev/null", "--write-out", "%{size_download}"],
    );
    assert_eq!(printed(&mut { big })?, (50 * 1024 * 1024).to_string());
    Ok(())
}

/// What the target gets: its own credential, its own name, and nothing of the caller's or of a proxy's.
#[test]
fn targets_get_requests_written_anew() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    let echoed = web.get(
        "/echo?a=1&b=%2F",
        &[
            "--header",
            "x-forwarded-user: eve",
            "--header",
            "X-Forwarded-For: 10.9.9.9",
            "--header",
            "Remote-User: eve",
            "--header",
            "Impersonate-User: eve",
            "--header",
            "Connection: x-mine",
            "--header",
            "X-Mine: 1",
            "--header",
            "x-kept: 1",
            "--cookie",
            "a=b; __Host-sluice=x; sluice-site=y",
            "--http1.1",
        ],
    )?;
    let seen = json_of(&echoed);
    let headers = &seen["headers"];
    assert_eq!(seen["url"], "/echo?a=1&b=%2F");
    assert_eq!(seen["host"], format!("127.0.0.1:{}", service.plain));
    assert_eq!(headers["authorization"], format!("Bearer {SECRET}"));
    assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(headers["cookie"], "a=b");
    assert_eq!(headers["x-kept"], "1");
    for name in [
        "x-forwarded-user",
        "remote-user",
        "impersonate-user",
        "x-mine",
    ] {
        assert_eq!(headers[name], Value::Null, "{name}");
    }
    assert!(
        !echoed.contains(&web.token),
        "the caller's token stays here"
    );
    Ok(())
}

/// By the host's name, with the target's redirects and cookies kept on it; and by path.
#[test]
fn services_are_reached_by_host_and_by_path() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    let port = web.gateway.web_port;
    let host = format!("reports.{DOMAIN}");
    let by_host = |path: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--include", "--max-time", "20"])
            .arg("--cacert")
            .arg(web.gateway.authority())
            .args(["--oauth2-bearer", &web.token])
            .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
            .arg(format!("https://{host}:{port}{path}"));
        printed(&mut curl)
    };
    assert!(by_host("/people")?.contains("[redacted]"));
    let redirect = by_host("/redirect")?;
    assert!(
        redirect.contains(&format!("location: https://{host}:{port}/people")),
        "{redirect}"
    );
    assert!(by_host("/elsewhere")?.contains("location: https://elsewhere.example/x"));
    let cookie = by_host("/cookie")?;
    assert!(
        cookie.contains("set-cookie: sid=7; HttpOnly; Path=/\r\n"),
        "{cookie}"
    );
    assert!(!cookie.contains("evil"), "{cookie}");
    let redirect = web.get("/redirect", &["--include"])?;
    let there = format!("location: https://localhost:{port}/c/reports/people");
    assert!(redirect.contains(&there), "{redirect}");
    let cookie = web.get("/cookie", &["--include"])?;
    assert!(
        cookie.contains("set-cookie: sid=7; HttpOnly; Path=/c/reports/\r\n"),
        "{cookie}"
    );
    Ok(())
}

/// HTTP/2 and TLS on the target's side, below a base path, with basic authentication and an identity header.
#[test]
fn targets_over_tls_and_http2() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (key, certificate) = (
        folder.path().join("key.pem"),
        folder.path().join("cert.pem"),
    );
    checked(
        Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
            ])
            .args([
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
            ])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate),
    )?;
    let paths = [&key, &certificate].map(|path| path.display().to_string());
    let service = Service::start(&[&paths[0], &paths[1]])?;
    let target = format!(
        "{{address: 'localhost:{}', tls: verify-full, ca_file: '{}'}}",
        service.secure, paths[1]
    );
    let more = "settings: {base_path: /base, identity: {header: x-caller, audience: reporting}}\n\
        accounts: [{name: svc, default: true, username: svc, password: {env: REPORTS_SECRET}}, CERTIFIED]";
    let certified = format!(
        "{{name: certified, credential: {{certificate: {{cert_file: '{}', key_file: '{}'}}}}}}",
        paths[1], paths[0]
    );
    let more = &more.replace("CERTIFIED", &certified);
    let web = Web::start_with(&target, more, Settings::default())?;
    let seen = json_of(&web.get("/echo", &[])?);
    assert_eq!(seen["version"], "2.0");
    assert_eq!(seen["url"], "/base/echo");
    // svc:reports-secret
    assert_eq!(
        seen["headers"]["authorization"],
        "Basic c3ZjOnJlcG9ydHMtc2VjcmV0"
    );
    let token = seen["headers"]["x-caller"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let claims = claims_of(&token)?;
    assert_eq!(claims["sub"], "user:ada");
    assert_eq!(claims["aud"], "reporting");
    assert_eq!(claims["groups"], json!(["analysts"]));
    let keys = json_of(&web.gateway.https("/.well-known/jwks.json")?);
    assert_eq!(keys["keys"][0]["alg"], "ES256");
    assert_eq!(seen["peer"], Value::Null);
    let certified = json_of(&web.get("/echo", &["--header", "sluice-account: certified"])?);
    assert_eq!(certified["peer"], "localhost");
    assert_eq!(certified["headers"]["authorization"], Value::Null);
    // Many at once share one connection.
    let urls: Vec<String> = (0..40).map(|_| web.url("/people")).collect();
    let mut curl = web.curl("/people", &["--parallel", "--parallel-max", "20"]);
    assert_eq!(printed(curl.args(urls))?.matches("Grace").count(), 41);
    Ok(())
}

/// The claims of a JWT, unchecked.
fn claims_of(token: &str) -> Result<Value> {
    let body = token.split('.').nth(1).unwrap_or_default();
    let script =
        "import sys,base64;sys.stdout.buffer.write(base64.urlsafe_b64decode(sys.argv[1]+'=='))";
    let text = printed(Command::new("python3").args(["-c", script, body]))?;
    Ok(serde_json::from_str(&text)?)
}

#[test]
fn wget_and_nodes_fetch() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    let mut wget = Command::new("wget");
    wget.args([
        "--quiet",
        "--output-document=-",
        "--tries=1",
        "--timeout=20",
    ])
    .arg(format!(
        "--ca-certificate={}",
        web.gateway.authority().display()
    ))
    .arg("--auth-no-challenge")
    .args(["--user=svc", &format!("--password={}", web.token)])
    .arg(web.url("/people"));
    let people = printed(&mut wget)?;
    assert!(
        people.contains("[redacted]") && !people.contains("ada@"),
        "{people}"
    );
    assert_eq!(web.run("fetch.mjs")?.trim(), "ok");
    Ok(())
}

/// WebSockets over HTTP/2, and what is said in them on record.
#[test]
fn sockets_over_http2() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    assert_eq!(web.run("sockets.mjs")?.trim(), "ok");
    let shown = web.replay(&[], "[redacted]")?;
    assert!(
        shown.contains("who") && shown.contains("WEBSOCKET /socket"),
        "{shown}"
    );
    Ok(())
}

/// A job comes with its own platform's token, and holds none of the service's.
#[test]
fn a_job_comes_with_its_own_token() -> Result<()> {
    let service = Service::start(&[])?;
    let issuer = Issuer::new()?;
    let policies = r#"
        permit (principal in Group::"ci", action in [Action::"connect", Action::"http:get"], resource);
    "#;
    let settings = Settings::default()
        .policies(policies)
        .resource("trust.yaml", &issuer.trusted())
        .resource(
            "job.yaml",
            "kind: Service\nname: reporting-job\ngroups: [ci]\n",
        );
    let target = format!("{{address: '127.0.0.1:{}', tls: disable}}", service.plain);
    let web = Web::start_with(&target, "", settings)?;
    let get = |token: &str| -> Result<String> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
            .arg(web.gateway.authority())
            .args(["--oauth2-bearer", token, "--write-out", "%{http_code}"])
            .arg(web.url("/people"));
        printed(&mut curl)
    };
    let people = get(&issuer.token(&json!({}))?)?;
    assert!(
        people.ends_with("200") && people.contains("[redacted]"),
        "{people}"
    );
    let other = get(&issuer.token(&json!({"ref": "refs/heads/next"}))?)?;
    assert!(other.ends_with("401"), "{other}");
    Ok(())
}

#[test]
fn libraries_of_python() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    assert_eq!(web.run("libraries.py")?.trim(), "ok");
    Ok(())
}

/// Calls and streams of gRPC with trailers, to a target in the clear; the caller speaks TLS.
#[test]
fn grpc_with_streams_and_trailers() -> Result<()> {
    let service = Service::grpc()?;
    let web = Web::start(
        service.plain,
        "settings: {opaque_types: [application/grpc]}",
    )?;
    assert_eq!(web.run("grpc_client.py")?.trim(), "ok");
    Ok(())
}

/// `sluice connect` tells programs where to ask and with what.
#[test]
fn connect_runs_a_program_with_what_it_needs() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    let script =
        "curl --silent --show-error --oauth2-bearer \"$SERVICE_TOKEN\" \"$SERVICE_URL/people\"";
    let mut command = web.gateway.sluice_as(
        &web.token,
        &["connect", "reports", "--", "sh", "-c", script],
    );
    let people = printed(&mut command)?;
    assert!(people.contains("[redacted]"), "{people}");
    assert!(cargo::root().join("tests/clients/web").exists());
    Ok(())
}

/// A target is shown a header, a signature or a token that the gateway fetched, as the account says.
#[test]
fn accounts_show_what_they_have() -> Result<()> {
    let service = Service::start(&[])?;
    let fetched = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 67\r\n\r\n\
                   {\"access_token\":\"fetched-1\",\"token_type\":\"Bearer\",\"expires_in\":600}";
    let tokens = Script::always(fetched)?;
    let accounts = format!(
        "accounts:\n\
         - {{name: header, default: true, credential: {{header: {{name: X-API-Key, prefix: 'Key ', value: {{env: REPORTS_SECRET}}}}}}}}\n\
         - {{name: aws, credential: {{aws: {{access_key_id: {{env: REPORTS_SECRET}}, secret_access_key: {{env: REPORTS_SECRET}}, region: eu-central-1, service: s3}}}}}}\n\
         - {{name: oauth, credential: {{client_credentials: {{token_url: 'http://127.0.0.1:{}/token', client_id: gateway, client_secret: {{env: REPORTS_SECRET}}, scopes: [read]}}}}}}",
        tokens.port()
    );
    let web = Web::start(service.plain, &accounts)?;
    let shown = |account: &str| -> Result<Value> {
        let account = format!("sluice-account: {account}");
        let arguments = [
            "--header",
            &account,
            "--header",
            "x-api-key: mine",
            "--header",
            "authorization-x: 1",
        ];
        Ok(json_of(&web.get("/echo?b=2&a=1", &arguments)?)["headers"].clone())
    };
    let header = shown("header")?;
    assert_eq!(header["x-api-key"], format!("Key {SECRET}"));
    assert_eq!(header["authorization"], Value::Null);
    let aws = shown("aws")?;
    let signature = aws["authorization"].as_str().unwrap_or_default();
    assert!(
        signature.starts_with(&format!("AWS4-HMAC-SHA256 Credential={SECRET}/")),
        "{signature}"
    );
    assert!(
        signature.contains("/eu-central-1/s3/aws4_request"),
        "{signature}"
    );
    assert!(aws["x-amz-content-sha256"].is_string());
    for _ in 0..2 {
        assert_eq!(shown("oauth")?["authorization"], "Bearer fetched-1");
    }
    let asked = tokens.received().concat();
    assert_eq!(
        asked.matches("POST /token").count(),
        1,
        "it is kept: {asked}"
    );
    assert!(
        asked.contains("grant_type=client_credentials") && asked.contains("scope=read"),
        "{asked}"
    );
    let (status, told) = web.status("/echo", &["--header", "sluice-account: nobody"])?;
    assert_eq!(status, 403, "{told}");
    Ok(())
}
