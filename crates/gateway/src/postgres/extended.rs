//! The extended protocol: statements are prepared, bound and run in steps, and decided at each run.

use super::capture;
use super::estimate::ESTIMATED_ROWS;
use super::expect::{Bound, Expect, Resume, Undo};
use super::names::{Portal, Prepared, StatementRef};
use super::refusal::{Refusal, SYNTAX};
use super::session::{End, Session, Skip};
use crate::clock;
use bytes::Bytes;
use sluice_model::{ApprovalFacts, Decision, RecordedValue};
use sluice_protocol::postgres::frame;
use sluice_protocol::postgres::frontend::{self, Bind, Execute, FrontendMessage, Parse};
use sluice_protocol::postgres::types::{Named, TransactionStatus};
use sluice_protocol::postgres::{FrontendTag, encode};
use std::sync::Arc;

/// Names that the gateway keeps for itself at the target.
pub(super) const OWN_PREFIX: &str = "_sluice";
/// Bound values up to so many bytes are copied out of the inbox.
const COPIED_BOUND: usize = 1024;
/// The gateway's own statement and portal, for asking the target about its search path.
pub(super) const OWN_NAME: &str = "_sluice_scope";

impl Session {
    /// What is owed of the step that is under way.
    fn this_step(&self) -> impl Iterator<Item = &Expect> {
        let owed = self.expect.iter().rev();
        owed.take_while(|expect| !expect.ends_step())
    }

    /// Something of a step was forwarded.
    pub(super) fn in_step(&mut self) {
        self.unsynced = true;
        self.flushed = false;
    }

    pub(super) async fn on_parse(&mut self, parse: &Parse<'_>, raw: Bytes) -> Result<(), End> {
        let prepared = match self.prepare(parse).await {
            Ok(prepared) => prepared,
            Err(refusal) => {
                self.pipeline.refuse(parse.query, &refusal.denial())?;
                return self.refuse_extended(refusal);
            }
        };
        let prepared = Arc::new(prepared);
        let before = self
            .names
            .set_statement(parse.name, Some(Arc::clone(&prepared)));
        self.unrecorded.push(prepared);
        self.target.outbox.extend_from_slice(&raw);
        self.expect
            .push_back(Expect::Parse(Undo::Statement(parse.name.into(), before)));
        self.in_step();
        self.step_names = true;
        Ok(())
    }

    /// Understands a statement to prepare, and refuses what would be refused whatever is bound to it.
    async fn prepare(&mut self, parse: &Parse<'_>) -> Result<Prepared, Refusal> {
        if parse.name.starts_with(OWN_PREFIX) {
            return Err(Refusal::name_taken());
        }
        if !self.names.has_room(parse.query.len()) {
            return Err(Refusal::too_many_names());
        }
        let script = self.read(parse.query).await?;
        let statement = match script.statements.as_slice() {
            [] => StatementRef::Empty,
            [_] => StatementRef::Sent(Arc::clone(&script), 0),
            _ => {
                return Err(Refusal::new(
                    SYNTAX,
                    "cannot insert multiple commands into a prepared statement",
                ));
            }
        };
        let text: Arc<str> = Arc::from(parse.query);
        if let Some(read) = statement.get() {
            self.admissible(read)?;
            let analysis = self.analyst.analyse(&statement, &self.names, &[]).await?;
            let now = clock::now();
            let view = self.pipeline.view();
            let operation = analysis.operation(&text, &self.context, view, now)?;
            // Where a policy reads the planner's estimate, it is decided when the values are there.
            let decision = view.decide(&operation, now, &ApprovalFacts::default());
            if let Decision::Deny(denial) = decision
                && !view.wants_fact(ESTIMATED_ROWS, &operation, now)
            {
                metrics::counter!("sluice_operations_refused_total").increment(1);
                return Err(Refusal::denied(&denial, &self.context.connection.name));
            }
        }
        Ok(Prepared {
            text,
            statement,
            parameter_types: parse.parameter_types.clone(),
            told_types: Default::default(),
            shape: Default::default(),
        })
    }

