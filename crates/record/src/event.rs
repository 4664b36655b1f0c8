//! The three events of every operation, written straight from what the caller holds: nothing is copied into an
//! [`EventBody`] first, and the keys are not escaped anew each time. Each reads back as the event of its name.

use crate::error::RecordError;
use crate::frame::write_json;
use serde::Serialize;
use sluice_model::{
    ApprovalId, Decision, EventBody, MaskedColumn, Outcome, RecordedAccess, RecordedValue,
    Timestamp,
};
use std::io::Write as _;
use std::marker::PhantomData;
use std::sync::Arc;

/// A part of an event as JSON already: made once for a statement or an answer's shape, written with each run.
#[derive(Debug)]
pub struct Rendered<T: ?Sized> {
    json: Arc<[u8]>,
    of: PhantomData<fn(&T)>,
}

impl<T: ?Sized> Clone for Rendered<T> {
    fn clone(&self) -> Self {
        Self {
            json: Arc::clone(&self.json),
            of: PhantomData,
        }
    }
}

impl<T: Serialize + ?Sized> Rendered<T> {
    /// Renders it.
    ///
    /// # Errors
    /// It is larger than an event may be.
    pub fn new(value: &T) -> Result<Self, RecordError> {
        let mut json = Vec::new();
        write_json(&mut json, &value)?;
        Ok(Self {
            json: json.into(),
            of: PhantomData,
        })
    }
}

/// A value of an answer, as [`RecordedValue`] has it.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// SQL NULL and its like.
    Null,
    /// A text as the caller saw it.
    Text(&'a str),
    /// So many bytes of a binary value that is not kept.
    Bytes(u64),
}

/// The kept rows of one answer, rendered as they come.
#[derive(Debug, Default)]
pub struct RowsJson {
    json: Vec<u8>,
    rows: usize,
    in_row: bool,
}

impl RowsJson {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Begins the next row. `bytes`: about how many its values have.
    pub fn begin(&mut self, bytes: usize) {
        // Each value is named and quoted; most answers have one row, so that this is most often all there is.
        self.json
            .reserve(bytes.saturating_mul(2).saturating_add(16));
        self.end();
        self.json
            .extend_from_slice(if self.rows == 0 { b"[" } else { b",[" });
        self.rows += 1;
    }

    /// Adds a value to the row that was begun last.
    pub fn push(&mut self, value: ValueRef<'_>) {
        if self.in_row {
            self.json.push(b',');
        }
        self.in_row = true;
        put_value(&mut self.json, value);
    }

    fn end(&mut self) {
        if self.rows > 0 {
            self.json.push(b']');
        }
        self.in_row = false;
    }
}

/// One event, borrowed.
#[derive(Debug)]
pub enum EventRef<'a> {
    /// [`EventBody::Asked`].
    Asked {
        /// Its number in the session, from 1.
        op: u64,
        /// As the client sent it.
        text: &'a str,
        /// Bound parameters as kept.
        parameters: &'a [RecordedValue],
        /// What it needed, where that is known.
        accesses: Option<&'a Rendered<[RecordedAccess]>>,
        /// The decision.
        decision: &'a Rendered<Decision>,
        /// The approval that it runs under.
        approval: Option<&'a ApprovalId>,
    },
    /// [`EventBody::Rows`].
    Rows {
        /// The operation's number.
        op: u64,
        /// Column names, where they are known.
        columns: Option<&'a Rendered<[String]>>,
        /// The rows.
        rows: RowsJson,
        /// More rows followed that are not kept.
        capped: bool,
    },
    /// [`EventBody::Answered`].
    Answered {
        /// Its number.
        op: u64,
        /// How.
        outcome: &'a Outcome,
        /// Rows sent to the caller.
        rows: u64,
        /// Bytes of answer sent to the caller.
        bytes: u64,
        /// Columns masked.
        masked: &'a [MaskedColumn],
        /// From forwarding to the end of the answer, in microseconds.
        micros: u64,
    },
    /// Any other.
    Other(&'a EventBody),
}

impl<'a> From<&'a EventBody> for EventRef<'a> {
    fn from(body: &'a EventBody) -> Self {
        Self::Other(body)
    }
}

/// What any other event looks like on disk; reads back as [`sluice_model::Event`].
#[derive(Serialize)]
struct Timed<'a> {
    at: Timestamp,
    #[serde(flatten)]
    body: &'a EventBody,
}

impl EventRef<'_> {
    /// Appends the event as JSON.
    pub(crate) fn write(self, at: Timestamp, out: &mut Vec<u8>) -> Result<(), RecordError> {
        if let Self::Other(body) = self {
            return write_json(out, &Timed { at, body });
        }
        put(out, format_args!("{{\"at\":{}", at.0));
        match self {
            Self::Asked {
                op,
                text,
                parameters,
                accesses,
                decision,
                approval,
            } => {
                put(
                    out,
                    format_args!(",\"event\":\"asked\",\"op\":{op},\"text\":"),
                );
                put_text(out, text);
                if !parameters.is_empty() {
                    out.extend_from_slice(b",\"parameters\":");
                    write_json(out, &parameters)?;
                }
                put_rendered(out, b",\"accesses\":", accesses);
                put_rendered(out, b",\"decision\":", Some(decision));
                if let Some(approval) = approval {
                    out.extend_from_slice(b",\"approval\":");
                    write_json(out, approval)?;
                }
            }
            Self::Rows {
                op,
                columns,
                mut rows,
                capped,
            } => {
                put(out, format_args!(",\"event\":\"rows\",\"op\":{op}"));
                put_rendered(out, b",\"columns\":", columns);
                rows.end();
                out.extend_from_slice(b",\"rows\":[");
                out.extend_from_slice(&rows.json);
                put(out, format_args!("],\"capped\":{capped}"));
            }
            Self::Answered {
                op,
                outcome,
                rows,
                bytes,
                masked,
                micros,
            } => {
                put(
                    out,
                    format_args!(",\"event\":\"answered\",\"op\":{op},\"outcome\":"),
                );
                write_json(out, outcome)?;
                put(out, format_args!(",\"rows\":{rows},\"bytes\":{bytes}"));
                if !masked.is_empty() {
                    out.extend_from_slice(b",\"masked\":");
                    write_json(out, &masked)?;
                }
                put(out, format_args!(",\"micros\":{micros}"));
            }
            Self::Other(_) => {}
        }
        out.push(b'}');
        Ok(())
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}

