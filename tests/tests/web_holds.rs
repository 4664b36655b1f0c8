//! Requests that wait for a human, and what is on record of requests.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sluice_tests::Settings;
use sluice_tests::process::{printed, resident_kib, wait_for};
use sluice_tests::web::{Script, Service, Web};
use std::process::Stdio;

const RUN: &[&str] = &["--json", "{\"month\": \"May\"}"];

/// How often the service has run it.
fn ran(web: &Web) -> Result<String> {
    web.get("/ran", &[])
}

#[test]
fn a_request_waits_while_its_client_does() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    for version in ["--http1.1", "--http2"] {
        let before = ran(&web)?;
        let mut curl = web.curl("/run", RUN);
        let client = curl.arg(version).stdout(Stdio::piped()).spawn()?;
        web.gateway.pending_approval()?;
        ensure!(ran(&web)? == before, "nothing ran yet");
        web.approve()?;
        let output = client.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(text.contains("\\\"month\\\""), "{text}");
        ensure!(ran(&web)?.parse::<u32>()? == before.parse::<u32>()? + 1);
    }
    Ok(())
}

#[test]
fn a_request_that_is_refused_by_a_human_does_not_run() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    let mut curl = web.curl("/run", &[RUN, &["--include"]].concat());
    let client = curl.stdout(Stdio::piped()).spawn()?;
    let id = web.gateway.pending_approval()?;
    let bob = web.gateway.token("user:bob")?;
    printed(
        &mut web
            .gateway
            .sluice_as(&bob, &["deny", &id, "--reason", "not in May"]),
    )?;
    let output = client.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        text.contains(" 403") && text.contains("not in May"),
        "{text}"
    );
    ensure!(ran(&web)? == "0");
    Ok(())
}

/// 202 with a resource to ask, then the same request once: another one is not what was approved.
#[test]
fn a_client_comes_again_for_what_was_approved_once() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "hold_timeout_seconds: 1")?;
    for (number, preference) in ["prefer: respond-async", "accept: */*"].iter().enumerate() {
        let arguments = [RUN, &["--header", preference]].concat();
        let (status, told) = web.status("/run", &arguments)?;
        ensure!(status == 202, "{status} {told}");
        let told: Value = serde_json::from_str(&told)?;
        let state = told["approval"]["state"].as_str().context("where to ask")?;
        let path = state
            .rsplit_once("/c/reports")
            .context("a path")?
            .1
            .to_owned();
        ensure!(web.get(&path, &[])?.contains("\"pending\""));
        // The same request again is the same request for approval.
        let again: Value = serde_json::from_str(&web.get("/run", &arguments)?)?;
        ensure!(again["approval"]["id"] == told["approval"]["id"], "{again}");
        web.approve()?;
        ensure!(web.get(&path, &[])?.contains("\"approved\""));
        let other = [
            "--json",
            "{\"month\": \"June\"}",
            "--header",
            "prefer: respond-async",
        ];
        let (status, _) = web.status("/run", &other)?;
        ensure!(status == 202, "another body is another request");
        let query = web.status("/run?really=1", &arguments)?;
        ensure!(query.0 == 202, "{query:?}");
        let (status, done) = web.status("/run", &arguments)?;
        ensure!(status == 200 && done.contains("month"), "{status} {done}");
        ensure!(ran(&web)? == (number + 1).to_string());
        ensure!(web.get(&path, &[])?.contains("\"used\""));
        let (status, _) = web.status("/run", &arguments)?;
        ensure!(status == 202, "it was used up");
        // Somebody else has no such request.
        let eve = web.gateway.token("user:bob")?;
        let mut curl = web.curl(&path, &["--oauth2-bearer", &eve]);
        ensure!(!printed(&mut curl)?.contains("used"));
        withdraw_all(&web)?;
    }
    Ok(())
}

/// Denies whatever waits.
fn withdraw_all(web: &Web) -> Result<()> {
    let bob = web.gateway.token("user:bob")?;
    let listed = web.gateway.admin_json(&["approvals"])?;
    let list = listed
        .as_array()
        .or(listed["approvals"].as_array())
        .cloned();
    for id in list
        .unwrap_or_default()
        .iter()
        .filter_map(|a| a["id"].as_str())
    {
        printed(
            &mut web
                .gateway
                .sluice_as(&bob, &["deny", id, "--reason", "over"]),
        )?;
    }
    Ok(())
}

