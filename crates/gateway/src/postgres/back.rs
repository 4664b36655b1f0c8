//! What the target answers: matched to what was forwarded, masked, recorded, and sent to the client.

use super::expect::{Expect, Undo};
use super::front::keeps_meaning;
use super::names::Prepared;
use super::refusal::{CANCELED, Refusal};
use super::session::{End, Session, Skip};
use bytes::Bytes;
use sluice_model::{Outcome, TextMask};
use sluice_protocol::postgres::backend::{self, BackendMessage};
use sluice_protocol::postgres::scrub::{Scrub, scrub_report};
use sluice_protocol::postgres::types::TransactionStatus;
use sluice_protocol::postgres::{BackendTag, Tag as _, encode, frame};
use std::collections::VecDeque;
use std::sync::Arc;

/// A message that answers nothing that was forwarded.
pub(super) fn out_of_place(tag: BackendTag) -> End {
    End::Told(Refusal::new(
        "08P01",
        format!(
            "the target sent a {} message that answers nothing; the session ends",
            tag.rule().name
        ),
    ))
}

impl Session {
    /// Works off the target's messages while the client has room for what they become.
    pub(super) async fn work_target(&mut self) -> Result<bool, End> {
        let mut moved = false;
        while self.client.has_room() {
            let Some(header) = frame::peek_header::<BackendTag>(&self.target.inbox)? else {
                break;
            };
            if self.target.inbox.len() < header.total() {
                break;
            }
            moved = true;
            if header.tag == BackendTag::DataRow
                && !matches!(self.expect.front(), Some(Expect::Scope { .. }))
            {
                self.prepare_rows().await?;
                self.on_rows()?;
                continue;
            }
            if header.tag == BackendTag::CopyData {
                self.on_copy_data()?;
                continue;
            }
            let raw = self.target.inbox.split_to(header.total()).freeze();
            self.on_target(header.tag, &raw).await?;
        }
        Ok(moved)
    }

    async fn on_target(&mut self, tag: BackendTag, raw: &Bytes) -> Result<(), End> {
        let body = raw.slice(frame::HEADER_LEN..);
        match backend::parse(tag, &body)? {
            BackendMessage::ParameterStatus { name, value } => {
                self.on_parameter(name, value, raw)?
            }
            BackendMessage::NoticeResponse(_) | BackendMessage::NotificationResponse { .. } => {
                self.on_notice(tag, &body, raw)?
            }
            BackendMessage::ErrorResponse(fields) => {
                let code = fields.sqlstate().unwrap_or("XX000").to_owned();
                self.target_ended |= fields.ends_session();
                self.on_error(&code, &body, raw)?;
            }
            BackendMessage::ReadyForQuery(status) => self.on_ready(status, raw)?,
            message if matches!(self.expect.front(), Some(Expect::Scope { .. })) => {
                self.on_scope(tag, &message)?
            }
            BackendMessage::ParseComplete => {
                self.complete(raw, tag, |e| matches!(e, Expect::Parse(_)))?
            }
            BackendMessage::BindComplete => {
                self.complete(raw, tag, |e| matches!(e, Expect::Bind(_)))?
            }
            BackendMessage::CloseComplete => {
                self.complete(raw, tag, |e| matches!(e, Expect::Close(_)))?
            }
            BackendMessage::ParameterDescription(types) => match self.expect.front() {
                Some(Expect::DescribeStatement(prepared, _)) => {
                    *prepared.told_types.lock() = Some(types);
                    self.client.outbox.extend_from_slice(raw);
                }
                _ => return Err(out_of_place(tag)),
            },
            BackendMessage::RowDescription(_) => self.on_described(tag, Some(body.clone()), raw)?,
            BackendMessage::NoData => self.on_described(tag, None, raw)?,
            BackendMessage::CommandComplete(command) => {
                let command = command.to_owned();
                self.on_complete(tag, Outcome::Done(command), raw)?;
            }
            BackendMessage::PortalSuspended => self.on_suspended(tag, raw)?,
            BackendMessage::EmptyQueryResponse => match self.expect.front() {
                Some(Expect::Execute(_)) => {
                    self.on_complete(tag, Outcome::Done(String::new()), raw)?
                }
                Some(Expect::Query(_)) => self.client.outbox.extend_from_slice(raw),
                _ => return Err(out_of_place(tag)),
            },
            BackendMessage::CopyInResponse(_) => self.on_copy_in(tag, raw)?,
            BackendMessage::CopyOutResponse(copy) => self.on_copy_out(tag, &copy, raw)?,
            BackendMessage::CopyDone => self.on_copy_done(tag, raw)?,
            BackendMessage::DataRow(_)
            | BackendMessage::CopyData(_)
            | BackendMessage::CopyBothResponse(_)
            | BackendMessage::FunctionCallResponse(_)
            | BackendMessage::Authentication(_)
            | BackendMessage::BackendKeyData { .. }
            | BackendMessage::NegotiateProtocolVersion { .. } => return Err(out_of_place(tag)),
        }
        Ok(())
    }

