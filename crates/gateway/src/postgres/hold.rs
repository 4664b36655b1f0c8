//! Operations that wait for a human: how the client is told, and how the wait ends.

use super::expect::{Admitted, Resume};
use super::names::Portal;
use super::refusal::{NOT_ALLOWED, Refusal};
use super::session::{End, Session};
use super::{capture, digest};
use crate::asking;
use crate::pipeline::HoldOver;
use crate::port::{HoldProgress, Ticket};
use sluice_model::{
    Ask, HeldOperation, HeldParameter, MAX_SHOWN, OperationDigest, PrincipalId, RecordedValue,
};
use sluice_protocol::postgres::encode;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::future::pending;
use std::time::Duration;
use tokio::time::Instant;

/// The most sets of groups that an approver is shown.
const MAX_SETS: usize = 16;

/// An operation (or a whole simple query) that waits.
pub struct Held {
    /// The request.
    pub ticket: Ticket,
    /// The number of the first operation that waits.
    pub op: u64,
    /// What goes on once it is approved.
    pub batch: Vec<Admitted>,
    /// How it goes on.
    pub resume: Resume,
    /// The exact operation.
    pub digest: OperationDigest,
    /// When the client is told that nobody decided.
    pub deadline: Instant,
}

impl Held {
    /// Whether somebody decided, or the request ended.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        let progress = &self.ticket.progress;
        progress.has_changed().is_err() || !matches!(*progress.borrow(), HoldProgress::Waiting)
    }

    /// Waits until somebody decides; for ever when nothing is held.
    pub async fn decided(held: &mut Option<Self>) {
        match held {
            Some(held) => {
                let waiting = |progress: &HoldProgress| !matches!(progress, HoldProgress::Waiting);
                // An error means that the control plane dropped the request, which ends it as well.
                let _ = held.ticket.progress.wait_for(waiting).await;
            }
            None => pending().await,
        }
    }
}

impl Session {
    /// Runs a decided batch, or has it wait for humans where some of it must.
    pub(super) async fn run_or_hold(
        &mut self,
        mut batch: Vec<Admitted>,
        asks: Vec<(u64, Ask)>,
        resume: Resume,
    ) -> Result<(), End> {
        let Some((op, _)) = asks.first() else {
            return self.forward(batch, resume);
        };
        let op = *op;
        let digest = digest::of(&self.context, &batch, &resume);
        let earlier = match self.pipeline.spend(None, digest).await {
            Ok(earlier) => earlier,
            Err(error) => return self.refuse_batch(&batch, &resume, error.into()),
        };
        if let Some(spent) = earlier {
            return match self.admit_rest(&mut batch, &spent)? {
                None => self.forward(batch, resume),
                Some(refusal) => self.refuse_batch(&batch, &resume, refusal),
            };
        }
        let asks: Vec<Ask> = asks.into_iter().map(|(_, ask)| ask).collect();
        let estimated_rows = self.blast_radius(&batch, &resume).await?;
        let mut held = match self.describe_held(&batch, &asks, digest) {
            Ok(held) => held,
            Err(refusal) => return self.refuse_batch(&batch, &resume, refusal),
        };
        held.estimated_rows = estimated_rows;
        match self.pipeline.hold(op, held).await? {
            Ok(ticket) => {
                self.tell_held(&ticket);
                let seconds = self.context.connection.hold_timeout_seconds;
                let deadline = Instant::now() + Duration::from_secs(seconds.into());
                metrics::gauge!("sluice_holds_waiting").increment(1.0);
                self.held = Some(Held {
                    ticket,
                    op,
                    batch,
                    resume,
                    digest,
                    deadline,
                });
                Ok(())
            }
            Err(error) => self.refuse_batch(&batch, &resume, error.into()),
        }
    }

