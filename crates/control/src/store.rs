//! The store: one SQLite file that survives restarts. Everything that decisions use is loaded from it at start and
//! kept in memory; every change is written here before it takes effect.

use crate::approvals::Approval;
use crate::keys::{from_hex, hex};
use crate::resources::{Kind, Resource, ResourceSet};
use crate::tokens::{HASH_BYTES, TokenRow};
use sluice_model::{ApprovalState, PrincipalId, Timestamp, TokenId};
use sluice_record::Mark;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, Sqlite, SqlitePool, Transaction};
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
/// Tokens stay listed for so many seconds after their end; then they stay in the file and in the log only.
const LISTED_AFTER_END: i64 = 30 * 86_400;
/// Decided approvals that are loaded at start, newest first; older ones stay in the file and in the log.
const LOADED_APPROVALS: i64 = 1_000;

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
    pub(crate) mark: Option<Mark>,
    pub(crate) local_admin: Option<[u8; HASH_BYTES]>,
}

/// The open store.
pub(crate) struct Store {
    pool: SqlitePool,
    path: PathBuf,
    /// Which file it is, so that its replacement is noticed.
    inode: u64,
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
        Ok(Self { pool, path, inode })
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

    /// Reads everything.
    pub(crate) async fn load(&self, now: Timestamp) -> Result<Loaded> {
        let mark = sqlx::query("SELECT size, root FROM checkpoint")
            .fetch_optional(&self.pool)
            .await?;
        let mark = match mark {
            None => None,
            Some(row) => read_mark(row.try_get(0)?, row.try_get(1)?),
        };
        let admin = sqlx::query("SELECT hash FROM local_admin")
            .fetch_optional(&self.pool)
            .await?;
        let admin: Option<String> = admin.map(|row| row.try_get(0)).transpose()?;
        let disabled = sqlx::query("SELECT principal FROM disabled")
            .fetch_all(&self.pool)
            .await?;
        let disabled: Vec<String> = disabled
            .iter()
            .map(|row| row.try_get(0))
            .collect::<std::result::Result<_, _>>()?;
        Ok(Loaded {
            resources: self
                .load_set("SELECT kind, name, body, source FROM resources")
                .await?,
            directory: self
                .load_set("SELECT kind, name, body, '' FROM directory")
                .await?,
            disabled: disabled.iter().filter_map(|p| p.parse().ok()).collect(),
            tokens: self.load_tokens(now).await?,
            approvals: self.load_approvals().await?,
            mark,
            local_admin: admin.and_then(|text| from_hex(&text)).map(|hash| *hash),
        })
    }

    async fn load_set(&self, sql: &'static str) -> Result<ResourceSet> {
        let mut set = ResourceSet::default();
        for row in sqlx::query(sql).fetch_all(&self.pool).await? {
            let (kind, name, body): (String, String, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            if let (Ok(kind), Ok(body)) = (kind.parse::<Kind>(), serde_json::from_str(&body)) {
                set.0.insert(
                    (kind, name),
                    Resource {
                        body,
                        source: row.try_get(3)?,
                    },
                );
            }
        }
        Ok(set)
    }

    async fn load_tokens(&self, now: Timestamp) -> Result<BTreeMap<TokenId, TokenRow>> {
        let sql = "SELECT id, name, principal, hash, created, expires, last_used, revoked \
                   FROM tokens WHERE expires > $1";
        let since = now.plus_seconds(-LISTED_AFTER_END).0;
        let mut tokens = BTreeMap::new();
        for row in sqlx::query(sql).bind(since).fetch_all(&self.pool).await? {
            let (id, principal, hash): (String, String, String) =
                (row.try_get(0)?, row.try_get(2)?, row.try_get(3)?);
            let parts = (id.parse::<TokenId>(), principal.parse(), from_hex(&hash));
            let (Ok(id), Ok(principal), Some(hash)) = parts else {
                continue;
            };
            let token = TokenRow {
                id: id.clone(),
                name: row.try_get(1)?,
                principal,
                hash: *hash,
                created: Timestamp(row.try_get(4)?),
                expires: Timestamp(row.try_get(5)?),
                last_used: row.try_get::<Option<i64>, _>(6)?.map(Timestamp),
                revoked: row.try_get::<Option<i64>, _>(7)?.map(Timestamp),
            };
            tokens.insert(id, token);
        }
        Ok(tokens)
    }

    async fn load_approvals(&self) -> Result<Vec<Approval>> {
        let sql = "SELECT body FROM approvals WHERE state IN ('pending', 'approved') \
                   UNION ALL SELECT body FROM (SELECT body FROM approvals \
                   WHERE state NOT IN ('pending', 'approved') ORDER BY created DESC LIMIT $1)";
        let rows = sqlx::query(sql)
            .bind(LOADED_APPROVALS)
            .fetch_all(&self.pool)
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let body: String = row.try_get(0)?;
            found.extend(serde_json::from_str::<Approval>(&body).ok());
        }
        Ok(found)
    }

