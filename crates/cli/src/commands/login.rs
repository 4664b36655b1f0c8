//! `sluice login`, `sluice logout`, `sluice token exchange`: tokens by signing in at one's identity provider, or for a
//! token that another issuer made.

use crate::client::Client;
use crate::context::{Context, Gateway};
use crate::failure::Failure;
use crate::output::inert;
use crate::stored::{self, Login as Kept};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use serde::{Deserialize, Serialize};
use sluice_control::api::types::WhoAmI;
use sluice_model::Secret;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The name that this program has at the gateway.
const CLIENT: &str = "sluice-cli";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE_GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// How long a person has to sign in.
const PATIENCE: Duration = Duration::from_secs(600);
/// The largest request that a browser sends to come back.
const MAX_REQUEST: usize = 8 << 10;

/// `sluice login`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Signs in in the browser and keeps the token in a file that only you can read; it ends with the sign-in. Where there \
is no browser, --device shows a code to type in one elsewhere. The gateway is named by --url or SLUICE_URL, and its \
authority by SLUICE_CA, once: both are kept along.")]
pub struct Login {
    /// The gateway's HTTPS address, such as https://gateway.example.com:8443
    #[arg(long)]
    url: Option<String>,
    /// Show a code to type in a browser elsewhere
    #[arg(long)]
    device: bool,
}

/// `sluice logout`.
#[derive(Debug, Args)]
pub struct Logout {}

/// `sluice token exchange --file TOKEN`.
#[derive(Debug, Args)]
pub struct Exchange {
    /// The file with the token of a trusted issuer; standard input when absent
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How long the new token lives; as long as the issuer's resource allows when absent
    #[arg(long, value_name = "LENGTH")]
    ttl: Option<crate::duration::Length>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct DeviceAnswer {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    interval: u64,
}

/// What a successful login prints with `--json`.
#[derive(Serialize)]
struct Done {
    principal: String,
    url: String,
}

impl Login {
    /// Signs in.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let gateway = context.gateway_to_sign_in(self.url.as_deref())?;
        let client = gateway.anonymous()?;
        let token = match self.device {
            true => by_device(&client).await?,
            false => by_browser(&client, &gateway.url).await?,
        };
        let own = gateway.client_with_token(token.clone())?;
        let who: WhoAmI = own.get("/v1/whoami").await?;
        // Later commands run in other folders.
        let ca_file = gateway.ca_file.as_deref().map(std::path::absolute);
        stored::keep(&Kept {
            url: gateway.url.clone(),
            ca_file: ca_file
                .transpose()
                .map_err(|error| Failure::usage(format!("SLUICE_CA names no file: {error}")))?,
            token: token.expose().to_owned(),
        })?;
        let done = Done {
            principal: who.principal.to_string(),
            url: gateway.url,
        };
        context.out.show(&done, |done| {
            format!("signed in as {} at {}", inert(&done.principal), done.url)
        })
    }
}

impl Logout {
    /// Revokes the token that is kept and forgets it.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let Some(kept) = stored::read()? else {
            return context.out.show(&(), |()| "nobody is signed in".to_owned());
        };
        let gateway = Gateway::of_login(&kept);
        let client = gateway.client_with_token(Secret::new(kept.token.clone()))?;
        // A token that is over already is as good as revoked.
        if let Ok(who) = client.get::<WhoAmI>("/v1/whoami").await
            && let Some(id) = who.token
        {
            let path = format!("/v1/tokens/{id}/revoke");
            client
                .send(reqwest::Method::POST, &path, None::<&()>)
                .await?;
        }
        stored::forget()?;
        context.out.show(&(), |()| "signed out".to_owned())
    }
}

impl Exchange {
    /// Exchanges the token.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let text = match &self.file {
            Some(path) => std::fs::read_to_string(path),
            None => std::io::read_to_string(std::io::stdin()),
        };
        let text =
            text.map_err(|error| Failure::usage(format!("cannot read the token: {error}")))?;
        let jwt = Secret::new(text.trim().to_owned());
        let seconds = self.ttl.map(|ttl| ttl.0.to_string());
        let mut form = vec![
            ("grant_type", EXCHANGE_GRANT),
            ("subject_token", jwt.expose()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ];
        form.extend(seconds.as_deref().map(|seconds| ("expires_in", seconds)));
        let answer: TokenAnswer = context
            .gateway()?
            .anonymous()?
            .post_form("/oauth/token", &form)
            .await?;
        let Some(token) = answer.access_token else {
            let why = answer.error.unwrap_or_default();
            return Err(Failure::failed(format!(
                "the gateway does not exchange this token ({})",
                inert(&why)
            ))
            .hint("its issuer has to be declared as a TrustedIssuer with a rule that fits; the gateway's log says more"));
        };
        context
            .out
            .show(&serde_json::json!({ "secret": token }), |_| token.clone())
    }
}

