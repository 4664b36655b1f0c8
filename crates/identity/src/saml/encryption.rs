//! Encrypted assertions (XML Encryption 1.1): the provider wraps a fresh key for the gateway's certificate.

use super::keys::ServiceKey;
use super::xml::{self, DS, SAML, XENC};
use super::{Result, SamlError};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, AES_CBC_IV_LEN, DecryptingKey, DecryptionContext, UnboundCipherKey,
};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;
use zeroize::Zeroizing;

const OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
/// Digest, mask generation function (of `OAEP`), and what both together are.
const PADDINGS: &[(&str, &str, &OaepAlgorithm)] = &[
    (SHA1, MGF1_SHA1, &OAEP_SHA1_MGF1SHA1),
    (
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2009/xmlenc11#mgf1sha256",
        &OAEP_SHA256_MGF1SHA256,
    ),
    (
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2009/xmlenc11#mgf1sha384",
        &OAEP_SHA384_MGF1SHA384,
    ),
    (
        "http://www.w3.org/2001/04/xmlenc#sha512",
        "http://www.w3.org/2009/xmlenc11#mgf1sha512",
        &OAEP_SHA512_MGF1SHA512,
    ),
];
/// Recipients of one assertion that are tried.
const MAX_KEYS: usize = 4;

/// How the content is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Gcm128,
    Gcm256,
    Cbc128,
    Cbc256,
}

