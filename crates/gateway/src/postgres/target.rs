//! Connecting and logging in to a target with the leased credential.
//!
//! The target is not trusted: every message is read strictly, what it may ask of the gateway is bounded
//! (SCRAM rounds, time, bytes), and a password leaves in the clear only inside TLS.

use crate::duplex::Side;
use crate::stream::Stream;
use crate::targets::{Healths, words_of};
use crate::tls::{self, TargetTlsError};
use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use sluice_model::Lease;
use sluice_model::{Connection, Secret, Target};
use sluice_protocol::postgres::auth::{md5, scram};
use sluice_protocol::postgres::backend::{self, Authentication, BackendMessage};
use sluice_protocol::postgres::startup::{CancelKey, ProtocolVersion};
use sluice_protocol::postgres::{BackendTag, Violation, encode, frame};
use std::collections::HashMap;
use std::io;
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a target may take from the first packet to its first ReadyForQuery. PostgreSQL's own
/// `authentication_timeout` is a minute; a person at a prompt gives up sooner.
const LOGIN_DEADLINE: Duration = Duration::from_secs(20);
/// The most salted passwords kept. One for each account of each target, with room for salts that changed.
const SALTED_KEPT: usize = 1024;

/// Why there is no session at the target. In words for the caller; never a credential.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// No TCP connection.
    #[error("the target cannot be reached: {0}")]
    Unreachable(io::Error),
    /// It took too long.
    #[error("the target did not complete the login within {} seconds", LOGIN_DEADLINE.as_secs())]
    TooSlow,
    /// TLS could not be set up on this side.
    #[error(transparent)]
    Tls(#[from] TargetTlsError),
    /// The target has no TLS.
    #[error("the target does not speak tls; the connection demands it (target.tls)")]
    NoTls,
    /// The TLS handshake failed.
    #[error("the tls handshake with the target failed: {0}")]
    Handshake(io::Error),
    /// The target's host name cannot be one.
    #[error("the target's address has no host name that a certificate could be checked against")]
    HostName,
    /// The stream broke.
    #[error("the target closed the connection during the login: {0}")]
    Closed(io::Error),
    /// It broke the protocol.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// It sent a message that has no place in a login.
    #[error("the target sent a {0} message during the login; expected an authentication step")]
    Unexpected(&'static str),
    /// It wants something the gateway does not do, or would not do safely.
    #[error("the target asks for {0}")]
    Method(&'static str),
    /// The SCRAM exchange failed.
    #[error(transparent)]
    Scram(#[from] scram::ScramError),
    /// It refused the login. The SQLSTATE only: its text may name the account.
    #[error(
        "the target refused the gateway's login (sqlstate {0}); check the account's credential and the target's access rules"
    )]
    Refused(String),
    /// A message could not be written.
    #[error(transparent)]
    Encode(#[from] encode::CannotEncode),
}

/// A session at the target, ready for its first statement.
pub struct TargetSession {
    /// The stream with what was already received.
    pub side: Side<Stream>,
    /// What the target reported about itself.
    pub parameters: Vec<(String, String)>,
    /// The key to cancel what runs there.
    pub cancel_key: Option<CancelKey>,
}

impl TargetError {
    /// The same without a word of the target's own.
    #[must_use]
    pub fn plainly(&self) -> String {
        match self {
            Self::Unreachable(error) | Self::Handshake(error) => words_of(error),
            Self::Closed(_) => "it closed the connection during the login".to_owned(),
            Self::Tls(error) => error.plainly(),
            Self::Violation(_) | Self::Encode(_) => {
                "it does not speak the protocol as it should".to_owned()
            }
            Self::Refused(code) => refused(code),
            Self::TooSlow
            | Self::NoTls
            | Self::HostName
            | Self::Unexpected(_)
            | Self::Method(_)
            | Self::Scram(_) => self.to_string(),
        }
    }
}

/// What a SQLSTATE of a refused login means. Five letters and digits are one; anything else may be any text.
fn refused(code: &str) -> String {
    let is_code = code.len() == 5 && code.bytes().all(|b| b.is_ascii_alphanumeric());
    let code = if is_code { code } else { "unknown" };
    let words = match code {
        "28P01" => "the user name or the password is wrong",
        "28000" => "its access rules do not let the account in like this",
        "3D000" => "there is no such database",
        "42501" => "the account may not connect to this database",
        "53300" => "it has too many connections",
        _ if code.starts_with("57P") => "it is starting up or shutting down",
        _ => "it refused the login",
    };
    format!("{words} (sqlstate {code})")
}

impl std::fmt::Debug for TargetSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TargetSession").finish_non_exhaustive()
    }
}

