//! Requests that wait for a human: while their client waits, or until it comes again.

use super::asked::Asked;
use super::capture::{self, Capture};
use super::exchange::{Exchange, Stop};
use super::operation;
use super::pages;
use super::refusal::{Refusal, Waits};
use super::route::Route;
use super::rules::ForRecord;
use super::sessions::Visit;
use crate::asking;
use crate::clock;
use crate::digest;
use crate::pipeline::{self, HoldOver, Permit, Verdict};
use crate::port::{ControlPort, HoldProgress, Spent, Ticket};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use sluice_model::{
    ApprovalFacts, ApprovalId, Ask, Decision, HeldOperation, HeldParameter, Operation,
    OperationDigest, PrincipalId, RecordedValue,
};
use sluice_policy::FieldPlan;
use std::time::Duration;

/// The longest body that an approver is shown; what is longer nobody would read.
const MAX_SHOWN: usize = 48 * 1024;
/// The longest form that a waiting page sends again by itself.
const MAX_FORM: usize = 64 * 1024;

/// A request that must wait.
pub struct Held<'a> {
    /// Its number.
    pub op: u64,
    /// Whose consent suffices.
    pub ask: Ask,
    /// What it is to policies.
    pub operation: &'a Operation,
    /// Where it goes.
    pub route: &'a Route,
    /// All of its body.
    pub whole: &'a Bytes,
}

/// How a wait ended.
enum Waited {
    Approved(Vec<PrincipalId>),
    Denied(PrincipalId, Option<String>),
    Ended,
    /// The client need not wait any longer: how, for the record.
    Open(&'static str),
    Lost(Refusal),
}

impl Waited {
    /// What a client is told whose request does not run.
    fn refusal(self, id: &ApprovalId) -> Refusal {
        match self {
            Self::Approved(_) | Self::Open(_) | Self::Ended => gone(id),
            Self::Denied(by, reason) => denied_by(id, &by, reason.as_deref()),
            Self::Lost(refusal) => refusal,
        }
    }
}

/// Counts a request while it waits.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!("sluice_holds_waiting").increment(1.0);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("sluice_holds_waiting").decrement(1.0);
    }
}

/// Whether a client does not wait with its connection open: it said so (RFC 7240), or shows a page meanwhile.
fn wants_to_come_again(asked: &Asked) -> bool {
    let prefers = asked.headers.get_all("prefer").iter();
    let mut prefers = prefers
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']));
    prefers.any(|one| one.trim().eq_ignore_ascii_case("respond-async")) || asked.is_navigation()
}

/// Has a request wait, and gives leave to send it.
///
/// # Errors
/// Nobody agreed, or not yet.
pub async fn wait(
    exchange: &mut Exchange<'_, '_>,
    visit: &Visit,
    held: Held<'_>,
) -> Result<(Permit, ApprovalFacts), Stop> {
    let port = exchange.client.shared.port.as_ref();
    let context = &visit.context;
    let digest = operation::digest(context, exchange.asked, held.route, held.whole);
    if let Some(spent) = pipeline::spend(port, context, None, digest).await? {
        return approved(port, visit, &held, &spent);
    }
    let asks = describe(exchange.asked, port, visit, &held, digest)?;
    let operation = Some(held.operation);
    let (ticket, waited) = ask(exchange, visit, held.op, asks, operation).await?;
    match waited {
        Waited::Approved(_) => {
            match pipeline::spend(port, context, Some(&ticket.id), digest).await? {
                Some(spent) => approved(port, visit, &held, &spent),
                None => Err(used_up(&ticket.id).into()),
            }
        }
        Waited::Open(_) => Err(come_again(exchange.asked, &held, &ticket).into()),
        refused => Err(refused.refusal(&ticket.id).into()),
    }
}

/// Asks humans, and waits while the client does. What became of it is on record.
async fn ask(
    exchange: &mut Exchange<'_, '_>,
    visit: &Visit,
    op: u64,
    asks: HeldOperation,
    operation: Option<&Operation>,
) -> Result<(Ticket, Waited), Stop> {
    let port = exchange.client.shared.port.as_ref();
    let digest = asks.digest.clone();
    let mut ticket = port.hold(asks).await?;
    visit.with(port, |pipeline| pipeline.held(op, &ticket, digest))?;
    let waited = match wants_to_come_again(exchange.asked) {
        true => Waited::Open("its client comes again"),
        false => {
            let _counted = Counted::new();
            wait_for(exchange, visit, &mut ticket, operation).await
        }
    };
    let over = match &waited {
        Waited::Approved(by) => HoldOver::approved(by.clone()),
        Waited::Denied(by, reason) => HoldOver::denied(by.clone(), reason.clone()),
        Waited::Ended => HoldOver::undecided("expired"),
        Waited::Open(how) => {
            port.leave_open(&ticket.id).await;
            HoldOver::undecided(how)
        }
        Waited::Lost(_) => {
            // A login stays asked for.
            if operation.is_some() {
                port.cancel_hold(&ticket.id).await;
            }
            HoldOver::undecided("ended")
        }
    };
    let id = ticket.id.clone();
    visit.close(|pipeline| pipeline.hold_ended(op, id, over))?;
    Ok((ticket, waited))
}

