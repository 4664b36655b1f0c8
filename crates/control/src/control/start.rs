//! Starting: keys, store, log, the last state, and the resources directory on top of it.

use super::recorded::Following;
use super::{Control, Inner, Working, local_admin};
use crate::certificates::CertificateSource;
use crate::clock::Clock;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::error::StartError;
use crate::identity::assertion::IdentityKey;
use crate::identity::issuers::Issuers;
use crate::identity::roster::Roster;
use crate::identity::saml_key::SamlKey;
use crate::identity::seal::Sealer;
use crate::index::Index;
use crate::keys::{KeyError, Keys, read_private, write_new};
use crate::notify::Desk;
use crate::port_types::Health;
use crate::problems::Problems;
use crate::resources::{ResourceSet, build, merged_with_directory};
use crate::store::{Loaded, Store};
use crate::tokens::{self, HASH_BYTES, Lockout};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sluice_model::{ProtocolSpec, Timestamp};
use sluice_policy::{Snapshot, Standing};
use sluice_record::{Log, Mark, VerifierKey};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// The log's directory in the data directory.
const RECORDS_DIR: &str = "records";
/// The local administrator's credential.
pub const LOCAL_ADMIN_FILE: &str = "admin.token";
/// The log's public key, for whoever verifies it.
pub const LOG_KEY_FILE: &str = "log.pub";
/// The log's name in its checkpoints.
const LOG_NAME: &str = "sluice/records";

impl Control {
    /// Opens the data directory (made on first start) and takes the resources directory over.
    ///
    /// # Errors
    /// Something that the gateway needs cannot be used; nothing is served then.
    pub async fn start(
        config: Config,
        protocols: &'static [ProtocolSpec],
    ) -> Result<Self, StartError> {
        Self::start_at(config, protocols, Clock::System).await
    }

    pub(crate) async fn start_at(
        config: Config,
        protocols: &'static [ProtocolSpec],
        clock: Clock,
    ) -> Result<Self, StartError> {
        let now = clock.now();
        let keys = Keys::open(&config.data_dir)?;
        let certificates = CertificateSource::open(&config, now)?;
        let store = Store::open(&config.data_dir).await?;
        let loaded = store.load(now).await?;
        let log = open_log(&config.data_dir, &keys, loaded.mark, now)?;
        let local_admin =
            local_admin_credential(&config.data_dir, &store, loaded.local_admin).await?;
        let base = Arc::new(first_snapshot(&config, &loaded, protocols, &keys)?);
        let issuers = Issuers::default();
        issuers.replace(loaded.resources.declared_issuers());
        let providers = loaded.resources.identity_providers();
        let desk = Desk::new(loaded.resources.notifiers(), loaded.last_delivery);
        let control = Self(Arc::new(Inner {
            working: tokio::sync::Mutex::new(Working {
                version: 0,
                published: now,
                base: Arc::clone(&base),
                roster: Roster {
                    declared: loaded.resources.principals(),
                    people: by(loaded.people, |person| person.name.clone()),
                    agents: by(loaded.agents, |agent| agent.name.clone()),
                    groups: by(loaded.groups, |group| group.provisioned.id.clone()),
                    provisioning: loaded.resources.provisioning(),
                    disabled: loaded.disabled,
                },
                sign_ins: by(loaded.sign_ins, |sign_in| sign_in.id.clone()),
                resources: loaded.resources,
                directory: loaded.directory,
                tokens: loaded.tokens,
                approvals: by(loaded.approvals, |approval| approval.id.clone()),
                waiting: BTreeMap::new(),
                cut_off: false,
            }),
            following: Following::of(Index::open(&config.data_dir, &log).await?),
            saml_key: SamlKey::new(&config.data_dir),
            identity_key: IdentityKey::new(&config.data_dir),
            config,
            protocols,
            clock,
            log,
            store,
            hash_key: keys.hash_key,
            issuers,
            credentials: Credentials::default(),
            sealer: Sealer::new(&keys.seal_key)?,
            providers: ArcSwap::default(),
            flows: Mutex::default(),
            local_admin,
            certificates: Mutex::new(certificates),
            snapshots: watch::Sender::new(base),
            logins: ArcSwap::from_pointee(HashMap::new()),
            kept_mark: Mutex::new(loaded.mark),
            lockout: Mutex::new(Lockout::default()),
            used: Mutex::new(HashMap::new()),
            health: watch::Sender::new(Health::default()),
            timer: Notify::new(),
            desk,
        }));
        control.replace_providers(providers);
        control.record_start()?;
        control.publish(&mut *control.0.working.lock().await);
        control.reload_directory().await;
        Ok(control)
    }