/// The rounds of a SCRAM password take milliseconds, and its salt changes only with the password.
#[derive(Default)]
pub struct SaltedPasswords(Mutex<HashMap<SaltKey, scram::SaltedPassword>>);

#[derive(PartialEq, Eq, Hash)]
struct SaltKey {
    password_digest: [u8; 32],
    salt: Vec<u8>,
    iterations: NonZeroU32,
}

impl SaltedPasswords {
    async fn get(
        &self,
        password: &Secret,
        salt: &[u8],
        iterations: NonZeroU32,
    ) -> scram::SaltedPassword {
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, password.expose().as_bytes());
        let key = SaltKey {
            password_digest: digest.as_ref().try_into().unwrap_or_default(),
            salt: salt.to_vec(),
            iterations,
        };
        if let Some(known) = self.0.lock().get(&key) {
            return known.clone();
        }
        let (password, salt) = (password.clone(), salt.to_vec());
        let derive = move || scram::SaltedPassword::derive(password.expose(), &salt, iterations);
        let salted = match tokio::task::spawn_blocking(derive.clone()).await {
            Ok(salted) => salted,
            Err(_) => derive(),
        };
        let mut kept = self.0.lock();
        if kept.len() >= SALTED_KEPT {
            kept.clear();
        }
        kept.insert(key, salted.clone());
        salted
    }
}

/// Opens a session at the target.
///
/// # Errors
/// See [`TargetError`].
pub async fn connect(
    connection: &Connection,
    lease: &Lease,
    database: &str,
    parameters: &[(String, String)],
    shared: (&SaltedPasswords, &Healths),
) -> Result<TargetSession, TargetError> {
    let (salted, healths) = shared;
    let login = async {
        let tcp = dial(&connection.target).await?;
        let opened = secure(tcp, &connection.target, true).await?;
        log_in(opened, lease, database, parameters, salted).await
    };
    let done = timeout(LOGIN_DEADLINE, login).await;
    let done = done.map_err(|_| TargetError::TooSlow).flatten();
    let said = done.as_ref().map(|_| "it let a session in");
    healths.told(connection, said.map_err(TargetError::plainly));
    done
}

/// Logs in on a stream that is open and secured as configured.
///
/// # Errors
/// See [`TargetError`].
pub async fn log_in(
    opened: Opened,
    lease: &Lease,
    database: &str,
    parameters: &[(String, String)],
    salted: &SaltedPasswords,
) -> Result<TargetSession, TargetError> {
    let Opened { stream, binding } = opened;
    let encrypted = !matches!(stream, Stream::Plain(_));
    let side = Side::new(stream, BytesMut::new());
    let login = Login {
        side,
        lease,
        salted,
        encrypted,
        binding,
        scram: ScramStep::None,
    };
    login.run(database, parameters).await
}

/// Passes a cancel request on to the target, on a connection of its own.
///
/// # Errors
/// The target cannot be reached; the statement then runs on.
pub async fn cancel(target: &Target, key: &CancelKey) -> Result<(), TargetError> {
    let work = async {
        let Opened { mut stream, .. } = secure(dial(target).await?, target, false).await?;
        let mut out = BytesMut::new();
        encode::cancel_request(&mut out, key)?;
        stream.write_all(&out).await.map_err(TargetError::Closed)?;
        stream.flush().await.map_err(TargetError::Closed)?;
        // The server closes once it has passed the request on; waiting for that keeps the order of things.
        let mut end = [0; 1];
        let _ = stream.read(&mut end).await;
        Ok(())
    };
    timeout(LOGIN_DEADLINE, work)
        .await
        .map_err(|_| TargetError::TooSlow)?
}

/// A stream to a target, before the login.
pub struct Opened {
    stream: Stream,
    binding: scram::ChannelBinding,
}

impl Opened {
    /// The version of TLS; the outer `None` where there is no TLS.
    #[must_use]
    pub fn version(&self) -> Option<Option<rustls::ProtocolVersion>> {
        match &self.stream {
            Stream::Connected(tls) => Some(tls.get_ref().1.protocol_version()),
            Stream::Plain(_) | Stream::Accepted(_) => None,
        }
    }
}

/// Connects to a target.
///
/// # Errors
/// It cannot be reached.
pub async fn dial(target: &Target) -> Result<TcpStream, TargetError> {
    let tcp = TcpStream::connect(&target.address).await;
    let tcp = tcp.map_err(TargetError::Unreachable)?;
    tcp.set_nodelay(true).map_err(TargetError::Unreachable)?;
    Ok(tcp)
}

