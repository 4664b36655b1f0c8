//! Identifiers. The gateway mints every one; none is ever taken from a client.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id such as {example}, got {got:?}")]
pub struct IdError {
    example: &'static str,
    got: String,
}

/// Crockford's base 32 in lower case: no i, l, o, u, so that an id survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn encode(bits: u128, digits: u32, out: &mut String) {
    for i in (0..digits).rev() {
        let digit = usize::try_from((bits >> (5 * i)) & 31).unwrap_or(0);
        out.push(ALPHABET.get(digit).copied().map_or('0', char::from));
    }
}

macro_rules! id {
    ($name:ident, $prefix:literal, $digits:literal, $example:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// An id from random bits (and, in the upper bits, whatever the minter orders by).
            #[must_use]
            pub fn from_bits(bits: u128) -> Self {
                let mut s = String::with_capacity($prefix.len() + $digits);
                s.push_str($prefix);
                encode(bits, $digits, &mut s);
                Self(s.into_boxed_str())
            }

            /// The id as text; safe as a file name and in a URL.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(s: &str) -> Result<Self, IdError> {
                let body = s.strip_prefix($prefix).filter(|b| b.len() == $digits);
                match body {
                    Some(b) if b.bytes().all(|c| ALPHABET.contains(&c)) => Ok(Self(s.into())),
                    _ => Err(IdError {
                        example: $example,
                        got: s.chars().take(40).collect(),
                    }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(s: String) -> Result<Self, IdError> {
                s.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }
    };
}

id!(
    SessionId,
    "s-",
    20,
    "s-01k9zq4e8v7m2n5c3b1a",
    "One authenticated client conversation. The upper 50 of its 100 bits are milliseconds, so that ids sort by start."
);
id!(
    ApprovalId,
    "a-",
    10,
    "a-7k3m9q2x4c",
    "One request for a human's consent."
);
id!(
    TokenId,
    "t-",
    12,
    "t-4e8v7m2n5c3b",
    "One token that the gateway issued: names it without being it."
);

id!(
    SignInId,
    "i-",
    12,
    "i-4e8v7m2n5c3b",
    "One login of a person at their identity provider; tokens and browser sessions hang from it."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_nothing_else_does() {
        let id = ApprovalId::from_bits(0x1234_5678_9abc);
        assert_eq!(id.as_str().parse::<ApprovalId>(), Ok(id));
        for bad in [
            "",
            "a-",
            "a-../../etc",
            "s-7k3m9q2x4c",
            "a-7k3m9q2x4C",
            "a-7k3m9q2x4c7",
        ] {
            assert!(bad.parse::<ApprovalId>().is_err(), "{bad}");
        }
    }
}
