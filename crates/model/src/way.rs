//! The ways in: what a caller may prove who they are with.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One way in. Each listener says which it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WayIn {
    /// A token of the gateway's, as the password or as a bearer token.
    Token,
    /// A JWT of a trusted issuer, as the password or as a bearer token.
    Workload,
    /// Either of them, sent by the SASL mechanism OAUTHBEARER (RFC 7628).
    OAuthBearer,
    /// The cookie of a browser in which a person signed in.
    Browser,
    /// The local administrator's credential, from this very host.
    Local,
    /// The cookie of a browser that was let in to one connection.
    Site,
}

impl WayIn {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Token,
        Self::Workload,
        Self::OAuthBearer,
        Self::Browser,
        Self::Local,
        Self::Site,
    ];

    /// Its name in configurations and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Workload => "workload",
            Self::OAuthBearer => "oauthbearer",
            Self::Browser => "browser",
            Self::Local => "local",
            Self::Site => "site",
        }
    }
}

impl fmt::Display for WayIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The ways in that one listener allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WaysIn(u8);

impl WaysIn {
    /// These.
    #[must_use]
    pub fn of(ways: &[WayIn]) -> Self {
        Self(ways.iter().fold(0, |set, way| set | bit(*way)))
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn allow(self, way: WayIn) -> bool {
        self.0 & bit(way) != 0
    }
}

fn bit(way: WayIn) -> u8 {
    1 << way as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_not_allowed() {
        let ways = WaysIn::of(&[WayIn::Token, WayIn::Local]);
        for way in WayIn::ALL {
            assert_eq!(
                ways.allow(way),
                matches!(way, WayIn::Token | WayIn::Local),
                "{way}"
            );
        }
    }
}