/// Sets TLS up as the connection demands it. With `binding`, what channel binding needs is taken along.
///
/// # Errors
/// The target has no TLS, or not with a certificate that is good enough.
pub async fn secure(
    mut tcp: TcpStream,
    target: &Target,
    binding: bool,
) -> Result<Opened, TargetError> {
    let Some(config) = tls::client_config(target, None, &[b"postgresql"])? else {
        return Ok(Opened {
            stream: Stream::Plain(tcp),
            binding: scram::ChannelBinding::Unsupported,
        });
    };
    let mut request = BytesMut::new();
    encode::ssl_request(&mut request);
    tcp.write_all(&request).await.map_err(TargetError::Closed)?;
    // One byte exactly: what a hostile target sends along before TLS is never looked at (it makes the handshake fail).
    if tcp.read_u8().await.map_err(TargetError::Closed)? != b'S' {
        return Err(TargetError::NoTls);
    }
    let host = host_of(&target.address).ok_or(TargetError::HostName)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TargetError::HostName)?;
    let tls = tokio_rustls::TlsConnector::from(config)
        .connect(name, tcp)
        .await
        .map_err(TargetError::Handshake)?;
    let binding = match binding {
        true => channel_binding(&tls),
        false => scram::ChannelBinding::Unsupported,
    };
    Ok(Opened {
        stream: Stream::Connected(Box::new(tls)),
        binding,
    })
}

fn host_of(address: &str) -> Option<&str> {
    let (host, _) = address.rsplit_once(':')?;
    Some(host.trim_start_matches('[').trim_end_matches(']'))
}

/// The `tls-server-end-point` of RFC 5929: a hash of the target's certificate, by the certificate's own
/// signature hash, SHA-256 where that is older or none.
fn channel_binding(tls: &tokio_rustls::client::TlsStream<TcpStream>) -> scram::ChannelBinding {
    use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
    let certificate = tls
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first());
    let Some(der) = certificate else {
        return scram::ChannelBinding::Unsupported;
    };
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(der) else {
        return scram::ChannelBinding::Unsupported;
    };
    let algorithm = match parsed.signature_algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2" => &SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => &SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => &SHA512,
        _ => return scram::ChannelBinding::Unsupported,
    };
    scram::ChannelBinding::ServerEndPoint(digest(algorithm, der).as_ref().to_vec())
}

enum ScramStep {
    None,
    First(scram::Scram),
    Proven(scram::Proven),
    Verified,
}

struct Login<'a> {
    side: Side<Stream>,
    lease: &'a Lease,
    salted: &'a SaltedPasswords,
    encrypted: bool,
    binding: scram::ChannelBinding,
    scram: ScramStep,
}

/// A message of the login, owned so that the inbox is free again.
enum Step {
    AuthenticationOk,
    Cleartext,
    Md5([u8; 4]),
    Sasl { plain: bool, plus: bool },
    SaslContinue(Vec<u8>),
    SaslFinal(Vec<u8>),
    Key(CancelKey),
    Parameter(String, String),
    Refused(String),
    Ready,
    Ignored,
}

