//! From a startup packet to a session: who (the password is a token), on what (the database, host name or
//! port picks the connection), as whom (the user name picks the account), if the policies allow.

use super::Shared;
use super::greet::{Greeted, Parted, greet, part};
use super::refusal::{INTERNAL, NO_CONNECTION, NO_LOGIN, NOT_ALLOWED, Refusal};
use super::session::{Session, Start};
use super::stream::Stream;
use super::target;
use crate::Listener;
use crate::clock;
use crate::duplex::Side;
use crate::pipeline::Pipeline;
use crate::port::Authenticated;
use crate::registry::{CancelKey, Entry, Membership};
use sluice_model::{
    Account, Allowed, ApprovalFacts, Connection, Decision, EventBody, Secret, SessionContext,
};
use sluice_policy::{SessionView, Snapshot};
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

/// How long a client may take from its first byte to its password. Enough for a person to paste a token,
/// and for a driver on a slow link.
const GREETING_DEADLINE: Duration = Duration::from_secs(60);
/// How long it may take to tell a client why it is refused.
const PARTING: Duration = Duration::from_secs(2);
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
        identify(shared, greeted, peer).await
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
    match ask(shared, &mut client, &startup, peer).await {
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
    encode::authentication_cleartext_password(&mut client.outbox);
    client.send().await.map_err(|_| None)?;
    let token = password(client).await?;
    shared
        .port
        .ready()
        .map_err(|error| Some(Refusal::new(INTERNAL, error.to_string())))?;
    let who = shared.port.authenticate(token.expose(), peer.ip()).await;
    let who = who.map_err(|error| {
        Some(
            Refusal::new("28P01", error.to_string())
                .hint("use a token as the password: sluice token create, or sluice connect"),
        )
    })?;
    Ok((admitted, version, who))
}

