//! The index: what lists and searches over the records are answered from. It follows the log a second behind, is made
//! from the records alone, and is made anew when it is lost. Nothing that is decided depends on it.
//!
//! * `follow` reads the log and the records on; `read` turns events into rows; `write` keeps rows.
//! * `search` finds operations; `lists` finds sessions and entries of the log; `numbers` counts over time.

mod follow;
mod lists;
mod numbers;
mod read;
mod search;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use follow::Noticed;
pub(crate) use lists::{LogFilter, SessionFilter};
pub(crate) use search::{Cursor, Filter, is_cut};

use crate::error::StartError;
use parking_lot::Mutex;
use sluice_record::{Log, LogPlace, VerifierKey};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The index's file in the data directory.
const FILE: &str = "index.db";
/// Changes with the schema: an index of another version is made anew.
const VERSION: i64 = 2;
/// People who look at the same time without waiting for each other.
const READERS: u32 = 3;
/// Searches that run at a time.
const SEARCHERS: u32 = 2;
/// How long a search waits for its turn.
const TURN: Duration = Duration::from_secs(10);
/// Memory for pages of the file, for each that looks: in KiB, as SQLite wants it (negative).
const CACHE: &str = "-16384";
/// The same for the one that writes: what is indexed lands all over the file.
const WRITER_CACHE: &str = "-65536";
/// Pages that are written ahead before they are put in their places: fewer, larger rounds.
const WRITE_AHEAD: &str = "8192";

/// Why the index did not answer. Nothing but lists depends on it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("the index cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the records cannot be read: {0}")]
    Record(#[from] sluice_record::RecordError),
    #[error("a row cannot be kept: {0}")]
    Row(#[from] serde_json::Error),
    #[error("the index's file cannot be replaced: {0}")]
    File(#[from] io::Error),
    #[error("the index does not know where it is in the log")]
    NoPlace,
}

type Result<T> = std::result::Result<T, IndexError>;

/// SQLite's codes for a file that is damaged, and for one that is no database.
const BROKEN: [&str; 2] = ["11", "26"];

impl IndexError {
    /// Whether the file itself is what is wrong.
    fn is_broken(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else {
            return false;
        };
        error
            .code()
            .is_some_and(|code| BROKEN.contains(&code.as_ref()))
    }
}

/// What somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    /// What is theirs, and what is on these connections.
    Theirs {
        principal: String,
        connections: BTreeSet<String>,
    },
}

/// The open index.
pub(crate) struct Index {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Apart from the others, so that searches keep nobody waiting but searches.
    searchers: SqlitePool,
    known: Mutex<Known>,
}

/// Names and lists whose numbers are known: nearly all of what comes has come before.
#[derive(Default)]
struct Known {
    names: HashMap<String, i64>,
    lists: HashMap<write::ShortHash, i64>,
}

impl Index {
    /// Opens it, or makes it anew where it is not there, is of another version or log, or is broken.
    pub(crate) async fn open(data_dir: &Path, log: &Log) -> std::result::Result<Self, StartError> {
        let path = data_dir.join(FILE);
        let failed = |error: IndexError| StartError::Index(error.to_string());
        let (key, size) = (log.verifier(), log.latest().mark.size);
        let (log, records) = (&key, log.dir().to_path_buf());
        match Self::open_at(&path, log).await {
            Ok(index) if index.is_of(log, size, &records).await => return Ok(index),
            Ok(index) => {
                tracing::warn!("the index is of another version or log, and is made anew");
                index.close().await;
            }
            Err(error) if error.is_broken() => tracing::warn!(%error, "the index is made anew"),
            // A full disk, say: what is there is good.
            Err(error) => return Err(failed(error)),
        }
        remove(&path).map_err(|error| failed(error.into()))?;
        Self::open_at(&path, log).await.map_err(failed)
    }

    async fn open_at(path: &Path, log: &VerifierKey) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What a power cut loses is read from the records again.
            .synchronous(SqliteSynchronous::Normal)
            .pragma("cache_size", CACHE)
            .busy_timeout(TURN);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(TURN)
            .connect_with(
                options
                    .clone()
                    .pragma("cache_size", WRITER_CACHE)
                    .pragma("wal_autocheckpoint", WRITE_AHEAD),
            )
            .await?;
        let made: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&writer)
            .await?;
        if made == 0 {
            make(&writer, log).await?;
        }
        private(path)?;
        let reading = options.read_only(true).create_if_missing(false);
        let pool = |most| {
            SqlitePoolOptions::new()
                .max_connections(most)
                .acquire_timeout(TURN)
        };
        let readers = pool(READERS).connect_with(reading.clone()).await?;
        let searchers = pool(SEARCHERS).connect_with(reading).await?;
        Ok(Self {
            writer,
            readers,
            searchers,
            known: Mutex::default(),
        })
    }

    /// Whether it is of this version and of this log, which has so many entries.
    async fn is_of(&self, log: &VerifierKey, size: u64, records: &Path) -> bool {
        let version = sqlx::query_scalar::<_, i64>("PRAGMA user_version");
        let version = version.fetch_one(&self.writer).await;
        let of = sqlx::query_scalar::<_, String>("SELECT log FROM progress");
        let of = of.fetch_one(&self.writer).await;
        version.is_ok_and(|version| version == VERSION)
            && of.is_ok_and(|of| of == log.to_string())
            && self
                .place()
                .await
                .is_ok_and(|place| place.next <= size && goes_on(records, place))
    }

    /// How far the log has been read.
    pub(crate) async fn place(&self) -> Result<LogPlace> {
        let row: Option<(i64, i64)> = sqlx::query_as(r#"SELECT next, "offset" FROM progress"#)
            .fetch_optional(&self.writer)
            .await?;
        let (next, offset) = row.ok_or(IndexError::NoPlace)?;
        Ok(LogPlace {
            next: next.unsigned_abs(),
            offset: offset.unsigned_abs(),
        })
    }

    pub(crate) async fn close(&self) {
        self.searchers.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Whether the log goes on at a place: a power cut may have taken entries that had been read.
fn goes_on(records: &Path, place: LogPlace) -> bool {
    let entries = sluice_record::entries_from(records, Some(place));
    entries.is_ok_and(|mut entries| entries.next().is_none_or(|read| read.is_ok()))
}

/// Makes the tables.
async fn make(writer: &SqlitePool, log: &VerifierKey) -> Result<()> {
    let mut tx = writer.begin().await?;
    sqlx::raw_sql(include_str!("schema.sql"))
        .execute(&mut *tx)
        .await?;
    sqlx::query(r#"INSERT INTO progress (one, log, next, "offset") VALUES (1, $1, $2, $3)"#)
        .bind(log.to_string())
        .bind(write::int(LogPlace::START.next))
        .bind(write::int(LogPlace::START.offset))
        .execute(&mut *tx)
        .await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "PRAGMA user_version = {VERSION}"
    )))
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// Records are for the gateway's user alone, and so is what is made from them.
fn private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for file in files(path) {
        match std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    for file in files(path) {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The file and those that SQLite keeps beside it.
fn files(path: &Path) -> [PathBuf; 3] {
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    [path.to_owned(), beside("-wal"), beside("-shm")]
}
