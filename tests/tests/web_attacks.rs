//! Clients and targets of HTTP that mean harm (ATTACKS 44 to 49, 71 and 72): what reaches the target, byte by byte.

use anyhow::{Result, ensure};
use sluice_tests::Settings;
use sluice_tests::process::{printed, wait_for};
use sluice_tests::web::{DOMAIN, Raw, SECRET, Script, Web};
use std::process::Command;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nok\n";

/// Refused with this status, and nothing of it reached the target.
fn refused(web: &Web, script: &Script, bytes: &[u8], status: &str) -> Result<()> {
    let before = script.bytes();
    let answer = web.raw(bytes)?;
    let shown = String::from_utf8_lossy(bytes).replace(&web.token, "TOKEN");
    ensure!(
        answer.starts_with(&format!("HTTP/1.1 {status}")),
        "{shown:?}: {answer}"
    );
    let answers = answer
        .lines()
        .filter(|line| line.starts_with("HTTP/1.1 "))
        .count();
    ensure!(answers == 1, "one answer: {answer}");
    ensure!(
        script.bytes() == before,
        "{shown:?} reached the target: {:?}",
        script.received()
    );
    Ok(())
}

/// ATTACKS 44: whatever two readers could frame in two ways is refused, and the connection ends.
#[test]
fn ambiguous_requests_reach_nobody() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    for (fields, body, status) in [
        (
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "0\r\n\r\n",
            "400",
        ),
        ("content-length: 5\r\ncontent-length: 6\r\n", "hello", "400"),
        ("content-length: 5, 5\r\n", "hello", "400"),
        ("content-length: +5\r\n", "hello", "400"),
        ("content-length: 0x5\r\n", "hello", "400"),
        ("content-length : 5\r\n", "hello", "400"),
        ("transfer-encoding: xchunked\r\n", "0\r\n\r\n", "501"),
        (
            "transfer-encoding: chunked, identity\r\n",
            "0\r\n\r\n",
            "501",
        ),
        (
            "transfer-encoding: identity, chunked\r\n",
            "0\r\n\r\n",
            "501",
        ),
        ("transfer-encoding:\u{b}chunked\r\n", "0\r\n\r\n", "400"),
        (
            "transfer-encoding: chunked\r\n",
            "5;\nx\r\nhello\r\n0\r\n\r\n",
            "400",
        ),
        (
            "transfer-encoding: chunked\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "400",
        ),
        (
            "transfer-encoding: chunked\r\n",
            "-5\r\nhello\r\n0\r\n\r\n",
            "400",
        ),
        (
            "transfer-encoding: chunked\r\n",
            "0\r\ncontent-length: 5\r\n\r\n",
            "400",
        ),
        (" x: folded\r\n", "", "400"),
        ("x: a\r\n folded\r\n", "", "400"),
        ("x: a\nb: c\r\n", "", "400"),
        ("x\u{0}: a\r\n", "", "400"),
        ("x_y: a\r\n", "", "400"),
        ("host: other\r\n", "", "400"),
        (
            "connection: content-length\r\ncontent-length: 0\r\n",
            "",
            "400",
        ),
    ] {
        let mut bytes = web.request("POST /echo", fields);
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body.as_bytes());
        refused(&web, &script, &bytes, status)?;
    }
    for line in [
        "POST http://elsewhere.example/echo",
        "CONNECT reports.gateway.test:443",
        "GET /a b",
        "GET  /a",
        "GET",
        "GET /a\u{1}",
    ] {
        let mut bytes = web.request(line, "");
        bytes.extend_from_slice(b"\r\n");
        let before = script.bytes();
        let answer = web.raw(&bytes)?;
        ensure!(
            ["HTTP/1.1 4", "HTTP/1.1 5"]
                .iter()
                .any(|s| answer.starts_with(s)),
            "{line}: {answer}"
        );
        ensure!(script.bytes() == before, "{line}");
    }
    Ok(())
}

