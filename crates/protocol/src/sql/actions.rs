//! The actions and facts of SQL, as policies name them.

use sluice_model::{ActionSpec, FactKind, FactSpec, ResourceKind};

/// The name of these facts in the policy context.
pub const FACT_NAMESPACE: &str = "sql";

const TABLE: &[ResourceKind] = &[ResourceKind::Table];
const DATABASE: &[ResourceKind] = &[ResourceKind::Database];
const ROUTINE: &[ResourceKind] = &[ResourceKind::Routine];
const TABLE_OR_DATABASE: &[ResourceKind] = &[ResourceKind::Table, ResourceKind::Database];
const OBJECT: &[ResourceKind] = &[
    ResourceKind::Table,
    ResourceKind::Routine,
    ResourceKind::Schema,
    ResourceKind::Database,
];
const MAINTAINED: &[ResourceKind] = &[
    ResourceKind::Table,
    ResourceKind::Schema,
    ResourceKind::Database,
];

const fn action(
    name: &'static str,
    groups: &'static [&'static str],
    resources: &'static [ResourceKind],
    doc: &'static str,
) -> ActionSpec {
    ActionSpec {
        name,
        groups,
        resources,
        doc,
    }
}

pub(crate) const SELECT: &str = "sql:select";
pub(crate) const INSERT: &str = "sql:insert";
pub(crate) const UPDATE: &str = "sql:update";
pub(crate) const MERGE: &str = "sql:merge";
pub(crate) const DELETE: &str = "sql:delete";
pub(crate) const TRUNCATE: &str = "sql:truncate";
pub(crate) const LOCK: &str = "sql:lock";
pub(crate) const NEXTVAL: &str = "sql:nextval";
pub(crate) const COPY_IN: &str = "sql:copy_in";
pub(crate) const COPY_OUT: &str = "sql:copy_out";
pub(crate) const COPY_FILE: &str = "sql:copy_file";
pub(crate) const COPY_PROGRAM: &str = "sql:copy_program";
pub(crate) const CREATE: &str = "sql:create";
pub(crate) const ALTER: &str = "sql:alter";
pub(crate) const DROP: &str = "sql:drop";
pub(crate) const COMMENT: &str = "sql:comment";
pub(crate) const REFRESH: &str = "sql:refresh";
pub(crate) const CREATE_ROUTINE: &str = "sql:create_routine";
pub(crate) const CREATE_TEMPORARY: &str = "sql:create_temporary";
pub(crate) const CREATE_DATABASE: &str = "sql:create_database";
pub(crate) const DROP_DATABASE: &str = "sql:drop_database";
pub(crate) const CALL: &str = "sql:call";
pub(crate) const DO: &str = "sql:do";
pub(crate) const FUNCTION: &str = "sql:function";
pub(crate) const GRANT: &str = "sql:grant";
pub(crate) const ROLE: &str = "sql:role";
pub(crate) const EXTENSION: &str = "sql:extension";
pub(crate) const FOREIGN: &str = "sql:foreign";
pub(crate) const TABLESPACE: &str = "sql:tablespace";
pub(crate) const ALTER_DATABASE: &str = "sql:alter_database";
pub(crate) const ALTER_SYSTEM: &str = "sql:alter_system";
pub(crate) const LOAD: &str = "sql:load";
pub(crate) const REPLICATION: &str = "sql:replication";
pub(crate) const SECURITY: &str = "sql:security";
pub(crate) const VACUUM: &str = "sql:vacuum";
pub(crate) const ANALYZE: &str = "sql:analyze";
pub(crate) const CLUSTER: &str = "sql:cluster";
pub(crate) const REINDEX: &str = "sql:reindex";
pub(crate) const CHECKPOINT: &str = "sql:checkpoint";
pub(crate) const SET: &str = "sql:set";
pub(crate) const SET_PROTECTED: &str = "sql:set_protected";
pub(crate) const SHOW: &str = "sql:show";
pub(crate) const TRANSACTION: &str = "sql:transaction";
pub(crate) const TWO_PHASE: &str = "sql:two_phase";
pub(crate) const PREPARE: &str = "sql:prepare";
pub(crate) const CURSOR: &str = "sql:cursor";
pub(crate) const EXPLAIN: &str = "sql:explain";
pub(crate) const LISTEN: &str = "sql:listen";
pub(crate) const NOTIFY: &str = "sql:notify";

