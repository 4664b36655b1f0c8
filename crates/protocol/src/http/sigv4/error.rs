//! Why a request cannot be signed.

/// What keeps a request from being signed. The texts never contain credentials, nor what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// A part of the credential is no name.
    #[error(
        "the {part} is not accepted; expected 1 to 128 letters, digits, hyphens, dots or underscores"
    )]
    Name {
        /// Which.
        part: &'static str,
    },
    /// A text cannot be a field's value.
    #[error("the {part} cannot be sent; expected visible ASCII")]
    Value {
        /// Which.
        part: &'static str,
    },
    /// The moment has no four-digit year.
    #[error("the moment is not accepted; expected one between 1970 and 9999")]
    Moment,
    /// The path cannot be a path.
    #[error("the path cannot be signed; expected its normal form, which begins with a slash")]
    Path,
    /// The query is not one.
    #[error("the query cannot be signed; expected two hexadecimal digits after each %")]
    Query,
    /// A plus in the query.
    #[error(
        "the query cannot be signed; expected %20 for a space or %2B for a plus, which services read in both ways"
    )]
    Plus,
    /// A field that is there already would be signed along.
    #[error(
        "the request has a field that signing adds; expected none of authorization, \
         x-amz-date, x-amz-security-token and x-amz-content-sha256"
    )]
    Reserved,
}
