//! SAML 2.0 as a service provider: sending people to an identity provider, and reading what it answers.
//!
//! Two rules keep this small. Whatever is believed is read from the very bytes whose signature was checked, parsed
//! anew: there is no other element that could be read instead of the signed one. And whatever SAML allows and identity
//! providers do not use is refused: comments, processing instructions, document types, other transforms, SHA-1.
//!
//! Sources: the OASIS standards SAML Core, Bindings, Profiles and Metadata 2.0; XML Signature and XML Encryption 1.1;
//! Exclusive XML Canonicalization 1.0.

mod assertion;
mod binding;
mod canonical;
mod encryption;
mod keys;
mod logout;
mod message;
mod metadata;
mod response;
mod signature;
#[cfg(test)]
mod tests;
mod xml;

pub use assertion::{Attribute, NameId, SignedIn};
pub use binding::{Binding, decoded_post, decoded_redirect, encoded_post, redirect_url};
pub use keys::{ProviderKey, ServiceKey};
pub use logout::{LogoutRequest, read_logout_request};
pub use message::{AuthnRequest, authn_request, logout_request, logout_response};
pub use metadata::{Endpoint, Provider, Service};
pub use response::{Expected, read_response};

/// How far the clocks of provider and gateway may be apart, in seconds.
const SKEW: i64 = 60;
/// The longest message, in bytes: an assertion with hundreds of groups has some fifty kilobytes.
pub const MAX_MESSAGE: usize = 256 << 10;

/// Why a message is not taken. For the gateway's own log: whoever sent it learns only that it is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SamlError {
    /// Longer than [`MAX_MESSAGE`].
    #[error("it is longer than {MAX_MESSAGE} bytes")]
    TooLong,
    /// Not encoded as its binding wants it.
    #[error("it is not encoded as its binding wants it")]
    Encoding,
    /// Not well-formed XML, or XML with parts that readers differ about.
    #[error("it is no XML that is read here: {0}")]
    Xml(&'static str),
    /// Something that has to be there is not, stands twice, or stands elsewhere.
    #[error("expected {0}")]
    Expected(&'static str),
    /// It is not signed.
    #[error("neither the response nor the assertion is signed")]
    Unsigned,
    /// It is signed in a way that is not accepted.
    #[error("its signature is made in a way that is not accepted: {0}")]
    Algorithm(&'static str),
    /// None of the provider's keys made the signature, or something else was signed.
    #[error("its signature is wrong")]
    Signature,
    /// It cannot be decrypted, or is encrypted in a way that is not accepted.
    #[error("it cannot be decrypted: {0}")]
    Encryption(&'static str),
    /// The provider says that it did not work.
    #[error("the provider answered {0:?}")]
    Status(String),
    /// It is of somebody else.
    #[error("it is of another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("it is for somebody else: its {0} is not this gateway's")]
    Audience(&'static str),
    /// It answers another request, or none.
    #[error("it does not answer the request that was sent")]
    InResponseTo,
    /// Its time is over.
    #[error("it has expired ({0})")]
    Expired(&'static str),
    /// Its time is to come.
    #[error("it is not valid yet ({0})")]
    NotYet(&'static str),
    /// The name of the person would be another one the next time.
    #[error(
        "it names the person by a transient id; let the provider send a persistent one, or set saml.subject"
    )]
    Transient,
}

type Result<T> = std::result::Result<T, SamlError>;
