//! Descriptions of services, read once and again when they change.

use super::refusal::Refusal;
use crate::port::ControlPort;
use http::StatusCode;
use parking_lot::Mutex;
use sluice_protocol::http::openapi::Document;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one is used before the file is read again.
const KEPT: Duration = Duration::from_secs(10);

struct Known {
    document: Arc<Document>,
    since: Instant,
}

/// All that were read, by their files.
#[derive(Default)]
pub struct Descriptions {
    known: Mutex<HashMap<String, Known>>,
    /// One reads at a time, and the others wait for what it finds.
    reading: tokio::sync::Mutex<()>,
}

impl Descriptions {
    /// The description in a file.
    ///
    /// # Errors
    /// It cannot be read. Nothing is passed on without it: policies go by what it names.
    pub async fn of(&self, port: &dyn ControlPort, file: &str) -> Result<Arc<Document>, Refusal> {
        if let Some(document) = self.fresh(file, true) {
            return Ok(document);
        }
        let _reading = self.reading.lock().await;
        match self.fresh(file, false) {
            Some(document) => Ok(document),
            None => self.read(port, file).await,
        }
    }

    /// What is known, if it is no older than it may be. With `claim`, whoever finds it too old keeps others from finding
    /// the same: they go on with the old one meanwhile.
    fn fresh(&self, file: &str, claim: bool) -> Option<Arc<Document>> {
        let mut all = self.known.lock();
        let known = all.get_mut(file)?;
        let is_fresh = known.since.elapsed() < KEPT;
        if !is_fresh && claim {
            known.since = Instant::now();
            return None;
        }
        is_fresh.then(|| Arc::clone(&known.document))
    }

    async fn read(&self, port: &dyn ControlPort, file: &str) -> Result<Arc<Document>, Refusal> {
        let value = port.description(file).await.inspect_err(|_| {
            self.known.lock().remove(file);
        })?;
        let read = tokio::task::spawn_blocking(move || Document::read(&value)).await;
        let cannot = |error: String| {
            self.known.lock().remove(file);
            tracing::warn!(file, error, "a description cannot be used");
            let why = format!("the description of the service cannot be used: {error}");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
        };
        let document = match read {
            Ok(Ok(document)) => Arc::new(document),
            Ok(Err(error)) => return Err(cannot(error.to_string())),
            Err(error) => return Err(cannot(error.to_string())),
        };
        let known = Known {
            document: Arc::clone(&document),
            since: Instant::now(),
        };
        self.known.lock().insert(file.to_owned(), known);
        Ok(document)
    }
}
