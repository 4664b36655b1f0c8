//! One decision under way: the accesses as units, each judged for every principal that must be allowed.

use crate::context::Circumstances;
use crate::session::SessionView;
use crate::slice::{ActionSlice, Judgement, Slice};
use crate::snapshot::{denial, undecidable};
use cedar_policy::Entity;
use sluice_model::{Access, ApprovalFacts, Denial, Facts, PrincipalId, Resource, Timestamp};
use std::sync::Arc;

pub(crate) const REVEAL: &str = "reveal";
pub(crate) const SEARCH: &str = "search";

/// A session, the facts of an operation, and the time.
#[derive(Clone, Copy)]
pub(crate) struct Bench<'a> {
    pub(crate) view: &'a SessionView,
    pub(crate) facts: &'a Facts,
    pub(crate) now: Timestamp,
}

/// What is judged at once: one access for one principal; for a column of data classes, for one class.
pub(crate) struct Unit<'a> {
    pub(crate) access: &'a Access,
    /// The class, where the access is to see or search a column of one.
    pub(crate) class: Option<&'a str>,
    slice: &'a Slice,
    /// The action that was asked for, and those that stand in for it where no policy speaks of it: whoever sees a
    /// column in clear may search it, unless a policy forbids to.
    actions: Vec<Arc<ActionSlice>>,
    resource: Entity,
}

/// What came of a unit.
pub(crate) enum Verdict {
    /// By these policies, as positions.
    Allowed(Vec<usize>),
    /// An approval may turn it only if `turnable`.
    Refused { denial: Denial, turnable: bool },
}

impl<'a> Unit<'a> {
    pub(crate) fn slices(&self) -> impl Iterator<Item = &ActionSlice> {
        self.actions.iter().map(AsRef::as_ref)
    }

    pub(crate) fn subject(&self) -> &'a PrincipalId {
        &self.slice.subject
    }
}

impl<'a> Bench<'a> {
    /// Everything that must be allowed. An access to see or search a column is one unit for each of its classes,
    /// with that class alone above the column, so that being shown one class never shows another; a column of no
    /// class needs nothing.
    pub(crate) fn units(&self, accesses: &'a [Access]) -> Result<Vec<Unit<'a>>, Denial> {
        let core = self.view.core();
        let mut units = Vec::with_capacity(accesses.len());
        for access in accesses {
            let action = access.action.as_str();
            let classes: Vec<Option<&str>> = match &access.resource {
                Resource::Column {
                    schema,
                    table,
                    column,
                    ..
                } if matches!(action, REVEAL | SEARCH) => {
                    let classes = core.columns.of(schema, table, column);
                    classes
                        .iter()
                        .map(|at| core.data_classes.get(*at).map(|c| c.name.as_str()))
                        .collect()
                }
                _ => vec![None],
            };
            for class in classes {
                for slice in &self.view.slices {
                    units.push(
                        self.unit(access, class, slice)
                            .map_err(|()| undecidable())?,
                    );
                }
            }
        }
        Ok(units)
    }

    pub(crate) fn unit(
        &self,
        access: &'a Access,
        class: Option<&'a str>,
        slice: &'a Slice,
    ) -> Result<Unit<'a>, ()> {
        let core = self.view.core();
        let action = access.action.as_str();
        let names: &[&str] = match action {
            SEARCH => &[SEARCH, REVEAL],
            other => &[other],
        };
        let actions = names
            .iter()
            .map(|name| slice.action(core, name).map_err(|_| ()))
            .collect::<Result<Vec<_>, ()>>()?;
        let resource = self
            .view
            .resource(slice, &access.resource, class)
            .map_err(|_| ())?;
        Ok(Unit {
            access,
            class,
            slice,
            actions,
            resource,
        })
    }

    pub(crate) fn context(
        &self,
        approvals: &ApprovalFacts,
        reason: Option<&str>,
    ) -> Result<Circumstances, Denial> {
        let types = &self.view.core().types;
        self.view
            .facts
            .context(types, self.now, self.facts, approvals, reason)
            .map_err(|_| undecidable())
    }

