//! How an exchange with a target ended, and what became of its answer.

use super::answer::Body;
use super::call::Head;
use super::capture::Capture;
use super::pool::NoLane;
use super::refusal::Refusal;
use super::wire::WireError;
use http::StatusCode;
use sluice_model::{EventBody, MaskedColumn, Outcome};
use sluice_policy::FieldPlan;
use std::sync::Arc;

/// How the way back ended.
pub enum Back {
    /// The whole answer was sent, and the client's connection goes on or not.
    Done(bool),
    /// The connection changes to a WebSocket.
    Upgraded(Box<Head>),
    /// Nothing was sent to the client yet.
    Refused(Refusal),
    /// The target gave no answer at all.
    NoAnswer(WireError),
    /// The answer was broken off in its middle: why.
    Broken(String),
    /// The target broke its answer off: what was seen of it.
    BrokeOff(WireError),
    /// The client left.
    Left,
}

/// How the way there ended, if not well.
pub enum There {
    /// Its body did not come as it should.
    Client(WireError),
    /// The client left.
    Left,
}

/// What became of the answer.
#[derive(Default)]
pub struct Given {
    /// What is masked.
    pub plan: Option<FieldPlan>,
    /// The cookie that is the account's credential.
    pub secret_cookie: Option<String>,
    /// With which status.
    pub status: Option<StatusCode>,
    /// Bytes of messages after the protocol has changed.
    pub bytes: u64,
    /// The connection can take another request.
    pub keep_alive: bool,
    /// What was done to it.
    pub body: Option<Body>,
    /// What is kept of it.
    pub capture: Option<Capture>,
    /// Its head, as it is on record.
    pub head: Option<EventBody>,
}

impl Given {
    /// The fields that were masked.
    #[must_use]
    pub fn masked(&self) -> Vec<MaskedColumn> {
        let body = self.body.as_ref().zip(self.plan.as_ref());
        body.map(|(body, plan)| body.masked(plan))
            .unwrap_or_default()
    }

    /// How many bytes were passed on.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.capture.as_ref().map_or(self.bytes, Capture::bytes)
    }
}

/// How an exchange ended.
pub enum Ended {
    /// By the answer.
    Back(Back),
    /// By the request.
    There(There),
    /// It may not go on: why.
    Lost(Arc<str>),
}

/// The outcome of an answer with this status.
#[must_use]
pub fn done(status: Option<StatusCode>) -> Outcome {
    match status {
        Some(status) if status.as_u16() >= 400 => Outcome::Failed(status.as_u16().to_string()),
        Some(status) => Outcome::Done(status.as_u16().to_string()),
        None => Outcome::Done(String::new()),
    }
}

/// A target that cannot be asked, as clients are told.
#[must_use]
pub fn no_lane(error: NoLane) -> Refusal {
    match &error {
        NoLane::LeftAlone(seconds) => {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after(*seconds)
        }
        NoLane::Silent => Refusal::new(StatusCode::GATEWAY_TIMEOUT, error.to_string()),
        _ => {
            tracing::warn!(%error, "a target cannot be asked");
            Refusal::bad_gateway(error.to_string())
        }
    }
}

/// A target that does not answer, as clients are told.
#[must_use]
pub fn no_answer(error: &WireError) -> Refusal {
    match error {
        WireError::Silent(_) => Refusal::new(
            StatusCode::GATEWAY_TIMEOUT,
            format!("the target did not answer: {error}"),
        ),
        _ => Refusal::bad_gateway(format!(
            "the target gave no answer that can be passed on: {error}"
        )),
    }
}