/// Decides once more, with the approval.
fn approved(
    port: &dyn ControlPort,
    visit: &Visit,
    held: &Held<'_>,
    spent: &Spent,
) -> Result<(Permit, ApprovalFacts), Stop> {
    let verdict = visit.with(port, |pipeline| {
        pipeline.admit_approved(held.operation, &[], spent)
    })?;
    match verdict {
        Verdict::Run(permit, _) => Ok((permit, spent.facts.clone())),
        Verdict::Refuse(denial) => Err(Refusal::denied(&denial).into()),
        Verdict::Hold { .. } => Err(used_up(&spent.id).into()),
    }
}

/// The request as approvers see it.
fn describe(
    asked: &Asked,
    port: &dyn ControlPort,
    visit: &Visit,
    held: &Held<'_>,
    digest: OperationDigest,
) -> Result<HeldOperation, Refusal> {
    let scrubber = visit.with(port, |pipeline| Ok(pipeline.view().scrubber(clock::now())))?;
    let scrub = |text: &str| asking::scrubbed(scrubber.as_ref(), text);
    let plan = visit.with(port, |pipeline| Ok(pipeline.view().fields(clock::now())))?;
    let body = shown_body(asked, held.whole, plan)?;
    let fields = operation::with_meaning(asked);
    let text = |(name, value): (_, Vec<u8>)| (name, String::from_utf8_lossy(&value).into_owned());
    let fields = fields.into_iter().map(text).collect();
    let fields = capture::hidden(fields).into_iter();
    let fields = fields
        .map(|(name, value)| HeldParameter::new("header", format!("{name}: {}", scrub(&value))));
    let body = body.map(|body| HeldParameter::new("body", body));
    Ok(HeldOperation {
        text: scrub(&held.operation.text),
        parameters: fields.chain(body).collect(),
        connect: false,
        ..asking::of_login(&visit.context, held.ask.clone(), digest)
    })
}

