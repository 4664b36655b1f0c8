//! Statements that are no definitions: queries and changes, COPY, EXPLAIN, and whatever a session is run with.
//! [`Walk::top`] is where every statement is known or refused.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    CallStmt, CopyStmt, CreateTableAsStmt, DeclareCursorStmt, DefElem, DiscardMode, DiscardStmt,
    ExplainStmt, LockStmt, ObjectType, TransactionStmt, TransactionStmtKind,
};

use super::actions;
use super::lineage::{Answer, ColumnRef, Expr, FromItem, Level, OutItem, Source};
use super::tree::{each, inner, name, relation_name, texts};
use super::walk::Walk;
use super::{CopyFormat, Effect, ReadError, ReadWrite, Target};

/// `CURSOR_OPT_BINARY` and `CURSOR_OPT_HOLD` of the server's parse nodes.
const CURSOR_BINARY: i32 = 0x0001;
const CURSOR_HOLD: i32 = 0x0020;

/// `AccessShareLock`, the lock that SELECT takes anyway.
const ACCESS_SHARE_LOCK: i32 = 1;

impl Walk {
    /// Reads a statement and says what it is. Every kind that the grammar has is found in one of the tables
    /// below; one that is not is refused.
    pub(crate) fn top(&mut self, node: &NodeEnum) -> Result<&'static str, ReadError> {
        if let Some(kind) = self.data(node)? {
            return Ok(kind);
        }
        if let Some(kind) = self.session(node)? {
            return Ok(kind);
        }
        if let Some(kind) = self.keeps(node)? {
            return Ok(kind);
        }
        if let Some(kind) = self.defines(node)? {
            self.effects.push(Effect::CatalogChanged);
            return Ok(kind);
        }
        if let Some(kind) = self.defines_more(node)? {
            self.effects.push(Effect::CatalogChanged);
            return Ok(kind);
        }
        if let Some(kind) = self.administers(node)? {
            return Ok(kind);
        }
        Err(ReadError::Unknown("a statement of a kind"))
    }

    /// Statements that read or change rows.
    fn data(&mut self, node: &NodeEnum) -> Result<Option<&'static str>, ReadError> {
        let (kind, returns_rows) = match node {
            NodeEnum::SelectStmt(select) if makes_table(select) => ("SELECT INTO", false),
            NodeEnum::SelectStmt(_) => ("SELECT", true),
            NodeEnum::InsertStmt(insert) => ("INSERT", insert.returning_clause.is_some()),
            NodeEnum::UpdateStmt(update) => ("UPDATE", update.returning_clause.is_some()),
            NodeEnum::DeleteStmt(delete) => ("DELETE", delete.returning_clause.is_some()),
            NodeEnum::MergeStmt(merge) => ("MERGE", merge.returning_clause.is_some()),
            NodeEnum::CopyStmt(copy) => {
                self.literal_matters = true;
                self.copy(copy)?;
                return Ok(Some("COPY"));
            }
            NodeEnum::TruncateStmt(truncate) => {
                self.every_row = true;
                for relation in each(&truncate.relations) {
                    if let NodeEnum::RangeVar(relation) = relation {
                        self.need(actions::TRUNCATE, Target::Table(relation_name(relation)));
                    }
                }
                return Ok(Some("TRUNCATE"));
            }
            NodeEnum::LockStmt(lock) => {
                self.lock(lock);
                return Ok(Some("LOCK"));
            }
            NodeEnum::CreateTableAsStmt(create) => return self.create_table_as(create).map(Some),
            NodeEnum::ExplainStmt(explain) => {
                self.explain_statement(explain)?;
                return Ok(Some("EXPLAIN"));
            }
            NodeEnum::CallStmt(call) => {
                self.call_statement(call)?;
                return Ok(Some("CALL"));
            }
            NodeEnum::DoStmt(_) => {
                self.need(actions::DO, Target::Database);
                self.effects.push(Effect::CatalogChanged);
                return Ok(Some("DO"));
            }
            _ => return Ok(None),
        };
        let level = self.query(node, None)?;
        if returns_rows {
            self.returns_rows = true;
            self.lineage.answer = Answer::Level(level);
        }
        // A query that reads nothing and calls nothing still runs.
        if self.uses.is_empty() {
            self.need(actions::SELECT, Target::Database);
        }
        Ok(Some(kind))
    }

    fn lock(&mut self, lock: &LockStmt) {
        let action = if lock.mode == ACCESS_SHARE_LOCK {
            actions::SELECT
        } else {
            actions::LOCK
        };
        for relation in each(&lock.relations) {
            if let NodeEnum::RangeVar(relation) = relation {
                self.need(action, Target::Table(relation_name(relation)));
            }
        }
    }

    fn create_table_as(&mut self, create: &CreateTableAsStmt) -> Result<&'static str, ReadError> {
        let query = inner(create.query.as_deref()).ok_or(ReadError::Unknown("a query"))?;
        let from = if let NodeEnum::ExecuteStmt(execute) = query {
            self.execute(&execute.name, &execute.params, true)?;
            self.reserve(None)
        } else {
            self.query(query, None)?
        };
        if let Some(into) = create.into.as_deref() {
            self.makes_table(into, from);
        }
        Ok(match create.objtype() {
            ObjectType::ObjectMatview => "CREATE MATERIALIZED VIEW",
            _ if create.is_select_into => "SELECT INTO",
            _ => "CREATE TABLE AS",
        })
    }

    /// EXPLAIN ANALYZE runs the statement. Plain EXPLAIN plans it: that reads no rows, but evaluates routines and
    /// tells estimates for the conditions, so routines and searched columns stay.
    fn explain_statement(&mut self, explain: &ExplainStmt) -> Result<(), ReadError> {
        let query = inner(explain.query.as_deref()).ok_or(ReadError::Unknown("a query"))?;
        let runs = each(&explain.options).any(
            |node| matches!(node, NodeEnum::DefElem(option) if option.defname == "analyze" && is_on(option)),
        );
        self.enter()?;
        self.top(query)?;
        self.leave();
        if !runs {
            let tables = std::mem::take(&mut self.uses);
            for planned in tables {
                let target = match planned.target {
                    Target::Table(_) => planned.target,
                    _ => Target::Database,
                };
                self.need(actions::EXPLAIN, target);
            }
            self.every_row = false;
            self.effects
                .retain(|effect| matches!(effect, Effect::Execute { .. } | Effect::Set { .. }));
            for level in &mut self.lineage.levels {
                level.copied = Expr::default();
            }
        }
        self.need(actions::EXPLAIN, Target::Database);
        self.explain = true;
        self.returns_rows = true;
        self.lineage.answer = Answer::Harmless;
        Ok(())
    }

    fn call_statement(&mut self, call: &CallStmt) -> Result<(), ReadError> {
        if let Some(routine) = call.funccall.as_deref() {
            self.need(actions::CALL, Target::Routine(name(&routine.funcname)));
            let id = self.reserve(None);
            let mut level = Level::default();
            for argument in each(&routine.args) {
                let mut copied = Expr::default();
                self.expr(argument, Some(id), &mut copied, &mut level.searched)?;
                level.copied.extend(copied);
            }
            self.complete(id, level);
        }
        self.returns_rows = true;
        self.lineage.answer = Answer::Opaque;
        self.effects.push(Effect::CatalogChanged);
        Ok(())
    }

    fn copy(&mut self, copy: &CopyStmt) -> Result<(), ReadError> {
        let table = copy.relation.as_ref().map(relation_name);
        let target = table.clone().map_or(Target::Database, Target::Table);
        let elsewhere = if copy.is_program {
            Some(actions::COPY_PROGRAM)
        } else if copy.filename.is_empty() {
            None
        } else {
            Some(actions::COPY_FILE)
        };
        if let Some(action) = elsewhere {
            self.need(action, target.clone());
        }
        let id = if let Some(query) = inner(copy.query.as_deref()) {
            self.query(query, None)?
        } else {
            let id = self.reserve(None);
            let level = self.copied_table(copy, id)?;
            self.complete(id, level);
            id
        };
        if copy.is_from {
            self.need(actions::COPY_IN, target.clone());
            self.need(actions::INSERT, target);
        } else {
            self.need(actions::COPY_OUT, target.clone());
            if table.is_some() {
                self.need(actions::SELECT, target);
            }
        }
        match (elsewhere, copy.is_from) {
            (Some(_), true) => {}
            (Some(_), false) => self.copies(id),
            (None, true) => self.effects.push(Effect::CopyIn(copy_format(copy))),
            (None, false) => {
                self.lineage.answer = Answer::Level(id);
                self.effects.push(Effect::CopyOut(copy_format(copy)));
            }
        }
        Ok(())
    }

    /// The level that COPY of a table is: its listed columns, or all of them.
    fn copied_table(&mut self, copy: &CopyStmt, id: usize) -> Result<Level, ReadError> {
        let mut level = Level::default();
        if let Some(relation) = &copy.relation {
            level.from.push(FromItem {
                alias: None,
                column_aliases: Vec::new(),
                source: Source::Relation(relation_name(relation)),
            });
        }
        let bare = |parts: Vec<String>, star| OutItem {
            name: parts.last().cloned(),
            expr: Expr {
                refs: vec![ColumnRef { parts, star }],
                ..Expr::default()
            },
            bare: true,
            many: false,
        };
        level.outputs = texts(&copy.attlist)
            .into_iter()
            .map(|column| bare(vec![column.to_owned()], false))
            .collect();
        if level.outputs.is_empty() {
            level.outputs.push(bare(Vec::new(), true));
        }
        if let Some(condition) = inner(copy.where_clause.as_deref()) {
            self.searched(condition, id, &mut level)?;
        }
        Ok(level)
    }

    /// Prepared statements and cursors.
    fn keeps(&mut self, node: &NodeEnum) -> Result<Option<&'static str>, ReadError> {
        Ok(Some(match node {
            NodeEnum::PrepareStmt(prepare) => {
                let query = inner(prepare.query.as_deref()).ok_or(ReadError::Unknown("a query"))?;
                let statement = self.nested(query)?;
                self.need(actions::PREPARE, Target::Database);
                self.effects.push(Effect::Prepare {
                    name: prepare.name.clone(),
                    statement,
                });
                "PREPARE"
            }
            NodeEnum::ExecuteStmt(execute) => {
                self.execute(&execute.name, &execute.params, false)?;
                self.returns_rows = true;
                "EXECUTE"
            }
            NodeEnum::DeallocateStmt(deallocate) => {
                self.need(actions::PREPARE, Target::Database);
                let name = (!deallocate.isall).then(|| deallocate.name.clone());
                self.effects.push(Effect::Deallocate(name));
                "DEALLOCATE"
            }
            NodeEnum::DeclareCursorStmt(declare) => {
                self.declare(declare)?;
                "DECLARE CURSOR"
            }
            NodeEnum::FetchStmt(fetch) => {
                self.need(actions::CURSOR, Target::Database);
                let cursor = fetch.portalname.clone();
                if fetch.ismove {
                    self.effects.push(Effect::Move(cursor));
                    "MOVE"
                } else {
                    self.returns_rows = true;
                    self.effects.push(Effect::Fetch(cursor));
                    "FETCH"
                }
            }
            NodeEnum::ClosePortalStmt(close) => {
                self.need(actions::CURSOR, Target::Database);
                let cursor = (!close.portalname.is_empty()).then(|| close.portalname.clone());
                self.effects.push(Effect::Close(cursor));
                "CLOSE"
            }
            _ => return Ok(None),
        }))
    }

    /// Statements that run a session: transactions, settings, channels.
    fn session(&mut self, node: &NodeEnum) -> Result<Option<&'static str>, ReadError> {
        Ok(Some(match node {
            NodeEnum::TransactionStmt(transaction) => self.transaction(transaction)?,
            NodeEnum::ConstraintsSetStmt(_) => {
                self.need(actions::TRANSACTION, Target::Database);
                "SET CONSTRAINTS"
            }
            NodeEnum::VariableSetStmt(set) => self.set(set),
            NodeEnum::VariableShowStmt(_) => {
                self.need(actions::SHOW, Target::Database);
                self.returns_rows = true;
                self.lineage.answer = Answer::Harmless;
                "SHOW"
            }
            NodeEnum::DiscardStmt(discard) => {
                self.discard(discard);
                "DISCARD"
            }
            NodeEnum::ListenStmt(listen) => {
                self.need(actions::LISTEN, Target::Database);
                self.effects
                    .push(Effect::Listen(listen.conditionname.clone()));
                "LISTEN"
            }
            NodeEnum::UnlistenStmt(unlisten) => {
                self.need(actions::LISTEN, Target::Database);
                let channel =
                    (!unlisten.conditionname.is_empty()).then(|| unlisten.conditionname.clone());
                self.effects.push(Effect::Unlisten(channel));
                "UNLISTEN"
            }
            NodeEnum::NotifyStmt(_) => {
                self.need(actions::NOTIFY, Target::Database);
                "NOTIFY"
            }
            _ => return Ok(None),
        }))
    }

    fn execute(
        &mut self,
        name: &str,
        parameters: &[pg_query::protobuf::Node],
        copies: bool,
    ) -> Result<(), ReadError> {
        self.need(actions::PREPARE, Target::Database);
        self.embedded_each(each(parameters))?;
        self.effects.push(Effect::Execute {
            name: name.to_owned(),
            copies,
        });
        Ok(())
    }

    fn declare(&mut self, declare: &DeclareCursorStmt) -> Result<(), ReadError> {
        let query = inner(declare.query.as_deref()).ok_or(ReadError::Unknown("a query"))?;
        let statement = self.nested(query)?;
        // The query runs with the cursor: what it needs is needed now, and what it searches and copies too.
        self.enter()?;
        self.top(query)?;
        self.leave();
        self.returns_rows = false;
        self.lineage.answer = Answer::None;
        self.need(actions::CURSOR, Target::Database);
        self.effects.push(Effect::Declare {
            cursor: declare.portalname.clone(),
            statement,
            hold: declare.options & CURSOR_HOLD != 0,
            binary: declare.options & CURSOR_BINARY != 0,
        });
        Ok(())
    }

    fn discard(&mut self, discard: &DiscardStmt) {
        self.need(actions::SET, Target::Database);
        self.effects.push(match discard.target() {
            DiscardMode::DiscardPlans
            | DiscardMode::DiscardSequences
            | DiscardMode::DiscardTemp => Effect::DiscardSome,
            DiscardMode::DiscardAll | DiscardMode::Undefined => Effect::DiscardAll,
        });
    }

    fn transaction(&mut self, transaction: &TransactionStmt) -> Result<&'static str, ReadError> {
        use TransactionStmtKind as Kind;
        let savepoint = || transaction.savepoint_name.clone();
        let chain = transaction.chain;
        let (kind, effect) = match transaction.kind() {
            Kind::TransStmtBegin => (
                "BEGIN",
                Effect::Begin(transaction_mode(&transaction.options)),
            ),
            Kind::TransStmtStart => (
                "START TRANSACTION",
                Effect::Begin(transaction_mode(&transaction.options)),
            ),
            Kind::TransStmtCommit => ("COMMIT", Effect::Commit { chain }),
            Kind::TransStmtRollback => ("ROLLBACK", Effect::Rollback { chain }),
            Kind::TransStmtSavepoint => ("SAVEPOINT", Effect::Savepoint(savepoint())),
            Kind::TransStmtRelease => ("RELEASE", Effect::Release(savepoint())),
            Kind::TransStmtRollbackTo => ("ROLLBACK TO SAVEPOINT", Effect::RollbackTo(savepoint())),
            Kind::TransStmtPrepare => ("PREPARE TRANSACTION", Effect::PrepareTransaction),
            Kind::TransStmtCommitPrepared => ("COMMIT PREPARED", Effect::CatalogChanged),
            Kind::TransStmtRollbackPrepared => ("ROLLBACK PREPARED", Effect::CatalogChanged),
            Kind::Undefined => return Err(ReadError::Unknown("a transaction command")),
        };
        let action = match transaction.kind() {
            Kind::TransStmtPrepare
            | Kind::TransStmtCommitPrepared
            | Kind::TransStmtRollbackPrepared => actions::TWO_PHASE,
            _ => actions::TRANSACTION,
        };
        self.need(action, Target::Database);
        self.effects.push(effect);
        Ok(kind)
    }
}

