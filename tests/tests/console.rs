//! The console in a real browser, over the real gateway with a real database.

use serde_json::{Value, json};
use sluice_tests::chromium::Chromium;
use sluice_tests::dev_idp::{DevIdp, RunningDevIdp};
use sluice_tests::process::Running;
use sluice_tests::{Gateway, Postgres, Settings};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Those who sign in.
const PEOPLE: &str = "- {name: root, email: root@example.com, groups: [admins, dba]}\n\
                      - {name: lee, email: lee@example.com, groups: [dba]}\n\
                      - {name: kim, email: kim@example.com, groups: [engineering]}\n";
const PATIENCE: Duration = Duration::from_secs(60);

struct Stage {
    gateway: Gateway,
    _identity_provider: RunningDevIdp,
    shop: Postgres,
    /// Of `user:ada`, an engineer who works in a terminal.
    ada: String,
}

fn stage() -> Stage {
    let shop = Postgres::start().unwrap();
    let place = DevIdp::place().unwrap();
    let settings = Settings::default().resource("identity.yaml", &place.resource());
    let gateway = Gateway::start(&shop, settings).unwrap();
    let identity_provider = place.start(&gateway, PEOPLE).unwrap();
    let ada = gateway.token("user:ada").unwrap();
    Stage {
        gateway,
        _identity_provider: identity_provider,
        shop,
        ada,
    }
}

impl Stage {
    fn at(&self, path: &str) -> String {
        format!(
            "https://127.0.0.1:{}/console{path}",
            self.gateway.https_port
        )
    }

    /// Opens a page as somebody who has to sign in first.
    fn sign_in(&self, who: &str, path: &str) -> Vec<Value> {
        vec![
            json!({"open": self.at(path)}),
            json!({"click": format!("button[value={who}]")}),
            json!({"at": "/console"}),
        ]
    }

    /// psql of ada's, at work on one statement.
    fn psql(&self, sql: &str) -> Running {
        let screen = std::fs::File::create(self.gateway.home().join("screen")).unwrap();
        let mut psql = self.gateway.psql_command(&self.ada);
        psql.args(["-c", sql])
            .stdin(Stdio::null())
            .stdout(screen.try_clone().unwrap())
            .stderr(screen);
        Running::start(&mut psql, "KILL").unwrap()
    }

    fn screen(&self) -> String {
        std::fs::read_to_string(self.gateway.home().join("screen")).unwrap()
    }
}

/// Where pictures go, when somebody wants to look at them: the folder in `SLUICE_PICTURES`.
fn picture(name: &str) -> Option<Value> {
    let folder = PathBuf::from(std::env::var_os("SLUICE_PICTURES")?);
    Some(json!({"picture": folder.join(format!("{name}.png"))}))
}

/// The page that is open, in light and dark and as wide as a telephone: nobody is kept out, nothing is cut off.
fn looked_at(name: &str) -> Vec<Value> {
    let mut steps = Vec::new();
    for (look, scheme, width, height) in [
        ("light", "light", 1_280, 900),
        ("dark", "dark", 1_280, 900),
        ("phone", "light", 390, 844),
    ] {
        let page = format!("{name} ({look})");
        steps.push(json!({"size": [width, height]}));
        steps.push(json!({"scheme": scheme}));
        steps.extend(picture(&format!("{name}-{look}")));
        steps.push(json!({"accessible": page}));
        steps.push(json!({"fits": page}));
    }
    steps.push(json!({"size": [1_280, 900]}));
    steps
}

#[test]
fn a_statement_that_waits_in_psql_is_approved_in_the_browser_and_its_result_arrives() {
    const DELETE: &str = "DELETE FROM payments WHERE order_id = 1";
    let stage = stage();
    let open = stage.gateway.home().join("inbox-is-open");
    let asked = stage.gateway.home().join("asked");
    let browser = Chromium::new().unwrap();
    let mut steps = stage.sign_in("lee", "/approvals");
    // The page is open before anything waits: what comes, comes without a reload.
    steps.extend([
        json!({"shows": "heading:Approvals"}),
        json!({"mark": open}),
        json!({"until": asked}),
        json!({"shows": "DELETE FROM payments"}),
    ]);
    steps.extend(looked_at("approvals"));
    steps.extend([
        json!({"press": "link:user:ada"}),
        json!({"shows": "button:Approve"}),
    ]);
    steps.extend(looked_at("approval"));
    steps.extend([
        json!({"press": "button:Approve"}),
        json!({"press": "button:Approve once"}),
        json!({"shows": "Approved"}),
    ]);
    let mut held = std::thread::scope(|scope| {
        let visit = scope.spawn(|| browser.visit(&json!(steps)).unwrap());
        sluice_tests::process::wait_for("the inbox", || Ok(open.exists().then_some(()))).unwrap();
        let held = stage.psql(DELETE);
        stage.gateway.pending_approval().unwrap();
        assert!(!stage.shop.ran(DELETE).unwrap(), "held means not run");
        std::fs::write(&asked, "").unwrap();
        visit.join().unwrap();
        held
    });
    assert!(held.wait(PATIENCE).unwrap().success(), "{}", stage.screen());
    assert!(stage.screen().contains("DELETE 1"), "{}", stage.screen());
}

#[test]
fn every_page_can_be_used_by_everybody_in_light_and_dark_and_on_a_telephone() {
    let stage = stage();
    stage
        .gateway
        .psql(
            &stage.ada,
            &[
                "SELECT id, name, ssn FROM customers LIMIT 3",
                "DROP DATABASE shop",
            ],
        )
        .unwrap();
    let session = stage.gateway.admin_json(&["sessions"]).unwrap();
    let session = session["sessions"][0]["id"].as_str().unwrap().to_owned();
    let browser = Chromium::new().unwrap();
    let mut steps = stage.sign_in("root", "/");
    for (path, name) in [
        ("/", "home"),
        ("/connections", "connections"),
        ("/connections/shop", "connection"),
        ("/connections/new", "connection-new"),
        ("/approvals", "approvals-empty"),
        ("/sessions", "sessions"),
        (&format!("/sessions/{session}") as &str, "session"),
        ("/policies", "policies"),
        ("/people", "people"),
        ("/log", "log"),
        ("/settings", "settings"),
        ("/me", "me"),
    ] {
        steps.push(json!({"open": stage.at(path)}));
        steps.push(json!({"shows": "heading:"}));
        steps.push(json!({"quiet": null}));
        steps.extend(looked_at(name));
    }
    let seen = browser.visit(&json!(steps)).unwrap();
    assert!(seen.complaints.is_empty(), "{:?}", seen.complaints);
}

#[test]
fn without_a_sign_in_there_is_nothing_to_see() {
    let stage = stage();
    let answer = Command::new("curl")
        .args(["--silent", "--insecure", "--include"])
        .arg(stage.at("/approvals"))
        .output()
        .unwrap();
    let answer = String::from_utf8(answer.stdout).unwrap().to_lowercase();
    assert!(answer.starts_with("http/2 200"), "{answer}");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "style-src 'self' 'nonce-",
    ] {
        assert!(answer.contains(part), "{answer}");
    }
    assert!(!answer.contains("__sluice_nonce__"));
    assert!(!answer.contains("unsafe-inline") && !answer.contains("'unsafe-eval'"));
    assert!(stage.gateway.https("/console/assets/none.js").is_err());
}