/// Connecting itself can need consent: all requests of the session wait for one answer.
#[test]
fn a_connection_is_let_in_once_for_its_session() -> Result<()> {
    let script = Script::always(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nok\n",
    )?;
    let policies = r#"
        permit (principal in Group::"analysts", action == Action::"connect", resource)
        when { context.approved_by.contains(Group::"leads") };
        permit (principal in Group::"analysts", action == Action::"http:get", resource);
    "#;
    let target = format!("{{address: '127.0.0.1:{}', tls: disable}}", script.port());
    let web = Web::start_with(&target, "", Settings::default().policies(policies))?;
    // Who does not wait is told where to ask, by the way that they came.
    let (status, told) = web.status("/a", &["--header", "prefer: respond-async"])?;
    ensure!(
        status == 202 && told.contains("/c/reports/.sluice/approvals/a-"),
        "{told}"
    );
    let first = web.curl("/a", &[]).stdout(Stdio::piped()).spawn()?;
    let second = web.curl("/b", &[]).stdout(Stdio::piped()).spawn()?;
    web.gateway.pending_approval()?;
    ensure!(script.bytes() == 0);
    web.approve()?;
    for client in [first, second] {
        let output = client.wait_with_output()?;
        ensure!(
            output.stdout == b"ok\n",
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    ensure!(web.get("/c", &[])? == "ok\n");
    Ok(())
}

/// Bodies of streams cannot wait, since nobody could say what was approved.
#[test]
fn what_streams_cannot_wait() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(
        service.plain,
        "settings: {stream_types: [application/octet-stream]}",
    )?;
    let kind = [
        "--data-binary",
        "x",
        "--header",
        "content-type: application/octet-stream",
    ];
    let (status, told) = web.status("/run", &kind)?;
    ensure!(status == 413 && told.contains("stream"), "{status} {told}");
    ensure!(ran(&web)? == "0");
    Ok(())
}

/// What is on record: heads without secrets, bodies as the caller sent and saw them, what was decided; as text and as an
/// archive that browsers' tools open.
#[test]
fn requests_are_on_record_as_the_caller_saw_them() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    web.get("/people", &[])?;
    web.get("/people.gz", &["--compressed"])?;
    let body = "{\"note\": \"hello\", \"password\": \"hunter2\"}";
    web.get(
        "/other?token=abcdef&month=May",
        &["--json", body, "--header", "x-api-key: xyzzy"],
    )?;
    web.status("/admin/users", &[])?;
    web.status("/people", &["--request", "DELETE"])?;
    let text = web.replay(&[], "DELETE /people")?;
    for shown in [
        "GET /people",
        "[redacted]",
        "POST /other?token=(hidden)&month=May",
        "hello",
        "authorization: (hidden)",
        "x-api-key: (hidden)",
        "no-admin",
        "content-type: application/json",
    ] {
        ensure!(text.contains(shown), "{shown}: {text}");
    }
    for hidden in [
        "ada@example.com",
        "hunter2",
        "xyzzy",
        "abcdef",
        &web.token,
        sluice_tests::web::SECRET,
    ] {
        ensure!(!text.contains(hidden), "{hidden}: {text}");
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("session.har").display().to_string();
    wait_for("the archive", || {
        let sessions = web.gateway.admin_json(&["sessions"])?;
        let list = sessions
            .as_array()
            .or(sessions["sessions"].as_array())
            .cloned();
        let id = list
            .unwrap_or_default()
            .first()
            .and_then(|s| s["id"].as_str().map(str::to_owned));
        let id = id.context("a session")?;
        web.gateway.admin(&["replay", &id, "--har", &file])?;
        let archive: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
        let entries = archive["log"]["entries"].as_array().context("entries")?;
        if entries.len() < 5 {
            return Ok(None);
        }
        ensure!(
            entries[0]["request"]["url"] == "https://reports/people",
            "{archive}"
        );
        ensure!(entries[0]["response"]["status"] == 200);
        let seen = entries[1]["response"]["content"]["text"]
            .as_str()
            .unwrap_or_default();
        ensure!(seen.contains("[redacted]"), "{seen}");
        ensure!(
            entries[3]["comment"]
                .as_str()
                .is_some_and(|c| c.contains("nobody administers")),
            "{archive}"
        );
        Ok(Some(()))
    })?;
    ensure!(web.gateway.verify()?.status.success());
    Ok(())
}

/// Uploads and downloads that are longer than anything that is held: the gateway's memory does not grow with them.
#[test]
fn long_bodies_go_through_without_being_held() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    web.get("/people", &[])?;
    let before = resident_kib(web.gateway.pid())?;
    let file = tempfile::NamedTempFile::new()?;
    file.as_file().set_len(300 * 1024 * 1024)?;
    let upload = format!("@{}", file.path().display());
    for version in ["--http1.1", "--http2"] {
        let arguments = [
            "--data-binary",
            &upload,
            "--header",
            "content-type: application/octet-stream",
            version,
        ];
        let seen: Value = serde_json::from_str(&web.get("/echo", &arguments)?)?;
        ensure!(seen["bytes"] == 300 * 1024 * 1024, "{seen}");
        let arguments = [
            "--output",
            "/dev/null",
            "--write-out",
            "%{size_download}",
            version,
        ];
        let mut curl = web.curl("/big?megabytes=300", &arguments);
        ensure!(printed(&mut curl)? == (300 * 1024 * 1024).to_string());
    }
    let grown = resident_kib(web.gateway.pid())?.saturating_sub(before);
    ensure!(grown < 64 * 1024, "the gateway grew by {grown} KiB");
    Ok(())
}