impl Login<'_> {
    async fn run(
        mut self,
        database: &str,
        parameters: &[(String, String)],
    ) -> Result<TargetSession, TargetError> {
        let fixed = [
            ("user", self.lease.username.as_str()),
            ("database", database),
        ];
        let asked = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        encode::startup(
            &mut self.side.outbox,
            ProtocolVersion::V3_0,
            fixed.into_iter().chain(asked),
        )?;
        let (mut reported, mut cancel_key, mut authenticated) = (Vec::new(), None, false);
        loop {
            self.side.send().await.map_err(TargetError::Closed)?;
            match self.next().await? {
                Step::AuthenticationOk => {
                    if matches!(self.scram, ScramStep::First(_) | ScramStep::Proven(_)) {
                        return Err(TargetError::Unexpected("AuthenticationOk"));
                    }
                    authenticated = true;
                }
                Step::Cleartext => self.cleartext()?,
                Step::Md5(salt) => self.md5(salt)?,
                Step::Sasl { plain, plus } => self.sasl(plain, plus)?,
                Step::SaslContinue(data) => self.sasl_continue(&data).await?,
                Step::SaslFinal(data) => self.sasl_final(&data)?,
                Step::Key(key) => cancel_key = Some(key),
                Step::Parameter(name, value) => reported.push((name, value)),
                Step::Refused(code) => return Err(TargetError::Refused(code)),
                Step::Ready if authenticated => {
                    return Ok(TargetSession {
                        side: self.side,
                        parameters: reported,
                        cancel_key,
                    });
                }
                Step::Ready => return Err(TargetError::Unexpected("ReadyForQuery")),
                Step::Ignored => {}
            }
        }
    }

    async fn next(&mut self) -> Result<Step, TargetError> {
        loop {
            if let Some(frame) = frame::peek::<BackendTag>(&self.side.inbox)? {
                let (step, taken) = (
                    read_step(backend::parse(frame.tag, frame.body)?)?,
                    frame.raw.len(),
                );
                self.side.inbox.advance(taken);
                return Ok(step);
            }
            if !self.side.receive().await.map_err(TargetError::Closed)? {
                return Err(TargetError::Closed(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    fn password(&self) -> Result<&Secret, TargetError> {
        let missing = "a password, and the account has none; set password on the account";
        self.lease
            .password
            .as_ref()
            .ok_or(TargetError::Method(missing))
    }

    fn cleartext(&mut self) -> Result<(), TargetError> {
        if !self.encrypted {
            let why = "the password in cleartext without tls; set target.tls, or scram-sha-256 at the target";
            return Err(TargetError::Method(why));
        }
        let password = self.password()?.clone();
        Ok(encode::password(&mut self.side.outbox, password.expose())?)
    }

    fn md5(&mut self, salt: [u8; 4]) -> Result<(), TargetError> {
        let response = md5::response(&self.lease.username, self.password()?.expose(), salt);
        Ok(encode::password(&mut self.side.outbox, &response)?)
    }

    fn sasl(&mut self, plain: bool, plus: bool) -> Result<(), TargetError> {
        if !matches!(self.scram, ScramStep::None) {
            return Err(TargetError::Unexpected("AuthenticationSASL"));
        }
        let binding = match (&self.binding, plus, plain) {
            (scram::ChannelBinding::ServerEndPoint(hash), true, _) => {
                scram::ChannelBinding::ServerEndPoint(hash.clone())
            }
            (scram::ChannelBinding::ServerEndPoint(_), false, true) => {
                scram::ChannelBinding::NotOffered
            }
            (_, _, true) => scram::ChannelBinding::Unsupported,
            _ => {
                return Err(TargetError::Method(
                    "a sasl mechanism other than scram-sha-256",
                ));
            }
        };
        let exchange = scram::Scram::new(binding)?;
        let first = exchange.client_first();
        encode::sasl_initial_response(
            &mut self.side.outbox,
            exchange.mechanism(),
            first.as_bytes(),
        )?;
        self.scram = ScramStep::First(exchange);
        Ok(())
    }

    async fn sasl_continue(&mut self, data: &[u8]) -> Result<(), TargetError> {
        let ScramStep::First(exchange) = std::mem::replace(&mut self.scram, ScramStep::None) else {
            return Err(TargetError::Unexpected("AuthenticationSASLContinue"));
        };
        let challenged = exchange.challenge(data)?;
        let salted = self
            .salted
            .get(self.password()?, challenged.salt(), challenged.iterations())
            .await;
        let (response, proven) = challenged.prove(&salted);
        encode::sasl_response(&mut self.side.outbox, response.as_bytes());
        self.scram = ScramStep::Proven(proven);
        Ok(())
    }

    fn sasl_final(&mut self, data: &[u8]) -> Result<(), TargetError> {
        let ScramStep::Proven(proven) = std::mem::replace(&mut self.scram, ScramStep::Verified)
        else {
            return Err(TargetError::Unexpected("AuthenticationSASLFinal"));
        };
        Ok(proven.verify(data)?)
    }
}

fn read_step(message: BackendMessage<'_>) -> Result<Step, TargetError> {
    Ok(match message {
        BackendMessage::Authentication(authentication) => match authentication {
            Authentication::Ok => Step::AuthenticationOk,
            Authentication::CleartextPassword => Step::Cleartext,
            Authentication::Md5Password { salt } => Step::Md5(salt),
            Authentication::Sasl(offered) => Step::Sasl {
                plain: offered.contains(&"SCRAM-SHA-256"),
                plus: offered.contains(&"SCRAM-SHA-256-PLUS"),
            },
            Authentication::SaslContinue(data) => Step::SaslContinue(data.to_vec()),
            Authentication::SaslFinal(data) => Step::SaslFinal(data.to_vec()),
            Authentication::Unsupported(_) => {
                return Err(TargetError::Method(
                    "a way of authentication that the gateway does not do; use scram-sha-256",
                ));
            }
        },
        BackendMessage::BackendKeyData { process_id, secret } => Step::Key(CancelKey {
            process_id,
            secret: secret.to_vec().into(),
        }),
        BackendMessage::ParameterStatus { name, value } => {
            Step::Parameter(name.to_owned(), value.to_owned())
        }
        BackendMessage::ErrorResponse(fields) => {
            Step::Refused(fields.sqlstate().unwrap_or("unknown").to_owned())
        }
        BackendMessage::ReadyForQuery(_) => Step::Ready,
        BackendMessage::NoticeResponse(_) | BackendMessage::NegotiateProtocolVersion { .. } => {
            Step::Ignored
        }
        _ => return Err(TargetError::Unexpected("message of a running session")),
    })
}
