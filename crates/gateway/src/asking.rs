//! What approvers are told of what waits, whatever protocol it waits in.

use crate::pipeline::CONNECT;
use sluice_model::{Ask, HeldOperation, OperationDigest, SessionContext, TextMask};

/// A login that waits. Of an operation, the driver says what it is and brings.
#[must_use]
pub fn of_login(context: &SessionContext, ask: Ask, digest: OperationDigest) -> HeldOperation {
    HeldOperation {
        session: context.id.clone(),
        principal: context.principal.id.clone(),
        credential: context.credential.mark(),
        connection: context.connection.name.clone(),
        account: context.account.clone(),
        database: context.database.clone(),
        text: CONNECT.to_owned(),
        parameters: Vec::new(),
        digest: digest.to_hex(),
        group_sets: ask.group_sets,
        people: ask.people,
        policies: ask.policies,
        estimated_rows: None,
        reason: context.reason.clone(),
        connect: true,
    }
}

/// A text without what the requester may not see.
#[must_use]
pub fn scrubbed(scrubber: &dyn TextMask, text: &str) -> String {
    let mut masked = String::new();
    match scrubber.mask_text(text, &mut masked) {
        true => masked,
        false => text.to_owned(),
    }
}