    fn complete(
        &mut self,
        raw: &Bytes,
        tag: BackendTag,
        fits: impl Fn(&Expect) -> bool,
    ) -> Result<(), End> {
        if !self.expect.front().is_some_and(fits) {
            return Err(out_of_place(tag));
        }
        self.expect.pop_front();
        self.client.outbox.extend_from_slice(raw);
        Ok(())
    }

    fn on_parameter(&mut self, name: &str, value: &str, raw: &Bytes) -> Result<(), End> {
        // The target repeats the spelling that the client chose.
        if !keeps_meaning(name, Some(value)) {
            return Err(End::Told(Refusal::not_understood(&format!(
                "{name} was changed, so that statements no longer mean what the gateway reads; the session ends"
            ))));
        }
        self.scope_stale |= name == "search_path";
        self.client.outbox.extend_from_slice(raw);
        Ok(())
    }

    fn on_notice(&mut self, tag: BackendTag, body: &Bytes, raw: &Bytes) -> Result<(), End> {
        let view = self.pipeline.view();
        let scrubber = view
            .has_classes()
            .then(|| view.scrubber(crate::clock::now()));
        if tag == BackendTag::NoticeResponse {
            match &scrubber {
                Some(scrubber) => {
                    let scrub = Scrub::Strict(scrubber.as_ref());
                    scrub_report(tag, body, scrub, &mut self.client.outbox)?;
                }
                None => self.client.outbox.extend_from_slice(raw),
            }
            return Ok(());
        }
        if let BackendMessage::NotificationResponse {
            process_id,
            channel,
            payload,
        } = backend::parse(tag, body)?
        {
            let mut masked = String::new();
            let found = |mask: &Arc<dyn TextMask>| mask.mask_text(payload, &mut masked);
            let payload = if scrubber.as_ref().is_some_and(found) {
                masked.as_str()
            } else {
                payload
            };
            encode::notification_response(&mut self.client.outbox, process_id, channel, payload);
        }
        Ok(())
    }

    fn send_error(&mut self, body: &Bytes, raw: &Bytes) -> Result<(), End> {
        let view = self.pipeline.view();
        if !view.has_classes() {
            self.client.outbox.extend_from_slice(raw);
            return Ok(());
        }
        let scrubber = view.scrubber(crate::clock::now());
        scrub_report(
            BackendTag::ErrorResponse,
            body,
            Scrub::Strict(scrubber.as_ref()),
            &mut self.client.outbox,
        )?;
        Ok(())
    }

