//! People sign in at a SAML identity provider (SimpleSAMLphp).

use serde_json::{Value, json};
use sluice_tests::browser::{Browser, Form, Page};
use sluice_tests::process::{wait_for, wait_within};
use sluice_tests::saml::{Place, SamlProvider};
use sluice_tests::{Gateway, Postgres, Settings};
use std::fs;
use std::time::{Duration, Instant};

fn people() -> Value {
    json!({
        "kim": {"uid": ["kim"], "employeeNumber": ["1001"], "mail": ["kim@corp.example"], "groups": ["engineering", "admins"]},
        "lee": {"uid": ["lee"], "employeeNumber": ["1002"], "mail": ["lee@corp.example"], "groups": []},
    })
}

struct Stage {
    gateway: Gateway,
    provider: SamlProvider,
    _shop: Postgres,
}

fn stage(saml: &str, more: &str, settings: &Value) -> Stage {
    let shop = Postgres::start().unwrap();
    let place = Place::new().unwrap();
    let resource = place.resource(saml, more);
    let gateway =
        Gateway::start(&shop, Settings::default().resource("corp.yaml", &resource)).unwrap();
    let provider = place.start(&gateway, &people(), settings).unwrap();
    Stage {
        gateway,
        provider,
        _shop: shop,
    }
}

/// Signs somebody in with a new browser; the page that they come to.
fn sign_in(stage: &Stage, user: &str) -> (Browser, Page) {
    let browser = Browser::new(&stage.gateway).unwrap();
    let page = stage.provider.sign_in(&browser, "/signin", user);
    let page = page.unwrap_or_else(|e| panic!("{e:#}\n{}", stage.gateway.log().unwrap()));
    (browser, page)
}

/// Why the gateway last refused what a provider sent.
fn reason(stage: &Stage) -> String {
    let log = stage.gateway.log().unwrap();
    let mut last = log.lines().filter(|line| line.contains("was not accepted"));
    last.next_back().unwrap_or_default().to_owned()
}

/// The bindings of requests, what is signed and what is encrypted. The provider checks that requests are signed.
#[test]
fn a_person_signs_in_whatever_the_provider_signs_and_encrypts() {
    for (saml, settings) in [
        ("", json!({})),
        (
            ", binding: post",
            json!({"saml20.sign.response": true, "saml20.sign.assertion": false}),
        ),
        (
            ", name_id_format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'",
            json!({"saml20.sign.response": false, "saml20.sign.assertion": true}),
        ),
        (
            ", binding: post, force_authn: true, encrypted: true",
            json!({"assertion.encryption": true, "saml20.sign.response": true}),
        ),
    ] {
        let stage = stage(saml, "", &settings);
        let (_, page) = sign_in(&stage, "kim");
        for part in ["user:kim", "engineering", "provider:admins"] {
            assert!(
                page.text.contains(part),
                "{settings}: {} {}",
                page.text,
                reason(&stage)
            );
        }
    }
}

/// Without a signature around it, nothing is decrypted that says nothing about changes (CBC).
#[test]
fn what_is_encrypted_with_cbc_alone_is_refused_and_says_what_to_do() {
    let settings = json!({"assertion.encryption": true, "saml20.sign.response": false});
    let stage = stage(", encrypted: true", "", &settings);
    let (browser, page) = sign_in(&stage, "kim");
    assert_eq!(page.status, 400, "{}", page.text);
    assert!(reason(&stage).contains("let the provider use AES-GCM, or sign responses"));
    assert!(!browser.open("/account").unwrap().text.contains("You are"));
}

