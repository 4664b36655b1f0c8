//! What the policy lets a caller of the API do: know of a connection, watch sessions on it, and whose consent a
//! window on it would need.

use crate::control::Caller;
use crate::control::Control;
use crate::error::ControlError;
use sluice_model::{
    Access, Action, ApprovalFacts, Ask, Connection, Decision, Denial, Fact, FactKind, FactSpec,
    Facts, Operation, ProtocolSpec, Resource, ResourceKind, SessionContext,
};
use sluice_policy::SessionView;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Sets of groups that are offered for one request: the policies of one connection name a handful.
const MAX_SETS: usize = 32;

/// A view of the policies as this caller would have it in a session on this connection.
pub(crate) fn view(
    control: &Control,
    caller: &Caller,
    connection: &Arc<Connection>,
    from: IpAddr,
) -> Result<SessionView, ControlError> {
    let account = connection
        .accounts
        .iter()
        .find(|a| a.default)
        .or(connection.accounts.first());
    let session = SessionContext {
        id: control
            .mint_session_id()
            .map_err(|_| ControlError::Unavailable)?,
        principal: caller.principal.clone(),
        credential: caller.credential.clone(),
        connection: Arc::clone(connection),
        account: account.map(|a| a.name.clone()).unwrap_or_default(),
        database: connection.target.database.clone().unwrap_or_default(),
        client_address: from,
        application: None,
        reason: None,
        break_glass: false,
    };
    let denied = |d: Denial| ControlError::Forbidden(d.message, None);
    control
        .snapshot()
        .view(&session, control.now())
        .map_err(denied)
}

/// Whether the policy lets this caller watch sessions on a connection.
pub(crate) fn may_watch(
    control: &Control,
    caller: &Caller,
    connection: &str,
    from: IpAddr,
) -> bool {
    let Some(connection) = control.snapshot().connection(connection).cloned() else {
        return false;
    };
    let watch = Access {
        action: Action::new("watch"),
        resource: Resource::Connection,
    };
    let operation = Operation {
        text: "".into(),
        accesses: vec![watch],
        facts: Facts::default(),
    };
    let decided = view(control, caller, &connection, from)
        .map(|view| view.decide(&operation, control.now(), &ApprovalFacts::default()));
    matches!(decided, Ok(Decision::Allow(_)))
}

/// Whether the policy lets the caller connect, or could after an approval.
pub(crate) fn may_connect(
    control: &Control,
    caller: &Caller,
    connection: &Arc<Connection>,
    from: IpAddr,
) -> Decision {
    let view = view(control, caller, connection, from);
    let decision = view.map(|view| view.connect(control.now(), &ApprovalFacts::default()));
    decision.unwrap_or_else(|_| {
        Decision::Deny(Denial {
            policy: None,
            message: "this could not be decided".to_owned(),
        })
    })
}

/// Whose consent a window on this connection needs: for connecting, where that is asked about; otherwise for
/// whatever operation the policy asks about.
pub(crate) fn who_could_agree(
    control: &Control,
    caller: &Caller,
    connection: &str,
    from: IpAddr,
) -> Result<Ask, ControlError> {
    let unknown =
        || ControlError::NotFound(format!("there is no connection {connection:?} for you"));
    let connection = control
        .snapshot()
        .connection(connection)
        .cloned()
        .ok_or_else(unknown)?;
    let view = view(control, caller, &connection, from)?;
    let now = control.now();
    match view.connect(now, &ApprovalFacts::default()) {
        Decision::Ask(ask) => return Ok(ask),
        Decision::Deny(_) => return Err(unknown()),
        Decision::Allow(_) => {}
    }
    let mut found = Ask {
        group_sets: Vec::new(),
        people: 1,
        policies: Vec::new(),
    };
    let protocol = control
        .protocols()
        .iter()
        .find(|p| p.name == connection.protocol);
    for operation in protocol.into_iter().flat_map(|p| samples(p, &connection)) {
        if let Decision::Ask(ask) = view.decide(&operation, now, &ApprovalFacts::default()) {
            found.people = found.people.max(ask.people);
            for set in ask.group_sets {
                if !found.group_sets.contains(&set) && found.group_sets.len() < MAX_SETS {
                    found.group_sets.push(set);
                }
            }
        }
    }
    match found.group_sets.is_empty() {
        false => Ok(found),
        true => Err(ControlError::Conflict(format!(
            "no policy asks for anybody's consent on {:?}; what you may do there, you may do now",
            connection.name
        ))),
    }
}

/// One operation for each action of a protocol and each kind of resource that it can be done to, on something of no
/// particular name; once with every yes-or-no fact true and once with every one false.
fn samples(protocol: &ProtocolSpec, connection: &Connection) -> Vec<Operation> {
    let mut found = Vec::new();
    for action in protocol.actions {
        let kinds: BTreeSet<&ResourceKind> = action.resources.iter().collect();
        for (kind, yes) in kinds
            .into_iter()
            .flat_map(|kind| [(kind, true), (kind, false)])
        {
            found.push(Operation {
                text: "".into(),
                accesses: vec![Access {
                    action: Action::new(action.name),
                    resource: some_resource(*kind, connection),
                }],
                facts: some_facts(protocol, yes),
            });
        }
    }
    found
}

fn some_resource(kind: ResourceKind, connection: &Connection) -> Resource {
    let any = || "any".to_owned();
    let database = connection.target.database.clone().unwrap_or_else(any);
    let schema = any();
    match kind {
        ResourceKind::Connection => Resource::Connection,
        ResourceKind::Database => Resource::Database { database },
        ResourceKind::Schema => Resource::Schema { database, schema },
        ResourceKind::Table => Resource::Table {
            database,
            schema,
            table: any(),
        },
        ResourceKind::Routine => Resource::Routine {
            database,
            schema,
            routine: any(),
        },
        ResourceKind::Column => Resource::Column {
            database,
            schema,
            table: any(),
            column: any(),
        },
        ResourceKind::Endpoint => Resource::Endpoint { parts: vec![any()] },
        ResourceKind::DataClass => Resource::DataClass { name: any() },
    }
}

fn some_facts(protocol: &ProtocolSpec, yes: bool) -> Facts {
    let fact = |spec: &FactSpec| {
        let value = match spec.kind {
            FactKind::Bool => Fact::Bool(yes),
            FactKind::Long => Fact::Long(1),
            FactKind::Text => Fact::Text(String::new()),
            FactKind::Texts => Fact::Texts(BTreeSet::new()),
            FactKind::NamedTexts => Fact::NamedTexts(BTreeMap::new()),
            FactKind::NamedLongs => Fact::NamedLongs(BTreeMap::new()),
        };
        (spec.name.to_owned(), value)
    };
    Facts {
        namespace: protocol.fact_namespace.to_owned(),
        values: protocol.facts.iter().map(fact).collect(),
    }
}
