//! Secrets of other systems that the store keeps (a provider's refresh tokens), encrypted with AES-256-GCM under a key
//! that is derived from the master key. What they belong to is authenticated along, so that no row stands in for
//! another.

use crate::keys::KeyError;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use sluice_model::Secret;
use std::fmt;

/// Bytes of the nonce that stands before what was encrypted.
const NONCE_BYTES: usize = 12;

/// Something sealed, in base 64: the nonce, then what was encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sealed(String);

impl Sealed {
    /// Something that somebody shows: it may be anything.
    pub(crate) fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// Seals and opens.
pub(crate) struct Sealer(RandomizedNonceKey);

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, KeyError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| KeyError::Crypto)?;
        Ok(Self(key))
    }

    /// Seals a secret that belongs to `owner`.
    pub(crate) fn seal(&self, owner: &str, secret: &Secret) -> Result<Sealed, KeyError> {
        let mut bytes = secret.expose().as_bytes().to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(owner.as_bytes()), &mut bytes)
            .map_err(|_| KeyError::Crypto)?;
        let text = BASE64.encode([nonce.as_ref(), bytes.as_slice()].concat());
        Ok(Sealed(text))
    }

    /// Opens what was sealed for `owner`; `None` for anything else.
    pub(crate) fn open(&self, owner: &str, sealed: &Sealed) -> Option<Secret> {
        let mut bytes = BASE64.decode(&sealed.0).ok()?;
        if bytes.len() < NONCE_BYTES {
            return None;
        }
        let mut body = bytes.split_off(NONCE_BYTES);
        let nonce = Nonce::try_assume_unique_for_key(&bytes).ok()?;
        let aad = Aad::from(owner.as_bytes());
        let open = self.0.open_in_place(nonce, aad, &mut body).ok()?;
        String::from_utf8(open.to_vec()).ok().map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_for_its_owner_only() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let secret = Secret::new("a refresh token".to_owned());
        let sealed = sealer.seal("i-1", &secret).unwrap();
        assert!(!format!("{sealed:?} {}", sealed.0).contains("refresh"));
        let open =
            |owner, sealed: &Sealed| sealer.open(owner, sealed).map(|s| s.expose().to_owned());
        assert_eq!(open("i-1", &sealed).as_deref(), Some("a refresh token"));
        assert_eq!(open("i-2", &sealed), None);
        for at in 0..sealed.0.len() {
            let mut text = sealed.0.clone();
            let other = if &text[at..=at] == "A" { "B" } else { "A" };
            text.replace_range(at..=at, other);
            assert_eq!(open("i-1", &Sealed(text)), None, "{at}");
        }
        for wrong in ["", "00", "zz", "0011223344556677889900"] {
            assert_eq!(open("i-1", &Sealed(wrong.to_owned())), None, "{wrong}");
        }
        assert!(
            Sealer::new(&[8; 32])
                .unwrap()
                .open("i-1", &sealed)
                .is_none()
        );
    }
}
