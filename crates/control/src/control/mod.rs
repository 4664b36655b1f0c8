//! The control plane's state and what it publishes. Every change goes the same way: it is recorded, then stored,
//! then kept in memory, then published as a new snapshot. What cannot be recorded or stored is not done.

mod apply;
mod authenticate;
mod background;
mod caller;
mod dry_run;
#[cfg(test)]
mod dry_run_tests;
mod grants;
mod history;
mod hold;
mod issue;
mod judge;
mod news;
mod notifying;
mod offboard;
mod outside;
mod principals;
mod provision;
mod recorded;
mod signing_in;
mod sites;
mod start;
mod targets;
mod waits;

pub(crate) use caller::Caller;
pub(crate) use grants::{GrantError, LONGEST_EXCHANGE, is_client_name, is_loopback_redirect};
pub(crate) use history::HistoryFilter;
pub(crate) use hold::described;
pub(crate) use news::Topic;
pub(crate) use outside::Hooked;
pub(crate) use provision::{Edit, Listed, ProvisionError, Wanted};
pub(crate) use recorded::is_seen;
pub(crate) use signing_in::{Arrived, Posted, Returned, Sending, SignInError, SignedOutBy};
pub use start::{LOCAL_ADMIN_FILE, LOG_KEY_FILE, records_of};
pub(crate) use targets::Tests;
pub use waits::Present;

use crate::approvals::Approval;
use crate::certificates::{CertificateSource, ServerCertificate};
use crate::clock::Clock;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::error::ControlError;
use crate::identity::assertion::IdentityKey;
use crate::identity::flows::Flows;
use crate::identity::issuers::Issuers;
use crate::identity::provider::{DeclaredProvider, Provider};
use crate::identity::roster::Roster;
use crate::identity::saml_key::SamlKey;
use crate::identity::seal::Sealer;
use crate::identity::sign_in::SignIn;
use crate::notify::{Desk, Notice};
use crate::port_types::{Health, LeaseError, LoginError};
use crate::resources::{LOCAL_ADMIN, ResourceSet};
use crate::store::{Changes, Store, StoreError};
use crate::tokens::{HASH_BYTES, Lockout, Purpose, TokenRow};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use recorded::Following;
use sluice_model::{
    AdminAct, ApprovalId, Connection, Lease, Network, Principal, PrincipalId, ProtocolSpec, Secret,
    SessionId, SignInId, Timestamp, TokenId, Workload,
};
use sluice_policy::{Snapshot, Standing, StandingToken};
use sluice_record::{Log, Mark};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::{Notify, broadcast, watch};
use waits::Waiters;

/// The group that administers the gateway.
pub const ADMINS: &str = "admins";

/// The control plane. Clones share it.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    config: Config,
    protocols: &'static [ProtocolSpec],
    clock: Clock,
    log: Log,
    following: Following,
    store: Store,
    hash_key: Secret,
    local_admin: [u8; HASH_BYTES],
    certificates: Mutex<CertificateSource>,
    /// Changes are made one at a time.
    working: tokio::sync::Mutex<Working>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    logins: ArcSwap<HashMap<[u8; HASH_BYTES], Login>>,
    /// The latest mark of the log that the store keeps.
    kept_mark: Mutex<Option<Mark>>,
    lockout: Mutex<Lockout>,
    /// Who is trusted to speak of workloads.
    issuers: Issuers,
    /// Targets' logins.
    credentials: Credentials,
    /// Seals other systems' secrets.
    sealer: Sealer,
    /// What the gateway signs with towards providers that speak SAML.
    saml_key: SamlKey,
    identity_key: IdentityKey,
    /// Who vouches for people.
    providers: ArcSwap<Vec<Arc<Provider>>>,
    /// What is under way while somebody signs in.
    flows: Mutex<Flows>,
    /// When tokens were last used, until it is stored.
    used: Mutex<HashMap<TokenId, Timestamp>>,
    health: watch::Sender<Health>,
    /// Rings when something that ends by time was added.
    timer: Notify,
    /// What leaves the gateway as messages.
    desk: Desk,
}