async fn password(client: &mut Side<Stream>) -> Result<Secret, Option<Refusal>> {
    let unexpected = |what: &str| {
        Some(Refusal::new(
            "08P01",
            format!("expected the password, got {what}"),
        ))
    };
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
                return match frontend::parse(header.tag, body) {
                    Ok(FrontendMessage::Password(password)) => {
                        Ok(Secret::new(password.expose().to_owned()))
                    }
                    _ => Err(unexpected("something else")),
                };
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
    allowed: Allowed,
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
        token: Some(who.token.clone()),
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
    let allowed = match view.connect(now, &ApprovalFacts::default()) {
        Decision::Allow(allowed) => allowed,
        Decision::Deny(denial) => return Err(Refusal::denied(&denial, name)),
        Decision::Ask(ask) => {
            let groups: Vec<String> = ask
                .group_sets
                .iter()
                .map(|set| set.iter().cloned().collect::<Vec<_>>().join(" and "))
                .collect();
            return Err(Refusal::new(
                NOT_ALLOWED,
                format!(
                    "connecting to {name} needs an approval from {}",
                    groups.join(", or from ")
                ),
            )
            .hint(format!(
                "ask for it with: sluice request {name} --for 2h --reason \"...\""
            )));
        }
    };
    let read_only = !view.could_ever(CHANGING);
    let mut parameters = admitted.forwarded.clone();
    if read_only {
        parameters.push(("default_transaction_read_only".to_owned(), "on".to_owned()));
    }
    Ok(Opened {
        context: Arc::new(context),
        view,
        allowed,
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

/// `shop`, `shop/otherdb`, the first label of the TLS server name, or the listener's own connection.
fn pick_connection(
    snapshot: &Snapshot,
    listener: &Listener,
    admitted: &Admitted,
    server_name: Option<&str>,
) -> Result<(Arc<Connection>, String), Refusal> {
    let asked = admitted.database.as_deref().unwrap_or(&admitted.user);
    let (first, rest) = asked
        .split_once('/')
        .map_or((asked, None), |(first, rest)| (first, Some(rest)));
    let by_server_name = || {
        server_name?
            .split('.')
            .next()
            .and_then(|label| snapshot.connection(label))
    };
    let (connection, database) = if let Some(fixed) = &listener.connection {
        let connection = snapshot
            .connection(fixed)
            .ok_or_else(|| no_connection(fixed))?;
        (connection, if first == fixed { rest } else { Some(asked) })
    } else if let Some(connection) = snapshot.connection(first) {
        (connection, rest)
    } else if let Some(connection) = by_server_name() {
        (connection, Some(asked))
    } else {
        return Err(no_connection(first));
    };
    if connection.protocol != "postgres" {
        return Err(Refusal::new(
            NO_CONNECTION,
            format!(
                "connection \"{}\" is not a postgresql database",
                connection.name
            ),
        ));
    }
    let default = connection.target.database.clone();
    let database = database
        .map(str::to_owned)
        .or_else(|| default.clone())
        .ok_or_else(|| {
            Refusal::new(
                NO_CONNECTION,
                format!(
                    "connection \"{0}\" has no default database; name one as {0}/DATABASE",
                    connection.name
                ),
            )
        })?;
    let listed = connection
        .databases
        .as_ref()
        .is_none_or(|listed| listed.contains(&database));
    if !listed && default.as_ref() != Some(&database) {
        return Err(Refusal::new(
            NO_CONNECTION,
            format!(
                "database \"{database}\" is not offered by connection \"{}\"",
                connection.name
            ),
        ));
    }
    Ok((Arc::clone(connection), database))
}

fn no_connection(name: &str) -> Refusal {
    Refusal::new(
        NO_CONNECTION,
        format!("connection \"{name}\" does not exist"),
    )
    .hint("the database name picks the connection, as in dbname=shop or dbname=shop/otherdb")
}

/// The account that the user name names; the caller's own name stands for the default account.
fn pick_account<'a>(
    connection: &'a Connection,
    user: &str,
    caller: &str,
) -> Result<&'a Account, Refusal> {
    let by_name = connection
        .accounts
        .iter()
        .find(|account| account.name == user);
    let default = || match connection.accounts.as_slice() {
        [only] => Some(only),
        several => several.iter().find(|account| account.default),
    };
    by_name
        .or_else(|| (user == caller).then(default).flatten())
        .ok_or_else(|| {
            let names: Vec<&str> = connection
                .accounts
                .iter()
                .map(|account| account.name.as_str())
                .collect();
            Refusal::new(
                NO_LOGIN,
                format!(
                    "connection \"{}\" has no account \"{user}\"",
                    connection.name
                ),
            )
            .hint(format!(
                "the user name picks the account: {}, or your own name for the default one",
                names.join(", ")
            ))
        })
}

/// Records the opening, connects to the target and greets the client.
async fn start(
    shared: &Arc<Shared>,
    mut client: Side<Stream>,
    version: ProtocolVersion,
    opened: Opened,
) -> Option<Ready> {
    let context = Arc::clone(&opened.context);
    let refused = match begin(shared, &opened) {
        Ok((record, key)) => {
            let Opened {
                context,
                view,
                parameters,
                snapshots,
                read_only,
                ..
            } = opened;
            let pipeline =
                Pipeline::new(Arc::clone(&context), view, record, Arc::clone(&shared.port));
            match reach(shared, &context, &parameters).await {
                Ok(target) => {
                    let key = secret_of(version, key);
                    greet_client(&mut client, &target, &key);
                    let entry = entry(&context);
                    let registry_key = CancelKey {
                        pid: u32::from_ne_bytes(key.process_id.to_ne_bytes()),
                        secret: key.secret.to_vec(),
                    };
                    let membership = shared.registry.enter(entry, Some(registry_key));
                    tracing::info!(session = %context.id, principal = %context.principal.id, connection = context.connection.name, "session opened");
                    let live = Arc::clone(membership.live());
                    let start = Start {
                        shared: Arc::clone(shared),
                        context,
                        live,
                        client,
                        target,
                        pipeline,
                        process_id: key.process_id,
                        read_only,
                    };
                    return Some(Ready {
                        session: Session::new(start),
                        membership,
                        snapshots,
                    });
                }
                Err(refusal) => {
                    pipeline.close(&refusal.message);
                    refusal
                }
            }
        }
        Err(refusal) => refusal,
    };
    tracing::warn!(session = %context.id, connection = context.connection.name, refused = refused.message, "no session");
    refused.encode("FATAL", &mut client.outbox);
    let _ = timeout(PARTING, client.finish()).await;
    None
}

fn begin(
    shared: &Arc<Shared>,
    opened: &Opened,
) -> Result<(sluice_record::SessionRecord, [u8; 36]), Refusal> {
    let context = &opened.context;
    let body = EventBody::SessionOpened {
        session: context.id.clone(),
        principal: context.principal.id.clone(),
        groups: context.principal.groups.clone(),
        token: context.token.clone(),
        connection: context.connection.name.clone(),
        protocol: context.connection.protocol.clone(),
        account: context.account.clone(),
        database: context.database.clone(),
        client_address: context.client_address.to_string(),
        application: context.application.clone(),
        policies: opened.allowed.policies.clone(),
    };
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
        &shared.salted,
    )
    .await?)
}

