//! One request from its head to the end of its answer.

use super::actions_of;
use super::asked::Asked;
use super::capture::{self, Capture};
use super::client::Client;
use super::hold::{self, Held};
use super::login;
use super::operation::{self, Known};
use super::outgoing::overrides_method;
use super::own;
use super::refusal::Refusal;
use super::relay::Relay;
use super::route::{OWN, Route};
use super::rules::ForRecord;
use super::sessions::Visit;
use super::wire::{Answer, Part, Source, WireError};
use crate::clock;
use crate::pipeline::{Permit, Verdict};
use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};
use sluice_model::{ApprovalFacts, Decision, Denial, EventBody, Operation, RecordedValue, Side};
use sluice_protocol::http::actions::{FIELDS, NUMBERS};
use sluice_protocol::http::fields::CannotRead;
use sluice_protocol::http::openapi;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// The longest body that is read whole before its request is decided. A longer one is passed on while it comes, after
/// its head was decided; and is refused where that needs to know what is in it.
pub const MAX_WHOLE: usize = 1024 * 1024;
/// How long a client may say nothing in the middle of a body that is read whole, and how long all of it may take.
const BODY_SILENCE: Duration = Duration::from_secs(30);
const BODY: Duration = Duration::from_secs(300);
/// How much of a body that nobody wants is read, so that its client hears the answer, and for how long.
const UNREAD_BYTES: usize = 16 * 1024 * 1024;
const UNREAD: Duration = Duration::from_secs(5);

/// What bodies that are held are counted in, and how long one waits for its place.
const HELD_PART: u64 = 1024;
const ROOM: Duration = Duration::from_secs(10);
/// All of them together, and those of one principal, in such parts.
pub const MAX_HELD: usize = 256 * 1024;
pub const MAX_HELD_EACH: usize = 32 * 1024;
/// The name that frameworks take a method from.
const METHOD_NAME: &str = "_method";

/// Why an exchange ends without an answer from the target.
pub enum Stop {
    /// The client is told.
    Refused(Box<Refusal>),
    /// Nobody is there to be told.
    Gone,
}

impl<R: Into<Refusal>> From<R> for Stop {
    fn from(refusal: R) -> Self {
        Self::Refused(Box::new(refusal.into()))
    }
}

/// A request while it is worked on.
pub struct Exchange<'a, 'c> {
    /// Who sent it.
    pub client: &'a Client,
    /// The request.
    pub asked: &'a Asked,
    /// Where its body comes from.
    pub source: &'a mut Source<'c>,
    /// How it is answered; taken once that has begun.
    pub answer: &'a mut Option<Answer<'c>>,
}

/// A request that is ready to be decided.
struct Ready {
    operation: Operation,
    whole: Option<Bytes>,
    body: Option<(RecordedValue, bool)>,
    _room: Room,
}

/// Places for a body, as it comes in: its principal's, and altogether.
#[derive(Default)]
struct Room {
    /// Bytes that came in.
    need: u64,
    /// Parts that were taken for them.
    have: u64,
    own: Option<OwnedSemaphorePermit>,
    all: Option<OwnedSemaphorePermit>,
}

fn merge(held: &mut Option<OwnedSemaphorePermit>, more: OwnedSemaphorePermit) {
    match held {
        Some(held) => held.merge(more),
        None => *held = Some(more),
    }
}

/// Serves one request. Gives whether its connection can take another.
pub async fn serve(client: &Client, asked: Asked, source: Source<'_>, answer: Answer<'_>) -> bool {
    let (mut source, mut answer) = (source, Some(answer));
    let mut exchange = Exchange {
        client,
        asked: &asked,
        source: &mut source,
        answer: &mut answer,
    };
    let ended = exchange.run().await;
    let goes_on = match ended {
        Ok(goes_on) => goes_on,
        Err(Stop::Gone) => false,
        Err(Stop::Refused(refusal)) => match answer.take() {
            None => false,
            Some(mut answer) => {
                if !source.is_done() {
                    answer.close();
                }
                refusal.tell(&asked, answer).await.unwrap_or(false)
            }
        },
    };
    if asked.is_two && !source.is_done() {
        let _ = tokio::time::timeout(UNREAD, source.discard(UNREAD_BYTES)).await;
    }
    goes_on && source.is_done()
}

