//! How long it takes to say who holds a secret: a token of the gateway's, and a JWT of each kind of key. Everything that
//! a login does is in it: lock-outs, signature, claims, the rule of the issuer.
//!
//! `cargo bench -p sluice-control --bench identity`

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use sluice_control::api::types::{ExplainResponse, SessionInfo, TargetHealth};
use sluice_control::{
    Config, Control, Explainer, Explaining, JudgeRequest, Judging, LiveSessions, Targets, Testing,
};
use sluice_model::{Connection, Principal, ProtocolSpec, SessionId, WayIn, WaysIn};
use sluice_policy::Snapshot;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const PROTOCOLS: &[ProtocolSpec] = &[];
/// How long each is measured.
const ROUND: Duration = Duration::from_secs(2);

struct Nobody;

impl LiveSessions for Nobody {
    fn list(&self) -> Vec<SessionInfo> {
        Vec::new()
    }
    fn kill(&self, _: &SessionId, _: &str) -> bool {
        false
    }
}

impl Explainer for Nobody {
    fn explain<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a sluice_control::api::types::ExplainRequest,
    ) -> Explaining<'a> {
        Box::pin(async { Err::<ExplainResponse, _>("nothing is explained here".to_owned()) })
    }

    fn judge<'a>(&'a self, _: &'a [Arc<Snapshot>], _: &'a JudgeRequest) -> Judging<'a> {
        Box::pin(async { Vec::new() })
    }
}

impl Targets for Nobody {
    fn test<'a>(&'a self, _: &'a Connection, _: &'a str) -> Testing<'a> {
        Box::pin(async { Vec::new() })
    }

    fn health(&self, _: &str) -> Option<TargetHealth> {
        None
    }
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A JWT signed with a key of this kind, and the key as others see it.
fn signed(algorithm: Algorithm, kid: &str) -> Result<(String, Value), Box<dyn std::error::Error>> {
    let (key, public) = match algorithm {
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
            let point = pair.public_key().as_ref();
            let (x, y) = point.split_at(1).1.split_at(32);
            let public =
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": base64(x), "y": base64(y)});
            (
                EncodingKey::from_ec_der(pair.to_pkcs8v1()?.as_ref()),
                public,
            )
        }
        _ => {
            let pair = Ed25519KeyPair::generate()?;
            let x = base64(pair.public_key().as_ref());
            let public = json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x});
            (
                EncodingKey::from_ed_der(pair.to_pkcs8v1()?.as_ref()),
                public,
            )
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "iss": "https://ci.example", "aud": "https://gateway.example", "sub": "repo:acme/reports",
        "iat": now, "exp": now + 3_600, "repository": "acme/reports", "ref": "refs/heads/main",
        "workflow": "nightly", "run_id": "17", "actor": "ada", "event_name": "schedule",
    });
    let mut header = Header::new(algorithm);
    header.kid = Some(kid.to_owned());
    Ok((jsonwebtoken::encode(&header, &claims, &key)?, public))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let (es256, first) = signed(Algorithm::ES256, "a")?;
    let (eddsa, second) = signed(Algorithm::EdDSA, "b")?;
    let keys = dir.path().join("keys.json");
    std::fs::write(&keys, json!({"keys": [first, second]}).to_string())?;
    std::fs::create_dir(dir.path().join("resources"))?;
    let trust = format!(
        "kind: Service\nname: job\n---\nkind: TrustedIssuer\nname: ci\nissuer: https://ci.example\n\
         audiences: [https://gateway.example]\njwks_file: {}\nrules:\n  - when: repository == \"acme/reports\" && ref \
         like \"refs/heads/*\"\n    service: job\n",
        keys.display()
    );
    std::fs::write(dir.path().join("resources/trust.yaml"), trust)?;
    let text = "resources: resources\nlisten: {https: '127.0.0.1:0'}\n";
    let config = Config::parse(&dir.path().join("sluice.yaml"), text, PROTOCOLS)?;
    let control = Control::start(config, PROTOCOLS).await?;
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let api = control
        .serve(
            Arc::new(Nobody),
            Arc::new(Nobody),
            Arc::new(Nobody),
            metrics,
        )
        .await?;
    let token = made(&format!("https://{}", api.address()), &es256, dir.path()).await?;
    for (name, secret) in [
        ("token", token.as_str()),
        ("JWT, ES256", es256.as_str()),
        ("JWT, EdDSA", eddsa.as_str()),
    ] {
        per_second(&control, name, secret).await?;
    }
    api.stop().await;
    Ok(())
}

/// A token of the gateway's, made over its API.
async fn made(
    url: &str,
    jwt: &str,
    dir: &std::path::Path,
) -> Result<String, Box<dyn std::error::Error>> {
    let authority = std::fs::read(dir.join("data/ca.pem"))?;
    let client = reqwest::Client::builder()
        .tls_certs_only(reqwest::Certificate::from_pem_bundle(&authority)?)
        .build()?;
    let wanted = json!({"for": "service:job", "ttl_seconds": 600});
    let request = client.post(format!("{url}/v1/tokens")).bearer_auth(jwt);
    let created: Value = request.json(&wanted).send().await?.json().await?;
    let secret = created.get("secret").and_then(Value::as_str);
    Ok(secret.ok_or("no token was made")?.to_owned())
}

async fn per_second(
    control: &Control,
    name: &str,
    secret: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let ways = WaysIn::of(&[WayIn::Token, WayIn::Workload]);
    let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let started = Instant::now();
    let mut count = 0_u32;
    while started.elapsed() < ROUND {
        control.authenticate(secret, ways, from).await?;
        count += 1;
    }
    let rate = f64::from(count) / started.elapsed().as_secs_f64();
    println!(
        "{name:<12} {rate:>10.0} a second on one thread, {:.1} us each",
        1e6 / rate
    );
    Ok(())
}
