//! A permitted request on its way to the target, and the answer on its way back.

use super::answer::{self, Body, Treatment};
use super::asked::Asked;
use super::call::{Call, Coming, Head};
use super::capture::{self, Capture};
use super::client::Client;
use super::ended::{Back, Ended, Given, There, done, no_answer, no_lane};
use super::outgoing::{self, Making};
use super::pass::Passing;
use super::pool::{NoLane, Outgoing, Pool};
use super::refusal::Refusal;
use super::route::Route;
use super::rules::ForRecord;
use super::send::{Between, Sending, send_stream, send_whole};
use super::sessions::{Standing, Visit};
use super::tunnel;
use super::wire::{Answer, Part, Sink, Source, WireError};
use crate::pipeline;
use crate::pipeline::Permit;
use bytes::Bytes;
use h2::Reason;
use http::header::HeaderName;
use http::{HeaderValue, Method, StatusCode};
use sluice_model::{ApprovalFacts, EventBody, Lease, Operation, Outcome, Shown, Side};
use sluice_policy::FieldPlan;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a target may take to begin its answer when the connection does not say, in seconds; and to calls of gRPC, which
/// often begin with their first message.
const ANSWER_SECONDS: u32 = 120;
const ANSWER_SECONDS_OF_STREAMS: u32 = 3_600;
/// A permitted request.
pub struct Relay<'a> {
    /// Who sent it.
    pub client: &'a Client,
    /// Its session.
    pub visit: &'a Visit,
    /// The request.
    pub asked: &'a Asked,
    /// Where it goes.
    pub route: &'a Route,
    /// What it is to policies.
    pub operation: &'a Operation,
    /// The approvals that it stands on.
    pub facts: ApprovalFacts,
    /// Its body, where all of it is there.
    pub whole: Option<Bytes>,
    /// Leave to send it.
    pub permit: Permit,
    /// The version of the policies that gave it.
    pub version: u64,
}