/// What changes.
struct Working {
    version: u64,
    /// When everybody was last told.
    published: Timestamp,
    /// The policies and configuration as last built.
    base: Arc<Snapshot>,
    resources: ResourceSet,
    roster: Roster,
    sign_ins: BTreeMap<SignInId, SignIn>,
    /// What the resources directory said when it was last taken over.
    directory: ResourceSet,
    tokens: BTreeMap<TokenId, TokenRow>,
    approvals: BTreeMap<ApprovalId, Approval>,
    waiting: BTreeMap<ApprovalId, Waiters>,
    /// The store is gone for longer than the grace: nobody stands any more.
    cut_off: bool,
}

/// What a token's hash leads to: also of one that opens nothing any more, so that it is known whose is tried.
struct Login {
    token: TokenId,
    principal: PrincipalId,
    purpose: Purpose,
    valid: bool,
    expires: Timestamp,
    networks: Vec<Network>,
    workload: Option<Arc<Workload>>,
    audience: Option<String>,
}

impl Control {
    /// Follows the snapshots. A new one is there within 100 ms of any change.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.snapshots.subscribe()
    }

    /// The snapshot as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshots.borrow().clone()
    }

    /// Follows how the control plane is.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        self.0.health.subscribe()
    }

    /// The gateway was told to stop: from now on it is not ready. The API goes on, so that approvals and commands
    /// still reach what is left.
    pub fn drain(&self) {
        self.0.health.send_modify(|health| health.draining = true);
    }

    /// The log, to record sessions in.
    #[must_use]
    pub fn log(&self) -> Log {
        self.0.log.clone()
    }

    /// The certificate that every listener shows.
    #[must_use]
    pub fn server_certificate(&self) -> Arc<ServerCertificate> {
        Arc::clone(&self.0.certificates.lock().server)
    }

    /// What the gateway was told at start.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Reads the target's login for an account of a connection.
    ///
    /// # Errors
    /// Names the connection and the account, never the secret.
    pub async fn lease(&self, connection: &Connection, account: &str) -> Result<Lease, LeaseError> {
        let now = self.now();
        self.0.credentials.lease(connection, account, now).await
    }

    /// A new session's id; the upper half of its bits is the time.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn mint_session_id(&self) -> Result<SessionId, LoginError> {
        let random = crate::keys::random::<8>().map_err(|_| LoginError::Unavailable)?;
        let millis = u128::from(self.now().millis().unsigned_abs());
        let low = u128::from(u64::from_be_bytes(*random)) & ((1 << 50) - 1);
        Ok(SessionId::from_bits(millis << 50 | low))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn protocols(&self) -> &'static [ProtocolSpec] {
        self.0.protocols
    }

    pub(crate) fn ca_pem(&self) -> Option<String> {
        self.0.certificates.lock().ca_pem.clone()
    }

    /// Records a change before it is made.
    pub(crate) fn record(
        &self,
        actor: &PrincipalId,
        act: &str,
        subject: impl ToString,
        detail: impl Into<String>,
    ) -> Result<(), ControlError> {
        let act = AdminAct {
            actor: actor.clone(),
            act: act.to_owned(),
            subject: subject.to_string(),
            detail: detail.into(),
        };
        let recorded = self.0.log.append_admin(self.now(), &act);
        self.note_log(recorded.as_ref().err().map(ToString::to_string));
        recorded.map(|_| ()).map_err(|error| {
            tracing::error!(%error, "an administrative change could not be recorded and was not made");
            ControlError::Unavailable
        })
    }

    /// Notes how the log is.
    fn note_log(&self, failing: Option<String>) {
        self.0.health.send_if_modified(|h| {
            let changed = h.log_failing != failing;
            if let (true, Some(why)) = (changed, &failing) {
                tracing::error!(%why, "the log failed; nothing is done that cannot be recorded");
                let (why, at) = (why.clone(), self.now());
                self.notice(Notice::LogGap { why, at });
            }
            h.log_failing = failing;
            changed
        });
    }

    /// Keeps changes in the store with the messages that they call for, or refuses.
    async fn write(&self, changes: &Changes) -> Result<(), ControlError> {
        let told = self
            .0
            .desk
            .about(&changes.approvals, &self.snapshot(), self.now());
        self.stored(self.0.store.write(changes, &told).await)?;
        if !told.is_empty() {
            self.0.desk.ring();
        }
        // Whoever asks now waits until the change is seen: all of it happens under one lock.
        if !changes.approvals.is_empty() {
            self.0.following.news.tell(Topic::Approvals);
        }
        if changes.touches_principals() {
            self.0.following.news.tell(Topic::Principals);
        }
        Ok(())
    }

    /// Follows what changes.
    pub(crate) fn news(&self) -> broadcast::Receiver<Topic> {
        self.0.following.news.listen()
    }

    /// Notes how the store is, and refuses what it could not keep.
    fn stored<T>(&self, result: Result<T, StoreError>) -> Result<T, ControlError> {
        let now = self.now();
        if let Err(error) = &result {
            self.0.health.send_if_modified(|h| {
                let first = h.store_failing_since.is_none();
                h.store_failing_since.get_or_insert(now);
                if first {
                    tracing::error!(%error, "the store failed; nobody new is let in");
                }
                first
            });
        }
        result.map_err(|_| ControlError::Unavailable)
    }

    /// These identity providers from now on. What is known of those that did not change is kept.
    fn replace_providers(&self, declared: Vec<DeclaredProvider>) {
        let before = self.0.providers.load();
        let build = |declared: DeclaredProvider| {
            let same = before.iter().find(|p| p.declared == declared).cloned();
            same.or_else(|| Provider::new(declared).map(Arc::new))
        };
        let next = declared.into_iter().filter_map(build).collect();
        self.0.providers.store(Arc::new(next));
    }

    /// Makes the working state what everybody sees.
    fn publish(&self, working: &mut Working) -> u64 {
        let now = self.now();
        working.version += 1;
        working.published = now;
        let standing = match working.cut_off {
            true => Standing {
                unknown: true,
                ..Standing::default()
            },
            false => standing(working, now),
        };
        let login = |t: &TokenRow| Login {
            token: t.id.clone(),
            principal: t.principal.clone(),
            purpose: t.purpose,
            valid: t.is_valid(now) && !working.cut_off,
            expires: t.expires,
            networks: t.networks.clone(),
            workload: t.workload.clone(),
            audience: t.audience.clone(),
        };
        let logins = working.tokens.values().map(|t| (t.hash, login(t)));
        self.0.logins.store(Arc::new(logins.collect()));
        self.0.desk.note_addresses(&working.roster);
        let snapshot = working.base.with_standing(working.version, standing);
        self.0.snapshots.send_replace(Arc::new(snapshot));
        self.0.timer.notify_one();
        working.version
    }
}

/// The built-in principal behind the local administrator's credential.
fn local_admin() -> Principal {
    Principal {
        id: PrincipalId::user(LOCAL_ADMIN),
        groups: BTreeSet::from([ADMINS.to_owned()]),
        owner: None,
    }
}

fn standing(working: &Working, now: Timestamp) -> Standing {
    let mut principals = working.roster.standing(now);
    principals.push(local_admin());
    let tokens = working.tokens.values().filter(|t| t.is_valid(now));
    let token = |t: &TokenRow| StandingToken {
        principal: t.principal.clone(),
        expires: t.expires,
        networks: t.networks.clone(),
        workload: t.workload.clone(),
    };
    Standing {
        principals,
        tokens: tokens.map(|t| (t.id.clone(), Arc::new(token(t)))).collect(),
        grants: working
            .approvals
            .values()
            .filter_map(|a| a.grant(now))
            .collect(),
        unknown: false,
    }
}