/// What a list of transaction modes says about writing; the last one counts.
pub(crate) fn transaction_mode(options: &[pg_query::protobuf::Node]) -> ReadWrite {
    each(options)
        .filter_map(|node| match node {
            NodeEnum::DefElem(option) if option.defname == "transaction_read_only" => Some(option),
            _ => None,
        })
        .fold(ReadWrite::Unsaid, |so_far, option| {
            match (is_on(option), so_far) {
                // Both in one statement: say the one that is guarded.
                (false, _) | (true, ReadWrite::ReadWrite) => ReadWrite::ReadWrite,
                (true, _) => ReadWrite::ReadOnly,
            }
        })
}

/// Whether an option of a list of options is on, as the server's `defGetBoolean` reads it. One that could not be
/// read counts as on.
pub(crate) fn is_on(option: &DefElem) -> bool {
    use pg_query::protobuf::a_const::Val;
    match inner(option.arg.as_deref()) {
        Some(NodeEnum::Integer(integer)) => integer.ival != 0,
        Some(NodeEnum::Boolean(boolean)) => boolean.boolval,
        Some(NodeEnum::String(string)) => {
            !["false", "off", "0", "no"].contains(&string.sval.to_lowercase().as_str())
        }
        Some(NodeEnum::AConst(constant)) => match &constant.val {
            Some(Val::Ival(integer)) => integer.ival != 0,
            Some(Val::Boolval(boolean)) => boolean.boolval,
            _ => true,
        },
        _ => true,
    }
}