/// ATTACKS 44: what follows a request on its connection is another request, decided for itself, and never the end of the
/// one before.
#[test]
fn requests_that_follow_each_other_are_decided_each() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    let mut bytes = web.request("POST /echo", "transfer-encoding: chunked\r\n");
    bytes.extend_from_slice(b"\r\n3\r\nabc\r\n0\r\n\r\n");
    bytes.extend(web.request("GET /admin/users", "connection: close\r\n"));
    bytes.extend_from_slice(b"\r\n");
    let answer = web.raw(&bytes)?;
    let statuses: Vec<&str> = answer
        .matches("HTTP/1.1 200")
        .chain(answer.matches("HTTP/1.1 403"))
        .collect();
    ensure!(statuses == ["HTTP/1.1 200", "HTTP/1.1 403"], "{answer}");
    let received = script.received().concat();
    ensure!(!received.contains("/admin"), "{received}");
    // What was sent in chunks goes on as one length: it was read whole.
    ensure!(
        received.contains("content-length: 3\r\n") && !received.contains("chunked"),
        "{received}"
    );
    // HTTP/1.0 has no chunks and no second request without being asked.
    let old = format!(
        "GET /old HTTP/1.0\r\nhost: reports.{DOMAIN}\r\nauthorization: Bearer {}\r\n\r\n",
        web.token
    );
    let answer = web.raw(old.as_bytes())?;
    ensure!(
        answer.starts_with("HTTP/1.1 200") && !answer.contains("chunked"),
        "{answer}"
    );
    Ok(())
}

/// ATTACKS 44: an answer that nobody asked for is never given to the next caller.
#[test]
fn what_a_target_sends_unasked_is_given_to_nobody() -> Result<()> {
    let twice = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nok\n\
                 HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nevil\n";
    let script = Script::always(twice)?;
    let web = Web::start(script.port(), "")?;
    for _ in 0..3 {
        ensure!(web.get("/a", &[])? == "ok\n");
    }
    ensure!(
        script.received().len() == 3,
        "a connection with something unread is not used again"
    );
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nok\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nok\n",
        "HTTP/1.1 200 OK\ncontent-length: 3\n\nok\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        "SSH-2.0-OpenSSH_9.0\r\n",
    ] {
        let script = Script::always(answer)?;
        let web = Web::start(script.port(), "")?;
        let (status, body) = web.status("/a", &[])?;
        ensure!(status == 502, "{answer:?}: {status} {body}");
    }
    Ok(())
}

/// ATTACKS 45: an upgrade is one when the target says so, and what comes before is HTTP.
#[test]
fn an_upgrade_is_not_assumed() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    let fields = "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
                  sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut bytes = web.request("GET /socket", fields);
    bytes.extend_from_slice(
        b"\r\nGET /admin/users HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    let answer = web.raw(&bytes)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let received = script.received().concat();
    ensure!(!received.contains("/admin"), "{received}");
    ensure!(
        received.contains("upgrade: websocket\r\n")
            && !received.contains("dGhlIHNhbXBsZSBub25jZQ=="),
        "{received}"
    );
    // A wrong key, no key, another protocol, or HTTP/2 in the clear by upgrade.
    for (fields, status) in [
        ("upgrade: websocket\r\nconnection: upgrade\r\n", "400"),
        (
            "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: short\r\n",
            "400",
        ),
        ("upgrade: chat\r\nconnection: upgrade\r\n", "501"),
    ] {
        let mut bytes = web.request("GET /socket", fields);
        bytes.extend_from_slice(b"\r\n");
        refused(&web, &script, &bytes, status)?;
    }
    // A target that answers with a wrong key.
    let wrong = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: AAAA\r\n\r\n";
    let script = Script::always(wrong)?;
    let web = Web::start(script.port(), "")?;
    let mut bytes = web.request("GET /socket", fields);
    bytes.extend_from_slice(b"\r\n");
    let answer = web.raw(&bytes)?;
    ensure!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    Ok(())
}

