//! Tokens that the gateway issues: how they look, how they are checked, and how guessing is slowed down.

use crate::keys::{KeyError, random};
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use sluice_model::{Network, PrincipalId, Secret, SignInId, Timestamp, TokenId, WayIn, Workload};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// What every token begins with, so that secret scanners find it.
const PREFIX: &str = "sluice_";
/// Random bytes of a token: 160 bits cannot be guessed, so a plain hash keeps it.
const SECRET_BYTES: usize = 20;
/// Characters of the random part: five bits each.
const SECRET_CHARS: usize = 32;
/// Characters of the checksum: a mistyped token is told apart from a wrong one without a lookup.
const CHECK_CHARS: usize = 6;
/// Bytes of a token's hash.
pub(crate) const HASH_BYTES: usize = 32;
/// Different wrong secrets from one address, or naming one principal, within [`WINDOW_SECONDS`] before it is locked out. A job that keeps
/// sending one outdated token counts once and locks nobody out.
const MAX_WRONG: usize = 20;
/// The window that failures are counted in, and how long a lock-out lasts.
const WINDOW_SECONDS: i64 = 60;
/// Addresses, and principals, that are watched at a time; bounds the memory that a flood can take (about 10 MiB each).
const MAX_WATCHED: usize = 10_000;

/// Crockford's base 32 in lower case.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What a token is for. One that is for something else opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Purpose {
    /// To act with: as a password, or as a bearer token of the API.
    Access,
    /// The cookie of a browser in which a person signed in.
    Browser,
    /// The cookie of a browser that was let in to one connection.
    Site,
}

