//! Any text is read as a JWT or refused, and none passes that nobody signed. The same bytes as a key are a usable
//! public key or none, and as the first message of OAUTHBEARER a token, a question or nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_identity::jwt::{ALGORITHMS, Expected, MAX_JWT, read};
use sluice_identity::keys::VerifyingKey;
use sluice_model::Timestamp;
use sluice_protocol::postgres::auth::oauthbearer::{Initial, initial};
use std::sync::OnceLock;

const AUDIENCE: &str = "a";

/// A key that signed nothing.
fn key() -> &'static VerifyingKey {
    static KEY: OnceLock<VerifyingKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let jwk = serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        VerifyingKey::of(&jwk).expect("the example of RFC 8037, appendix A.2")
    })
}

fuzz_target!(|data: &[u8]| {
    if let Some(Initial::Token(token)) = initial(data) {
        assert!(!token.is_empty() && token.len() <= data.len());
    }
    if let Ok(value) = serde_json::from_slice(data) {
        let _ = VerifyingKey::of(&value);
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(token) = read(text) {
        assert!(text.len() <= MAX_JWT);
        let algorithms: Vec<_> = ALGORITHMS.iter().map(|(_, a)| *a).collect();
        let audiences = [AUDIENCE.to_owned()];
        let expected = Expected {
            issuer: None,
            audiences: &audiences,
            algorithms: &algorithms,
            longest_life: i64::MAX,
        };
        let now = Timestamp(1_790_000_000_000_000);
        assert!(token.verify(&expected, &[key().clone()], now).is_err());
    }
});
