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
const KEPT: Duration = Duration::from_secs(5);

struct Known {
    document: Arc<Document>,
    since: Instant,
}

/// What is known of a file.
enum Found {
    Fresh(Arc<Document>),
    /// It is too old, and whoever is told so reads it.
    Claimed,
    Missing,
}

/// All that were read, by their files.
#[derive(Default)]
pub struct Descriptions {
    known: Mutex<HashMap<String, Known>>,
    /// One reads a file for the first time, and the others wait for what it finds.
    reading: tokio::sync::Mutex<()>,
}

impl Descriptions {
    /// The description in a file.
    ///
    /// # Errors
    /// It cannot be read. Nothing is passed on without it: policies go by what it names.
    pub async fn of(&self, port: &dyn ControlPort, file: &str) -> Result<Arc<Document>, Refusal> {
        match self.found(file) {
            Found::Fresh(document) => return Ok(document),
            Found::Claimed => return self.read(port, file).await,
            Found::Missing => {}
        }
        let _reading = self.reading.lock().await;
        match self.found(file) {
            Found::Fresh(document) => Ok(document),
            Found::Claimed | Found::Missing => self.read(port, file).await,
        }
    }

    /// What is known. Whoever finds it too old reads it again, and others go on with the old one meanwhile.
    fn found(&self, file: &str) -> Found {
        let mut all = self.known.lock();
        let Some(known) = all.get_mut(file) else {
            return Found::Missing;
        };
        if known.since.elapsed() < KEPT {
            return Found::Fresh(Arc::clone(&known.document));
        }
        known.since = Instant::now();
        Found::Claimed
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
