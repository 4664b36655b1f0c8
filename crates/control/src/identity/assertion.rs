//! What targets are told of callers: JWTs that the gateway signs, with a key of its own that is made when it is first
//! needed and kept in the data directory.

use crate::certificates::certificate_error;
use crate::keys::{KeyError, read_private, write_new};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const KEY_FILE: &str = "identity.key";

/// What a JWT says of a caller.
#[derive(Serialize)]
pub(crate) struct Claims<'a> {
    /// The gateway.
    pub(crate) iss: &'a str,
    /// `user:ada`.
    pub(crate) sub: String,
    /// The target.
    pub(crate) aud: &'a str,
    /// From when on, and how long it holds.
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) groups: Vec<&'a str>,
    pub(crate) session: &'a str,
    pub(crate) connection: &'a str,
    /// Whose agent it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
}

struct Opened {
    pair: EcdsaKeyPair,
    id: String,
}

/// Where the key is.
pub(crate) struct IdentityKey {
    data_dir: PathBuf,
    opened: Mutex<Option<Arc<Opened>>>,
}

impl std::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityKey").finish_non_exhaustive()
    }
}

impl IdentityKey {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            opened: Mutex::new(None),
        }
    }

    /// The key, made now if there is none.
    fn opened(&self) -> Result<Arc<Opened>, KeyError> {
        let mut opened = self.opened.lock();
        if let Some(opened) = opened.as_ref() {
            return Ok(Arc::clone(opened));
        }
        let path = self.data_dir.join(KEY_FILE);
        let key = match read_private(&path)? {
            Some(pem) => KeyPair::from_pem(&pem).map_err(certificate_error)?,
            None => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256);
                let key = key.map_err(certificate_error)?;
                let pem = zeroize::Zeroizing::new(key.serialize_pem());
                write_new(&path, pem.as_bytes(), 0o600)?;
                key
            }
        };
        let der = zeroize::Zeroizing::new(key.serialize_der());
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der);
        let pair = pair.map_err(|_| KeyError::file(&path, "expected a key of the curve P-256"))?;
        let hash =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, pair.public_key().as_ref());
        let id = URL_SAFE_NO_PAD.encode(hash.as_ref().get(..12).unwrap_or_default());
        let new = Arc::new(Opened { pair, id });
        *opened = Some(Arc::clone(&new));
        Ok(new)
    }

    /// A signed JWT (RFC 7519, ES256).
    pub(crate) fn sign(&self, claims: &Claims<'_>) -> Result<String, KeyError> {
        let opened = self.opened()?;
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": opened.id});
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Crypto)?;
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(claims));
        let signature = opened.pair.sign(&SystemRandom::new(), token.as_bytes());
        let signature = signature.map_err(|_| KeyError::Crypto)?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature.as_ref()));
        Ok(token)
    }

    /// The public key, for targets (RFC 7517).
    pub(crate) fn published(&self) -> Result<Value, KeyError> {
        let opened = self.opened()?;
        let point = opened.pair.public_key().as_ref();
        let half = |range: std::ops::Range<usize>| {
            URL_SAFE_NO_PAD.encode(point.get(range).unwrap_or_default())
        };
        Ok(json!({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
            "kid": opened.id, "x": half(1..33), "y": half(33..65),
        }]}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    #[test]
    fn what_is_signed_can_be_checked_with_what_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let claims = Claims {
            iss: "https://gateway.example",
            sub: "user:ada".into(),
            aud: "reports",
            iat: 1,
            nbf: 1,
            exp: 61,
            groups: vec!["dev"],
            session: "s-1",
            connection: "reports",
            owner: None,
        };
        let token = IdentityKey::new(folder.path()).sign(&claims).unwrap();
        // Another process finds the same key.
        let published = IdentityKey::new(folder.path()).published().unwrap();
        let key = &published["keys"][0];
        let half = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        let point = [vec![4], half("x"), half("y")].concat();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &signature)
            .unwrap();
        let (_, body) = signed.split_once('.').unwrap();
        let body: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap();
        assert_eq!(body["sub"], "user:ada");
        assert_eq!(body.get("owner"), None);
    }
}
