//! Microsoft Teams, and the services that are reached through templates of the webhook.

use super::doubles::{Double, Received};
use super::limits::{opsgenie_alert, pagerduty_event, teams_message};
use crate::api::tests::rig::Rig;
use serde_json::{Value, json};
use sluice_model::HeldOperation;
use std::collections::BTreeSet;

pub(super) const HOSTILE: &str =
    "\"}], [x](https://evil.example) **b** <at>bob</at> & {{title}}\u{202e}";

impl Rig {
    /// A request that is told, and then denied and told again.
    async fn told(&self, double: &Double) -> (Received, Received) {
        let held = HeldOperation {
            text: format!("put {HOSTILE}"),
            reason: Some(HOSTILE.repeat(10)),
            ..self.held("user:ada")
        };
        let id = self.control.request_approval(held).await.unwrap().id;
        self.control.carry_all().await;
        let [opened] = double.received().try_into().unwrap();
        let bob = self.token("user:bob").await.secret;
        self.post(&format!("/v1/approvals/{id}/deny"), &bob, "{}")
            .await;
        self.control.carry_all().await;
        let [over] = double.received().try_into().unwrap();
        (opened, over)
    }

    async fn with_template(&self, double: &Double, template: &str, more: &str) {
        let key = self.secret("api.key", "canary");
        let yaml = format!(
            "kind: Notifier\nname: tool\nwebhook:\n  url: '{}/v2/alerts'\n  template: {template}\n  headers: {{Authorization: {{prefix: 'GenieKey ', value: {key}}}}}\n  values: {{routing_key: {key}}}\n{more}\n",
            double.url
        );
        self.add(&yaml).await;
    }
}

#[tokio::test]
async fn a_card_leads_to_the_console_and_another_says_what_became_of_it() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    double.answers(202, "");
    let url = rig.secret(
        "teams.url",
        &format!("{}/workflows/x?sig=canary", double.url),
    );
    rig.add(&format!(
        "kind: Notifier\nname: team\nteams: {{url: {url}}}\n"
    ))
    .await;
    let (opened, over) = rig.told(&double).await;
    for card in [&opened, &over] {
        teams_message(&card.json());
        assert_eq!(card.path, "/workflows/x?sig=canary");
    }
    assert!(opened.body.contains("/console/approvals/a-"));
    assert!(over.body.contains("Denied: user:ada on shop"));
    // The longest operation still fits.
    let long = HeldOperation {
        text: "\u{1f600}".repeat(12_000),
        digest: "d2".into(),
        ..rig.held("user:ada")
    };
    rig.control.request_approval(long).await.unwrap();
    rig.control.carry_all().await;
    teams_message(&double.received().pop().unwrap().json());
    // The address is a secret.
    double.answers(500, "");
    let root = rig.token("user:root").await.secret;
    let failed = rig.post("/v1/notifiers/team/test", &root, "").await.text;
    assert!(!failed.contains("canary"), "{failed}");
    rig.secret("teams.url", "http://192.0.2.1/?sig=canary");
    let failed = rig.post("/v1/notifiers/team/test", &root, "").await.text;
    assert!(
        !failed.contains("canary") && failed.contains("is not one that is asked"),
        "{failed}"
    );
}

#[tokio::test]
async fn pagerduty_is_triggered_and_resolved() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    double.answers(202, r#"{"status": "success"}"#);
    rig.with_template(&double, "pagerduty", "").await;
    let (opened, over) = rig.told(&double).await;
    let (opened, over) = (opened.json(), over.json());
    pagerduty_event(&opened);
    pagerduty_event(&over);
    assert_eq!(
        (&opened["event_action"], &over["event_action"]),
        (&json!("trigger"), &json!("resolve"))
    );
    assert_eq!(opened["dedup_key"], over["dedup_key"]);
    assert_eq!(opened["routing_key"], "canary");
}

#[tokio::test]
async fn opsgenie_is_alerted_and_the_alert_closed() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    double.answers(202, "");
    rig.with_template(&double, "opsgenie", "").await;
    let (opened, over) = rig.told(&double).await;
    assert_eq!(opened.header("authorization"), "GenieKey canary");
    let alias = opened.json()["alias"].as_str().unwrap().to_owned();
    opsgenie_alert(&opened.json());
    assert_eq!(
        over.path,
        format!("/v2/alerts/{alias}/close?identifierType=alias")
    );
    let names: BTreeSet<String> = over.json().as_object().unwrap().keys().cloned().collect();
    assert!(names.iter().eq(["note", "source"]), "{names:?}");
}

#[tokio::test]
async fn servicenow_gets_a_record_and_notes_on_it() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    let sys_id = "0123456789abcdef0123456789abcdef";
    double.answers(201, &json!({"result": {"sys_id": sys_id}}).to_string());
    rig.with_template(&double, "servicenow", "").await;
    let (opened, over) = rig.told(&double).await;
    let body = opened.json();
    assert!(body["short_description"].as_str().unwrap().chars().count() <= 160);
    assert!(body["description"].as_str().unwrap().chars().count() <= 4_000);
    assert!(body.as_object().unwrap().values().all(Value::is_string));
    assert_eq!(
        (over.method.as_str(), over.path),
        ("PATCH", format!("/v2/alerts/{sys_id}"))
    );
    // An answer that is no id is put into no address.
    double.answers(201, r#"{"result": {"sys_id": "../../admin"}}"#);
    let held = HeldOperation {
        digest: "d2".into(),
        ..rig.held("user:ada")
    };
    let id = rig.control.request_approval(held).await.unwrap().id;
    rig.control.carry_all().await;
    rig.control.cancel_approval(&id).await;
    rig.control.carry_all().await;
    assert!(double.received().iter().all(|r| r.path == "/v2/alerts"));
}

#[tokio::test]
async fn values_in_an_own_template_stay_texts() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    let template = "\n    inline: {text: '{{title}} | {{operation}}', why: '{{reason}}', key: '{{values.routing_key}}', n: 1, list: ['{{request}}']}";
    rig.with_template(&double, template, "").await;
    let (opened, _) = rig.told(&double).await;
    let body = opened.json();
    let names: BTreeSet<&String> = body.as_object().unwrap().keys().collect();
    assert!(
        names.iter().eq(["key", "list", "n", "text", "why"].iter()),
        "{names:?}"
    );
    assert_eq!((&body["n"], &body["key"]), (&json!(1), &json!("canary")));
    let text = body["text"].as_str().unwrap();
    assert!(
        text.contains("{{title}}\\u{202e}") && text.starts_with("Approval needed"),
        "{text}"
    );
}
