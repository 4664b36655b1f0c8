//! Links in mail. Each names a request and the one person that it was written to, is good once and for as long as a
//! request is open. It decides nothing: whoever opens it has to be signed in as exactly that person, and decides like
//! anybody else. So a scanner that follows it changes nothing, and neither does whoever it is forwarded to.

use super::signature::SKEW;
use crate::approvals::LIFE_SECONDS;
use crate::identity::seal::{Sealed, Sealer};
use crate::keys::{KeyError, hex};
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use sluice_model::{ApprovalId, Secret, Timestamp};

/// What sealed links belong to, so that nothing else that was sealed is one.
const OWNER: &str = "a link in mail";
/// The longest link that is looked at, in bytes: one with the longest names fits twice.
const MAX_LINK: usize = 2_048;

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) notifier: String,
    pub(crate) approval: ApprovalId,
    /// The user that it was written to.
    pub(crate) user: String,
    pub(crate) ends: Timestamp,
}

/// A link that was read.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) link: Link,
    /// What it is remembered by.
    pub(crate) mark: String,
}

impl Link {
    pub(crate) fn new(notifier: &str, approval: ApprovalId, user: &str, now: Timestamp) -> Self {
        Self {
            notifier: notifier.to_owned(),
            approval,
            user: user.to_owned(),
            ends: now.plus_seconds(LIFE_SECONDS),
        }
    }

    /// As it stands in an address.
    pub(crate) fn sealed(&self, sealer: &Sealer) -> Result<Secret, KeyError> {
        let text = serde_json::to_string(self).map_err(|_| KeyError::Crypto)?;
        let sealed = sealer.seal(OWNER, &Secret::new(text))?;
        let text = sealed.text().replace('+', "-").replace('/', "_");
        Ok(Secret::new(text))
    }

    /// Reads one; `None` for whatever was not sealed here, or is over.
    pub(crate) fn open(sealer: &Sealer, text: &str, now: Timestamp) -> Option<Opened> {
        if text.len() > MAX_LINK || text.contains(['+', '/']) {
            return None;
        }
        let sealed = Sealed::read(&text.replace('-', "+").replace('_', "/"));
        let opened = sealer.open(OWNER, &sealed)?;
        let link: Self = serde_json::from_str(opened.expose()).ok()?;
        let mark = hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        (now < link.ends).then_some(Opened { link, mark })
    }

    /// Until when it has to be remembered that it was opened.
    pub(crate) fn remembered(&self) -> Timestamp {
        self.ends.plus_seconds(SKEW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_here_alone_and_for_a_day() {
        let sealer = Sealer::new(&[3; 32]).unwrap();
        let now = Timestamp(0);
        let link = Link::new("mail", ApprovalId::from_bits(5), "bob", now);
        let text = link.sealed(&sealer).unwrap();
        let text = text.expose();
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
            "{text}"
        );
        assert!(!text.contains("bob"));
        let open = |sealer: &Sealer, text: &str, now| Link::open(sealer, text, now).map(|o| o.link);
        assert_eq!(open(&sealer, text, now), Some(link));
        assert_eq!(open(&sealer, text, now.plus_seconds(LIFE_SECONDS)), None);
        assert_eq!(open(&Sealer::new(&[4; 32]).unwrap(), text, now), None);
        let other = sealer.seal("i-1", &Secret::new("{}".into())).unwrap();
        for wrong in ["", "x", &text[1..], other.text(), &"A".repeat(MAX_LINK + 1)] {
            assert_eq!(open(&sealer, wrong, now), None, "{wrong}");
        }
    }
}
