//! A range of addresses, as a token may be bound to one.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Why a text is not a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a range such as 10.0.0.0/8 or 2001:db8::/32, got {0:?}")]
pub struct NetworkError(String);

/// A range of addresses in CIDR notation (RFC 4632). An IPv4 address that comes mapped into IPv6 counts as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address is in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                (first.to_bits() ^ address.to_bits()) & mask(self.bits, 32) as u32 == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (first.to_bits() ^ address.to_bits()) & mask(self.bits, 128) == 0
            }
            _ => false,
        }
    }
}

/// The upper `bits` of a number of `width` bits.
fn mask(bits: u8, width: u32) -> u128 {
    let all = u128::MAX >> (128 - width);
    let free = width - u32::from(bits).min(width);
    all & u128::MAX.checked_shl(free).unwrap_or(0)
}

impl FromStr for Network {
    type Err = NetworkError;
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.chars().take(60).collect());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => width,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| wrong())?
            }
            Some(_) => return Err(wrong()),
        };
        let network = Self { first, bits };
        // A range that does not begin at its first address is more often a slip than meant.
        let begins = match first {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) & !mask(bits, 32) == 0,
            IpAddr::V6(v6) => v6.to_bits() & !mask(bits, 128) == 0,
        };
        if bits > width || !begins {
            return Err(wrong());
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;
    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> String {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_ranges_and_in_no_other() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/31", "192.0.2.1", "192.0.2.2"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
            ("10.0.0.0/8", "10.0.0.0", "::10.0.0.0"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1", "::1", "::2"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("0.0.0.0/0", "10.0.0.1", "2001:db8::1"),
        ] {
            let network: Network = range.parse().unwrap();
            assert!(
                network.contains(inside.parse().unwrap()),
                "{range} {inside}"
            );
            assert!(
                !network.contains(outside.parse().unwrap()),
                "{range} {outside}"
            );
            assert_eq!(network.to_string().parse(), Ok(network));
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for wrong in [
            "",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10/8",
            "::/129",
            "2001:db8::1/32",
            "localhost",
            "10.0.0.0/256",
        ] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
