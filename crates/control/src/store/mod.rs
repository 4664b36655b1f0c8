//! The store: one SQLite file that survives restarts. Everything that decisions use is loaded from it at start and
//! kept in memory; every change is written here before it takes effect.

mod changes;
mod deliveries;
mod history;
mod load;

pub(crate) use changes::{Changes, Disabled};
pub(crate) use deliveries::WantedDeliveries;
pub(crate) use history::{NewChange, Wanted};

use crate::approvals::Approval;
use crate::identity::roster::{OwnedAgent, Person, ProvisionedGroup};
use crate::identity::sign_in::SignIn;
use crate::keys::hex;
use crate::notify::Waiting;
use crate::resources::ResourceSet;
use crate::tokens::{HASH_BYTES, TokenRow};
use parking_lot::Mutex;
use sluice_model::{PrincipalId, Timestamp, TokenId};
use sluice_record::Mark;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The store's file in the data directory.
const STORE_FILE: &str = "sluice.db";
/// How every SQLite file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How long a statement waits for the one connection, and the connection for the file's lock: longer than any
/// write of ours takes, short enough that a request does not hang.
const BUSY: Duration = Duration::from_secs(3);
/// Why the store did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or could not be reached.
    #[error("the store cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    /// The file is from another version.
    #[error("the store cannot be brought to this version: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The file was removed or replaced under the running gateway.
    #[error("the store's file {0} was removed or replaced")]
    Gone(PathBuf),
    /// The file's content was overwritten under the running gateway.
    #[error("the store's file {0} is no store any more")]
    Overwritten(PathBuf),
    /// The file cannot be made.
    #[error("the store's file {path} cannot be made: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: std::io::ErrorKind,
    },
}

type Result<T> = std::result::Result<T, StoreError>;

/// Everything that is kept in memory while the gateway runs.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) resources: ResourceSet,
    pub(crate) directory: ResourceSet,
    pub(crate) disabled: BTreeSet<PrincipalId>,
    pub(crate) tokens: BTreeMap<TokenId, TokenRow>,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) people: Vec<Person>,
    pub(crate) agents: Vec<OwnedAgent>,
    pub(crate) groups: Vec<ProvisionedGroup>,
    pub(crate) sign_ins: Vec<SignIn>,
    pub(crate) mark: Option<Mark>,
    pub(crate) local_admin: Option<[u8; HASH_BYTES]>,
    /// The number of the latest message that left, or waits to.
    pub(crate) last_delivery: i64,
}

/// The open store.
pub(crate) struct Store {
    pool: SqlitePool,
    path: PathBuf,
    /// Which file it is, so that its replacement is noticed.
    inode: u64,
    /// The messages that wait to leave.
    waiting: Mutex<Waiting>,
}

impl Store {
    /// Opens or makes the store and brings it to this version.
    pub(crate) async fn open(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(STORE_FILE);
        let cannot = |e: std::io::Error| StoreError::File {
            path: path.clone(),
            why: e.kind(),
        };
        // Made here and not by SQLite, so that nobody else may read it from its first moment.
        let mut options = std::fs::OpenOptions::new();
        options
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(cannot)?;
        let inode = std::fs::metadata(&path).map_err(cannot)?.ino();
        let connect = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            // A revocation that was confirmed must survive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY)
            .connect_with(connect)
            .await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        Ok(Self {
            pool,
            path,
            inode,
            waiting: Mutex::default(),
        })
    }

    /// Closes it, so that everything is in the one file.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether it can be read, and would take a change: a store that cannot keep that somebody was switched off is
    /// as good as gone.
    pub(crate) async fn probe(&self) -> Result<()> {
        let mut changing = self.changing().await?;
        sqlx::query("SELECT size FROM checkpoint")
            .fetch_optional(&mut *changing)
            .await?;
        Ok(changing.rollback().await?)
    }

    /// Begins a change, in the file that was opened: SQLite itself goes on writing to one that was moved away, and
    /// reads from its own memory what it has read before, whatever became of the file.
    async fn changing(&self) -> Result<Transaction<'static, Sqlite>> {
        let same = std::fs::metadata(&self.path).is_ok_and(|m| m.ino() == self.inode);
        if !same {
            return Err(StoreError::Gone(self.path.clone()));
        }
        let mut head = [0; MAGIC.len()];
        let read = std::fs::File::open(&self.path).and_then(|mut file| file.read_exact(&mut head));
        if read.is_err() || head != *MAGIC {
            return Err(StoreError::Overwritten(self.path.clone()));
        }
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Replaces the resources by `set`, and what the directory said by `directory` where that is given. A `change` is
    /// kept in their history.
    pub(crate) async fn write_resources(
        &self,
        set: &ResourceSet,
        directory: Option<&ResourceSet>,
        change: Option<&NewChange<'_>>,
        at: Timestamp,
    ) -> Result<()> {
        let mut tx = self.changing().await?;
        if let Some(change) = change {
            history::keep(&mut tx, change, set, at).await?;
        }
        sqlx::query("DELETE FROM resources")
            .execute(&mut *tx)
            .await?;
        for ((kind, name), resource) in &set.0 {
            let sql = "INSERT INTO resources (kind, name, body, source, updated) VALUES ($1, $2, $3, $4, $5)";
            sqlx::query(sql)
                .bind(kind.as_str())
                .bind(name)
                .bind(resource.body.to_string())
                .bind(&resource.source)
                .bind(at.0)
                .execute(&mut *tx)
                .await?;
        }
        if let Some(directory) = directory {
            sqlx::query("DELETE FROM directory")
                .execute(&mut *tx)
                .await?;
            for ((kind, name), resource) in &directory.0 {
                sqlx::query("INSERT INTO directory (kind, name, body) VALUES ($1, $2, $3)")
                    .bind(kind.as_str())
                    .bind(name)
                    .bind(resource.body.to_string())
                    .execute(&mut *tx)
                    .await?;
            }
        }
        Ok(tx.commit().await?)
    }

    /// Keeps the latest checkpoint of the log.
    pub(crate) async fn write_mark(&self, mark: Mark, at: Timestamp) -> Result<()> {
        let sql = "INSERT INTO checkpoint (one, size, root, at) VALUES (1, $1, $2, $3) \
                   ON CONFLICT (one) DO UPDATE SET size = excluded.size, root = excluded.root, at = excluded.at";
        let root = serde_json::to_string(&mark.root).unwrap_or_default();
        let mut tx = self.changing().await?;
        sqlx::query(sql)
            .bind(i64::try_from(mark.size).unwrap_or(i64::MAX))
            .bind(root)
            .bind(at.0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Keeps the hash of the local administrator's credential.
    pub(crate) async fn write_local_admin(&self, hash: &[u8; HASH_BYTES]) -> Result<()> {
        let sql = "INSERT INTO local_admin (one, hash) VALUES (1, $1) \
                   ON CONFLICT (one) DO UPDATE SET hash = excluded.hash";
        let mut tx = self.changing().await?;
        sqlx::query(sql).bind(hex(hash)).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
}
