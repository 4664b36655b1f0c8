//! The control plane's state and what it publishes. Every change goes the same way: it is recorded, then stored,
//! then kept in memory, then published as a new snapshot. What cannot be recorded or stored is not done.

mod administer;
mod apply;
mod background;
mod hold;
mod start;

pub(crate) use administer::Caller;
pub use start::{LOCAL_ADMIN_FILE, LOG_KEY_FILE, records_of};

use crate::approvals::Approval;
use crate::certificates::{CertificateSource, ServerCertificate};
use crate::clock::Clock;
use crate::config::Config;
use crate::credentials;
use crate::error::ControlError;
use crate::port_types::{ApprovalProgress, Authenticated, Health, Lease, LeaseError, LoginError};
use crate::resources::{DeclaredPrincipal, LOCAL_ADMIN, ResourceSet, standing_principals};
use crate::store::{Store, StoreError};
use crate::tokens::{self, HASH_BYTES, Lockout, TokenRow};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sluice_model::{
    AdminAct, ApprovalId, Connection, Principal, PrincipalId, ProtocolSpec, Secret, SessionId,
    Timestamp, TokenId,
};
use sluice_policy::{Snapshot, Standing};
use sluice_record::{Log, Mark};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tokio::sync::{Notify, watch};

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
    /// When tokens were last used, until it is stored.
    used: Mutex<HashMap<TokenId, Timestamp>>,
    health: watch::Sender<Health>,
    /// Rings when something that ends by time was added.
    timer: Notify,
}

/// What changes.
struct Working {
    version: u64,
    /// The policies and configuration as last built.
    base: Arc<Snapshot>,
    resources: ResourceSet,
    /// The principals that the resources declare.
    declared: BTreeMap<PrincipalId, DeclaredPrincipal>,
    /// What the resources directory said when it was last taken over.
    directory: ResourceSet,
    disabled: BTreeSet<PrincipalId>,
    tokens: BTreeMap<TokenId, TokenRow>,
    approvals: BTreeMap<ApprovalId, Approval>,
    waiting: BTreeMap<ApprovalId, watch::Sender<ApprovalProgress>>,
    /// The store is gone for longer than the grace: nobody stands any more.
    cut_off: bool,
}

/// What a token's hash leads to.
struct Login {
    token: TokenId,
    principal: PrincipalId,
    expires: Timestamp,
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

    /// Who holds this secret. Reads memory only.
    ///
    /// # Errors
    /// The same for everything that can be wrong with a token; others for an address that guesses and for a store
    /// that is gone.
    pub fn authenticate(&self, secret: &str, from: IpAddr) -> Result<Authenticated, LoginError> {
        let now = self.now();
        if !self.0.health.borrow().accepts_logins() {
            return Err(LoginError::Unavailable);
        }
        if self.0.lockout.lock().is_locked(from, now) {
            return Err(LoginError::LockedOut);
        }
        match self.find_login(secret, now) {
            Some(found) => {
                self.0.used.lock().insert(found.token.clone(), now);
                Ok(found)
            }
            None => {
                self.0.lockout.lock().failed(from, secret, now);
                Err(LoginError::Refused)
            }
        }
    }

    fn find_login(&self, secret: &str, now: Timestamp) -> Option<Authenticated> {
        // Found by its hash: what the time of the search tells is about the hash, and does not help to find a secret.
        let hash = tokens::hash(secret)?;
        let logins = self.0.logins.load();
        let login = logins.get(&hash).filter(|login| now < login.expires)?;
        let principal = self
            .0
            .snapshots
            .borrow()
            .principal(&login.principal)
            .cloned()?;
        Some(Authenticated {
            principal,
            token: login.token.clone(),
            expires: login.expires,
        })
    }

    /// Whether this is the local administrator's credential, used from this very host.
    pub(crate) fn is_local_admin(&self, secret: &str, from: IpAddr) -> Option<Principal> {
        let hash = tokens::hash(secret)?;
        let same = bool::from(hash.ct_eq(&self.0.local_admin));
        (same && from.to_canonical().is_loopback()).then(local_admin)
    }

    /// Reads the target's login for an account of a connection.
    ///
    /// # Errors
    /// Names the connection and the account, never the secret.
    pub fn lease(&self, connection: &Connection, account: &str) -> Result<Lease, LeaseError> {
        credentials::lease(connection, account)
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
            }
            h.log_failing = failing;
            changed
        });
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

    /// Makes the working state what everybody sees.
    fn publish(&self, working: &mut Working) -> u64 {
        let now = self.now();
        working.version += 1;
        let standing = match working.cut_off {
            true => Standing {
                unknown: true,
                ..Standing::default()
            },
            false => standing(working, now),
        };
        let valid = working.tokens.values().filter(|t| t.is_valid(now));
        let login = |t: &TokenRow| Login {
            token: t.id.clone(),
            principal: t.principal.clone(),
            expires: t.expires,
        };
        self.0
            .logins
            .store(Arc::new(valid.map(|t| (t.hash, login(t))).collect()));
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
    let mut principals = standing_principals(&working.declared, &working.disabled);
    principals.push(local_admin());
    let tokens = working.tokens.values().filter(|t| t.is_valid(now));
    Standing {
        principals,
        tokens: tokens.map(|t| (t.id.clone(), t.expires)).collect(),
        grants: working
            .approvals
            .values()
            .filter_map(|a| a.grant(now))
            .collect(),
        unknown: false,
    }
}
