//! ATTACKS: signature wrapping and its relatives. In each, somebody who holds a good response about kim makes one
//! about the administrator of it.

use super::*;
use proptest::prelude::*;

/// An assertion of the attacker's: not signed, with another id and another name.
fn evil() -> String {
    ASSERTION
        .replace("_assertion", "_evil")
        .replace("id-of-kim", "id-of-root")
}

/// The parts of a signed text: before the signature, the signature, after it.
fn parts(text: &str) -> (&str, &str, &str) {
    let start = text.find("<ds:Signature ").unwrap();
    let end = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    (&text[..start], &text[start..end], &text[end..])
}

fn without_signature(text: &str) -> String {
    let (before, _, after) = parts(text);
    format!("{before}{after}")
}

/// Puts something before the end tag of the outermost element.
fn inside(outer: &str, what: &str) -> String {
    let end = outer.rfind("</").unwrap();
    format!("{}{what}{}", &outer[..end], &outer[end..])
}

fn numbered(name: &str) -> String {
    let attribute = |number| format!(" {name}a{number}=\"urn:x\"");
    (0..1_000).map(attribute).collect()
}

/// The eight shapes of the literature, and what newer implementations fell for.
fn corpus() -> Vec<(&'static str, String)> {
    let signed = signed_assertion(&|text| text);
    let (before, signature, after) = parts(&signed);
    let original = without_signature(&signed);
    let signed_root = signed_response(ASSERTION);
    let (root_before, root_signature, root_after) = parts(&signed_root);
    let original_root = without_signature(&signed_root);
    let evil_root = original_root
        .replace("_response", "_evilresponse")
        .replace("_assertion", "_evil")
        .replace("id-of-kim", "id-of-root");
    let in_signature = |signature: &str, what: &str| {
        signature.replace("</ds:Signature>", &format!("{what}</ds:Signature>"))
    };
    let after_issuer = |text: &str, what: &str| {
        text.replacen("</saml:Issuer>", &format!("</saml:Issuer>{what}"), 1)
    };
    let evil = evil();
    let object = |what: &str| format!("<ds:Object>{what}</ds:Object>");
    let extensions = |what: &str| format!("<samlp:Extensions>{what}</samlp:Extensions>");
    vec![
        (
            "1: the signed response in the signature of another",
            after_issuer(&evil_root, &in_signature(root_signature, &original_root)),
        ),
        (
            "2: the signed response beside its signature",
            after_issuer(&evil_root, &format!("{original_root}{root_signature}")),
        ),
        (
            "3: another assertion before the signed one",
            response(&format!("{evil}{signed}")),
        ),
        (
            "3b: another assertion after the signed one",
            response(&format!("{signed}{evil}")),
        ),
        (
            "4: the signed assertion in another",
            response(&inside(&evil, &signed)),
        ),
        (
            "5: the signature in another, the original behind it",
            response(&format!("{}{original}", after_issuer(&evil, signature))),
        ),
        (
            "6: the original in the signature of another",
            response(&after_issuer(&evil, &in_signature(signature, &original))),
        ),
        (
            "7: another in extensions",
            response(&format!("{}{signed}", extensions(&evil))),
        ),
        (
            "7b: the signed one in extensions",
            response(&format!("{}{evil}", extensions(&signed))),
        ),
        (
            "8: the original in an object of the signature",
            response(&after_issuer(
                &evil,
                &in_signature(signature, &object(&original)),
            )),
        ),
        (
            "8b: another in an object of a good signature",
            response(&format!(
                "{before}{}{after}",
                in_signature(signature, &object(&evil))
            )),
        ),
        (
            "another beside the one in a signed response",
            format!(
                "{root_before}{root_signature}{}",
                root_after.replace("</samlp:Response>", &format!("{evil}</samlp:Response>"))
            ),
        ),
        (
            "another with the same id",
            response(&format!("{}{signed}", evil.replace("_evil", "_assertion"))),
        ),
        (
            "another with the same id as its parent",
            response(&inside(&evil.replace("_evil", "_assertion"), &signed)),
        ),
        (
            "the id in another case",
            response(&format!(
                "{}{signed}",
                evil.replace("ID=\"_evil\"", "Id=\"_assertion\"")
            )),
        ),
        (
            "two signatures",
            response(
                &format!("{before}{signature}{signature}{after}")
                    .replace("id-of-kim", "id-of-root"),
            ),
        ),
        (
            "two signed infos",
            response(&format!(
                "{before}{}{after}",
                signature.replace("<ds:SignatureValue>", "<ds:SignedInfo/><ds:SignatureValue>")
            )),
        ),
        (
            "two references",
            response(&format!(
                "{before}{}{after}",
                signature.replace(
                    "<ds:Reference",
                    "<ds:Reference URI=\"#_evil\"/><ds:Reference"
                )
            )),
        ),
        (
            "a comment in the name",
            response(&signed.replace("id-of-kim", "id-of-root<!---->id-of-kim")),
        ),
        (
            "a comment in the digest",
            response(&signed.replace("<ds:DigestValue>", "<ds:DigestValue><!--x-->")),
        ),
        (
            "an entity",
            format!(
                "<!DOCTYPE x [<!ENTITY e \"id-of-root\">]>{}",
                response(&signed.replace("id-of-kim", "&e;"))
            ),
        ),
        (
            "an empty document type",
            format!("<!DOCTYPE x>{}", response(&signed)),
        ),
        (
            "an external entity",
            format!(
                "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">{}",
                response(&signed)
            ),
        ),
        (
            "a stylesheet",
            format!("<?xml-stylesheet href=\"x\"?>{}", response(&signed)),
        ),
        (
            "another encoding",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-7\"?>{}",
                response(&signed)
            ),
        ),
        (
            "the signature moved to the response",
            response(&original).replacen(
                "<samlp:Status>",
                &format!("{signature}<samlp:Status>"),
                1,
            ),
        ),
        (
            "another namespace for the assertion",
            response(&signed.replace(
                "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
                "xmlns:saml=\"urn:x\"",
            )),
        ),
        ("an assertion as the document", signed.clone()),
        (
            "an attribute of another namespace as the id",
            response(&signed.replace(
                " ID=\"_assertion\"",
                " xmlns:x=\"urn:x\" x:ID=\"_assertion\"",
            )),
        ),
        ("nothing", String::new()),
        (
            "nested too deep",
            response(&format!("{}{}", "<a>".repeat(200), "</a>".repeat(200))),
        ),
        ("too many elements", response(&"<a/>".repeat(30_000))),
        (
            "too many namespaces",
            response(&format!("<a{}/>", numbered("xmlns:"))),
        ),
        (
            "too many namespaces, with spaces",
            response(&format!("<a{}/>", numbered("xmlns:").replace('=', "\t= "))),
        ),
        (
            "too many attributes",
            response(&format!("<a{}/>", numbered("b"))),
        ),
        ("too long", response(&" ".repeat(300_000))),
    ]
}