/// ATTACKS 46: who is asking is the gateway's to say, however it is written and on every way.
#[test]
fn nobody_says_who_they_are_in_a_proxys_words() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    let fields = "X-Forwarded-User: root\r\nx-REMOTE-user: root\r\nImpersonate-User: root\r\nImpersonate-Group: system:masters\r\n\
                  X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n\
                  X-Auth-Request-Email: root@x\r\nX-SSL-Client-DN: CN=root\r\nX-Forwarded-Proto: http\r\n\
                  Connection: x-forwarded-for\r\nProxy-Authorization: Basic x\r\nconnection: close\r\n";
    let mut bytes = web.request("GET /a", fields);
    bytes.extend_from_slice(b"\r\n");
    let answer = web.raw(&bytes)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let received = script.received().concat().to_lowercase();
    for word in [
        "root",
        "/admin",
        "1.2.3.4",
        "system:masters",
        "proxy-authorization",
    ] {
        ensure!(!received.contains(word), "{word}: {received}");
    }
    ensure!(
        received.contains(&format!("authorization: bearer {SECRET}\r\n")),
        "{received}"
    );
    ensure!(
        received.contains("x-forwarded-for: 127.0.0.1\r\n"),
        "{received}"
    );
    // The same when it asks for a WebSocket.
    let socket = format!(
        "{fields}upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    let mut bytes = web.request("GET /socket", &socket);
    bytes.extend_from_slice(b"\r\n");
    web.raw(&bytes)?;
    ensure!(!script.received().concat().contains("root"));
    // Another method than the one that was decided.
    for field in [
        "X-HTTP-Method-Override: DELETE",
        "x-http-method: DELETE",
        "X-Method-Override: PUT",
    ] {
        let mut bytes = web.request("POST /a", &format!("{field}\r\ncontent-length: 0\r\n"));
        bytes.extend_from_slice(b"\r\n");
        let before = script.bytes();
        let answer = Raw::connect(&web.gateway).and_then(|mut raw| {
            raw.send(&bytes)?;
            raw.until("}\n")
        })?;
        ensure!(
            answer.starts_with("HTTP/1.1 400") && script.bytes() == before,
            "{field}: {answer}"
        );
    }
    Ok(())
}

/// ATTACKS 47: what is decided is what is sent. A path that servers read in different ways is refused.
#[test]
fn a_path_is_decided_as_it_is_sent() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    let ask = |path: &str| -> Result<String> {
        let mut bytes = web.request(&format!("GET {path}"), "connection: close\r\n");
        bytes.extend_from_slice(b"\r\n");
        web.raw(&bytes)
    };
    for path in [
        "/admin",
        "/admin/",
        "/admin/users",
        "/%61dmin",
        "/%61%64min/x",
        "/adm%69n",
        "/admin?x=1",
        "/admin/%2e",
        "/admin/.",
        "/x/../admin",
        "/x/%2e%2e/admin",
        "/./admin",
        "//admin",
        "/x//../admin",
        "/admin%2fusers",
        "/admin%00",
        "/admin;x",
        "/x/..;/admin",
        "/admin%5cusers",
        "/admin\\users",
        "/%252561dmin/..%2f",
        "/admin#x",
        "/admin%23x/..",
        "/adm%C0%AEin",
    ] {
        let before = script.bytes();
        let answer = ask(path)?;
        ensure!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
        ensure!(
            script.bytes() == before,
            "{path}: {:?}",
            script.received().last()
        );
    }
    for (path, sent) in [
        ("/a/b", "GET /a/b HTTP"),
        ("/a/%62", "GET /a/b HTTP"),
        ("/a%20b", "GET /a%20b HTTP"),
        ("/a?x=/../admin", "GET /a?x=/../admin HTTP"),
        ("/administrator", "GET /administrator HTTP"),
    ] {
        let answer = ask(path)?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        let received = script.received().concat();
        ensure!(received.contains(sent), "{path}: {received}");
    }
    Ok(())
}

/// ATTACKS 48: no target is where a name leads into the gateway's own machine, or where a cloud tells secrets.
#[test]
fn targets_are_not_inside() -> Result<()> {
    for address in [
        "169.254.169.254:80",
        "[fe80::1]:80",
        "0.0.0.0:80",
        "[64:ff9b::a9fe:a9fe]:80",
        "[fd00:ec2::254]:80",
    ] {
        let target = format!("{{address: '{address}', tls: disable}}");
        let web = Web::start_with(&target, "", Settings::default())?;
        let (status, body) = web.status("/latest/meta-data", &[])?;
        ensure!(
            status == 502 && body.contains("no target may have"),
            "{address}: {status} {body}"
        );
    }
    Ok(())
}

