//! What is read from a response, and every check that one has to pass.

use super::*;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

#[test]
fn a_person_is_read_from_each_kind_of_response() {
    let plain = ASSERTION;
    let signed = signed_assertion(&|text| text);
    for (what, text) in [
        ("a signed assertion", response(&signed)),
        ("a signed response", signed_response(plain)),
        ("both signed", signed_response(&signed)),
        (
            "encrypted, signed inside",
            response(&encrypted(&signed, How::Gcm128, false)),
        ),
        (
            "encrypted, signed inside, SHA-256",
            response(&encrypted(&signed, How::Gcm256, true)),
        ),
        (
            "encrypted in a signed response",
            signed_response(&encrypted(plain, How::Gcm256, false)),
        ),
        (
            "CBC in a signed response",
            signed_response(&encrypted(&signed, How::Cbc256, false)),
        ),
        (
            "with a declaration",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}",
                response(&signed)
            ),
        ),
    ] {
        assert_eq!(said(&text), KIM, "{what}");
    }
    let who = read_at(&usual(), NOW).unwrap();
    assert_eq!(who.session.as_deref(), Some("_session"));
    assert_eq!(who.session_ends, Some(NOW.plus_seconds(8 * 3_600)));
    assert_eq!(who.expires, NOW.plus_seconds(300 + 60));
    assert!(!who.name_id.is_transient());
}

#[test]
fn keys_of_each_kind_are_understood_and_several_at_a_time() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    let signs = rcgen::KeyPair::try_from(pkcs8.as_ref()).unwrap();
    let certificate = CertificateParams::new(vec![])
        .unwrap()
        .self_signed(&signs)
        .unwrap();
    let name = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    let random = aws_lc_rs::rand::SystemRandom::new();
    let signed = with_signature(ASSERTION, "_assertion", name, "", |bytes| {
        Ok(STANDARD.encode(pair.sign(&random, bytes).unwrap()))
    });
    let text = response(&signed.unwrap());
    assert_eq!(said(&text), "its signature is wrong");
    let world = world();
    let mut provider = world.provider.clone();
    provider
        .keys
        .push(ProviderKey::of_certificate(certificate.der()).unwrap());
    let expected = Expected {
        provider: &provider,
        service: &world.service,
        request: REQUEST,
        now: NOW,
    };
    for text in [text, usual()] {
        assert!(read_response(&text, &expected, &world.gateway).is_ok());
    }
}

/// One part of the assertion is another one before it is signed.
#[test]
fn an_assertion_that_does_not_fit_is_refused() {
    let audience = "it is for somebody else: its";
    for (from, to, expected) in [
        (
            "Recipient=\"https://gateway.example/",
            "Recipient=\"https://other.example/",
            audience,
        ),
        (
            "<saml:Audience>https://gateway.example/",
            "<saml:Audience>https://other.example/",
            audience,
        ),
        (
            "<saml:AudienceRestriction><saml:Audience>https://gateway.example/signin/corp/metadata</saml:Audience></saml:AudienceRestriction>",
            "",
            audience,
        ),
        (
            "InResponseTo=\"_request\"",
            "InResponseTo=\"_another\"",
            "it does not answer",
        ),
        ("InResponseTo=\"_request\"", "", "it does not answer"),
        (
            "<saml:Issuer>https://idp.example/metadata",
            "<saml:Issuer>https://idp.example/other",
            "it is of another issuer",
        ),
        ("Version=\"2.0\"", "Version=\"1.1\"", "expected Version"),
        ("cm:bearer", "cm:sender-vouches", "expected a bearer"),
        (
            "NotOnOrAfter=\"2026-11-28T12:05:00Z\" Recipient",
            "NotOnOrAfter=\"2026-11-28T11:59:00Z\" Recipient",
            "it has expired",
        ),
        (
            "NotOnOrAfter=\"2026-11-28T12:05:00Z\" Recipient",
            "Recipient",
            "expected NotOnOrAfter",
        ),
        (
            "NotOnOrAfter=\"2026-11-28T12:05:00Z\" Recipient",
            "NotBefore=\"2026-11-28T11:00:00Z\" NotOnOrAfter=\"2026-11-28T12:05:00Z\" Recipient",
            "expected no NotBefore",
        ),
        (
            "NotOnOrAfter=\"2026-11-28T12:05:00Z\">",
            "NotOnOrAfter=\"2026-11-28T11:58:00Z\">",
            "it has expired",
        ),
        (
            "NotBefore=\"2026-11-28T11:59:30Z\"",
            "NotBefore=\"2026-11-28T12:01:01Z\"",
            "it is not valid yet",
        ),
        (
            "IssueInstant=\"2026-11-28T12:00:00Z\"",
            "IssueInstant=\"2026-11-28T12:01:01Z\"",
            "it is not valid yet",
        ),
        (
            "IssueInstant=\"2026-11-28T12:00:00Z\"",
            "IssueInstant=\"2026-11-28T12:00:00+01:00\"",
            "expected IssueInstant",
        ),
        (
            "IssueInstant=\"2026-11-28T12:00:00Z\"",
            "IssueInstant=\"yesterdayZ\"",
            "expected IssueInstant",
        ),
        (
            "SessionNotOnOrAfter=\"2026-11-28T20:00:00Z\"",
            "SessionNotOnOrAfter=\"2026-11-28T11:00:00Z\"",
            "it has expired",
        ),
        ("12:05:00Z", "23:05:00Z", "id-of-kim"),
        (
            "28T12:05:00Z",
            "30T12:05:00Z",
            "expected an end within a day",
        ),
        (
            "</saml:Conditions>",
            "<saml:OneTimeUse/></saml:Conditions>",
            "id-of-kim",
        ),
        (
            "</saml:Conditions>",
            "<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"x\"/></saml:Conditions>",
            "expected no other conditions",
        ),
        (
            "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">id-of-kim</saml:NameID>",
            "",
            "expected NameID",
        ),
        (
            "id-of-kim</saml:NameID>",
            "</saml:NameID>",
            "expected NameID",
        ),
        (
            "id-of-kim</saml:NameID>",
            "a</saml:NameID><saml:NameID>b</saml:NameID>",
            "expected NameID",
        ),
        (
            "id-of-kim",
            "id-of<x/>-kim",
            "it is no XML that is read here",
        ),
        (
            "id-of-kim",
            "\n  id-of-kim\n",
            "it is no XML that is read here",
        ),
        (
            "id-of-kim",
            "id-of-kim\u{a0}",
            "it is no XML that is read here",
        ),
        ("id-of-kim", "<![CDATA[id-of]]>-kim", KIM),
        ("id-of-kim", "id-of&#45;kim", KIM),
    ] {
        let change = |text: String| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        };
        let got = said(&response(&signed_assertion(&change)));
        assert!(got.starts_with(expected), "{from} -> {to}: {got}");
    }
}

