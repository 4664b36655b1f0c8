//! `kind: IdentityProvider`: who vouches for people, and what its words mean here.

use super::oidc::OidcProvider;
use super::saml::SamlProvider;
use crate::resources::{group_name_problem, principal_name_problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_identity::jwt::Claims;
use sluice_model::CredentialRef;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// How often the provider is asked again who a signed-in person is, in seconds, when the file does not say: the bound
/// within which a group that was removed there is felt here.
const DEFAULT_REFRESH: u32 = 300;
/// How long a sign-in lasts when the file does not say, in hours: a working day where the provider is asked again or
/// says by itself when somebody leaves, and an hour where nothing more is heard of it.
const HEARD_HOURS: u32 = 12;
const UNHEARD_HOURS: u32 = 1;
/// How long the provider's word about somebody counts for their agents after it was last heard, in hours, when the file
/// does not say: a weekend.
const DEFAULT_VOUCHED_HOURS: u32 = 72;
/// What a provider says in SAML instead of the groups of somebody who is in too many (Microsoft Entra).
const GROUPS_LINK: &str = "http://schemas.microsoft.com/claims/groups.link";
/// The most groups of one person: a decision looks at all of them.
const MAX_GROUPS: usize = 500;

/// An identity provider as a file declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclaredProvider {
    pub(crate) name: String,
    /// What people see on the sign-in page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// How to speak with it: this or the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) oidc: Option<Oidc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) saml: Option<Saml>,
    /// It provisions people and their groups; nobody else of it is let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scim: Option<Scim>,
    #[serde(default)]
    pub(crate) users: Users,
    #[serde(default)]
    pub(crate) groups: Groups,
    #[serde(default = "default_refresh")]
    pub(crate) refresh_seconds: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session_hours: Option<u32>,
    #[serde(default = "default_vouched")]
    pub(crate) vouched_hours: u32,
}

fn default_refresh() -> u32 {
    DEFAULT_REFRESH
}

fn default_vouched() -> u32 {
    DEFAULT_VOUCHED_HOURS
}

/// How to speak OpenID Connect with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Oidc {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    /// Absent for a public client: PKCE is used in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<CredentialRef>,
    #[serde(default = "default_scopes")]
    pub(crate) scopes: Vec<String>,
    /// What else is said when somebody is sent there, such as `prompt` or `access_type`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) parameters: BTreeMap<String, String>,
    /// A PEM file of the authorities that its servers' certificates are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// Asks for a refresh token; left out at a provider that says that it knows no such scope.
pub(crate) const OFFLINE: &str = "offline_access";

fn default_scopes() -> Vec<String> {
    ["openid", "profile", "email", OFFLINE]
        .map(str::to_owned)
        .to_vec()
}

/// How to speak SAML with it: its metadata, or what they would say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Saml {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata_file: Option<PathBuf>,
    /// What the provider is called; which one, where the metadata are those of many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entity_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sign_in_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sign_out_url: Option<String>,
    /// PEM files of the certificates that it signs with; several while it changes from one to the next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) certificate_files: Vec<PathBuf>,
    /// How requests to sign in are sent.
    pub(crate) binding: SamlBinding,
    /// The attribute that says who somebody is, for good; their name id where that is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// What kind of name id is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name_id_format: Option<String>,
    /// People have to prove themselves each time, even if the provider knows them already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) force_authn: bool,
    /// It encrypts what it says about people: the gateway's metadata offer it a key for that.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) encrypted: bool,
    /// A PEM file of the authorities that the certificate of `metadata_url` is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// How a request travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SamlBinding {
    /// In the address.
    #[default]
    Redirect,
    /// In a form.
    Post,
}

/// Provisioning (SCIM 2.0).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scim {
    /// The service whose tokens the provider provisions with.
    pub(crate) service: String,
}

/// What people are called here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Users {
    /// The claim that is the name: `preferred_username` where that is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) email: String,
    pub(crate) display: String,
    /// Only people with an address in one of these domains, which the provider has verified; anybody when absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) domains: Vec<String>,
}