/// ATTACKS 48: a redirect of the target's is the caller's to follow; the gateway goes nowhere by itself.
#[test]
fn redirects_are_not_followed() -> Result<()> {
    let inside = Script::always(OK)?;
    let away = format!(
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{}/secret\r\ncontent-length: 0\r\n\r\n",
        inside.port()
    );
    let script = Script::start(move |received| {
        received
            .ends_with(b"\r\n\r\n")
            .then(|| away.clone().into_bytes())
    })?;
    let web = Web::start(script.port(), "")?;
    let (status, _) = web.status("/a", &[])?;
    ensure!(status == 302);
    ensure!(inside.bytes() == 0);
    Ok(())
}

/// ATTACKS 49: a client that says where it comes from in the PROXY protocol is not believed, nor understood.
#[test]
fn the_proxy_protocol_is_not_spoken() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    let mut bytes = b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n".to_vec();
    bytes.extend(web.request("GET /a", ""));
    bytes.extend_from_slice(b"\r\n");
    refused(&web, &script, &bytes, "400")?;
    let mut bytes =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\0\0\x01\x0a\0\0\x02\0\x01\0\x02".to_vec();
    bytes.extend(web.request("GET /a", ""));
    bytes.extend_from_slice(b"\r\n");
    web.raw(&bytes)?;
    ensure!(script.bytes() == 0);
    Ok(())
}

/// ATTACKS 71 and 72: nothing of a request reaches the target before all of it was judged.
#[test]
fn a_request_is_judged_whole_before_the_target_hears_of_it() -> Result<()> {
    let script = Script::always(OK)?;
    let policies = r#"
        permit (principal in Group::"analysts", action == Action::"connect", resource);
        permit (principal in Group::"analysts", action == Action::"http:post", resource);
        permit (principal in Group::"analysts", action == Action::"http:delete", resource);
        @id("small-refunds")
        @message("refunds above 100 are for the leads")
        forbid (principal, action == Action::"http:post", resource in Endpoint::"reports/refunds")
        unless { context.http has numbers && context.http.numbers.hasTag("amount") && context.http.numbers.getTag("amount") <= 100 };
    "#;
    let target = format!("{{address: '127.0.0.1:{}', tls: disable}}", script.port());
    let web = Web::start_with(&target, "", Settings::default().policies(policies))?;
    // The last byte of the body is withheld.
    let mut raw = Raw::connect(&web.gateway)?;
    raw.send(&web.request("DELETE /orders/7", "content-length: 2\r\n"))?;
    raw.send(b"\r\n{")?;
    // Another request goes through meanwhile, so that the first had its time.
    let (status, _) = web.status("/refunds", &["--json", "{\"amount\": 100}"])?;
    ensure!(status == 200);
    ensure!(
        !script.received().concat().contains("DELETE"),
        "{:?}",
        script.received()
    );
    raw.send(b"}")?;
    raw.until("ok\n")?;
    ensure!(script.received().concat().contains("DELETE /orders/7"));
    let before = script.bytes();
    let long = format!(
        "{{\"note\": \"{}\", \"amount\": 7}}",
        "x".repeat(2 * 1024 * 1024)
    );
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), long)?;
    let upload = format!("@{}", file.path().display());
    for (body, status) in [
        ("{\"amount\": 101}", 403),
        ("{\"amount\": 1e9}", 403),
        ("{\"amount\": \"100\"}", 403),
        ("{\"other\": 1}", 403),
        ("{\"amount\": 100, \"amount\": 101}", 415),
        ("not json", 415),
        (upload.as_str(), 413),
    ] {
        let (got, answer) = web.status("/refunds", &["--json", body])?;
        ensure!(
            got == status,
            "{}: {got} {answer}",
            &body[..20.min(body.len())]
        );
        ensure!(script.bytes() == before, "{:?}", script.received().last());
    }
    Ok(())
}