    fn on_error(&mut self, code: &str, body: &Bytes, raw: &Bytes) -> Result<(), End> {
        (self.copy_in, self.copy_ended) = (false, false);
        match self.expect.pop_front() {
            Some(Expect::Query(mut runs)) => {
                self.send_error(body, raw)?;
                let mut outcome = Outcome::Failed(code.to_owned());
                for run in runs.drain(..) {
                    self.finish(run, outcome, false)?;
                    outcome = Outcome::Cut("not reached".into());
                }
                self.expect.push_front(Expect::Query(runs));
                Ok(())
            }
            Some(Expect::Refused {
                refusal,
                then_ready,
            }) => {
                refusal.encode("ERROR", &mut self.client.outbox);
                if then_ready {
                    self.expect.push_front(Expect::Query(VecDeque::new()));
                    return Ok(());
                }
                self.abandon_step(None)
            }
            Some(Expect::Scope { ready, .. }) if code == CANCELED => {
                // The client meant something of its own that was over by then: it is asked again.
                (self.scope_asked, self.scope_stale) = (false, true);
                if !ready {
                    self.send_error(body, raw)?;
                    return self.abandon_step(None);
                }
                self.expect.push_front(Expect::Scope {
                    schemas: None,
                    ready,
                    closed: 0,
                });
                Ok(())
            }
            Some(Expect::Scope { .. }) => Err(End::Told(Refusal::internal(
                "the target did not tell its search path; the session ends",
            ))),
            Some(first) => {
                self.send_error(body, raw)?;
                self.abandon_step(Some((first, Outcome::Failed(code.to_owned()))))
            }
            None => {
                // Out of the blue: the server ends the session (57P01 and such). What follows is its close.
                self.send_error(body, raw)
            }
        }
    }

    /// After an error the target skips everything up to the next Sync. What was believed is taken back in the
    /// reverse of the order in which it was, the message that failed last.
    fn abandon_step(&mut self, failed: Option<(Expect, Outcome)>) -> Result<(), End> {
        let mut abandoned = Vec::new();
        while let Some(expect) = self.expect.pop_front() {
            if matches!(expect, Expect::Sync { .. }) {
                self.expect.push_front(expect);
                break;
            }
            abandoned.push(expect);
        }
        let synced = !self.expect.is_empty();
        for expect in abandoned.into_iter().rev() {
            self.abandon(expect, Outcome::Cut("not reached".into()))?;
        }
        if let Some((expect, outcome)) = failed {
            self.abandon(expect, outcome)?;
        }
        if synced {
            self.copy_sync = false;
        } else if std::mem::take(&mut self.copy_sync) {
            // The client's own was kept back while the target took COPY data.
            self.sync_target();
        } else {
            self.skip = Skip::Target;
        }
        Ok(())
    }