/// ATTACKS 7: replay, another browser, another request, unsolicited, changed, for another gateway.
#[test]
fn an_answer_is_taken_once_from_the_browser_that_asked() {
    let stage = stage("", "", &json!({}));
    let start = |browser: &Browser| stage.provider.prove(browser, "/signin", "kim").unwrap();
    let refused = |browser: &Browser, page: &Page, form: Form, what: &str| {
        let got = browser.send(page, &form).unwrap();
        assert_eq!(got.status, 400, "{what}: {}", got.text);
        assert!(
            !browser.open("/account").unwrap().text.contains("You are"),
            "{what}"
        );
    };
    // Another browser's, with and without a sign-in of its own.
    let (one, two) = (
        Browser::new(&stage.gateway).unwrap(),
        Browser::new(&stage.gateway).unwrap(),
    );
    let answer = start(&one);
    refused(&two, &answer, answer.form().unwrap(), "another browser");
    let page = one.send(&answer, &answer.form().unwrap()).unwrap();
    let text = &page.text;
    assert!(
        text.contains("user:kim"),
        "the other's try takes nothing: {text}"
    );
    // The answer of one request with the state of another.
    let one = Browser::new(&stage.gateway).unwrap();
    let (first, second) = (start(&one), start(&two));
    let theirs = second.form().unwrap();
    let state = theirs.value("RelayState").unwrap();
    refused(
        &two,
        &second,
        first.form().unwrap().with("RelayState", state),
        "another request's answer",
    );
    assert!(
        reason(&stage).contains("does not answer the request"),
        "{}",
        reason(&stage)
    );
    // Nobody asked.
    let third = Browser::new(&stage.gateway).unwrap();
    let answer = start(&third).form().unwrap();
    let unsolicited = answer.value("SAMLResponse").unwrap().to_owned();
    let fourth = Browser::new(&stage.gateway).unwrap();
    for form in [
        Form {
            action: answer.action.clone(),
            fields: vec![("SAMLResponse".into(), unsolicited.clone())],
        },
        Form {
            action: answer.action.clone(),
            fields: vec![
                ("SAMLResponse".into(), unsolicited.clone()),
                ("RelayState".into(), "/".into()),
            ],
        },
    ] {
        let page = fourth.open("/healthz").unwrap();
        refused(&fourth, &page, form, "unsolicited");
    }
    // Changed on the way.
    let page = start(&fourth);
    let changed = page.form().unwrap();
    let value = changed.value("SAMLResponse").unwrap();
    let middle = value.len() / 2;
    let other = if value.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    let forged = format!("{}{other}{}", &value[..middle], &value[middle + 1..]);
    refused(
        &fourth,
        &page,
        changed.with("SAMLResponse", &forged),
        "changed",
    );
    // A good one, and then again: with its own state, and with a fresh one.
    let page = start(&fourth);
    let form = page.form().unwrap();
    assert!(fourth.send(&page, &form).unwrap().text.contains("user:kim"));
    let fifth = Browser::new(&stage.gateway).unwrap();
    let fresh = start(&fifth).form().unwrap();
    let again = form.with("RelayState", fresh.value("RelayState").unwrap());
    refused(&fifth, &page, again, "replayed");
}

/// A provider changes its key; somebody else's is never taken.
#[test]
fn keys_rotate_by_metadata() {
    let stage = stage("", "", &json!({}));
    assert!(sign_in(&stage, "kim").1.text.contains("user:kim"));
    stage.provider.rotate().unwrap();
    let rotated = Instant::now();
    // The gateway looks at the metadata again, and not more often than every ten seconds.
    wait_within(Duration::from_secs(40), "the new key to be known", || {
        if rotated.elapsed() < Duration::from_secs(10) {
            return Ok(None);
        }
        let (_, page) = sign_in(&stage, "kim");
        Ok(page.text.contains("user:kim").then_some(()))
    })
    .unwrap();
}

#[test]
fn a_sign_in_ends_with_the_providers_and_the_other_way() {
    let stage = stage("", "", &json!({}));
    let (browser, page) = sign_in(&stage, "kim");
    assert!(page.text.contains("user:kim"));
    // At the provider: it tells the gateway through the browser.
    let out = format!(
        "{}/saml2/idp/SingleLogoutService.php?ReturnTo={}/",
        stage.provider.url(),
        stage.provider.url()
    );
    let gone = browser.open(&out).unwrap();
    assert!(
        !browser.open("/account").unwrap().text.contains("You are"),
        "{}\n{}",
        gone.text,
        reason(&stage)
    );
    // At the gateway: it offers to tell the provider, which then asks for the password again.
    let (browser, page) = sign_in(&stage, "kim");
    assert!(page.text.contains("user:kim"));
    let out = browser.submit("/signout", &[]).unwrap();
    let there = out.text.split("href=\"").find_map(|rest| {
        let url = rest.split('"').next()?;
        url.contains("SAMLRequest=")
            .then(|| url.replace("&amp;", "&"))
    });
    let done = browser
        .open(&there.expect("a way out at the provider"))
        .unwrap();
    assert!(
        done.text.contains("You are signed out"),
        "{} {}",
        done.url,
        done.text
    );
    let asked = browser.open("/signin").unwrap();
    assert!(
        asked.url.contains("loginuserpass"),
        "it knows nobody any more: {}",
        asked.url
    );
    // What anybody can send is not believed.
    let forged = browser.open("/signin/corp/slo?SAMLRequest=x").unwrap();
    assert_eq!(forged.status, 400, "{}", forged.text);
}