impl Relay<'_> {
    fn port(&self) -> &dyn crate::port::ControlPort {
        self.client.shared.port.as_ref()
    }

    /// Sends it and passes the answer on. Gives whether the client's connection goes on.
    ///
    /// # Errors
    /// The client was told nothing yet.
    pub async fn run(
        self,
        source: &mut Source<'_>,
        answer: &mut Option<Answer<'_>>,
    ) -> Result<bool, Refusal> {
        let began = Instant::now();
        let mut given = Given::default();
        let ended = self.exchange(source, answer, &mut given).await;
        self.record(&given, &ended, began)?;
        match ended {
            Ok(Ended::Back(Back::Done(goes_on))) => Ok(goes_on),
            Ok(Ended::Back(Back::Refused(refusal))) | Err(refusal) => Err(refusal),
            Ok(Ended::Back(Back::NoAnswer(error))) => Err(no_answer(&error)),
            Ok(Ended::Lost(why)) => Err(Refusal::new(StatusCode::FORBIDDEN, why.to_string())),
            Ok(Ended::There(There::Client(error))) => {
                Err(Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))
            }
            Ok(
                Ended::There(There::Left)
                | Ended::Back(Back::Left | Back::Broken(_) | Back::BrokeOff(_) | Back::Upgraded(_)),
            ) => Ok(false),
        }
    }

    async fn exchange(
        &self,
        source: &mut Source<'_>,
        answer: &mut Option<Answer<'_>>,
        given: &mut Given,
    ) -> Result<Ended, Refusal> {
        let plan = self.visit.with(self.port(), |pipeline| {
            Ok(pipeline.view().fields(crate::clock::now()))
        })?;
        let lost = self.visit.lost(self.port(), self.standing(&plan));
        let mut lost = pin!(lost);
        let (pool, out) = tokio::select! {
            biased;
            why = &mut lost => return Ok(Ended::Lost(why)),
            prepared = self.prepare(&plan) => prepared?,
        };
        given.plan = Some(plan.clone());
        given.secret_cookie.clone_from(&out.secret_cookie);
        let has_body = out.websocket || !self.whole.as_ref().is_some_and(Bytes::is_empty);
        let mut fresh = false;
        loop {
            let begun = tokio::select! {
                biased;
                why = &mut lost => return Ok(Ended::Lost(why)),
                begun = pool.begin(&out, has_body, fresh) => begun,
            };
            let mut call = match begun {
                Ok(call) => call,
                // Nothing of the request was sent.
                Err(NoLane::Wire(_)) if !fresh => {
                    fresh = true;
                    continue;
                }
                Err(error) => return Err(no_lane(error)),
            };
            let between = Between::new();
            let ended = self.both_ways(&mut call, &between, source, answer, given, lost.as_mut());
            let ended = ended.await;
            self.learn(&pool, &call, &ended, given);
            if !fresh
                && let Ended::Back(Back::NoAnswer(error)) = &ended
                && self.may_repeat(&call, error)
            {
                fresh = true;
                continue;
            }
            let all_sent = between.sent.load(Ordering::Acquire);
            if let (Ended::Back(Back::Done(_)), true, true) = (&ended, all_sent, given.keep_alive)
                && let Call::One(lane) = call
            {
                pool.keep(*lane);
                return Ok(ended);
            }
            return Ok(self
                .upgraded(ended, call, source, answer, given, &out)
                .await);
        }
    }

    /// What lets it go on.
    pub fn standing<'s>(&'s self, plan: &'s FieldPlan) -> Standing<'s> {
        Standing {
            operation: self.operation,
            facts: &self.facts,
            plan,
            version: self.version,
        }
    }

    /// The target's connections, and what it is to be asked.
    async fn prepare(&self, plan: &FieldPlan) -> Result<(Arc<Pool>, Outgoing), Refusal> {
        let shared = &self.client.shared;
        let connection = &self.route.connection;
        let account = &self.visit.context.account;
        let lease = shared.leases.of(self.port(), connection, account).await?;
        let out = self.outgoing(&lease, plan)?;
        let certificate = match &lease.shown {
            Some(Shown::Certificate {
                cert_file,
                key_file,
            }) => Some((cert_file.as_str(), key_file.as_str())),
            _ => None,
        };
        let pool = shared.pools.of(connection, account, certificate);
        Ok((pool.map_err(no_lane)?, out))
    }

    /// Remembers how the target did.
    fn learn(&self, pool: &Pool, call: &Call, ended: &Ended, given: &Given) {
        if given.status.is_some() {
            if let Call::Two { place, .. } = call {
                place.answered();
            }
            pool.told(call.address(), true);
            return;
        }
        let Ended::Back(Back::NoAnswer(error)) = ended else {
            return;
        };
        let is_silent = matches!(error, WireError::Silent(_));
        let failed = match call {
            // One that was used before may have been closed at its time.
            Call::One(lane) => !lane.reused,
            // A connection counts once, and not at all if it has worked: those end as well.
            Call::Two { place, .. } => place.forget(),
        };
        // Slow answers are the request's own, unless there are others to ask.
        let counts = !is_silent || !self.route.connection.settings.addresses.is_empty();
        if failed && counts {
            pool.told(call.address(), false);
        }
    }

    fn outgoing(&self, lease: &Lease, plan: &FieldPlan) -> Result<Outgoing, Refusal> {
        outgoing::make(&Making {
            asked: self.asked,
            route: self.route,
            lease,
            identity: self.identity()?,
            body: self.whole.as_ref(),
            masks: !plan.is_clear(),
            client: self.client.peer.ip(),
            is_known_host: self.client.shared.sites.knows(&self.asked.authority),
        })
    }

    /// The field that tells the target who is asking.
    fn identity(&self) -> Result<Option<(HeaderName, HeaderValue)>, Refusal> {
        let Some(header) = &self.route.connection.settings.identity else {
            return Ok(None);
        };
        let audience = header
            .audience
            .as_ref()
            .unwrap_or(&self.route.connection.name);
        let token = self.port().identity(&self.visit.context, audience)?;
        let unusable = || {
            let why = "the identity header of the connection cannot be written";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
        };
        let name: HeaderName = header.header.parse().map_err(|_| unusable())?;
        let mut value = HeaderValue::from_str(&token).map_err(|_| unusable())?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }

    /// Whether a request can be sent again: one that only looks, on a connection that the target may have closed before it
    /// came; or any that the target says it did not take (RFC 9113, section 8.7).
    fn may_repeat(&self, call: &Call, error: &WireError) -> bool {
        let looks = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&self.asked.method);
        let (is_whole, empty) = (
            self.whole.is_some(),
            self.whole.as_ref().is_some_and(Bytes::is_empty),
        );
        let again = match (call, error) {
            (Call::One(lane), WireError::Gone | WireError::Io(_)) => lane.reused && looks && empty,
            (Call::Two { .. }, WireError::Stream(error)) => {
                let untouched = error.reason() == Some(Reason::REFUSED_STREAM)
                    || error.is_go_away() && error.is_remote();
                untouched && is_whole || looks && empty
            }
            _ => false,
        };
        again && !self.asked.websocket
    }

    async fn both_ways(
        &self,
        call: &mut Call,
        between: &Between,
        source: &mut Source<'_>,
        answer: &mut Option<Answer<'_>>,
        given: &mut Given,
        mut lost: Pin<&mut impl Future<Output = Arc<str>>>,
    ) -> Ended {
        let mut upload = self
            .whole
            .is_none()
            .then(|| Capture::new(&self.asked.headers));
        let (sink, coming) = call.split();
        let plan = given.plan.clone();
        let ended = {
            let mut there = pin!(self.there(sink, source, upload.as_mut(), between));
            let mut back = pin!(self.back(coming, answer, given, between));
            tokio::select! {
                biased;
                back = &mut back => Ended::Back(back),
                why = &mut lost => Ended::Lost(why),
                there = &mut there => Ended::There(there),
            }
        };
        let kept = upload
            .zip(plan)
            .and_then(|(capture, plan)| capture.kept(ForRecord::Plain(plan)));
        if let Some((content, capped)) = kept {
            let (op, side) = (self.permit.op(), Side::Caller);
            let part = EventBody::Part {
                op,
                side,
                content,
                capped,
            };
            let _ = self.visit.close(|pipeline| pipeline.note(&part));
        }
        ended
    }

    /// Sends the request. Once all of it is sent, waits for the client to leave; a target that takes no more has an
    /// answer, or is gone, which the other direction hears.
    async fn there(
        &self,
        mut sink: Sink<'_>,
        source: &mut Source<'_>,
        capture: Option<&mut Capture>,
        between: &Between,
    ) -> There {
        let sent = match (&self.whole, capture) {
            (Some(body), _) => send_whole(&mut sink, body, self.asked.websocket).await,
            (None, Some(capture)) => {
                match send_stream(&mut sink, source, capture, between, self.asked.is_grpc()).await {
                    Ok(()) => Ok(()),
                    Err(Sending::Client(error)) => return There::Client(error),
                    Err(Sending::Target(error)) => Err(error),
                }
            }
            (None, None) => Ok(()),
        };
        between.touch();
        match sent {
            Ok(()) => between.sent.store(true, Ordering::Release),
            Err(_) => std::future::pending().await,
        }
        if self.asked.websocket {
            std::future::pending::<()>().await;
        }
        source.gone().await;
        There::Left
    }

    async fn back(
        &self,
        coming: Coming<'_>,
        answer: &mut Option<Answer<'_>>,
        given: &mut Given,
        between: &Between,
    ) -> Back {
        let Some(plan) = given.plan.clone() else {
            return Back::Left;
        };
        let usual = match self.asked.is_grpc() {
            true => ANSWER_SECONDS_OF_STREAMS,
            false => ANSWER_SECONDS,
        };
        let seconds = self
            .route
            .connection
            .settings
            .answer_seconds
            .unwrap_or(usual);
        let patience = Duration::from_secs(seconds.into());
        let given_up = async {
            match answer.as_mut() {
                Some(answer) => answer.given_up().await,
                None => std::future::pending().await,
            }
        };
        let (mut head, mut from) = tokio::select! {
            head = coming.head(&self.asked.method) => match head {
                Ok(head) => head,
                Err(error) => return Back::NoAnswer(error),
            },
            () = between.silent_for(patience) => return Back::NoAnswer(WireError::Silent(seconds.into())),
            () = given_up => return Back::Left,
        };
        given.status = Some(head.status);
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return match self.asked.websocket
                && head.upgrade.as_deref() == Some(super::asked::WEBSOCKET)
            {
                true => Back::Upgraded(Box::new(head)),
                false => Back::Refused(Refusal::bad_gateway(
                    "the target changed the protocol, unasked",
                )),
            };
        }
        let treatment = match answer::treat(&head, self.asked, self.route, &plan) {
            Ok(treatment) => treatment,
            // An answer without a type that turns out to be empty tells nothing.
            Err(_) if matches!(from.next(patience).await, Ok(Part::End)) => {
                head.is_empty = true;
                Treatment::Pass
            }
            Err(refusal) => return Back::Refused(refusal),
        };
        let Some(answer) = answer.take() else {
            return Back::Left;
        };
        self.pass_on(&head, from, answer, given, treatment).await
    }

    async fn pass_on(
        &self,
        head: &Head,
        from: Source<'_>,
        answer: Answer<'_>,
        given: &mut Given,
        treatment: Treatment,
    ) -> Back {
        let Given {
            plan: Some(plan),
            secret_cookie,
            capture,
            body,
            head: recorded,
            keep_alive,
            ..
        } = given
        else {
            return Back::Left;
        };
        let secret = secret_cookie.as_deref();
        let headers = answer::headers(head, self.asked, self.route, plan, treatment, secret);
        *recorded = Some(EventBody::Head {
            op: self.permit.op(),
            side: Side::Target,
            line: head.status.as_u16().to_string(),
            fields: capture::fields(&headers, &[]),
        });
        let mut about = headers.clone();
        if treatment != Treatment::Pass {
            about.remove(http::header::CONTENT_ENCODING);
        }
        let passing = Passing {
            relay: self,
            head,
            plan,
            // What was passed on is on record however it ends.
            body: body.insert(Body::new(treatment, self.asked, plan)),
            capture: capture.insert(Capture::new(&about)),
        };
        let (back, reusable) = passing.run(from, answer, headers).await;
        *keep_alive = reusable && head.keep_alive;
        back
    }

    /// What follows once the protocol has changed.
    async fn upgraded(
        &self,
        ended: Ended,
        call: Call,
        source: &mut Source<'_>,
        answer: &mut Option<Answer<'_>>,
        given: &mut Given,
        out: &Outgoing,
    ) -> Ended {
        let (Ended::Back(Back::Upgraded(head)), Call::One(lane)) = (&ended, call) else {
            return ended;
        };
        let (Some(answer), Some(plan)) = (answer.take(), given.plan.as_ref()) else {
            return Ended::Back(Back::Left);
        };
        let tunnel = tunnel::Tunnel {
            relay: self,
            plan,
            sent: &out.headers,
            secret_cookie: out.secret_cookie.as_deref(),
        };
        let (bytes, over) = tunnel.run(head, *lane, source, answer).await;
        given.bytes = bytes;
        let secret = given.secret_cookie.as_deref();
        let pass = Treatment::Pass;
        let headers = answer::headers(head, self.asked, self.route, plan, pass, secret);
        given.head = Some(EventBody::Head {
            op: self.permit.op(),
            side: Side::Target,
            line: head.status.as_u16().to_string(),
            fields: capture::fields(&headers, &[]),
        });
        match over {
            tunnel::Over::Closed => ended,
            tunnel::Over::Cut(why) => Ended::Back(Back::Broken(why)),
        }
    }

    /// Records how it ended.
    fn record(
        &self,
        given: &Given,
        ended: &Result<Ended, Refusal>,
        began: Instant,
    ) -> Result<(), Refusal> {
        let cut = |why: &str| Outcome::Cut(why.to_owned());
        let outcome = match ended {
            Ok(Ended::Back(Back::Done(_) | Back::Upgraded(_))) => done(given.status),
            Ok(Ended::Back(Back::Refused(refusal))) => cut(&refusal.message),
            Ok(Ended::Back(Back::NoAnswer(error))) => {
                Outcome::Failed(format!("no answer: {error}"))
            }
            Err(refusal) if refusal.is_of_target() => Outcome::Failed(refusal.message.clone()),
            Err(refusal) => cut(&refusal.message),
            Ok(Ended::Back(Back::BrokeOff(error))) => {
                Outcome::Failed(format!("its answer broke off: {error}"))
            }
            Ok(Ended::Back(Back::Broken(why))) => cut(why),
            Ok(Ended::Back(Back::Left) | Ended::There(There::Left)) => cut("the client left"),
            Ok(Ended::There(There::Client(error))) => cut(&format!("the client's body: {error}")),
            Ok(Ended::Lost(why)) => cut(why),
        };
        let elapsed = began.elapsed();
        metrics::histogram!("sluice_operation_seconds").record(elapsed.as_secs_f64());
        let op = self.permit.op();
        // What takes time is done before the session is held.
        let capture = given.capture.as_ref().zip(given.plan.clone());
        let is_masked = matches!(given.body, Some(Body::Mask(_)));
        let kept = capture.and_then(|(capture, plan)| capture.kept(ForRecord::of(plan, is_masked)));
        let answer = pipeline::Answer {
            outcome,
            rows: 0,
            bytes: given.bytes(),
            masked: given.masked().into(),
            micros: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        };
        self.visit.close(|pipeline| {
            if let Some(head) = &given.head {
                pipeline.note(head)?;
            }
            if let Some((content, capped)) = kept {
                let side = Side::Target;
                pipeline.note(&EventBody::Part {
                    op,
                    side,
                    content,
                    capped,
                })?;
            }
            pipeline.answered(op, answer)
        })
    }
}