impl Content {
    /// The names of XML Encryption.
    const ALL: [(&'static str, Self); 4] = [
        ("http://www.w3.org/2009/xmlenc11#aes128-gcm", Self::Gcm128),
        ("http://www.w3.org/2009/xmlenc11#aes256-gcm", Self::Gcm256),
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", Self::Cbc128),
        ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", Self::Cbc256),
    ];

    fn is_authenticated(self) -> bool {
        matches!(self, Self::Gcm128 | Self::Gcm256)
    }
}

/// What an `EncryptedAssertion` holds. CBC says nothing about whether the content was changed, and would let a sender
/// ask for it byte by byte, so it is decrypted only inside something that is signed.
pub(super) fn decrypted(
    element: Node<'_, '_>,
    inside_signed: bool,
    key: &ServiceKey,
) -> Result<String> {
    let data = xml::only(element, (XENC, "EncryptedData"))?;
    let method = algorithm(data)?;
    let found = Content::ALL.iter().find(|(name, _)| *name == method);
    let (_, content) = found.ok_or(SamlError::Encryption("its algorithm is not accepted"))?;
    if !content.is_authenticated() && !inside_signed {
        let why = "CBC is accepted in a signed response only; let the provider use AES-GCM, or sign responses";
        return Err(SamlError::Encryption(why));
    }
    let mut wrapped = xml::all(element, XENC, "EncryptedKey")?;
    if let Some(info) = xml::maybe(data, (DS, "KeyInfo"))? {
        wrapped.extend(xml::all(info, XENC, "EncryptedKey")?);
    }
    let ciphertext = cipher_value(data)?;
    let mut last = SamlError::Encryption("it comes without a key");
    for wrapped in wrapped.into_iter().take(MAX_KEYS) {
        let opened = unwrapped(wrapped, key).and_then(|key| open(*content, &key, &ciphertext));
        match opened {
            Ok(text) => return Ok(text),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn algorithm<'a>(encrypted: Node<'a, '_>) -> Result<&'a str> {
    let method = xml::only(encrypted, (XENC, "EncryptionMethod"))?;
    xml::needed(method, "Algorithm")
}

fn cipher_value(encrypted: Node<'_, '_>) -> Result<Vec<u8>> {
    let data = xml::only(encrypted, (XENC, "CipherData"))?;
    let value = xml::only(data, (XENC, "CipherValue"))?;
    let text: String = xml::text(value)?.split_ascii_whitespace().collect();
    STANDARD.decode(text).map_err(|_| SamlError::Encoding)
}

/// The content's key, which was encrypted for the gateway.
fn unwrapped(wrapped: Node<'_, '_>, key: &ServiceKey) -> Result<Zeroizing<Vec<u8>>> {
    let method = xml::only(wrapped, (XENC, "EncryptionMethod"))?;
    let digest = xml::maybe(method, (DS, "DigestMethod"))?;
    let digest = digest.and_then(|d| xml::attribute(d, "Algorithm"));
    let digest = digest.unwrap_or(SHA1);
    let mgf = xml::elements(method)?
        .into_iter()
        .find(|e| e.tag_name().name() == "MGF")
        .and_then(|mgf| xml::attribute(mgf, "Algorithm"));
    let mgf = match algorithm(wrapped)? {
        OAEP_MGF1P => MGF1_SHA1,
        OAEP => mgf.unwrap_or(MGF1_SHA1),
        _ => {
            return Err(SamlError::Encryption(
                "only RSA-OAEP is accepted for its key",
            ));
        }
    };
    let padding = PADDINGS
        .iter()
        .find(|(known, with, _)| *known == digest && *with == mgf);
    let why = "RSA-OAEP is accepted with one hash for both of its parts";
    let (.., padding) = padding.ok_or(SamlError::Encryption(why))?;
    let mut out = Zeroizing::new(vec![0; key.decrypting.min_output_size()]);
    let opened = key
        .decrypting
        .decrypt(padding, &cipher_value(wrapped)?, &mut out, None)
        .map_err(|_| SamlError::Encryption("its key is for somebody else"))?
        .len();
    out.truncate(opened);
    Ok(out)
}

fn open(content: Content, key: &[u8], ciphertext: &[u8]) -> Result<String> {
    let wrong = || SamlError::Encryption("its content was changed, or its key is another one");
    let bytes = match content {
        Content::Gcm128 | Content::Gcm256 => {
            let (nonce, sealed) = ciphertext.split_at_checked(NONCE_LEN).ok_or_else(wrong)?;
            let algorithm = match content {
                Content::Gcm128 => &AES_128_GCM,
                _ => &AES_256_GCM,
            };
            let key = UnboundKey::new(algorithm, key).map_err(|_| wrong())?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
            let mut sealed = sealed.to_vec();
            let opened = LessSafeKey::new(key)
                .open_in_place(nonce, Aad::empty(), &mut sealed)
                .map_err(|_| wrong())?
                .len();
            sealed.truncate(opened);
            sealed
        }
        Content::Cbc128 | Content::Cbc256 => {
            let algorithm = match content {
                Content::Cbc128 => &AES_128,
                _ => &AES_256,
            };
            cbc(algorithm, key, ciphertext).ok_or_else(wrong)?
        }
    };
    String::from_utf8(bytes).map_err(|_| wrong())
}

/// Cipher block chaining with the padding of XML Encryption, section 5.2: the last byte says how many there are.
fn cbc(
    algorithm: &'static aws_lc_rs::cipher::Algorithm,
    key: &[u8],
    ciphertext: &[u8],
) -> Option<Vec<u8>> {
    let (iv, body) = ciphertext.split_at_checked(AES_CBC_IV_LEN)?;
    let iv: [u8; AES_CBC_IV_LEN] = iv.try_into().ok()?;
    let key = DecryptingKey::cbc(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
    let mut body = body.to_vec();
    let opened = key.decrypt(&mut body, DecryptionContext::Iv128(iv.into()));
    let length = opened.ok()?.len();
    body.truncate(length);
    let padding = usize::from(*body.last()?);
    let kept = body.len().checked_sub(padding)?;
    if !(1..=16).contains(&padding) {
        return None;
    }
    body.truncate(kept);
    Some(body)
}

/// The names of what is accepted, for the gateway's metadata: those that need no signature around them.
pub(super) const OFFERED: [&str; 2] = [Content::ALL[1].0, Content::ALL[0].0];

/// Whether an element is an encrypted assertion.
pub(super) fn is_encrypted(element: Node<'_, '_>) -> bool {
    xml::is(element, SAML, "EncryptedAssertion")
}