    fn describe_held(
        &self,
        batch: &[Admitted],
        asks: &[Ask],
        digest: OperationDigest,
    ) -> Result<HeldOperation, Refusal> {
        let scrubber = self.pipeline.view().scrubber(crate::clock::now());
        let scrub = |text: &str| asking::scrubbed(scrubber.as_ref(), text);
        let ask = merge(asks);
        let portals = batch.iter().filter_map(|one| one.bound.portal.as_deref());
        let bound = portals.map(|portal| self.shown_parameters(portal, &scrub));
        let bound: Vec<Vec<HeldParameter>> = bound.collect::<Result<_, _>>()?;
        Ok(HeldOperation {
            text: shown(batch, &scrub),
            parameters: told_apart(bound),
            connect: false,
            ..asking::of_login(&self.context, ask, digest)
        })
    }

    /// What is bound in a portal as approvers see it: all of it, where records keep the beginning.
    fn shown_parameters(
        &self,
        portal: &Portal,
        scrub: &dyn Fn(&str) -> String,
    ) -> Result<Vec<HeldParameter>, Refusal> {
        // Before anything is made of them: values can be very long.
        if portal.bound.len() > MAX_SHOWN {
            return Err(too_long());
        }
        let hides = self.pipeline.view().has_classes();
        let shown = |value: Option<&[u8]>, type_oid, format| {
            match capture::whole_value(value, type_oid, format) {
                RecordedValue::Null => None,
                RecordedValue::Text(text) => Some(scrub(&text)),
                // Nobody can tell what of a data class is in it.
                RecordedValue::Bytes(n) if hides => {
                    Some(format!("({n} bytes that cannot be read as text)"))
                }
                RecordedValue::Bytes(_) => Some(hexadecimal(value.unwrap_or_default())),
            }
        };
        Ok(HeldParameter::numbered(portal.bound_values(shown)?))
    }

    fn tell_held(&mut self, ticket: &Ticket) {
        let message = format!("waiting for approval, request {}", ticket.id);
        let detail = format!(
            "an approver decides at {} or with: sluice approve {}",
            ticket.url, ticket.id
        );
        let report = encode::Report {
            severity: "NOTICE",
            sqlstate: "00000",
            message: &message,
            detail: Some(&detail),
            hint: Some(
                "the statement runs by itself once it is approved; cancel it to stop waiting",
            ),
        };
        encode::notice_response(&mut self.client.outbox, &report);
    }

    /// Somebody decided about what is held.
    pub(super) async fn hold_decided(&mut self) -> Result<(), End> {
        let Some(held) = &self.held else {
            return Ok(());
        };
        let progress = held.ticket.progress.borrow().clone();
        match progress {
            HoldProgress::Waiting | HoldProgress::Ended => {
                let refusal = Refusal::undecided(&held.ticket.id);
                self.hold_over(HoldOver::undecided("expired"), refusal, false)
                    .await
            }
            HoldProgress::Denied { by, reason } => {
                let refusal = Refusal::denied_by(&held.ticket.id, &by, reason.as_deref());
                self.hold_over(HoldOver::denied(by, reason), refusal, false)
                    .await
            }
            HoldProgress::Approved { by, .. } => self.hold_approved(by).await,
        }
    }

    async fn hold_approved(&mut self, by: Vec<PrincipalId>) -> Result<(), End> {
        let Some(mut held) = self.take_held() else {
            return Ok(());
        };
        self.pipeline
            .hold_ended(held.op, held.ticket.id.clone(), HoldOver::approved(by))?;
        let spent = match self
            .pipeline
            .spend(Some(&held.ticket.id), held.digest)
            .await
        {
            Ok(Some(spent)) => spent,
            Ok(None) => {
                let used = Refusal::used_up(&held.ticket.id);
                return self.refuse_batch(&held.batch, &held.resume, used);
            }
            Err(error) => return self.refuse_batch(&held.batch, &held.resume, error.into()),
        };
        match self.admit_after_wait(&mut held, &spent).await? {
            None => self.forward(held.batch, held.resume),
            Some(refusal) => self.refuse_batch(&held.batch, &held.resume, refusal),
        }
    }

    /// The client waited long enough; the request stays open.
    pub(super) async fn hold_timed_out(&mut self) -> Result<(), End> {
        let Some(held) = &self.held else {
            return Ok(());
        };
        let id = held.ticket.id.clone();
        self.pipeline.port().leave_open(&id).await;
        let refusal = Refusal::timed_out(&id, self.context.connection.hold_timeout_seconds);
        self.hold_over(HoldOver::undecided("timed out"), refusal, false)
            .await
    }

