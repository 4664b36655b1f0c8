//! What the client sends: read, decided, recorded, and only then forwarded.

use super::analyst::Analysis;
use super::effects::{counts, renames};
use super::estimate::Estimate;
use super::expect::{Admitted, Bound, Expect, Resume, Running};
use super::extended::{OWN_NAME, OWN_PREFIX};
use super::names::{Portal, StatementRef};
use super::refusal::{NOT_ALLOWED, Refusal, UNSUPPORTED};
use super::session::{End, MAX_OWED, Session, Skip};
use super::shape;
use super::write_back;
use crate::clock;
use crate::pipeline::{Permit, Verdict};
use bytes::Bytes;
use sluice_model::{Ask, RecordedValue};
use sluice_protocol::postgres::frame;
use sluice_protocol::postgres::frontend::{self, Bind, FrontendMessage};
use sluice_protocol::postgres::types::{Named, TransactionStatus};
use sluice_protocol::postgres::{FrontendTag, encode};
use sluice_protocol::sql::{Effect, ReadOptions, Statement};
use std::collections::VecDeque;
use std::sync::Arc;

/// The longest name that the server keeps whole (`NAMEDATALEN` less one).
const MAX_NAME: usize = 63;
/// A statement longer than this is read on a thread for blocking work, so that other sessions go on.
const READ_INLINE: usize = 16 * 1024;

/// What came of working off the client's messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// The client said goodbye.
    pub left: bool,
    /// Something was worked off.
    pub moved: bool,
}

/// What stands before a statement in its message.
#[derive(Default)]
pub(super) struct Batch<'a> {
    /// The statements.
    pub before: Vec<&'a Statement>,
    /// Code of the target's own users may have run in one of them.
    pub after_code: bool,
}

impl Session {
    /// Works off the client's messages as far as the state allows.
    pub(super) async fn work_client(&mut self) -> Result<Asked, End> {
        let mut asked = Asked::default();
        while self.held.is_none() && self.target.has_room() && self.expect.len() < MAX_OWED {
            if self.copy_rest.is_open() {
                if !self.pass_copy_data() {
                    break;
                }
                asked.moved = true;
                continue;
            }
            let Some(header) = frame::peek_header::<FrontendTag>(&self.client.inbox)? else {
                break;
            };
            if self.client.inbox.len() < header.total() {
                if !self.begin_copy_data(header)? {
                    break;
                }
                asked.moved = true;
                continue;
            }
            if !self.settled(header.tag)? {
                break;
            }
            let raw = self.client.inbox.split_to(header.total()).freeze();
            asked.moved = true;
            if self.on_client(header.tag, raw).await? {
                asked.left = true;
                break;
            }
        }
        Ok(asked)
    }

    /// Whether a message of the client that is read as a whole is there only in part.
    pub(super) fn client_message_incomplete(&self) -> bool {
        if self.held.is_some() || self.copy_rest.is_open() {
            return false;
        }
        match frame::peek_header::<FrontendTag>(&self.client.inbox) {
            Ok(Some(header)) => {
                header.tag != FrontendTag::CopyData && self.client.inbox.len() < header.total()
            }
            _ => false,
        }
    }

    /// Whether the next message can be understood now. What a name stands for, and where an unqualified
    /// one leads, must be as the target has it: answers that are owed are waited for (and asked for, within
    /// a step), then the target is asked for its search path.
    pub(super) fn settled(&mut self, tag: FrontendTag) -> Result<bool, End> {
        if self.skip != Skip::No {
            return Ok(true);
        }
        if self.copy_in {
            return copying(tag).map(|()| true);
        }
        let copies = !self.copy_ended && self.expect.iter().any(Expect::copies_in);
        if copies && tag != FrontendTag::Terminate {
            // Whether the target takes COPY data decides what it makes of the next message.
            self.flush();
            return Ok(false);
        }
        match tag {
            FrontendTag::Query
            | FrontendTag::Parse
            | FrontendTag::Bind
            | FrontendTag::Describe
            | FrontendTag::Execute
            | FrontendTag::Close => {}
            _ => return Ok(true),
        }
        if self.scope_asked {
            return Ok(false);
        }
        if self.effects_in_flight > 0 || self.unconfirmed_steps > 0 {
            self.flush();
            return Ok(false);
        }
        if !self.scope_stale {
            return Ok(true);
        }
        if !self.expect.is_empty() {
            self.flush();
            return Ok(false);
        }
        if self.transaction == TransactionStatus::Failed {
            // Nothing but the end of the transaction will run; names do not matter until then.
            return Ok(true);
        }
        self.ask_for_scope()?;
        Ok(false)
    }