    /// Judges one unit. Any error on the way refuses.
    pub(crate) fn judge(
        &self,
        unit: &Unit<'_>,
        context: &Circumstances,
    ) -> Result<Verdict, Denial> {
        let core = self.view.core();
        let mut turnable = false;
        let mut refusal = None;
        for action in &unit.actions {
            let judgement = unit
                .slice
                .judge(core, action, &unit.resource, context)
                .map_err(|_| undecidable())?;
            if let Some(denial) = self.failed(&judgement) {
                return Ok(Verdict::Refused {
                    denial,
                    turnable: false,
                });
            }
            if judgement.allowed {
                return Ok(Verdict::Allowed(judgement.policies));
            }
            turnable |= self.turnable(action, &judgement);
            let forbidden = !judgement.policies.is_empty();
            refusal.get_or_insert_with(|| self.refusal(unit, &judgement));
            if forbidden {
                break;
            }
        }
        let denial = refusal.ok_or_else(undecidable)?;
        Ok(Verdict::Refused { denial, turnable })
    }

    /// Cedar skips a policy that it cannot evaluate; if that one forbids, skipping it would permit.
    fn failed(&self, judgement: &Judgement) -> Option<Denial> {
        let at = judgement.errors.first()?;
        let policy = self
            .view
            .core()
            .policies
            .get(*at)
            .map(|info| info.id.clone());
        let message =
            "a policy could not be evaluated, so nothing is allowed; it must be corrected";
        Some(Denial {
            policy,
            message: message.into(),
        })
    }

    /// Whether an approval could turn a refusal: every policy that forbids asks about approvals, or, where none
    /// forbids, one that could permit does.
    fn turnable(&self, action: &ActionSlice, judgement: &Judgement) -> bool {
        if judgement.policies.is_empty() {
            return action.can_ask;
        }
        let policies = &self.view.core().policies;
        judgement
            .policies
            .iter()
            .all(|at| policies.get(*at).is_some_and(|p| p.reads.approvals))
    }

    fn refusal(&self, unit: &Unit<'_>, judgement: &Judgement) -> Denial {
        let policies = &self.view.core().policies;
        if let Some(info) = judgement.policies.first().and_then(|at| policies.get(*at)) {
            let message = info.message.clone().unwrap_or_else(|| {
                format!(
                    "{} on {} is forbidden",
                    unit.access.action, unit.access.resource
                )
            });
            return Denial {
                policy: Some(info.id.clone()),
                message,
            };
        }
        let whom = if *unit.subject() == self.view.session.principal.id {
            String::new()
        } else {
            format!(
                " to {}, for whom {} acts",
                unit.subject(),
                self.view.session.principal.id
            )
        };
        let class = unit
            .class
            .map_or_else(String::new, |c| format!(" of data class {c}"));
        denial(format!(
            "no policy permits {} on {}{class}{whom}",
            unit.access.action, unit.access.resource
        ))
    }
}

impl SessionView {
    /// Whether one access alone is allowed to everyone concerned, with the grants that hold now.
    pub(crate) fn allowed(
        &self,
        access: &Access,
        class: Option<&str>,
        now: Timestamp,
    ) -> Result<(bool, crate::session::Lasting), Denial> {
        let facts = Facts::default();
        let none = ApprovalFacts::default();
        let bench = self.bench(&facts, now);
        let standing = self.standing(std::slice::from_ref(access), now, &none);
        let context = bench.context(&standing.approvals, standing.reason)?;
        let units = self
            .slices
            .iter()
            .map(|slice| bench.unit(access, class, slice).map_err(|()| undecidable()))
            .collect::<Result<Vec<_>, _>>()?;
        let mut allowed = true;
        for unit in &units {
            allowed &= matches!(bench.judge(unit, &context)?, Verdict::Allowed(_));
        }
        Ok((allowed, crate::session::Lasting::of(&units)))
    }

    fn resource(
        &self,
        slice: &Slice,
        resource: &Resource,
        class: Option<&str>,
    ) -> Result<Entity, crate::entity::EntityError> {
        let core = self.core();
        let all: Vec<&str> = match (class, resource) {
            (Some(class), _) => vec![class],
            (
                None,
                Resource::Column {
                    schema,
                    table,
                    column,
                    ..
                },
            ) => core
                .columns
                .of(schema, table, column)
                .iter()
                .filter_map(|at| core.data_classes.get(*at).map(|c| c.name.as_str()))
                .collect(),
            _ => Vec::new(),
        };
        core.types
            .resource(&self.session.connection.name, &slice.above, resource, &all)
    }
}