impl Default for Users {
    fn default() -> Self {
        Self {
            name: None,
            email: "email".to_owned(),
            display: "name".to_owned(),
            domains: Vec::new(),
        }
    }
}

/// Which groups people are in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Groups {
    /// The claim that holds them, a text or a list; a dot leads into an object (`realm_access.roles`).
    pub(crate) claim: String,
    /// Stands before every group that is not mapped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) prefix: String,
    /// The provider's name of a group to the one here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) map: BTreeMap<String, String>,
    /// Leave out groups that are not mapped.
    pub(crate) only_mapped: bool,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            claim: "groups".to_owned(),
            prefix: String::new(),
            map: BTreeMap::new(),
            only_mapped: false,
        }
    }
}

/// A provider that is spoken with.
pub(crate) struct Provider {
    pub(crate) declared: DeclaredProvider,
    pub(crate) speaks: Speaks,
}

/// In which language.
pub(crate) enum Speaks {
    Oidc(OidcProvider),
    Saml(SamlProvider),
}

impl Provider {
    /// `None` for one that a file does not say how to speak with, which is never stored.
    pub(crate) fn new(declared: DeclaredProvider) -> Option<Self> {
        let speaks = match (&declared.oidc, &declared.saml) {
            (Some(oidc), _) => Speaks::Oidc(OidcProvider::new(&declared.name, oidc.clone())),
            (_, Some(saml)) => Speaks::Saml(SamlProvider::new(&declared.name, saml.clone())),
            (None, None) => return None,
        };
        Some(Self { declared, speaks })
    }

    pub(crate) fn oidc(&self) -> Option<&OidcProvider> {
        match &self.speaks {
            Speaks::Oidc(oidc) => Some(oidc),
            Speaks::Saml(_) => None,
        }
    }

    pub(crate) fn saml(&self) -> Option<&SamlProvider> {
        match &self.speaks {
            Speaks::Saml(saml) => Some(saml),
            Speaks::Oidc(_) => None,
        }
    }
}

/// Somebody as their provider describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) subject: String,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) display: Option<String>,
    pub(crate) groups: BTreeSet<String>,
}

impl Users {
    fn name_claim(&self) -> &str {
        self.name.as_deref().unwrap_or("preferred_username")
    }
}

impl DeclaredProvider {
    /// How long a sign-in lasts, in seconds: `asked_again` if the provider tells of it later.
    pub(crate) fn session_seconds(&self, asked_again: bool) -> i64 {
        let heard = asked_again || self.scim.is_some();
        let usual = if heard { HEARD_HOURS } else { UNHEARD_HOURS };
        i64::from(self.session_hours.unwrap_or(usual)) * 3_600
    }

    /// Whether it is the same party as another one: nobody's secrets and nobody's word of one is shown to, or believed
    /// of, the other.
    pub(crate) fn is_same_party(&self, other: &Self) -> bool {
        let oidc = |p: &Self| {
            p.oidc
                .as_ref()
                .map(|o| (o.issuer.clone(), o.client_id.clone()))
        };
        let saml = |p: &Self| {
            p.saml.as_ref().map(|s| {
                let place = (s.metadata_url.clone(), s.metadata_file.clone());
                (place, s.entity_id.clone(), s.subject.clone())
            })
        };
        oidc(self) == oidc(other)
            && saml(self) == saml(other)
            && self.scim.is_some() == other.scim.is_some()
    }

    /// Whether the claims that are looked at are all there; some providers keep them for their userinfo endpoint.
    pub(crate) fn is_described_by(&self, claims: &Claims) -> bool {
        let wanted = [self.users.name_claim(), &self.groups.claim];
        wanted.iter().all(|path| find(claims, path).is_some())
    }

