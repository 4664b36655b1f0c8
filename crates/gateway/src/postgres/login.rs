//! From a startup packet to a session: who (the password is a token), on what (the database, host name or
//! port picks the connection), as whom (the user name picks the account), if the policies allow.

use super::Shared;
use super::greet::{Greeted, Parted, greet, part};
use super::pick::{pick_account, pick_connection};
use super::refusal::{INTERNAL, Refusal};
use super::session::{Session, Start};
use super::target;
use super::waiting::{Over, Waiting};
use crate::Listener;
use crate::clock;
use crate::duplex::Side;
use crate::opening;
use crate::pipeline::Pipeline;
use crate::port::{Authenticated, PortError};
use crate::registry::{CancelKey, Membership};
use crate::stream::Stream;
use sluice_model::{ApprovalFacts, Ask, Decision, Secret, SessionContext, WayIn};
use sluice_policy::{SessionView, Snapshot};
use sluice_protocol::postgres::auth::oauthbearer::{self, Initial};
use sluice_protocol::postgres::frontend::{self, FrontendMessage};
use sluice_protocol::postgres::parameters::{self, Admitted};
use sluice_protocol::postgres::startup::{self, ProtocolVersion};
use sluice_protocol::postgres::types::TransactionStatus;
use sluice_protocol::postgres::{FrontendTag, encode, frame};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long a client may take from its first byte to its password. Enough for a person to paste a token,
/// and for a driver on a slow link.
const GREETING_DEADLINE: Duration = Duration::from_secs(60);
/// How long it may take to tell a client why it is refused.
pub(super) const PARTING: Duration = Duration::from_secs(2);
/// Groups of actions that change something. A session that none can ever be allowed to is read-only.
const CHANGING: &[&str] = &["write", "delete", "define", "administer", "run"];

/// A session that can start.
pub struct Ready {
    /// It.
    pub session: Session,
    /// Its place in the registry.
    pub membership: Membership,
    /// Where it hears of new policies.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
}

/// Logs a client in; `None` when there is no session, and the client was told why.
pub async fn client(
    shared: &Arc<Shared>,
    listener: &Listener,
    tcp: TcpStream,
    peer: SocketAddr,
) -> Option<Ready> {
    let greeting = async {
        let greeted = greet(shared, listener, tcp, peer).await?;
        identify(shared, listener, greeted, peer).await
    };
    let identified = match timeout(GREETING_DEADLINE, greeting).await {
        Ok(Ok(identified)) => identified,
        Ok(Err(Parted::Refused(stream, refusal))) => {
            metrics::counter!("sluice_logins_refused_total").increment(1);
            let _ = timeout(PARTING, part(*stream, &refusal)).await;
            return None;
        }
        Ok(Err(Parted::Gone)) | Err(_) => return None,
    };
    let Identified {
        mut client,
        admitted,
        version,
        server_name,
        who,
    } = identified;
    match open(
        shared,
        listener,
        &admitted,
        server_name.as_deref(),
        &who,
        peer,
    )
    .await
    {
        Ok(opened) => start(shared, client, version, opened).await,
        Err(refusal) => {
            metrics::counter!("sluice_logins_refused_total").increment(1);
            tracing::info!(principal = %who.principal.id, %peer, refused = refusal.message, "login refused");
            refusal.encode("FATAL", &mut client.outbox);
            let _ = timeout(PARTING, client.finish()).await;
            None
        }
    }
}

struct Identified {
    client: Side<Stream>,
    admitted: Admitted,
    version: ProtocolVersion,
    server_name: Option<String>,
    who: Authenticated,
}

async fn identify(
    shared: &Arc<Shared>,
    listener: &Listener,
    greeted: Greeted,
    peer: SocketAddr,
) -> Result<Identified, Parted> {
    let Greeted {
        stream,
        rest,
        startup,
        server_name,
    } = greeted;
    let mut client = Side::new(stream, rest);
    match ask(shared, listener, &mut client, &startup, peer).await {
        Ok((admitted, version, who)) => Ok(Identified {
            client,
            admitted,
            version,
            server_name,
            who,
        }),
        Err(Some(refusal)) => {
            refusal.encode("FATAL", &mut client.outbox);
            let _ = timeout(PARTING, client.finish()).await;
            metrics::counter!("sluice_logins_refused_total").increment(1);
            Err(Parted::Gone)
        }
        Err(None) => Err(Parted::Gone),
    }
}