fn random() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Failure::failed("no random bytes could be had"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Authorization code with PKCE, back to a port of this computer (RFC 8252).
async fn by_browser(client: &Client, url: &str) -> Result<Secret, Failure> {
    let cannot =
        |error: std::io::Error| Failure::failed(format!("cannot listen for the browser: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(cannot)?;
    let port = listener.local_addr().map_err(cannot)?.port();
    let redirect_uri = format!("http://127.0.0.1:{port}/callback");
    let (verifier, state) = (random()?, random()?);
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let page = format!(
        "{url}/oauth/authorize?response_type=code&client_id={CLIENT}&redirect_uri={}&state={state}\
         &code_challenge={challenge}&code_challenge_method=S256",
        crate::client::segment(&redirect_uri)
    );
    eprintln!("sign in in the browser; if none opens, open this page yourself:\n\n  {page}\n");
    open_browser(&page);
    let code = tokio::time::timeout(PATIENCE, come_back(&listener, &state)).await;
    let code = code.map_err(|_| {
        Failure::failed("nobody signed in within ten minutes")
            .hint("run this again; on a computer without a browser use --device")
    })??;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", code.expose()),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", &verifier),
    ];
    let answer: TokenAnswer = client.post_form("/oauth/token", &form).await?;
    granted(answer)
}

fn granted(answer: TokenAnswer) -> Result<Secret, Failure> {
    match (answer.access_token, answer.error) {
        (Some(token), _) => Ok(Secret::new(token)),
        (None, error) => Err(refused(&error.unwrap_or_default())),
    }
}

fn refused(error: &str) -> Failure {
    let what = match error {
        "access_denied" => "the sign-in was denied".to_owned(),
        "expired_token" => "the code is over".to_owned(),
        other => format!("the gateway gives no token ({})", inert(other)),
    };
    Failure::failed(what).hint("run `sluice login` again")
}

/// Starts the browser that the environment names, or the system's. That it does not start is no failure: the address
/// was printed.
fn open_browser(page: &str) {
    let named = std::env::var("BROWSER")
        .ok()
        .filter(|name| !name.is_empty());
    let system = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let program = named.as_deref().unwrap_or(system);
    let _ = std::process::Command::new(program)
        .arg(page)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
}

/// Waits for the browser with the answer to our own question.
async fn come_back(listener: &TcpListener, state: &str) -> Result<Secret, Failure> {
    loop {
        let accepted = listener.accept().await;
        let (mut stream, _) = accepted
            .map_err(|error| Failure::failed(format!("the browser cannot come back: {error}")))?;
        let Some(query) = query_of(&mut stream).await else {
            continue;
        };
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        };
        if value("state").as_deref() != Some(state) {
            say(
                &mut stream,
                "400 Bad Request",
                "This is not the sign-in that was begun.",
            )
            .await;
            continue;
        }
        if let Some(code) = value("code") {
            say(&mut stream, "200 OK", "Signed in. You can close this page.").await;
            return Ok(Secret::new(code));
        }
        say(
            &mut stream,
            "200 OK",
            "Not signed in. You can close this page.",
        )
        .await;
        return Err(refused(&value("error").unwrap_or_default()));
    }
}

/// The query of `GET /callback?..`; `None` for anything else.
async fn query_of(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let read = async {
        let mut buffer = [0; 1_024];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MAX_REQUEST {
            let n = stream.read(&mut buffer).await.ok()?;
            head.extend_from_slice(buffer.get(..n).filter(|read| !read.is_empty())?);
        }
        Some(())
    };
    tokio::time::timeout(Duration::from_secs(10), read)
        .await
        .ok()??;
    let text = String::from_utf8(head).ok()?;
    let target = text.strip_prefix("GET ")?.split(' ').next()?;
    let (path, query) = target.split_once('?')?;
    (path == "/callback").then(|| query.to_owned())
}

async fn say(stream: &mut TcpStream, status: &str, text: &str) {
    let body = format!("<!doctype html><meta charset=utf-8><title>Sluice</title><p>{text}</p>\n");
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         content-security-policy: default-src 'none'\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Device authorization (RFC 8628).
async fn by_device(client: &Client) -> Result<Secret, Failure> {
    let asked = [("client_id", CLIENT)];
    let device: DeviceAnswer = client
        .post_form("/oauth/device_authorization", &asked)
        .await?;
    eprintln!(
        "open this page in any browser and type the code {}:\n\n  {}\n\nor open it with the code:\n\n  {}\n",
        inert(&device.user_code),
        inert(&device.verification_uri),
        inert(&device.verification_uri_complete)
    );
    let mut pause = Duration::from_secs(device.interval.clamp(1, 60));
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        tokio::time::sleep(pause).await;
        let form = [
            ("grant_type", DEVICE_GRANT),
            ("client_id", CLIENT),
            ("device_code", device.device_code.as_str()),
        ];
        let answer: TokenAnswer = client.post_form("/oauth/token", &form).await?;
        match answer.error.as_deref() {
            Some("authorization_pending") => {}
            Some("slow_down") => pause += Duration::from_secs(5),
            _ => return granted(answer),
        }
    }
    Err(refused("expired_token"))
}
