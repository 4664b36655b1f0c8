//! People sign in at a certified OpenID provider: in a browser, with `sluice login`, at a terminal without a browser.

use serde_json::{Value, json};
use sluice_tests::browser::{Browser, Page};
use sluice_tests::dev_idp::DevIdp;
use sluice_tests::oidc::{OidcProvider, Place};
use sluice_tests::process::{checked, printed, wait_for, wait_within};
use sluice_tests::{Gateway, Postgres, Settings};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Kim is an engineer, Lee a guest; neither is declared anywhere.
fn people() -> Value {
    json!({
        "1001": {"preferred_username": "kim", "name": "Kim", "email": "kim@corp.example", "email_verified": true,
                 "groups": ["engineering", "admins"]},
        "1002": {"preferred_username": "lee", "name": "Lee", "email": "lee@corp.example", "email_verified": true,
                 "groups": []},
        "1003": {"preferred_username": "ada", "groups": ["engineering"]},
        "1004": {"preferred_username": "KIM", "groups": ["engineering"]},
        "1005": {"preferred_username": "admin", "groups": []},
    })
}

struct Stage {
    gateway: Gateway,
    provider: OidcProvider,
    _shop: Postgres,
}

fn stage() -> Stage {
    let shop = Postgres::start().unwrap();
    let place = Place::new().unwrap();
    let settings = Settings::default().resource("corp.yaml", &place.resource(""));
    let gateway = Gateway::start(&shop, settings).unwrap();
    let provider = place.start(&gateway, &people()).unwrap();
    Stage {
        gateway,
        provider,
        _shop: shop,
    }
}

/// `sluice` for a person whose home is `home`.
fn sluice(gateway: &Gateway, home: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(gateway.binary());
    command
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env("BROWSER", "true")
        .env("SLUICE_CA", gateway.authority())
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("SLUICE_URL")
        .env_remove("SLUICE_TOKEN")
        .stdin(Stdio::null());
    command
}

/// A login that waits, and the addresses that it printed.
fn waiting(gateway: &Gateway, home: &std::path::Path, more: &[&str]) -> (Child, Vec<String>) {
    let url = format!("https://127.0.0.1:{}", gateway.https_port);
    let arguments = [&["login", "--url", &url], more].concat();
    let said = home.join("said");
    // As the console shows it, in the folder that has the file.
    std::fs::copy(gateway.authority(), home.join("sluice-ca.pem")).unwrap();
    let child = sluice(gateway, home, &arguments)
        .env("SLUICE_CA", "sluice-ca.pem")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let wanted = if more.is_empty() { 1 } else { 2 };
    let pages = wait_for("the pages to open", || {
        let text = std::fs::read_to_string(&said)?;
        let lines = text.lines().map(str::trim);
        let found: Vec<String> = lines
            .filter(|line| line.starts_with("https://"))
            .map(str::to_owned)
            .collect();
        // The last line has to be whole.
        Ok((found.len() == wanted && text.ends_with("\n\n")).then_some(found))
    });
    (child, pages.unwrap())
}