impl Exchange<'_, '_> {
    async fn run(&mut self) -> Result<bool, Stop> {
        let shared = &self.client.shared;
        let snapshot = shared.port.snapshots().borrow().clone();
        let route = shared
            .sites
            .route(&snapshot, &self.client.listener, self.asked)?;
        drop(snapshot);
        if route
            .target
            .segments()
            .first()
            .is_some_and(|first| first == OWN)
        {
            return Err(own::serve(self.client, self.asked, &route).await.into());
        }
        let visit = login::enter(self.client, self.asked, &route).await?;
        hold::let_in(self, &visit, &route).await?;
        self.check(&visit, &route)?;
        let document = match &route.connection.settings.description_file {
            Some(file) => Some(shared.descriptions.of(shared.port.as_ref(), file).await?),
            None => None,
        };
        let described = document
            .as_ref()
            .and_then(|d| d.find(&self.asked.method, &route.target));
        if described.is_none() && route.connection.settings.only_described {
            let why = "the description of the service does not know this request";
            return Err(self
                .refuse(&visit, &route, StatusCode::FORBIDDEN, why)
                .into());
        }
        let ready = self.ready(&visit, &route, described).await?;
        // Read before the decision: what changes while that is made is looked at again.
        let version = visit.version();
        let (permit, facts) = self.admit(&visit, &route, &ready).await?;
        let relay = Relay {
            client: self.client,
            visit: &visit,
            asked: self.asked,
            route: &route,
            operation: &ready.operation,
            facts,
            whole: ready.whole,
            permit,
            version,
        };
        Ok(relay.run(self.source, self.answer).await?)
    }

    /// Refuses what cannot be decided so that the target understands it in the same way.
    fn check(&self, visit: &Visit, route: &Route) -> Result<(), Refusal> {
        let asked = self.asked;
        let settings = &route.connection.settings;
        let why = if !actions_of(asked) {
            (
                StatusCode::NOT_IMPLEMENTED,
                "what the method does is not known here",
            )
        } else if asked.headers.get_all(header::CONTENT_TYPE).iter().count() > 1 {
            let why = "the body is of two types; expected one content-type";
            (StatusCode::BAD_REQUEST, why)
        } else if overrides_method(&asked.headers) {
            let why = "a header asks for another method; expected the method in the request line";
            (StatusCode::BAD_REQUEST, why)
        } else if route.target.query_names().contains(METHOD_NAME) {
            let why = "the query names another method (_method); expected it in the request line";
            (StatusCode::BAD_REQUEST, why)
        } else if route
            .target
            .segments()
            .iter()
            .any(|segment| is_escaped(segment))
        {
            let why = "the path is escaped twice, which some servers undo twice";
            (StatusCode::BAD_REQUEST, why)
        } else if route.target.has_parameters() && !settings.path_parameters {
            let why =
                "the path has parameters (;), which some servers take off before they look at it";
            (StatusCode::BAD_REQUEST, why)
        } else {
            return Ok(());
        };
        Err(self.refuse(visit, route, why.0, why.1))
    }

    /// A refusal of the protocol's own, which is recorded.
    fn refuse(&self, visit: &Visit, route: &Route, status: StatusCode, why: &str) -> Refusal {
        let denial = Denial {
            policy: None,
            message: why.to_owned(),
        };
        metrics::counter!("sluice_operations_refused_total").increment(1);
        let text = operation::text(self.asked, route);
        let port = self.client.shared.port.as_ref();
        match visit.with(port, |pipeline| pipeline.refuse(&text, &denial)) {
            Ok(()) => Refusal::new(status, why),
            Err(refusal) => refusal,
        }
    }

    /// Reads what has to be known, and says what the request is to policies.
    async fn ready(
        &mut self,
        visit: &Visit,
        route: &Route,
        described: Option<&openapi::Operation>,
    ) -> Result<Ready, Stop> {
        let port = self.client.shared.port.as_ref();
        let reads = visit.with(port, |pipeline| {
            let view = pipeline.view();
            Ok(view.reads_fact(FIELDS) || view.reads_fact(NUMBERS))
        })?;
        if self.asked.expects_continue {
            self.go_on(visit, route, described, reads).await?;
        }
        let (whole, room) = match self.is_stream(route) {
            true => (None, Room::default()),
            false => {
                let mut room = Room::default();
                let whole = self.read_whole(visit, &mut room).await?;
                (whole, room)
            }
        };
        if let Some(whole) = &whole
            && names_method(self.asked, whole)
        {
            let why = "the body names another method (_method); expected it in the request line";
            return Err(self
                .refuse(visit, route, StatusCode::BAD_REQUEST, why)
                .into());
        }
        let known = whole.as_ref().map_or(Known::Streamed, Known::Whole);
        let told = |fields| operation::of(self.asked, route, described, known, fields);
        let cannot_read = |why| Stop::from(self.cannot_read(visit, route, why));
        let mut operation = told(false).map_err(cannot_read)?;
        if reads && self.wants_fields(visit, &operation)? {
            operation = told(true).map_err(cannot_read)?;
        }
        let body = match whole.as_ref().filter(|whole| !whole.is_empty()) {
            None => None,
            Some(whole) => {
                let mut capture = Capture::new(&self.asked.headers);
                capture.feed(whole);
                let plan = visit.with(port, |pipeline| Ok(pipeline.view().fields(clock::now())))?;
                capture.kept(ForRecord::Plain(plan))
            }
        };
        Ok(Ready {
            operation,
            whole,
            body,
            _room: room,
        })
    }

