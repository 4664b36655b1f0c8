//! Public keys that an issuer publishes (RFC 7517), as far as they are of use for checking JWTs.

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use serde::Deserialize as _;
use serde_json::Value;

/// The shortest RSA modulus, in bytes (2048 bits).
const MIN_RSA: usize = 256;

/// A key that signatures can be checked with.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Option<String>,
    /// The algorithms that it may be used with.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl VerifyingKey {
    /// One key of a key set; `None` for one of another kind or use, or too weak.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        let jwk = Jwk::deserialize(value).ok()?;
        let signs = matches!(
            jwk.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        );
        let operations = jwk.common.key_operations.as_ref();
        if !signs || operations.is_some_and(|all| !all.contains(&KeyOperations::Verify)) {
            return None;
        }
        let mut algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa.algorithms().to_vec(),
            AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
                EllipticCurve::P256 => vec![Algorithm::ES256],
                EllipticCurve::P384 => vec![Algorithm::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
                vec![Algorithm::EdDSA]
            }
            // A key that is a secret is no public key of anybody's.
            _ => return None,
        };
        if let Some(said) = jwk.common.key_algorithm {
            let said = algorithm_of(said)?;
            algorithms.retain(|algorithm| *algorithm == said);
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        if let DecodingKeyKind::RsaModulusExponent { n, .. } = key.kind() {
            let leading = n.iter().take_while(|byte| **byte == 0).count();
            if n.len() - leading < MIN_RSA {
                return None;
            }
        }
        Some(Self {
            kid: jwk.common.key_id,
            algorithms,
            key,
        })
    }

    /// Whether a JWT with this key id and algorithm can be signed with it; without an id, every key of the kind can.
    #[must_use]
    pub fn fits(&self, kid: Option<&str>, algorithm: Algorithm) -> bool {
        let named = kid.is_none() || self.kid.is_none() || self.kid.as_deref() == kid;
        named && self.algorithms.contains(&algorithm)
    }

    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.key
    }
}

fn algorithm_of(said: KeyAlgorithm) -> Option<Algorithm> {
    said.to_string().parse().ok()
}
