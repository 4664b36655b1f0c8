//! One immutable version of all policy and configuration that decisions use.

use crate::core::Core;
use crate::session::{SessionView, ViewParts};
use crate::source::{PolicySource, Problem};
use sluice_model::{
    ApprovalScope, Connection, DataClass, Denial, Grant, Principal, PrincipalId, PrincipalKind,
    ProtocolSpec, Secret, SessionContext, Timestamp, TokenId,
};
use std::collections::{BTreeMap, HashMap};
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
    /// It is not known any more who stands: nobody does.
    pub unknown: bool,
}

/// One immutable version of all policy and configuration that decisions use.
#[derive(Debug)]
pub struct Snapshot {
    version: u64,
    pub(crate) core: Arc<Core>,
    principals: HashMap<PrincipalId, Principal>,
    tokens: BTreeMap<TokenId, Timestamp>,
    grants: HashMap<PrincipalId, Vec<Grant>>,
    standing_unknown: bool,
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
        Ok(Self::of(version, Arc::new(Core::build(input)?), standing))
    }

    /// The same policies and configuration with other principals, tokens and grants.
    #[must_use]
    pub fn with_standing(&self, version: u64, standing: Standing) -> Self {
        Self::of(version, Arc::clone(&self.core), standing)
    }

    fn of(version: u64, core: Arc<Core>, standing: Standing) -> Self {
        let mut grants: HashMap<PrincipalId, Vec<Grant>> = HashMap::new();
        for grant in standing.grants {
            grants
                .entry(grant.principal.clone())
                .or_default()
                .push(grant);
        }
        let principals = standing
            .principals
            .into_iter()
            .map(|p| (p.id.clone(), p))
            .collect();
        Self {
            version,
            core,
            principals,
            tokens: standing.tokens,
            grants,
            standing_unknown: standing.unknown,
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
        self.core.connections.get(name)
    }

    /// All connections, by name.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.core.connections.values()
    }

    /// A principal that is switched on.
    #[must_use]
    pub fn principal(&self, id: &PrincipalId) -> Option<&Principal> {
        self.principals.get(id)
    }

    /// All data classes.
    #[must_use]
    pub fn data_classes(&self) -> &[DataClass] {
        &self.core.data_classes
    }

    /// The Cedar schema that policies are validated against, as text.
    #[must_use]
    pub fn schema_text(&self) -> &str {
        &self.core.schema_text
    }

    /// The snapshot as one session sees it: its principal with today's groups, its connection with today's labels,
    /// and the policies that can matter to them.
    ///
    /// # Errors
    /// A denial in words when the session may not go on: its principal (or an agent's owner) is switched off, its
    /// token was revoked or has expired, or its connection is gone, or leads elsewhere, or with another account.
    pub fn view(
        self: &Arc<Self>,
        session: &SessionContext,
        now: Timestamp,
    ) -> Result<SessionView, Denial> {
        if self.standing_unknown {
            return Err(denial(
                "the gateway cannot reach its store, so it does not know who may go on; try again later".into(),
            ));
        }
        let principal = self.standing_principal(&session.principal.id)?;
        let token_ends = session
            .token
            .as_ref()
            .map(|t| self.token_end(t, now))
            .transpose()?;
        let connection = self.unchanged_connection(session)?;
        let zone = self.core.zone(&connection.name).ok_or_else(undecidable)?;
        let mut slices = Vec::with_capacity(2);
        for subject in [Some(&principal), principal.owner.as_deref()]
            .into_iter()
            .flatten()
        {
            slices.push(
                self.core
                    .slice(subject, &connection)
                    .map_err(|_| undecidable())?,
            );
        }
        let grants = self
            .grants
            .get(&principal.id)
            .map(|grants| {
                grants
                    .iter()
                    .filter(|g| grant_holds(g, session, now))
                    .cloned()
                    .collect()
            })
            .unwrap_or_default();
        let session = SessionContext {
            principal,
            connection,
            ..session.clone()
        };
        let parts = ViewParts {
            session,
            zone,
            slices,
            grants,
            token_ends,
        };
        SessionView::new(Arc::clone(self), parts)
    }

    /// The principal as it stands now; an agent with its owner as they stand now.
    fn standing_principal(&self, id: &PrincipalId) -> Result<Principal, Denial> {
        let off = |id: &PrincipalId| denial(format!("{id} is switched off or does not exist"));
        let mut principal = self.principals.get(id).cloned().ok_or_else(|| off(id))?;
        if id.kind == PrincipalKind::Agent {
            let owner = principal
                .owner
                .as_ref()
                .filter(|owner| owner.id.kind == PrincipalKind::User)
                .ok_or_else(|| denial(format!("{id} has no owner; an agent acts for a user")))?;
            let owner = self
                .principals
                .get(&owner.id)
                .ok_or_else(|| off(&owner.id))?;
            principal.owner = Some(Box::new(Principal {
                owner: None,
                ..owner.clone()
            }));
        } else {
            principal.owner = None;
        }
        Ok(principal)
    }

    fn token_end(&self, token: &TokenId, now: Timestamp) -> Result<Timestamp, Denial> {
        match self.tokens.get(token) {
            None => Err(denial(format!(
                "token {token} was revoked; create a new one"
            ))),
            Some(end) if *end <= now => Err(denial(format!(
                "token {token} has expired; create a new one"
            ))),
            Some(end) => Ok(*end),
        }
    }

    fn unchanged_connection(&self, session: &SessionContext) -> Result<Arc<Connection>, Denial> {
        let then = &session.connection;
        let name = &then.name;
        let today = self
            .connection(name)
            .ok_or_else(|| denial(format!("connection {name} does not exist any more")))?;
        let account = |connection: &Connection| {
            connection
                .accounts
                .iter()
                .find(|a| a.name == session.account)
                .cloned()
        };
        if today.protocol != then.protocol || today.target != then.target {
            return Err(denial(format!(
                "connection {name} leads elsewhere now; connect again"
            )));
        }
        match (account(today), account(then)) {
            (Some(today), Some(then))
                if today.username == then.username && today.password == then.password => {}
            _ => {
                return Err(denial(format!(
                    "account {} of connection {name} has changed or is gone; connect again",
                    session.account
                )));
            }
        }
        let allowed = |connection: &Connection| {
            connection
                .databases
                .as_ref()
                .is_none_or(|list| list.contains(&session.database))
        };
        // The default database needs no entry, and what it is was settled when the session began.
        if allowed(then)
            && !allowed(today)
            && today.target.database.as_ref() != Some(&session.database)
        {
            return Err(denial(format!(
                "database {} of connection {name} may not be named any more",
                session.database
            )));
        }
        Ok(Arc::clone(today))
    }
}

/// Whether consent was given to exactly this principal, for this connection, and holds now. An agent does not act on
/// what its owner was granted, nor an owner on what the agent was.
fn grant_holds(grant: &Grant, session: &SessionContext, now: Timestamp) -> bool {
    grant.principal == session.principal.id
        && grant.connection == session.connection.name
        && match &grant.scope {
            ApprovalScope::Once { .. } => false,
            ApprovalScope::Session { session: id } => *id == session.id,
            ApprovalScope::Window { until } => now < *until,
        }
}

pub(crate) fn denial(message: String) -> Denial {
    Denial {
        policy: None,
        message,
    }
}

/// Something that cannot happen with a snapshot that was built; if it does, nothing is allowed.
pub(crate) fn undecidable() -> Denial {
    denial(
        "this could not be decided, so it is not allowed; report it to whoever runs the gateway"
            .into(),
    )
}
