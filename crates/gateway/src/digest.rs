//! The digest that an approval is for: connection, principal, account, database, and the operation with what it
//! brings. What is approved is what runs.

use aws_lc_rs::digest::{Context, SHA256};
use sluice_model::{OperationDigest, SessionContext};

/// A digest under way. Every part is preceded by its length, so that no two operations read the same.
pub struct Digest(Context);

impl Digest {
    /// Of something in a session's place.
    #[must_use]
    pub fn of(kind: &[u8], context: &SessionContext) -> Self {
        let mut digest = Self(Context::new(&SHA256));
        digest.part(kind);
        digest.part(context.connection.name.as_bytes());
        digest.part(context.principal.id.to_string().as_bytes());
        digest.part(context.account.as_bytes());
        digest.part(context.database.as_bytes());
        digest
    }

    /// Adds a part.
    pub fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// The digest of all parts.
    #[must_use]
    pub fn finish(self) -> OperationDigest {
        let mut digest = OperationDigest([0; 32]);
        digest.0.copy_from_slice(self.0.finish().as_ref());
        digest
    }
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref());
    hash
}

/// The digest of a login: with what the approver is told of it.
#[must_use]
pub fn of_login(context: &SessionContext) -> OperationDigest {
    let mut digest = Digest::of(b"sluice login 1", context);
    digest.part(context.reason.as_deref().unwrap_or_default().as_bytes());
    digest.part(&[u8::from(context.break_glass)]);
    digest.finish()
}
