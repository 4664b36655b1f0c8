//! The dialog that asks why a request is denied. It names the request as the button does that led to it, and what comes
//! back is checked like a pressed button: opening it decides nothing.

use super::{DENY, call, plain, taken};
use crate::identity::fetch::Fetcher;
use crate::notify::Slack;
use crate::notify::message::on_one_line;
use crate::notify::send::Failure;
use serde_json::{Value, json};
use sluice_model::ApprovalId;
use std::time::Duration;

/// How long Slack lets a dialog be opened after a button was pressed.
const TRIGGER_LIVES: Duration = Duration::from_secs(3);
/// What a dialog is known by when it is submitted.
pub(crate) const CALLBACK: &str = DENY;
/// The input, and the block that it stands in.
pub(crate) const REASON: &str = "sluice_reason";
/// The longest reason, in characters; what Slack lets people write is what is kept.
pub(crate) const MAX_REASON: usize = 240;
/// The longest text that says which request it is.
const MAX_ABOUT: usize = 300;

/// Opens it for whoever pressed the button that `trigger` is of.
pub(crate) async fn open(
    slack: &Slack,
    fetcher: &Fetcher,
    trigger: &str,
    id: &ApprovalId,
    about: &str,
) -> Result<(), Failure> {
    let body = json!({"trigger_id": trigger, "view": view(id, about)});
    let opened = tokio::time::timeout(TRIGGER_LIVES, call(slack, fetcher, "views.open", body));
    let late = |_| Failure::new("slack did not answer in time".to_owned());
    taken(opened.await.map_err(late)??).map(|_| ())
}

fn view(id: &ApprovalId, about: &str) -> Value {
    let label = |text: &str| json!({"type": "plain_text", "text": text, "emoji": false});
    json!({
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": id.as_str(),
        "title": label("Deny this request"),
        "submit": label("Deny"),
        "close": label("Cancel"),
        "blocks": [
            {"type": "section", "text": plain(&on_one_line(about), MAX_ABOUT)},
            {
                "type": "input",
                "block_id": REASON,
                "optional": true,
                "label": label("Reason"),
                "hint": label("Whoever asked reads it, and it is kept in the log."),
                "element": {
                    "type": "plain_text_input",
                    "action_id": REASON,
                    "multiline": false,
                    "max_length": MAX_REASON,
                },
            },
        ],
    })
}
