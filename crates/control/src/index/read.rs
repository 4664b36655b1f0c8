//! Events into rows.

use crate::api::types::{Ending, Verdict};
use sluice_model::{
    Decision, Event, EventBody, MaskedColumn, Outcome, PrincipalId, RecordedAccess, SessionId,
    Timestamp,
};
use std::collections::BTreeMap;

/// So much of an operation's text is kept: what a person reads in a list, and enough to find it by.
pub(crate) const KEPT_TEXT: usize = 8 << 10;

/// So much of the name of a resource is kept: paths of services can be long, and are the caller's to choose.
const KEPT_RESOURCE: usize = 512;

/// What one session's events came to since they were read last.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The opening, where it is among them.
    pub(super) opened: Option<OpenedRow>,
    /// Operations that began.
    pub(super) operations: Vec<OperationRow>,
    /// How operations that began before ended.
    pub(super) ended: Vec<EndedRow>,
    /// When the session ended, where it did.
    pub(super) closed: Option<Timestamp>,
    /// Operations that were held.
    pub(super) held: u64,
    /// Where in `operations` each stands.
    places: BTreeMap<u64, usize>,
}

/// A session's opening.
#[derive(Debug)]
pub(super) struct OpenedRow {
    pub(super) principal: PrincipalId,
    pub(super) connection: String,
    pub(super) protocol: String,
    pub(super) account: String,
    pub(super) database: String,
    pub(super) client_address: String,
    pub(super) application: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) break_glass: bool,
    pub(super) at: Timestamp,
}

/// An operation.
#[derive(Debug, Clone)]
pub(super) struct OperationRow {
    pub(super) op: u64,
    pub(super) at: Timestamp,
    pub(super) text: String,
    pub(super) verdict: Verdict,
    pub(super) policies: Vec<String>,
    pub(super) accesses: Vec<RecordedAccess>,
    pub(super) message: Option<String>,
    pub(super) approval: Option<String>,
    pub(super) ended: Option<EndedRow>,
}

/// How an operation ended.
#[derive(Debug, Clone)]
pub(super) struct EndedRow {
    pub(super) op: u64,
    pub(super) at: Timestamp,
    pub(super) ending: Ending,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) micros: u64,
    pub(super) masked: Vec<MaskedColumn>,
    pub(super) masked_values: u64,
}

impl EndedRow {
    /// Of what was never forwarded.
    fn without_answer(op: u64, at: Timestamp, ending: Ending) -> Self {
        Self {
            op,
            at,
            ending,
            rows: 0,
            bytes: 0,
            micros: 0,
            masked: Vec::new(),
            masked_values: 0,
        }
    }
}

/// What a wait that ended so is to the operation that waited; nothing where it goes on.
fn unapproved(how: &str) -> Option<Ending> {
    match how {
        // The policies let it in meanwhile, without anybody's consent.
        "approved" | "not needed any more" => None,
        "denied" => Some(Ending::Denied),
        _ => Some(Ending::Unapproved),
    }
}

impl Batch {
    /// Takes one event in.
    pub(super) fn take(&mut self, event: Event) {
        let at = event.at;
        match event.body {
            opened @ EventBody::SessionOpened { .. } => self.opened = opening(at, opened),
            asked @ EventBody::Asked { .. } => {
                if let Some(row) = operation(at, asked) {
                    self.places.insert(row.op, self.operations.len());
                    self.operations.push(row);
                }
            }
            EventBody::Answered {
                op,
                outcome,
                rows,
                bytes,
                masked,
                micros,
            } => self.end(EndedRow {
                op,
                at,
                ending: match outcome {
                    Outcome::Done(_) => Ending::Done,
                    Outcome::Failed(_) => Ending::Failed,
                    Outcome::Cut(_) => Ending::Cut,
                },
                rows,
                bytes,
                micros,
                masked_values: rows.max(1).saturating_mul(masked.len() as u64),
                masked,
            }),
            EventBody::Held { .. } => self.held += 1,
            EventBody::HoldEnded { op, how, .. } => {
                if let Some(ending) = unapproved(&how) {
                    self.end(EndedRow::without_answer(op, at, ending));
                }
            }
            EventBody::SessionClosed { .. } => self.closed = Some(at),
            _ => {}
        }
    }

    fn end(&mut self, ended: EndedRow) {
        let place = self.places.get(&ended.op);
        match place.and_then(|place| self.operations.get_mut(*place)) {
            // The first one says why: that nothing was forwarded follows from how a wait ended.
            Some(row) => {
                row.ended.get_or_insert(ended);
            }
            None => self.ended.push(ended),
        }
    }

    /// How many ended so, of operations of now and of before.
    pub(super) fn ended_so(&self, ending: Ending) -> u64 {
        self.all_ended().filter(|e| e.ending == ending).count() as u64
    }

    /// All that ended, of operations of now and of before.
    pub(super) fn all_ended(&self) -> impl Iterator<Item = &EndedRow> + Clone {
        let now = self.operations.iter().filter_map(|row| row.ended.as_ref());
        now.chain(&self.ended)
    }
}

fn opening(at: Timestamp, body: EventBody) -> Option<OpenedRow> {
    let EventBody::SessionOpened {
        principal,
        connection,
        protocol,
        account,
        database,
        client_address,
        application,
        reason,
        break_glass,
        ..
    } = body
    else {
        return None;
    };
    Some(OpenedRow {
        principal,
        connection,
        protocol,
        account,
        database,
        client_address,
        application,
        reason,
        break_glass,
        at,
    })
}

fn operation(at: Timestamp, body: EventBody) -> Option<OperationRow> {
    let EventBody::Asked {
        op,
        mut text,
        mut accesses,
        decision,
        approval,
        ..
    } = body
    else {
        return None;
    };
    text.truncate(text.floor_char_boundary(KEPT_TEXT));
    for RecordedAccess(_, resource) in &mut accesses {
        resource.truncate(resource.floor_char_boundary(KEPT_RESOURCE));
    }
    let (verdict, policies, message) = match decision {
        Decision::Allow(allowed) => (Verdict::Allow, allowed.policies, None),
        Decision::Ask(ask) => (Verdict::Ask, ask.policies, None),
        Decision::Deny(denial) => (
            Verdict::Deny,
            denial.policy.into_iter().collect(),
            Some(denial.message),
        ),
    };
    Some(OperationRow {
        op,
        at,
        text,
        verdict,
        policies,
        accesses,
        message,
        approval: approval.map(|id| id.to_string()),
        ended: None,
    })
}

/// What people call a resource: `table public.orders` is `public.orders`, or just `orders`.
pub(super) fn called(resource: &str) -> (&str, &str) {
    let kinds = [
        "data class ",
        "table ",
        "column ",
        "routine ",
        "schema ",
        "database ",
    ];
    if let Some(path) = resource.strip_prefix("endpoint ") {
        return (path, path.trim_start_matches('/'));
    }
    let bare = kinds.iter().find_map(|kind| resource.strip_prefix(kind));
    let short = bare.unwrap_or(resource);
    (short, short.rsplit('.').next().unwrap_or(short))
}

/// What the follower hands on of one session.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) session: SessionId,
    pub(super) batch: Batch,
}
