//! Any text is read as SAML or refused: as a response, a request to sign out, metadata, and what stands in an address.
//! Nothing passes that nobody signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_identity::saml::{
    Expected, Provider, Service, ServiceKey, decoded_post, decoded_redirect, read_logout_request,
    read_response,
};
use sluice_model::Timestamp;
use std::sync::OnceLock;

const NOW: Timestamp = Timestamp(1_795_867_200_000_000);

struct Parties {
    key: ServiceKey,
    provider: Provider,
    service: Service,
}

/// A gateway, and a provider without a key: nobody can have signed anything.
fn parties() -> &'static Parties {
    static PARTIES: OnceLock<Parties> = OnceLock::new();
    PARTIES.get_or_init(|| {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048);
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> =
            aws_lc_rs::encoding::AsDer::as_der(&pair.expect("a key")).expect("its encoding");
        Parties {
            key: ServiceKey::new(der.as_ref(), Vec::new()).expect("a key that signs and decrypts"),
            provider: Provider {
                entity_id: "https://idp.example/metadata".to_owned(),
                sign_in: Vec::new(),
                sign_out: Vec::new(),
                keys: Vec::new(),
                valid_until: None,
            },
            service: Service {
                entity_id: "https://gateway.example/signin/corp/metadata".to_owned(),
                acs_url: "https://gateway.example/signin/corp/acs".to_owned(),
                slo_url: "https://gateway.example/signin/corp/slo".to_owned(),
            },
        }
    })
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Parties {
        key,
        provider,
        service,
    } = parties();
    let expected = Expected {
        provider,
        service,
        request: "_request",
        now: NOW,
    };
    assert!(read_response(text, &expected, key).is_err());
    assert!(read_logout_request(text, false, provider, service, NOW).is_err());
    let _ = read_logout_request(text, true, provider, service, NOW);
    let _ = Provider::read(text, None, NOW);
    let _ = decoded_post(text);
    assert!(decoded_redirect(text, "SAMLRequest", &provider.keys).is_err());
});
