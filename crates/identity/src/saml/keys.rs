//! Keys of both sides: a provider's, which only check, and the gateway's own, which signs and decrypts.

use super::{Result, SamlError};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{self, RsaKeyPair, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The algorithms that signatures are accepted with, by their names in XML Signature and the kind of key that they are
/// of. None of them is SHA-1, and none a secret that both sides know.
const ALGORITHMS: &[(&str, Kind, &dyn VerificationAlgorithm)] = &[
    (
        RSA_SHA256,
        Kind::Rsa,
        &signature::RSA_PKCS1_2048_8192_SHA256,
    ),
    (
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        Kind::Rsa,
        &signature::RSA_PKCS1_2048_8192_SHA384,
    ),
    (
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        Kind::Rsa,
        &signature::RSA_PKCS1_2048_8192_SHA512,
    ),
    (
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        Kind::Rsa,
        &signature::RSA_PSS_2048_8192_SHA256,
    ),
    (
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        Kind::P256,
        &signature::ECDSA_P256_SHA256_FIXED,
    ),
    (
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        Kind::P384,
        &signature::ECDSA_P384_SHA384_FIXED,
    ),
];

/// How the gateway signs: what every provider understands.
pub(super) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
}

/// A key of a provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderKey {
    kind: Kind,
    key: Vec<u8>,
}

impl ProviderKey {
    /// The key of a certificate in DER; `None` for one of another kind, or too weak. The certificate's own dates and
    /// issuer are not looked at: a provider's keys are trusted because somebody declared them.
    #[must_use]
    pub fn of_certificate(der: &[u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        let info = certificate.public_key();
        let kind = match info.parsed().ok()? {
            x509_parser::public_key::PublicKey::RSA(rsa) if rsa.key_size() >= 2_048 => Kind::Rsa,
            x509_parser::public_key::PublicKey::EC(point) => match point.key_size() {
                256 => Kind::P256,
                384 => Kind::P384,
                _ => return None,
            },
            _ => return None,
        };
        rest.is_empty().then(|| Self {
            kind,
            key: info.subject_public_key.data.to_vec(),
        })
    }

    /// The key of a certificate in base 64, as metadata holds it, or in PEM.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let lines = text.lines().map(str::trim);
        let body: String = lines.filter(|line| !line.starts_with("-----")).collect();
        let body: String = body.split_ascii_whitespace().collect();
        Self::of_certificate(&STANDARD.decode(body).ok()?)
    }
}

/// Whether one of the keys made a signature over these bytes.
pub(super) fn check(
    keys: &[ProviderKey],
    algorithm: &str,
    message: &[u8],
    signature: &[u8],
) -> Result<()> {
    let found = ALGORITHMS.iter().find(|(name, ..)| *name == algorithm);
    let (_, kind, algorithm) = found.ok_or(SamlError::Algorithm("its signature method"))?;
    let mut fitting = keys.iter().filter(|key| key.kind == *kind);
    let is_good = |key: &ProviderKey| {
        let key = signature::UnparsedPublicKey::new(*algorithm, &key.key);
        key.verify(message, signature).is_ok()
    };
    match fitting.any(is_good) {
        true => Ok(()),
        false => Err(SamlError::Signature),
    }
}

/// The gateway's own key and certificate.
pub struct ServiceKey {
    signing: RsaKeyPair,
    pub(super) decrypting: OaepPrivateDecryptingKey,
    certificate: Vec<u8>,
}

impl std::fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServiceKey(..)")
    }
}

impl ServiceKey {
    /// An RSA key in PKCS #8 DER with its certificate in DER; `None` for one that cannot be used.
    #[must_use]
    pub fn new(pkcs8: &[u8], certificate: Vec<u8>) -> Option<Self> {
        let decrypting = PrivateDecryptingKey::from_pkcs8(pkcs8).ok()?;
        Some(Self {
            signing: RsaKeyPair::from_pkcs8(pkcs8).ok()?,
            decrypting: OaepPrivateDecryptingKey::new(decrypting).ok()?,
            certificate,
        })
    }

    /// The certificate in base 64.
    pub(super) fn certificate(&self) -> String {
        STANDARD.encode(&self.certificate)
    }

    /// A signature in base 64, made with [`RSA_SHA256`].
    pub(super) fn sign(&self, message: &[u8]) -> Result<String> {
        let mut signature = vec![0; self.signing.public_modulus_len()];
        let (padding, random) = (&signature::RSA_PKCS1_SHA256, SystemRandom::new());
        let signed = self.signing.sign(padding, &random, message, &mut signature);
        signed.map_err(|_| SamlError::Algorithm("the gateway's key cannot sign"))?;
        Ok(STANDARD.encode(signature))
    }
}
