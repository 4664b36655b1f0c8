//! The digest that an approval is for: connection, principal, account, database, and the operation with
//! its bound parameters. What is approved is what runs.

use super::expect::{Admitted, Resume};
use aws_lc_rs::digest::{Context, SHA256};
use sluice_model::{OperationDigest, SessionContext};

/// The digest of a batch. Every part is preceded by its length, so that no two batches read the same.
#[must_use]
pub fn of(context: &SessionContext, batch: &[Admitted], resume: &Resume) -> OperationDigest {
    let mut hash = Context::new(&SHA256);
    let mut part = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(b"sluice operation 1");
    part(context.connection.name.as_bytes());
    part(context.principal.id.to_string().as_bytes());
    part(context.account.as_bytes());
    part(context.database.as_bytes());
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
    if let Resume::Execute(_, portal) = resume {
        for parameter_type in &portal.prepared.parameter_types {
            part(&parameter_type.to_be_bytes());
        }
        part(&portal.bound);
    }
    let mut digest = OperationDigest([0; 32]);
    digest.0.copy_from_slice(hash.finish().as_ref());
    digest
}
