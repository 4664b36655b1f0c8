//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the client's side (RFC 5802, RFC 7677; channel binding
//! `tls-server-end-point` of RFC 5929).
//!
//! ```text
//! Scram::new -> client_first --(server first)--> Challenged --(salted password)--> Proven --(server final)--> ()
//! ```

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// The most rounds that a target may ask for. PostgreSQL's default is 4,096 and hardened set-ups use a few
/// ten thousand; 100,000 cost about 30 ms here, and a hostile target must not be able to ask for 2^31.
pub const MAX_ITERATIONS: u32 = 100_000;
/// Bytes of randomness in a nonce, as libpq's.
const NONCE_LEN: usize = 18;
/// The longest nonce and salt that a target may send. PostgreSQL sends 24 and 16 bytes.
const MAX_PART: usize = 1024;

/// The mechanism without channel binding.
pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
/// The mechanism with channel binding.
pub const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// How the exchange is bound to the TLS channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelBinding {
    /// No TLS, or a certificate whose hash the binding does not define.
    Unsupported,
    /// TLS, but the target does not offer -PLUS. Tells it so, and a target that did offer it notices.
    NotOffered,
    /// -PLUS, with the hash of the target's certificate.
    ServerEndPoint(Vec<u8>),
}

/// Why the login cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    /// Not a SCRAM message.
    #[error("the target sent a SCRAM message that cannot be read; expected {0}")]
    Malformed(&'static str),
    /// The nonce does not begin with ours.
    #[error(
        "the target's SCRAM nonce does not continue the gateway's; the login may have been tampered with"
    )]
    Nonce,
    /// Too few or too many rounds.
    #[error(
        "the target asks for a SCRAM iteration count outside 1 to 100000; lower scram_iterations there and set the password again"
    )]
    Iterations,
    /// The target says that the login failed.
    #[error("the target refused the SCRAM proof; check the account's credential")]
    Refused,
    /// The target does not know the password itself.
    #[error(
        "the target's SCRAM signature is wrong; it does not know the account's password and may be an impostor"
    )]
    Signature,
    /// The system's random source failed.
    #[error("no random bytes could be had for a SCRAM nonce")]
    Random,
}

/// The password with salt and rounds worked in: what takes the time. Callers may keep it by
/// (password, salt, rounds); it is as secret as the password. Blank in `Debug`, wiped when dropped.
#[derive(Clone)]
pub struct SaltedPassword(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for SaltedPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SaltedPassword(..)")
    }
}

impl SaltedPassword {
    /// Works `iterations` rounds: CPU for milliseconds. The password goes in as it is, which is what SASLprep
    /// (RFC 4013) makes of every printable ASCII password and what PostgreSQL falls back to for any that SASLprep refuses. One
    /// outside ASCII must have been set in composed form (NFKC) to match.
    #[must_use]
    pub fn derive(password: &str, salt: &[u8], iterations: NonZeroU32) -> Self {
        let mut salted = Zeroizing::new([0; 32]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            iterations,
            salt,
            password.as_bytes(),
            salted.as_mut_slice(),
        );
        Self(salted)
    }

    fn key(&self, name: &str) -> hmac::Tag {
        sign(self.0.as_slice(), name.as_bytes())
    }
}

fn sign(key: &[u8], data: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data)
}

/// A fresh exchange.
#[derive(Debug)]
pub struct Scram {
    binding: ChannelBinding,
    nonce: String,
    /// `n=,r=nonce`: PostgreSQL takes the user from the startup packet and not from here.
    first_bare: String,
}