/// A client that waits for leave to send its body is refused before it does, or told to go on by the gateway itself.
#[test]
fn leave_to_send_is_given_after_the_head_was_judged() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    let mut raw = sluice_tests::web::Raw::connect(&web.gateway)?;
    let mut refused = web.request(
        "POST /admin/import",
        "expect: 100-continue\r\ncontent-length: 1000000\r\n",
    );
    refused.extend_from_slice(b"\r\n");
    raw.send(&refused)?;
    let told = raw.until("\r\n\r\n")?;
    ensure!(
        told.starts_with("HTTP/1.1 403") && !told.contains("100"),
        "{told}"
    );
    let mut raw = sluice_tests::web::Raw::connect(&web.gateway)?;
    let mut allowed = web.request(
        "POST /echo",
        "expect: 100-continue\r\ncontent-length: 5\r\nconnection: close\r\n",
    );
    allowed.extend_from_slice(b"\r\n");
    raw.send(&allowed)?;
    ensure!(raw.until("\r\n\r\n")?.starts_with("HTTP/1.1 100"));
    raw.send(b"hello")?;
    let answer = raw.rest()?;
    ensure!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("\"bytes\":5"),
        "{answer}"
    );
    Ok(())
}

/// A description of the service names operations for policies, and what it does not know is refused where that is said.
#[test]
fn a_description_names_operations() -> Result<()> {
    let service = Service::start(&[])?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("service.yaml");
    std::fs::write(
        &file,
        "openapi: 3.1.0\ninfo: {title: reports, version: '1'}\npaths:\n  /people:\n    get: {operationId: listPeople, responses: {200: {description: ok}}}\n\
         \x20 /range:\n    get: {operationId: readRange, responses: {'200': {description: ok}}}\n",
    )?;
    let policies = r#"
        permit (principal in Group::"analysts", action == Action::"connect", resource);
        permit (principal in Group::"analysts", action == Action::"http:get", resource)
        when { context.http has operation && context.http.operation == "listPeople" };
    "#;
    let more = format!(
        "settings: {{description_file: '{}', only_described: true}}",
        file.display()
    );
    let target = format!("{{address: '127.0.0.1:{}', tls: disable}}", service.plain);
    let web = Web::start_with(&target, &more, Settings::default().policies(policies))?;
    ensure!(web.status("/people", &[])?.0 == 200);
    ensure!(web.status("/range", &[])?.0 == 403);
    let (status, told) = web.status("/other", &[])?;
    ensure!(
        status == 403 && told.contains("does not know"),
        "{status} {told}"
    );
    let explained = web.gateway.admin(&[
        "explain",
        "--as",
        "user:ada",
        "--connection",
        "reports",
        "GET /people",
    ])?;
    ensure!(explained.contains("allow"), "{explained}");
    let explained = web
        .gateway
        .sluice(&[
            "explain",
            "--as",
            "user:ada",
            "--connection",
            "reports",
            "GET /range",
        ])
        .output()?;
    ensure!(
        String::from_utf8_lossy(&explained.stdout).contains("no policy"),
        "{explained:?}"
    );
    // A description that changes is read again.
    let text = std::fs::read_to_string(&file)?;
    std::fs::write(&file, text.replace("listPeople", "everybody"))?;
    wait_for("the new description", || {
        Ok((web.status("/people", &[])?.0 == 403).then_some(()))
    })
}

