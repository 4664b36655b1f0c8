//! Signatures of what is sent and of what comes back: HMAC-SHA-256, compared in constant time, each good for a short
//! while.

use crate::keys::{from_hex, hex};
use aws_lc_rs::{digest, hmac};
use sluice_model::{Secret, Timestamp};

/// How far the other side's clock may be from ours, in seconds: what Slack recommends.
pub(crate) const SKEW: i64 = 300;
/// Bytes of a signature.
const TAG_BYTES: usize = 32;

/// A signature that was checked: what it is remembered by, and until when it could be taken again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) mark: String,
    pub(crate) ends: Timestamp,
}

fn key(secret: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())
}

fn parts(key: &hmac::Key, message: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in message {
        context.update(part);
    }
    context.sign()
}

fn is_of(secret: &Secret, message: &[&[u8]], claimed: &str) -> Option<String> {
    let claimed = from_hex::<TAG_BYTES>(claimed)?;
    let right = parts(&key(secret), message);
    let same =
        aws_lc_rs::constant_time::verify_slices_are_equal(right.as_ref(), claimed.as_slice());
    same.ok().map(|()| hex(claimed.as_slice()))
}

/// What a notifier took is remembered by.
fn mark(notifier: &str, tag: &str) -> String {
    let told = format!("{notifier}\n{tag}");
    hex(digest::digest(&digest::SHA256, told.as_bytes()).as_ref())
}

/// Whether a moment that the other side names is about now.
fn is_now(seconds: i64, now: Timestamp) -> bool {
    now.seconds().abs_diff(seconds) <= SKEW.unsigned_abs()
}

fn checked(notifier: &str, tag: &str, seconds: i64) -> Checked {
    let ends = Timestamp(0).plus_seconds(seconds.saturating_add(SKEW + 1));
    Checked {
        mark: mark(notifier, tag),
        ends,
    }
}

/// The gateway's own: `t=<unix seconds>,v1=<hex>` over `t.body`.
pub(crate) fn own(secret: &Secret, body: &[u8], now: Timestamp) -> String {
    let seconds = now.seconds().to_string();
    let tag = parts(&key(secret), &[seconds.as_bytes(), b".", body]);
    format!("t={seconds},v1={}", hex(tag.as_ref()))
}

/// Checks one of the gateway's own scheme.
pub(crate) fn check_own(
    notifier: &str,
    secret: &Secret,
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Option<Checked> {
    let (time, tag) = header.split_once(',')?;
    let (time, tag) = (time.strip_prefix("t=")?, tag.strip_prefix("v1=")?);
    let seconds: i64 = time.parse().ok().filter(|s| is_now(*s, now))?;
    let tag = is_of(secret, &[time.as_bytes(), b".", body], tag)?;
    Some(checked(notifier, &tag, seconds))
}

/// Checks one of Slack's: `v0=<hex>` over `v0:time:body`.
pub(crate) fn check_slack(
    notifier: &str,
    secret: &Secret,
    (time, header): (&str, &str),
    body: &[u8],
    now: Timestamp,
) -> Option<Checked> {
    let seconds: i64 = time.parse().ok().filter(|s| is_now(*s, now))?;
    let tag = header.strip_prefix("v0=")?;
    let tag = is_of(secret, &[b"v0:", time.as_bytes(), b":", body], tag)?;
    Some(checked(notifier, &tag, seconds))
}

/// Checks one of Jira's: `sha256=<hex>` over the body, which says itself when it was written.
pub(crate) fn check_jira(
    notifier: &str,
    secret: &Secret,
    header: &str,
    body: &[u8],
) -> Option<String> {
    let tag = is_of(secret, &[body], header.strip_prefix("sha256=")?)?;
    Some(mark(notifier, &tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_531_420_618_000_000);

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn slacks_own_example_is_right_and_nothing_else_is() {
        let key = "8f742231b10e8888abcd99yyyzzz85a5";
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let tag = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        let check = |key: &str, time: &str, tag: &str, body: &str, now: Timestamp| {
            check_slack("n", &secret(key), (time, tag), body.as_bytes(), now).is_some()
        };
        let time = "1531420618";
        assert!(check(key, time, tag, body, NOW));
        assert!(check(key, time, tag, body, NOW.plus_seconds(SKEW)));
        for (key, time, tag, body, now) in [
            ("another", time, tag, body, NOW),
            (key, "1531420619", tag, body, NOW),
            (key, "+1531420618", tag, body, NOW),
            (key, "", tag, body, NOW),
            (key, time, "v0=", body, NOW),
            (key, time, tag.trim_start_matches("v0="), body, NOW),
            (key, time, tag, "token=x", NOW),
            (key, time, tag, body, NOW.plus_seconds(SKEW + 1)),
            (key, time, tag, body, NOW.plus_seconds(-SKEW - 1)),
        ] {
            assert!(!check(key, time, tag, body, now), "{key} {time} {tag}");
        }
    }

    #[test]
    fn the_gateways_own_is_checked_over_time_and_body() {
        let key = secret("k");
        let header = own(&key, b"{}", NOW);
        let check = |header: &str, body: &[u8], now| check_own("n", &key, header, body, now);
        let first = check(&header, b"{}", NOW).unwrap();
        assert_eq!(first.ends, NOW.plus_seconds(SKEW + 1));
        // The same signature in other letters is the same one.
        let (start, tag) = header.split_once("v1=").unwrap();
        let upper = format!("{start}v1={}", tag.to_uppercase());
        assert_eq!(check(&upper, b"{}", NOW), Some(first.clone()));
        assert_ne!(check_own("m", &key, &header, b"{}", NOW), Some(first));
        for (header, body) in [
            (header.replace("t=1", "t=2"), "{}"),
            (header.clone(), "{ }"),
            (format!("{header},v1=00"), "{}"),
            (header.replace("v1=", "v0="), "{}"),
            (String::new(), "{}"),
        ] {
            assert_eq!(check(&header, body.as_bytes(), NOW), None, "{header}");
        }
        assert_eq!(check(&header, b"{}", NOW.plus_seconds(SKEW + 1)), None);
    }

    #[test]
    fn jiras_is_over_the_body() {
        // The example of the vendor's documentation.
        let key = secret("It's a Secret to Everybody");
        let tag = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
        assert!(check_jira("n", &key, tag, b"Hello World!").is_some());
        assert!(check_jira("n", &key, tag, b"Hello World").is_none());
        assert!(check_jira("n", &secret("other"), tag, b"Hello World!").is_none());
        assert!(check_jira("n", &key, &tag.replace("sha256", "sha1"), b"Hello World!").is_none());
    }
}
