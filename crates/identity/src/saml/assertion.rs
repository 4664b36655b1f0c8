//! What an assertion says about a person (SAML Core, section 2; Profiles, section 4.1.4.2).

use super::response::Expected;
use super::xml::{self, SAML};
use super::{Result, SKEW, SamlError};
use roxmltree::Node;
use sluice_model::Timestamp;

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// The longest time from now to the end of an assertion, in seconds: it is used once, at once.
const LONGEST_LIFE: i64 = 86_400;
/// Values of all attributes together.
const MAX_VALUES: usize = 5_000;

/// What a provider calls a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameId {
    /// The name itself.
    pub value: String,
    /// What kind of name it is.
    pub format: Option<String>,
    /// Within what it is unique.
    pub name_qualifier: Option<String>,
    /// For whom it is.
    pub sp_name_qualifier: Option<String>,
}

impl NameId {
    /// Whether both are of the same person: what one of them does not say is what the other says. Providers leave out
    /// in a request to sign out what they said when the person signed in, and the other way round.
    #[must_use]
    pub fn is_also(&self, other: &Self) -> bool {
        fn fits(one: Option<&String>, other: Option<&String>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        self.value == other.value
            && fits(self.format.as_ref(), other.format.as_ref())
            && fits(self.name_qualifier.as_ref(), other.name_qualifier.as_ref())
            && fits(
                self.sp_name_qualifier.as_ref(),
                other.sp_name_qualifier.as_ref(),
            )
    }

    pub(super) fn read(node: Node<'_, '_>) -> Result<Self> {
        let said = |name| xml::attribute(node, name).map(str::to_owned);
        let value = xml::name(node)?;
        match value.is_empty() {
            true => Err(SamlError::Expected("NameID")),
            false => Ok(Self {
                value,
                format: said("Format"),
                name_qualifier: said("NameQualifier"),
                sp_name_qualifier: said("SPNameQualifier"),
            }),
        }
    }

    /// Whether it is another one each time.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.format.as_deref() == Some(TRANSIENT)
    }
}

/// One attribute of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its `Name`; the friendly one is for people.
    pub name: String,
    /// Its values; `None` stands for one that is no text.
    pub values: Vec<Option<String>>,
}

/// Somebody who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The assertion's own id, so that it is taken once.
    pub assertion: String,
    /// Until when the assertion could be used.
    pub expires: Timestamp,
    /// What the provider calls them.
    pub name_id: NameId,
    /// What the provider calls this sign-in.
    pub session: Option<String>,
    /// When the provider's own session ends.
    pub session_ends: Option<Timestamp>,
    /// What else is said.
    pub attributes: Vec<Attribute>,
}

/// Reads an assertion whose bytes are to be believed.
pub(super) fn read(assertion: Node<'_, '_>, expected: &Expected<'_>) -> Result<SignedIn> {
    if !xml::is(assertion, SAML, "Assertion") {
        return Err(SamlError::Expected("Assertion"));
    }
    let id = xml::needed(assertion, "ID")?;
    if xml::needed(assertion, "Version")? != "2.0" {
        return Err(SamlError::Expected("Version"));
    }
    not_ahead(assertion, "IssueInstant", expected.now)?;
    let issuer = xml::only(assertion, (SAML, "Issuer"))?;
    if xml::token(issuer)? != expected.provider.entity_id {
        return Err(SamlError::Issuer);
    }
    let subject = xml::only(assertion, (SAML, "Subject"))?;
    let name_id = xml::only(subject, (SAML, "NameID"))?;
    let confirmed = confirmation(subject, expected)?;
    let ends = conditions(assertion, expected)?;
    let (session, session_ends) = statement(assertion, expected.now)?;
    let expires = ends.map_or(confirmed, |ends| ends.min(confirmed));
    if expires > expected.now.plus_seconds(LONGEST_LIFE) {
        return Err(SamlError::Expected("an end within a day"));
    }
    Ok(SignedIn {
        assertion: id.to_owned(),
        expires: expires.plus_seconds(SKEW),
        name_id: NameId::read(name_id)?,
        session,
        session_ends,
        attributes: attributes(assertion)?,
    })
}

/// A moment that has to be there and not to come.
pub(super) fn not_ahead(
    node: Node<'_, '_>,
    name: &'static str,
    now: Timestamp,
) -> Result<Timestamp> {
    let at = xml::moment_of(node, name)?.ok_or(SamlError::Expected(name))?;
    match at <= now.plus_seconds(SKEW) {
        true => Ok(at),
        false => Err(SamlError::NotYet(name)),
    }
}

