//! The answer to a request to sign in (SAML Core, section 3.3.3; Profiles, section 4.1.4).

use super::assertion::{self, SignedIn, not_ahead};
use super::canonical::canonical;
use super::encryption::{decrypted, is_encrypted};
use super::keys::ServiceKey;
use super::metadata::{Provider, Service};
use super::signature::signed;
use super::xml::{self, SAML, SAMLP};
use super::{Result, SamlError};
use roxmltree::Node;
use sluice_model::Timestamp;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// The oldest response that is taken, in seconds: a person was sent here with it.
const OLDEST: i64 = 600;

/// What a response has to fit.
#[derive(Debug)]
pub struct Expected<'a> {
    /// Who answers.
    pub provider: &'a Provider,
    /// Who asked.
    pub service: &'a Service,
    /// The id of the request.
    pub request: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// Who signed in, from a response that fits.
///
/// # Errors
/// The first check that it does not pass.
pub fn read_response(text: &str, expected: &Expected<'_>, key: &ServiceKey) -> Result<SignedIn> {
    let document = xml::parse(text)?;
    let root = document.root_element();
    if !xml::is(root, SAMLP, "Response") {
        return Err(SamlError::Expected("Response"));
    }
    match signed(root, &expected.provider.keys)? {
        None => read_parts(root, false, expected, key),
        Some(bytes) => {
            let document = xml::parse(&bytes)?;
            read_parts(document.root_element(), true, expected, key)
        }
    }
}

/// Reads a response, which is signed as a whole or may hold something that is.
fn read_parts(
    response: Node<'_, '_>,
    is_signed: bool,
    expected: &Expected<'_>,
    key: &ServiceKey,
) -> Result<SignedIn> {
    check_head(response, expected)?;
    let mut parts = xml::elements(response)?;
    parts.retain(|part| !xml::is(*part, SAML, "Issuer") && !xml::is(*part, SAMLP, "Status"));
    let is_assertion = |part| xml::is(part, SAML, "Assertion") || is_encrypted(part);
    let [part] = parts.as_slice() else {
        return Err(SamlError::Expected("one assertion and nothing else"));
    };
    if !is_assertion(*part) {
        return Err(SamlError::Expected("one assertion and nothing else"));
    }
    let bytes = if is_encrypted(*part) {
        let text = decrypted(*part, is_signed, key)?;
        let document = xml::parse(&text)?;
        trusted(document.root_element(), is_signed, expected)?
    } else {
        trusted(*part, is_signed, expected)?
    };
    let document = xml::parse(&bytes)?;
    assertion::read(document.root_element(), expected)
}

/// The bytes of an assertion that are to be believed: those that its own signature is over, or those inside a signed
/// response.
fn trusted(
    assertion: Node<'_, '_>,
    inside_signed: bool,
    expected: &Expected<'_>,
) -> Result<String> {
    match signed(assertion, &expected.provider.keys)? {
        Some(bytes) => Ok(bytes),
        None if inside_signed => Ok(canonical(assertion, None, &[])),
        None => Err(SamlError::Unsigned),
    }
}

/// What stands around the assertion. Of a response that is not signed it proves nothing, and has to fit all the same.
fn check_head(response: Node<'_, '_>, expected: &Expected<'_>) -> Result<()> {
    if xml::needed(response, "Version")? != "2.0" {
        return Err(SamlError::Expected("Version"));
    }
    let issued = not_ahead(response, "IssueInstant", expected.now)?;
    if expected.now > issued.plus_seconds(OLDEST) {
        return Err(SamlError::Expired("IssueInstant"));
    }
    if xml::attribute(response, "Destination") != Some(expected.service.acs_url.as_str()) {
        return Err(SamlError::Audience("Destination"));
    }
    if xml::attribute(response, "InResponseTo") != Some(expected.request) {
        return Err(SamlError::InResponseTo);
    }
    if let Some(issuer) = xml::maybe(response, (SAML, "Issuer"))?
        && xml::token(issuer)? != expected.provider.entity_id
    {
        return Err(SamlError::Issuer);
    }
    check_status(response)
}

pub(super) fn check_status(response: Node<'_, '_>) -> Result<()> {
    let status = xml::only(response, (SAMLP, "Status"))?;
    let code = xml::only(status, (SAMLP, "StatusCode"))?;
    let value = xml::needed(code, "Value")?;
    if value == SUCCESS {
        return Ok(());
    }
    let second = xml::maybe(code, (SAMLP, "StatusCode"))?;
    let detail = second.and_then(|code| xml::attribute(code, "Value"));
    let said = detail.unwrap_or(value);
    let last = said.rsplit(':').next().unwrap_or_default();
    Err(SamlError::Status(last.chars().take(80).collect()))
}