    pub(super) fn on_bind(&mut self, bind: &Bind<'_>, raw: &Bytes) -> Result<(), End> {
        let Some(prepared) = self.names.statement(bind.statement).map(Arc::clone) else {
            return self
                .refuse_extended(Refusal::unknown_name("prepared statement", bind.statement));
        };
        if bind.portal.starts_with(OWN_PREFIX) || !self.names.has_room(raw.len()) {
            return self.refuse_extended(Refusal::too_many_names());
        }
        // What is bound: everything after the two names, in the bytes that are forwarded.
        let names = bind.portal.len() + bind.statement.len() + 2;
        let bound = raw.slice((frame::HEADER_LEN + names).min(raw.len())..);
        let bound = if bound.len() <= COPIED_BOUND {
            // Kept as a slice, it would keep the whole inbox: the next read would need a new one.
            Bytes::copy_from_slice(&bound)
        } else {
            bound
        };
        let portal = Portal {
            prepared,
            result_formats: bind.result_formats.clone(),
            bound,
            cursor: None,
            hold: false,
            step: self.step,
            scope: self.analyst.scope(),
        };
        let before = self.names.set_portal(bind.portal, Some(Arc::new(portal)));
        self.target.outbox.extend_from_slice(raw);
        self.expect
            .push_back(Expect::Bind(Undo::Portal(bind.portal.into(), before)));
        self.in_step();
        Ok(())
    }

    pub(super) fn on_describe(&mut self, named: Named<'_>, raw: &Bytes) -> Result<(), End> {
        let scope = self.analyst.generation();
        let expect = match named {
            Named::Statement(name) => match self.names.statement(name) {
                Some(prepared) => Expect::DescribeStatement(Arc::clone(prepared), scope),
                None => {
                    return self.refuse_extended(Refusal::unknown_name("prepared statement", name));
                }
            },
            Named::Portal(name) => match self.names.portal(name) {
                Some(portal) => Expect::DescribePortal {
                    portal: Arc::clone(portal),
                    scope,
                    own: false,
                },
                None => {
                    return self.refuse_extended(Refusal {
                        sqlstate: "34000",
                        ..Refusal::unknown_name("portal", name)
                    });
                }
            },
        };
        self.target.outbox.extend_from_slice(raw);
        self.expect.push_back(expect);
        self.in_step();
        Ok(())
    }

    pub(super) async fn on_execute(&mut self, execute: Execute<'_>, raw: Bytes) -> Result<(), End> {
        let Some(portal) = self.names.portal(execute.portal).map(Arc::clone) else {
            return self.refuse_extended(Refusal {
                sqlstate: "34000",
                ..Refusal::unknown_name("portal", execute.portal)
            });
        };
        if portal.cursor.is_some() {
            return self.refuse_extended(
                Refusal::not_understood("a cursor of DECLARE cannot be run by Execute")
                    .hint("use FETCH"),
            );
        }
        if portal.scope != self.analyst.scope() {
            // The target planned it when it was bound; it would be decided by where names lead now.
            return self.refuse_extended(Refusal::scope_moved());
        }
        let analysis = match self
            .analyst
            .analyse(&portal.prepared.statement, &self.names, &[])
            .await
        {
            Ok(analysis) => analysis,
            Err(refusal) => {
                self.pipeline
                    .refuse(&portal.prepared.text, &refusal.denial())?;
                return self.refuse_extended(refusal);
            }
        };
        let text = Arc::clone(&portal.prepared.text);
        let bound = self.bound_to(&portal);
        let run = [(analysis, text)];
        let estimates = self.estimates(&run, Some(&portal), &bound.recorded).await?;
        let estimate = estimates.first().copied().unwrap_or_default();
        let [(analysis, text)] = run;
        match self.decide_one(analysis, text, bound, estimate)? {
            Ok((admitted, None)) => self.forward_execute(admitted, &raw, portal),
            Ok((admitted, Some(ask))) => {
                let asks = vec![(admitted.op, ask)];
                self.run_or_hold(vec![admitted], asks, Resume::Execute(raw, portal))
                    .await
            }
            Err(refusal) => self.refuse_extended(refusal),
        }
    }

