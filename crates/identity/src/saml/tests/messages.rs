//! What the gateway sends, metadata, and signing out.

use super::super::signature::signed;
use super::super::xml;
use super::*;

fn query(url: &str) -> &str {
    url.split_once('?').unwrap().1
}

#[test]
fn a_request_travels_in_an_address_and_in_a_form() {
    let world = world();
    let request = AuthnRequest {
        id: "_r",
        destination: "https://idp.example/sso?a=b&c",
        name_id_format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"),
        force_authn: true,
    };
    let text = authn_request(&request, &world.service, Binding::Redirect, &world.idp, NOW).unwrap();
    let expected = "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_r\" Version=\"2.0\" IssueInstant=\"2026-11-28T12:00:00Z\" Destination=\"https://idp.example/sso?a=b&amp;c\" ForceAuthn=\"true\" ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" AssertionConsumerServiceURL=\"https://gateway.example/signin/corp/acs\"><saml:Issuer>https://gateway.example/signin/corp/metadata</saml:Issuer><samlp:NameIDPolicy Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\" AllowCreate=\"true\"/></samlp:AuthnRequest>";
    assert_eq!(text, expected);
    let url = redirect_url(
        request.destination,
        "SAMLRequest",
        &text,
        Some("state"),
        &world.idp,
    );
    let url = url.unwrap();
    assert!(
        url.starts_with("https://idp.example/sso?a=b&c&SAMLRequest="),
        "{url}"
    );
    let inside = query(&url).strip_prefix("a=b&c&").unwrap();
    let keys = &world.provider.keys;
    assert_eq!(
        decoded_redirect(inside, "SAMLRequest", keys).unwrap(),
        expected
    );
    for changed in [
        inside.replace("RelayState=state", "RelayState=other"),
        inside.replace("&RelayState=state", ""),
        format!("{inside}&RelayState=state"),
        format!("{inside}&SAMLRequest=x"),
        inside.replace("SigAlg=", "X="),
        inside.replace("rsa-sha256", "rsa-sha1"),
        inside.split("&Signature").next().unwrap().to_owned(),
        inside.replace("SAMLRequest=", "SAMLResponse="),
    ] {
        assert!(
            decoded_redirect(&changed, "SAMLRequest", keys).is_err(),
            "{changed}"
        );
    }
    let posted = authn_request(&request, &world.service, Binding::Post, &world.idp, NOW).unwrap();
    let document = xml::parse(&posted).unwrap();
    let bytes = signed(document.root_element(), keys).unwrap().unwrap();
    assert!(bytes.contains("ForceAuthn=\"true\"") && !bytes.contains("Signature"));
    assert_eq!(decoded_post(&encoded_post(&posted)).unwrap(), posted);
    assert!(decoded_post("%%%").is_err() && decoded_post(&"A".repeat(300_000)).is_err());
}

/// A few bytes that become a gigabyte are not unpacked.
#[test]
fn what_unpacks_to_more_than_a_message_is_refused() {
    let world = world();
    let huge = "a".repeat(1 << 22);
    let url = redirect_url("https://x", "SAMLRequest", &huge, None, &world.idp).unwrap();
    let got = decoded_redirect(query(&url), "SAMLRequest", &world.provider.keys);
    assert_eq!(got, Err(SamlError::TooLong));
}

