//! A provider and a gateway that know each other, and what the provider sends.

mod attacks;
mod canonical;
mod messages;
mod responses;

use super::signature::{sign, with_signature};
use super::*;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey,
    PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::CertificateParams;
use sluice_model::Timestamp;
use std::sync::OnceLock;

pub(super) const IDP: &str = "https://idp.example/metadata";
pub(super) const SP: &str = "https://gateway.example/signin/corp/metadata";
pub(super) const ACS: &str = "https://gateway.example/signin/corp/acs";
pub(super) const SLO: &str = "https://gateway.example/signin/corp/slo";
pub(super) const REQUEST: &str = "_request";
/// 2026-11-28T12:00:00Z.
pub(super) const NOW: Timestamp = Timestamp(1_795_867_200_000_000);

/// Two parties and a stranger.
pub(super) struct World {
    pub(super) idp: ServiceKey,
    pub(super) stranger: ServiceKey,
    pub(super) gateway: ServiceKey,
    pub(super) provider: Provider,
    pub(super) service: Service,
    gateway_public: PublicEncryptingKey,
}

fn key() -> (ServiceKey, Vec<u8>, Vec<u8>) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = pair.as_der().unwrap();
    let der: &Pkcs8V1Der<'_> = &der;
    let pkcs8 = der.as_ref().to_vec();
    let signs = rcgen::KeyPair::try_from(pkcs8.as_slice()).unwrap();
    let params = CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&signs).unwrap().der().to_vec();
    let key = ServiceKey::new(&pkcs8, certificate.clone()).unwrap();
    (key, certificate, pkcs8)
}

pub(super) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (idp, certificate, _) = key();
        let (gateway, _, pkcs8) = key();
        let private = aws_lc_rs::rsa::PrivateDecryptingKey::from_pkcs8(&pkcs8).unwrap();
        World {
            idp,
            stranger: key().0,
            gateway,
            provider: Provider {
                entity_id: IDP.to_owned(),
                sign_in: Vec::new(),
                sign_out: Vec::new(),
                keys: vec![ProviderKey::of_certificate(&certificate).unwrap()],
                valid_until: None,
            },
            service: Service {
                entity_id: SP.to_owned(),
                acs_url: ACS.to_owned(),
                slo_url: SLO.to_owned(),
            },
            gateway_public: private.public_key(),
        }
    })
}

/// An assertion about kim, not signed.
pub(super) const ASSERTION: &str = "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_assertion\" Version=\"2.0\" IssueInstant=\"2026-11-28T12:00:00Z\">\
<saml:Issuer>https://idp.example/metadata</saml:Issuer>\
<saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">id-of-kim</saml:NameID>\
<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
<saml:SubjectConfirmationData NotOnOrAfter=\"2026-11-28T12:05:00Z\" Recipient=\"https://gateway.example/signin/corp/acs\" InResponseTo=\"_request\"/>\
</saml:SubjectConfirmation></saml:Subject>\
<saml:Conditions NotBefore=\"2026-11-28T11:59:30Z\" NotOnOrAfter=\"2026-11-28T12:05:00Z\">\
<saml:AudienceRestriction><saml:Audience>https://gateway.example/signin/corp/metadata</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
<saml:AuthnStatement AuthnInstant=\"2026-11-28T11:00:00Z\" SessionIndex=\"_session\" SessionNotOnOrAfter=\"2026-11-28T20:00:00Z\">\
<saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
<saml:AttributeStatement><saml:Attribute Name=\"uid\"><saml:AttributeValue>kim</saml:AttributeValue></saml:Attribute>\
<saml:Attribute Name=\"groups\"><saml:AttributeValue>eng</saml:AttributeValue><saml:AttributeValue>ops &amp; more</saml:AttributeValue></saml:Attribute>\
</saml:AttributeStatement></saml:Assertion>";

/// A response around something, not signed.
pub(super) fn response(inside: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         ID=\"_response\" Version=\"2.0\" IssueInstant=\"2026-11-28T12:00:00Z\" Destination=\"{ACS}\" InResponseTo=\"{REQUEST}\">\
         <saml:Issuer>{IDP}</saml:Issuer>\
         <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>{inside}</samlp:Response>"
    )
}

/// The assertion, changed and then signed.
pub(super) fn signed_assertion(change: &dyn Fn(String) -> String) -> String {
    sign(&change(ASSERTION.to_owned()), "_assertion", &world().idp).unwrap()
}

