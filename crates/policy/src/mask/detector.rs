//! The table of value detectors: names as data classes write them, and what each of them finds.

use thiserror::Error;

/// The group that stands for every detector of an API key or access token.
pub const API_KEY_GROUP: &str = "api_key";

/// One value detector.
#[derive(Debug)]
pub struct DetectorSpec {
    /// Its name in a data class' `detectors`.
    pub name: &'static str,
    /// What it finds, and how a find is validated.
    pub doc: &'static str,
    /// A text that it finds.
    pub example: &'static str,
    /// The group name that includes it, if any.
    pub group: Option<&'static str>,
    pub(super) kind: Detector,
}

/// What a detector finds. The number is its bit in [`Detectors`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Detector {
    UsSsn,
    PaymentCard,
    Email,
    Phone,
    Iban,
    Ipv4,
    Ipv6,
    Jwt,
    PrivateKey,
    UrlPassword,
    AwsAccessKey,
    AwsSecretKey,
    GithubToken,
    GitlabToken,
    SlackToken,
    StripeKey,
    GoogleApiKey,
    AnthropicKey,
    OpenaiKey,
    NpmToken,
    SluiceToken,
}

/// How many detectors there are.
pub(super) const DETECTOR_COUNT: usize = Detector::SluiceToken as usize + 1;

/// A set of detectors, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Detectors(u32);

impl Detectors {
    pub(super) fn insert(&mut self, detector: Detector) {
        self.0 |= 1 << detector as u32;
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    pub(super) const fn has(self, detector: Detector) -> bool {
        self.0 & (1 << detector as u32) != 0
    }

    pub(super) fn has_any(self, detectors: &[Detector]) -> bool {
        detectors.iter().any(|detector| self.has(*detector))
    }
}

/// Why detectors could not be compiled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DetectorError {
    /// A data class names a detector that does not exist.
    #[error("data class `{class}` names the detector `{name}`, which does not exist")]
    Unknown {
        /// The data class.
        class: String,
        /// What it names.
        name: String,
        /// The nearest detector by spelling.
        suggestion: Option<&'static str>,
    },
    /// The key for hash masks is too short to keep values from being guessed.
    #[error("the key for hash masks has {got} bytes; at least {expected} are needed")]
    ShortHashKey {
        /// Its length in bytes.
        got: usize,
        /// The least length in bytes.
        expected: usize,
    },
    /// The index over the fixed texts of keys could not be built.
    #[error("the index of the detectors could not be built")]
    Index,
}

impl DetectorError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unknown { suggestion, .. } => {
                let names: Vec<&str> = names().collect();
                let list = names.join(", ");
                match suggestion {
                    Some(near) => format!("did you mean `{near}`? detectors are: {list}"),
                    None => format!("detectors are: {list}"),
                }
            }
            Self::ShortHashKey { .. } => "create a longer random key".to_owned(),
            Self::Index => "name fewer detectors".to_owned(),
        }
    }
}

/// Every name that a data class may write.
fn names() -> impl Iterator<Item = &'static str> {
    DETECTORS
        .iter()
        .map(|spec| spec.name)
        .chain([API_KEY_GROUP])
}

/// Adds what `name` stands for, a detector or a group, to `into`; `Err` has the nearest name.
pub(super) fn resolve(name: &str, into: &mut Detectors) -> Result<(), Option<&'static str>> {
    let mut found = false;
    for spec in DETECTORS
        .iter()
        .filter(|spec| spec.name == name || spec.group == Some(name))
    {
        into.insert(spec.kind);
        found = true;
    }
    if found { Ok(()) } else { Err(nearest(name)) }
}

/// Likeness from which on a name is worth suggesting (Jaro-Winkler, 1 is equal); below it suggestions are
/// more often wrong than right. A shared word counts as much.
const NEAR_ENOUGH: f64 = 0.75;

fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    names()
        .map(|known| {
            let shares = known
                .split('_')
                .any(|word| word.len() > 2 && name.split('_').any(|own| own == word));
            let score = strsim::jaro_winkler(known, &name);
            (
                if shares {
                    score.max(NEAR_ENOUGH)
                } else {
                    score
                },
                known,
            )
        })
        .filter(|(score, _)| *score >= NEAR_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

const fn spec(
    kind: Detector,
    name: &'static str,
    doc: &'static str,
    example: &'static str,
) -> DetectorSpec {
    DetectorSpec {
        name,
        doc,
        example,
        group: None,
        kind,
    }
}

const fn key(
    kind: Detector,
    name: &'static str,
    doc: &'static str,
    example: &'static str,
) -> DetectorSpec {
    DetectorSpec {
        name,
        doc,
        example,
        group: Some(API_KEY_GROUP),
        kind,
    }
}

/// Every detector.
pub const DETECTORS: &[DetectorSpec] = &[
    spec(
        Detector::UsSsn,
        "us_ssn",
        "US social security number in three groups; area 000, 666 and 900 to 999, group 00 and serial 0000 are none",
        "078-05-1120",
    ),
    spec(
        Detector::PaymentCard,
        "payment_card",
        "payment card number of a known issuer range and length with a correct Luhn digit; plain or in groups",
        "4111 1111 1111 1111",
    ),
    spec(
        Detector::Email,
        "email",
        "mail address with a domain of two or more labels",
        "ada@example.com",
    ),
    spec(
        Detector::Phone,
        "phone",
        "telephone number: E.164 after a `+`, or North American in groups",
        "+1 212 555 0100",
    ),
    spec(
        Detector::Iban,
        "iban",
        "international bank account number with its country's length and a correct mod-97 check",
        "DE89 3704 0044 0532 0130 00",
    ),
    spec(
        Detector::Ipv4,
        "ipv4",
        "IPv4 address in dotted form",
        "203.0.113.7",
    ),
    spec(
        Detector::Ipv6,
        "ipv6",
        "IPv6 address in text form, also compressed",
        "2001:db8::7",
    ),
    spec(
        Detector::Jwt,
        "jwt",
        "JSON web token, signed or encrypted, in compact form",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
    ),
    spec(
        Detector::PrivateKey,
        "private_key",
        "private key block (PEM, OpenSSH, PGP) to its end line, or to the end of the text when that is missing",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n-----END PRIVATE KEY-----",
    ),
    spec(
        Detector::UrlPassword,
        "url_password",
        "the password in a URL such as a database's connection string",
        "postgres://app:example-password@db/shop",
    ),
    key(
        Detector::AwsAccessKey,
        "aws_access_key",
        "AWS access key id",
        "AKIAIOSFODNN7EXAMPLE",
    ),
    key(
        Detector::AwsSecretKey,
        "aws_secret_key",
        "AWS secret access key next to a name that says so",
        "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    key(
        Detector::GithubToken,
        "github_token",
        "GitHub token, classic or fine-grained",
        "ghp_0123456789exampleEXAMPLE0123456789ab",
    ),
    key(
        Detector::GitlabToken,
        "gitlab_token",
        "GitLab token",
        "glpat-0123456789exampleABC",
    ),
    key(
        Detector::SlackToken,
        "slack_token",
        "Slack token or incoming webhook",
        "xoxb-0123456789-exampleEXAMPLE",
    ),
    key(
        Detector::StripeKey,
        "stripe_key",
        "Stripe secret or restricted key, or webhook secret",
        "sk_test_0123456789exampleABC",
    ),
    key(
        Detector::GoogleApiKey,
        "google_api_key",
        "Google API key or OAuth client secret",
        "AIza0123456789exampleEXAMPLE0123456789a",
    ),
    key(
        Detector::AnthropicKey,
        "anthropic_key",
        "Anthropic API key",
        "sk-ant-api03-0123456789exampleEXAMPLE",
    ),
    key(
        Detector::OpenaiKey,
        "openai_key",
        "OpenAI API key, or another of the same `sk-` form",
        "sk-0123456789exampleEXAMPLE0123456789",
    ),
    key(
        Detector::NpmToken,
        "npm_token",
        "npm access token",
        "npm_0123456789exampleEXAMPLE0123456789ab",
    ),
    key(
        Detector::SluiceToken,
        "sluice_token",
        "token that this gateway issues",
        "sluice_0123456789exampleEXAMPLE0123",
    ),
];

#[cfg(test)]
mod tests {
    use super::{DETECTOR_COUNT, DETECTORS, DetectorError, Detectors, resolve};

    #[test]
    fn every_detector_is_listed_once() {
        let mut kinds: Vec<_> = DETECTORS.iter().map(|spec| spec.kind).collect();
        kinds.sort();
        kinds.dedup();
        assert_eq!(
            (kinds.len(), DETECTORS.len()),
            (DETECTOR_COUNT, DETECTOR_COUNT)
        );
    }

    #[test]
    fn a_group_is_all_of_its_detectors() {
        let mut set = Detectors::default();
        resolve("api_key", &mut set).unwrap();
        for spec in DETECTORS {
            assert_eq!(set.has(spec.kind), spec.group.is_some(), "{}", spec.name);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        for (wrong, near) in [
            ("ssn", Some("us_ssn")),
            ("card", Some("payment_card")),
            ("credit_card", Some("payment_card")),
            ("e-mail", Some("email")),
            ("IBAN", Some("iban")),
            ("api_keys", Some("api_key")),
            ("github-token", Some("github_token")),
            ("ip4", Some("ipv4")),
            ("xyzzy", None),
        ] {
            assert_eq!(
                resolve(wrong, &mut Detectors::default()),
                Err(near),
                "{wrong}"
            );
        }
        let error = DetectorError::Unknown {
            class: "c".into(),
            name: "ssn".into(),
            suggestion: Some("us_ssn"),
        };
        assert!(error.help().contains("did you mean `us_ssn`") && error.help().contains("api_key"));
    }
}