fn ended(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

/// Signs in with a browser for a login that waits.
fn allow(browser: &Browser, page: &str, user: &str) -> Page {
    let asked = browser.sign_in(page, user).unwrap();
    assert!(
        asked.text.contains("wants to act as"),
        "{} {}",
        asked.url,
        asked.text
    );
    browser
        .submit(&asked.url, &[("decision", "allow")])
        .unwrap()
}

fn logged_in(stage: &Stage, user: &str) -> (tempfile::TempDir, Browser) {
    let home = tempfile::tempdir().unwrap();
    let browser = Browser::new(&stage.gateway).unwrap();
    let (child, pages) = waiting(&stage.gateway, home.path(), &[]);
    let back = allow(&browser, &pages[0], user);
    assert!(
        back.text.contains("Signed in. You can close this page"),
        "{}",
        back.text
    );
    let output = ended(child);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (home, browser)
}

fn token(home: &std::path::Path) -> String {
    let file = home.join(".config/sluice/login.json");
    let kept: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    kept["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_person_logs_in_from_a_terminal_and_works_with_psql() {
    let stage = stage();
    let (home, _browser) = logged_in(&stage, "1001");
    let who = printed(&mut sluice(&stage.gateway, home.path(), &["whoami"])).unwrap();
    assert!(
        who.contains("user:kim") && who.contains("engineering"),
        "{who}"
    );
    assert!(
        !who.contains("administrator"),
        "the provider's admins are not the gateway's: {who}"
    );
    // The gateway's authority is kept along, for commands in any folder.
    let mut elsewhere = sluice(&stage.gateway, home.path(), &["whoami"]);
    elsewhere.current_dir("/").env_remove("SLUICE_CA");
    assert_eq!(printed(&mut elsewhere).unwrap(), who);
    let answer = stage
        .gateway
        .answer(&token(home.path()), "SELECT 1")
        .unwrap();
    assert_eq!(answer, "1");
    use std::os::unix::fs::PermissionsExt as _;
    let kept = home.path().join(".config/sluice/login.json");
    assert_eq!(
        std::fs::metadata(kept).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // Out again: the token is revoked, and nothing is kept.
    let spent = token(home.path());
    checked(&mut sluice(&stage.gateway, home.path(), &["logout"])).unwrap();
    assert!(
        stage
            .gateway
            .refusal(&spent, "SELECT 1")
            .unwrap()
            .contains("not valid")
    );
    assert!(!home.path().join(".config/sluice/login.json").exists());
    // Nothing of it is in the log.
    let log = stage.gateway.log().unwrap();
    assert!(!log.contains(&spent) && !log.contains("eyJ"), "{log}");
}

#[test]
fn a_terminal_without_a_browser_shows_a_code() {
    let stage = stage();
    let home = tempfile::tempdir().unwrap();
    let browser = Browser::new(&stage.gateway).unwrap();
    let (child, pages) = waiting(&stage.gateway, home.path(), &["--device"]);
    let asked = browser.sign_in(&pages[1], "1001").unwrap();
    assert!(asked.text.contains("Allow a terminal?"), "{}", asked.text);
    let wrong = browser.open("/device?user_code=BCDF-BCDF").unwrap();
    assert_eq!(wrong.status, 404);
    let code = pages[1].rsplit_once('=').unwrap().1;
    // A page elsewhere cannot decide for the person.
    let forged = browser
        .submit_from(
            "https://evil.example",
            "/device",
            &[("user_code", code), ("decision", "allow")],
        )
        .unwrap();
    assert!(!forged.text.contains("Allowed"), "{}", forged.text);
    let done = browser
        .submit("/device", &[("user_code", code), ("decision", "allow")])
        .unwrap();
    assert!(done.text.contains("Allowed"), "{}", done.text);
    assert!(ended(child).status.success());
    let who = printed(&mut sluice(&stage.gateway, home.path(), &["whoami"])).unwrap();
    assert!(who.contains("user:kim"), "{who}");
}

#[test]
fn what_a_person_denies_is_not_given() {
    let stage = stage();
    let home = tempfile::tempdir().unwrap();
    let browser = Browser::new(&stage.gateway).unwrap();
    let (child, pages) = waiting(&stage.gateway, home.path(), &[]);
    let asked = browser.sign_in(&pages[0], "1001").unwrap();
    browser.submit(&asked.url, &[("decision", "deny")]).unwrap();
    let output = ended(child);
    assert!(!output.status.success());
    let said = std::fs::read_to_string(home.path().join("said")).unwrap();
    assert!(said.contains("the sign-in was denied"), "{said}");
    let (child, pages) = waiting(&stage.gateway, home.path(), &["--device"]);
    let code = pages[1].rsplit_once('=').unwrap().1;
    browser
        .submit("/device", &[("user_code", code), ("decision", "deny")])
        .unwrap();
    assert!(!ended(child).status.success());
}

#[test]
fn keys_of_each_kind_and_claims_from_the_userinfo_endpoint_are_understood() {
    let shop = Postgres::start().unwrap();
    for (algorithm, userinfo_only) in [("ES256", false), ("EdDSA", true)] {
        let place = Place::new().unwrap();
        let settings = Settings::default().resource("corp.yaml", &place.resource(""));
        let gateway = Gateway::start(&shop, settings).unwrap();
        let provider = place
            .start_with(&gateway, &people(), algorithm, userinfo_only)
            .unwrap();
        let browser = Browser::new(&gateway).unwrap();
        let home = browser.sign_in("/signin", "1001").unwrap();
        assert!(
            home.text.contains("user:kim"),
            "{algorithm}: {} {}",
            home.text,
            gateway.log().unwrap()
        );
        drop(provider);
    }
}

/// ATTACKS 6 and 9: names that are others', another browser, a second use, another answer.
#[test]
fn nobody_becomes_somebody_else() {
    let stage = stage();
    let refused = |user: &str, expected: &str| {
        let browser = Browser::new(&stage.gateway).unwrap();
        let page = browser.sign_in("/signin", user).unwrap();
        assert_eq!(page.status, 403, "{}", page.text);
        assert!(page.text.contains(expected), "{}", page.text);
        assert!(!browser.open("/account").unwrap().text.contains("You are"));
    };
    refused("1003", "declared without");
    refused("1005", "is taken");
    let browser = Browser::new(&stage.gateway).unwrap();
    browser.sign_in("/signin", "1001").unwrap();
    refused("1004", "is taken");
    // The same name for another subject.
    stage
        .provider
        .people(&json!({"2001": {"preferred_username": "kim", "groups": []}}))
        .unwrap();
    refused("2001", "is somebody else");
    stage.provider.people(&people()).unwrap();
    // A callback that another browser began, or that was used.
    let (one, two) = (
        Browser::new(&stage.gateway).unwrap(),
        Browser::new(&stage.gateway).unwrap(),
    );
    let sent = one.open_only("/signin/corp").unwrap();
    let location = sent
        .text
        .lines()
        .find_map(|l| l.strip_prefix("location: "))
        .unwrap();
    let state = location
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let callback = format!(
        "/signin/corp/callback?code=x&state={state}&iss={}",
        stage.provider.url()
    );
    assert_eq!(
        two.open(&callback).unwrap().status,
        400,
        "another browser's"
    );
    assert_eq!(
        one.open(&callback).unwrap().status,
        400,
        "no code of the provider's"
    );
    let sent = one.open_only("/signin/corp").unwrap();
    let location = sent
        .text
        .lines()
        .find_map(|l| l.strip_prefix("location: "))
        .unwrap();
    let state = location
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    for query in [
        format!("code=x&state={state}&iss=https://evil.example"),
        "code=x&state=guess".to_owned(),
    ] {
        assert_eq!(
            one.open(&format!("/signin/corp/callback?{query}"))
                .unwrap()
                .status,
            400,
            "{query}"
        );
    }
}

#[test]
fn pages_are_inert_and_send_nobody_elsewhere() {
    let stage = stage();
    let browser = Browser::new(&stage.gateway).unwrap();
    let home = browser
        .sign_in("/signin?next=//evil.example/", "1001")
        .unwrap();
    assert!(
        home.url.ends_with("/account") && home.url.contains("127.0.0.1"),
        "{}",
        home.url
    );
    for header in [
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "frame-ancestors 'none'",
        "cache-control: no-store",
        "referrer-policy: same-origin",
    ] {
        assert!(home.text.contains(header), "{header}: {}", home.text);
    }
    let cookie = home
        .text
        .lines()
        .find(|l| l.starts_with("set-cookie: __Host-sluice="));
    let cookie = cookie.unwrap();
    for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    // The cookie is no bearer token, and a bearer token no cookie; and it changes nothing from elsewhere.
    let secret = cookie.split(['=', ';']).nth(1).unwrap();
    let out = stage
        .gateway
        .sluice_as(secret, &["whoami"])
        .output()
        .unwrap();
    assert!(!out.status.success());
    let url = "/v1/tokens";
    let forged = browser
        .submit_from("https://evil.example", url, &[])
        .unwrap();
    assert_eq!(forged.status, 401, "{}", forged.text);
    for uri in ["https://evil.example/", "http://127.0.0.1:1.evil.example/"] {
        let query = format!(
            "/oauth/authorize?response_type=code&client_id=sluice-cli&redirect_uri={uri}&code_challenge={}&code_challenge_method=S256",
            "a".repeat(43)
        );
        assert_eq!(browser.open(&query).unwrap().status, 400, "{uri}");
    }
}

/// ATTACKS 8: the bound is the provider's `refresh_seconds`, 5 here.
#[test]
fn a_group_that_is_gone_at_the_provider_is_gone_here_and_so_is_a_person() {
    let stage = stage();
    let (home, _browser) = logged_in(&stage, "1001");
    let secret = token(home.path());
    let mut session = stage.gateway.psql_command(&secret);
    let mut session = session
        .args(["-c", "SELECT 1", "-c", "SELECT pg_sleep(30)"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the session", || {
        let sessions = stage.gateway.admin_json(&["sessions", "--live"])?;
        Ok(sessions["sessions"]
            .as_array()
            .filter(|all| !all.is_empty())
            .map(|_| ()))
    })
    .unwrap();
    // Providers leave the claim out where somebody is in no group.
    let mut fewer = people();
    fewer["1001"].as_object_mut().unwrap().remove("groups");
    stage.provider.people(&fewer).unwrap();
    wait_within(Duration::from_secs(10), "the lost group to be felt", || {
        Ok(session.try_wait()?)
    })
    .unwrap();
    let refusal = stage.gateway.refusal(&secret, "SELECT 1").unwrap();
    assert!(
        !refusal.contains("not valid"),
        "the policies refuse, the person is still signed in: {refusal}"
    );
    let mut gone = people();
    gone.as_object_mut().unwrap().remove("1001");
    stage.provider.people(&gone).unwrap();
    wait_within(
        Duration::from_secs(10),
        "the lost person to be felt",
        || {
            let out = sluice(&stage.gateway, home.path(), &["whoami"]).output()?;
            Ok((!out.status.success()).then_some(()))
        },
    )
    .unwrap();
    assert!(
        stage
            .gateway
            .refusal(&secret, "SELECT 1")
            .unwrap()
            .contains("not valid")
    );
}

/// The provider is asked again at once when what it says means something else.
#[test]
fn a_changed_map_of_groups_is_felt_by_who_is_signed_in() {
    let stage = stage();
    let (home, _browser) = logged_in(&stage, "1001");
    let secret = token(home.path());
    let works = || {
        stage
            .gateway
            .psql(&secret, &["SELECT 1"])
            .map(|out| out.status.success())
    };
    assert!(works().unwrap());
    let path = stage.gateway.home().join("resources/corp.yaml");
    let changed = std::fs::read_to_string(path).unwrap();
    let changed = format!("{}\ngroups: {{only_mapped: true}}\n", changed.trim_end());
    stage.gateway.write_resource("corp.yaml", &changed).unwrap();
    wait_within(Duration::from_secs(10), "the group to be gone", || {
        Ok((!works()?).then_some(()))
    })
    .unwrap();
    let refusal = stage.gateway.refusal(&secret, "SELECT 1").unwrap();
    assert!(!refusal.contains("not valid"), "still signed in: {refusal}");
}

/// Nobody's secrets of one provider are shown to another that takes its name.
#[test]
fn a_provider_that_leads_elsewhere_or_is_gone_takes_its_sign_ins_along() {
    let shop = Postgres::start().unwrap();
    let place = Place::new().unwrap();
    let resource = place.resource("");
    let settings = Settings::default().resource("corp.yaml", &resource);
    let gateway = Gateway::start(&shop, settings).unwrap();
    let provider = place.start(&gateway, &people()).unwrap();
    let stage = Stage {
        gateway,
        provider,
        _shop: shop,
    };
    for changed in [
        resource.replace("client_id: sluice", "client_id: other"),
        String::new(),
    ] {
        let (home, _browser) = logged_in(&stage, "1001");
        stage.gateway.write_resource("corp.yaml", &changed).unwrap();
        wait_for("the sign-in to end", || {
            let out = sluice(&stage.gateway, home.path(), &["whoami"]).output()?;
            Ok((!out.status.success()).then_some(()))
        })
        .unwrap();
        stage
            .gateway
            .write_resource("corp.yaml", &resource)
            .unwrap();
        wait_for("the provider to be back", || {
            let page = Browser::new(&stage.gateway)?.open_only("/signin/corp")?;
            Ok(page.text.contains("client_id=sluice&").then_some(()))
        })
        .unwrap();
    }
}

/// A provider that is gone lets nobody new in, and takes away nothing yet: those who are signed in go on.
#[test]
fn a_provider_that_is_gone_lets_nobody_new_in_and_takes_nothing_away_at_once() {
    let mut stage = stage();
    let (home, _browser) = logged_in(&stage, "1001");
    let secret = token(home.path());
    stage.provider.stop();
    wait_for("the gateway to notice", || {
        let log = stage.gateway.log()?;
        Ok(log.contains("cannot be asked").then_some(()))
    })
    .unwrap();
    assert_eq!(stage.gateway.answer(&secret, "SELECT 1").unwrap(), "1");
    let browser = Browser::new(&stage.gateway).unwrap();
    let sent = browser.open_only("/signin/corp").unwrap();
    let state = sent.header("location").unwrap().split("state=").nth(1);
    let state = state.unwrap().split('&').next().unwrap();
    let issuer = stage.provider.url();
    let back = format!("/signin/corp/callback?code=x&state={state}&iss={issuer}");
    let page = browser.open(&back).unwrap();
    assert_eq!(page.status, 502, "{}", page.text);
    assert!(page.text.contains("cannot be reached"), "{}", page.text);
}

#[test]
fn signing_out_at_either_side_ends_both() {
    let stage = stage();
    let (home, browser) = logged_in(&stage, "1001");
    let secret = token(home.path());
    let out = browser.submit("/signout", &[]).unwrap();
    assert!(
        out.text.contains("Signed out") && out.text.contains("/session/end"),
        "{}",
        out.text
    );
    assert!(
        stage
            .gateway
            .refusal(&secret, "SELECT 1")
            .unwrap()
            .contains("not valid")
    );
    // The other way: the provider tells the gateway.
    let (home, browser) = logged_in(&stage, "1002");
    let who = || {
        sluice(&stage.gateway, home.path(), &["whoami"])
            .output()
            .unwrap()
            .status
            .success()
    };
    assert!(who());
    let form = browser
        .open(&format!("{}/session/end", stage.provider.url()))
        .unwrap();
    let xsrf = form
        .text
        .split("name=\"xsrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let end = format!("{}/session/end/confirm", stage.provider.url());
    browser
        .submit(&end, &[("xsrf", xsrf), ("logout", "yes")])
        .unwrap();
    wait_for("the gateway to hear of it", || Ok((!who()).then_some(()))).unwrap();
    // What anybody can send is not believed.
    let forged = browser
        .submit(
            "/signin/corp/backchannel-logout",
            &[("logout_token", "eyJhbGciOiJub25lIn0.e30.")],
        )
        .unwrap();
    assert_eq!(forged.status, 400);
}

/// The development provider: loopback only, marked, and a whole sign-in with groups.
#[test]
fn the_development_provider_serves_this_host_alone_and_says_what_it_is() {
    let shop = Postgres::start().unwrap();
    let idp = DevIdp::place().unwrap();
    let settings = Settings::default().resource("dev.yaml", &idp.resource());
    let gateway = Gateway::start(&shop, settings).unwrap();
    let everywhere = Command::new(gateway.binary())
        .args([
            "dev-idp",
            "--listen",
            "0.0.0.0:0",
            "--users",
            "/dev/null",
            "--redirect-uri",
            "x",
        ])
        .output()
        .unwrap();
    assert!(!everywhere.status.success());
    assert!(String::from_utf8_lossy(&everywhere.stderr).contains("loopback addresses only"));
    let idp = idp
        .start(&gateway, "- {name: kim, groups: [engineering]}\n")
        .unwrap();
    let browser = Browser::new(&gateway).unwrap();
    let page = browser.open("/signin").unwrap();
    assert!(page.text.contains("FOR DEVELOPMENT ALONE"), "{}", page.text);
    let home = browser.submit(&page.url, &[("user", "kim")]).unwrap();
    assert!(
        home.text.contains("user:kim") && home.text.contains("engineering"),
        "{}",
        home.text
    );
    drop(idp);
}
