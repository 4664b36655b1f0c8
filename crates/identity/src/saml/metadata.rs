//! Metadata (SAML Metadata 2.0): what a provider says of itself, and what the gateway does.

use super::binding::Binding;
use super::encryption::OFFERED;
use super::keys::{ProviderKey, ServiceKey};
use super::xml::{self, DS, METADATA, SAMLP, escaped};
use super::{Result, SamlError};
use roxmltree::Node;
use sluice_model::Timestamp;

/// Keys of one provider that are looked at: the one that signs, the next, and the last.
const MAX_KEYS: usize = 16;

/// Where something is sent, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How.
    pub binding: Binding,
    /// Where.
    pub url: String,
    /// Where answers go, if that is elsewhere.
    pub answers: Option<String>,
}

/// An identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What it is called.
    pub entity_id: String,
    /// Where people sign in, in the provider's order.
    pub sign_in: Vec<Endpoint>,
    /// Where they sign out.
    pub sign_out: Vec<Endpoint>,
    /// What it signs with; several while it changes from one to the next.
    pub keys: Vec<ProviderKey>,
    /// Until when this may be believed, where it says that.
    pub valid_until: Option<Timestamp>,
}

/// The gateway, as one provider knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What it is called.
    pub entity_id: String,
    /// Where responses go.
    pub acs_url: String,
    /// Where people are signed out.
    pub slo_url: String,
}

impl Provider {
    /// Reads a provider's metadata, or those of one provider among many.
    ///
    /// # Errors
    /// No identity provider (of that name) is in it, it is over, or has no key that can be used.
    pub fn read(text: &str, entity_id: Option<&str>, now: Timestamp) -> Result<Self> {
        let document = xml::well_formed(text)?;
        let is_meant = |node: &Node<'_, '_>| {
            let named = entity_id.is_none() || xml::attribute(*node, "entityID") == entity_id;
            named && xml::is(*node, METADATA, "EntityDescriptor") && role(*node).is_some()
        };
        let mut found = document.descendants().filter(is_meant);
        let (entity, more) = (found.next(), found.next());
        let entity = entity.ok_or(SamlError::Expected(
            "an identity provider (of that entity_id)",
        ))?;
        if more.is_some() {
            return Err(SamlError::Expected(
                "entity_id: several providers are in it",
            ));
        }
        let role = role(entity).ok_or(SamlError::Expected("IDPSSODescriptor"))?;
        let mut valid_until: Option<Timestamp> = None;
        for node in entity.ancestors().filter(Node::is_element).chain([role]) {
            let end = xml::moment_of(node, "validUntil")?;
            valid_until = valid_until.into_iter().chain(end).min();
        }
        if valid_until.is_some_and(|end| now >= end) {
            return Err(SamlError::Expired("validUntil"));
        }
        let provider = Self {
            entity_id: xml::needed(entity, "entityID")?.to_owned(),
            sign_in: endpoints(role, "SingleSignOnService"),
            sign_out: endpoints(role, "SingleLogoutService"),
            keys: signing_keys(role),
            valid_until,
        };
        if provider.keys.is_empty() {
            return Err(SamlError::Expected("a certificate that signs"));
        }
        match provider.sign_in.is_empty() {
            true => Err(SamlError::Expected("SingleSignOnService")),
            false => Ok(provider),
        }
    }
}

fn role<'a, 'i>(entity: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    entity.children().find(|child| {
        let speaks = xml::attribute(*child, "protocolSupportEnumeration").unwrap_or_default();
        xml::is(*child, METADATA, "IDPSSODescriptor")
            && speaks.split_ascii_whitespace().any(|p| p == SAMLP)
    })
}

fn endpoints(role: Node<'_, '_>, name: &str) -> Vec<Endpoint> {
    let services = role.children().filter(|n| xml::is(*n, METADATA, name));
    let endpoint = |node| {
        Some(Endpoint {
            binding: Binding::named(xml::attribute(node, "Binding")?)?,
            url: xml::attribute(node, "Location")?.to_owned(),
            answers: xml::attribute(node, "ResponseLocation").map(str::to_owned),
        })
    };
    services.filter_map(endpoint).collect()
}

fn signing_keys(role: Node<'_, '_>) -> Vec<ProviderKey> {
    let descriptors = role
        .children()
        .filter(|n| xml::is(*n, METADATA, "KeyDescriptor"));
    let signs = descriptors.filter(|n| xml::attribute(*n, "use").is_none_or(|u| u == "signing"));
    let certificates = signs
        .flat_map(|n| n.descendants())
        .filter(|n| xml::is(*n, DS, "X509Certificate"));
    let texts = certificates.filter_map(|n| xml::token(n).ok());
    texts
        .filter_map(|text| ProviderKey::of_text(&text))
        .take(MAX_KEYS)
        .collect()
}

impl Service {
    /// The gateway's metadata for a provider. A provider that is `offered` the key encrypts with it, in its own way,
    /// which need not be one that is accepted here.
    #[must_use]
    pub fn metadata(&self, key: &ServiceKey, offered: bool) -> String {
        let certificate = key.certificate();
        let methods = OFFERED.map(|m| format!("<md:EncryptionMethod Algorithm=\"{m}\"/>"));
        let descriptor = |usage: &str, methods: &str| {
            format!(
                "<md:KeyDescriptor use=\"{usage}\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
                 </ds:X509Certificate></ds:X509Data></ds:KeyInfo>{methods}</md:KeyDescriptor>"
            )
        };
        let bindings = [Binding::Redirect, Binding::Post].map(Binding::name);
        let slo = escaped(&self.slo_url);
        let logout = bindings.map(|binding| {
            format!("<md:SingleLogoutService Binding=\"{binding}\" Location=\"{slo}\"/>")
        });
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <md:EntityDescriptor xmlns:md=\"{METADATA}\" xmlns:ds=\"{DS}\" entityID=\"{id}\">\
             <md:SPSSODescriptor AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\" \
             protocolSupportEnumeration=\"{SAMLP}\">{signing}{encryption}{logout}\
             <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\
             <md:AssertionConsumerService Binding=\"{post}\" Location=\"{acs}\" index=\"0\" isDefault=\"true\"/>\
             </md:SPSSODescriptor></md:EntityDescriptor>\n",
            id = escaped(&self.entity_id),
            signing = descriptor("signing", ""),
            encryption = match offered {
                true => descriptor("encryption", &methods.concat()),
                false => String::new(),
            },
            logout = logout.concat(),
            post = Binding::Post.name(),
            acs = escaped(&self.acs_url),
        )
    }
}