/// Who says nothing about themselves, or something wrong, gets nowhere; and no two credentials count.
#[test]
fn nobody_gets_in_without_a_credential() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    for fields in [
        "",
        "authorization: Bearer\r\n",
        "authorization: Bearer sluice_wrong\r\n",
        "authorization: Basic !!!\r\n",
        "authorization: Digest x\r\n",
        "cookie: __Host-sluice-site=x\r\n",
        "cookie: __Host-sluice=x\r\n",
    ] {
        let bytes = format!(
            "GET /a HTTP/1.1\r\nhost: reports.{DOMAIN}\r\nconnection: close\r\n{fields}\r\n"
        );
        let answer = web.raw(bytes.as_bytes())?;
        ensure!(answer.starts_with("HTTP/1.1 401"), "{fields}: {answer}");
        ensure!(
            answer.to_lowercase().contains("www-authenticate: bearer"),
            "{answer}"
        );
    }
    let twice = format!(
        "authorization: Bearer {}\r\nconnection: close\r\n",
        web.token
    );
    let mut bytes = web.request("GET /a", &twice);
    bytes.extend_from_slice(b"\r\n");
    ensure!(web.raw(&bytes)?.starts_with("HTTP/1.1 40"));
    // Somebody without a right to connect.
    let eve = web.gateway.token("user:eve")?;
    let bytes = format!(
        "GET /a HTTP/1.1\r\nhost: reports.{DOMAIN}\r\nauthorization: Bearer {eve}\r\nconnection: close\r\n\r\n"
    );
    ensure!(web.raw(bytes.as_bytes())?.starts_with("HTTP/1.1 403"));
    ensure!(script.bytes() == 0, "{:?}", script.received());
    // The token does not work in another protocol's place, and no secret is logged.
    let log = web.gateway.log()?;
    ensure!(!log.contains(&web.token) && !log.contains(SECRET));
    Ok(())
}

/// Slow heads, endless heads and connections that say nothing end; others go on meanwhile.
#[test]
fn who_is_slow_delays_nobody() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    let mut stalled = Vec::new();
    for n in 0..200 {
        let mut raw = Raw::connect(&web.gateway)?;
        raw.send(if n % 2 == 0 {
            b"GET / HTTP/1.1\r\nhost: x\r\nx:"
        } else {
            b"\x16\x03\x01"
        })?;
        stalled.push(raw);
    }
    ensure!(web.get("/a", &[])? == "ok\n");
    let endless = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}", "a".repeat(200_000));
    ensure!(web.raw(endless.as_bytes())?.starts_with("HTTP/1.1 431"));
    let target = format!("GET /{} HTTP/1.1\r\n", "a".repeat(100_000));
    ensure!(web.raw(target.as_bytes())?.starts_with("HTTP/1.1 414"));
    Ok(())
}

/// What is under way is cut, so that it does not look whole, and the record says why.
#[test]
fn off_means_off_within_a_second() -> Result<()> {
    // Answers begin and do not end.
    let script = Script::start(|received| {
        let begins = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n6\r\nfirst\n\r\n";
        received
            .ends_with(b"\r\n\r\n")
            .then(|| begins.as_bytes().to_vec())
    })?;
    let web = Web::start(script.port(), "")?;
    let mut raw = Raw::connect(&web.gateway)?;
    let mut bytes = web.request("GET /a", "");
    bytes.extend_from_slice(b"\r\n");
    raw.send(&bytes)?;
    raw.until("first\n\r\n")?;
    let began = std::time::Instant::now();
    web.gateway.admin(&["disable", "user:ada"])?;
    let rest = raw.rest()?;
    ensure!(
        began.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    ensure!(
        !rest.contains("0\r\n\r\n"),
        "the answer does not look whole: {rest}"
    );
    let (status, _) = web.status("/a", &[])?;
    ensure!([401, 403].contains(&status), "{status}");
    web.replay(&[], "switched off").map(drop)
}

/// A target that fails is left alone for a while, and is asked again after that.
#[test]
fn a_target_that_fails_is_left_alone() -> Result<()> {
    let port = sluice_tests::process::free_port()?;
    let web = Web::start(port, "")?;
    for _ in 0..5 {
        ensure!(web.status("/a", &[])?.0 == 502);
    }
    let mut curl = web.curl("/a", &["--include"]);
    let answer = printed(&mut curl)?;
    ensure!(
        answer.contains(" 503") && answer.contains("retry-after: "),
        "{answer}"
    );
    Ok(())
}

/// Only what looks is asked again on a connection that the target closed meanwhile.
#[test]
fn only_what_is_safe_is_repeated() -> Result<()> {
    // Answers one request on each connection, then takes the next and closes.
    let script = Script::start(|received| {
        let asked = received.windows(4).filter(|w| w == b"\r\n\r\n").count();
        match asked {
            1 => Some(OK.as_bytes().to_vec()),
            _ => Some(Vec::new()),
        }
    })?;
    drop(script);
    let closing = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = closing.local_addr()?.port();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::<String>::new()));
    let kept = std::sync::Arc::clone(&seen);
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in closing.incoming().flatten() {
            let mut buffer = [0; 4096];
            for turn in 0..2 {
                let n = stream.read(&mut buffer).unwrap_or(0);
                let text =
                    String::from_utf8_lossy(buffer.get(..n).unwrap_or_default()).into_owned();
                if n == 0 {
                    break;
                }
                if let Ok(mut kept) = kept.lock() {
                    kept.push(text);
                }
                if turn == 0 {
                    let _ = stream.write_all(OK.as_bytes());
                }
            }
        }
    });
    let web = Web::start(port, "")?;
    ensure!(web.get("/first", &[])? == "ok\n");
    ensure!(
        web.get("/second", &[])? == "ok\n",
        "it was asked again on a new connection"
    );
    ensure!(
        web.status("/echo", &["--data", "x"])?.0 == 502,
        "it may have been done, so it is not repeated"
    );
    let count = |needle: &str| {
        seen.lock()
            .map_or(0, |all| all.iter().filter(|t| t.contains(needle)).count())
    };
    wait_for("the target to have seen all", || {
        Ok((count("POST /echo") > 0).then_some(()))
    })?;
    ensure!(
        count("GET /second") == 2 && count("POST /echo") == 1,
        "{:?}",
        seen.lock()
    );
    Ok(())
}

