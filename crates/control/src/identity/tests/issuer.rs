//! An issuer whose keys are in a file.

use crate::identity::issuers::{DeclaredIssuer, Issuers};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sluice_model::Timestamp;
use sluice_policy::ClaimRule;
use std::path::PathBuf;
use std::sync::OnceLock;
use tempfile::TempDir;

pub(crate) const NOW: i64 = 1_790_000_000;
pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "https://gateway.example";

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key that signs, and how others see it.
#[derive(Clone)]
pub(crate) struct TestKey {
    pub(crate) signing: EncodingKey,
    pub(crate) algorithm: Algorithm,
    pub(crate) public: Value,
    pub(crate) public_der: Vec<u8>,
}

pub(crate) fn ec(kid: &str) -> TestKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let (x, y) = point[1..].split_at(32);
    TestKey {
        signing: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
        algorithm: Algorithm::ES256,
        public: json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": base64(x), "y": base64(y)}),
        public_der: point,
    }
}

pub(crate) fn ed(kid: &str) -> TestKey {
    let pair = Ed25519KeyPair::generate().unwrap();
    TestKey {
        signing: EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref()),
        algorithm: Algorithm::EdDSA,
        public: json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": "EdDSA", "x": base64(pair.public_key())}),
        public_der: pair.public_key().as_ref().to_vec(),
    }
}

/// Making one takes a second or so, so that there is one for all tests.
pub(crate) fn rsa() -> TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'static> = pair.as_der().unwrap();
        let public = pair.public_key();
        let (n, e) = (public.modulus(), public.exponent());
        TestKey {
            // The library takes PKCS #1; what PKCS #8 wraps begins after its header.
            signing: EncodingKey::from_rsa_der(&pkcs1(der.as_ref())),
            algorithm: Algorithm::RS256,
            public: json!({
                "kty": "RSA", "kid": "rsa", "use": "sig",
                "n": base64(n.big_endian_without_leading_zero()), "e": base64(e.big_endian_without_leading_zero()),
            }),
            public_der: public.as_ref().to_vec(),
        }
    })
    .clone()
}

/// The inner key of a PKCS #8 document for a 2048-bit RSA key: after the 26 bytes that name the algorithm.
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    pkcs8[26..].to_vec()
}

pub(crate) fn claims(change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "repo:acme/reports",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 300,
        "repository": "acme/reports", "ref": "refs/heads/main",
    });
    change(&mut claims);
    claims
}

pub(crate) fn signed(key: &TestKey, kid: Option<&str>, claims: &Value) -> String {
    let mut header = Header::new(key.algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, claims, &key.signing).unwrap()
}

/// A token with a header of one's own, signed as the key signs.
pub(crate) fn with_header(key: &TestKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", base64(header), base64(claims));
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &key.signing, key.algorithm).unwrap();
    format!("{message}.{signature}")
}

/// An issuer with its keys in a file.
pub(crate) struct TestIssuer {
    _dir: TempDir,
    file: PathBuf,
    pub(crate) issuers: Issuers,
}

impl TestIssuer {
    pub(crate) fn new(keys: &[&TestKey], change: impl FnOnce(&mut DeclaredIssuer)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.json");
        let mut declared = DeclaredIssuer {
            name: "ci".into(),
            preset: None,
            issuer: Some(ISSUER.into()),
            audiences: vec![AUDIENCE.into()],
            jwks_url: None,
            jwks_file: Some(file.clone()),
            ca_file: None,
            algorithms: None,
            longest_life_seconds: None,
            exchange_seconds: None,
            rules: vec![ClaimRule {
                when: "has sub".into(),
                service: "job".into(),
                groups: Default::default(),
            }],
        };
        change(&mut declared);
        let issuers = Issuers::default();
        issuers.replace(vec![declared]);
        let issuer = Self {
            _dir: dir,
            file,
            issuers,
        };
        issuer.publish(keys);
        issuer
    }

    /// Where its keys are.
    pub(crate) fn file(&self) -> &std::path::Path {
        &self.file
    }

    /// These are its keys from now on.
    pub(crate) fn publish(&self, keys: &[&TestKey]) {
        let keys: Vec<&Value> = keys.iter().map(|key| &key.public).collect();
        std::fs::write(&self.file, json!({ "keys": keys }).to_string()).unwrap();
    }

    /// It cannot be reached any more.
    pub(crate) fn vanish(&self) {
        std::fs::remove_file(&self.file).unwrap();
    }

    /// What became of a token: the subject, or why it was refused.
    pub(crate) async fn said(&self, token: &str, seconds: i64) -> String {
        match self.issuers.recognise(token, at(seconds)).await {
            Ok(workload) => workload.subject,
            Err(error) => error.to_string(),
        }
    }
}