    /// Replaces the resources by `set`, and what the directory said by `directory` where that is given.
    pub(crate) async fn write_resources(
        &self,
        set: &ResourceSet,
        directory: Option<&ResourceSet>,
        at: Timestamp,
    ) -> Result<()> {
        let mut tx = self.changing().await?;
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

    /// Switches a principal off (`Some`: when and by whom) or on, and keeps the approvals that change by it.
    pub(crate) async fn write_disabled(
        &self,
        principal: &PrincipalId,
        off: Option<(Timestamp, &PrincipalId)>,
        approvals: &[Approval],
    ) -> Result<()> {
        let mut tx = self.changing().await?;
        let name = principal.to_string();
        match off {
            Some((at, actor)) => {
                let sql = "INSERT INTO disabled (principal, at, actor) VALUES ($1, $2, $3) \
                           ON CONFLICT (principal) DO NOTHING";
                let query = sqlx::query(sql)
                    .bind(name)
                    .bind(at.0)
                    .bind(actor.to_string());
                query.execute(&mut *tx).await?;
            }
            None => {
                sqlx::query("DELETE FROM disabled WHERE principal = $1")
                    .bind(name)
                    .execute(&mut *tx)
                    .await?;
            }
        }
        for approval in approvals {
            upsert(approval).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Keeps a new token.
    pub(crate) async fn add_token(&self, token: &TokenRow) -> Result<()> {
        let sql = "INSERT INTO tokens (id, name, principal, hash, created, expires) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let mut tx = self.changing().await?;
        sqlx::query(sql)
            .bind(token.id.as_str())
            .bind(&token.name)
            .bind(token.principal.to_string())
            .bind(hex(&token.hash))
            .bind(token.created.0)
            .bind(token.expires.0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Marks a token revoked.
    pub(crate) async fn revoke_token(&self, id: &TokenId, at: Timestamp) -> Result<()> {
        let mut tx = self.changing().await?;
        sqlx::query("UPDATE tokens SET revoked = $2 WHERE id = $1 AND revoked IS NULL")
            .bind(id.as_str())
            .bind(at.0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Keeps when tokens were last used.
    pub(crate) async fn write_last_used(&self, used: &[(TokenId, Timestamp)]) -> Result<()> {
        let mut tx = self.changing().await?;
        for (id, at) in used {
            sqlx::query("UPDATE tokens SET last_used = $2 WHERE id = $1")
                .bind(id.as_str())
                .bind(at.0)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Keeps approvals as they are now, all or none.
    pub(crate) async fn write_approvals(&self, approvals: &[Approval]) -> Result<()> {
        let mut tx = self.changing().await?;
        for approval in approvals {
            upsert(approval).execute(&mut *tx).await?;
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

fn read_mark(size: i64, root: String) -> Option<Mark> {
    let root = serde_json::from_str(&root).ok()?;
    Some(Mark {
        size: u64::try_from(size).ok()?,
        root,
    })
}

type Statement<'q> = sqlx::query::Query<'q, Sqlite, <Sqlite as sqlx::Database>::Arguments>;

fn upsert(approval: &Approval) -> Statement<'_> {
    let state = match approval.state {
        ApprovalState::Pending => "pending",
        ApprovalState::Approved => "approved",
        ApprovalState::Denied => "denied",
        ApprovalState::Spent => "spent",
        ApprovalState::Cancelled => "cancelled",
        ApprovalState::Expired => "expired",
    };
    let sql = "INSERT INTO approvals (id, state, created, body) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body";
    sqlx::query(sql)
        .bind(approval.id.as_str())
        .bind(state)
        .bind(approval.created.0)
        .bind(serde_json::to_string(approval).unwrap_or_default())
}
