//! What would be decided about a request, by which policies. The target is not asked.
//!
//! A request is told as it would be written: `POST /orders?dry=1`, then its fields, an empty line and its body.

use super::Shared;
use super::asked::Asked;
use super::operation::{self, Known};
use super::route::{By, Route};
use crate::clock;
use crate::explanation::{ExplainRequest, ExplainedStatement, Explanation, words};
use crate::port::PortError;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use sluice_model::{ApprovalFacts, Decision, Denial};
use sluice_protocol::http::path::Target;
use std::sync::Arc;

/// A request without a connection that it came on.
///
/// # Errors
/// It is none.
pub fn asked_of(text: &str) -> Result<(Asked, Bytes), PortError> {
    let expected = || {
        words(
            "expected a request: METHOD /path, then fields, an empty line and a body if there are any",
        )
    };
    let text = text.replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let first = lines.next().ok_or_else(expected)?;
    let (method, target) = first.trim().split_once(' ').ok_or_else(expected)?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(expected)?;
        let name: HeaderName = name.trim().parse().map_err(|_| expected())?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| expected())?;
        headers.append(name, value);
    }
    let websocket = method.eq_ignore_ascii_case("websocket");
    let method = if websocket { "GET" } else { method };
    let body = Bytes::copy_from_slice(body.as_bytes());
    let asked = Asked {
        method: method.parse().map_err(|_| expected())?,
        target: target.trim().to_owned(),
        authority: String::new(),
        headers,
        length: Some(body.len() as u64),
        has_body: !body.is_empty(),
        expects_continue: false,
        is_two: false,
        is_plain: false,
        websocket,
    };
    Ok((asked, body))
}

/// Explains a request for a principal.
///
/// # Errors
/// The connection or account does not exist, or the request cannot be read.
pub async fn explain(
    shared: &Arc<Shared>,
    asked: ExplainRequest,
) -> Result<Explanation, PortError> {
    let snapshot = Arc::clone(&shared.port.snapshots().borrow());
    let connection = asked.connection(&snapshot)?;
    let context = asked.context(connection, String::new())?;
    let now = clock::now();
    let view = snapshot
        .view(&context, now)
        .map_err(|denial| words(denial.message))?;
    let (request, body) = asked_of(&asked.text)?;
    let route = Route {
        connection: Arc::clone(connection),
        target: Target::parse(request.target.as_bytes()).map_err(words)?,
        by: By::Host,
    };
    let mut explained = ExplainedStatement {
        text: operation::text(&request, &route),
        decision: Decision::Deny(unknown("what the method does is not known here")),
        accesses: Vec::new(),
        columns: Vec::new(),
        masked: Vec::new(),
        notes: Vec::new(),
    };
    let document = match &connection.settings.description_file {
        Some(file) => {
            let document = shared.descriptions.of(shared.port.as_ref(), file).await;
            Some(document.map_err(|refusal| words(refusal.message))?)
        }
        None => None,
    };
    let described = document
        .as_ref()
        .and_then(|d| d.find(&request.method, &route.target));
    if described.is_none() && connection.settings.only_described {
        let why = "the description of the service does not know this request";
        explained.decision = Decision::Deny(unknown(why));
    } else if super::actions_of(&request) {
        let operation = operation::of(&request, &route, described, Known::Whole(&body), true)
            .or_else(|_| operation::of(&request, &route, described, Known::Whole(&body), false))
            .map_err(words)?;
        match view.explain(&operation, now, &ApprovalFacts::default()) {
            Ok(told) => (explained.decision, explained.accesses) = (told.decision, told.accesses),
            Err(denial) => explained.decision = Decision::Deny(denial),
        }
        if !view.fields(now).is_clear() {
            let note = "fields of the answer are masked as they come; which there are, only the target knows";
            explained.notes.push(note.to_owned());
        }
    }
    Ok(Explanation {
        connect: view.connect(now, &ApprovalFacts::default()),
        statements: vec![explained],
    })
}

fn unknown(why: &str) -> Denial {
    Denial {
        policy: None,
        message: why.to_owned(),
    }
}
