//! Requests and answers of a session as an HTTP archive (HAR 1.2), which browsers' tools open.

use serde_json::{Value, json};
use sluice_model::{Event, EventBody, Outcome, RecordedValue, Side, Timestamp};
use std::collections::BTreeMap;

/// What is known of one request.
#[derive(Default)]
struct Exchange {
    at: Option<Timestamp>,
    line: String,
    fields: Vec<(String, String)>,
    body: String,
    status: String,
    answer_fields: Vec<(String, String)>,
    answer: String,
    /// Bytes of the answer, and microseconds until its end.
    ended: Option<(u64, u64)>,
    /// What was decided, where it did not run to its end.
    comment: Option<String>,
}

/// Collects exchanges from the events of a session.
#[derive(Default)]
pub struct Har {
    connection: String,
    exchanges: BTreeMap<u64, Exchange>,
}

impl Har {
    /// Takes in one event.
    pub fn add(&mut self, event: &Event) {
        match &event.body {
            EventBody::SessionOpened { connection, .. } => self.connection.clone_from(connection),
            EventBody::Head {
                op,
                side,
                line,
                fields,
            } => {
                let exchange = self.exchanges.entry(*op).or_default();
                match side {
                    Side::Caller => {
                        exchange.line.clone_from(line);
                        exchange.fields.clone_from(fields);
                    }
                    Side::Target => {
                        exchange.status.clone_from(line);
                        exchange.answer_fields.clone_from(fields);
                    }
                }
            }
            EventBody::Part {
                op, side, content, ..
            } => {
                let exchange = self.exchanges.entry(*op).or_default();
                let text = match content {
                    RecordedValue::Text(text) => text.clone(),
                    RecordedValue::Bytes(bytes) => format!("({bytes} bytes)"),
                    RecordedValue::Null => String::new(),
                };
                match side {
                    Side::Caller => exchange.body.push_str(&text),
                    Side::Target => exchange.answer.push_str(&text),
                }
            }
            EventBody::Asked { op, decision, .. } => {
                if let Some(exchange) = self.exchanges.get_mut(op) {
                    exchange.at.get_or_insert(event.at);
                    exchange.comment = match decision {
                        sluice_model::Decision::Allow(_) => None,
                        sluice_model::Decision::Ask(_) => Some("waited for approval".to_owned()),
                        sluice_model::Decision::Deny(denial) => {
                            Some(format!("refused: {}", denial.message))
                        }
                    };
                }
            }
            EventBody::Answered {
                op,
                outcome,
                bytes,
                micros,
                ..
            } => {
                if let Some(exchange) = self.exchanges.get_mut(op) {
                    exchange.ended = Some((*bytes, *micros));
                    if let Outcome::Cut(why) = outcome {
                        exchange.comment = Some(format!("cut: {why}"));
                    }
                }
            }
            _ => {}
        }
    }

    /// The archive.
    #[must_use]
    pub fn finish(self) -> Value {
        let requests = self.exchanges.into_values().filter(|e| !e.line.is_empty());
        let entries: Vec<Value> = requests.map(|e| entry(&self.connection, e)).collect();
        json!({"log": {
            "version": "1.2",
            "creator": {"name": "sluice", "version": env!("CARGO_PKG_VERSION")},
            "entries": entries,
        }})
    }
}

fn pairs(fields: &[(String, String)]) -> Vec<Value> {
    let pair = |(name, value): &(String, String)| json!({"name": name, "value": value});
    fields.iter().map(pair).collect()
}

fn kind_of(fields: &[(String, String)]) -> &str {
    let kind = fields.iter().find(|(name, _)| name == "content-type");
    kind.map(|(_, value)| value.as_str()).unwrap_or_default()
}

fn entry(connection: &str, exchange: Exchange) -> Value {
    let (method, target) = exchange
        .line
        .split_once(' ')
        .unwrap_or((&exchange.line, "/"));
    let query = target.split_once('?').map(|(_, query)| query);
    let query: Vec<Value> = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let (bytes, micros) = exchange.ended.unwrap_or_default();
    let millis = u32::try_from(micros / 1000).unwrap_or(u32::MAX);
    let started = exchange.at.unwrap_or(Timestamp(0)).0;
    let started = jiff::Timestamp::from_microsecond(started).unwrap_or_default();
    let body = (!exchange.body.is_empty())
        .then(|| json!({"mimeType": kind_of(&exchange.fields), "text": exchange.body}));
    let request = json!({
        "method": method,
        "url": format!("https://{connection}{target}"),
        "httpVersion": "HTTP",
        "cookies": [],
        "headers": pairs(&exchange.fields),
        "queryString": query,
        "headersSize": -1,
        "bodySize": exchange.body.len(),
        "postData": body,
    });
    let location = exchange
        .answer_fields
        .iter()
        .find(|(name, _)| name == "location");
    json!({
        "startedDateTime": started.to_string(),
        "time": millis,
        "request": request,
        "response": {
            "status": exchange.status.parse().unwrap_or(0_u16),
            "statusText": "",
            "httpVersion": "HTTP",
            "cookies": [],
            "headers": pairs(&exchange.answer_fields),
            "content": {
                "size": bytes,
                "mimeType": kind_of(&exchange.answer_fields),
                "text": exchange.answer,
            },
            "redirectURL": location.map(|(_, value)| value.as_str()).unwrap_or_default(),
            "headersSize": -1,
            "bodySize": bytes,
        },
        "cache": {},
        "timings": {"send": 0, "wait": millis, "receive": 0},
        "comment": exchange.comment.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::{Allowed, Decision};

    #[test]
    fn an_exchange_becomes_an_entry() {
        let event = |body| Event {
            at: Timestamp(1_000_000),
            body,
        };
        let fields = vec![("content-type".to_owned(), "application/json".to_owned())];
        let mut har = Har::default();
        for body in [
            EventBody::Head {
                op: 1,
                side: Side::Caller,
                line: "POST /a?x=1&y".into(),
                fields: fields.clone(),
            },
            EventBody::Part {
                op: 1,
                side: Side::Caller,
                content: RecordedValue::Text("{}".into()),
                capped: false,
            },
            EventBody::Asked {
                op: 1,
                text: "POST /a?x=1&y".into(),
                parameters: Vec::new(),
                accesses: Vec::new(),
                decision: Decision::Allow(Allowed {
                    policies: Vec::new(),
                }),
                approval: None,
            },
            EventBody::Head {
                op: 1,
                side: Side::Target,
                line: "201".into(),
                fields,
            },
            EventBody::Answered {
                op: 1,
                outcome: Outcome::Done("201".into()),
                rows: 0,
                bytes: 7,
                masked: Vec::new(),
                micros: 2_500,
            },
        ] {
            har.add(&event(body));
        }
        let entry = har.finish()["log"]["entries"][0].clone();
        assert_eq!(entry["request"]["method"], "POST");
        assert_eq!(entry["request"]["queryString"][1]["name"], "y");
        assert_eq!(entry["request"]["postData"]["text"], "{}");
        assert_eq!(entry["response"]["status"], 201);
        assert_eq!(entry["time"], 2);
        assert_eq!(entry["startedDateTime"], "1970-01-01T00:00:01Z");
    }
}
