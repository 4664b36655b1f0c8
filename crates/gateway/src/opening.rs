//! How a session begins, for its record and for the registry.

use crate::clock;
use crate::registry::Entry;
use sluice_model::{Credential, EventBody, SessionContext, WorkloadName};

/// The first event of its record.
#[must_use]
pub fn event(context: &SessionContext, policies: Vec<String>) -> EventBody {
    let owner = context.principal.owner.as_ref();
    EventBody::SessionOpened {
        session: context.id.clone(),
        principal: context.principal.id.clone(),
        groups: context.principal.groups.clone(),
        owner: owner.map(|o| o.id.clone().into()),
        token: context.credential.token().cloned(),
        workload: match &context.credential {
            Credential::Workload(workload) => Some(Box::new(WorkloadName {
                issuer: workload.issuer.clone(),
                subject: workload.subject.clone(),
            })),
            Credential::Local | Credential::Token(_) => None,
        },
        connection: context.connection.name.clone(),
        protocol: context.connection.protocol.clone(),
        account: context.account.clone(),
        database: context.database.clone(),
        client_address: context.client_address.to_string(),
        application: context.application.clone(),
        reason: context.reason.clone(),
        break_glass: context.break_glass,
        policies,
    }
}

/// What the registry is told of it.
#[must_use]
pub fn entry(context: &SessionContext) -> Entry {
    Entry {
        id: context.id.clone(),
        principal: context.principal.id.clone(),
        connection: context.connection.name.clone(),
        account: context.account.clone(),
        database: context.database.clone(),
        client_address: context.client_address.to_string(),
        application: context.application.clone(),
        since: clock::now(),
    }
}