/// The body as approvers see it: all of it, or that it cannot be shown.
fn shown_body(asked: &Asked, whole: &Bytes, plan: FieldPlan) -> Result<Option<String>, Refusal> {
    let mut capture = Capture::with_cap(&asked.headers, MAX_SHOWN);
    capture.feed(whole);
    Ok(match capture.kept(ForRecord::Plain(plan)) {
        None => None,
        Some((RecordedValue::Text(text), false)) => Some(text),
        Some((RecordedValue::Text(_), true)) => {
            let why = format!(
                "the body is longer than {MAX_SHOWN} bytes, too long for a person to judge, or not whole"
            );
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        Some(_) => {
            let kind = operation::media_type(asked.only("content-type").unwrap_or("no type"));
            let hash = OperationDigest(digest::sha256(whole)).to_hex();
            Some(format!(
                "(a body of {} bytes that cannot be shown: {kind}, sha256 {hash})",
                whole.len()
            ))
        }
    })
}

/// Waits while the client does.
async fn wait_for(
    exchange: &mut Exchange<'_, '_>,
    visit: &Visit,
    ticket: &mut Ticket,
    operation: Option<&Operation>,
) -> Waited {
    let port = exchange.client.shared.port.as_ref();
    let seconds = visit.context.connection.hold_timeout_seconds;
    let given_up = async {
        match exchange.answer.as_mut() {
            Some(answer) => answer.given_up().await,
            None => std::future::pending().await,
        }
    };
    let lost = visit.waits_in_vain(port, operation);
    let decided = ticket
        .progress
        .wait_for(|progress| !matches!(progress, HoldProgress::Waiting));
    tokio::select! {
        decided = decided => match decided.map(|progress| progress.clone()) {
            Ok(HoldProgress::Approved { by, .. }) => Waited::Approved(by),
            Ok(HoldProgress::Denied { by, reason }) => Waited::Denied(by, reason),
            Ok(HoldProgress::Ended | HoldProgress::Waiting) | Err(_) => Waited::Ended,
        },
        () = tokio::time::sleep(Duration::from_secs(seconds.into())) => Waited::Open("timed out"),
        () = given_up => Waited::Open("its client left"),
        () = exchange.source.gone() => Waited::Open("its client left"),
        refusal = lost => Waited::Lost(refusal),
    }
}

/// Lets a session in whose connection needs consent to be connected to.
///
/// # Errors
/// Nobody agreed, or not yet.
pub async fn let_in(
    exchange: &mut Exchange<'_, '_>,
    visit: &Visit,
    route: &Route,
) -> Result<(), Stop> {
    let Some(ask_of) = visit.asks() else {
        return Ok(());
    };
    let port = exchange.client.shared.port.as_ref();
    let context = &visit.context;
    let digest = digest::of_login(context);
    if let Some(spent) = pipeline::spend(port, context, None, digest).await? {
        return Ok(visit.let_in(port, Some(spent.id))?);
    }
    let decision = Decision::Ask(ask_of.clone());
    let op = visit.with(port, |pipeline| pipeline.asked_to_connect(decision, None))?;
    let asks = asking::of_login(context, ask_of, digest);
    let (ticket, waited) = ask(exchange, visit, op, asks, None).await?;
    match waited {
        Waited::Approved(_) => {
            match pipeline::spend(port, context, Some(&ticket.id), digest).await? {
                Some(spent) => Ok(visit.let_in(port, Some(spent.id))?),
                None => Err(used_up(&ticket.id).into()),
            }
        }
        Waited::Open(_) => {
            let prefix = route.by.prefix();
            let refusal = told_to_wait(exchange.asked, prefix, &ticket);
            let page = pages::waiting(&waits_of(prefix, &ticket), "to connect", None);
            Err(as_page(exchange.asked, refusal, page).into())
        }
        refused => Err(refused.refusal(&ticket.id).into()),
    }
}

fn waits_of(prefix: &str, ticket: &Ticket) -> Waits {
    Waits {
        id: ticket.id.clone(),
        state: format!("{prefix}/{}/approvals/{}", super::route::OWN, ticket.id),
        decide: ticket.url.clone(),
    }
}

fn told_to_wait(asked: &Asked, prefix: &str, ticket: &Ticket) -> Refusal {
    let message = format!(
        "the request waits for approval, {}; an approver decides at {} or with: sluice approve {}",
        ticket.id, ticket.url, ticket.id
    );
    let mut waits = waits_of(prefix, ticket);
    waits.state = format!("{}{}", asked.origin(), waits.state);
    Refusal::waits(waits, message)
}

fn as_page(asked: &Asked, refusal: Refusal, page: String) -> Refusal {
    match asked.is_navigation() {
        true => refusal.without_location().page(page),
        false => refusal,
    }
}

/// The client comes again, by itself if it is a browser.
fn come_again(asked: &Asked, held: &Held<'_>, ticket: &Ticket) -> Refusal {
    let prefix = held.route.by.prefix();
    let refusal = told_to_wait(asked, prefix, ticket);
    let form = form_of(asked, held.whole);
    if asked.method != Method::GET && form.is_none() {
        return refusal;
    }
    let waits = waits_of(prefix, ticket);
    let page = pages::waiting(&waits, &held.operation.text, form.as_deref());
    as_page(asked, refusal, page)
}

/// The fields of a form that a page can send again.
fn form_of(asked: &Asked, body: &Bytes) -> Option<Vec<(String, String)>> {
    let kind = operation::media_type(
        asked
            .only(header::CONTENT_TYPE.as_str())
            .unwrap_or_default(),
    );
    let is_form = asked.method == Method::POST && kind == "application/x-www-form-urlencoded";
    if !is_form || body.len() > MAX_FORM {
        return None;
    }
    let pairs: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    // What the page would send must be what was approved.
    let again = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .finish();
    (again.as_bytes() == body.as_ref()).then_some(pairs)
}

fn used_up(id: &ApprovalId) -> Refusal {
    let why = format!("the approval {id} was used up meanwhile");
    Refusal::new(StatusCode::FORBIDDEN, why).hint("send the request again to ask anew")
}

fn gone(id: &ApprovalId) -> Refusal {
    let why = format!("nobody decided about request {id} before it ended");
    Refusal::new(StatusCode::FORBIDDEN, why).hint("send the request again to ask anew")
}

fn denied_by(id: &ApprovalId, by: &PrincipalId, reason: Option<&str>) -> Refusal {
    let reason = reason
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    Refusal::new(
        StatusCode::FORBIDDEN,
        format!("{by} refused request {id}{reason}"),
    )
}