    pub(super) fn bound_to(&self, portal: &Arc<Portal>) -> Bound {
        Bound {
            recorded: self.recorded_parameters(portal),
            portal: Some(Arc::clone(portal)),
        }
    }

    fn recorded_parameters(&self, portal: &Portal) -> Vec<RecordedValue> {
        let view = self.pipeline.view();
        // Made for the first text only: most statements bind none.
        let mut scrubber = None;
        let read = |value: Option<&[u8]>, type_oid, format| {
            let text = match capture::value(value, type_oid, format) {
                RecordedValue::Text(text) if view.has_classes() => text,
                value => return value,
            };
            let scrubber = scrubber.get_or_insert_with(|| view.scrubber(clock::now()));
            let mut masked = String::new();
            RecordedValue::Text(match scrubber.mask_text(&text, &mut masked) {
                true => masked,
                false => text,
            })
        };
        portal.bound_values(read).unwrap_or_default()
    }

    pub(super) fn on_close(&mut self, named: Named<'_>, raw: &Bytes) -> Result<(), End> {
        let undo = match named {
            Named::Statement(name) => {
                Undo::Statement(name.into(), self.names.set_statement(name, None))
            }
            Named::Portal(name) => Undo::Portal(name.into(), self.names.set_portal(name, None)),
        };
        self.target.outbox.extend_from_slice(raw);
        self.expect.push_back(Expect::Close(undo));
        self.in_step();
        self.step_names = true;
        Ok(())
    }

    pub(super) fn on_sync(&mut self) {
        if std::mem::replace(&mut self.skip, Skip::No) == Skip::Local {
            encode::ready_for_query(&mut self.client.outbox, self.transaction);
            return;
        }
        if self.copy_in {
            // While it takes COPY data a server reads over Sync; where it fails instead, it answers it.
            self.copy_sync = true;
            return;
        }
        self.sync_target();
    }

    /// Ends a step at the target.
    pub(super) fn sync_target(&mut self) {
        encode::sync(&mut self.target.outbox);
        self.unsynced = false;
        let names = std::mem::take(&mut self.step_names);
        self.unconfirmed_steps += usize::from(names);
        self.expect.push_back(Expect::Sync {
            step: self.step,
            names,
        });
        self.step += 1;
        if self.transaction != TransactionStatus::InBlock
            && (self.scope_in_transaction || self.catalog_changed)
        {
            // Should the step fail, what it changed is taken back.
            self.scope_stale = true;
        }
    }

    /// Asks for the shape of a portal's rows where it is needed and the client did not ask.
    pub(super) fn describe_first(
        &mut self,
        execute: &Bytes,
        portal: &Arc<Portal>,
    ) -> Result<(), End> {
        let scope = self.analyst.generation();
        let returns_rows = portal
            .prepared
            .statement
            .get()
            .is_some_and(|s| s.returns_rows);
        let described = portal.prepared.known_shape(scope).is_some()
            || self.this_step().any(|expect| match expect {
                Expect::DescribePortal { portal: asked, .. } => {
                    Arc::ptr_eq(&asked.prepared, &portal.prepared)
                }
                Expect::DescribeStatement(asked, _) => Arc::ptr_eq(asked, &portal.prepared),
                _ => false,
            });
        if !returns_rows || described || !self.pipeline.view().has_classes() {
            return Ok(());
        }
        let body = execute.slice(frame::HEADER_LEN..);
        if let FrontendMessage::Execute(Execute { portal: name, .. }) =
            frontend::parse(FrontendTag::Execute, &body)?
        {
            encode::describe(&mut self.target.outbox, Named::Portal(name))?;
            self.expect.push_back(Expect::DescribePortal {
                portal: Arc::clone(portal),
                scope,
                own: true,
            });
        }
        Ok(())
    }
}