impl Scram {
    /// With a fresh random nonce.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn new(binding: ChannelBinding) -> Result<Self, ScramError> {
        let mut random = [0; NONCE_LEN];
        rand::fill(&mut random).map_err(|_| ScramError::Random)?;
        Ok(Self::with_nonce(binding, "", BASE64.encode(random)))
    }

    fn with_nonce(binding: ChannelBinding, user: &str, nonce: String) -> Self {
        Self {
            binding,
            first_bare: format!("n={user},r={nonce}"),
            nonce,
        }
    }

    /// The mechanism to name in SASLInitialResponse. The target must have offered it.
    #[must_use]
    pub fn mechanism(&self) -> &'static str {
        match self.binding {
            ChannelBinding::ServerEndPoint(_) => SCRAM_SHA_256_PLUS,
            ChannelBinding::Unsupported | ChannelBinding::NotOffered => SCRAM_SHA_256,
        }
    }

    fn gs2_header(&self) -> &'static str {
        match self.binding {
            ChannelBinding::Unsupported => "n,,",
            ChannelBinding::NotOffered => "y,,",
            ChannelBinding::ServerEndPoint(_) => "p=tls-server-end-point,,",
        }
    }

    /// The data of SASLInitialResponse.
    #[must_use]
    pub fn client_first(&self) -> String {
        format!("{}{}", self.gs2_header(), self.first_bare)
    }

    /// Reads the data of SASLContinue.
    ///
    /// # Errors
    /// It is not a challenge, does not continue our nonce, or asks for too many rounds.
    pub fn challenge(self, server_first: &[u8]) -> Result<Challenged, ScramError> {
        let text = printable(server_first)?;
        let mut parts = text.split(',');
        let nonce = attribute(parts.next(), "r=", "a nonce")?;
        let salt = attribute(parts.next(), "s=", "a salt")?;
        let rounds = attribute(parts.next(), "i=", "an iteration count")?;
        if nonce.len() <= self.nonce.len() || !nonce.starts_with(&self.nonce) {
            return Err(ScramError::Nonce);
        }
        let salt = BASE64
            .decode(salt)
            .ok()
            .filter(|salt| !salt.is_empty() && salt.len() <= MAX_PART && nonce.len() <= MAX_PART)
            .ok_or(ScramError::Malformed(
                "a nonce and a salt of at most 1024 bytes",
            ))?;
        let iterations = rounds
            .parse::<NonZeroU32>()
            .ok()
            .filter(|n| n.get() <= MAX_ITERATIONS)
            .ok_or(ScramError::Iterations)?;
        let mut bound = self.gs2_header().as_bytes().to_vec();
        if let ChannelBinding::ServerEndPoint(hash) = &self.binding {
            bound.extend_from_slice(hash);
        }
        let final_bare = format!("c={},r={nonce}", BASE64.encode(bound));
        Ok(Challenged {
            auth_message: format!("{},{text},{final_bare}", self.first_bare),
            salt,
            iterations,
            final_bare,
        })
    }
}

/// After the target's challenge: it knows what salt and rounds are wanted.
#[derive(Debug)]
pub struct Challenged {
    salt: Vec<u8>,
    iterations: NonZeroU32,
    final_bare: String,
    auth_message: String,
}

impl Challenged {
    /// The salt for [`SaltedPassword::derive`].
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The rounds for [`SaltedPassword::derive`], at most [`MAX_ITERATIONS`].
    #[must_use]
    pub fn iterations(&self) -> NonZeroU32 {
        self.iterations
    }

    /// The data of SASLResponse, and what waits for the target's own proof.
    #[must_use]
    pub fn prove(self, password: &SaltedPassword) -> (String, Proven) {
        let client_key = password.key("Client Key");
        let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
        let signature = sign(stored_key.as_ref(), self.auth_message.as_bytes());
        let proof: Vec<u8> = client_key
            .as_ref()
            .iter()
            .zip(signature.as_ref())
            .map(|(key, signature)| key ^ signature)
            .collect();
        let expected = sign(
            password.key("Server Key").as_ref(),
            self.auth_message.as_bytes(),
        );
        (
            format!("{},p={}", self.final_bare, BASE64.encode(proof)),
            Proven { expected },
        )
    }
}

/// After our proof: the target must now prove that it knows the password too. AuthenticationOk before
/// [`Proven::verify`] succeeded is the mark of an impostor.
pub struct Proven {
    expected: hmac::Tag,
}

impl Proven {
    /// Reads the data of SASLFinal.
    ///
    /// # Errors
    /// The target refuses the login, or its proof is wrong.
    pub fn verify(self, server_final: &[u8]) -> Result<(), ScramError> {
        let text = printable(server_final)?;
        if text.starts_with("e=") {
            return Err(ScramError::Refused);
        }
        let signature = attribute(text.split(',').next(), "v=", "a signature")?;
        let signature = BASE64
            .decode(signature)
            .map_err(|_| ScramError::Malformed("a signature"))?;
        constant_time::verify_slices_are_equal(self.expected.as_ref(), &signature)
            .map_err(|_| ScramError::Signature)
    }
}