/// A sign-in whose provider is asked nothing more lasts an hour, unless a file says how long: the bound within which a
/// lost group is felt.
#[test]
fn a_sign_in_that_nothing_more_is_heard_of_is_short() {
    for (more, seconds) in [("", 3_600), ("session_hours: 3", 3 * 3_600)] {
        let stage = stage("", more, &json!({}));
        sign_in(&stage, "kim");
        let listed = stage.gateway.admin_json(&["sign-ins", "list"]).unwrap();
        let found = &listed["sign_ins"][0];
        let time = |name: &str| found[name].as_i64().unwrap();
        assert_eq!(
            (time("ends") - time("created")) / 1_000_000,
            seconds,
            "{listed}"
        );
    }
}

/// What a provider says means something else after a change: whom it cannot be asked about again signs in again.
#[test]
fn a_changed_map_of_groups_is_felt_at_once() {
    let stage = stage("", "", &json!({}));
    let (browser, page) = sign_in(&stage, "kim");
    assert!(page.text.contains("engineering"), "{}", page.text);
    let path = stage.gateway.home().join("resources/corp.yaml");
    let changed = fs::read_to_string(path).unwrap();
    let changed = format!("{}\ngroups: {{only_mapped: true}}\n", changed.trim_end());
    stage.gateway.write_resource("corp.yaml", &changed).unwrap();
    wait_for("the sign-in to end", || {
        let page = browser
            .open("/healthz")
            .and_then(|_| browser.open("/account"))?;
        Ok((!page.text.contains("You are")).then_some(()))
    })
    .unwrap();
    let (_, page) = sign_in(&stage, "kim");
    assert!(page.text.contains("user:kim") && !page.text.contains("engineering"));
}

/// Names that would be others the next time, or are missing.
#[test]
fn somebody_without_a_lasting_name_is_not_let_in() {
    let stage = stage(
        ", name_id_format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'",
        "",
        &json!({"NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient", "authproc": []}),
    );
    let (_, page) = sign_in(&stage, "kim");
    assert_eq!(page.status, 400);
    assert!(
        reason(&stage).contains("transient id"),
        "{}",
        reason(&stage)
    );
    let changed = fs::read_to_string(stage.gateway.home().join("resources/corp.yaml")).unwrap();
    let changed = changed.replace("saml: {", "saml: {subject: employeeNumber, ");
    stage.gateway.write_resource("corp.yaml", &changed).unwrap();
    wait_for("the attribute to be the name", || {
        Ok(sign_in(&stage, "kim")
            .1
            .text
            .contains("user:kim")
            .then_some(()))
    })
    .unwrap();
}

/// A provider that is described by hand, with certificates in files.
#[test]
fn a_provider_is_described_by_hand_too() {
    let shop = Postgres::start().unwrap();
    let place = Place::new().unwrap();
    let url = place.url();
    let resource = format!(
        "kind: IdentityProvider\nname: corp\nsaml:\n  entity_id: {url}/idp\n  sign_in_url: {url}/saml2/idp/SSOService.php\n  \
         certificate_files: [{}]\nusers: {{name: uid}}\n",
        place.home().join("idp.crt").display()
    );
    let settings = Settings::default().resource("corp.yaml", &resource);
    let gateway = Gateway::start(&shop, settings).unwrap();
    let provider = place.start(&gateway, &people(), &json!({})).unwrap();
    let stage = Stage {
        gateway,
        provider,
        _shop: shop,
    };
    assert!(
        sign_in(&stage, "lee").1.text.contains("user:lee"),
        "{}",
        reason(&stage)
    );
}
