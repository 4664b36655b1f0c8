//! A server on loopback that keeps what it is sent and answers what a test says; and one that speaks SMTP strictly.

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub(super) fn hmac_hex(key: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// How long something that is sent in the background may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// One request that arrived.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Received {
    pub(super) fn json(&self) -> Value {
        let kind = self.header("content-type");
        assert!(kind.starts_with("application/json"), "{kind}");
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> String {
        let value = self.headers.get(name);
        value.map_or(String::new(), |v| v.to_str().unwrap().to_owned())
    }
}

#[derive(Clone, Default)]
struct Inside {
    received: Arc<Mutex<Vec<Received>>>,
    /// Answers in the order in which they are given; the last one stays.
    answers: Arc<Mutex<VecDeque<Answer>>>,
    acts: Arc<Mutex<Option<Act>>>,
    /// What is asked for here is never answered.
    silent: Arc<Mutex<Option<String>>>,
}

/// What a service makes of a request, where it does not just answer.
type Act = Box<dyn Fn(&Received) -> Option<(u16, String)> + Send>;

/// A status, a body and headers.
type Answer = (u16, String, Vec<(String, String)>);

/// A service over HTTP.
pub(super) struct Double {
    pub(super) url: String,
    inside: Inside,
    task: JoinHandle<()>,
}

impl Drop for Double {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Double {
    pub(super) async fn start() -> Self {
        let inside = Inside::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(inside.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let double = Self { url, inside, task };
        double.answers(200, "{}");
        double
    }

    /// From now on this is answered.
    pub(super) fn answers(&self, status: u16, body: &str) {
        let mut answers = self.inside.answers.lock();
        answers.clear();
        answers.push_back((status, body.to_owned(), Vec::new()));
    }

    /// From now on requests are answered by this, where it has an answer.
    pub(super) fn acts(&self, act: impl Fn(&Received) -> Option<(u16, String)> + Send + 'static) {
        *self.inside.acts.lock() = Some(Box::new(act));
    }

    /// From now on nothing is answered there.
    pub(super) fn is_silent_about(&self, path: &str) {
        *self.inside.silent.lock() = Some(path.to_owned());
    }

    pub(super) fn answers_with(&self, status: u16, header: (&str, &str)) {
        let mut answers = self.inside.answers.lock();
        answers.clear();
        let header = (header.0.to_owned(), header.1.to_owned());
        answers.push_back((status, String::new(), vec![header]));
    }

    /// These are answered in turn, the last one from then on.
    pub(super) fn answers_in_turn(&self, bodies: &[&str]) {
        let mut answers = self.inside.answers.lock();
        *answers = bodies
            .iter()
            .map(|body| (200, (*body).to_owned(), Vec::new()))
            .collect();
    }

    /// What arrived since this was last asked.
    pub(super) fn received(&self) -> Vec<Received> {
        std::mem::take(&mut *self.inside.received.lock())
    }

    /// Waits until so much arrived that was sent in the background.
    pub(super) async fn receives(&self, count: usize) -> Vec<Received> {
        let arrive = async {
            while self.inside.received.lock().len() < count {
                tokio::task::yield_now().await;
            }
        };
        let arrived = tokio::time::timeout(PATIENCE, arrive).await;
        let received = self.received();
        assert!(arrived.is_ok(), "{count} were awaited, got {received:?}");
        received
    }
}

async fn receive(State(inside): State<Inside>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let received = Received {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let acted = {
        let act = inside.acts.lock();
        act.as_ref().and_then(|act| act(&received))
    };
    let silent = inside.silent.lock().as_ref() == Some(&received.path);
    inside.received.lock().push(received);
    if silent {
        std::future::pending::<()>().await;
    }
    if let Some((status, body)) = acted {
        let response = Response::builder().status(status);
        return response.body(Body::from(body)).unwrap();
    }
    let mut answers = inside.answers.lock();
    let answer = match answers.len() {
        1 => answers[0].clone(),
        _ => answers.pop_front().unwrap(),
    };
    let mut response = Response::builder().status(answer.0);
    for (name, value) in answer.2 {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.1)).unwrap()
}

/// One mail, and the conversation that it came in.
#[derive(Debug, Clone, Default)]
pub(super) struct Mail {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) data: String,
    pub(super) tls: bool,
    pub(super) auth: Option<String>,
}

/// A mail server that takes nothing out of order.
pub(super) struct MailServer {
    pub(super) address: String,
    pub(super) ca_pem: String,
    mails: Arc<Mutex<Vec<Mail>>>,
    /// What is answered to `DATA` instead of taking the mail.
    pub(super) refuses: Arc<Mutex<Option<&'static str>>>,
    task: JoinHandle<()>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl MailServer {
    /// With STARTTLS (and AUTH after it), or without either.
    pub(super) async fn start(tls: bool) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key =
            rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = tls.then(|| TlsAcceptor::from(Arc::new(config)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        let mails = Arc::<Mutex<Vec<Mail>>>::default();
        let refuses = Arc::<Mutex<Option<&'static str>>>::default();
        let (kept, refusing) = (Arc::clone(&mails), Arc::clone(&refuses));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (kept, acceptor, refusing) =
                    (Arc::clone(&kept), acceptor.clone(), Arc::clone(&refusing));
                tokio::spawn(async move {
                    let refusal = *refusing.lock();
                    let mut plain = BufReader::new(stream);
                    plain.write_all(b"220 double ESMTP\r\n").await.unwrap();
                    let upgrade = acceptor.is_some();
                    let wants = converse(&mut plain, upgrade, false, refusal, &kept).await;
                    if let (true, Some(acceptor)) = (wants, acceptor) {
                        assert!(plain.buffer().is_empty(), "nothing is said before TLS");
                        let Ok(secure) = acceptor.accept(plain.into_inner()).await else {
                            return;
                        };
                        converse(&mut BufReader::new(secure), false, true, refusal, &kept).await;
                    }
                });
            }
        });
        Self {
            address,
            ca_pem: made.cert.pem(),
            mails,
            refuses,
            task,
        }
    }

    pub(super) fn mails(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.mails.lock())
    }
}