/// A caller of HTTP/2 cannot name one host to the gateway and another to the target, nor put a field where it is none.
#[test]
fn http2_is_read_by_the_same_rules() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--http2-prior-knowledge",
        "--max-time",
        "10",
        "--write-out",
        "%{http_code}",
        "--output",
        "/dev/null",
    ])
    .args(["--header", &format!("authorization: Bearer {}", web.token)])
    .args(["--header", "x_forwarded_user: root"])
    .arg(format!(
        "http://127.0.0.1:{}/c/reports/a",
        web.gateway.web_port
    ));
    ensure!(printed(&mut curl)? == "400");
    ensure!(script.bytes() == 0);
    Ok(())
}

/// An answer of this type with this body, and nothing else said.
fn typed(kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\n{kind}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A caller or a target that calls a document something else gets no field past its mask.
#[test]
fn a_document_is_read_as_what_it_is() -> Result<()> {
    let person = "{\"ssn\": \"no number\"}";
    for (kind, body, status) in [
        ("content-type: text/html\r\n", person, 200),
        (
            "content-type: text/plain\r\n",
            "\u{feff} [ {\"ssn\": \"no number\"}]",
            200,
        ),
        (
            "content-type: text/plain\r\n",
            "[{\"ssn\": \"no number\"}]",
            200,
        ),
        (
            "content-type: text/javascript\r\n",
            "cb({\"ssn\": \"no number\"})",
            502,
        ),
        ("content-type: application/yaml\r\n", "ssn: no number", 403),
        (
            "content-type: text/csv; header=absent\r\n",
            "no number",
            403,
        ),
        (
            "content-type: application/json\r\ncontent-type: text/plain\r\n",
            person,
            403,
        ),
        (
            "content-type: application/json; charset=utf-16\r\n",
            person,
            403,
        ),
        ("", person, 403),
        (
            "content-type: application/json\r\ncontent-encoding: gzip, gzip\r\n",
            person,
            403,
        ),
        (
            "content-type: application/json\r\n",
            "{\"ssn\": \"no number\"} trailing",
            502,
        ),
        (
            "content-type: text/event-stream\r\n",
            "data: {\"ssn\": \"no number\", \"x\": NaN}\n\n",
            502,
        ),
    ] {
        let answer = typed(kind, body);
        let script = Script::start(move |received| {
            received
                .ends_with(b"\r\n\r\n")
                .then(|| answer.clone().into_bytes())
        })?;
        let web = Web::start(script.port(), "")?;
        let (got, told) = web.status("/a", &[])?;
        ensure!(!told.contains("no number"), "{kind:?} {body:?}: {told}");
        ensure!(got == status, "{kind:?} {body:?}: {got} {told}");
    }
    Ok(())
}

/// The account's own cookie, rotated by the target, is none of the caller's.
#[test]
fn a_credential_that_the_target_sends_back_stays_here() -> Result<()> {
    let answer = "HTTP/1.1 200 OK\r\nset-cookie: sid=rotated; Path=/\r\nset-cookie: other=1\r\n\
                  content-type: text/plain\r\ncontent-length: 3\r\n\r\nok\n";
    let script = Script::always(answer)?;
    let account = "accounts: [{name: svc, default: true, credential: {cookie: {name: sid, value: {env: REPORTS_SECRET}}}}]";
    let web = Web::start(script.port(), account)?;
    let head = web.get("/a", &["--include", "--cookie", "sid=mine; kept=1"])?;
    ensure!(
        !head.contains("rotated") && head.contains("other=1"),
        "{head}"
    );
    let received = script.received().concat();
    ensure!(
        received.contains(&format!("cookie: sid={SECRET}; kept=1\r\n")),
        "{received}"
    );
    Ok(())
}

/// Another method than the one that was decided, in the ways of frameworks; and what is escaped twice.
#[test]
fn no_parameter_makes_another_request_of_it() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    for (path, arguments) in [
        ("/echo?_method=DELETE", &["--data", "a=1"][..]),
        ("/echo", &["--data", "a=1&_method=DELETE"]),
        ("/echo", &["--data", "a=1&%5fmethod=DELETE"]),
        ("/%2561dmin", &[]),
        ("/a/%252e%252e/admin", &[]),
    ] {
        let (status, told) = web.status(path, arguments)?;
        ensure!(status == 400, "{path}: {status} {told}");
    }
    ensure!(script.bytes() == 0, "{:?}", script.received());
    Ok(())
}

