//! How messages travel through a browser (SAML Bindings, sections 3.4 and 3.5).

use super::keys::{ProviderKey, RSA_SHA256, ServiceKey, check};
use super::{MAX_MESSAGE, Result, SamlError};
use crate::form::{percent, plain};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use std::io::{Read as _, Write as _};

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// In the address.
    Redirect,
    /// In a form.
    Post,
}

impl Binding {
    /// Its name in metadata.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Redirect => "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
            Self::Post => "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Redirect, Self::Post]
            .into_iter()
            .find(|binding| binding.name() == name)
    }
}

/// The address that carries a message, signed: `kind` is `SAMLRequest` or `SAMLResponse`.
///
/// # Errors
/// The key cannot sign.
pub fn redirect_url(
    endpoint: &str,
    kind: &str,
    message: &str,
    relay_state: Option<&str>,
    key: &ServiceKey,
) -> Result<String> {
    let mut deflated = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    let written = deflated.write_all(message.as_bytes());
    let deflated = written.and_then(|()| deflated.finish());
    let deflated = deflated.map_err(|_| SamlError::Encoding)?;
    let mut query = format!("{kind}={}", percent(&STANDARD.encode(deflated)));
    if let Some(state) = relay_state {
        query.push_str(&format!("&RelayState={}", percent(state)));
    }
    query.push_str(&format!("&SigAlg={}", percent(RSA_SHA256)));
    let signature = key.sign(query.as_bytes())?;
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    let signature = percent(&signature);
    Ok(format!("{endpoint}{joint}{query}&Signature={signature}"))
}

/// The value of a form's field that carries a message.
#[must_use]
pub fn encoded_post(message: &str) -> String {
    STANDARD.encode(message)
}

/// The message that a form's field carries.
///
/// # Errors
/// It is not encoded so, or too long.
pub fn decoded_post(value: &str) -> Result<String> {
    if value.len() > MAX_MESSAGE {
        return Err(SamlError::TooLong);
    }
    let value: String = value.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(value).map_err(|_| SamlError::Encoding)?;
    String::from_utf8(bytes).map_err(|_| SamlError::Encoding)
}

/// The message that an address carries, once its signature was checked: `query` is what stands after the `?`, as it
/// came, since the signature is over its very bytes.
///
/// # Errors
/// It is not encoded so, a part stands twice, it is not signed, or the signature is wrong.
pub fn decoded_redirect(query: &str, kind: &str, keys: &[ProviderKey]) -> Result<String> {
    if query.len() > MAX_MESSAGE {
        return Err(SamlError::TooLong);
    }
    let raw = |name: &str| -> Result<Option<&str>> {
        let mut found = query.split('&').filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        });
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            _ => Err(SamlError::Encoding),
        }
    };
    let plain = |text| plain(text).ok_or(SamlError::Encoding);
    let message = raw(kind)?.ok_or(SamlError::Encoding)?;
    let algorithm = raw("SigAlg")?.ok_or(SamlError::Unsigned)?;
    let signature = raw("Signature")?.ok_or(SamlError::Unsigned)?;
    let state = raw("RelayState")?;
    let state = state.map_or_else(String::new, |state| format!("&RelayState={state}"));
    let signed = format!("{kind}={message}{state}&SigAlg={algorithm}");
    let signature = STANDARD.decode(plain(signature)?);
    let signature = signature.map_err(|_| SamlError::Encoding)?;
    check(keys, &plain(algorithm)?, signed.as_bytes(), &signature)?;
    inflated(&plain(message)?)
}

fn inflated(value: &str) -> Result<String> {
    let deflated = STANDARD.decode(value).map_err(|_| SamlError::Encoding)?;
    let limit = u64::try_from(MAX_MESSAGE).unwrap_or(u64::MAX);
    let mut text = String::new();
    let mut reader = DeflateDecoder::new(deflated.as_slice()).take(limit + 1);
    reader
        .read_to_string(&mut text)
        .map_err(|_| SamlError::Encoding)?;
    match text.len() > MAX_MESSAGE {
        true => Err(SamlError::TooLong),
        false => Ok(text),
    }
}
