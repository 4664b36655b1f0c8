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
        client: context.application.as_deref().and_then(program),
    }
}

/// The longest name of a program that approvers are told; longer ones say more than a name.
const MAX_PROGRAM: usize = 24;

/// The first word of what a client says that it is: `DBeaver` of `DBeaver 23.1 - Main`. Only letters, so that no value
/// and no sentence reaches approvers in it.
fn program(application: &str) -> Option<String> {
    let letters = |c: char| c.is_ascii_alphabetic() || c == '-' || c == '_';
    let end = application
        .find(|c| !letters(c))
        .unwrap_or(application.len());
    let (name, rest) = application.split_at_checked(end)?;
    let ends_there = rest.is_empty() || rest.starts_with([' ', '/']);
    match name {
        // What every browser says.
        "Mozilla" => Some("browser".to_owned()),
        _ if (1..=MAX_PROGRAM).contains(&end) && ends_there => Some(name.to_owned()),
        _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_and_nothing_else_is_said_in_its_place() {
        for (application, expected) in [
            ("psql", Some("psql")),
            ("node-postgres", Some("node-postgres")),
            ("curl/8.5.0", Some("curl")),
            ("DBeaver 23.1 - Main <shop>", Some("DBeaver")),
            ("Mozilla/5.0 (X11; Linux x86_64)", Some("browser")),
            ("", None),
            ("123-45-6789", None),
            ("a123-45-6789", None),
            ("ada@example.com", None),
            ("approved\u{202e}yes", None),
            ("abcdefghijklmnopqrstuvwxyz", None),
        ] {
            assert_eq!(program(application).as_deref(), expected, "{application:?}");
        }
    }
}
