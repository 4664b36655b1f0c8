//! What is under way while somebody signs in: with the browser, sealed, or here in memory, for minutes, and bounded.

use crate::keys::{KeyError, random};
use crate::tokens::network;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sluice_model::{PrincipalId, SignInId, Timestamp};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;

/// How long a person has to sign in at their provider, in seconds.
pub(crate) const SIGN_IN_LIFE: i64 = 600;
/// How long a code waits for the program that it was made for, in seconds.
const CODE_LIFE: i64 = 60;
/// How long a device's request waits for a person, in seconds.
pub(crate) const DEVICE_LIFE: i64 = 600;
/// How often a device may ask, in seconds.
pub(crate) const DEVICE_INTERVAL: i64 = 5;
/// Of each kind, altogether, and for one person or from one network, which can be a whole office: a flood of beginnings
/// takes bounded memory.
const MAX_EACH_KIND: usize = 10_000;
const MAX_EACH_PARTY: usize = 500;
/// Signed messages that are remembered until they end, so that none is taken twice: providers alone make them.
const MAX_TAKEN: usize = 100_000;
/// Letters of a code that a person types: no vowels, so that it spells nothing, and none that look alike.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of such a code: 20 to the 8th are 34 bits, for ten minutes and a few tries.
const USER_CODE: usize = 8;
/// How often such a code is drawn before it is given up. Of 10,000 that wait, one in 2.5 million draws is taken.
const DRAWS: usize = 4;

/// What an answer has to fit besides the state that it comes with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Proof {
    Oidc {
        nonce: String,
        verifier: String,
    },
    /// The id of a SAML request is made of the state.
    Saml,
}

/// A sign-in that was sent to its provider. The browser keeps it, sealed, and has to show it when it comes back; what it
/// comes back with, a code or an assertion, is taken once.
#[derive(Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) provider: String,
    pub(crate) proof: Proof,
    /// What the provider gives back.
    pub(crate) state: String,
    /// Where in the gateway's pages it goes on.
    pub(crate) next: String,
    pub(crate) ends: Timestamp,
}

/// A code for a program on a person's computer.
#[derive(Debug, Clone)]
pub(crate) struct CodeGrant {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) sign_in: SignInId,
    pub(crate) principal: PrincipalId,
}

/// Where a device's request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeviceState {
    Waiting,
    Allowed(SignInId, PrincipalId),
    Denied,
}

/// A device's request.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) client: String,
    pub(crate) user_code: String,
    pub(crate) from: IpAddr,
    pub(crate) state: DeviceState,
    asked: Option<Timestamp>,
}

/// What a device is told when it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Poll {
    Waiting,
    TooOften,
    Unknown,
    Denied,
    Allowed(SignInId, PrincipalId),
}

#[derive(Debug)]
struct Entry<T, P> {
    value: T,
    party: P,
    ends: Timestamp,
}

/// What is under way, by whom it is counted for.
#[derive(Debug)]
struct Table<T, P>(HashMap<String, Entry<T, P>>);

impl<T, P> Default for Table<T, P> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T, P: Eq + Hash + Clone> Table<T, P> {
    /// Keeps something, unless too much is kept for that party already. When all is full, the oldest of the party that
    /// has most makes room, so that a flood pushes out itself.
    fn put(&mut self, key: String, value: T, party: P, now: Timestamp, life: i64) -> bool {
        self.0.retain(|_, entry| now < entry.ends);
        let mut counts: HashMap<&P, usize> = HashMap::new();
        for entry in self.0.values() {
            *counts.entry(&entry.party).or_default() += 1;
        }
        if counts.get(&party).is_some_and(|n| *n >= MAX_EACH_PARTY) {
            return false;
        }
        let busiest = counts.iter().max_by_key(|(_, count)| **count);
        if self.0.len() >= MAX_EACH_KIND
            && let Some(busiest) = busiest.map(|(party, _)| (*party).clone())
        {
            let theirs = self.0.iter().filter(|(_, e)| e.party == busiest);
            let oldest = theirs.min_by_key(|(_, e)| e.ends).map(|(k, _)| k.clone());
            oldest.and_then(|key| self.0.remove(&key));
        }
        let ends = now.plus_seconds(life);
        self.0.insert(key, Entry { value, party, ends });
        true
    }

