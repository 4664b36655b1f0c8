//! One immutable version of all policy and configuration that decisions use.

use crate::claims::{IssuerRules, TrustedIssuer};
use crate::core::Core;
use crate::session::{SessionView, ViewParts};
use crate::source::{PolicySource, Problem};
use sluice_model::{
    ApprovalScope, Connection, Credential, DataClass, Denial, Grant, Network, Principal,
    PrincipalId, PrincipalKind, ProtocolSpec, Secret, SessionContext, Timestamp, TokenId, Workload,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    /// All trusted issuers.
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// The key of the masks that hash.
    pub hash_key: Secret,
}

/// What changes often and is cheap to replace: no policy is parsed again.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Principals that are switched on. One that is missing here may do nothing.
    pub principals: Vec<Principal>,
    /// Tokens that are not revoked.
    pub tokens: BTreeMap<TokenId, Arc<StandingToken>>,
    /// Approvals for a session or a window that were given and not withdrawn.
    pub grants: Vec<Grant>,
    /// It is not known any more who stands: nobody does.
    pub unknown: bool,
}

/// A token that stands, and what it stands for.
#[derive(Debug, Clone)]
pub struct StandingToken {
    /// Whose it is.
    pub principal: PrincipalId,
    /// When it ends.
    pub expires: Timestamp,
    /// Where from it may be used; anywhere when there are none.
    pub networks: Vec<Network>,
    /// The workload that it was exchanged for: what its JWT would open is what this opens.
    pub workload: Option<Arc<Workload>>,
}

/// One immutable version of all policy and configuration that decisions use.
#[derive(Debug)]
pub struct Snapshot {
    version: u64,
    pub(crate) core: Arc<Core>,
    principals: HashMap<PrincipalId, Principal>,
    tokens: BTreeMap<TokenId, Arc<StandingToken>>,
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

    /// The rules of a trusted issuer, by the name of its resource.
    #[must_use]
    pub fn trusted_issuer(&self, name: &str) -> Option<&IssuerRules> {
        self.core.issuers.get(name)
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
        let mut principal = self.standing_principal(&session.principal.id)?;
        let (token_ends, more_groups) = self.standing_credential(session, now)?;
        principal.groups.extend(more_groups);
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

    /// When what the session was opened with ends, and the groups that come with it.
    fn standing_credential(
        &self,
        session: &SessionContext,
        now: Timestamp,
    ) -> Result<(Option<Timestamp>, BTreeSet<String>), Denial> {
        match &session.credential {
            Credential::Local => Ok((None, BTreeSet::new())),
            Credential::Token(id) => {
                let token = self.standing_token(id, session, now)?;
                let groups = match &token.workload {
                    None => BTreeSet::new(),
                    Some(workload) => self.admitted(workload, session)?,
                };
                Ok((Some(token.expires), groups))
            }
            Credential::Workload(workload) if workload.expires <= now => Err(denial(
                "the workload's token has expired; connect with a new one, or use `sluice token exchange` for \
                 a longer session"
                    .into(),
            )),
            Credential::Workload(workload) => {
                Ok((Some(workload.expires), self.admitted(workload, session)?))
            }
        }
    }

    fn standing_token(
        &self,
        id: &TokenId,
        session: &SessionContext,
        now: Timestamp,
    ) -> Result<&StandingToken, Denial> {
        let found = self
            .tokens
            .get(id)
            .filter(|token| token.principal == session.principal.id);
        let Some(token) = found else {
            return Err(denial(format!("token {id} was revoked; create a new one")));
        };
        if token.expires <= now {
            return Err(denial(format!("token {id} has expired; create a new one")));
        }
        let from = session.client_address;
        if !token.networks.is_empty() && !token.networks.iter().any(|n| n.contains(from)) {
            return Err(denial(format!("token {id} may not be used from {from}")));
        }
        Ok(token)
    }

    /// The groups that a workload's issuer adds, if it still lets the workload be who the session is.
    fn admitted(
        &self,
        workload: &Workload,
        session: &SessionContext,
    ) -> Result<BTreeSet<String>, Denial> {
        let admission = self
            .trusted_issuer(&workload.issuer)
            .and_then(|rules| rules.admit(workload))
            .filter(|admission| admission.service == session.principal.id);
        match admission {
            Some(admission) => Ok(admission.groups.clone()),
            None => Err(denial(format!(
                "no rule of trusted issuer {} admits this workload as {} any more",
                workload.issuer, session.principal.id
            ))),
        }
    }

    /// The service that a workload acts as today, with the groups that its issuer's rule adds; `None` when no rule
    /// admits it or the service is off.
    #[must_use]
    pub fn workload_principal(&self, workload: &Workload) -> Option<Principal> {
        let admission = self.trusted_issuer(&workload.issuer)?.admit(workload)?;
        let mut principal = self.principal(&admission.service)?.clone();
        principal.groups.extend(admission.groups.iter().cloned());
        Some(principal)
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
            ApprovalScope::Login { session: id } | ApprovalScope::Session { session: id } => {
                *id == session.id
            }
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