/// Negotiates, asks for the token and checks it. `Err(None)`: the client went away.
async fn ask(
    shared: &Arc<Shared>,
    listener: &Listener,
    client: &mut Side<Stream>,
    startup: &startup::Startup,
    peer: SocketAddr,
) -> Result<(Admitted, ProtocolVersion, Authenticated), Option<Refusal>> {
    let (version, tell) = startup.negotiate();
    if tell {
        encode::negotiate_protocol_version(&mut client.outbox, version, &startup.protocol_options);
    }
    let admitted = parameters::admit(startup)
        .map_err(|refused| Some(Refusal::new(refused.sqlstate(), refused.to_string())))?;
    let token = secret(client, listener).await?;
    shared
        .port
        .ready()
        .map_err(|error| Some(Refusal::new(INTERNAL, error.to_string())))?;
    let who = shared
        .port
        .authenticate(token.expose(), listener.ways, peer.ip())
        .await;
    // A browser's is for pages of one connection.
    let who = who.and_then(|who| match who.audience {
        None => Ok(who),
        Some(_) => Err(PortError("the token is for another connection".into())),
    });
    let who = who.map_err(|error| {
        Some(
            Refusal::new("28P01", error.to_string())
                .hint("use a token as the password: sluice token create, or sluice connect"),
        )
    })?;
    Ok((admitted, version, who))
}

/// Asks for the password, or for a token by SASL where the listener says so.
async fn secret(client: &mut Side<Stream>, listener: &Listener) -> Result<Secret, Option<Refusal>> {
    if !listener.ways.allow(WayIn::OAuthBearer) {
        encode::authentication_cleartext_password(&mut client.outbox);
        client.send().await.map_err(|_| None)?;
        let body = password(client).await?;
        return match frontend::parse(FrontendTag::Password, &body) {
            Ok(FrontendMessage::Password(password)) => {
                Ok(Secret::new(password.expose().to_owned()))
            }
            _ => Err(unexpected("something else")),
        };
    }
    encode::authentication_sasl(&mut client.outbox, oauthbearer::MECHANISM);
    client.send().await.map_err(|_| None)?;
    let body = password(client).await?;
    match oauthbearer::initial(&body) {
        Some(Initial::Token(token)) => Ok(Secret::new(token.to_owned())),
        Some(Initial::Discovery) => {
            let where_to = oauthbearer::failure(&listener.issuer);
            encode::authentication_sasl_continue(&mut client.outbox, &where_to);
            client.send().await.map_err(|_| None)?;
            // The client has to agree that it failed before it is told so.
            password(client).await?;
            let refusal = Refusal::new("28000", "a token is needed");
            Err(Some(refusal.hint(
                "the client gets one from the issuer that it was told",
            )))
        }
        None => Err(unexpected("something else")),
    }
}

fn unexpected(what: &str) -> Option<Refusal> {
    Some(Refusal::new(
        "08P01",
        format!("expected the password, got {what}"),
    ))
}

/// The body of the next message, which has to be one that answers the login.
async fn password(client: &mut Side<Stream>) -> Result<Zeroizing<Vec<u8>>, Option<Refusal>> {
    loop {
        let header = frame::peek_header::<FrontendTag>(&client.inbox)
            .map_err(|violation| Some(violation.into()))?;
        if let Some(header) = header {
            if header.tag != FrontendTag::Password {
                return Err(unexpected("another message"));
            }
            if client.inbox.len() >= header.total() {
                let raw = client.inbox.split_to(header.total());
                let body = raw.get(frame::HEADER_LEN..).unwrap_or_default();
                return Ok(Zeroizing::new(body.to_vec()));
            }
        }
        if !client.receive().await.map_err(|_| None)? {
            return Err(None);
        }
    }
}