/// SELECT INTO; in a set operation the INTO stands in the leftmost arm.
fn makes_table(select: &pg_query::protobuf::SelectStmt) -> bool {
    let mut leftmost = select;
    loop {
        if leftmost.into_clause.is_some() {
            return true;
        }
        match leftmost.larg.as_deref() {
            Some(left) => leftmost = left,
            None => return false,
        }
    }
}

fn copy_format(copy: &CopyStmt) -> CopyFormat {
    let mut format = CopyFormat {
        format: "text".to_owned(),
        delimiter: None,
        null: None,
        header: false,
        quote: None,
        escape: None,
        encoding: None,
        columns: texts(&copy.attlist)
            .into_iter()
            .map(str::to_owned)
            .collect(),
    };
    for node in each(&copy.options) {
        let NodeEnum::DefElem(option) = node else {
            continue;
        };
        let value = match inner(option.arg.as_deref()) {
            Some(NodeEnum::String(string)) => Some(string.sval.clone()),
            _ => None,
        };
        match option.defname.as_str() {
            "format" => format.format = value.unwrap_or_default(),
            "delimiter" => format.delimiter = value,
            "null" => format.null = value,
            "header" => format.header = is_on(option),
            "quote" => format.quote = value,
            "escape" => format.escape = value,
            "encoding" => format.encoding = value,
            _ => {}
        }
    }
    format
}