/// What an approver would not see, nobody is asked to approve.
#[test]
fn an_approver_sees_all_of_it() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "")?;
    let folder = tempfile::tempdir()?;
    let plain = folder.path().join("body.json");
    let text = format!(
        "{{\"padding\": \"{}\", \"really\": true}}",
        "x".repeat(60 * 1024)
    );
    std::fs::write(&plain, text)?;
    let long = format!("@{}", plain.display());
    printed(std::process::Command::new("gzip").arg("--keep").arg(&plain))?;
    let packed = format!("@{}.gz", plain.display());
    let kind = "content-type: application/json";
    for arguments in [
        &["--data-binary", &long, "--header", kind][..],
        &[
            "--data-binary",
            &packed,
            "--header",
            kind,
            "--header",
            "content-encoding: gzip",
        ],
        &["--data-binary", "{\"a\": 1", "--header", kind],
    ] {
        let (status, told) = web.status("/run", arguments)?;
        ensure!(status == 413, "{arguments:?}: {status} {told}");
    }
    // What is no text is shown as what it is.
    let arguments = [
        "--data-binary",
        "\u{1}",
        "--header",
        "content-type: image/png",
        "--header",
        "prefer: respond-async",
    ];
    ensure!(web.status("/run", &arguments)?.0 == 202);
    let id = web.gateway.pending_approval()?;
    let shown = web.gateway.admin(&["approvals", &id])?;
    ensure!(
        shown.contains("cannot be shown: image/png, sha256"),
        "{shown}"
    );
    ensure!(
        shown.contains("waits no more"),
        "it was told to come again: {shown}"
    );
    Ok(())
}

/// Whoever judges a request sees its fields whole, however much of them records keep.
#[test]
fn an_approver_sees_the_whole_of_a_long_field() -> Result<()> {
    let service = Service::start(&[])?;
    let web = Web::start(service.plain, "hold_timeout_seconds: 1")?;
    let long = format!("x-note: {}the end", "so it goes ".repeat(320));
    let arguments = [RUN, &["--header", &long]].concat();
    let (status, told) = web.status("/run", &arguments)?;
    ensure!(status == 202, "{status} {told}");
    let listed = web.gateway.admin_json(&["approvals"])?.to_string();
    ensure!(listed.contains(&long), "{listed}");
    // Each part is called what it is.
    let id = web.gateway.pending_approval()?;
    let shown = web.gateway.admin(&["approvals", &id])?;
    for part in [
        "header: content-type: application/json",
        "body: {\"month\": \"May\"}",
    ] {
        ensure!(shown.contains(part), "{part}: {shown}");
    }
    ensure!(!shown.contains("$1"), "{shown}");
    Ok(())
}

/// Masks that leave something of a value: masked once more, they would leave less.
const PARTLY: &str = "
kind: User
name: ada
groups: [analysts]
---
kind: DataClass
name: contact
fields: [email]
detectors: [email]
mask: {keep_first: 2}
---
kind: DataClass
name: number
fields: [ssn]
detectors: [us_ssn]
mask: {keep_last: 4}
";

/// Records hold answers as the caller saw them: the same bytes, whatever kind of document was masked on its way.
#[test]
fn the_answer_on_record_is_what_the_caller_got() -> Result<()> {
    let service = Service::start(&[])?;
    let target = format!("{{address: '127.0.0.1:{}', tls: disable}}", service.plain);
    let settings = Settings::default().resource("world.yaml", PARTLY);
    let web = Web::start_with(&target, "", settings)?;
    let mut seen = Vec::new();
    for (path, more) in [
        ("/people", "***-**-8726"),
        ("/people.gz", "***-**-8726"),
        ("/people.csv", "ad*@"),
        ("/people.xml", "ad*@"),
        ("/people.ndjson", "***-**-8727"),
        ("/people.form", "name=Ada"),
        ("/people.txt", "ad*@"),
        ("/events", "***-**-8726"),
    ] {
        let got = web.get(path, &["--compressed"])?;
        ensure!(
            got.contains(more) && !got.contains("ada@example.com"),
            "{path}: {got}"
        );
        seen.push((path, got));
    }
    let head = web.get("/header", &["--include"])?;
    let contact = head
        .lines()
        .find_map(|line| line.strip_prefix("x-contact: "));
    let contact = contact.context("the field")?.trim().to_owned();
    ensure!(contact.starts_with("ad*@"), "{head}");
    let record = web.replay(&["--json"], "x-contact")?;
    let events: Vec<Value> = record
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let mut kept = events
        .iter()
        .filter(|event| event["event"] == "part" && event["side"] == "target")
        .map(|event| event["content"]["text"].as_str().unwrap_or_default());
    for (path, got) in seen {
        let kept = kept.next().context("a part for each answer")?;
        ensure!(kept == got, "{path}: got {got}, on record is {kept}");
    }
    let field = serde_json::json!(["x-contact", contact]).to_string();
    ensure!(record.contains(&field), "{field}: {record}");
    Ok(())
}