/// What somebody asks for in HTTP/2 tells nothing about the target for others.
#[test]
fn one_callers_request_does_not_change_the_protocol_for_others() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    let (status, _) = web.status("/a", &["--header", "content-type: application/grpc"])?;
    ensure!(status == 200, "gRPC is told in its own words");
    for _ in 0..3 {
        let (status, told) = web.status("/echo", &["--data", "x"])?;
        ensure!(status == 200, "{status} {told}");
    }
    Ok(())
}

/// A right to see that ends, ends what is seen; and what went by until then is on record.
#[test]
fn a_stream_ends_when_more_is_hidden() -> Result<()> {
    let script = Script::start(|received| {
        let begins = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
                      1f\r\ndata: {\"email\":\"a@b.example\"}\n\n\r\n";
        received
            .ends_with(b"\r\n\r\n")
            .then(|| begins.as_bytes().to_vec())
    })?;
    let policies = format!(
        "{}\npermit (principal in Group::\"analysts\", action == Action::\"reveal\", resource);",
        sluice_tests::web::POLICIES
    );
    let target = format!("{{address: '127.0.0.1:{}', tls: disable}}", script.port());
    let web = Web::start_with(&target, "", Settings::default().policies(&policies))?;
    let mut raw = Raw::connect(&web.gateway)?;
    let mut bytes = web.request("GET /events", "");
    bytes.extend_from_slice(b"\r\n");
    raw.send(&bytes)?;
    let head = raw.until("}\n\n\r\n")?;
    ensure!(head.contains("a@b.example"), "{head}");
    web.gateway
        .write_resource("policies.cedar", sluice_tests::web::POLICIES)?;
    raw.rest()?;
    let shown = web.replay(&[], "what may be seen")?;
    ensure!(!shown.contains(" 0 bytes"), "{shown}");
    Ok(())
}

/// A browser's cookie for a connection that is reached by path counts only where connections share an origin.
#[test]
fn a_cookie_by_path_counts_only_where_that_is_said() -> Result<()> {
    let script = Script::always(OK)?;
    let web = Web::start(script.port(), "")?;
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "10", "--include", "--cacert"])
        .arg(web.gateway.authority())
        .args(["--cookie", "__Secure-sluice-site-reports-enter=verifier.Lw"])
        .arg(web.url("/.sluice/enter?code=x"));
    let told = printed(&mut curl)?;
    ensure!(
        told.contains(" 403") && told.contains("not signed in here"),
        "{told}"
    );
    ensure!(
        told.contains("cross-origin-opener-policy: same-origin"),
        "{told}"
    );
    Ok(())
}