struct Opened {
    context: Arc<SessionContext>,
    view: SessionView,
    /// The policies that let it connect.
    policies: Vec<String>,
    /// Whose approval it waits for first.
    ask: Option<Ask>,
    parameters: Vec<(String, String)>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    read_only: bool,
}

/// Picks connection, account and database, and asks the policies about `connect`.
async fn open(
    shared: &Arc<Shared>,
    listener: &Listener,
    admitted: &Admitted,
    server_name: Option<&str>,
    who: &Authenticated,
    peer: SocketAddr,
) -> Result<Opened, Refusal> {
    let snapshots = shared.port.snapshots();
    let snapshot = Arc::clone(&snapshots.borrow());
    let (connection, database) = pick_connection(&snapshot, listener, admitted, server_name)?;
    let account = pick_account(&connection, &admitted.user, &who.principal.id.name)?;
    let context = SessionContext {
        id: clock::new_session_id(random()?),
        principal: who.principal.clone(),
        credential: who.credential.clone(),
        account: account.name.clone(),
        database,
        client_address: peer.ip(),
        application: admitted.application_name.clone(),
        reason: admitted.reason.clone(),
        break_glass: admitted.break_glass,
        connection,
    };
    let now = clock::now();
    let name = &context.connection.name;
    let view = snapshot
        .view(&context, now)
        .map_err(|denial| Refusal::denied(&denial, name))?;
    let (policies, ask) = match view.connect(now, &ApprovalFacts::default()) {
        Decision::Allow(allowed) => (allowed.policies, None),
        Decision::Deny(denial) => return Err(Refusal::denied(&denial, name)),
        Decision::Ask(ask) => (Vec::new(), Some(ask)),
    };
    let read_only = !view.could_ever(CHANGING);
    let mut parameters = admitted.forwarded.clone();
    if read_only {
        parameters.push(("default_transaction_read_only".to_owned(), "on".to_owned()));
    }
    Ok(Opened {
        context: Arc::new(context),
        view,
        policies,
        ask,
        parameters,
        snapshots,
        read_only,
    })
}

fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Refusal::internal("no random bytes could be had"))?;
    Ok(bytes)
}

/// Records the opening, waits for an approval where one is needed, connects to the target and greets the client.
async fn start(
    shared: &Arc<Shared>,
    mut client: Side<Stream>,
    version: ProtocolVersion,
    opened: Opened,
) -> Option<Ready> {
    let context = Arc::clone(&opened.context);
    let (record, key) = match begin(shared, &opened) {
        Ok(begun) => begun,
        Err(refusal) => return no_session(&context, client, refusal).await,
    };
    let Opened {
        view,
        ask,
        parameters,
        mut snapshots,
        read_only,
        ..
    } = opened;
    let mut pipeline = Pipeline::new(Arc::clone(&context), view, record, Arc::clone(&shared.port));
    let enter = || shared.registry.enter(opening::entry(&context));
    encode::authentication_ok(&mut client.outbox);
    let mut waited = None;
    if let Some(ask) = ask {
        let membership = waited.insert(enter());
        let waiting = Waiting {
            shared,
            context: &context,
            client: &mut client,
            pipeline: &mut pipeline,
            live: membership.live(),
            snapshots: &mut snapshots,
        };
        if let Err(over) = waiting.until_allowed(ask).await {
            return gave_up(&context, client, pipeline, over).await;
        }
    }
    let target = match reach(shared, &context, &parameters).await {
        Ok(target) => target,
        Err(refusal) => return gave_up(&context, client, pipeline, Over::Told(refusal)).await,
    };
    let process_id = target.cancel_key.as_ref().map(|key| key.process_id);
    let key = cancel_key(version, process_id, key);
    greet_client(&mut client, &target, &key);
    let mut membership = waited.unwrap_or_else(enter);
    membership.cancelled_by(CancelKey {
        pid: u32::from_ne_bytes(key.process_id.to_ne_bytes()),
        secret: key.secret.to_vec(),
    });
    tracing::info!(session = %context.id, principal = %context.principal.id, connection = context.connection.name, "session opened");
    let start = Start {
        shared: Arc::clone(shared),
        context,
        live: Arc::clone(membership.live()),
        client,
        target,
        pipeline,
        read_only,
        snapshot: Arc::clone(&snapshots.borrow()),
    };
    Some(Ready {
        session: Session::new(start),
        membership,
        snapshots,
    })
}