/// Whether the client wants TLS now.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    upgrade: bool,
    tls: bool,
    refusal: Option<&str>,
    kept: &Mutex<Vec<Mail>>,
) -> bool {
    let mut mail = Mail {
        tls,
        ..Mail::default()
    };
    let mut greeted = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return false;
        }
        let line = line
            .strip_suffix("\r\n")
            .expect("lines end in CRLF")
            .to_owned();
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match (verb.to_ascii_uppercase().as_str(), greeted) {
            ("EHLO", _) => {
                greeted = true;
                match (upgrade, tls) {
                    (true, _) => "250-double\r\n250 STARTTLS",
                    (false, true) => "250-double\r\n250 AUTH PLAIN",
                    (false, false) => "250 double",
                }
            }
            ("STARTTLS", true) if upgrade => {
                stream.write_all(b"220 go\r\n").await.unwrap();
                return true;
            }
            ("AUTH", true) if tls => {
                mail.auth = Some(rest.to_owned());
                "235 ok"
            }
            ("MAIL", true) if !upgrade && mail.from.is_empty() => {
                mail.from = rest.to_owned();
                "250 ok"
            }
            ("RCPT", true) if !mail.from.is_empty() => {
                mail.to.push(rest.to_owned());
                "250 ok"
            }
            ("DATA", true) if refusal.is_some() => refusal.unwrap(),
            ("DATA", true) if !mail.to.is_empty() => {
                stream.write_all(b"354 go\r\n").await.unwrap();
                mail.data = data(stream).await;
                kept.lock().push(mail.clone());
                "250 taken"
            }
            ("QUIT", _) => {
                let _ = stream.write_all(b"221 bye\r\n").await;
                return false;
            }
            _ => "503 out of order",
        };
        stream
            .write_all(format!("{answer}\r\n").as_bytes())
            .await
            .unwrap();
    }
}

async fn data<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> String {
    let mut all = Vec::new();
    while !all.ends_with(b"\r\n.\r\n") {
        all.push(stream.read_u8().await.unwrap());
    }
    let text = String::from_utf8(all).unwrap();
    for line in text.split("\r\n") {
        assert!(
            line.len() <= 998 && !line.contains(['\r', '\n']),
            "{line:?}"
        );
    }
    text.trim_end_matches("\r\n.\r\n").to_owned()
}
