//! What the gateway sends: requests to sign in and out, and answers to the latter.

use super::assertion::NameId;
use super::keys::ServiceKey;
use super::metadata::Service;
use super::signature::sign;
use super::xml::{SAML, SAMLP, escaped, written};
use super::{Binding, Result};
use sluice_model::Timestamp;

/// A request to sign somebody in.
#[derive(Debug)]
pub struct AuthnRequest<'a> {
    /// Its id, which the answer names.
    pub id: &'a str,
    /// Where it goes.
    pub destination: &'a str,
    /// What kind of name is asked for; the provider's choice where that is not said.
    pub name_id_format: Option<&'a str>,
    /// The person has to prove themselves even if the provider knows them already.
    pub force_authn: bool,
}

/// The head of a message, up to and with its issuer.
fn head(
    kind: &str,
    id: &str,
    destination: &str,
    more: &str,
    issuer: &str,
    now: Timestamp,
) -> String {
    format!(
        "<samlp:{kind} xmlns:samlp=\"{SAMLP}\" xmlns:saml=\"{SAML}\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"{}\" Destination=\"{}\"{more}><saml:Issuer>{}</saml:Issuer>",
        written(now),
        escaped(destination),
        escaped(issuer)
    )
}

/// A message as its binding carries it: in a form it holds its signature itself.
fn finished(text: String, id: &str, binding: Binding, key: &ServiceKey) -> Result<String> {
    match binding {
        Binding::Redirect => Ok(text),
        Binding::Post => sign(&text, id, key),
    }
}

/// Asks a provider to sign somebody in (SAML Core, section 3.4.1).
///
/// # Errors
/// The key cannot sign.
pub fn authn_request(
    request: &AuthnRequest<'_>,
    service: &Service,
    binding: Binding,
    key: &ServiceKey,
    now: Timestamp,
) -> Result<String> {
    let force = match request.force_authn {
        true => " ForceAuthn=\"true\"",
        false => "",
    };
    let more = format!(
        "{force} ProtocolBinding=\"{}\" AssertionConsumerServiceURL=\"{}\"",
        Binding::Post.name(),
        escaped(&service.acs_url)
    );
    let format = request.name_id_format.map_or_else(String::new, |format| {
        format!(" Format=\"{}\"", escaped(format))
    });
    let head = head(
        "AuthnRequest",
        request.id,
        request.destination,
        &more,
        &service.entity_id,
        now,
    );
    let text =
        format!("{head}<samlp:NameIDPolicy{format} AllowCreate=\"true\"/></samlp:AuthnRequest>");
    finished(text, request.id, binding, key)
}

/// Asks a provider to sign somebody out (SAML Core, section 3.7.1).
///
/// # Errors
/// The key cannot sign.
pub fn logout_request(
    id: &str,
    destination: &str,
    (name_id, session): (&NameId, Option<&str>),
    service: &Service,
    now: Timestamp,
) -> String {
    let head = head(
        "LogoutRequest",
        id,
        destination,
        "",
        &service.entity_id,
        now,
    );
    let qualifiers = [
        ("Format", &name_id.format),
        ("NameQualifier", &name_id.name_qualifier),
        ("SPNameQualifier", &name_id.sp_name_qualifier),
    ];
    let attributes: String = qualifiers
        .iter()
        .filter_map(|(name, value)| Some(format!(" {name}=\"{}\"", escaped(value.as_deref()?))))
        .collect();
    let session = session.map_or_else(String::new, |session| {
        format!(
            "<samlp:SessionIndex>{}</samlp:SessionIndex>",
            escaped(session)
        )
    });
    format!(
        "{head}<saml:NameID{attributes}>{}</saml:NameID>{session}</samlp:LogoutRequest>",
        escaped(&name_id.value)
    )
}

/// Tells a provider that somebody is signed out (SAML Core, section 3.7.2).
///
/// # Errors
/// The key cannot sign.
pub fn logout_response(
    id: &str,
    destination: &str,
    answers: &str,
    service: &Service,
    now: Timestamp,
) -> String {
    let more = format!(" InResponseTo=\"{}\"", escaped(answers));
    let head = head(
        "LogoutResponse",
        id,
        destination,
        &more,
        &service.entity_id,
        now,
    );
    format!(
        "{head}<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>\
         </samlp:LogoutResponse>"
    )
}