/// Whether a moment that ends something is over.
pub(super) fn not_over(
    node: Node<'_, '_>,
    name: &'static str,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let end = xml::moment_of(node, name)?;
    match end.is_none_or(|end| now < end.plus_seconds(SKEW)) {
        true => Ok(end),
        false => Err(SamlError::Expired(name)),
    }
}

/// Who carries it may use it here and now, in answer to the request that was sent; and until when.
fn confirmation(subject: Node<'_, '_>, expected: &Expected<'_>) -> Result<Timestamp> {
    let mut refused = SamlError::Expected("a bearer SubjectConfirmation");
    for confirmation in xml::all(subject, SAML, "SubjectConfirmation")? {
        if xml::attribute(confirmation, "Method") != Some(BEARER) {
            continue;
        }
        match bearer(confirmation, expected) {
            Ok(end) => return Ok(end),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn bearer(confirmation: Node<'_, '_>, expected: &Expected<'_>) -> Result<Timestamp> {
    let data = xml::only(confirmation, (SAML, "SubjectConfirmationData"))?;
    if xml::attribute(data, "Recipient") != Some(expected.service.acs_url.as_str()) {
        return Err(SamlError::Audience("Recipient"));
    }
    if xml::attribute(data, "InResponseTo") != Some(expected.request) {
        return Err(SamlError::InResponseTo);
    }
    if xml::attribute(data, "NotBefore").is_some() {
        return Err(SamlError::Expected("no NotBefore of a bearer"));
    }
    not_over(data, "NotOnOrAfter", expected.now)?.ok_or(SamlError::Expected("NotOnOrAfter"))
}

/// The conditions under which it may be used; one that is not understood cannot be met.
fn conditions(assertion: Node<'_, '_>, expected: &Expected<'_>) -> Result<Option<Timestamp>> {
    let conditions = xml::only(assertion, (SAML, "Conditions"))?;
    let known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
    let is_known = |node: &Node<'_, '_>| known.iter().any(|name| xml::is(*node, SAML, name));
    if !xml::elements(conditions)?.iter().all(is_known) {
        return Err(SamlError::Expected("no other conditions"));
    }
    if xml::attribute(conditions, "NotBefore").is_some() {
        not_ahead(conditions, "NotBefore", expected.now)?;
    }
    let restrictions = xml::all(conditions, SAML, "AudienceRestriction")?;
    if restrictions.is_empty() {
        return Err(SamlError::Audience("Audience"));
    }
    for restriction in restrictions {
        let audiences = xml::all(restriction, SAML, "Audience")?;
        let texts: Result<Vec<String>> = audiences.into_iter().map(xml::token).collect();
        if !texts?.contains(&expected.service.entity_id) {
            return Err(SamlError::Audience("Audience"));
        }
    }
    not_over(conditions, "NotOnOrAfter", expected.now)
}

/// The provider's session: what it is called, and when it ends.
fn statement(
    assertion: Node<'_, '_>,
    now: Timestamp,
) -> Result<(Option<String>, Option<Timestamp>)> {
    let statements = xml::all(assertion, SAML, "AuthnStatement")?;
    let first = statements
        .first()
        .ok_or(SamlError::Expected("AuthnStatement"))?;
    let session = xml::attribute(*first, "SessionIndex").map(str::to_owned);
    let mut ends: Option<Timestamp> = None;
    for statement in statements {
        let end = not_over(statement, "SessionNotOnOrAfter", now)?;
        ends = ends.into_iter().chain(end).min();
    }
    Ok((session, ends))
}

fn attributes(assertion: Node<'_, '_>) -> Result<Vec<Attribute>> {
    let mut found: Vec<Attribute> = Vec::new();
    let mut count = 0;
    for statement in xml::all(assertion, SAML, "AttributeStatement")? {
        for attribute in xml::elements(statement)? {
            if !xml::is(attribute, SAML, "Attribute") {
                return Err(SamlError::Expected("plain attributes"));
            }
            let name = xml::needed(attribute, "Name")?;
            let values = xml::all(attribute, SAML, "AttributeValue")?;
            count += values.len();
            if count > MAX_VALUES {
                return Err(SamlError::Expected("fewer values of attributes"));
            }
            // An empty text is no value; providers send one for a list that is empty.
            let values = values.into_iter().map(|value| xml::name(value).ok());
            let values = values.filter(|value| value.as_deref() != Some(""));
            match found.iter_mut().find(|known| known.name == name) {
                Some(known) => known.values.extend(values),
                None => found.push(Attribute {
                    name: name.to_owned(),
                    values: values.collect(),
                }),
            }
        }
    }
    Ok(found)
}