/// The key that the client may cancel with: 4 bytes in protocol 3.0, 32 in 3.2.
fn secret_of(version: ProtocolVersion, random: [u8; 36]) -> startup::CancelKey {
    let (pid, secret) = random.split_at(4);
    // A process number is positive.
    let pid = i32::from_ne_bytes(pid.try_into().unwrap_or_default()) & i32::MAX;
    let len = if version >= ProtocolVersion::V3_2 {
        32
    } else {
        4
    };
    startup::CancelKey {
        process_id: pid,
        secret: secret.iter().copied().take(len).collect::<Vec<_>>().into(),
    }
}

fn greet_client(
    client: &mut Side<Stream>,
    target: &target::TargetSession,
    key: &startup::CancelKey,
) {
    let out = &mut client.outbox;
    encode::authentication_ok(out);
    for (name, value) in &target.parameters {
        encode::parameter_status(out, name, value);
    }
    encode::backend_key_data(out, key);
    encode::ready_for_query(out, TransactionStatus::Idle);
}

fn entry(context: &SessionContext) -> Entry {
    Entry {
        id: context.id.clone(),
        principal: context.principal.id.clone(),
        connection: context.connection.name.clone(),
        account: context.account.clone(),
        database: context.database.clone(),
        client_address: context.client_address.to_string(),
        application: context.application.clone(),
        since: clock::now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(names: &[(&str, bool)]) -> Connection {
        let account = |(name, default): &(&str, bool)| Account {
            name: (*name).to_owned(),
            default: *default,
            username: format!("at_target_{name}"),
            password: None,
        };
        Connection {
            name: "shop".into(),
            protocol: "postgres".into(),
            environment: "prod".into(),
            labels: Default::default(),
            time_zone: None,
            target: sluice_model::Target {
                address: "127.0.0.1:5432".into(),
                database: Some("shop".into()),
                tls: Default::default(),
                ca_file: None,
                client_cert_file: None,
                client_key_file: None,
            },
            accounts: names.iter().map(account).collect(),
            databases: None,
            strict_masking: true,
            hold_timeout_seconds: 600,
        }
    }

    #[test]
    fn the_user_name_picks_the_account() {
        type Case<'a> = (&'a [(&'a str, bool)], &'a str, Option<&'a str>);
        let two: &[(&str, bool)] = &[("app", true), ("owner", false)];
        let cases: &[Case<'_>] = &[
            (two, "owner", Some("owner")),
            (two, "app", Some("app")),
            (two, "ada", Some("app")),
            (two, "Owner", None),
            (two, "at_target_owner", None),
            (two, "", None),
            (&[("only", false)], "ada", Some("only")),
            (&[("a", false), ("b", false)], "ada", None),
        ];
        for (accounts, user, expected) in cases {
            let connection = connection(accounts);
            let picked = pick_account(&connection, user, "ada");
            assert_eq!(
                picked.ok().map(|account| account.name.as_str()),
                *expected,
                "{user}"
            );
        }
    }

    #[test]
    fn a_cancel_key_is_as_long_as_the_protocol_says_and_its_process_number_is_positive() {
        for (version, length) in [(ProtocolVersion::V3_0, 4), (ProtocolVersion::V3_2, 32)] {
            let key = secret_of(version, [0xff; 36]);
            assert_eq!((key.secret.len(), key.process_id > 0), (length, true));
        }
    }
}
