//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the client's side (RFC 5802, RFC 7677; channel binding
//! `tls-server-end-point` of RFC 5929).
//!
//! ```text
//! Scram::new -> client_first --(server first)--> Challenged --(salted password)--> Proven --(server final)--> ()
//! ```

use zeroize::Zeroizing;

/// The most rounds that a target may ask for. PostgreSQL's default is 4,096 and hardened set-ups use a few
/// ten thousand; 100,000 cost about 30 ms here, and a hostile target must not be able to ask for 2^31.
pub const MAX_ITERATIONS: u32 = 100_000;

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

/// A fresh exchange.
pub struct Scram {}

/// After the server's first message.
pub struct Challenged {}

/// After the client's proof; waits for the server's own.
pub struct Proven {}

impl SaltedPassword {
    /// Works `iterations` rounds. Takes milliseconds of CPU.
    pub fn derive(_password: &str, _salt: &[u8], _iterations: std::num::NonZeroU32) -> Self {
        Self(Zeroizing::new([0; 32]))
    }
}

impl Scram {
    /// With a fresh random nonce.
    pub fn new(_binding: ChannelBinding) -> Result<Self, ScramError> {
        Ok(Self {})
    }
    /// `SCRAM-SHA-256` or `SCRAM-SHA-256-PLUS`.
    pub fn mechanism(&self) -> &'static str {
        "SCRAM-SHA-256"
    }
    /// The data of the SASLInitialResponse.
    pub fn client_first(&self) -> String {
        String::new()
    }
    /// Reads the data of SASLContinue.
    pub fn challenge(self, _server_first: &[u8]) -> Result<Challenged, ScramError> {
        Ok(Challenged {})
    }
}

impl Challenged {
    /// The salt that the target wants.
    pub fn salt(&self) -> &[u8] {
        &[]
    }
    /// The rounds that the target wants.
    pub fn iterations(&self) -> std::num::NonZeroU32 {
        std::num::NonZeroU32::MIN
    }
    /// The data of the SASLResponse, and what waits for the server's answer.
    pub fn prove(self, _password: &SaltedPassword) -> (String, Proven) {
        (String::new(), Proven {})
    }
}

impl Proven {
    /// Reads the data of SASLFinal: the target must prove that it knows the password too.
    pub fn verify(self, _server_final: &[u8]) -> Result<(), ScramError> {
        Err(ScramError::Signature)
    }
}