    fn record_start(&self) -> Result<(), StartError> {
        let act = sluice_model::AdminAct {
            actor: local_admin().id,
            act: "gateway.start".to_owned(),
            subject: "gateway".to_owned(),
            detail: format!("version {}", env!("CARGO_PKG_VERSION")),
        };
        self.0.log.append_admin(self.now(), &act)?;
        Ok(())
    }
}

/// A list by what names its items.
fn by<K: Ord, T>(items: Vec<T>, key: impl Fn(&T) -> K) -> BTreeMap<K, T> {
    items.into_iter().map(|item| (key(&item), item)).collect()
}

/// Where the log is and how to check it, without starting anything: (directory, key, the latest mark that the
/// store keeps).
///
/// # Errors
/// The data directory is not one of a gateway that has run.
pub async fn records_of(
    data_dir: &Path,
) -> Result<(PathBuf, VerifierKey, Option<Mark>), StartError> {
    let path = data_dir.join(LOG_KEY_FILE);
    let text = std::fs::read_to_string(&path).map_err(|e| KeyError::file(&path, e.kind()))?;
    let key = text.trim().parse()?;
    let store = Store::open(data_dir).await?;
    let mark = store.load(Clock::System.now()).await?.mark;
    store.close().await;
    Ok((data_dir.join(RECORDS_DIR), key, mark))
}

fn open_log(
    data_dir: &Path,
    keys: &Keys,
    kept: Option<Mark>,
    now: Timestamp,
) -> Result<Log, StartError> {
    let dir = data_dir.join(RECORDS_DIR);
    let log = Log::open(&dir, &keys.log_seed, LOG_NAME, now)?;
    let found = log.latest().mark.size;
    if let Some(kept) = kept.filter(|kept| kept.size > found) {
        return Err(StartError::LogCut {
            kept: kept.size,
            found,
        });
    }
    let text = format!("{}\n", log.verifier());
    write_new(&data_dir.join(LOG_KEY_FILE), text.as_bytes(), 0o644)?;
    Ok(log)
}

/// The hash of the credential in the file; a new one is made when the file or the store does not know it.
async fn local_admin_credential(
    data_dir: &Path,
    store: &Store,
    kept: Option<[u8; HASH_BYTES]>,
) -> Result<[u8; HASH_BYTES], StartError> {
    let path = data_dir.join(LOCAL_ADMIN_FILE);
    let found = read_private(&path)?.and_then(|text| tokens::hash(text.trim()));
    if let Some(hash) = kept.filter(|kept| found == Some(*kept)) {
        return Ok(hash);
    }
    let secret = tokens::mint()?;
    let hash = tokens::hash(secret.expose()).ok_or(KeyError::Crypto)?;
    store.write_local_admin(&hash).await?;
    let text = zeroize::Zeroizing::new(format!("{}\n", secret.expose()));
    write_new(&path, text.as_bytes(), 0o600)?;
    Ok(hash)
}

/// The snapshot of what the store holds. Where that alone does not load (a new version is stricter, say), what the
/// directory makes of it may.
fn first_snapshot(
    config: &Config,
    loaded: &Loaded,
    protocols: &'static [ProtocolSpec],
    keys: &Keys,
) -> Result<Snapshot, StartError> {
    let build = |set: &ResourceSet| {
        build(
            0,
            set,
            protocols,
            keys.hash_key.clone(),
            Standing::default(),
        )
    };
    let from_directory = config.resources.as_deref().map(|dir| {
        merged_with_directory(dir, protocols, &loaded.resources, &loaded.directory)
            .and_then(|merged| build(&merged.resources).map(|_| ()))
    });
    let from_store = build(&loaded.resources);
    match (from_store, from_directory) {
        (Ok(_), Some(Err(problems))) if loaded.resources.0.is_empty() => {
            Err(StartError::Resources(Problems(problems)))
        }
        (Ok(snapshot), _) => Ok(snapshot),
        (Err(_), Some(Ok(()))) => {
            // The directory is taken over right after this.
            build(&ResourceSet::default()).map_err(|p| StartError::Resources(Problems(p)))
        }
        (Err(problems), _) => Err(StartError::Resources(Problems(problems))),
    }
}
