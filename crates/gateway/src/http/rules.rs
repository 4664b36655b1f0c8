//! What masking asks about fields, answered from the policies, and what records leave out of bodies.

use crate::edits;
use sluice_model::TextMask;
use sluice_policy::FieldPlan;
use sluice_protocol::edit::FieldEdit;
use sluice_protocol::http::mask::FieldRules;
use std::sync::Arc;

/// The policies' plan for documents.
pub struct Planned(pub FieldPlan);

impl FieldRules for Planned {
    fn edit(&self, path: &[&str]) -> FieldEdit {
        edits::of_plan(&self.0.of(path), &self.0.scan)
    }

    fn has_names(&self) -> bool {
        self.0.goes_by_names()
    }

    fn prose(&self) -> Arc<dyn TextMask> {
        Arc::clone(&self.0.scan)
    }
}

/// Names of fields that hold secrets, in lower case and without what is between words.
const SECRET_FIELDS: &[&str] = &[
    "accesskey",
    "assertion",
    "authorization",
    "clientassertion",
    "credential",
    "credentials",
    "otp",
    "passphrase",
    "passwd",
    "pin",
    "privatekey",
    "pwd",
    "samlresponse",
    "secretaccesskey",
    "secretkey",
];
/// What other such names end with.
const SECRET_ENDS: &[&str] = &["apikey", "password", "secret", "token"];
/// Names that end so and hold a number of them.
const COUNTS: &[&str] = &["maxtoken", "pertoken"];

/// Whether a field of this name holds a secret.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let bare: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let bare = bare.as_str();
    SECRET_FIELDS.contains(&bare)
        || SECRET_ENDS.iter().any(|end| bare.ends_with(end)) && !COUNTS.contains(&bare)
}

/// What records leave out: secrets by their name, and what the session may not see.
pub enum ForRecord {
    /// Of what came by as it is.
    Plain(FieldPlan),
    /// Of what is masked already, as the caller sees it: a mask that is masked again is not what the caller saw.
    Masked,
}

impl ForRecord {
    /// Of what was gone over under this plan, if it was.
    #[must_use]
    pub fn of(plan: FieldPlan, is_masked: bool) -> Self {
        match is_masked {
            true => Self::Masked,
            false => Self::Plain(plan),
        }
    }
}

impl FieldRules for ForRecord {
    fn edit(&self, path: &[&str]) -> FieldEdit {
        match self {
            _ if path.last().is_some_and(|name| is_secret(name)) => FieldEdit::Redact,
            Self::Plain(plan) => Planned(plan.clone()).edit(path),
            Self::Masked => FieldEdit::Clear,
        }
    }

    fn prose(&self) -> Arc<dyn TextMask> {
        match self {
            Self::Plain(plan) => Arc::clone(&plan.scan),
            Self::Masked => Arc::new(AsItIs),
        }
    }
}

/// Masks nothing.
struct AsItIs;

impl TextMask for AsItIs {
    fn mask_text(&self, _text: &str, _out: &mut String) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_masked_is_not_masked_again_and_loses_its_secrets() {
        let rules = ForRecord::Masked;
        assert!(matches!(rules.edit(&["email"]), FieldEdit::Clear));
        assert!(matches!(rules.edit(&["a", "token"]), FieldEdit::Redact));
        let mut out = String::new();
        assert!(!rules.prose().mask_text("ada@example.com", &mut out));
        assert!(out.is_empty());
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for (name, expected) in [
            ("password", true),
            ("newPassword", true),
            ("client_secret", true),
            ("API-Key", true),
            ("access_token", true),
            ("passwords_changed", false),
            ("tokens", false),
            ("key", false),
            ("X-Gitlab-Token", true),
            ("dd-api-key", true),
        ] {
            assert_eq!(is_secret(name), expected, "{name}");
        }
    }
}