    /// Takes it out: it is used once, whatever becomes of it.
    fn take(&mut self, key: &str, now: Timestamp) -> Option<T> {
        let entry = self.0.remove(key)?;
        (now < entry.ends).then_some(entry.value)
    }
}

/// Ids of signed messages that were taken, until those end.
#[derive(Debug, Default)]
struct Taken {
    ids: HashSet<String>,
    by_end: BTreeSet<(Timestamp, String)>,
}

/// Whether something signed comes for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    First,
    Again,
    /// So many are remembered that this one cannot be.
    Unknown,
}

/// Everything that is under way.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    codes: Table<CodeGrant, PrincipalId>,
    devices: Table<Device, IpAddr>,
    taken: Taken,
}

impl Flows {
    pub(crate) fn give_code(
        &mut self,
        grant: CodeGrant,
        now: Timestamp,
    ) -> Result<Option<String>, KeyError> {
        let (code, party) = (secret()?, grant.principal.clone());
        let kept = self.codes.put(code.clone(), grant, party, now, CODE_LIFE);
        Ok(kept.then_some(code))
    }

    pub(crate) fn take_code(&mut self, code: &str, now: Timestamp) -> Option<CodeGrant> {
        self.codes.take(code, now)
    }

    /// Keeps a device's request: its own code, and the one that a person types.
    pub(crate) fn add_device(
        &mut self,
        client: String,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Option<(String, String)>, KeyError> {
        let device_code = secret()?;
        let Some(user_code) = self.free_code(user_code)? else {
            return Ok(None);
        };
        let device = Device {
            client,
            user_code: user_code.clone(),
            from,
            state: DeviceState::Waiting,
            asked: None,
        };
        let (key, party) = (device_code.clone(), network(from));
        let kept = self.devices.put(key, device, party, now, DEVICE_LIFE);
        Ok(kept.then_some((device_code, user_code)))
    }

    /// A code for a person to type that leads to no other device: among many that wait, one is drawn twice now and then.
    fn free_code(
        &self,
        mut draw: impl FnMut() -> Result<String, KeyError>,
    ) -> Result<Option<String>, KeyError> {
        for _ in 0..DRAWS {
            let code = draw()?;
            let mut devices = self.devices.0.values();
            if !devices.any(|entry| entry.value.user_code == code) {
                return Ok(Some(code));
            }
        }
        Ok(None)
    }

    fn waiting(&mut self, typed: &str, now: Timestamp) -> Option<&mut Device> {
        let letters = typed.chars().filter(char::is_ascii_alphanumeric);
        let typed: String = letters.map(|c| c.to_ascii_uppercase()).collect();
        let entries = self.devices.0.values_mut().filter(|entry| now < entry.ends);
        let mut devices = entries.map(|entry| &mut entry.value);
        devices.find(|d| d.user_code == typed && d.state == DeviceState::Waiting)
    }

    /// The request that a person typed the code of.
    pub(crate) fn device(&mut self, typed: &str, now: Timestamp) -> Option<Device> {
        self.waiting(typed, now).cloned()
    }

    /// A person decides about a request; `false` when there is none.
    pub(crate) fn decide(&mut self, typed: &str, state: DeviceState, now: Timestamp) -> bool {
        let found = self.waiting(typed, now);
        found.map(|device| device.state = state).is_some()
    }

    /// A device asks what became of its request. An answer is given once.
    pub(crate) fn poll(&mut self, device_code: &str, client: &str, now: Timestamp) -> Poll {
        let Some(entry) = self.devices.0.get_mut(device_code) else {
            return Poll::Unknown;
        };
        if now >= entry.ends || entry.value.client != client {
            return Poll::Unknown;
        }
        let device = &mut entry.value;
        let early = device
            .asked
            .is_some_and(|at| now < at.plus_seconds(DEVICE_INTERVAL));
        device.asked = Some(now);
        match device.state.clone() {
            DeviceState::Waiting if early => Poll::TooOften,
            DeviceState::Waiting => Poll::Waiting,
            DeviceState::Denied => {
                self.devices.0.remove(device_code);
                Poll::Denied
            }
            DeviceState::Allowed(sign_in, principal) => {
                self.devices.0.remove(device_code);
                Poll::Allowed(sign_in, principal)
            }
        }
    }

    /// Remembers something signed until its end, so that it is taken once.
    pub(crate) fn take_once(&mut self, id: &str, ends: Timestamp, now: Timestamp) -> Times {
        let Taken { ids, by_end } = &mut self.taken;
        while by_end.first().is_some_and(|(end, _)| *end <= now) {
            if let Some((_, over)) = by_end.pop_first() {
                ids.remove(&over);
            }
        }
        if ids.contains(id) {
            return Times::Again;
        }
        if ids.len() >= MAX_TAKEN {
            tracing::error!(
                "so many signed messages of identity providers came that no more are remembered"
            );
            return Times::Unknown;
        }
        ids.insert(id.to_owned());
        by_end.insert((ends, id.to_owned()));
        Times::First
    }
}

/// 256 random bits, as text for URLs.
pub(crate) fn secret() -> Result<String, KeyError> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?.as_slice()))
}