    /// Ends the wait with an error. `withdraw`: the request itself ends too.
    pub(super) async fn hold_over(
        &mut self,
        over: HoldOver,
        refusal: Refusal,
        withdraw: bool,
    ) -> Result<(), End> {
        let Some(held) = self.take_held() else {
            return Ok(());
        };
        if withdraw {
            self.pipeline.port().cancel_hold(&held.ticket.id).await;
        }
        self.pipeline
            .hold_ended(held.op, held.ticket.id.clone(), over)?;
        self.refuse_batch(&held.batch, &held.resume, refusal)
    }

    pub(super) fn take_held(&mut self) -> Option<Held> {
        let held = self.held.take();
        if held.is_some() {
            metrics::gauge!("sluice_holds_waiting").decrement(1.0);
        }
        held
    }
}

/// One request for several asks: a set of groups that suffices for each of them.
fn merge(asks: &[Ask]) -> Ask {
    let mut merged = vec![BTreeSet::new()];
    for ask in asks {
        let mut next: Vec<BTreeSet<String>> = Vec::new();
        for set in &merged {
            next.extend(
                ask.group_sets
                    .iter()
                    .map(|more| set.union(more).cloned().collect()),
            );
        }
        next.sort_by_key(BTreeSet::len);
        next.dedup();
        next.truncate(MAX_SETS);
        merged = next;
    }
    let policies: BTreeSet<&String> = asks.iter().flat_map(|ask| &ask.policies).collect();
    Ask {
        group_sets: merged,
        people: asks.iter().map(|ask| ask.people).max().unwrap_or(1),
        policies: policies.into_iter().cloned().collect(),
    }
}

/// What is bound in several portals: which of them, where there is more than one.
fn told_apart(bound: Vec<Vec<HeldParameter>>) -> Vec<HeldParameter> {
    let several = bound.iter().filter(|each| !each.is_empty()).count() > 1;
    let named = |(portal, each): (usize, Vec<HeldParameter>)| {
        each.into_iter().map(move |mut parameter| {
            if several {
                parameter.name.push_str(&format!(" ({})", portal + 1));
            }
            parameter
        })
    };
    bound.into_iter().enumerate().flat_map(named).collect()
}

/// Bytes as PostgreSQL writes them.
fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::from("\\x");
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn too_long() -> Refusal {
    let why = format!(
        "refused: the operation is longer than {MAX_SHOWN} bytes, too long for a person to judge"
    );
    Refusal::new(NOT_ALLOWED, why).hint("split it")
}

/// The statements as an approver sees them, each with what it runs by name.
fn shown(batch: &[Admitted], scrub: &dyn Fn(&str) -> String) -> String {
    let each = batch.iter().map(|admitted| {
        let runs = admitted.analysis.runs.iter();
        let runs: String = runs
            .map(|run| format!("\n-- which runs: {}", scrub(run)))
            .collect();
        scrub(&admitted.text) + &runs
    });
    each.collect::<Vec<_>>().join(";\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(sets: &[&[&str]], people: u32) -> Ask {
        let set = |names: &&[&str]| names.iter().map(ToString::to_string).collect();
        Ask {
            group_sets: sets.iter().map(set).collect(),
            people,
            policies: Vec::new(),
        }
    }

    #[test]
    fn one_request_suffices_for_every_ask_of_a_batch() {
        type Case<'a> = (&'a [Ask], &'a [&'a [&'a str]], u32);
        let cases: &[Case<'_>] = &[
            (&[ask(&[&["dba"]], 1)], &[&["dba"]], 1),
            (&[ask(&[&["dba"]], 1), ask(&[&["dba"]], 2)], &[&["dba"]], 2),
            (
                &[ask(&[&["dba"]], 1), ask(&[&["legal"]], 1)],
                &[&["dba", "legal"]],
                1,
            ),
            (
                &[ask(&[&["a"], &["b"]], 1), ask(&[&["a"]], 1)],
                &[&["a"], &["a", "b"]],
                1,
            ),
        ];
        for (asks, expected, people) in cases {
            assert_eq!(merge(asks), ask(expected, *people));
        }
    }
}
