//! The policies that can matter to one principal on one connection.
//!
//! Cedar looks at every policy of a set for every request. Here a policy is left out as soon as its scope shows that
//! it cannot match: its principal against the principal and its groups, its resource against the connection and what
//! it is in, its action against the action. A scope cannot fail to evaluate, and conditions are looked at only when
//! the scope matches, so that a policy left out would neither have matched nor erred: the decision is the same.

use crate::context::Circumstances;
use crate::core::Core;
use crate::entity::EntityError;
use crate::policies::{FactsRead, PolicyInfo};
use cedar_policy::{
    ActionConstraint, Decision as CedarDecision, Entities, Entity, EntityTypeName, EntityUid,
    PolicySet, PrincipalConstraint, Request, ResourceConstraint,
};
use parking_lot::RwLock;
use sluice_model::{Connection, Principal, PrincipalId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The policies that can matter to one principal on one connection.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) subject: PrincipalId,
    uid: EntityUid,
    entities: Vec<Entity>,
    /// The connection and what it is in: what every resource of the session is in.
    pub(crate) above: HashSet<EntityUid>,
    /// Positions in the snapshot's policies.
    pub(crate) members: Vec<usize>,
    actions: RwLock<HashMap<String, Arc<ActionSlice>>>,
}

/// The part of a slice that can matter to one action.
#[derive(Debug)]
pub(crate) struct ActionSlice {
    uid: EntityUid,
    set: PolicySet,
    /// The principal, the connection and the action.
    entities: Entities,
    /// Positions in the snapshot's policies.
    pub(crate) members: Vec<usize>,
    pub(crate) reads_now: bool,
    pub(crate) reads_clock: bool,
    /// Whether an approval could make one of its policies permit.
    pub(crate) can_ask: bool,
    /// Groups whose approval its policies ask about.
    pub(crate) groups: BTreeSet<String>,
    /// Numbers of people that its policies ask about.
    pub(crate) people: BTreeSet<u32>,
    /// Facts that its policies read.
    pub(crate) facts: FactsRead,
}

/// What the policies say to one access of one principal.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) allowed: bool,
    /// The policies that made it so, as positions.
    pub(crate) policies: Vec<usize>,
    /// The policies that could not be evaluated, as positions.
    pub(crate) errors: Vec<usize>,
}

impl Slice {
    pub(crate) fn new(
        core: &Core,
        principal: &Principal,
        connection: &Connection,
    ) -> Result<Self, EntityError> {
        let uid = core.types.principal(&principal.id)?;
        let groups = principal
            .groups
            .iter()
            .map(|group| core.types.uid("Group", group))
            .collect::<Result<HashSet<_>, _>>()?;
        let connection_uid = core.types.uid("Connection", &connection.name)?;
        let parents = core.types.connection_parents(connection)?;
        let place = Place {
            connection: &connection_uid,
            parents: &parents,
            prefix: format!("{}/", crate::entity::path(&[&connection.name])),
        };
        let members = core
            .policies
            .iter()
            .enumerate()
            .filter(|(_, info)| principal_can_match(&info.principal, &uid, &groups))
            .filter(|(_, info)| place.can_match(&info.resource))
            .map(|(at, _)| at)
            .collect();
        let mut entities = core.types.principal_entities(principal)?;
        let mut above = parents.clone();
        above.insert(connection_uid.clone());
        entities.push(Entity::new_no_attrs(connection_uid, parents));
        Ok(Self {
            subject: principal.id.clone(),
            uid,
            entities,
            above,
            members,
            actions: RwLock::default(),
        })
    }

    /// The part for one action. Only actions of the schema exist, so that the parts are few.
    pub(crate) fn action(&self, core: &Core, name: &str) -> Result<Arc<ActionSlice>, EntityError> {
        if let Some(found) = self.actions.read().get(name) {
            return Ok(Arc::clone(found));
        }
        let slice = Arc::new(ActionSlice::new(core, self, name)?);
        self.actions
            .write()
            .insert(name.to_owned(), Arc::clone(&slice));
        Ok(slice)
    }

