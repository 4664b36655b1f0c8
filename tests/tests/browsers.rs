//! The pages in a real browser: signing in at each kind of provider, letting a program and a terminal in, signing out.
//! A browser complains about whatever our content security policy forbids our own pages; none of them is.

use serde_json::{Value, json};
use sluice_tests::chromium::{Chromium, Seen};
use sluice_tests::{Gateway, Postgres, Settings, oidc, saml};
use std::process::{Command, Stdio};

fn people() -> Value {
    json!({"1001": {"preferred_username": "kim", "groups": ["engineering"]}})
}

/// The browser found nothing wrong with the gateway's pages; what it thinks of the providers' is theirs.
fn quiet(gateway: &Gateway, seen: &Seen) {
    let ours = at(gateway, "/");
    let complaints = seen.complaints.iter().filter(|c| c.starts_with(&ours));
    let complaints: Vec<&String> = complaints.collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}

fn at(gateway: &Gateway, path: &str) -> String {
    format!("https://127.0.0.1:{}{path}", gateway.https_port)
}

#[test]
fn chromium_signs_in_at_an_openid_provider_lets_a_program_in_and_signs_out() {
    let shop = Postgres::start().unwrap();
    let place = oidc::Place::new().unwrap();
    let settings =
        Settings::default().resource("corp.yaml", &place.resource("title: Example Corp"));
    let gateway = Gateway::start(&shop, settings).unwrap();
    let provider = place.start(&gateway, &people()).unwrap();
    let browser = Chromium::new().unwrap();
    // `sluice login` waits for a browser; this one is it.
    let home = tempfile::tempdir().unwrap();
    let said = home.path().join("said");
    let mut login = Command::new(gateway.binary())
        .args(["login", "--url", &at(&gateway, "")])
        .env("HOME", home.path())
        .env("BROWSER", "true")
        .env("SLUICE_CA", gateway.authority())
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("SLUICE_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let page = sluice_tests::process::wait_for("the page to open", || {
        let text = std::fs::read_to_string(&said)?;
        let line = text
            .lines()
            .map(str::trim)
            .find(|l| l.starts_with("https://"));
        Ok(line.filter(|_| text.ends_with("\n\n")).map(str::to_owned))
    })
    .unwrap();
    let seen = browser
        .visit(&json!([
            {"open": page}, {"at": "/interaction/"}, {"click": "button[value=\"1001\"]"},
            {"see": "wants to act as"}, {"click": "button[value=allow]"}, {"see": "Signed in. You can close this page"},
        ]))
        .unwrap();
    assert!(seen.url.starts_with("http://127.0.0.1:"), "{}", seen.url);
    quiet(&gateway, &seen);
    assert!(login.wait().unwrap().success());
    let cookies = seen.cookies.as_array().unwrap();
    let ours = cookies
        .iter()
        .find(|c| c["name"] == "__Host-sluice")
        .unwrap();
    assert_eq!(
        (&ours["httpOnly"], &ours["secure"], &ours["sameSite"]),
        (&json!(true), &json!(true), &json!("Lax"))
    );
    // The browser is still signed in when it is opened again, and signs out on both sides.
    let seen = browser
        .visit(&json!([
            {"open": at(&gateway, "/account")}, {"see": "user:kim"}, {"click": "button"}, {"see": "Signed out"},
            {"click": "a.button"}, {"click": "button[name=logout]"}, {"at": "/interaction/"},
        ]))
        .unwrap();
    quiet(&gateway, &seen);
    drop(provider);
}

#[test]
fn chromium_signs_in_at_a_saml_provider_by_both_bindings_and_out_again() {
    let shop = Postgres::start().unwrap();
    for binding in ["redirect", "post"] {
        let place = saml::Place::new().unwrap();
        let resource = place.resource(&format!(", binding: {binding}"), "");
        let settings = Settings::default().resource("corp.yaml", &resource);
        let gateway = Gateway::start(&shop, settings).unwrap();
        let people =
            json!({"kim": {"uid": ["kim"], "employeeNumber": ["1001"], "groups": ["engineering"]}});
        let _provider = place.start(&gateway, &people, &json!({})).unwrap();
        let browser = Chromium::new().unwrap();
        let seen = browser
            .visit(&json!([
                {"open": at(&gateway, "/device")}, {"at": "loginuserpass"},
                {"fill": ["#username", "kim"]}, {"fill": ["#password", "password"]}, {"click": "button[type=submit]"},
                {"see": "The code that the terminal shows"},
                {"open": at(&gateway, "/account")}, {"see": "user:kim"}, {"see": "engineering"},
            ]))
            .unwrap_or_else(|e| panic!("{binding}: {e:#}\n{}", gateway.log().unwrap()));
        quiet(&gateway, &seen);
        let seen = browser
            .visit(&json!([
                {"open": at(&gateway, "/account")}, {"click": "button"}, {"see": "Signed out"},
                {"click": "a.button"}, {"see": "You are signed out"}, {"open": at(&gateway, "/account")}, {"at": "loginuserpass"},
            ]))
            .unwrap_or_else(|e| panic!("{binding}: {e:#}\n{}", gateway.log().unwrap()));
        quiet(&gateway, &seen);
    }
}