fn idp_metadata(more: &str, valid: &str) -> String {
    let certificate = world().idp.certificate();
    format!(
        "<?xml version=\"1.0\"?><!-- made by hand --><md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{IDP}\" {valid}>\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol\">\
         <md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{certificate}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
         <md:KeyDescriptor use=\"encryption\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
         <md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example/slo\" ResponseLocation=\"https://idp.example/slo-done\"/>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"https://idp.example/soap\"/>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.example/post\"/>\
         {more}</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

#[test]
fn a_provider_is_read_from_its_metadata() {
    let provider = Provider::read(&idp_metadata("", ""), None, NOW).unwrap();
    assert_eq!(provider.entity_id, IDP);
    assert_eq!(provider.keys, world().provider.keys);
    let [sso] = provider.sign_in.as_slice() else {
        panic!("{provider:?}")
    };
    assert_eq!(
        (sso.binding, sso.url.as_str()),
        (Binding::Post, "https://idp.example/post")
    );
    assert_eq!(
        provider.sign_out[0].answers.as_deref(),
        Some("https://idp.example/slo-done")
    );
    let both = |text: &str| {
        let one = text.split_once("-->").unwrap().1;
        let other = one.replace(IDP, "https://other.example");
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{one}{other}</md:EntitiesDescriptor>"
        )
    };
    let federation = both(&idp_metadata("", ""));
    assert!(
        Provider::read(&federation, None, NOW).is_err(),
        "which one?"
    );
    assert_eq!(
        Provider::read(&federation, Some("https://other.example"), NOW)
            .unwrap()
            .entity_id,
        "https://other.example"
    );
    for (text, entity) in [
        (
            idp_metadata("", "validUntil=\"2026-11-28T12:00:00Z\""),
            None,
        ),
        (idp_metadata("", ""), Some("https://other.example")),
        (
            idp_metadata("", "").replace("SAML:2.0:protocol", "SAML:3.0:protocol"),
            None,
        ),
        (
            idp_metadata("", "").replace("use=\"signing\"", "use=\"encryption\""),
            None,
        ),
        (idp_metadata("", "").replace("HTTP-POST", "SOAP"), None),
        (
            "<!DOCTYPE x>".to_owned() + idp_metadata("", "").split_once("-->").unwrap().1,
            None,
        ),
        ("<x/>".to_owned(), None),
    ] {
        assert!(Provider::read(&text, entity, NOW).is_err(), "{text}");
    }
}

#[test]
fn the_gateway_describes_itself() {
    let world = world();
    let text = world.service.metadata(&world.gateway, true);
    let plain = world.service.metadata(&world.gateway, false);
    assert!(!plain.contains("encryption") && plain.contains("signing"));
    xml::parse(&text).unwrap();
    for part in [
        SP,
        ACS,
        SLO,
        "AuthnRequestsSigned=\"true\"",
        "WantAssertionsSigned=\"true\"",
        "aes256-gcm",
        &world.gateway.certificate(),
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn a_provider_signs_somebody_out() {
    let world = world();
    let name_id = NameId {
        value: "id & of kim".to_owned(),
        format: Some("urn:f".to_owned()),
        name_qualifier: None,
        sp_name_qualifier: Some("q\"".to_owned()),
    };
    // What the provider sends is what the gateway would send to it.
    let theirs = Service {
        entity_id: IDP.to_owned(),
        ..world.service.clone()
    };
    let text = logout_request("_l", SLO, (&name_id, Some("_session")), &theirs, NOW);
    let url = redirect_url(SLO, "SAMLRequest", &text, None, &world.idp).unwrap();
    let got = decoded_redirect(query(&url), "SAMLRequest", &world.provider.keys).unwrap();
    let read = |text: &str, checked, now| {
        read_logout_request(text, checked, &world.provider, &world.service, now)
    };
    let request = read(&got, true, NOW).unwrap();
    assert_eq!(
        (&request.name_id, request.sessions.as_slice()),
        (&name_id, &["_session".to_owned()][..])
    );
    // In a form it has to be signed.
    assert_eq!(read(&text, false, NOW), Err(SamlError::Unsigned));
    let posted = sign(&text, "_l", &world.idp).unwrap();
    assert_eq!(read(&posted, false, NOW).unwrap(), request);
    assert_eq!(
        read(&sign(&text, "_l", &world.stranger).unwrap(), false, NOW),
        Err(SamlError::Signature)
    );
    for (from, to) in [
        (SLO, "https://other.example"),
        (IDP, "https://other.example"),
        ("2.0\" Issue", "1.1\" Issue"),
    ] {
        assert!(read(&text.replace(from, to), true, NOW).is_err(), "{to}");
    }
    assert!(read(&text, true, NOW.plus_seconds(601)).is_err());
    let answer = logout_response(
        "_a",
        "https://idp.example/slo-done",
        "_l",
        &world.service,
        NOW,
    );
    assert!(answer.contains("InResponseTo=\"_l\"") && xml::parse(&answer).is_ok());
}
