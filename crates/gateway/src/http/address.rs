//! Which addresses a target may have: not those that lead into the machine's own or its cloud's insides by a name.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::lookup_host;

/// Where clouds answer everybody who asks from inside: the ones that are not link-local.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Why a target's name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum NoAddress {
    /// It cannot be looked up.
    #[error("the target's name cannot be looked up: {0}")]
    Lookup(#[from] io::Error),
    /// It has addresses, but none that a target may have.
    #[error(
        "the target's name leads to an address that no target may have (link-local, metadata, multicast, or loopback \
         by a name); expected a routable address, or 127.0.0.1 written as such"
    )]
    Forbidden,
}

/// The addresses of `host:port` that may be connected to. Looked up anew each time, and connected to as checked.
///
/// # Errors
/// There are none.
pub async fn look_up(address: &str) -> Result<Vec<SocketAddr>, NoAddress> {
    let found: Vec<SocketAddr> = lookup_host(address).await?.collect();
    let written = is_loopback_as_written(address);
    let good = |at: &SocketAddr| is_allowed(at.ip(), written);
    let allowed: Vec<SocketAddr> = found.into_iter().filter(good).collect();
    match allowed.is_empty() {
        true => Err(NoAddress::Forbidden),
        false => Ok(allowed),
    }
}

/// The host of `host:port`, without the brackets of an IPv6 address.
#[must_use]
pub fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Whether an admin wrote that the target is on this machine. A name that leads here may do so only from now on.
fn is_loopback_as_written(address: &str) -> bool {
    let host = host_of(address);
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn is_allowed(ip: IpAddr, loopback: bool) -> bool {
    let ip = ip.to_canonical();
    if METADATA.contains(&ip) || ip.is_unspecified() || ip.is_multicast() {
        return false;
    }
    match ip {
        IpAddr::V4(v4) if v4.is_loopback() => loopback,
        IpAddr::V4(v4) => !v4.is_link_local() && !v4.is_broadcast() && v4.octets()[0] != 0,
        IpAddr::V6(v6) if v6.is_loopback() => loopback,
        IpAddr::V6(v6) => !v6.is_unicast_link_local() && !embeds_another(v6),
    }
}

/// NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380) and IPv4-compatible addresses lead to an IPv4 address
/// that is written inside of them.
fn embeds_another(ip: Ipv6Addr) -> bool {
    matches!(
        ip.segments(),
        [0x64, 0xff9b, ..] | [0x2002, ..] | [0x2001, 0, ..] | [0, 0, 0, 0, 0, 0, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_targets_and_not_inside() {
        for (ip, by_name, written) in [
            ("10.0.0.1", true, true),
            ("192.168.1.1", true, true),
            ("203.0.113.9", true, true),
            ("2001:db8::1", true, true),
            ("fd12::1", true, true),
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("fe80::1", false, false),
            ("fd00:ec2::254", false, false),
            ("100.100.100.200", false, false),
            ("0.0.0.0", false, false),
            ("0.1.2.3", false, false),
            ("::", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("64:ff9b::a9fe:a9fe", false, false),
            ("64:ff9b:1::7f00:1", false, false),
            ("2002:a9fe:a9fe::1", false, false),
            ("::7f00:1", false, false),
            ("2001:0:1::1", false, false),
        ] {
            let ip: IpAddr = ip.parse().unwrap();
            assert_eq!(is_allowed(ip, false), by_name, "{ip}");
            assert_eq!(is_allowed(ip, true), written, "{ip}");
        }
        for (address, expected) in [
            ("127.0.0.1:80", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("localhost:80", true),
            ("127.0.0.1.nip.example:80", false),
            ("10.0.0.1:80", false),
        ] {
            assert_eq!(is_loopback_as_written(address), expected, "{address}");
        }
    }
}