    /// Whether the decision can depend on what is in the body.
    fn wants_fields(&self, visit: &Visit, operation: &Operation) -> Result<bool, Refusal> {
        let port = self.client.shared.port.as_ref();
        visit.with(port, |pipeline| {
            let (view, now) = (pipeline.view(), clock::now());
            let wants = |name| view.wants_fact(name, operation, now);
            Ok(wants(FIELDS) || wants(NUMBERS))
        })
    }

    fn cannot_read(&self, visit: &Visit, route: &Route, why: CannotRead) -> Refusal {
        let status = match why {
            CannotRead::TooMuch => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        };
        let why = format!("a policy looks at what the body says, and it cannot be read: {why}");
        self.refuse(visit, route, status, &why)
    }

    /// Whether the body is passed on while it comes.
    fn is_stream(&self, route: &Route) -> bool {
        let kind = self.asked.only("content-type").unwrap_or_default();
        let kind = operation::media_type(kind);
        let streams = &route.connection.settings.stream_types;
        self.asked.is_grpc()
            || streams
                .iter()
                .any(|pattern| super::answer::is_of(pattern, &kind))
            || self
                .asked
                .length
                .is_some_and(|length| length > MAX_WHOLE as u64)
    }

    /// Tells a client that waits for it to send its body, unless the request is refused whatever is in it.
    async fn go_on(
        &mut self,
        visit: &Visit,
        route: &Route,
        described: Option<&openapi::Operation>,
        reads: bool,
    ) -> Result<(), Stop> {
        if !reads
            && let Ok(operation) =
                operation::of(self.asked, route, described, Known::Streamed, false)
        {
            let port = self.client.shared.port.as_ref();
            let verdict = visit.with(port, |pipeline| {
                let now = clock::now();
                let decision = pipeline
                    .view()
                    .decide(&operation, now, &ApprovalFacts::default());
                match decision {
                    Decision::Deny(_) => pipeline.admit(&operation, &[]).map(Some),
                    Decision::Allow(_) | Decision::Ask(_) => Ok(None),
                }
            })?;
            if let Some(Verdict::Refuse(denial)) = verdict {
                metrics::counter!("sluice_operations_refused_total").increment(1);
                return Err(Refusal::denied(&denial).into());
            }
        }
        match self.answer.as_mut() {
            Some(answer) => answer.go_on().await.map_err(|_| Stop::Gone),
            None => Err(Stop::Gone),
        }
    }

    /// The whole body; `None` when it is too long for that, and stays to be read.
    async fn read_whole(&mut self, visit: &Visit, room: &mut Room) -> Result<Option<Bytes>, Stop> {
        if !self.asked.has_body || self.asked.websocket {
            return Ok(Some(Bytes::new()));
        }
        let reading = tokio::time::timeout(BODY, self.read_data(visit, room)).await;
        let silent = || Err(not_all(&WireError::Silent(BODY.as_secs())));
        let (data, is_all) = reading.unwrap_or_else(|_| silent())?;
        match (is_all, self.asked.length) {
            (true, Some(said)) if said != data.len() as u64 => Err(not_all(&WireError::Length)),
            (true, _) => Ok(Some(data)),
            (false, _) => {
                self.source.put_back(VecDeque::from([Part::Data(data)]));
                Ok(None)
            }
        }
    }

    /// The body as far as it is read before it is decided, in one piece, and whether that is all. Trailers of a request mean
    /// nothing to policies, and so go nowhere.
    async fn read_data(&mut self, visit: &Visit, room: &mut Room) -> Result<(Bytes, bool), Stop> {
        let Some(first) = self.next_data(visit, room).await? else {
            return Ok((Bytes::new(), true));
        };
        if first.len() > MAX_WHOLE {
            return Ok((first, false));
        }
        let Some(second) = self.next_data(visit, room).await? else {
            return Ok((first, true));
        };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while whole.len() <= MAX_WHOLE {
            match self.next_data(visit, room).await? {
                Some(data) => whole.extend_from_slice(&data),
                None => return Ok((whole.freeze(), true)),
            }
        }
        Ok((whole.freeze(), false))
    }

