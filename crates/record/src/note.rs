//! Signed checkpoints: the formats of C2SP `tlog-checkpoint` and `signed-note`, with Ed25519.

use crate::error::RecordError;
use crate::hash::Hash;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Signature type 1 of signed notes: Ed25519.
const ED25519_TYPE: u8 = 1;

/// No checkpoint is longer: a name of at most [`MAX_NAME`] twice, a number, a root and a signature.
pub(crate) const MAX_NOTE: u64 = 4096;

/// The most bytes that the log's name may have.
const MAX_NAME: usize = 200;

/// How far a log had come: what is kept elsewhere to notice that the log was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Number of entries.
    pub size: u64,
    /// Root of the Merkle tree over them.
    pub root: Hash,
}

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// How far the log had come.
    pub mark: Mark,
    /// The signed note, as published.
    pub note: String,
}

/// What others need in order to check a log: its name and its public key. As text it is the verifier key of
/// signed notes, `NAME+1a2b3c4d+BASE64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: [u8; 32],
}

impl VerifierKey {
    /// The public side of a signing seed.
    ///
    /// # Errors
    /// The name cannot stand in a note.
    pub fn from_seed(seed: &[u8; 32], name: &str) -> Result<Self, RecordError> {
        Ok(Signer::new(seed, name)?.verifier)
    }

    /// The log's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first bytes of the key's hash, which stand in each signature.
    fn id(&self) -> [u8; 4] {
        let hash = Hash::of_parts(&[self.name.as_bytes(), b"\n", &[ED25519_TYPE], &self.key]);
        hash.0.first_chunk().copied().unwrap_or_default()
    }

    /// Reads and checks a signed checkpoint of exactly this log.
    ///
    /// # Errors
    /// Says in words what is wrong with it.
    pub fn check(&self, note: &str) -> Result<Mark, String> {
        let (text, signatures) = note.split_once("\n\n").ok_or("it has no signature")?;
        let expected = format!("\u{2014} {} ", self.name);
        let signature = signatures
            .strip_prefix(&expected)
            .and_then(|rest| rest.strip_suffix('\n'))
            .filter(|rest| !rest.contains('\n'))
            .ok_or_else(|| format!("expected exactly one signature, by {}", self.name))?;
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| "its signature is not base 64")?;
        let signature = signature
            .strip_prefix(&self.id())
            .ok_or("it is signed with another key")?;
        let text = format!("{text}\n");
        UnparsedPublicKey::new(&ED25519, self.key)
            .verify(text.as_bytes(), signature)
            .map_err(|_| "its signature does not fit")?;
        self.parse(&text)
    }

    fn parse(&self, text: &str) -> Result<Mark, String> {
        let body = text
            .strip_prefix(&self.name)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or_else(|| format!("it is not of the log {}", self.name))?;
        let (size, root) = body
            .strip_suffix('\n')
            .and_then(|body| body.split_once('\n'))
            .ok_or("expected a size and a root")?;
        Ok(Mark {
            size: size.parse().map_err(|_| "its size is not a number")?,
            root: root.parse()?,
        })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id());
        let mut key = vec![ED25519_TYPE];
        key.extend_from_slice(&self.key);
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = RecordError;
    fn from_str(text: &str) -> Result<Self, RecordError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(RecordError::Key);
        };
        check_name(name)?;
        let key = STANDARD.decode(key).map_err(|_| RecordError::Key)?;
        let key = match key.split_first() {
            Some((&ED25519_TYPE, key)) => key.try_into().map_err(|_| RecordError::Key)?,
            _ => return Err(RecordError::Key),
        };
        let parsed = Self {
            name: name.to_owned(),
            key,
        };
        let written = u32::from_str_radix(id, 16).map_err(|_| RecordError::Key)?;
        if written == u32::from_be_bytes(parsed.id()) {
            Ok(parsed)
        } else {
            Err(RecordError::Key)
        }
    }
}

fn check_name(name: &str) -> Result<(), RecordError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.len() > MAX_NAME || name.contains(bad) {
        return Err(RecordError::Name(name.chars().take(MAX_NAME).collect()));
    }
    Ok(())
}

/// Signs checkpoints.
pub(crate) struct Signer {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl Signer {
    /// A signer from its 32 secret bytes.
    pub(crate) fn new(seed: &[u8; 32], name: &str) -> Result<Self, RecordError> {
        check_name(name)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| RecordError::Key)?;
        let key = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| RecordError::Key)?;
        Ok(Self {
            pair,
            verifier: VerifierKey {
                name: name.to_owned(),
                key,
            },
        })
    }

    /// The public side.
    pub(crate) fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs how far the log has come.
    pub(crate) fn sign(&self, mark: Mark) -> Result<Checkpoint, RecordError> {
        let name = &self.verifier.name;
        let text = format!("{name}\n{}\n{}\n", mark.size, mark.root);
        let signed = self
            .pair
            .try_sign(text.as_bytes())
            .map_err(|_| RecordError::Key)?;
        let mut signature = self.verifier.id().to_vec();
        signature.extend_from_slice(signed.as_ref());
        let note = format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(signature));
        Ok(Checkpoint { mark, note })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::new(&[7; 32], "sluice.example/records").unwrap()
    }

    #[test]
    fn a_checkpoint_checks_and_no_changed_one_does() {
        let mark = Mark {
            size: 12,
            root: Hash::of(b"x"),
        };
        let note = signer().sign(mark).unwrap().note;
        assert_eq!(signer().verifier.check(&note), Ok(mark));
        for i in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            for bit in 0..8 {
                bytes[i] ^= 1 << bit;
                if let Ok(changed) = std::str::from_utf8(&bytes) {
                    assert!(signer().verifier.check(changed).is_err(), "{changed}");
                }
                bytes[i] ^= 1 << bit;
            }
        }
        let other = Signer::new(&[8; 32], "sluice.example/records").unwrap();
        assert!(other.verifier.check(&note).is_err());
    }

    #[test]
    fn a_verifier_key_reads_back() {
        // A key in public use, for the way in which its id is computed.
        let public = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        let own = signer().verifier.to_string();
        for key in [public, &own] {
            assert_eq!(key.parse::<VerifierKey>().unwrap().to_string(), key);
        }
        let other_id = public.replace("033de0ae", "033de0af");
        let other_type = public.replace("+Ac4", "+As4");
        let cut = public.trim_end_matches('8');
        for bad in ["", "a+b", "a b+00000000+AA==", &other_id, &other_type, cut] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_note_that_another_tool_signed_has_a_good_signature() {
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let note = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\n\
            \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let key: VerifierKey = key.parse().unwrap();
        let refused = key.check(note).unwrap_err();
        assert_eq!(
            refused, "it is not of the log PeterNeumann",
            "only then is it read"
        );
        let refused = key.check(&note.replacen("If", "if", 1)).unwrap_err();
        assert_eq!(refused, "its signature does not fit");
    }
}
