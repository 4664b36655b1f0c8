//! What would be decided about a text, by which policies, and what would be masked. Nothing of it runs: the
//! target only plans each statement, on a read-only connection of the gateway's own, to tell its columns.

use super::Shared;
use super::analyst::{Analysis, Analyst};
use super::catalog::READING;
use super::estimate::ESTIMATED_ROWS;
use super::names::{Names, StatementRef};
use super::shape::{self, Binding};
use super::target::TargetSession;
use crate::clock;
use crate::explanation::{ExplainRequest, ExplainedColumn, ExplainedStatement, Explanation, words};
use crate::port::PortError;
use bytes::{Buf, Bytes};
use sluice_model::{ApprovalFacts, Connection, Decision, SessionContext};
use sluice_policy::SessionView;
use sluice_protocol::postgres::types::Named;
use sluice_protocol::postgres::{BackendTag, encode, frame};
use sluice_protocol::sql::ReadOptions;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the target may take to describe a statement.
const DESCRIBE_DEADLINE: Duration = Duration::from_secs(10);

/// Explains a text for a principal.
///
/// # Errors
/// The connection or account does not exist, the text cannot be read, or the target cannot be asked.
pub async fn explain(
    shared: &Arc<Shared>,
    asked: ExplainRequest,
) -> Result<Explanation, PortError> {
    let snapshot = Arc::clone(&shared.port.snapshots().borrow());
    let connection = asked.connection(&snapshot)?;
    let context = Arc::new(context(&asked, connection)?);
    let now = clock::now();
    let view = snapshot
        .view(&context, now)
        .map_err(|denial| words(denial.message))?;
    let connect = view.connect(now, &ApprovalFacts::default());
    let script = shared
        .reader
        .read(&asked.text, ReadOptions::default())
        .map_err(words)?;
    let mut analyst = Analyst::new(Arc::clone(&shared.catalogs), Arc::clone(&context));
    let names = Names::default();
    let (mut statements, mut before) = (Vec::new(), Vec::new());
    for (index, statement) in script.statements.iter().enumerate() {
        let reference = StatementRef::Sent(Arc::clone(&script), index);
        let analysis = analyst
            .analyse(&reference, &names, &before)
            .await
            .map_err(|refusal| words(refusal.message))?;
        let text: Arc<str> = Arc::from(statement.text(&asked.text));
        statements.push(statement_of(shared, &context, &view, &analysis, text).await);
        before.push(statement);
    }
    Ok(Explanation {
        connect,
        statements,
    })
}

fn context(
    asked: &ExplainRequest,
    connection: &Arc<Connection>,
) -> Result<SessionContext, PortError> {
    let database = asked.database.clone();
    let database = database.or_else(|| connection.target.database.clone());
    let database =
        database.ok_or_else(|| words("name a database: the connection has no default one"))?;
    asked.context(connection, database)
}

async fn statement_of(
    shared: &Shared,
    context: &SessionContext,
    view: &SessionView,
    analysis: &Analysis,
    text: Arc<str>,
) -> ExplainedStatement {
    let now = clock::now();
    let mut explained = ExplainedStatement {
        text: text.as_ref().to_owned(),
        decision: Decision::Deny(
            super::refusal::Refusal::internal("it could not be decided").denial(),
        ),
        accesses: Vec::new(),
        columns: Vec::new(),
        masked: Vec::new(),
        notes: Vec::new(),
    };
    let operation = match analysis.operation(&text, context, view, now) {
        Ok(operation) => operation,
        Err(refusal) => {
            explained.decision = Decision::Deny(refusal.denial());
            return explained;
        }
    };
    match view.explain(&operation, now, &ApprovalFacts::default()) {
        Ok(told) => (explained.decision, explained.accesses) = (told.decision, told.accesses),
        Err(denial) => explained.decision = Decision::Deny(denial),
    }
    if view.wants_fact(ESTIMATED_ROWS, &operation, now) {
        explained.notes.push(
            "a policy reads estimated_rows, which is not known here: the planner is asked when the statement is run"
                .into(),
        );
    }
    let returns_rows = analysis
        .get()
        .is_some_and(|statement| statement.returns_rows);
    // The target is asked for the columns, so that what is not allowed must not reach it here either.
    if !returns_rows || !matches!(explained.decision, Decision::Allow(_)) {
        return explained;
    }
    let described = timeout(DESCRIBE_DEADLINE, describe(shared, context, &text)).await;
    let Ok(Some(described)) = described else {
        explained.notes.push(
            "the target could not tell the columns of the answer without running the statement"
                .into(),
        );
        return explained;
    };
    let binding = Binding {
        view,
        epoch: 0,
        now,
    };
    match shape::bind(analysis, &analysis.catalog, &described, binding) {
        Ok(plan) => {
            explained.columns = plan
                .names
                .iter()
                .map(|name| ExplainedColumn { name: name.clone() })
                .collect();
            explained.masked = plan.masked.to_vec();
        }
        Err(refusal) => explained.notes.push(refusal.message),
    }
    explained
}

/// The RowDescription of a statement.
async fn describe(shared: &Shared, context: &SessionContext, text: &str) -> Option<Bytes> {
    let mut session = shared
        .catalogs
        .own_session(
            &context.connection,
            &context.account,
            &context.database,
            READING,
        )
        .await
        .ok()?;
    let out = &mut session.side.outbox;
    encode::parse(out, "", text, &[]).ok()?;
    encode::describe(out, Named::Statement("")).ok()?;
    encode::sync(out);
    session.side.send().await.ok()?;
    let described = shape_told(&mut session).await;
    let _ = session.side.finish().await;
    described
}

async fn shape_told(session: &mut TargetSession) -> Option<Bytes> {
    let mut described = None;
    loop {
        while let Some(frame) = frame::peek::<BackendTag>(&session.side.inbox).ok()? {
            let taken = frame.raw.len();
            match frame.tag {
                BackendTag::RowDescription => described = Some(Bytes::copy_from_slice(frame.body)),
                BackendTag::ReadyForQuery => return described,
                _ => {}
            }
            session.side.inbox.advance(taken);
        }
        if !session.side.receive().await.ok()? {
            return None;
        }
    }
}
