//! Asking ahead: whose consent could open a connection, or what the policy asks about on it, for one principal.

use crate::control::Caller;
use crate::control::Control;
use crate::error::ControlError;
use sluice_model::{
    Access, Action, ActionSpec, ApprovalFacts, Ask, Connection, Decision, Facts, Operation,
    Resource, ResourceKind, SessionContext,
};
use sluice_policy::SessionView;
use std::collections::BTreeSet;
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
        token: caller.token.as_ref().map(|(id, _)| id.clone()),
        connection: Arc::clone(connection),
        account: account.map(|a| a.name.clone()).unwrap_or_default(),
        database: connection.target.database.clone().unwrap_or_default(),
        client_address: from,
        application: None,
        reason: None,
        break_glass: false,
    };
    let denied = |d: sluice_model::Denial| ControlError::Forbidden(d.message, None);
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
    let operation = operation(vec![watch]);
    let decided = view(control, caller, &connection, from)
        .map(|view| view.decide(&operation, control.now(), &ApprovalFacts::default()));
    matches!(decided, Ok(Decision::Allow(_)))
}

/// Whether the caller may know that a connection exists: the policy lets them connect, or could after an approval.
pub(crate) fn may_connect(
    control: &Control,
    caller: &Caller,
    connection: &Arc<Connection>,
    from: IpAddr,
) -> bool {
    view(control, caller, connection, from)
        .map(|view| view.connect(control.now(), &ApprovalFacts::default()))
        .is_ok_and(|decision| !matches!(decision, Decision::Deny(_)))
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
    for action in protocol.map(|p| p.actions).unwrap_or_default() {
        for operation in samples(action, &connection) {
            if let Decision::Ask(ask) = view.decide(&operation, now, &ApprovalFacts::default()) {
                found.people = found.people.max(ask.people);
                for set in ask.group_sets {
                    if !found.group_sets.contains(&set) && found.group_sets.len() < MAX_SETS {
                        found.group_sets.push(set);
                    }
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

/// One operation for each kind of resource that an action can be done to, on something of no particular name.
fn samples(action: &ActionSpec, connection: &Connection) -> Vec<Operation> {
    let any = || "any".to_owned();
    let database = || connection.target.database.clone().unwrap_or_else(any);
    let resource = |kind: &ResourceKind| match kind {
        ResourceKind::Connection => Resource::Connection,
        ResourceKind::Database => Resource::Database {
            database: database(),
        },
        ResourceKind::Schema => Resource::Schema {
            database: database(),
            schema: any(),
        },
        ResourceKind::Table => Resource::Table {
            database: database(),
            schema: any(),
            table: any(),
        },
        ResourceKind::Routine => Resource::Routine {
            database: database(),
            schema: any(),
            routine: any(),
        },
        ResourceKind::Column => Resource::Column {
            database: database(),
            schema: any(),
            table: any(),
            column: any(),
        },
        ResourceKind::DataClass => Resource::DataClass { name: any() },
    };
    let kinds: BTreeSet<&ResourceKind> = action.resources.iter().collect();
    let access = |kind| Access {
        action: Action::new(action.name),
        resource: resource(kind),
    };
    kinds
        .into_iter()
        .map(|kind| operation(vec![access(kind)]))
        .collect()
}

fn operation(accesses: Vec<Access>) -> Operation {
    Operation {
        text: "".into(),
        accesses,
        facts: Facts::default(),
    }
}
