//! A real browser at a service's pages: signed in at the identity provider on the way, and waiting for an approval.

use anyhow::Result;
use serde_json::json;
use sluice_tests::chromium::Chromium;
use sluice_tests::web::{DOMAIN, Service, Web};
use sluice_tests::{Settings, oidc};

/// By the connection's own host name: to the provider and back to the page, then a form that waits for approval and goes
/// on by itself.
#[test]
fn chromium_signs_in_on_its_way_and_waits_for_an_approval() -> Result<()> {
    let service = Service::start(&[])?;
    let place = oidc::Place::new()?;
    let settings =
        Settings::default().resource("corp.yaml", &place.resource("title: Example Corp"));
    let target = format!("{{address: '127.0.0.1:{}', tls: disable}}", service.plain);
    let web = Web::start_with(&target, "", settings)?;
    let people = json!({"1001": {"preferred_username": "kim", "groups": ["analysts"]}});
    let _provider = place.start(&web.gateway, &people)?;
    let browser = Chromium::new()?;
    let page = format!(
        "https://reports.{DOMAIN}:{}/page?from=mail",
        web.gateway.web_port
    );
    let approving = std::thread::scope(|scope| {
        let approving = scope.spawn(|| web.approve());
        let seen = browser.visit(&json!([
            {"open": page}, {"at": "/interaction/"}, {"click": "button[value=\"1001\"]"},
            {"see": "Reports"}, {"at": "/page?from=mail"},
            {"click": "button"}, {"see": "Somebody has to agree"}, {"see": "month=May"},
        ]));
        (approving.join(), seen)
    });
    let (approved, seen) = approving;
    let seen = seen?;
    assert!(approved.is_ok_and(|a| a.is_ok()), "{}", seen.text);
    let own = seen.cookies.as_array().into_iter().flatten();
    let own: Vec<_> = own.filter(|c| c["name"] == "__Host-sluice-site").collect();
    assert_eq!(own.len(), 1, "{}", seen.cookies);
    assert_eq!(
        (&own[0]["httpOnly"], &own[0]["secure"]),
        (&json!(true), &json!(true))
    );
    let ours = seen
        .complaints
        .iter()
        .filter(|c| !c.contains("/interaction/") && !c.contains("favicon"));
    assert_eq!(ours.count(), 0, "{:?}", seen.complaints);
    // Opened again, it is still signed in, and sees what it may.
    let people = format!("https://reports.{DOMAIN}:{}/people", web.gateway.web_port);
    let seen = browser.visit(&json!([{"open": people}, {"see": "redacted"}]))?;
    assert!(!seen.text.contains("ada@"), "{}", seen.text);
    // What nobody may, it is told in a page.
    let admin = format!("https://reports.{DOMAIN}:{}/admin", web.gateway.web_port);
    let seen = browser.visit(&json!([{"open": admin}, {"see": "Not allowed"}]))?;
    assert!(seen.text.contains("nobody administers"), "{}", seen.text);
    Ok(())
}

/// By path, only where an administrator lets connections share an origin.
#[test]
fn browsers_come_by_path_only_where_that_is_said() -> Result<()> {
    let service = Service::start(&[])?;
    for shared in [false, true] {
        let place = oidc::Place::new()?;
        let settings =
            Settings::default().resource("corp.yaml", &place.resource("title: Example Corp"));
        let target = format!("{{address: '127.0.0.1:{}', tls: disable}}", service.plain);
        let more = format!("settings: {{shared_origin: {shared}}}");
        let web = Web::start_with(&target, &more, settings)?;
        let people = json!({"1001": {"preferred_username": "kim", "groups": ["analysts"]}});
        let _provider = place.start(&web.gateway, &people)?;
        let browser = Chromium::new()?;
        let page = web.url("/page");
        match shared {
            true => {
                let seen = browser.visit(&json!([
                    {"open": page}, {"at": "/interaction/"}, {"click": "button[value=\"1001\"]"}, {"see": "Reports"},
                    // A link to the root of the target's own host.
                    {"click": "a"}, {"see": "redacted"},
                ]))?;
                assert!(seen.url.ends_with("/c/reports/people"), "{}", seen.url);
            }
            false => {
                let seen = browser.visit(&json!([{"open": page}, {"see": "own host name"}]))?;
                assert!(
                    seen.text.contains("did not work") || seen.text.contains("say who"),
                    "{}",
                    seen.text
                );
            }
        }
    }
    Ok(())
}