    /// Asks for the answers that are owed within a step, once.
    fn flush(&mut self) {
        if self.unsynced && !self.flushed {
            encode::flush(&mut self.target.outbox);
            self.flushed = true;
        }
    }

    fn ask_for_scope(&mut self) -> Result<(), End> {
        self.scope_stale = false;
        self.scope_asked = true;
        let out = &mut self.target.outbox;
        encode::parse(out, OWN_NAME, super::catalog::SEARCH_PATH, &[])?;
        let bind = Bind {
            portal: OWN_NAME,
            statement: OWN_NAME,
            parameter_formats: Default::default(),
            parameters: Vec::new(),
            result_formats: Default::default(),
        };
        encode::bind(out, &bind)?;
        encode::execute(out, OWN_NAME, 0)?;
        encode::close(out, Named::Portal(OWN_NAME))?;
        encode::close(out, Named::Statement(OWN_NAME))?;
        let ready = !self.unsynced;
        if ready {
            encode::sync(out);
        } else {
            encode::flush(out);
        }
        self.expect.push_back(Expect::Scope {
            schemas: None,
            ready,
            closed: 0,
        });
        Ok(())
    }

    /// `true`: the client left.
    async fn on_client(&mut self, tag: FrontendTag, raw: Bytes) -> Result<bool, End> {
        let body = raw.slice(frame::HEADER_LEN..);
        let message = frontend::parse(tag, &body)?;
        if self.skip != Skip::No
            && !matches!(message, FrontendMessage::Sync | FrontendMessage::Terminate)
        {
            return Ok(false);
        }
        if long_names(&message) {
            // The server cuts longer names, so that two of them can be one.
            let refusal = Refusal::new("42622", "refused: a name is longer than 63 bytes");
            return self.refuse_extended(refusal).map(|()| false);
        }
        match message {
            FrontendMessage::Query(text) => self.on_query(text, raw.clone()).await?,
            FrontendMessage::Parse(parse) => self.on_parse(&parse, raw.clone()).await?,
            FrontendMessage::Bind(bind) => self.on_bind(&bind, &raw)?,
            FrontendMessage::Describe(named) => self.on_describe(named, &raw)?,
            FrontendMessage::Execute(execute) => self.on_execute(execute, raw.clone()).await?,
            FrontendMessage::Close(named) => self.on_close(named, &raw)?,
            FrontendMessage::Sync => self.on_sync(),
            FrontendMessage::Flush => self.target.outbox.extend_from_slice(&raw),
            FrontendMessage::CopyData(_)
            | FrontendMessage::CopyDone
            | FrontendMessage::CopyFail(_) => {
                // Outside COPY a server ignores these; here they do not even reach it.
                if self.copy_in {
                    self.copy_in = matches!(message, FrontendMessage::CopyData(_));
                    self.copy_ended = !self.copy_in;
                    self.target.outbox.extend_from_slice(&raw);
                }
            }
            FrontendMessage::FunctionCall => {
                let refusal = Refusal::new(
                    UNSUPPORTED,
                    "refused: function calls by number are not allowed through the gateway",
                )
                .hint("call the function with SELECT");
                self.pipeline.refuse("(function call)", &refusal.denial())?;
                self.refuse_query(refusal)?;
            }
            FrontendMessage::Password(_) => {
                return Err(End::Told(Refusal::new(
                    "08P01",
                    "a password was sent after the login; expected a statement",
                )));
            }
            FrontendMessage::Terminate => return Ok(true),
        }
        Ok(false)
    }

