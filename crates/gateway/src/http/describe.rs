//! Descriptions of services, read once and again when they change.

use super::refusal::Refusal;
use crate::port::ControlPort;
use http::StatusCode;
use parking_lot::Mutex;
use sluice_protocol::http::openapi::Document;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one is used before the file is looked at again.
const KEPT: Duration = Duration::from_secs(10);

/// All that were read, by their files.
#[derive(Default)]
pub struct Descriptions(Mutex<HashMap<String, (Arc<Document>, Instant)>>);

impl Descriptions {
    /// The description in a file.
    ///
    /// # Errors
    /// It cannot be read. Nothing is passed on without it: policies go by what it names.
    pub async fn of(&self, port: &dyn ControlPort, file: &str) -> Result<Arc<Document>, Refusal> {
        if let Some((document, since)) = self.0.lock().get(file)
            && since.elapsed() < KEPT
        {
            return Ok(Arc::clone(document));
        }
        let value = port.description(file).await?;
        let document = Document::read(&value).map_err(|error| {
            tracing::warn!(file, %error, "a description cannot be used");
            let why = format!("the description of the service cannot be used: {error}");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
        })?;
        let document = Arc::new(document);
        let known = (Arc::clone(&document), Instant::now());
        self.0.lock().insert(file.to_owned(), known);
        Ok(document)
    }
}
