//! The levels of a statement's queries: what each one reads from, gives out, searches by and copies. Names are
//! as written; [`super::resolve()`] finds what they mean.

use super::Name;

/// An index into [`Lineage::levels`].
pub(crate) type LevelId = usize;

/// A reference to a column, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnRef {
    /// `a`, `t.a`, `s.t.a`, without the star.
    pub parts: Vec<String>,
    /// Ends in `*`.
    pub star: bool,
}

/// What an expression draws on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expr {
    /// Columns.
    pub refs: Vec<ColumnRef>,
    /// The outputs of subqueries.
    pub levels: Vec<LevelId>,
    /// Routines, as indices into the statement's routines.
    pub calls: Vec<usize>,
    /// `CURRENT OF` a cursor.
    pub current_of: bool,
}

impl Expr {
    pub(crate) fn extend(&mut self, other: Self) {
        self.refs.extend(other.refs);
        self.levels.extend(other.levels);
        self.calls.extend(other.calls);
        self.current_of |= other.current_of;
    }
}

/// One entry of a target list.
#[derive(Debug, Clone)]
pub(crate) struct OutItem {
    /// What the level calls it, when that is written rather than made up by the server.
    pub name: Option<String>,
    /// What it draws on.
    pub expr: Expr,
    /// It is nothing but the one reference in `expr`.
    pub bare: bool,
    /// It stands for any number of outputs: `(row).*`.
    pub many: bool,
}

/// What stands in a `FROM`.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A table or view by name.
    Relation(Name),
    /// A subquery or common table expression.
    Level(LevelId),
    /// A function, XMLTABLE or JSON_TABLE: an index into [`Lineage::computed`].
    Computed(usize),
    /// A join with an alias: indices into the level's `from`.
    Join(Vec<usize>),
    /// The row that INSERT proposed (`excluded`): the client's own values.
    Proposed,
}

/// One entry of a `FROM`.
#[derive(Debug, Clone)]
pub(crate) struct FromItem {
    /// The alias, or nothing when the relation's own name counts.
    pub alias: Option<String>,
    /// Names for its columns.
    pub column_aliases: Vec<String>,
    /// What it is.
    pub source: Source,
}

/// A source that is computed from what stands before it.
#[derive(Debug, Clone)]
pub(crate) struct Computed {
    /// The level in whose FROM it stands.
    pub level: LevelId,
    /// How many entries stand before it.
    pub sees: usize,
    /// What it draws on.
    pub expr: Expr,
}

/// One query level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Level {
    /// The level around it, whose columns it can see.
    pub parent: Option<LevelId>,
    /// How many entries of that one's `from` it can see.
    pub parent_sees: usize,
    /// What it reads from.
    pub from: Vec<FromItem>,
    /// What it gives out: the target list, VALUES or RETURNING.
    pub outputs: Vec<OutItem>,
    /// The arms of UNION, INTERSECT and EXCEPT, whose outputs merge by position.
    pub arms: Vec<LevelId>,
    /// Predicates, orders, groups.
    pub searched: Expr,
    /// Positions of its own outputs (from 0) in predicates, orders, groups: `ORDER BY 1`, `ORDER BY alias`.
    pub searched_outputs: Vec<usize>,
    /// Columns joined by name.
    pub joined_by_name: Vec<String>,
    /// NATURAL JOIN: any column may be joined by.
    pub natural: bool,
    /// Values that are stored or sent elsewhere.
    pub copied: Expr,
    /// From here on, entries of `from` are the old and the new row of RETURNING, which `*` does not mean.
    pub returning_names: Option<usize>,
}

/// Where the columns of the answer come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There is none, or it is that of a prepared statement or cursor.
    #[default]
    None,
    /// A level's outputs.
    Level(LevelId),
    /// Settings or a plan: no column of a table.
    Harmless,
    /// The arguments of a procedure: can be anything.
    Opaque,
}

/// All levels of a statement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lineage {
    /// In no particular order.
    pub levels: Vec<Level>,
    /// The computed sources of all levels, in the order in which they stand.
    pub computed: Vec<Computed>,
    /// Every level after those that it draws on (except for recursion).
    pub order: Vec<LevelId>,
    /// Where the answer comes from.
    pub answer: Answer,
    /// Tables whose columns get another name or another table: renamed, moved, attached.
    pub moved: Vec<(Name, Option<String>)>,
    /// Columns that a constraint of another table looks up.
    pub referenced: Vec<(Name, Option<String>)>,
}
