//! What requests are to policies: actions on endpoints, and facts.

use http::Method;
use sluice_model::{Action, ActionSpec, FactKind, FactSpec, ResourceKind};

/// The name of the facts in the policy context.
pub const FACT_NAMESPACE: &str = "http";
/// Where documents that requests bring are facts.
pub const FIELDS: &str = "fields";
/// The same of whole numbers.
pub const NUMBERS: &str = "numbers";

const fn fact(name: &'static str, kind: FactKind, required: bool, doc: &'static str) -> FactSpec {
    FactSpec {
        name,
        kind,
        required,
        doc,
    }
}

/// What policies can ask about a request.
pub const FACTS: &[FactSpec] = &[
    fact("method", FactKind::Text, true, "the method, in capitals"),
    fact(
        "path",
        FactKind::Text,
        true,
        "the path without escapes, as it is sent to the target; without its query",
    ),
    fact("query", FactKind::Texts, true, "the names in the query"),
    fact(
        "operation",
        FactKind::Text,
        false,
        "the `operationId` of the connection's description, where it describes the request",
    ),
    fact(
        "content_type",
        FactKind::Text,
        false,
        "the media type of the body, in lower case and without parameters",
    ),
    fact(
        "body_bytes",
        FactKind::Long,
        false,
        "the length of the body, where it is known before it is passed on",
    ),
    fact(
        "upgrade",
        FactKind::Text,
        false,
        "the protocol that the connection changes to: `websocket`",
    ),
    fact(
        FIELDS,
        FactKind::NamedTexts,
        false,
        "texts, numbers and truth values in a JSON body or a form, by the names that lead to them: `order.items.0.sku`",
    ),
    fact(
        NUMBERS,
        FactKind::NamedLongs,
        false,
        "the whole numbers among them",
    ),
];

const ENDPOINT: &[ResourceKind] = &[ResourceKind::Endpoint];

const fn action(
    name: &'static str,
    groups: &'static [&'static str],
    doc: &'static str,
) -> ActionSpec {
    ActionSpec {
        name,
        groups,
        resources: ENDPOINT,
        doc,
    }
}

/// Every action.
pub const ACTIONS: &[ActionSpec] = &[
    action("http:get", &["read"], "GET"),
    action("http:head", &["read"], "HEAD"),
    action("http:options", &["read"], "OPTIONS"),
    action("http:post", &["write"], "POST"),
    action("http:put", &["write"], "PUT"),
    action("http:patch", &["write"], "PATCH"),
    action("http:delete", &["delete"], "DELETE"),
    action(
        "http:upgrade",
        &["write"],
        "open a WebSocket, in which both sides send what they like",
    ),
];

/// What a method is. Others are refused: what they do is not known. CONNECT is among them, since what goes through
/// a tunnel cannot be decided, masked or recorded.
#[must_use]
pub fn of(method: &Method) -> Option<Action> {
    let name = match *method {
        Method::GET => "http:get",
        Method::HEAD => "http:head",
        Method::OPTIONS => "http:options",
        Method::POST => "http:post",
        Method::PUT => "http:put",
        Method::PATCH => "http:patch",
        Method::DELETE => "http:delete",
        _ => return None,
    };
    Some(Action::new(name))
}

/// Opening a WebSocket.
pub const UPGRADE: Action = Action::new("http:upgrade");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_of_a_method_or_the_upgrade() {
        let methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
        let mut known: Vec<String> = methods
            .iter()
            .filter_map(|m| of(&Method::from_bytes(m.as_bytes()).unwrap()))
            .map(|action| action.to_string())
            .collect();
        known.push(UPGRADE.to_string());
        let table: Vec<&str> = ACTIONS.iter().map(|a| a.name).collect();
        assert_eq!(known, table);
        for other in ["TRACE", "CONNECT", "PROPFIND", "GETS", "QUERY"] {
            assert_eq!(of(&Method::from_bytes(other.as_bytes()).unwrap()), None);
        }
    }
}