/// A field that was rendered before, where there is one.
fn put_rendered<T: ?Sized>(out: &mut Vec<u8>, name: &[u8], value: Option<&Rendered<T>>) {
    if let Some(value) = value {
        out.extend_from_slice(name);
        out.extend_from_slice(&value.json);
    }
}

fn put_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"\"null\""),
        ValueRef::Text(text) => {
            out.extend_from_slice(b"{\"text\":");
            put_text(out, text);
            out.push(b'}');
        }
        ValueRef::Bytes(bytes) => put(out, format_args!("{{\"bytes\":{bytes}}}")),
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    // As `put`.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::{Allowed, Denial};

    const AT: Timestamp = Timestamp(1_700_000_000_000_001);

    fn check(event: EventRef<'_>, body: &EventBody) {
        let (mut quick, mut usual) = (Vec::new(), Vec::new());
        event.write(AT, &mut quick).unwrap();
        EventRef::from(body).write(AT, &mut usual).unwrap();
        assert_eq!(
            String::from_utf8(quick).unwrap(),
            String::from_utf8(usual).unwrap()
        );
    }

    #[test]
    fn a_question_is_written_as_any_other_event_is() {
        let allow = Decision::Allow(Allowed {
            policies: vec!["a \"b\"".into()],
        });
        let deny = Decision::Deny(Denial {
            policy: None,
            message: "no\n".into(),
        });
        let parameters = [
            RecordedValue::Null,
            RecordedValue::Text("\u{7f}é".into()),
            RecordedValue::Bytes(9),
        ];
        let approval = ApprovalId::from_bits(7);
        let accesses = vec![RecordedAccess("sql:select".into(), "table \"a\".b".into())];
        for (text, parameters, accesses, decision, approval) in [
            (
                "select '\0\u{2028}\\'",
                &parameters[..],
                vec![],
                allow,
                None,
            ),
            ("", &[], accesses, deny, Some(approval)),
        ] {
            let rendered = Rendered::new(accesses.as_slice()).unwrap();
            check(
                EventRef::Asked {
                    op: u64::MAX,
                    text,
                    parameters,
                    accesses: (!accesses.is_empty()).then_some(&rendered),
                    decision: &Rendered::new(&decision).unwrap(),
                    approval: approval.as_ref(),
                },
                &EventBody::Asked {
                    op: u64::MAX,
                    text: text.into(),
                    parameters: parameters.to_vec(),
                    accesses,
                    decision,
                    approval: approval.clone(),
                },
            );
        }
    }

    #[test]
    fn rows_are_written_as_any_other_event_is() {
        let text = |text: &str| RecordedValue::Text(text.into());
        let cases = [
            (vec![], vec![], true),
            (vec![], vec![vec![]], false),
            (
                vec!["a"],
                vec![vec![text("1\"")], vec![RecordedValue::Null]],
                false,
            ),
            (
                vec!["a", "ü"],
                vec![vec![RecordedValue::Bytes(3), text("")], vec![]],
                true,
            ),
        ];
        for (columns, rows, capped) in cases {
            let columns: Vec<String> = columns.into_iter().map(String::from).collect();
            let mut json = RowsJson::default();
            for row in &rows {
                json.begin(0);
                for value in row {
                    json.push(match value {
                        RecordedValue::Null => ValueRef::Null,
                        RecordedValue::Text(text) => ValueRef::Text(text),
                        RecordedValue::Bytes(bytes) => ValueRef::Bytes(*bytes),
                    });
                }
            }
            assert_eq!((json.len(), json.is_empty()), (rows.len(), rows.is_empty()));
            let rendered = Rendered::new(columns.as_slice()).unwrap();
            let event = EventRef::Rows {
                op: 1,
                columns: (!columns.is_empty()).then_some(&rendered),
                rows: json,
                capped,
            };
            let body = EventBody::Rows {
                op: 1,
                columns,
                rows,
                capped,
            };
            check(event, &body);
        }
    }

    #[test]
    fn an_answer_is_written_as_any_other_event_is() {
        let masked = [MaskedColumn {
            name: "ssn".into(),
            class: Some("ssn".into()),
        }];
        for (outcome, masked) in [
            (Outcome::Done("SELECT 5".into()), &masked[..]),
            (Outcome::Failed("42501".into()), &[]),
            (Outcome::Cut("it \"ended\"".into()), &[]),
        ] {
            let (op, rows, bytes, micros) = (3, 5, u64::MAX, 0);
            check(
                EventRef::Answered {
                    op,
                    outcome: &outcome,
                    rows,
                    bytes,
                    masked,
                    micros,
                },
                &EventBody::Answered {
                    op,
                    outcome: outcome.clone(),
                    rows,
                    bytes,
                    masked: masked.to_vec(),
                    micros,
                },
            );
        }
    }
}