    /// The next data of the body, with room for it.
    async fn next_data(&mut self, visit: &Visit, room: &mut Room) -> Result<Option<Bytes>, Stop> {
        let part = self.source.next(BODY_SILENCE).await;
        let Part::Data(data) = part.map_err(|error| not_all(&error))? else {
            return Ok(None);
        };
        room.need += data.len() as u64;
        self.make_room(visit, room).await?;
        Ok(Some(data))
    }

    async fn make_room(&self, visit: &Visit, room: &mut Room) -> Result<(), Refusal> {
        let more = room.need.div_ceil(HELD_PART).saturating_sub(room.have);
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        if more == 0 {
            return Ok(());
        }
        let taken = async {
            // First of its own principal's, so that one of them keeps nobody else waiting.
            let own = Arc::clone(&visit.held).acquire_many_owned(more).await?;
            let all = Arc::clone(&self.client.shared.held)
                .acquire_many_owned(more)
                .await?;
            Ok::<_, tokio::sync::AcquireError>((own, all))
        };
        match tokio::time::timeout(ROOM, taken).await {
            Ok(Ok((own, all))) => {
                room.have += u64::from(more);
                merge(&mut room.own, own);
                merge(&mut room.all, all);
                Ok(())
            }
            _ => {
                let why = "too many bodies are on their way; try again shortly";
                Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why).retry_after(5))
            }
        }
    }

    /// Decides, records, and waits for a human where that is needed.
    async fn admit(
        &mut self,
        visit: &Visit,
        route: &Route,
        ready: &Ready,
    ) -> Result<(Permit, ApprovalFacts), Stop> {
        let port = self.client.shared.port.as_ref();
        let line = operation::text(self.asked, route);
        let secret = route
            .connection
            .settings
            .identity
            .as_ref()
            .map(|i| i.header.as_str());
        let secret: Vec<&str> = secret.into_iter().collect();
        let fields = capture::fields(&self.asked.headers, &secret);
        let verdict = visit.with(port, |pipeline| {
            pipeline.describe(|op| {
                let side = Side::Caller;
                let mut events = vec![EventBody::Head {
                    op,
                    side,
                    line,
                    fields,
                }];
                if let Some((content, capped)) = ready.body.clone() {
                    events.push(EventBody::Part {
                        op,
                        side,
                        content,
                        capped,
                    });
                }
                events
            })?;
            pipeline.admit(&ready.operation, &[])
        })?;
        match verdict {
            Verdict::Run(permit, _) => Ok((permit, ApprovalFacts::default())),
            Verdict::Refuse(denial) => {
                metrics::counter!("sluice_operations_refused_total").increment(1);
                Err(Refusal::denied(&denial).into())
            }
            Verdict::Hold { op, ask } => {
                let Some(whole) = &ready.whole else {
                    let why = format!(
                        "the request has to be approved first, and its body is longer than {MAX_WHOLE} bytes or a stream"
                    );
                    return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why).into());
                };
                let held = Held {
                    op,
                    ask,
                    operation: &ready.operation,
                    route,
                    whole,
                };
                hold::wait(self, visit, held).await
            }
        }
    }
}

/// Whether something is left to be undone in a part of a path.
fn is_escaped(segment: &str) -> bool {
    let mut parts = segment.split('%').skip(1);
    parts.any(|part| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Whether a form asks for another method, as many frameworks let it.
fn names_method(asked: &Asked, whole: &Bytes) -> bool {
    let kind = operation::media_type(asked.only("content-type").unwrap_or_default());
    let form = kind == "application/x-www-form-urlencoded";
    form && form_urlencoded::parse(whole).any(|(name, _)| name.trim() == METHOD_NAME)
}

fn not_all(error: &WireError) -> Stop {
    match error {
        WireError::Gone | WireError::Io(_) | WireError::Stream(_) => Stop::Gone,
        WireError::Silent(_) => {
            Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time").into()
        }
        WireError::Violation(violation) => {
            metrics::counter!("sluice_protocol_violations_total").increment(1);
            Refusal::new(violation.status(), violation.to_string()).into()
        }
        WireError::Length => Refusal::new(StatusCode::BAD_REQUEST, error.to_string()).into(),
    }
}
