//! What is under way while somebody signs in: kept in memory, for minutes, and bounded.

use crate::keys::{KeyError, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sluice_model::{PrincipalId, SignInId, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;

/// How long a person has to sign in at their provider, in seconds.
const SIGN_IN_LIFE: i64 = 600;
/// How long a code waits for the program that it was made for, in seconds.
const CODE_LIFE: i64 = 60;
/// How long a device's request waits for a person, in seconds.
pub(crate) const DEVICE_LIFE: i64 = 600;
/// How often a device may ask, in seconds.
pub(crate) const DEVICE_INTERVAL: i64 = 5;
/// Of each kind, altogether and from one address: a flood of beginnings takes bounded memory.
const MAX_EACH_KIND: usize = 10_000;
const MAX_EACH_ADDRESS: usize = 50;
/// Letters of a code that a person types: no vowels, so that it spells nothing, and none that look alike.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of such a code: 20 to the 8th are 34 bits, for ten minutes and a few tries.
const USER_CODE: usize = 8;

/// What an answer has to fit besides the state that it comes with.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    Oidc {
        nonce: String,
        verifier: String,
    },
    /// The id of a SAML request is made of the state.
    Saml,
}

/// A sign-in that was sent to its provider.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) provider: String,
    pub(crate) proof: Proof,
    /// What the browser has to show when it comes back.
    pub(crate) browser: String,
    /// Where in the gateway's pages it goes on.
    pub(crate) next: String,
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
struct Entry<T> {
    value: T,
    from: IpAddr,
    ends: Timestamp,
}

#[derive(Debug)]
struct Table<T>(HashMap<String, Entry<T>>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Table<T> {
    /// Keeps something, unless too much is kept already.
    fn put(&mut self, key: String, value: T, from: IpAddr, now: Timestamp, life: i64) -> bool {
        self.0.retain(|_, entry| now < entry.ends);
        let from_there = self.0.values().filter(|entry| entry.from == from).count();
        if self.0.len() >= MAX_EACH_KIND || from_there >= MAX_EACH_ADDRESS {
            return false;
        }
        let ends = now.plus_seconds(life);
        self.0.insert(key, Entry { value, from, ends });
        true
    }

    /// Takes it out: it is used once, whatever becomes of it.
    fn take(&mut self, key: &str, now: Timestamp) -> Option<T> {
        let entry = self.0.remove(key)?;
        (now < entry.ends).then_some(entry.value)
    }
}

/// Everything that is under way.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    begun: Table<Begun>,
    codes: Table<CodeGrant>,
    devices: Table<Device>,
    /// Ids of logout tokens and of SAML messages that were taken.
    taken: Table<()>,
}

impl Flows {
    /// Keeps a sign-in under its `state`; `None` when too many are under way.
    pub(crate) fn begin(
        &mut self,
        begun: Begun,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Option<String>, KeyError> {
        let state = secret()?;
        let kept = self
            .begun
            .put(state.clone(), begun, from, now, SIGN_IN_LIFE);
        Ok(kept.then_some(state))
    }

    pub(crate) fn come_back(&mut self, state: &str, now: Timestamp) -> Option<Begun> {
        self.begun.take(state, now)
    }

    pub(crate) fn give_code(
        &mut self,
        grant: CodeGrant,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Option<String>, KeyError> {
        let code = secret()?;
        let kept = self.codes.put(code.clone(), grant, from, now, CODE_LIFE);
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
        let (device_code, user_code) = (secret()?, user_code()?);
        let device = Device {
            client,
            user_code: user_code.clone(),
            from,
            state: DeviceState::Waiting,
            asked: None,
        };
        let same = |entry: &Entry<Device>| entry.value.user_code == user_code;
        if self.devices.0.values().any(same) {
            return Ok(None);
        }
        let kept = self
            .devices
            .put(device_code.clone(), device, from, now, DEVICE_LIFE);
        Ok(kept.then_some((device_code, user_code)))
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

    /// Takes something that is signed once.
    pub(crate) fn take_once(&mut self, id: &str, from: IpAddr, now: Timestamp, life: i64) -> bool {
        !self.taken.0.contains_key(id) && self.taken.put(id.to_owned(), (), from, now, life)
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

    #[test]
    fn what_is_under_way_is_used_once_and_bounded() {
        let mut flows = Flows::default();
        let begun = Begun {
            provider: "corp".into(),
            proof: Proof::Saml,
            browser: String::new(),
            next: "/".into(),
        };
        let state = flows.begin(begun.clone(), FROM, at(0)).unwrap().unwrap();
        assert!(flows.come_back(&state, at(SIGN_IN_LIFE)).is_none());
        let state = flows.begin(begun.clone(), FROM, at(0)).unwrap().unwrap();
        assert!(flows.come_back(&state, at(1)).is_some());
        assert!(flows.come_back(&state, at(1)).is_none());
        for _ in 0..MAX_EACH_ADDRESS {
            assert!(flows.begin(begun.clone(), FROM, at(0)).unwrap().is_some());
        }
        assert!(flows.begin(begun.clone(), FROM, at(0)).unwrap().is_none());
        let other = "192.0.2.1".parse().unwrap();
        assert!(flows.begin(begun.clone(), other, at(0)).unwrap().is_some());
        assert!(
            flows
                .begin(begun, FROM, at(SIGN_IN_LIFE))
                .unwrap()
                .is_some()
        );
        assert!(flows.take_once("a", FROM, at(0), 10) && !flows.take_once("a", FROM, at(1), 10));
    }
}
