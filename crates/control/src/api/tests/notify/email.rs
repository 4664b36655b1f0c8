//! E-mail.

use super::doubles::{Mail, MailServer};
use crate::api::tests::rig::Rig;
use crate::api::types::TestResult;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sluice_model::{ApprovalState, HeldOperation};

impl Rig {
    async fn with_mail(&self, server: &MailServer, more: &str) {
        let yaml = format!(
            "kind: Notifier\nname: mail\nemail: {{smtp: '{}', tls: none-on-loopback, from: sluice@example.com, to_approvers: true}}\npeople: {{bob@example.com: bob, eve@example.com: eve, ada@example.com: ada}}\n{more}\n",
            server.address
        );
        self.add(&yaml).await;
    }
}

/// The readable parts of a mail: text, then HTML.
fn parts(mail: &Mail) -> Vec<String> {
    let boundary = mail
        .data
        .split("boundary=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let boundary = format!("--{boundary}");
    let parts = mail.data.split(&boundary).skip(1);
    let read = |part: &str| {
        let (head, body) = part.split_once("\r\n\r\n")?;
        let body = body.trim_end();
        let head = head.to_lowercase();
        Some(match () {
            () if head.contains("quoted-printable") => unquoted(body),
            () if head.contains("base64") => {
                String::from_utf8(STANDARD.decode(body.replace("\r\n", "")).unwrap()).unwrap()
            }
            () => body.to_owned(),
        })
    };
    parts.filter_map(read).collect()
}

fn unquoted(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut out = Vec::new();
    let mut bytes = joined.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'=' => {
                let pair = [bytes.next().unwrap(), bytes.next().unwrap()];
                let pair = std::str::from_utf8(&pair).unwrap();
                out.push(u8::from_str_radix(pair, 16).unwrap());
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).unwrap()
}

fn headers(mail: &Mail) -> String {
    mail.data.split("\r\n\r\n").next().unwrap().to_owned()
}

fn link_of(text: &str) -> String {
    text.split("?link=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn approvers_are_written_to_and_their_link_is_theirs_alone_and_decides_nothing() {
    let rig = Rig::new().await;
    let server = MailServer::start(false).await;
    rig.with_mail(&server, "").await;
    let held = HeldOperation {
        text: "put <script>alert(1)</script>\r\n.\r\nRCPT TO:<x@y>".into(),
        reason: Some("why\r\nBcc: eve@example.com".into()),
        ..rig.held("user:ada")
    };
    let id = rig.control.request_approval(held).await.unwrap().id;
    rig.control.carry_all().await;
    // Only bob is in the group: neither the requester nor a guest is written to.
    let [mail] = server.mails().try_into().unwrap();
    assert_eq!(mail.to, ["TO:<bob@example.com>"]);
    let head = headers(&mail);
    assert!(
        head.contains("Auto-Submitted: auto-generated")
            && head.contains("Subject: Approval needed: user:ada on shop"),
        "{head}"
    );
    assert!(!head.contains("Bcc"), "{head}");
    let parts = parts(&mail);
    let (text, html) = (&parts[0], &parts[1]);
    assert!(
        text.contains("Reason: why\\u{d}\\u{a}Bcc: eve@example.com"),
        "{text}"
    );
    assert!(
        html.contains("&lt;script&gt;") && !html.contains("<script"),
        "{html}"
    );
    let link = link_of(text);
    assert!(html.contains(&link));
    // Whoever follows the address without signing in changes nothing: the page is the same for everybody.
    assert_eq!(
        rig.get(&format!("/console/approvals/{id}?link={link}"), "x")
            .await
            .status,
        200
    );
    let open = json!({"link": link}).to_string();
    let (bob, eve) = (
        rig.token("user:bob").await.secret,
        rig.token("user:eve").await.secret,
    );
    assert_eq!(
        rig.call("post", "/v1/links/open", None, "192.0.2.7", &open)
            .await
            .status,
        401
    );
    assert_eq!(rig.post("/v1/links/open", &eve, &open).await.status, 403);
    let reply = rig.post("/v1/links/open", &bob, &open).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Pending);
    assert_eq!(rig.post("/v1/links/open", &bob, &open).await.status, 409);
    // The decision is theirs as ever.
    assert_eq!(
        rig.post(&format!("/v1/approvals/{id}/approve"), &bob, "{}")
            .await
            .status,
        200
    );
    rig.control.carry_all().await;
    let [outcome] = server.mails().try_into().unwrap();
    assert!(!outcome.data.contains("link=3D") && !outcome.data.contains("?link="));
    let threads = |mail: &Mail| {
        headers(mail)
            .lines()
            .find(|l| l.starts_with("References:"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(threads(&outcome), threads(&mail));
}

#[tokio::test]
async fn a_link_is_over_with_its_day() {
    let rig = Rig::new().await;
    let server = MailServer::start(false).await;
    rig.with_mail(&server, "").await;
    rig.asked().await;
    rig.control.carry_all().await;
    let [mail] = server.mails().try_into().unwrap();
    let open = json!({"link": link_of(&parts(&mail)[0])}).to_string();
    rig.advance(86_400);
    let bob = rig.token("user:bob").await.secret;
    assert_eq!(rig.post("/v1/links/open", &bob, &open).await.status, 400);
}

#[tokio::test]
async fn nothing_is_said_before_tls_and_only_the_right_certificate_will_do() {
    let rig = Rig::new().await;
    let server = MailServer::start(true).await;
    let (password, ca) = (
        rig.secret("mail.password", "canary"),
        rig.dir.path().join("mail-ca.pem"),
    );
    std::fs::write(&ca, &server.ca_pem).unwrap();
    let with = async |ca_file: &str| {
        rig.add(&format!(
            "kind: Notifier\nname: mail\nemail: {{smtp: '{}', username: u, password: {password}, from: sluice@example.com, to: [list@example.com]}}\n{ca_file}\n",
            server.address
        ))
        .await;
    };
    let root = rig.token("user:root").await.secret;
    let test = async || {
        rig.post("/v1/notifiers/mail/test", &root, "")
            .await
            .json::<TestResult>()
    };
    with(&format!("ca_file: '{}'", ca.display())).await;
    assert_eq!(
        test().await,
        TestResult {
            ok: true,
            error: None
        }
    );
    let [mail] = server.mails().try_into().unwrap();
    assert!(mail.tls);
    assert_eq!(
        mail.auth.unwrap(),
        format!("PLAIN {}", STANDARD.encode("\0u\0canary"))
    );
    with("").await;
    let failed = test().await;
    assert!(!failed.ok && server.mails().is_empty(), "{failed:?}");
    // A server that does not offer STARTTLS (or somebody who cut it out) gets nothing.
    let bare = MailServer::start(false).await;
    rig.add(&format!(
        "kind: Notifier\nname: mail\nemail: {{smtp: '{}', from: sluice@example.com, to: [list@example.com]}}\n",
        bare.address
    ))
    .await;
    let failed = test().await;
    assert!(!failed.ok && bare.mails().is_empty(), "{failed:?}");
}

#[tokio::test]
async fn what_the_server_refuses_waits_and_is_not_repeated() {
    let rig = Rig::new().await;
    let server = MailServer::start(false).await;
    rig.with_mail(&server, "").await;
    *server.refuses.lock() = Some("451 bob@example.com is over quota, canary");
    rig.asked().await;
    rig.control.carry_all().await;
    let root = rig.token("user:root").await.secret;
    let listed = rig.get("/v1/notifiers", &root).await.text;
    assert!(
        listed.contains("the mail server answered 451") && !listed.contains("canary"),
        "{listed}"
    );
    *server.refuses.lock() = None;
    rig.advance(10);
    rig.control.carry_all().await;
    assert_eq!(server.mails().len(), 1);
}
