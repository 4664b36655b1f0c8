//! Signatures inside a document (XML Signature 1.1, as SAML Core, section 5.4, narrows it).

use super::canonical::{EXCLUSIVE, NAMESPACE, canonical};
use super::keys::{ProviderKey, RSA_SHA256, ServiceKey, check};
use super::xml::{self, DS};
use super::{Result, SamlError};
use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SHA256_NAME: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
/// Prefixes that a canonicalization may name: providers name one or two.
const MAX_PREFIXES: usize = 16;
/// The digests that are accepted, by their names.
const DIGESTS: &[(&str, &Algorithm)] = &[
    (SHA256_NAME, &SHA256),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", &SHA384),
    ("http://www.w3.org/2001/04/xmlenc#sha512", &SHA512),
];

/// The bytes of an element that one of the keys signed, without the signature; `None` where it is not signed. They
/// are all that may be read.
pub(super) fn signed(element: Node<'_, '_>, keys: &[ProviderKey]) -> Result<Option<String>> {
    let Some(signature) = xml::maybe(element, (DS, "Signature"))? else {
        return Ok(None);
    };
    let known = ["SignedInfo", "SignatureValue", "KeyInfo"];
    let parts = xml::elements(signature)?;
    if !parts
        .iter()
        .all(|part| known.iter().any(|name| xml::is(*part, DS, name)))
    {
        return Err(SamlError::Algorithm("its signature has other parts"));
    }
    let info = xml::only(signature, (DS, "SignedInfo"))?;
    let method = xml::only(info, (DS, "SignatureMethod"))?;
    let value = xml::only(signature, (DS, "SignatureValue"))?;
    let value = decoded(&xml::text(value)?)?;
    let transform = xml::only(info, (DS, "CanonicalizationMethod"))?;
    let message = canonical(info, None, &inclusive(transform)?);
    let algorithm = xml::needed(method, "Algorithm")?;
    // Before anything is done that whoever signed it says.
    check(keys, algorithm, message.as_bytes(), &value)?;
    check_reference(element, signature, info).map(Some)
}

/// What the one reference is to: this very element, whose digest is the one that was signed.
fn check_reference(
    element: Node<'_, '_>,
    signature: Node<'_, '_>,
    info: Node<'_, '_>,
) -> Result<String> {
    if xml::elements(info)?.len() != 3 {
        return Err(SamlError::Algorithm("it signs several things"));
    }
    let reference = xml::only(info, (DS, "Reference"))?;
    let id = xml::needed(element, "ID")?;
    let uri = xml::needed(reference, "URI")?;
    if id.is_empty() || uri.strip_prefix('#') != Some(id) {
        return Err(SamlError::Signature);
    }
    let transforms = xml::only(reference, (DS, "Transforms"))?;
    let transforms = xml::elements(transforms)?;
    let [enveloped, exclusive] = transforms.as_slice() else {
        return Err(SamlError::Algorithm("its transforms"));
    };
    let is_transform = |node: &Node<'_, '_>| xml::is(*node, DS, "Transform");
    if !transforms.iter().all(is_transform)
        || xml::attribute(*enveloped, "Algorithm") != Some(ENVELOPED)
    {
        return Err(SamlError::Algorithm("its transforms"));
    }
    let bytes = canonical(element, Some(signature), &inclusive(*exclusive)?);
    let method = xml::only(reference, (DS, "DigestMethod"))?;
    let name = xml::needed(method, "Algorithm")?;
    let found = DIGESTS.iter().find(|(known, _)| *known == name);
    let (_, algorithm) = found.ok_or(SamlError::Algorithm("its digest method"))?;
    let said = xml::only(reference, (DS, "DigestValue"))?;
    match decoded(&xml::text(said)?)? == digest(algorithm, bytes.as_bytes()).as_ref() {
        true => Ok(bytes),
        false => Err(SamlError::Signature),
    }
}

/// The namespaces that an exclusive canonicalization declares in any case.
fn inclusive<'a>(method: Node<'a, '_>) -> Result<Vec<&'a str>> {
    let name = xml::needed(method, "Algorithm")?;
    if !EXCLUSIVE.contains(&name) {
        return Err(SamlError::Algorithm("its canonicalization"));
    }
    let list = match xml::elements(method)?.as_slice() {
        [] => "",
        [list] if xml::is(*list, NAMESPACE, "InclusiveNamespaces") => {
            xml::needed(*list, "PrefixList")?
        }
        _ => return Err(SamlError::Algorithm("its canonicalization")),
    };
    let prefixes: Vec<&str> = list.split_ascii_whitespace().collect();
    match prefixes.len() > MAX_PREFIXES {
        true => Err(SamlError::Algorithm("its canonicalization")),
        false => Ok(prefixes),
    }
}

fn decoded(text: &str) -> Result<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).map_err(|_| SamlError::Encoding)
}

/// A message of the gateway's with a signature.
pub(super) fn sign(message: &str, id: &str, key: &ServiceKey) -> Result<String> {
    let certificate = key.certificate();
    let about = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    );
    with_signature(message, id, RSA_SHA256, &about, |bytes| key.sign(bytes))
}

/// A message with a signature after its issuer, which is its first element (SAML Core, section 3.2.1).
pub(super) fn with_signature(
    message: &str,
    id: &str,
    method: &str,
    about_key: &str,
    sign: impl Fn(&[u8]) -> Result<String>,
) -> Result<String> {
    let document = xml::parse(message)?;
    let bytes = canonical(document.root_element(), None, &[]);
    let digest = STANDARD.encode(digest(&SHA256, bytes.as_bytes()));
    let [c14n, _] = EXCLUSIVE;
    // Written as canonicalization would write it.
    let info = format!(
        "<ds:SignedInfo xmlns:ds=\"{DS}\">\
         <ds:CanonicalizationMethod Algorithm=\"{c14n}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
         <ds:Transform Algorithm=\"{c14n}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256_NAME}\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    );
    let value = sign(info.as_bytes())?;
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DS}\">{info}<ds:SignatureValue>{value}</ds:SignatureValue>{about_key}</ds:Signature>"
    );
    let after = "</saml:Issuer>";
    let at = message.find(after).map(|at| at + after.len());
    let (before, rest) = at
        .and_then(|at| message.split_at_checked(at))
        .ok_or(SamlError::Expected("Issuer"))?;
    Ok(format!("{before}{signature}{rest}"))
}