impl Purpose {
    pub(crate) const ALL: [Self; 3] = [Self::Access, Self::Browser, Self::Site];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Browser => "browser",
            Self::Site => "site",
        }
    }

    /// Whether a token for this may be used on that way in.
    pub(crate) fn fits(self, way: WayIn) -> bool {
        match self {
            Self::Access => matches!(way, WayIn::Token | WayIn::OAuthBearer),
            Self::Browser => way == WayIn::Browser,
            Self::Site => way == WayIn::Site,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A token as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRow {
    pub(crate) id: TokenId,
    pub(crate) name: Option<String>,
    pub(crate) principal: PrincipalId,
    pub(crate) purpose: Purpose,
    pub(crate) hash: [u8; HASH_BYTES],
    /// Where from it may be used; anywhere when there are none.
    pub(crate) networks: Vec<Network>,
    /// The sign-in that it hangs from: it ends with it.
    pub(crate) sign_in: Option<SignInId>,
    /// The workload that it was exchanged for: it opens nothing that this workload's own JWT would not.
    pub(crate) workload: Option<Arc<Workload>>,
    /// The only connection that it is good for.
    pub(crate) audience: Option<String>,
    /// Who made it; absent for one from before that was kept.
    pub(crate) creator: Option<PrincipalId>,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) revoked: Option<Timestamp>,
}

impl TokenRow {
    /// Whether it is neither revoked nor expired.
    pub(crate) fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

/// Makes a new secret.
pub(crate) fn mint() -> Result<Secret, KeyError> {
    let bytes = random::<SECRET_BYTES>()?;
    let mut text = String::with_capacity(PREFIX.len() + SECRET_CHARS + CHECK_CHARS);
    text.push_str(PREFIX);
    base32(bytes.as_slice(), SECRET_CHARS, &mut text);
    let check = checksum(&text);
    text.push_str(&check);
    Ok(Secret::new(text))
}

/// The hash of a secret, or `None` for what cannot be a token.
pub(crate) fn hash(secret: &str) -> Option<[u8; HASH_BYTES]> {
    let length = PREFIX.len() + SECRET_CHARS + CHECK_CHARS;
    if secret.len() != length || !secret.starts_with(PREFIX) {
        return None;
    }
    let (body, check) = secret.split_at_checked(length - CHECK_CHARS)?;
    if checksum(body) != check {
        return None;
    }
    sha256(secret)
}

fn sha256(text: &str) -> Option<[u8; HASH_BYTES]> {
    digest(&SHA256, text.as_bytes()).as_ref().try_into().ok()
}

fn checksum(body: &str) -> String {
    let mut out = String::with_capacity(CHECK_CHARS);
    base32(
        digest(&SHA256, body.as_bytes()).as_ref(),
        CHECK_CHARS,
        &mut out,
    );
    out
}

/// The first `chars` groups of five bits.
fn base32(bytes: &[u8], chars: usize, out: &mut String) {
    let bit = |i: usize| {
        let byte = bytes.get(i / 8).copied().unwrap_or(0);
        usize::from(byte >> (7 - i % 8) & 1)
    };
    for c in 0..chars {
        let value = (0..5).fold(0, |value, i| value << 1 | bit(c * 5 + i));
        out.push(ALPHABET.get(value).copied().map_or('0', char::from));
    }
}

/// Counts wrong secrets by where they come from and by whom they name.
#[derive(Debug, Default)]
pub(crate) struct Lockout {
    addresses: Watched<IpAddr>,
    principals: Watched<PrincipalId>,
    /// People who type codes of terminals.
    typists: Watched<PrincipalId>,
}

impl Lockout {
    /// Whether an address has to wait.
    pub(crate) fn is_locked(&self, from: IpAddr, now: Timestamp) -> bool {
        self.addresses.is_locked(&network(from), now)
    }

    /// Whether nobody is let in as this principal for now.
    pub(crate) fn is_principal_locked(&self, principal: &PrincipalId, now: Timestamp) -> bool {
        self.principals.is_locked(principal, now)
    }

    /// Whether somebody has typed too many codes of terminals that there are not. Locks them out of nothing else: a page
    /// of somebody else's can make their browser type.
    pub(crate) fn has_typed_too_much(&self, person: &PrincipalId, now: Timestamp) -> bool {
        self.typists.is_locked(person, now)
    }

    pub(crate) fn mistyped(&mut self, person: &PrincipalId, typed: &str, now: Timestamp) {
        self.typists.failed(person.clone(), mark(typed), now);
    }

    /// Counts a wrong secret, and for whom it would have been where it is known whose it is: one that was revoked, has
    /// expired, or comes from where it may not. A success in between changes nothing, so that nobody resets the count
    /// with a token of their own.
    pub(crate) fn failed(
        &mut self,
        from: IpAddr,
        principal: Option<&PrincipalId>,
        secret: &str,
        now: Timestamp,
    ) {
        let mark = mark(secret);
        self.addresses.failed(network(from), mark, now);
        if let Some(principal) = principal {
            self.principals.failed(principal.clone(), mark, now);
        }
    }
}

fn mark(secret: &str) -> u64 {
    let hash = sha256(secret);
    let beginning = hash.and_then(|hash| hash.first_chunk().copied());
    beginning.map_or(0, u64::from_be_bytes)
}

/// Wrong secrets by what they are counted for.
#[derive(Debug)]
struct Watched<K>(HashMap<K, Failures>);

impl<K> Default for Watched<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[derive(Debug)]
struct Failures {
    since: Timestamp,
    /// The beginnings of the hashes of what was tried.
    wrong: BTreeSet<u64>,
}

impl Failures {
    fn are_fresh(&self, now: Timestamp) -> bool {
        now < self.since.plus_seconds(WINDOW_SECONDS)
    }
}

impl<K: Eq + Hash + Clone> Watched<K> {
    fn is_locked(&self, key: &K, now: Timestamp) -> bool {
        let found = self.0.get(key);
        found.is_some_and(|f| f.wrong.len() >= MAX_WRONG && f.are_fresh(now))
    }

    fn failed(&mut self, key: K, mark: u64, now: Timestamp) {
        if self.0.len() >= MAX_WATCHED && !self.0.contains_key(&key) {
            self.make_room(now);
        }
        let start = || Failures {
            since: now,
            wrong: BTreeSet::new(),
        };
        let failures = self.0.entry(key).or_insert_with(start);
        if !failures.are_fresh(now) {
            *failures = start();
        }
        if failures.wrong.len() < MAX_WRONG
            && failures.wrong.insert(mark)
            && failures.wrong.len() == MAX_WRONG
        {
            // The lock-out lasts a whole window from here.
            failures.since = now;
        }
    }

    fn make_room(&mut self, now: Timestamp) {
        self.0.retain(|_, f| f.are_fresh(now));
        if self.0.len() < MAX_WATCHED {
            return;
        }
        let oldest = self.0.iter().min_by_key(|(_, f)| (f.wrong.len(), f.since));
        if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
            self.0.remove(&oldest);
        }
    }
}

/// One customer of an IPv6 provider has a /64, so that is what counts as one address.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nothing_else_does() {
        let secret = mint().unwrap();
        let text = secret.expose();
        assert!(hash(text).is_some());
        assert_ne!(hash(text), hash(mint().unwrap().expose()));
        for at in 0..text.len() {
            let mut wrong = text.to_owned();
            let other = if &text[at..=at] == "0" { "1" } else { "0" };
            wrong.replace_range(at..=at, other);
            assert_eq!(hash(&wrong), None, "{at}");
        }
        for wrong in [
            "",
            "sluice_",
            &text[1..],
            &format!("{text}0"),
            &text.to_uppercase(),
            "ä".repeat(45).as_str(),
        ] {
            assert_eq!(hash(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn many_different_wrong_secrets_lock_out_and_one_repeated_does_not() {
        let address = |s: &str| s.parse::<IpAddr>().unwrap();
        let mut lockout = Lockout::default();
        let now = Timestamp(0);
        for i in 0..MAX_WRONG - 1 {
            lockout.failed(address("2001:db8::1"), None, &format!("guess {i}"), now);
            lockout.failed(address("192.0.2.1"), None, "the same outdated token", now);
        }
        assert!(!lockout.is_locked(address("2001:db8::1"), now));
        lockout.failed(address("2001:db8::2"), None, "one more", now);
        for (from, locked) in [
            ("2001:db8::1", true),
            ("2001:db8::ffff", true),
            ("2001:db8:0:1::1", false),
            ("192.0.2.1", false),
            ("::ffff:192.0.2.1", false),
        ] {
            assert_eq!(lockout.is_locked(address(from), now), locked, "{from}");
        }
        assert!(lockout.is_locked(address("2001:db8::1"), now.plus_seconds(WINDOW_SECONDS - 1)));
        assert!(!lockout.is_locked(address("2001:db8::1"), now.plus_seconds(WINDOW_SECONDS)));
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_memory() {
        let mut lockout = Lockout::default();
        for i in 0..MAX_WATCHED + 100 {
            let from = IpAddr::V4(u32::try_from(i).unwrap().into());
            lockout.failed(from, None, "x", Timestamp(0));
        }
        assert!(lockout.addresses.0.len() <= MAX_WATCHED);
    }

    #[test]
    fn a_principal_whose_old_tokens_are_tried_is_locked_from_everywhere() {
        let ada = PrincipalId::user("ada");
        let mut lockout = Lockout::default();
        for i in 0..MAX_WRONG {
            let from = IpAddr::V4(u32::try_from(i).unwrap().into());
            assert!(!lockout.is_principal_locked(&ada, Timestamp(0)));
            lockout.failed(from, Some(&ada), &format!("old {i}"), Timestamp(0));
            assert!(!lockout.is_locked(from, Timestamp(0)));
        }
        assert!(lockout.is_principal_locked(&ada, Timestamp(0)));
        assert!(!lockout.is_principal_locked(&PrincipalId::user("bob"), Timestamp(0)));
    }

    #[test]
    fn a_token_fits_its_own_ways_in_only() {
        for purpose in Purpose::ALL {
            let fits: Vec<WayIn> = WayIn::ALL
                .into_iter()
                .filter(|w| purpose.fits(*w))
                .collect();
            let expected: &[WayIn] = match purpose {
                Purpose::Access => &[WayIn::Token, WayIn::OAuthBearer],
                Purpose::Browser => &[WayIn::Browser],
                Purpose::Site => &[WayIn::Site],
            };
            assert_eq!(fits, expected, "{purpose}");
        }
    }
}
