//! Notifiers against doubles of the services that they speak to. What is sent is judged by what the services' vendors
//! publish themselves, and by their limits.

mod doubles;
mod email;
mod jira;
mod judged;
mod limits;
mod model;
mod outbox;
mod slack;
mod slack_dialog;
mod teams_and_templates;
mod told;

use super::rig::Rig;
use crate::api::types::ApprovalInfo;
use doubles::{Double, hmac_hex};
use sluice_model::ApprovalId;

/// What the generic webhook of these tests is signed with.
const KEY: &str = "a key for tests";

impl Rig {
    /// A file with a secret, as a reference.
    fn secret(&self, name: &str, value: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, value).unwrap();
        format!("{{file: '{}'}}", path.display())
    }

    /// A generic webhook with these people.
    async fn with_webhook(&self, double: &Double, more: &str) {
        let key = self.secret("hook.key", KEY);
        let yaml = format!(
            "kind: Notifier\nname: hook\nwebhook: {{url: '{}/in', secret: {key}}}\npeople: {{u-bob: bob, u-ada: ada, u-eve: eve}}\n{more}\n",
            double.url
        );
        self.add(&yaml).await;
    }

    /// A request by ada that somebody in `dba` has to approve.
    async fn asked(&self) -> ApprovalId {
        let ticket = self.control.request_approval(self.held("user:ada")).await;
        ticket.unwrap().id
    }

    async fn approval(&self, id: &ApprovalId) -> ApprovalInfo {
        let admin = self.caller("user:admin");
        self.control.get_approval(&admin, id).await.unwrap()
    }

    /// What the other side of the generic webhook answers, signed by it.
    async fn says(&self, who: &str, decision: &str, id: &ApprovalId) -> super::rig::Reply {
        let body = format!(r#"{{"approval": "{id}", "decision": "{decision}", "user": "{who}"}}"#);
        self.signed("hook", &body).await
    }

    async fn signed(&self, notifier: &str, body: &str) -> super::rig::Reply {
        let seconds = self.now().seconds();
        let tag = hmac_hex(KEY, &format!("{seconds}.{body}"));
        let header = format!("t={seconds},v1={tag}");
        self.hook(notifier, &[("sluice-signature", &header)], body)
            .await
    }
}