#[test]
fn no_wrapping_makes_somebody_else_of_a_person() {
    for (what, text) in corpus() {
        let got = read_at(&text, NOW);
        assert!(got.is_err(), "{what}: {got:?}");
    }
}

/// ATTACKS: little text that takes long to read, from somebody who has proved nothing.
#[test]
fn what_would_take_long_is_refused_first() {
    let prefixes = "q ".repeat(10_000);
    let [exclusive, _] = crate::saml::canonical::EXCLUSIVE;
    let method = format!("Algorithm=\"{exclusive}\">");
    let longer = format!(
        "{method}<e:InclusiveNamespaces xmlns:e=\"{exclusive}\" PrefixList=\"{prefixes}\"></e:InclusiveNamespaces>"
    );
    let longer = signed_with(&method, &longer);
    for (what, text, expected) in [
        (
            "namespaces",
            response(&format!("<a{}/>", numbered("xmlns:"))),
            "it is no XML that is read here",
        ),
        (
            "attributes",
            response(&format!("<a{}/>", numbered("b"))),
            "it is no XML that is read here",
        ),
        ("prefixes", response(&longer), "its canonicalization"),
    ] {
        let got = read_at(&text, NOW).unwrap_err().to_string();
        assert!(got.contains(expected), "{what}: {got}");
    }
}

/// An encrypted assertion is read with the same rules.
#[test]
fn wrapping_inside_an_encrypted_assertion_is_no_other() {
    let signed = signed_assertion(&|text| text);
    for inside in [evil(), inside(&evil(), &signed), response(&signed)] {
        let text = response(&encrypted(&inside, How::Gcm256, false));
        assert!(read_at(&text, NOW).is_err(), "{inside}");
    }
    let two = format!(
        "{}{}",
        encrypted(&signed, How::Gcm256, false),
        encrypted(&signed, How::Gcm256, false)
    );
    assert!(read_at(&response(&two), NOW).is_err());
}

proptest! {
    /// A good response with any stretch of it cut, doubled, moved or overwritten names kim or nobody.
    #[test]
    fn no_change_of_a_good_response_names_somebody_else(
        at in 0_usize..7_000, length in 0_usize..400, to in 0_usize..7_000, kind in 0_u8..4, signed_root in any::<bool>()
    ) {
        let good = if signed_root { signed_response(ASSERTION) } else { usual() };
        let at = at.min(good.len());
        let end = (at + length).min(good.len());
        let piece = good[at..end].to_owned();
        let mut text = good.clone();
        match kind {
            0 => text.replace_range(at..end, ""),
            1 => text.insert_str(to.min(good.len()), &piece),
            2 => {
                text.replace_range(at..end, "");
                text.insert_str(to.min(text.len()), &piece);
            }
            _ => text.replace_range(at..end, &evil()),
        }
        if let Ok(who) = read_at(&text, NOW) {
            prop_assert_eq!(who, read_at(&good, NOW).unwrap());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,400}") {
        prop_assert!(read_at(&text, NOW).is_err());
    }
}