    fn abandon(&mut self, expect: Expect, outcome: Outcome) -> Result<(), End> {
        match expect {
            Expect::Parse(undo) | Expect::Bind(undo) | Expect::Close(undo) => match undo {
                Undo::Statement(name, before) => {
                    self.names.set_statement(&name, before);
                }
                Undo::Portal(name, before) => {
                    self.names.set_portal(&name, before);
                }
            },
            Expect::Execute(run) => self.finish(*run, outcome, false)?,
            Expect::Query(runs) => {
                for run in runs {
                    self.finish(run, outcome.clone(), false)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn on_ready(&mut self, status: TransactionStatus, raw: &Bytes) -> Result<(), End> {
        match self.expect.pop_front() {
            Some(Expect::Sync { step, names }) => {
                self.unconfirmed_steps = self.unconfirmed_steps.saturating_sub(usize::from(names));
                if status == TransactionStatus::Idle {
                    self.names.end_transaction(step);
                }
            }
            Some(Expect::Query(runs)) if runs.is_empty() => {
                if status == TransactionStatus::Idle {
                    // Portals of steps that were forwarded since are of the next transaction.
                    let owed = self
                        .expect
                        .iter()
                        .filter(|expect| expect.ends_step())
                        .count();
                    let answered = self.step.saturating_sub(1).saturating_sub(owed as u64);
                    self.names.end_transaction(answered);
                }
            }
            Some(Expect::Scope {
                schemas,
                ready: true,
                ..
            }) => {
                self.transaction = status;
                if !self.scope_asked {
                    return Ok(());
                }
                return self.scope_told(schemas);
            }
            _ => return Err(out_of_place(BackendTag::ReadyForQuery)),
        }
        self.flushed = false;
        self.copy_in = false;
        self.transaction = status;
        if status == TransactionStatus::Idle {
            self.scope_stale |= std::mem::take(&mut self.scope_in_transaction);
            if std::mem::take(&mut self.catalog_changed) {
                self.analyst.changing_catalog = false;
                self.analyst.outdate();
            }
        }
        self.client.outbox.extend_from_slice(raw);
        Ok(())
    }

    fn on_scope(&mut self, tag: BackendTag, message: &BackendMessage<'_>) -> Result<(), End> {
        let Some(Expect::Scope {
            schemas,
            ready,
            closed,
        }) = self.expect.front_mut()
        else {
            return Err(out_of_place(tag));
        };
        match message {
            BackendMessage::DataRow(row) => {
                let fields = row.fields()?;
                let text = fields
                    .first()
                    .copied()
                    .flatten()
                    .and_then(|bytes| std::str::from_utf8(bytes).ok());
                *schemas = text.map(str::to_owned);
            }
            BackendMessage::CloseComplete => *closed += 1,
            BackendMessage::ParseComplete
            | BackendMessage::BindComplete
            | BackendMessage::CommandComplete(_) => {}
            _ => return Err(out_of_place(tag)),
        }
        if !*ready && *closed == 2 {
            let schemas = schemas.take();
            self.expect.pop_front();
            return self.scope_told(schemas);
        }
        Ok(())
    }

    fn scope_told(&mut self, schemas: Option<String>) -> Result<(), End> {
        self.scope_asked = false;
        match schemas {
            Some(schemas) if self.analyst.set_scope(&schemas) => Ok(()),
            _ => Err(End::Told(Refusal::internal(
                "the target did not tell its search path; the session ends",
            ))),
        }
    }

    fn on_described(
        &mut self,
        tag: BackendTag,
        described: Option<Bytes>,
        raw: &Bytes,
    ) -> Result<(), End> {
        let keep = |prepared: &Prepared, scope: u64| {
            *prepared.shape.lock() = Some((scope, described.clone()))
        };
        match self.expect.front_mut() {
            Some(Expect::Query(runs)) => {
                let run = runs.front_mut().ok_or_else(|| out_of_place(tag))?;
                run.described = described;
                run.plan = None;
                run.editor = None;
                self.client.outbox.extend_from_slice(raw);
            }
            Some(Expect::DescribeStatement(prepared, scope)) => {
                keep(prepared, *scope);
                self.expect.pop_front();
                self.client.outbox.extend_from_slice(raw);
            }
            Some(Expect::DescribePortal { portal, scope, own }) => {
                keep(&portal.prepared, *scope);
                let own = *own;
                self.expect.pop_front();
                if !own {
                    self.client.outbox.extend_from_slice(raw);
                }
            }
            _ => return Err(out_of_place(tag)),
        }
        Ok(())
    }

    fn on_complete(&mut self, tag: BackendTag, outcome: Outcome, raw: &Bytes) -> Result<(), End> {
        let run = match self.expect.pop_front() {
            Some(Expect::Execute(run)) => *run,
            Some(Expect::Query(mut runs)) => {
                let run = runs.pop_front().ok_or_else(|| out_of_place(tag))?;
                self.expect.push_front(Expect::Query(runs));
                run
            }
            _ => return Err(out_of_place(tag)),
        };
        self.client.outbox.extend_from_slice(raw);
        (self.copy_in, self.copy_ended, self.copy_sync) = (false, false, false);
        self.finish(run, outcome, true)
    }

    fn on_suspended(&mut self, tag: BackendTag, raw: &Bytes) -> Result<(), End> {
        match self.expect.pop_front() {
            Some(Expect::Execute(run)) => {
                self.client.outbox.extend_from_slice(raw);
                self.finish(*run, Outcome::Done("(more rows follow)".into()), false)
            }
            _ => Err(out_of_place(tag)),
        }
    }

    fn on_copy_in(&mut self, tag: BackendTag, raw: &Bytes) -> Result<(), End> {
        if !self.expect.front().is_some_and(Expect::copies_in) {
            return Err(out_of_place(tag));
        }
        // Nothing was forwarded since: the client's next messages were kept back until now.
        (self.copy_in, self.copy_ended, self.flushed) = (true, false, false);
        self.client.outbox.extend_from_slice(raw);
        Ok(())
    }
}