/// Every action of SQL.
pub const ACTIONS: &[ActionSpec] = &[
    action(
        SELECT,
        &["read"],
        TABLE_OR_DATABASE,
        "read rows of a table, view or sequence; of the database for a query that reads no table",
    ),
    action(
        COPY_OUT,
        &["read"],
        TABLE_OR_DATABASE,
        "COPY a table or a query TO the client",
    ),
    action(SHOW, &["read"], DATABASE, "SHOW a setting"),
    action(
        EXPLAIN,
        &["read"],
        TABLE_OR_DATABASE,
        "see a statement's plan; EXPLAIN ANALYZE needs the statement's own accesses too",
    ),
    action(
        SET,
        &["read"],
        DATABASE,
        "change a setting of the session that cannot widen what it may do",
    ),
    action(
        TRANSACTION,
        &["read"],
        DATABASE,
        "begin, end or structure a transaction",
    ),
    action(
        PREPARE,
        &["read"],
        DATABASE,
        "PREPARE, EXECUTE or DEALLOCATE; what is prepared needs its own accesses when it runs",
    ),
    action(
        CURSOR,
        &["read"],
        DATABASE,
        "declare, fetch from, move or close a cursor; its query needs its own accesses",
    ),
    action(LISTEN, &["read"], DATABASE, "LISTEN or UNLISTEN"),
    action(
        INSERT,
        &["write"],
        TABLE,
        "add rows, also as an arm of MERGE",
    ),
    action(
        UPDATE,
        &["write"],
        TABLE,
        "change rows, also as an arm of MERGE or ON CONFLICT",
    ),
    action(
        MERGE,
        &["write"],
        TABLE,
        "MERGE into a table; each arm needs its own access too",
    ),
    action(
        COPY_IN,
        &["write"],
        TABLE,
        "COPY rows FROM the client into a table",
    ),
    action(
        LOCK,
        &["write"],
        TABLE,
        "lock rows (FOR UPDATE, FOR SHARE) or a whole table",
    ),
    action(
        NEXTVAL,
        &["write"],
        ROUTINE,
        "advance or set a sequence by nextval or setval",
    ),
    action(NOTIFY, &["write"], DATABASE, "NOTIFY a channel"),
    action(
        CREATE_TEMPORARY,
        &["write", "define"],
        TABLE,
        "create a table, view or sequence that ends with the session",
    ),
    action(
        REFRESH,
        &["write", "define"],
        TABLE,
        "REFRESH MATERIALIZED VIEW",
    ),
    action(
        DELETE,
        &["delete"],
        TABLE,
        "remove rows, also as an arm of MERGE",
    ),
    action(TRUNCATE, &["delete"], TABLE, "remove all rows of a table"),
    action(
        CREATE,
        &["define"],
        OBJECT,
        "create a table, view, index, type, schema or other object",
    ),
    action(
        ALTER,
        &["define"],
        OBJECT,
        "alter, rename or move an object",
    ),
    action(DROP, &["define"], OBJECT, "drop an object"),
    action(COMMENT, &["define"], OBJECT, "COMMENT ON an object"),
    action(
        CREATE_ROUTINE,
        &["define", "run"],
        OBJECT,
        "create code that the server runs: a function, procedure, trigger, rule, operator, cast, aggregate or language",
    ),
    action(CREATE_DATABASE, &["define"], DATABASE, "CREATE DATABASE"),
    action(DROP_DATABASE, &["define"], DATABASE, "DROP DATABASE"),
    action(
        FUNCTION,
        &["run"],
        ROUTINE,
        "call a routine that is not known to be harmless",
    ),
    action(CALL, &["run"], ROUTINE, "CALL a procedure"),
    action(DO, &["run"], DATABASE, "DO an anonymous code block"),
    action(
        COPY_FILE,
        &["run", "administer"],
        TABLE_OR_DATABASE,
        "COPY from or to a file of the server",
    ),
    action(
        COPY_PROGRAM,
        &["run", "administer"],
        TABLE_OR_DATABASE,
        "COPY from or to a program on the server",
    ),
    action(
        GRANT,
        &["administer"],
        OBJECT,
        "GRANT, REVOKE, change default privileges or ownership",
    ),
    action(
        ROLE,
        &["administer"],
        DATABASE,
        "create, alter, drop or grant a role, or work on all that it owns",
    ),
    action(
        SECURITY,
        &["administer"],
        OBJECT,
        "row security policies and security labels",
    ),
    action(
        EXTENSION,
        &["administer", "define"],
        DATABASE,
        "create, alter or drop an extension",
    ),
    action(
        FOREIGN,
        &["administer", "define"],
        OBJECT,
        "foreign data wrappers, servers, user mappings, foreign tables and IMPORT FOREIGN SCHEMA",
    ),
    action(
        TABLESPACE,
        &["administer", "define"],
        DATABASE,
        "create, alter, drop or empty a tablespace",
    ),
    action(
        ALTER_DATABASE,
        &["administer", "define"],
        DATABASE,
        "ALTER DATABASE",
    ),
    action(ALTER_SYSTEM, &["administer"], DATABASE, "ALTER SYSTEM"),
    action(
        LOAD,
        &["administer", "run"],
        DATABASE,
        "LOAD a library into the server",
    ),
    action(
        REPLICATION,
        &["administer"],
        DATABASE,
        "publications and subscriptions",
    ),
    action(VACUUM, &["administer"], MAINTAINED, "VACUUM"),
    action(ANALYZE, &["administer"], MAINTAINED, "ANALYZE"),
    action(CLUSTER, &["administer"], MAINTAINED, "CLUSTER"),
    action(REINDEX, &["administer"], MAINTAINED, "REINDEX"),
    action(CHECKPOINT, &["administer"], DATABASE, "CHECKPOINT"),
    action(
        SET_PROTECTED,
        &["administer"],
        DATABASE,
        "change a setting that can widen what the session may do (role, session_authorization, log_*) or that is not known",
    ),
    action(
        TWO_PHASE,
        &["administer"],
        DATABASE,
        "PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED",
    ),
];