    pub(super) async fn read(
        &self,
        text: &str,
    ) -> Result<Arc<sluice_protocol::sql::Script>, Refusal> {
        let options = ReadOptions::default();
        if text.len() <= READ_INLINE {
            return Ok(self.shared.reader.read(text, options)?);
        }
        let (shared, text) = (Arc::clone(&self.shared), text.to_owned());
        let read = tokio::task::spawn_blocking(move || shared.reader.read(&text, options));
        Ok(read
            .await
            .map_err(|_| Refusal::internal("the statement could not be read"))??)
    }

    async fn on_query(&mut self, text: &str, raw: Bytes) -> Result<(), End> {
        let batch = match self.understand(text).await {
            Ok(batch) => batch,
            Err(refusal) => {
                self.pipeline.refuse(text, &refusal.denial())?;
                return self.refuse_query(refusal);
            }
        };
        let estimates = self.estimates(&batch, None, &[]).await?;
        match self.decide(batch, &estimates)? {
            Ok((batch, asks)) => self.run_or_hold(batch, asks, Resume::Query(raw)).await,
            Err(refusal) => self.refuse_query(refusal),
        }
    }

    /// Every statement of a simple query, understood; what is not understood refuses all of it.
    async fn understand(&mut self, text: &str) -> Result<Vec<(Arc<Analysis>, Arc<str>)>, Refusal> {
        let script = self.read(text).await?;
        let mut understood = Vec::with_capacity(script.statements.len());
        let mut batch = Batch::default();
        for (index, statement) in script.statements.iter().enumerate() {
            let reference = StatementRef::Sent(Arc::clone(&script), index);
            let analysis = self.understand_next(&reference, &mut batch).await?;
            understood.push((analysis, Arc::from(statement.text(text))));
            batch.before.push(statement);
        }
        Ok(understood)
    }

    /// The next statement of a batch, understood after those before it, whenever the batch is decided.
    pub(super) async fn understand_next(
        &mut self,
        reference: &StatementRef,
        batch: &mut Batch<'_>,
    ) -> Result<Arc<Analysis>, Refusal> {
        let moved = |earlier: &&Statement| renames(earlier) || self.ends_scope(earlier);
        if batch.before.iter().any(moved) {
            return Err(Refusal::not_understood(
                "a statement after a change of the search path in the same message",
            )
            .hint("send the SET by itself"));
        }
        let analysis = self
            .analyst
            .analyse(reference, &self.names, &batch.before)
            .await?;
        if let Some(statement) = reference.get() {
            if batch.after_code && analysis.catalog.is_ambiguous(statement) {
                let elsewhere = "a name that may lead elsewhere after a view, trigger or routine in the same message";
                return Err(Refusal::not_understood(elsewhere)
                    .hint("send it by itself, or write names with their schemas"));
            }
            self.admissible(statement)?;
        }
        batch.after_code |= analysis.runs_code;
        Ok(analysis)
    }

    /// Whether a statement may take a change of the search path back.
    fn ends_scope(&self, statement: &Statement) -> bool {
        let ends = |effect: &Effect| {
            matches!(
                effect,
                Effect::Commit { .. }
                    | Effect::Rollback { .. }
                    | Effect::RollbackTo(_)
                    | Effect::PrepareTransaction
            )
        };
        (self.scope_in_transaction || self.scope_stale) && statement.effects.iter().any(ends)
    }

    /// What no policy can allow, because the gateway could no longer tell what statements mean.
    pub(super) fn admissible(&self, statement: &Statement) -> Result<(), Refusal> {
        if self.read_only && statement.deep_effects().any(Effect::leaves_read_only) {
            return Err(Refusal::new(
                NOT_ALLOWED,
                "refused: no policy lets this session write, so it stays read-only",
            ));
        }
        statement
            .deep_effects()
            .try_for_each(|effect| self.admissible_effect(effect))
    }