async fn gave_up(
    context: &SessionContext,
    client: Side<Stream>,
    pipeline: Pipeline,
    over: Over,
) -> Option<Ready> {
    match over {
        Over::Told(refusal) => {
            pipeline.close(&refusal.message);
            no_session(context, client, refusal).await
        }
        Over::Left => {
            pipeline.close("the client left while it waited for an approval");
            None
        }
    }
}

async fn no_session(
    context: &SessionContext,
    mut client: Side<Stream>,
    refusal: Refusal,
) -> Option<Ready> {
    tracing::warn!(session = %context.id, connection = context.connection.name, refused = refusal.message, "no session");
    refusal.encode("FATAL", &mut client.outbox);
    let _ = timeout(PARTING, client.finish()).await;
    None
}

fn begin(
    shared: &Arc<Shared>,
    opened: &Opened,
) -> Result<(sluice_record::SessionRecord, [u8; 36]), Refusal> {
    let context = &opened.context;
    let body = opening::event(context, opened.policies.clone());
    let key = random()?;
    let record = shared
        .log
        .begin(&context.id, clock::now(), &body)
        .map_err(|error| {
            Refusal::new(
                "58030",
                format!("the session cannot be recorded, so there is none: {error}"),
            )
        })?;
    Ok((record, key))
}

async fn reach(
    shared: &Arc<Shared>,
    context: &SessionContext,
    parameters: &[(String, String)],
) -> Result<target::TargetSession, Refusal> {
    let lease = shared
        .port
        .lease(&context.connection, &context.account)
        .await;
    let lease =
        lease.map_err(|error| Refusal::new(super::refusal::NO_TARGET, error.to_string()))?;
    Ok(target::connect(
        &context.connection,
        &lease,
        &context.database,
        parameters,
        (&shared.salted, &shared.healths),
    )
    .await?)
}

/// The key that the client may cancel with: the secret (4 bytes in protocol 3.0, 32 in 3.2) is the gateway's
/// own, the process number the target's, because clients compare it with what statements and notifications say.
fn cancel_key(
    version: ProtocolVersion,
    process_id: Option<i32>,
    random: [u8; 36],
) -> startup::CancelKey {
    let (stand_in, secret) = random.split_at(4);
    let len = if version >= ProtocolVersion::V3_2 {
        32
    } else {
        4
    };
    startup::CancelKey {
        // A target that tells none gets one that is positive, as a process number is.
        process_id: process_id.unwrap_or_else(|| {
            i32::from_ne_bytes(stand_in.try_into().unwrap_or_default()) & i32::MAX
        }),
        secret: secret.iter().copied().take(len).collect::<Vec<_>>().into(),
    }
}

/// What follows AuthenticationOk.
fn greet_client(
    client: &mut Side<Stream>,
    target: &target::TargetSession,
    key: &startup::CancelKey,
) {
    let out = &mut client.outbox;
    for (name, value) in &target.parameters {
        encode::parameter_status(out, name, value);
    }
    encode::backend_key_data(out, key);
    encode::ready_for_query(out, TransactionStatus::Idle);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_key_has_the_targets_process_number_and_a_secret_of_the_gateways_own() {
        for (version, length) in [(ProtocolVersion::V3_0, 4), (ProtocolVersion::V3_2, 32)] {
            let key = cancel_key(version, Some(42), [0xff; 36]);
            assert_eq!((key.secret.len(), key.process_id), (length, 42));
            let key = cancel_key(version, None, [0xff; 36]);
            assert_eq!((key.secret.len(), key.process_id > 0), (length, true));
        }
    }
}
