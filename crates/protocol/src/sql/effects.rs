//! What a statement leaves behind in its session, for whoever keeps track of the session.

use std::sync::Arc;

use super::Statement;

/// Whether a statement asks for a transaction that can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadWrite {
    /// `READ ONLY` was written.
    ReadOnly,
    /// `READ WRITE` was written.
    ReadWrite,
    /// Neither.
    Unsaid,
}

/// How COPY writes rows on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFormat {
    /// `text`, `csv` or `binary`.
    pub format: String,
    /// The character between fields.
    pub delimiter: Option<String>,
    /// How NULL is written.
    pub null: Option<String>,
    /// The first line names the columns.
    pub header: bool,
    /// The quote of CSV.
    pub quote: Option<String>,
    /// The escape of CSV.
    pub escape: Option<String>,
    /// The encoding, when it is not the session's.
    pub encoding: Option<String>,
    /// The columns that were listed; empty for all (or for a query).
    pub columns: Vec<String>,
}

/// One change of a session's state. It happens when the statement succeeds.
#[derive(Debug, Clone)]
pub enum Effect {
    /// BEGIN or START TRANSACTION.
    Begin(ReadWrite),
    /// COMMIT or END; `chain` begins the next transaction at once.
    Commit {
        /// `AND CHAIN` was written.
        chain: bool,
    },
    /// ROLLBACK or ABORT.
    Rollback {
        /// `AND CHAIN` was written.
        chain: bool,
    },
    /// SAVEPOINT.
    Savepoint(String),
    /// RELEASE SAVEPOINT.
    Release(String),
    /// ROLLBACK TO SAVEPOINT.
    RollbackTo(String),
    /// PREPARE TRANSACTION: the session's transaction is over.
    PrepareTransaction,
    /// A setting changes; the name is in lower case.
    Set {
        /// Which one; `None` when it is computed by the statement (`set_config`), so that it can be any.
        name: Option<String>,
        /// The new value; `None` when it is the default or computed by the statement. Lists are joined by `, `.
        value: Option<String>,
        /// The parts of a list value (`SET search_path = a, b`).
        list: Vec<String>,
        /// Until the end of the transaction only.
        local: bool,
    },
    /// RESET of one setting; the name is in lower case.
    Reset(String),
    /// RESET ALL.
    ResetAll,
    /// DISCARD ALL: settings, prepared statements, cursors, temporary tables, channels.
    DiscardAll,
    /// DISCARD PLANS, SEQUENCES or TEMP.
    DiscardSome,
    /// SET TRANSACTION or SET SESSION CHARACTERISTICS.
    TransactionMode {
        /// What was asked for.
        mode: ReadWrite,
        /// For every later transaction of the session.
        session: bool,
    },
    /// PREPARE.
    Prepare {
        /// The name.
        name: String,
        /// What will run.
        statement: Arc<Statement>,
    },
    /// EXECUTE (also under EXPLAIN and CREATE TABLE AS): needs what the prepared statement needs.
    Execute {
        /// The prepared statement.
        name: String,
        /// The answer goes into a new table instead of to the client.
        copies: bool,
    },
    /// DEALLOCATE one, or all (`None`).
    Deallocate(Option<String>),
    /// DECLARE CURSOR. The statement's own accesses include the query's.
    Declare {
        /// The name.
        cursor: String,
        /// The query, for what its columns are.
        statement: Arc<Statement>,
        /// It outlives its transaction.
        hold: bool,
        /// FETCH from it answers in binary.
        binary: bool,
    },
    /// FETCH.
    Fetch(String),
    /// MOVE.
    Move(String),
    /// CLOSE one, or all (`None`).
    Close(Option<String>),
    /// COPY from the client.
    CopyIn(CopyFormat),
    /// COPY to the client.
    CopyOut(CopyFormat),
    /// LISTEN.
    Listen(String),
    /// UNLISTEN one, or all (`None`).
    Unlisten(Option<String>),
    /// A temporary table, view or sequence comes into being.
    TemporaryTable(String),
    /// Tables, columns, routines or schemas may have changed: what is known of the catalog is old.
    CatalogChanged,
}

/// Settings that decide whether a transaction can write.
const READ_ONLY_SETTINGS: &[&str] = &["transaction_read_only", "default_transaction_read_only"];

impl Effect {
    /// Whether it could end a read-only mode that was put on the session.
    #[must_use]
    pub fn leaves_read_only(&self) -> bool {
        let guarded = |name: &str| READ_ONLY_SETTINGS.contains(&name);
        match self {
            Self::Begin(mode) | Self::TransactionMode { mode, .. } => *mode == ReadWrite::ReadWrite,
            Self::Set { name, value, .. } => {
                let on = matches!(
                    value.as_deref(),
                    Some("on" | "true" | "yes" | "1" | "ON" | "TRUE" | "YES")
                );
                name.as_deref().is_none_or(|name| guarded(name) && !on)
            }
            Self::Reset(name) => guarded(name),
            Self::ResetAll | Self::DiscardAll => true,
            _ => false,
        }
    }
}
