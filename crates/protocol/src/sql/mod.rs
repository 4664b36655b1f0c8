//! Reads SQL with PostgreSQL's own grammar: what a statement needs, where its columns come from, and what it
//! leaves behind in its session.
//!
//! Two steps. [`Reader::read`] (or [`read()`]) needs nothing but the text and the few session settings that
//! change lexing; its result can be shared by everyone who sends that text. [`resolve()`] then finds what the
//! names mean with a [`Catalog`] and a [`NameScope`].
//!
//! The statements of one text run one after the other, so each is resolved in the scope that those before it leave:
//! `SET search_path = x; SELECT * FROM t` reads `x.t` (see [`Effect::Set`]).
//!
//! What is not understood is refused: a text that the grammar does not accept, and a node that the walk does
//! not know, are errors and never an empty list of accesses.

mod actions;
mod cache;
mod columns;
mod effects;
mod lineage;
mod names;
mod objects;
mod read;
mod resolve;
mod routines;
mod scope;
mod shape;
mod statement;
mod tree;
mod walk;
mod walk_admin;
mod walk_change;
mod walk_decides;
mod walk_define;
mod walk_define_more;
mod walk_expr;
mod walk_from;
mod walk_query;
mod walk_set;
mod walk_statement;

#[cfg(test)]
mod tests;

pub use actions::{ACTIONS, FACT_NAMESPACE, FACTS};
pub use cache::Reader;
pub use effects::{CopyFormat, Effect, ReadWrite};
pub use names::{Name, RoutineUse, Target, Use};
pub use read::{MAX_STATEMENT_BYTES, ReadError, ReadOptions, read};
pub use resolve::{
    Catalog, ColumnMention, ColumnPart, NameScope, Output, Relation, RelationKind, Resolved,
    Volatility, resolve,
};
pub use routines::{Risk, builtin_risk};
pub use statement::{Script, Statement};