    /// Who somebody is here. The error is words for the person.
    pub(crate) fn profile(&self, claims: &Claims) -> Result<Profile, String> {
        let text = |path: &str| {
            find(claims, path)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let subject = text("sub").filter(|sub| !sub.is_empty());
        let subject = subject.ok_or("the identity provider does not say who you are (sub)")?;
        let claim = self.users.name_claim();
        let name = text(claim).ok_or_else(|| {
            format!("the identity provider does not say your name: the claim {claim:?} is missing")
        })?;
        if let Some(problem) = principal_name_problem(&name) {
            return Err(format!("you cannot be called that here: {problem}"));
        }
        let email = text(&self.users.email);
        self.check_domain(email.as_deref(), claims)?;
        Ok(Profile {
            subject,
            name,
            email,
            display: text(&self.users.display).filter(|d| !d.chars().any(char::is_control)),
            groups: self.groups.of(claims)?,
        })
    }

    fn check_domain(&self, email: Option<&str>, claims: &Claims) -> Result<(), String> {
        if self.users.domains.is_empty() {
            return Ok(());
        }
        let outside = || "your address is not of a domain that may sign in".to_owned();
        let (local, domain) = email.and_then(|e| e.split_once('@')).ok_or_else(outside)?;
        let verified = claims.get("email_verified") == Some(&Value::Bool(true));
        let allowed = self
            .users
            .domains
            .iter()
            .any(|d| d.eq_ignore_ascii_case(domain));
        match verified && allowed && !local.is_empty() {
            true => Ok(()),
            false => Err(outside()),
        }
    }
}

impl Groups {
    /// What the claim says, as groups here. What cannot be a group refuses: leaving it out could leave out what a
    /// policy forbids.
    fn of(&self, claims: &Claims) -> Result<BTreeSet<String>, String> {
        let left_out = claims
            .get("_claim_names")
            .and_then(|names| names.get(&self.claim));
        let elsewhere = claims.contains_key(GROUPS_LINK);
        let has_more = claims.get("hasgroups") == Some(&Value::Bool(true));
        if left_out.is_some() || elsewhere || has_more {
            return Err(
                "you are in so many groups that the identity provider leaves them out; an administrator can make it \
                 send only the groups of this application"
                    .to_owned(),
            );
        }
        let Some(found) = find(claims, &self.claim) else {
            return Ok(BTreeSet::new());
        };
        let names: Vec<&str> = match found {
            Value::String(one) => vec![one],
            Value::Array(all) => {
                let texts: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
                texts.ok_or("the identity provider's list of your groups holds more than names")?
            }
            _ => return Err("the identity provider's list of your groups is not a list".to_owned()),
        };
        if names.len() > MAX_GROUPS {
            return Err(format!(
                "you are in {} groups at the identity provider, more than {MAX_GROUPS}; an administrator can make it \
                 send only the groups of this application",
                names.len()
            ));
        }
        let groups = names.into_iter().filter_map(|name| self.named(name));
        let groups: BTreeSet<String> = groups.collect();
        match groups.iter().find_map(|group| group_name_problem(group)) {
            Some(problem) => Err(format!("a group of yours cannot be used here: {problem}")),
            None => Ok(groups),
        }
    }

    /// What a group is called here, `None` for one that is left out; the error says why it cannot be one.
    pub(crate) fn checked(&self, name: &str) -> Result<Option<String>, String> {
        let named = self.named(name);
        match named.as_deref().and_then(group_name_problem) {
            Some(problem) => Err(problem),
            None => Ok(named),
        }
    }