/// The response around a good assertion has to fit as well.
#[test]
fn a_response_that_does_not_fit_is_refused() {
    let good = usual();
    for (from, to, expected) in [
        (
            "Destination=\"https://gateway.example/",
            "Destination=\"https://other.example/",
            "it is for somebody else: its Destination",
        ),
        (
            " Destination=\"https://gateway.example/signin/corp/acs\"",
            "",
            "it is for somebody else: its Destination",
        ),
        (
            "InResponseTo=\"_request\">",
            "InResponseTo=\"_another\">",
            "it does not answer",
        ),
        (" InResponseTo=\"_request\">", ">", "it does not answer"),
        (
            "status:Success",
            "status:Responder",
            "the provider answered \"Responder\"",
        ),
        (
            "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>",
            "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:AuthnFailed\"/></samlp:StatusCode>",
            "the provider answered \"AuthnFailed\"",
        ),
        (
            "IssueInstant=\"2026-11-28T12:00:00Z\" Dest",
            "IssueInstant=\"2026-11-28T11:49:59Z\" Dest",
            "it has expired",
        ),
        (
            "IssueInstant=\"2026-11-28T12:00:00Z\" Dest",
            "IssueInstant=\"2026-11-28T12:01:01Z\" Dest",
            "it is not valid yet",
        ),
        (
            "<saml:Issuer>https://idp.example/metadata</saml:Issuer><samlp",
            "<saml:Issuer>https://evil.example</saml:Issuer><samlp",
            "it is of another issuer",
        ),
        (
            "<saml:Issuer>https://idp.example/metadata</saml:Issuer><samlp",
            "<samlp",
            KIM,
        ),
        (
            "samlp:Response",
            "samlp:ArtifactResponse",
            "expected Response",
        ),
        ("id-of-kim", "id-of-lee", "its signature is wrong"),
        (
            "<saml:AttributeValue>eng<",
            "<saml:AttributeValue>admins<",
            "its signature is wrong",
        ),
        (
            "rsa-sha256",
            "rsa-sha1",
            "its signature is made in a way that is not accepted",
        ),
        (
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "its signature is made in a way",
        ),
        (
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            "its signature is wrong",
        ),
        (
            "</saml:Assertion>",
            "<saml:Advice/></saml:Assertion>",
            "its signature is wrong",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let got = said(&good.replace(from, to));
        assert!(got.starts_with(expected), "{from} -> {to}: {got}");
    }
    assert_eq!(
        said(&response(ASSERTION)),
        "neither the response nor the assertion is signed"
    );
    assert_eq!(
        said(&response("")),
        "expected one assertion and nothing else"
    );
    let stranger = sign(ASSERTION, "_assertion", &world().stranger).unwrap();
    assert_eq!(said(&response(&stranger)), "its signature is wrong");
    // A wrong signature inside a good one.
    assert_eq!(said(&signed_response(&stranger)), "its signature is wrong");
    let twice = signed_assertion(&|text| text)
        + &signed_assertion(&|text| text.replace("_assertion", "_a2"));
    assert_eq!(
        said(&response(&twice)),
        "expected one assertion and nothing else"
    );
}

/// A provider's own signature, over what is not accepted.
#[test]
fn what_a_provider_signs_in_another_way_is_refused() {
    for (from, to, expected) in [
        (
            "xmlenc#sha256",
            "xmldsig#sha1",
            "its signature is made in a way",
        ),
        (
            "#enveloped-signature",
            "#xpath",
            "its signature is made in a way",
        ),
        (
            "http://www.w3.org/2001/10/xml-exc-c14n#",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            "its signature is made in a way",
        ),
        ("URI=\"#_assertion\"", "URI=\"\"", "its signature is wrong"),
        (
            "URI=\"#_assertion\"",
            "URI=\"#_response\"",
            "its signature is wrong",
        ),
        (
            "</ds:Transforms>",
            "<ds:Transform Algorithm=\"x\"></ds:Transform></ds:Transforms>",
            "its signature is made in a way",
        ),
        ("<ds:Reference ", "<ds:Reference Type=\"x\" ", KIM),
    ] {
        let got = said(&response(&signed_with(from, to)));
        assert!(got.starts_with(expected), "{from} -> {to}: {got}");
    }
}

#[test]
fn times_hold_for_a_minute_more() {
    let text = usual();
    for (seconds, good) in [(-60, true), (-61, false), (359, true), (360, false)] {
        let got = read_at(&text, NOW.plus_seconds(seconds));
        assert_eq!(got.is_ok(), good, "{seconds}: {got:?}");
    }
}

/// ATTACKS: paddings that panic, and asking for a content byte by byte.
#[test]
fn what_is_encrypted_otherwise_is_refused() {
    let signed = signed_assertion(&|text| text);
    let cbc = encrypted(&signed, How::Cbc256, false);
    assert!(said(&response(&cbc)).contains("CBC is accepted in a signed response only"));
    let gcm = encrypted(&signed, How::Gcm256, false);
    for (from, to) in [
        ("xmlenc#rsa-oaep-mgf1p", "xmlenc#rsa-1_5"),
        ("aes256-gcm", "tripledes-cbc"),
        ("aes256-gcm", "aes128-gcm"),
    ] {
        let got = said(&response(&gcm.replace(from, to)));
        assert!(got.starts_with("it cannot be decrypted"), "{to}: {got}");
    }
    // Every length and every changed byte of the content is refused, in a signed response as well.
    for how in [How::Cbc256, How::Gcm256] {
        let whole = encrypted("<x/>", how, false);
        let at = whole.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
        let end = at + whole[at..].find('<').unwrap();
        let bytes = STANDARD.decode(&whole[at..end]).unwrap();
        let with = |bytes: &[u8]| {
            let inside = format!(
                "{}{}{}",
                &whole[..at],
                STANDARD.encode(bytes),
                &whole[end..]
            );
            said(&signed_response(&inside))
        };
        for length in 0..bytes.len() {
            assert!(!with(&bytes[..length]).is_empty());
        }
        for changed in 0..bytes.len() {
            let mut other = bytes.clone();
            other[changed] ^= 0x55;
            assert!(!with(&other).contains("id-of"), "{changed}");
        }
    }
}

#[test]
fn attributes_are_texts_and_those_of_one_name_belong_together() {
    let change = |inside: &'static str| {
        let text = signed_assertion(&|text| {
            let start = text.find("<saml:Attribute ").unwrap();
            let end = text.find("</saml:AttributeStatement>").unwrap();
            format!("{}{inside}{}", &text[..start], &text[end..])
        });
        said(&response(&text))
    };
    for (inside, expected) in [
        ("", "id-of-kim "),
        ("<saml:Attribute Name=\"a\"/>", "id-of-kim a=[]"),
        (
            "<saml:Attribute Name=\"a\"><saml:AttributeValue/></saml:Attribute>",
            "id-of-kim a=[]",
        ),
        (
            "<saml:Attribute Name=\"a\" FriendlyName=\"uid\"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>",
            "id-of-kim a=[x]",
        ),
        (
            "<saml:Attribute Name=\"a\"><saml:AttributeValue><b/></saml:AttributeValue></saml:Attribute>",
            "id-of-kim a=[?]",
        ),
        (
            "<saml:Attribute Name=\"a\"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"a\"><saml:AttributeValue>y</saml:AttributeValue></saml:Attribute>",
            "id-of-kim a=[x, y]",
        ),
        ("<saml:EncryptedAttribute/>", "expected plain attributes"),
        ("<saml:Attribute/>", "expected Name"),
    ] {
        assert_eq!(change(inside), expected, "{inside}");
    }
}