fn printable(message: &[u8]) -> Result<&str, ScramError> {
    std::str::from_utf8(message)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_graphic() || b == b' '))
        .ok_or(ScramError::Malformed("printable ASCII"))
}

fn attribute<'a>(
    part: Option<&'a str>,
    prefix: &str,
    expected: &'static str,
) -> Result<&'a str, ScramError> {
    part.and_then(|part| part.strip_prefix(prefix))
        .ok_or(ScramError::Malformed(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER_FIRST: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn rfc_7677() -> Scram {
        Scram::with_nonce(
            ChannelBinding::Unsupported,
            "user",
            "rOprNGfwEbeRWgbNEkqO".to_owned(),
        )
    }

    #[test]
    fn the_exchange_of_rfc_7677() {
        let scram = rfc_7677();
        assert_eq!(scram.client_first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenged = scram.challenge(SERVER_FIRST.as_bytes()).unwrap();
        let salted = SaltedPassword::derive("pencil", challenged.salt(), challenged.iterations());
        let (proof, proven) = challenged.prove(&salted);
        assert_eq!(
            proof,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(
            proven.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
            Ok(())
        );
    }

    #[test]
    fn a_hostile_target_is_stopped_at_its_first_message() {
        let check = |server_first: &str, expected: ScramError| {
            let got = rfc_7677().challenge(server_first.as_bytes()).err();
            assert_eq!(got, Some(expected), "{server_first}");
        };
        let nonce = "r=rOprNGfwEbeRWgbNEkqO%x";
        check("", ScramError::Malformed("a nonce"));
        check("r=other%x,s=aGk=,i=1", ScramError::Nonce);
        check("r=rOprNGfwEbeRWgbNEkqO,s=aGk=,i=1", ScramError::Nonce);
        for rounds in ["0", "100001", "2147483648", "4294967296", "-1", "1e3", ""] {
            check(
                &format!("{nonce},s=aGk=,i={rounds}"),
                ScramError::Iterations,
            );
        }
        let parts = ScramError::Malformed("a nonce and a salt of at most 1024 bytes");
        check(&format!("{nonce},s=*,i=1"), parts);
        check(&format!("{nonce},s=,i=1"), parts);
        check(
            &format!("m=x,{nonce},s=aGk=,i=1"),
            ScramError::Malformed("a nonce"),
        );
        check("r=\u{e9}", ScramError::Malformed("printable ASCII"));
    }

    #[test]
    fn a_target_that_does_not_know_the_password_is_found_out() {
        let check = |server_final: &[u8], expected: ScramError| {
            let challenged = rfc_7677().challenge(SERVER_FIRST.as_bytes()).unwrap();
            let salted =
                SaltedPassword::derive("pencil", challenged.salt(), challenged.iterations());
            let (_, proven) = challenged.prove(&salted);
            assert_eq!(proven.verify(server_final), Err(expected));
        };
        check(b"v=AAAA", ScramError::Signature);
        check(
            b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ScramError::Signature,
        );
        check(b"e=invalid-proof", ScramError::Refused);
        check(b"", ScramError::Malformed("a signature"));
    }

    #[test]
    fn the_channel_is_bound_into_the_proof() {
        let scram = Scram::with_nonce(
            ChannelBinding::ServerEndPoint(vec![7; 32]),
            "",
            "abc".to_owned(),
        );
        assert_eq!(scram.mechanism(), "SCRAM-SHA-256-PLUS");
        assert_eq!(scram.client_first(), "p=tls-server-end-point,,n=,r=abc");
        let challenged = scram.challenge(b"r=abcd,s=aGk=,i=1").unwrap();
        let mut bound = b"p=tls-server-end-point,,".to_vec();
        bound.extend([7; 32]);
        assert_eq!(
            challenged.final_bare,
            format!("c={},r=abcd", BASE64.encode(bound))
        );
    }

    #[test]
    fn nonces_differ_and_secrets_do_not_show() {
        let nonce = || {
            Scram::new(ChannelBinding::NotOffered)
                .unwrap()
                .client_first()
        };
        assert_ne!(nonce(), nonce());
        let salted = SaltedPassword::derive("pencil", b"salt", NonZeroU32::MIN);
        assert_eq!(format!("{salted:?}"), "SaltedPassword(..)");
    }
}
