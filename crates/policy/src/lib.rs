//! (Snapshot, Session, Operation) to Decision, and mask plans. Cedar lives here and nowhere else.
//!
//! A [`Snapshot`] is one immutable version of everything that decisions use. A [`SessionView`] is the part of it
//! that one session can ever touch: its own connection, its own principal, and only the policies whose scope can
//! match. Nothing here does I/O or reads a clock; whoever asks says what time it is. Every error is a refusal.

mod ask;
mod cache;
mod claims;
mod columns;
mod context;
mod core;
mod entity;
mod explain;
mod fields;
mod judge;
pub mod mask;
mod plan;
mod policies;
mod reveal;
mod schema;
mod session;
mod slice;
mod snapshot;
mod source;

pub use claims::{Admission, ClaimRule, ConditionError, IssuerRules, TrustedIssuer};
pub use explain::{AccessExplanation, Explanation, PolicyPlace};
pub use fields::FieldPlan;
pub use plan::{ColumnPlan, MaskPlan, ValueMask};
pub use schema::{ActionListing, actions, entity_types};
pub use session::SessionView;
pub use snapshot::{Snapshot, SnapshotInput, Standing, StandingToken};
pub use source::{PolicySource, Problem};

#[cfg(test)]
mod tests;
