//! The digest of statements with their bound parameters.

use super::expect::{Admitted, Resume};
use crate::digest::Digest;
use sluice_model::{OperationDigest, SessionContext};

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
