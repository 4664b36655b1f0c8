//! An issuer of workload tokens, as a CI system is one: a key made by openssl, its public half in a file, and tokens
//! signed with RS256.

use crate::process::checked;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// The `iss` of its tokens.
pub const ISSUER: &str = "https://ci.example";
/// The `aud` of its tokens.
pub const AUDIENCE: &str = "https://gateway.example";
/// The exponent of every key that openssl makes, 65537.
const EXPONENT: &[u8] = &[1, 0, 1];

/// An issuer with one key.
#[derive(Debug)]
pub struct Issuer {
    dir: TempDir,
}

impl Issuer {
    /// Makes its key.
    pub fn new() -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("sluice-issuer-")
            .tempdir()?;
        let issuer = Self { dir };
        let key = issuer.key();
        checked(
            Command::new("openssl")
                .args(["genrsa", "-out"])
                .arg(&key)
                .arg("2048"),
        )
        .context("openssl is needed; install openssl")?;
        let modulus = checked(
            Command::new("openssl")
                .args(["rsa", "-noout", "-modulus", "-in"])
                .arg(&key),
        )?;
        let modulus = String::from_utf8(modulus.stdout)?;
        let digits = modulus.trim().strip_prefix("Modulus=");
        let n = from_hex(digits.context("openssl prints Modulus=...")?)?;
        let key = json!({"kty": "RSA", "kid": "1", "n": base64(&n), "e": base64(EXPONENT)});
        fs::write(issuer.keys(), json!({ "keys": [key] }).to_string())?;
        Ok(issuer)
    }

    fn key(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }

    /// The file with its public key.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.dir.path().join("keys.json")
    }

    /// A resource file that trusts it: whoever runs on `main` is the service `reporting-job`, in the group `nightly`.
    #[must_use]
    pub fn trusted(&self) -> String {
        format!(
            "kind: TrustedIssuer\nname: ci\nissuer: {ISSUER}\naudiences: [{AUDIENCE:?}]\njwks_file: {}\n\
             rules:\n  - when: repository == \"acme/reports\" && ref == \"refs/heads/main\"\n    \
             service: reporting-job\n    groups: [engineering]\n",
            self.keys().display()
        )
    }

    /// A token with these claims besides the usual ones.
    pub fn token(&self, claims: &Value) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let mut all = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "repo:acme/reports", "iat": now, "exp": now + 300,
            "repository": "acme/reports", "ref": "refs/heads/main",
        });
        for (name, value) in claims.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        let header = json!({"alg": "RS256", "kid": "1"});
        let message = format!(
            "{}.{}",
            base64(header.to_string().as_bytes()),
            base64(all.to_string().as_bytes())
        );
        let mut signing = Command::new("openssl")
            .args(["dgst", "-sha256", "-sign"])
            .arg(self.key())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = signing.stdin.take().context("openssl listens")?;
        input.write_all(message.as_bytes())?;
        drop(input);
        let signature = signing.wait_with_output()?;
        if !signature.status.success() {
            bail!("openssl did not sign");
        }
        Ok(format!("{message}.{}", base64(&signature.stdout)))
    }
}

fn from_hex(digits: &str) -> Result<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte =
        |pair: &[u8]| -> Result<u8> { Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?) };
    pairs.map(byte).collect()
}

/// Base 64 for URLs, without padding (RFC 4648, section 5).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * i)) & 63;
            out.push(char::from(ALPHABET[index as usize]));
        }
    }
    out
}
