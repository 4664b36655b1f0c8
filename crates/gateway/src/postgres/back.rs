//! What the target answers: matched to what was forwarded, masked, recorded, and sent to the client.

use super::capture::appended;
use super::catalog::Age;
use super::expect::{Expect, Running, Undo};
use super::front::changes_scope;
use super::names::{Portal, Prepared, StatementRef};
use super::refusal::Refusal;
use super::session::{End, Session, Skip, answer};
use super::shape;
use bytes::{Buf, Bytes};
use sluice_model::Outcome;
use sluice_protocol::postgres::backend::{self, BackendMessage, CopyShape};
use sluice_protocol::postgres::copy::{CopyEditor, CopyFormat};
use sluice_protocol::postgres::rows::{RowEditor, RowOutcome};
use sluice_protocol::postgres::scrub::{Scrub, scrub_report};
use sluice_protocol::postgres::types::{Format, Formats, TransactionStatus};
use sluice_protocol::postgres::{BackendTag, encode, frame};
use sluice_protocol::sql::{self, Effect};
use std::collections::VecDeque;
use std::sync::Arc;

fn out_of_place(tag: BackendTag) -> End {
    use sluice_protocol::postgres::Tag as _;
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
            let raw = self.target.inbox.split_to(header.total()).freeze();
            self.on_target(header.tag, &raw).await?;
        }
        Ok(moved)
    }

    fn running(&mut self) -> Option<&mut Running> {
        match self.expect.front_mut() {
            Some(Expect::Execute(run)) => Some(run),
            Some(Expect::Query(runs)) => runs.front_mut(),
            _ => None,
        }
    }

    /// Binds the masks of the answer whose rows come next, unless that was done under these policies.
    async fn prepare_rows(&mut self) -> Result<(), End> {
        let epoch = self.pipeline.epoch();
        let has_classes = self.pipeline.view().has_classes();
        let generation = self.analyst.generation();
        let Some(run) = self.running() else {
            return Err(out_of_place(BackendTag::DataRow));
        };
        if run.plan.as_ref().is_some_and(|plan| plan.epoch == epoch) {
            return Ok(());
        }
        if run.described.is_none()
            && let Some(portal) = &run.portal
        {
            run.described = portal.prepared.known_shape(generation).flatten();
        }
        let Some(described) = run.described.clone() else {
            if has_classes {
                return Err(End::Told(Refusal::internal(
                    "rows came without a shape to bind masks to; the answer is refused",
                )));
            }
            if run.rows == 0 {
                let formats = run.chosen_formats();
                run.capture.describe(Arc::from([]), formats);
            }
            return Ok(());
        };
        if !has_classes && run.rows > 0 {
            return Ok(());
        }
        self.bind_rows(&described).await
    }

    async fn bind_rows(&mut self, described: &Bytes) -> Result<(), End> {
        let has_classes = self.pipeline.view().has_classes();
        let Some(run) = self.running() else {
            return Err(out_of_place(BackendTag::RowDescription));
        };
        let analysis = Arc::clone(&run.analysis);
        let mut catalog = Arc::clone(&analysis.catalog);
        if has_classes
            && shape::unknown_tables(described, &catalog)
            && !self.analyst.changing_catalog
        {
            catalog = self
                .analyst
                .current(Age::Newest)
                .await
                .map_err(|error| End::Told(error.into()))?;
        }
        let plan =
            shape::bind(&analysis, &catalog, described, self.binding()).map_err(End::Told)?;
        let Some(run) = self.running() else {
            return Err(out_of_place(BackendTag::RowDescription));
        };
        if run.rows == 0 {
            let formats = plan.formats_in(run.formats());
            run.capture.describe(Arc::clone(&plan.names), formats);
        }
        run.editor = (!plan.clear).then(|| RowEditor::new(plan.edits_in(run.formats())));
        run.plan = Some(plan);
        Ok(())
    }

    /// Sends on every whole row that is there, masked.
    fn on_rows(&mut self) -> Result<(), End> {
        let run = match self.expect.front_mut() {
            Some(Expect::Execute(run)) => run.as_mut(),
            Some(Expect::Query(runs)) => runs
                .front_mut()
                .ok_or_else(|| out_of_place(BackendTag::DataRow))?,
            _ => return Err(out_of_place(BackendTag::DataRow)),
        };
        let (inbox, outbox) = (&mut self.target.inbox, &mut self.client.outbox);
        let before = outbox.len();
        let mut taken = 0;
        while let Some(frame) = frame::peek::<BackendTag>(inbox.get(taken..).unwrap_or_default())? {
            if frame.tag != BackendTag::DataRow || outbox.len() >= crate::duplex::HIGH_WATER {
                break;
            }
            let at = outbox.len();
            match &mut run.editor {
                None => {
                    if run.capture.wants_more() {
                        run.capture.row(frame.body);
                    }
                    taken += frame.raw.len();
                    run.rows += 1;
                    // Rows that nothing is done to are sent on in one piece, once the next one is something else.
                    if taken >= crate::duplex::HIGH_WATER {
                        break;
                    }
                    continue;
                }
                Some(editor) => {
                    let outcome = editor
                        .rewrite(frame.body, outbox)
                        .map_err(|error| End::Told(Refusal::internal(&error.to_string())))?;
                    if outcome == RowOutcome::Unchanged {
                        outbox.extend_from_slice(frame.raw);
                    }
                    if run.capture.wants_more() {
                        run.capture.row(appended(outbox, at));
                    }
                    taken += frame.raw.len();
                    run.rows += 1;
                }
            }
        }
        if run.editor.is_none() {
            outbox.extend_from_slice(inbox.get(..taken).unwrap_or_default());
        }
        run.bytes += (outbox.len() - before) as u64;
        inbox.advance(taken);
        Ok(())
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
            BackendMessage::ParameterDescription(_) => match self.expect.front() {
                Some(Expect::DescribeStatement(..)) => self.client.outbox.extend_from_slice(raw),
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
            BackendMessage::CopyData(data) => self.on_copy_data(tag, data, raw)?,
            BackendMessage::CopyDone => self.on_copy_done(tag, raw)?,
            BackendMessage::DataRow(_)
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
        let kept = match name {
            "client_encoding" => value == "UTF8",
            "standard_conforming_strings" => value == "on",
            _ => true,
        };
        if !kept {
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
        if !view.has_classes() {
            self.client.outbox.extend_from_slice(raw);
            return Ok(());
        }
        let scrubber = view.scrubber(crate::clock::now());
        if tag == BackendTag::NoticeResponse {
            scrub_report(
                tag,
                body,
                Scrub::Strict(scrubber.as_ref()),
                &mut self.client.outbox,
            )?;
            return Ok(());
        }
        if let BackendMessage::NotificationResponse {
            process_id,
            channel,
            payload,
        } = backend::parse(tag, body)?
        {
            let mut masked = String::new();
            let payload = if scrubber.mask_text(payload, &mut masked) {
                &masked
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
        self.copy_in = false;
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
                self.abandon_step()
            }
            Some(Expect::Scope { .. }) => Err(End::Told(Refusal::internal(
                "the target did not tell its search path; the session ends",
            ))),
            Some(first) => {
                self.send_error(body, raw)?;
                self.abandon(first, Outcome::Failed(code.to_owned()))?;
                self.abandon_step()
            }
            None => {
                // Out of the blue: the server ends the session (57P01 and such). What follows is its close.
                self.send_error(body, raw)
            }
        }
    }

    /// After an error the target skips everything up to the next Sync.
    fn abandon_step(&mut self) -> Result<(), End> {
        let mut abandoned = Vec::new();
        while let Some(expect) = self.expect.pop_front() {
            if matches!(expect, Expect::Sync) {
                self.expect.push_front(expect);
                break;
            }
            abandoned.push(expect);
        }
        let synced = !self.expect.is_empty();
        for expect in abandoned.into_iter().rev() {
            self.abandon(expect, Outcome::Cut("not reached".into()))?;
        }
        if !synced {
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
            _ => {}
        }
        Ok(())
    }

    fn on_ready(&mut self, status: TransactionStatus, raw: &Bytes) -> Result<(), End> {
        match self.expect.pop_front() {
            Some(Expect::Sync) => {}
            Some(Expect::Query(runs)) if runs.is_empty() => {}
            Some(Expect::Scope {
                schemas,
                ready: true,
                ..
            }) => {
                self.transaction = status;
                return self.scope_told(schemas);
            }
            _ => return Err(out_of_place(BackendTag::ReadyForQuery)),
        }
        self.flushed = false;
        self.copy_in = false;
        self.transaction = status;
        if status == TransactionStatus::Idle {
            self.names.end_transaction();
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
        self.copy_in = false;
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

    /// Records the end of an operation, and what it changed in the session.
    fn finish(&mut self, mut run: Running, outcome: Outcome, succeeded: bool) -> Result<(), End> {
        let op = run.permit.op();
        if let Some(kept) = run.capture.take(op) {
            self.pipeline.note(&kept)?;
        }
        metrics::histogram!("sluice_operation_seconds").record(run.since.elapsed().as_secs_f64());
        self.pipeline.answered(op, answer(&run, outcome))?;
        let counted = run
            .analysis
            .effects()
            .iter()
            .any(super::front::changes_session)
            || run.analysis.runs_code();
        if counted {
            self.effects_in_flight = self.effects_in_flight.saturating_sub(1);
            self.scope_stale |= run.analysis.runs_code();
        }
        // A failed SET changes nothing, but what a failed transaction takes back is told at its end.
        if succeeded {
            self.apply(&run);
        }
        Ok(())
    }

    fn apply(&mut self, run: &Running) {
        for effect in run.analysis.effects() {
            if changes_scope(effect) {
                self.scope_stale = true;
                self.scope_in_transaction = true;
            }
            match effect {
                Effect::Prepare { name, statement } => {
                    let prepared = Prepared {
                        text: Arc::clone(&run.text),
                        statement: StatementRef::Nested(Arc::clone(statement)),
                        parameter_types: Vec::new(),
                        shape: Default::default(),
                    };
                    self.names.set_statement(name, Some(Arc::new(prepared)));
                }
                Effect::Deallocate(Some(name)) => drop(self.names.set_statement(name, None)),
                Effect::Deallocate(None) => self.names.forget_statements(),
                Effect::Declare {
                    cursor,
                    statement,
                    hold,
                    ..
                } => {
                    let prepared = Prepared {
                        text: Arc::clone(&run.text),
                        statement: StatementRef::Nested(Arc::clone(statement)),
                        parameter_types: Vec::new(),
                        shape: Default::default(),
                    };
                    let portal = Portal {
                        prepared: Arc::new(prepared),
                        result_formats: Formats::default(),
                        bound: Bytes::new(),
                        cursor: true,
                        hold: *hold,
                    };
                    self.names.set_portal(cursor, Some(Arc::new(portal)));
                }
                Effect::Close(Some(name)) => drop(self.names.set_portal(name, None)),
                Effect::Close(None) => self.names.forget_portals(),
                Effect::DiscardAll => {
                    self.names.forget_statements();
                    self.names.forget_portals();
                }
                Effect::RollbackTo(_) | Effect::Rollback { .. } | Effect::Commit { .. }
                    if self.scope_in_transaction =>
                {
                    self.scope_stale = true;
                }
                Effect::CatalogChanged | Effect::TemporaryTable(_) => {
                    self.catalog_changed = true;
                    self.scope_stale = true;
                    self.analyst.changing_catalog = true;
                    self.analyst.outdate();
                }
                _ => {}
            }
        }
    }

    fn on_copy_in(&mut self, tag: BackendTag, raw: &Bytes) -> Result<(), End> {
        let copies = |run: &Running| {
            run.analysis
                .effects()
                .iter()
                .any(|e| matches!(e, Effect::CopyIn(_)))
        };
        if !self.running().is_some_and(|run| copies(run)) {
            return Err(out_of_place(tag));
        }
        // A server in this state reads over the Syncs that were sent along.
        let first = self.expect.pop_front();
        while matches!(self.expect.front(), Some(Expect::Sync)) {
            self.expect.pop_front();
        }
        self.expect.extend(first);
        self.expect.rotate_right(usize::from(self.expect.len() > 1));
        self.copy_in = true;
        self.client.outbox.extend_from_slice(raw);
        Ok(())
    }

    fn on_copy_out(&mut self, tag: BackendTag, copy: &CopyShape, raw: &Bytes) -> Result<(), End> {
        let has_classes = self.pipeline.view().has_classes();
        let columns = copy.columns.codes().len();
        let Some(run) = self.running() else {
            return Err(out_of_place(tag));
        };
        let analysis = Arc::clone(&run.analysis);
        if has_classes {
            let plan = shape::bind_copy(&analysis, columns, self.binding()).map_err(End::Told)?;
            let editor = if plan.clear {
                None
            } else {
                Some(copy_editor(analysis.effects(), copy, plan.edits_in(None))?)
            };
            let Some(run) = self.running() else {
                return Err(out_of_place(tag));
            };
            run.copy = editor;
            run.plan = Some(Arc::new(plan));
        }
        self.client.outbox.extend_from_slice(raw);
        Ok(())
    }

    fn on_copy_data(&mut self, tag: BackendTag, data: &[u8], raw: &Bytes) -> Result<(), End> {
        let outbox = &mut self.client.outbox;
        let run = match self.expect.front_mut() {
            Some(Expect::Execute(run)) => run.as_mut(),
            Some(Expect::Query(runs)) => runs.front_mut().ok_or_else(|| out_of_place(tag))?,
            _ => return Err(out_of_place(tag)),
        };
        let before = outbox.len();
        match &mut run.copy {
            None => {
                outbox.extend_from_slice(raw);
                run.rows += 1;
                if run.capture.wants_more() {
                    run.capture.copy(data);
                }
            }
            Some(editor) => {
                run.rows += editor
                    .push(data, outbox)
                    .map_err(|e| End::Told(Refusal::internal(&e.to_string())))?;
                if run.capture.wants_more() {
                    run.capture.copy(appended(outbox, before));
                }
            }
        }
        run.bytes += (outbox.len() - before) as u64;
        Ok(())
    }

    fn on_copy_done(&mut self, tag: BackendTag, raw: &Bytes) -> Result<(), End> {
        let outbox = &mut self.client.outbox;
        let run = match self.expect.front_mut() {
            Some(Expect::Execute(run)) => run.as_mut(),
            Some(Expect::Query(runs)) => runs.front_mut().ok_or_else(|| out_of_place(tag))?,
            _ => return Err(out_of_place(tag)),
        };
        if let Some(editor) = &run.copy {
            editor.finish()
                .map_err(|e| End::Told(Refusal::internal(&e.to_string())))?;
        }
        outbox.extend_from_slice(raw);
        Ok(())
    }
}

/// The editor of a COPY to the client, from what its statement says about the format.
fn copy_editor(
    effects: &[Effect],
    copy: &CopyShape,
    edits: Vec<sluice_protocol::postgres::values::ColumnEdit>,
) -> Result<CopyEditor, End> {
    let said = effects.iter().find_map(|effect| match effect {
        Effect::CopyOut(format) => Some(format),
        _ => None,
    });
    let Some(said) = said else {
        return Err(End::Told(Refusal::internal(
            "the format of the copy is not known",
        )));
    };
    if copy.format == Format::Binary || said.encoding.is_some() {
        return Err(End::Told(
            Refusal::not_understood(
                "a binary copy, or one in another encoding, with columns that must be masked",
            )
            .hint("copy as text or csv"),
        ));
    }
    Ok(CopyEditor::new(copy_format(said)?, edits))
}

fn copy_format(said: &sql::CopyFormat) -> Result<CopyFormat, End> {
    let byte = |text: &Option<String>, default: u8| match text.as_ref().map(|t| t.as_bytes()) {
        None => Ok(default),
        Some([byte]) => Ok(*byte),
        Some(_) => Err(End::Told(Refusal::not_understood(
            "a copy with a separator that is not one byte",
        ))),
    };
    if said.format == "csv" {
        let quote = byte(&said.quote, b'"')?;
        return Ok(CopyFormat::Csv {
            delimiter: byte(&said.delimiter, b',')?,
            quote,
            escape: byte(&said.escape, quote)?,
            null: said.null.clone().unwrap_or_default(),
            header: said.header,
        });
    }
    Ok(CopyFormat::Text {
        delimiter: byte(&said.delimiter, b'\t')?,
        null: said.null.clone().unwrap_or_else(|| "\\N".to_owned()),
        header: said.header,
    })
}
