//! What a statement means together with what it runs by name.

use super::names::Portal;
use sluice_protocol::sql::{Effect, Resolved, Statement};
use std::sync::Arc;

/// What a statement means, with what it runs by name.
pub(super) struct Meaning {
    pub resolved: Resolved,
    /// It can change where names lead.
    pub touches_scope: bool,
    /// The texts of what it runs.
    pub runs: Vec<Arc<str>>,
    /// What the cursor needs that it declares.
    pub cursor: Option<Resolved>,
    /// The portal of Bind that it fetches from.
    pub bound: Option<Arc<Portal>>,
}

impl Meaning {
    /// Takes in what it runs.
    pub fn absorb(&mut self, inner: Self, copies: bool) {
        absorb(&mut self.resolved, inner.resolved, copies);
        self.touches_scope |= inner.touches_scope;
        self.runs.extend(inner.runs);
        self.bound = self.bound.take().or(inner.bound);
    }
}

/// The statement that one of a batch prepares by this name.
pub(super) fn prepared_in(batch: &[&Statement], name: &str) -> Option<Arc<Statement>> {
    batch
        .iter()
        .rev()
        .flat_map(|s| &s.effects)
        .find_map(|effect| match effect {
            Effect::Prepare { name: n, statement } if n == name => Some(Arc::clone(statement)),
            _ => None,
        })
}

/// The statement of the cursor that one of a batch declares by this name.
pub(super) fn declared_in(batch: &[&Statement], name: &str) -> Option<Arc<Statement>> {
    batch
        .iter()
        .rev()
        .flat_map(|s| &s.effects)
        .find_map(|effect| match effect {
            Effect::Declare {
                cursor, statement, ..
            } if cursor == name => Some(Arc::clone(statement)),
            _ => None,
        })
}

/// What EXECUTE needs is what the prepared statement needs, and its answer is that statement's (or is
/// copied into a table).
fn absorb(outer: &mut Resolved, inner: Resolved, copies: bool) {
    outer.accesses.extend(inner.accesses);
    outer.accesses.sort();
    outer.accesses.dedup();
    for (name, value) in inner.facts.values {
        use sluice_model::Fact;
        match (outer.facts.values.get_mut(&name), value) {
            (Some(Fact::Texts(mine)), Fact::Texts(theirs)) => mine.extend(theirs),
            // Taking every row is what matters, in whichever of the two.
            (Some(Fact::Bool(mine)), Fact::Bool(theirs)) if name == "has_where" => *mine &= theirs,
            (Some(Fact::Bool(mine)), Fact::Bool(theirs)) => *mine |= theirs,
            (Some(_), _) => {}
            (None, value) => {
                outer.facts.values.insert(name, value);
            }
        }
    }
    if copies {
        outer.copied.extend(inner.carried);
    } else {
        outer.outputs = inner.outputs;
        outer.star = inner.star;
        outer.carried.extend(inner.carried);
    }
    outer.searched.extend(inner.searched);
    outer.copied.extend(inner.copied);
    outer.unresolved |= inner.unresolved;
}