fn user_code() -> Result<String, KeyError> {
    let mut code = String::with_capacity(USER_CODE);
    while code.len() < USER_CODE {
        // Bytes beyond the largest multiple of the alphabet are drawn again, so that each letter is as likely.
        let bytes = random::<16>()?;
        let fair = bytes.iter().filter(|byte| **byte < 240);
        let letters = fair.filter_map(|byte| LETTERS.get(usize::from(byte % 20)));
        code.extend(letters.take(USER_CODE - code.len()).map(|b| char::from(*b)));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn a_device_is_told_once_and_asked_to_be_patient() {
        let mut flows = Flows::default();
        let (device, typed) = flows.add_device("c".into(), FROM, at(0)).unwrap().unwrap();
        let who = (SignInId::from_bits(1), PrincipalId::user("ada"));
        assert_eq!(flows.poll(&device, "c", at(0)), Poll::Waiting);
        assert_eq!(flows.poll(&device, "c", at(4)), Poll::TooOften);
        assert_eq!(flows.poll(&device, "c", at(9)), Poll::Waiting);
        assert_eq!(flows.poll(&device, "other", at(20)), Poll::Unknown);
        assert_eq!(flows.poll("guess", "c", at(20)), Poll::Unknown);
        let spoken = format!("{}-{}", &typed[..4].to_lowercase(), &typed[4..]);
        assert!(flows.device(&spoken, at(20)).is_some() && flows.device("", at(20)).is_none());
        let allowed = DeviceState::Allowed(who.0.clone(), who.1.clone());
        assert!(flows.decide(&spoken, allowed.clone(), at(20)));
        assert!(
            !flows.decide(&spoken, DeviceState::Denied, at(20)),
            "decided once"
        );
        assert_eq!(
            flows.poll(&device, "c", at(21)),
            Poll::Allowed(who.0, who.1)
        );
        assert_eq!(flows.poll(&device, "c", at(30)), Poll::Unknown);
        let (device, typed) = flows.add_device("c".into(), FROM, at(0)).unwrap().unwrap();
        assert!(!flows.decide(&typed, allowed, at(DEVICE_LIFE)), "too late");
        assert_eq!(flows.poll(&device, "c", at(DEVICE_LIFE)), Poll::Unknown);
    }

    fn grant(name: &str) -> CodeGrant {
        CodeGrant {
            client: "c".into(),
            redirect_uri: String::new(),
            challenge: String::new(),
            sign_in: SignInId::from_bits(1),
            principal: PrincipalId::user(name),
        }
    }

    #[test]
    fn a_code_is_used_once_and_soon() {
        let mut flows = Flows::default();
        let code = flows.give_code(grant("ada"), at(0)).unwrap().unwrap();
        assert!(flows.take_code(&code, at(CODE_LIFE)).is_none());
        let code = flows.give_code(grant("ada"), at(0)).unwrap().unwrap();
        assert!(flows.take_code(&code, at(1)).is_some());
        assert!(flows.take_code(&code, at(1)).is_none());
        for _ in 0..MAX_EACH_PARTY {
            assert!(flows.give_code(grant("ada"), at(0)).unwrap().is_some());
        }
        assert!(flows.give_code(grant("ada"), at(0)).unwrap().is_none());
        assert!(flows.give_code(grant("bob"), at(0)).unwrap().is_some());
        let later = at(CODE_LIFE);
        assert!(flows.give_code(grant("ada"), later).unwrap().is_some());
    }

    /// ATTACKS: one network cannot keep others from signing in by beginning often.
    #[test]
    fn a_flood_of_devices_pushes_out_itself() {
        let mut flows = Flows::default();
        let add = |flows: &mut Flows, from: &str, seconds| {
            let added = flows.add_device("c".into(), from.parse().unwrap(), at(seconds));
            added.unwrap().map(|(device, _)| device)
        };
        let quiet = add(&mut flows, "192.0.2.1", 0).unwrap();
        for network in 0..MAX_EACH_KIND / MAX_EACH_PARTY {
            for host in 0..MAX_EACH_PARTY {
                let from = format!("2001:db8:0:{network:x}::{host:x}");
                assert!(add(&mut flows, &from, 1).is_some());
            }
            // Asked before all is full: then any of the busiest, which have the same number, has to make room.
            let one_more = format!("2001:db8:0:{network:x}::ffff");
            assert!(add(&mut flows, &one_more, 1).is_none(), "one network");
        }
        assert!(add(&mut flows, "198.51.100.1", 2).is_some());
        assert_eq!(flows.devices.0.len(), MAX_EACH_KIND);
        assert_eq!(flows.poll(&quiet, "c", at(2)), Poll::Waiting);
    }

    #[test]
    fn a_code_that_leads_to_another_device_is_drawn_again() {
        let mut flows = Flows::default();
        let (_, taken) = flows.add_device("c".into(), FROM, at(0)).unwrap().unwrap();
        let mut drawn = [taken.as_str(), taken.as_str(), "FREE"].into_iter();
        let code = flows.free_code(|| Ok(drawn.next().unwrap().to_owned()));
        assert_eq!(code.unwrap().as_deref(), Some("FREE"));
        assert_eq!(flows.free_code(|| Ok(taken.clone())).unwrap(), None);
    }

    #[test]
    fn what_is_signed_is_taken_once_until_it_ends() {
        let mut flows = Flows::default();
        assert_eq!(flows.take_once("a", at(10), at(0)), Times::First);
        assert_eq!(flows.take_once("a", at(10), at(9)), Times::Again);
        assert_eq!(flows.take_once("a", at(20), at(10)), Times::First);
        for n in 1..MAX_TAKEN {
            assert_eq!(
                flows.take_once(&n.to_string(), at(30), at(10)),
                Times::First
            );
        }
        assert_eq!(flows.take_once("b", at(30), at(10)), Times::Unknown);
        assert_eq!(flows.take_once("a", at(30), at(10)), Times::Again);
        assert_eq!(flows.take_once("b", at(30), at(20)), Times::First);
    }
}