    /// What the policies say to one access.
    pub(crate) fn judge(
        &self,
        core: &Core,
        action: &ActionSlice,
        resource: &Entity,
        circumstances: &Circumstances,
    ) -> Result<Judgement, EntityError> {
        let request = Request::new(
            self.uid.clone(),
            action.uid.clone(),
            resource.uid(),
            circumstances.context.clone(),
            Some(&core.schema),
        )
        .map_err(|_| EntityError)?;
        // The connection itself is among the entities already, and the same.
        let entities = action.entities.clone();
        let is_new = entities.get(&resource.uid()).is_none();
        let own = is_new.then_some(resource).into_iter();
        let more: Vec<Entity> = own.chain(&circumstances.entities).cloned().collect();
        let entities = match more.is_empty() {
            true => entities,
            false => entities.add_entities(more, None).map_err(|_| EntityError)?,
        };
        let response = core
            .authorizer
            .is_authorized(&request, &action.set, &entities);
        let diagnostics = response.diagnostics();
        Ok(Judgement {
            allowed: response.decision() == CedarDecision::Allow,
            policies: core.positions(diagnostics.reason()),
            errors: core.positions(diagnostics.errors().map(|error| match error {
                cedar_policy::AuthorizationError::PolicyEvaluationError(error) => error.policy_id(),
            })),
        })
    }

    pub(crate) fn policies<'a>(&'a self, core: &'a Core) -> impl Iterator<Item = &'a PolicyInfo> {
        self.members.iter().filter_map(|at| core.policies.get(*at))
    }
}

impl ActionSlice {
    fn new(core: &Core, slice: &Slice, name: &str) -> Result<Self, EntityError> {
        let stands_in = core.actions.get(name).ok_or(EntityError)?;
        let members: Vec<usize> = slice
            .members
            .iter()
            .copied()
            .filter(|at| {
                core.policies
                    .get(*at)
                    .is_some_and(|info| action_can_match(&info.action, stands_in))
            })
            .collect();
        let infos = || members.iter().filter_map(|at| core.policies.get(*at));
        let set = PolicySet::from_policies(infos().map(|info| info.policy.clone()))
            .map_err(|_| EntityError)?;
        let parents = stands_in
            .iter()
            .filter(|group| group.as_str() != name)
            .map(|group| core.types.uid("Action", group))
            .collect::<Result<HashSet<_>, _>>()?;
        let uid = core.types.uid("Action", name)?;
        let action = Entity::new_no_attrs(uid.clone(), parents);
        let entities = slice.entities.iter().cloned().chain([action]);
        let asking = || infos().filter(|info| info.reads.approvals);
        let mut facts = FactsRead::default();
        infos().for_each(|info| facts.extend(&info.reads.facts));
        Ok(Self {
            facts,
            uid,
            set,
            entities: Entities::from_entities(entities, None).map_err(|_| EntityError)?,
            reads_now: infos().any(|info| info.reads.now),
            reads_clock: infos().any(|info| info.reads.clock),
            can_ask: asking().any(|info| !info.forbids),
            groups: asking()
                .flat_map(|info| info.reads.groups.iter().cloned())
                .collect(),
            people: asking()
                .flat_map(|info| info.reads.people.iter().copied())
                .collect(),
            members,
        })
    }
}

fn principal_can_match(
    scope: &PrincipalConstraint,
    uid: &EntityUid,
    groups: &HashSet<EntityUid>,
) -> bool {
    let within = |other: &EntityUid| other == uid || groups.contains(other);
    let is = |kind: &EntityTypeName| kind == uid.type_name();
    match scope {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Eq(other) => other == uid,
        PrincipalConstraint::In(other) => within(other),
        PrincipalConstraint::Is(kind) => is(kind),
        PrincipalConstraint::IsIn(kind, other) => is(kind) && within(other),
    }
}

pub(crate) fn action_can_match(scope: &ActionConstraint, stands_in: &[String]) -> bool {
    let within = |uid: &EntityUid| stands_in.iter().any(|name| name == uid.id().unescaped());
    match scope {
        ActionConstraint::Any => true,
        ActionConstraint::In(groups) => groups.iter().any(within),
        ActionConstraint::Eq(uid) => stands_in
            .first()
            .is_some_and(|name| name == uid.id().unescaped()),
    }
}

/// Where the resources of a session are.
struct Place<'a> {
    connection: &'a EntityUid,
    parents: &'a HashSet<EntityUid>,
    /// What the ids of everything under the connection begin with.
    prefix: String,
}

impl Place<'_> {
    fn can_match(&self, scope: &ResourceConstraint) -> bool {
        match scope {
            ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
            ResourceConstraint::Eq(uid)
            | ResourceConstraint::In(uid)
            | ResourceConstraint::IsIn(_, uid) => self.can_hold(uid),
        }
    }

    /// Whether a resource of the session can be `uid` or in it.
    fn can_hold(&self, uid: &EntityUid) -> bool {
        match uid.type_name().basename() {
            "Connection" => uid == self.connection,
            "Environment" | "Label" => self.parents.contains(uid),
            "Database" | "Schema" | "Table" | "Routine" | "Column" | "Endpoint" => {
                uid.id().unescaped().starts_with(&self.prefix)
            }
            _ => true,
        }
    }
}