    /// What a group is called here. Whoever the provider calls an administrator is none of the gateway's unless the map
    /// says so.
    fn named(&self, name: &str) -> Option<String> {
        if let Some(mapped) = self.map.get(name) {
            return Some(mapped.clone());
        }
        if self.only_mapped {
            return None;
        }
        let named = format!("{}{name}", self.prefix);
        match named.eq_ignore_ascii_case(crate::control::ADMINS) {
            true => Some(format!("provider:{named}")),
            false => Some(named),
        }
    }
}

/// A claim by name, or by a path of names.
fn find<'c>(claims: &'c Claims, path: &str) -> Option<&'c Value> {
    if let Some(found) = claims.get(path) {
        return Some(found);
    }
    let mut names = path.split('.');
    let first = claims.get(names.next()?)?;
    names.try_fold(first, |value, name| value.as_object()?.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn provider(more: Value) -> DeclaredProvider {
        let mut body =
            json!({"name": "corp", "oidc": {"issuer": "https://idp", "client_id": "sluice"}});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        serde_json::from_value(body).unwrap()
    }

    fn check(more: Value, change: Value, expected: &str) {
        let mut claims = json!({
            "sub": "1", "preferred_username": "ada", "email": "ada@example.com", "email_verified": true,
            "groups": ["engineering", "admins"], "realm_access": {"roles": ["dba"]},
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let got = match provider(more).profile(claims.as_object().unwrap()) {
            Ok(p) => format!("{} [{}]", p.name, Vec::from_iter(p.groups).join(" ")),
            Err(why) => why,
        };
        assert!(got.starts_with(expected), "{change}: {got}");
    }

    #[test]
    fn claims_say_who_somebody_is_and_in_which_groups() {
        check(json!({}), json!({}), "ada [engineering provider:admins]");
        check(
            json!({"groups": {"map": {"admins": "admins", "engineering": "eng"}}}),
            json!({}),
            "ada [admins eng]",
        );
        check(
            json!({"groups": {"map": {"x": "y"}, "only_mapped": true}}),
            json!({}),
            "ada []",
        );
        check(
            json!({"groups": {"prefix": "corp/"}}),
            json!({}),
            "ada [corp/admins corp/engineering]",
        );
        check(
            json!({"groups": {"claim": "realm_access.roles"}}),
            json!({}),
            "ada [dba]",
        );
        check(json!({}), json!({"groups": "one"}), "ada [one]");
        check(
            json!({"users": {"name": "email"}}),
            json!({}),
            "ada@example.com [",
        );
        check(
            json!({"users": {"domains": ["Example.com"]}}),
            json!({}),
            "ada [",
        );
    }

    #[test]
    fn what_is_not_clear_lets_nobody_in() {
        for (more, change, expected) in [
            (
                json!({}),
                json!({"sub": ""}),
                "the identity provider does not say who you are",
            ),
            (
                json!({}),
                json!({"preferred_username": 7}),
                "the identity provider does not say your name",
            ),
            (
                json!({}),
                json!({"preferred_username": "a da"}),
                "you cannot be called that here",
            ),
            (
                json!({}),
                json!({"preferred_username": "\u{430}da"}),
                "you cannot be called that here",
            ),
            (
                json!({}),
                json!({"groups": ["a", 7]}),
                "the identity provider's list of your groups holds",
            ),
            (
                json!({}),
                json!({"groups": {"a": 1}}),
                "the identity provider's list of your groups is not",
            ),
            (
                json!({}),
                json!({"groups": ["a\u{0}b"]}),
                "a group of yours cannot be used here",
            ),
            (
                json!({}),
                json!({"groups": vec!["g"; 501]}),
                "you are in 501 groups",
            ),
            (
                json!({}),
                json!({"_claim_names": {"groups": "src1"}}),
                "you are in so many groups",
            ),
            (
                json!({}),
                json!({GROUPS_LINK: "https://graph.example/groups"}),
                "you are in so many groups",
            ),
            (
                json!({}),
                json!({"hasgroups": true}),
                "you are in so many groups",
            ),
            (
                json!({"users": {"domains": ["corp.example"]}}),
                json!({}),
                "your address is not",
            ),
            (
                json!({"users": {"domains": ["example.com"]}}),
                json!({"email_verified": "true"}),
                "your address is not",
            ),
            (
                json!({"users": {"domains": ["example.com"]}}),
                json!({"email": "a@evil.com@example.com"}),
                "your address is not",
            ),
            (
                json!({"users": {"domains": ["example.com"]}}),
                json!({"email": "ada@example.com."}),
                "your address is not",
            ),
        ] {
            check(more, change, expected);
        }
    }
}