const fn fact(name: &'static str, kind: FactKind, required: bool, doc: &'static str) -> FactSpec {
    FactSpec {
        name,
        kind,
        required,
        doc,
    }
}

pub(crate) const FACT_KIND: &str = "kind";
pub(crate) const FACT_HAS_WHERE: &str = "has_where";
pub(crate) const FACT_STATEMENT_COUNT: &str = "statement_count";
pub(crate) const FACT_SET_PARAMETERS: &str = "set_parameters";
pub(crate) const FACT_TABLES: &str = "tables";
pub(crate) const FACT_RETURNS_ROWS: &str = "returns_rows";
pub(crate) const FACT_EXPLAIN: &str = "explain";

/// Every fact about an SQL statement.
pub const FACTS: &[FactSpec] = &[
    fact(
        FACT_KIND,
        FactKind::Text,
        true,
        "the command, such as SELECT or DROP TABLE",
    ),
    fact(
        FACT_HAS_WHERE,
        FactKind::Bool,
        true,
        "false when some UPDATE, DELETE or TRUNCATE in the statement takes every row of its table (a WHERE without a column counts as none); true otherwise",
    ),
    fact(
        FACT_STATEMENT_COUNT,
        FactKind::Long,
        true,
        "how many statements were sent together",
    ),
    fact(
        FACT_SET_PARAMETERS,
        FactKind::Texts,
        true,
        "the settings that it changes, in lower case",
    ),
    fact(
        FACT_TABLES,
        FactKind::Texts,
        true,
        "the tables that it names, as schema.table",
    ),
    fact(
        FACT_RETURNS_ROWS,
        FactKind::Bool,
        true,
        "whether it answers with rows",
    ),
    fact(
        FACT_EXPLAIN,
        FactKind::Bool,
        true,
        "whether it is an EXPLAIN",
    ),
    fact(
        "estimated_rows",
        FactKind::Long,
        false,
        "the planner's estimate of the rows returned or changed, where there is one",
    ),
];