/// The assertion, signed in a way that is changed before the provider signs it.
pub(super) fn signed_with(from: &str, to: &str) -> String {
    let signed = signed_assertion(&|text| text);
    let stretch = |text: &str, tag: &str| {
        let start = text.find(&format!("<ds:{tag}")).unwrap();
        let end = format!("</ds:{tag}>");
        start..text.find(&end).unwrap() + end.len()
    };
    let info = signed[stretch(&signed, "SignedInfo")].to_owned();
    assert!(info.contains(from), "{from}");
    let changed = info.replace(from, to);
    let value = world().idp.sign(changed.as_bytes()).unwrap();
    let value = format!("<ds:SignatureValue>{value}</ds:SignatureValue>");
    let old = signed[stretch(&signed, "SignatureValue")].to_owned();
    signed.replace(&info, &changed).replace(&old, &value)
}

/// The usual response: the assertion is signed, the response around it is not.
pub(super) fn usual() -> String {
    response(&signed_assertion(&|text| text))
}

/// A response that is signed as a whole around an assertion that is not.
pub(super) fn signed_response(inside: &str) -> String {
    sign(&response(inside), "_response", &world().idp).unwrap()
}

pub(super) fn read_at(text: &str, now: Timestamp) -> Result<SignedIn> {
    let world = world();
    let expected = Expected {
        provider: &world.provider,
        service: &world.service,
        request: REQUEST,
        now,
    };
    read_response(text, &expected, &world.gateway)
}

/// What becomes of a response: whom it names, or why not.
pub(super) fn said(text: &str) -> String {
    match read_at(text, NOW) {
        Ok(who) => {
            let attribute = |a: &Attribute| {
                let values = a.values.iter().map(|v| v.as_deref().unwrap_or("?"));
                format!("{}=[{}]", a.name, values.collect::<Vec<_>>().join(", "))
            };
            let attributes: Vec<String> = who.attributes.iter().map(attribute).collect();
            format!("{} {}", who.name_id.value, attributes.join(" "))
        }
        Err(error) => error.to_string(),
    }
}

/// What the usual response says.
pub(super) const KIM: &str = "id-of-kim uid=[kim] groups=[eng, ops & more]";

/// How the tests encrypt.
#[derive(Clone, Copy)]
pub(super) enum How {
    Gcm128,
    Gcm256,
    Cbc256,
}

/// An assertion encrypted for the gateway.
pub(super) fn encrypted(assertion: &str, how: How, oaep_sha256: bool) -> String {
    let (key, name) = match how {
        How::Gcm128 => (vec![7; 16], "http://www.w3.org/2009/xmlenc11#aes128-gcm"),
        How::Gcm256 => (vec![7; 32], "http://www.w3.org/2009/xmlenc11#aes256-gcm"),
        How::Cbc256 => (vec![7; 32], "http://www.w3.org/2001/04/xmlenc#aes256-cbc"),
    };
    let content = match how {
        How::Gcm128 | How::Gcm256 => {
            let algorithm = if key.len() == 16 {
                &AES_128_GCM
            } else {
                &AES_256_GCM
            };
            let sealing = LessSafeKey::new(UnboundKey::new(algorithm, &key).unwrap());
            let mut bytes = assertion.as_bytes().to_vec();
            let nonce = Nonce::assume_unique_for_key([9; 12]);
            sealing
                .seal_in_place_append_tag(nonce, Aad::empty(), &mut bytes)
                .unwrap();
            [&[9; 12], bytes.as_slice()].concat()
        }
        How::Cbc256 => {
            let mut bytes = assertion.as_bytes().to_vec();
            let padding = 16 - bytes.len() % 16;
            // Only the last byte of the padding means something.
            bytes.extend(std::iter::repeat_n(0xAA, padding - 1));
            bytes.push(u8::try_from(padding).unwrap());
            let sealing =
                EncryptingKey::cbc(UnboundCipherKey::new(&AES_256, &key).unwrap()).unwrap();
            let DecryptionContext::Iv128(iv) = sealing.encrypt(&mut bytes).unwrap() else {
                panic!("CBC has an IV")
            };
            let iv: &[u8; 16] = iv.as_ref();
            [iv.as_slice(), &bytes].concat()
        }
    };
    let public = OaepPublicEncryptingKey::new(world().gateway_public.clone()).unwrap();
    let mut wrapped = vec![0; public.ciphertext_size()];
    let padding = if oaep_sha256 {
        &OAEP_SHA256_MGF1SHA256
    } else {
        &OAEP_SHA1_MGF1SHA1
    };
    public.encrypt(padding, &key, &mut wrapped, None).unwrap();
    let method = match oaep_sha256 {
        false => "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>".to_owned(),
        true => "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#rsa-oaep\">\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
             <x11:MGF xmlns:x11=\"http://www.w3.org/2009/xmlenc11#\" Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1sha256\"/>\
             </xenc:EncryptionMethod>"
            .to_owned(),
    };
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><xenc:EncryptedData><xenc:EncryptionMethod Algorithm=\"{name}\"/>\
         <ds:KeyInfo><xenc:EncryptedKey>{method}<xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>\
         <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>",
        STANDARD.encode(wrapped),
        STANDARD.encode(content)
    )
}
