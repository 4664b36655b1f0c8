//! A provider signs somebody out (SAML Core, section 3.7.3; Profiles, section 4.4).

use super::assertion::{NameId, not_ahead, not_over};
use super::metadata::{Provider, Service};
use super::signature::signed;
use super::xml::{self, SAML, SAMLP};
use super::{Result, SamlError};
use roxmltree::Node;
use sluice_model::Timestamp;

/// The oldest request that is taken, in seconds.
const OLDEST: i64 = 600;

/// Whom a provider signs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// Its id, which the answer names, and so that it is taken once.
    pub id: String,
    /// Whom.
    pub name_id: NameId,
    /// Which of their sign-ins; all where none is named.
    pub sessions: Vec<String>,
}

/// Reads a request whose bytes were checked already (in an address), or that holds its own signature (in a form).
///
/// # Errors
/// The first check that it does not pass.
pub fn read_logout_request(
    text: &str,
    checked: bool,
    provider: &Provider,
    service: &Service,
    now: Timestamp,
) -> Result<LogoutRequest> {
    let document = xml::parse(text)?;
    let root = document.root_element();
    if checked {
        return read(root, provider, service, now);
    }
    let bytes = signed(root, &provider.keys)?.ok_or(SamlError::Unsigned)?;
    let document = xml::parse(&bytes)?;
    read(document.root_element(), provider, service, now)
}

fn read(
    root: Node<'_, '_>,
    provider: &Provider,
    service: &Service,
    now: Timestamp,
) -> Result<LogoutRequest> {
    if !xml::is(root, SAMLP, "LogoutRequest") {
        return Err(SamlError::Expected("LogoutRequest"));
    }
    if xml::needed(root, "Version")? != "2.0" {
        return Err(SamlError::Expected("Version"));
    }
    let issued = not_ahead(root, "IssueInstant", now)?;
    if now > issued.plus_seconds(OLDEST) {
        return Err(SamlError::Expired("IssueInstant"));
    }
    not_over(root, "NotOnOrAfter", now)?;
    if xml::attribute(root, "Destination") != Some(service.slo_url.as_str()) {
        return Err(SamlError::Audience("Destination"));
    }
    let issuer = xml::only(root, (SAML, "Issuer"))?;
    if xml::token(issuer)? != provider.entity_id {
        return Err(SamlError::Issuer);
    }
    let name_id = xml::only(root, (SAML, "NameID"))?;
    let sessions = xml::all(root, SAMLP, "SessionIndex")?;
    let sessions: Result<Vec<String>> = sessions.into_iter().map(xml::text).collect();
    Ok(LogoutRequest {
        id: xml::needed(root, "ID")?.to_owned(),
        name_id: NameId::read(name_id)?,
        sessions: sessions?,
    })
}