    fn admissible_effect(&self, effect: &Effect) -> Result<(), Refusal> {
        match effect {
            Effect::Set {
                name: Some(name),
                value,
                ..
            } if !keeps_meaning(name, value.as_deref()) => Err(Refusal::not_understood(&format!(
                "{name} must stay as it is, so that statements mean what the gateway reads"
            ))),
            Effect::Prepare { name, .. } | Effect::Declare { cursor: name, .. } => {
                if name.starts_with(OWN_PREFIX) {
                    return Err(Refusal::name_taken());
                }
                if !self.names.has_room(0) {
                    return Err(Refusal::too_many_names());
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Decides every statement of a batch, and records the decisions. The outer error ends the session.
    #[expect(
        clippy::type_complexity,
        reason = "a batch with its open questions, or why it is refused"
    )]
    pub(super) fn decide(
        &mut self,
        understood: Vec<(Arc<Analysis>, Arc<str>)>,
        estimates: &[Estimate],
    ) -> Result<Result<(Vec<Admitted>, Vec<(u64, Ask)>), Refusal>, End> {
        let (mut batch, mut asks) = (Vec::with_capacity(understood.len()), Vec::new());
        for (at, (analysis, text)) in understood.into_iter().enumerate() {
            let estimate = estimates.get(at).copied().unwrap_or_default();
            match self.decide_one(analysis, text, Bound::default(), estimate)? {
                Ok((admitted, ask)) => {
                    asks.extend(ask.map(|ask| (admitted.op, ask)));
                    batch.push(admitted);
                }
                Err(refusal) => {
                    self.drop_batch(&batch)?;
                    return Ok(Err(refusal));
                }
            }
        }
        Ok(Ok((batch, asks)))
    }

    /// Decides one statement, and records the decision. The outer error ends the session.
    pub(super) fn decide_one(
        &mut self,
        analysis: Arc<Analysis>,
        text: Arc<str>,
        bound: Bound,
        estimate: Estimate,
    ) -> Result<Result<(Admitted, Option<Ask>), Refusal>, End> {
        let decided = if estimate == Estimate::TooMany {
            let many = "so many statements in one message whose decision depends on how many rows they touch";
            let refusal = Refusal::not_understood(many).hint("send fewer of them at once");
            self.pipeline.refuse(&text, &refusal.denial())?;
            Err(refusal)
        } else {
            self.decided(analysis, text, bound, estimate)?
        };
        if decided.is_err() {
            metrics::counter!("sluice_operations_refused_total").increment(1);
        }
        Ok(decided)
    }

    fn decided(
        &mut self,
        analysis: Arc<Analysis>,
        text: Arc<str>,
        bound: Bound,
        estimate: Estimate,
    ) -> Result<Result<(Admitted, Option<Ask>), Refusal>, End> {
        let bound = match &analysis.bound {
            Some(portal) => self.bound_to(portal),
            None => bound,
        };
        let (view, now) = (self.pipeline.view(), clock::now());
        let checked = write_back::check(&analysis, &text, bound.portal.as_deref(), view, now)
            .and_then(|()| shape::check_binary_copy(&analysis, self.binding()));
        if let Err(refusal) = checked {
            self.pipeline.refuse(&text, &refusal.denial())?;
            return Ok(Err(refusal));
        }
        let standing = analysis.allowed.lock().clone();
        let again = match standing.filter(|_| estimate == Estimate::NotAsked) {
            Some(standing) => self
                .pipeline
                .admit_again(&standing, &text, &bound.recorded)?,
            None => None,
        };
        let (op, permit, ask) = match again {
            Some(permit) => (permit.op(), Some(permit), None),
            None => match self.admit(&analysis, &text, &bound.recorded, estimate)? {
                Ok(admitted) => admitted,
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let admitted = Admitted {
            analysis,
            text,
            bound,
            permit,
            approved: None,
            estimate,
            op,
        };
        Ok(Ok((admitted, ask)))
    }

    /// Asks the policies about a statement: its number, leave to run it, and whose consent it needs.
    #[expect(
        clippy::type_complexity,
        reason = "an operation's number with leave or an open question, or why it is refused"
    )]
    fn admit(
        &mut self,
        analysis: &Analysis,
        text: &Arc<str>,
        parameters: &[RecordedValue],
        estimate: Estimate,
    ) -> Result<Result<(u64, Option<Permit>, Option<Ask>), Refusal>, End> {
        let operation =
            match analysis.operation(text, &self.context, self.pipeline.view(), clock::now()) {
                Ok(operation) => estimate.in_facts_of(operation),
                Err(refusal) => {
                    self.pipeline.refuse(text, &refusal.denial())?;
                    return Ok(Err(refusal));
                }
            };
        Ok(match self.pipeline.admit(&operation, parameters)? {
            Verdict::Run(permit, standing) => {
                if estimate == Estimate::NotAsked {
                    *analysis.allowed.lock() = standing;
                }
                Ok((permit.op(), Some(permit), None))
            }
            Verdict::Hold { op, ask } => Ok((op, None, Some(ask))),
            Verdict::Refuse(denial) => Err(Refusal::denied(&denial, &self.context.connection.name)),
        })
    }

    /// Forwards what is decided and recorded.
    pub(super) fn forward(&mut self, batch: Vec<Admitted>, resume: Resume) -> Result<(), End> {
        let mut runs = VecDeque::with_capacity(batch.len());
        for admitted in batch {
            runs.push_back(self.running_from(admitted)?);
        }
        match resume {
            Resume::Query(raw) => {
                self.target.outbox.extend_from_slice(&raw);
                self.expect.push_back(Expect::Query(runs));
                self.unsynced = false;
                self.step += 1;
            }
            Resume::Execute(raw, portal) => {
                let Some(run) = runs.pop_front() else {
                    return Err(End::Told(Refusal::internal(
                        "an Execute without an operation",
                    )));
                };
                self.execute(run, &raw, portal)?;
            }
        }
        Ok(())
    }

    /// Forwards an Execute that is decided and recorded.
    pub(super) fn forward_execute(
        &mut self,
        admitted: Admitted,
        raw: &Bytes,
        portal: Arc<Portal>,
    ) -> Result<(), End> {
        let run = self.running_from(admitted)?;
        self.execute(run, raw, portal)
    }

    fn running_from(&mut self, admitted: Admitted) -> Result<Running, End> {
        let Some(permit) = admitted.permit else {
            return Err(End::Told(Refusal::internal("an operation was not decided")));
        };
        if counts(&admitted.analysis) {
            self.effects_in_flight += 1;
        }
        let mut run = Running::new(permit, admitted.analysis, admitted.text);
        run.approved = admitted.approved;
        run.estimate = admitted.estimate;
        Ok(run)
    }

    fn execute(&mut self, mut run: Running, raw: &Bytes, portal: Arc<Portal>) -> Result<(), End> {
        self.unrecorded
            .retain(|prepared| !Arc::ptr_eq(prepared, &portal.prepared));
        self.describe_first(raw, &portal)?;
        run.portal = Some(portal);
        self.target.outbox.extend_from_slice(raw);
        self.expect.push_back(Expect::Execute(Box::new(run)));
        self.in_step();
        Ok(())
    }
}

/// Whether a setting, at this value, leaves texts to mean what the gateway reads in them.
pub(super) fn keeps_meaning(name: &str, value: Option<&str>) -> bool {
    let value = value.map(str::to_ascii_lowercase);
    match (name, value.as_deref()) {
        ("client_encoding", value) => matches!(value, None | Some("utf8" | "utf-8" | "unicode")),
        ("standard_conforming_strings", value) => {
            matches!(value, None | Some("on" | "true" | "yes" | "1"))
        }
        _ => true,
    }
}

/// What a server takes while it takes COPY data; anything else breaks the protocol.
fn copying(tag: FrontendTag) -> Result<(), End> {
    match tag {
        FrontendTag::CopyData
        | FrontendTag::CopyDone
        | FrontendTag::CopyFail
        | FrontendTag::Sync
        | FrontendTag::Flush
        | FrontendTag::Terminate => Ok(()),
        _ => Err(End::Told(Refusal::new(
            "08P01",
            "a message came in the middle of copy data; expected more data or its end",
        ))),
    }
}

fn long_names(message: &FrontendMessage<'_>) -> bool {
    let long = |name: &str| name.len() > MAX_NAME;
    match message {
        FrontendMessage::Parse(parse) => long(parse.name),
        FrontendMessage::Bind(bind) => long(bind.portal) || long(bind.statement),
        FrontendMessage::Execute(execute) => long(execute.portal),
        FrontendMessage::Describe(Named::Statement(name) | Named::Portal(name))
        | FrontendMessage::Close(Named::Statement(name) | Named::Portal(name)) => long(name),
        _ => false,
    }
}
