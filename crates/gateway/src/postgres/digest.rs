//! The digest that an approval is for: connection, principal, account, database, and the operation with
//! its bound parameters. What is approved is what runs.

use super::expect::{Admitted, Resume};
use aws_lc_rs::digest::{Context, SHA256};
use sluice_model::{OperationDigest, SessionContext};

/// Every part is preceded by its length, so that no two operations read the same.
struct Digest(Context);

impl Digest {
    /// Of something in this session's place.
    fn of(kind: &[u8], context: &SessionContext) -> Self {
        let mut digest = Self(Context::new(&SHA256));
        digest.part(kind);
        digest.part(context.connection.name.as_bytes());
        digest.part(context.principal.id.to_string().as_bytes());
        digest.part(context.account.as_bytes());
        digest.part(context.database.as_bytes());
        digest
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn finish(self) -> OperationDigest {
        let mut digest = OperationDigest([0; 32]);
        digest.0.copy_from_slice(self.0.finish().as_ref());
        digest
    }
}

/// The digest of a login: with what the approver is told of it.
#[must_use]
pub fn of_login(context: &SessionContext) -> OperationDigest {
    let mut digest = Digest::of(b"sluice login 1", context);
    digest.part(context.reason.as_deref().unwrap_or_default().as_bytes());
    digest.part(&[u8::from(context.break_glass)]);
    digest.finish()
}

/// The digest of a batch.
#[must_use]
pub fn of(context: &SessionContext, batch: &[Admitted], resume: &Resume) -> OperationDigest {
    let mut digest = Digest::of(b"sluice operation 1", context);
    let mut part = |bytes: &[u8]| digest.part(bytes);
    for admitted in batch {
        part(admitted.text.as_bytes());
        // A text can come to mean something else: by another search path, or another statement of that name.
        for run in &admitted.analysis.runs {
            part(run.as_bytes());
        }
        for access in &admitted.analysis.resolved.accesses {
            part(access.action.as_str().as_bytes());
            part(format!("{:?}", access.resource).as_bytes());
        }
    }
    part(b"bound");
    let executed = match resume {
        Resume::Execute(_, portal) => Some(portal),
        Resume::Query(_) => None,
    };
    let fetched = batch.iter().filter_map(|one| one.analysis.bound.as_ref());
    for portal in executed.into_iter().chain(fetched) {
        for parameter_type in &portal.prepared.parameter_types {
            part(&parameter_type.to_be_bytes());
        }
        part(&portal.bound);
    }
    digest.finish()
}
