//! What masks make of values, how their output is known again, and what holds for any text.

use proptest::prelude::*;
use sluice_model::{Mask, Secret};

use super::{KEY, class, compile, everything, masked};
use crate::mask::{DETECTORS, DetectorSet, REDACTED, looks_masked, whole_text};

#[test]
fn values_are_masked_as_their_class_says() {
    for (mask, text, expected) in [
        (Mask::Redact, "078-05-1120", REDACTED),
        (Mask::Null, "078-05-1120", REDACTED),
        (Mask::Constant("gone".into()), "078-05-1120", "gone"),
        (Mask::KeepLast(4), "078-05-1120", "***-**-1120"),
        (Mask::KeepFirst(3), "078-05-1120", "078-**-****"),
        (Mask::KeepFirst(1), "ada@example.com", "a**@*******.***"),
        (Mask::KeepLast(2), "Zoë Müller", "*** ****er"),
        (Mask::KeepFirst(2), "日本語", "日本*"),
        (Mask::KeepLast(4), "1234", "****"),
        (Mask::KeepLast(4), "1-2", "*-*"),
        (Mask::KeepLast(0), "12", "**"),
        (Mask::KeepFirst(1), "a🙂b", "a**"),
        (Mask::KeepFirst(1), "!? ;", "** *"),
        (Mask::KeepFirst(1), "", ""),
    ] {
        let set = compile(&[]);
        let got = masked(&*whole_text(&mask, set.hash_key()), text);
        assert_eq!(got.as_deref(), Some(expected), "{mask:?} of {text:?}");
    }
}

#[test]
fn a_hash_depends_on_value_and_key_alone() {
    let hash = |key: &str, text: &str| {
        let set = DetectorSet::compile(&[], &Secret::new(key.to_owned())).unwrap();
        masked(&*whole_text(&Mask::Hash, set.hash_key()), text).unwrap()
    };
    // RFC 4231 test case 1 starts with the bytes b0 34 4c 61 d8 db 38 53 5c a8.

    assert_eq!(hash(&"\u{0b}".repeat(20), "Hi There"), "h_wa2eyyoy3m4fgxfi");
    assert_eq!(
        hash("0123456789abcdef", "ada"),
        hash("0123456789abcdef", "ada")
    );
    assert_ne!(
        hash("0123456789abcdef", "ada"),
        hash("0123456789abcdef", "adb")
    );
    assert_ne!(
        hash("0123456789abcdef", "ada"),
        hash("0123456789abcdeg", "ada")
    );
    assert_eq!(hash("0123456789abcdef", "ada").len(), 18);
    assert!(DetectorSet::compile(&[], &Secret::new("short".to_owned())).is_err());
}

#[test]
fn only_unrevealed_classes_are_masked_and_overlaps_show_nothing_more() {
    let set = compile(&[
        class("ssn", &["us_ssn"], Mask::KeepLast(4)),
        class("mail", &["email"], Mask::KeepFirst(1)),
        class("pii", &["us_ssn"], Mask::Redact),
        class("url", &["url_password"], Mask::Hash),
    ]);
    let text = "078-05-1120 ada@example.com";
    for (revealed, expected) in [
        (&[0, 1, 2, 3][..], None),
        (&[1, 2, 3], Some("***-**-1120 ada@example.com")),
        (&[0, 2, 3], Some("078-05-1120 a**@*******.***")),
        (&[0, 1, 3], Some("[redacted] ada@example.com")),
        // two classes hold the same find and disagree
        (&[1, 3], Some("[redacted] ada@example.com")),
    ] {
        let scanner = set.scanner(&|class| revealed.contains(&class));
        assert_eq!(masked(&*scanner, text).as_deref(), expected, "{revealed:?}");
        assert_eq!(scanner.is_empty(), revealed.len() == 4);
    }
    let scanner = set.scanner(&|class| class == 2);
    for (text, expected) in [
        // the password starts first, the address sticks out of it
        ("pg://a:b!c@example.com/d", Some("pg://a:[redacted]/d")),
        // the longest of those that start alike
        ("pg://a:bc@example.com/d", Some("pg://a:b*@*******.***/d")),
    ] {
        assert_eq!(masked(&*scanner, text).as_deref(), expected, "{text}");
    }
}

#[test]
fn an_unknown_detector_is_named_with_its_class() {
    let wrong = class("card", &["creditcard"], Mask::Redact);
    let error = DetectorSet::compile(&[(0, &wrong)], &Secret::new(KEY.to_owned())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data class `card` names the detector `creditcard`, which does not exist"
    );
}

#[test]
fn masks_are_known_again() {
    for text in [
        REDACTED,
        "note [redacted] x",
        "***-**-1234",
        "call ***-**-1234 now",
        "123-**-****",
        "************1111",
        "a**@*******.***",
        "*****",
        "mail a**@*******.*** sent",
        "h_abcdefghijklmnop",
        "id=h_abcdefghijklmnop;",
    ] {
        assert!(looks_masked(text), "{text}");
    }
    for text in [
        "",
        "*",
        "SELECT * FROM t",
        "2 ** 3 ** 4",
        "*.example.com",
        "a ***very*** good day",
        "**bold**",
        "/* comment */ x /* y */",
        "h_abc",
        "with_abcdefghijklmnop",
        "h_abcdefghijklmnopq",
        "078-05-1120",
    ] {
        assert!(!looks_masked(text), "{text}");
    }
}

/// Masks that keep part of a value or none; each must change it.
fn masks() -> impl Strategy<Value = Mask> {
    prop_oneof![
        Just(Mask::Redact),
        Just(Mask::Null),
        Just(Mask::Hash),
        (0..6_u16).prop_map(Mask::KeepFirst),
        (0..6_u16).prop_map(Mask::KeepLast),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Values between other words never survive, whatever stands around them.
    #[test]
    fn no_value_survives(
        mask in masks(),
        parts in prop::collection::vec((0..DETECTORS.len(), "[ ,;\"\\n(\\[号é]{1,3}", "[a-z é号]{0,6}"), 1..6),
    ) {
        let mut text = String::new();
        let mut values = Vec::new();
        for (index, gap, word) in &parts {
            let example = DETECTORS[*index].example;
            values.push(match DETECTORS[*index].name {
                "url_password" => "example-password",
                "aws_secret_key" => "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                _ => example,
            });
            text.extend([word, gap.as_str(), example, gap.as_str()]);
        }
        let set = everything(&mask);
        let out = masked(&*set.scanner(&|_| false), &text).unwrap();
        for value in values {
            prop_assert!(!out.contains(value), "{value:?} in {out:?} from {text:?}");
        }
    }

    /// Any text: no panic; a text is edited exactly when it is answered so; what stays is found no more.
    #[test]
    fn any_text_can_be_scanned(text in "[0-9a-fA-F:.@+()\\- /_eyJsk号é\u{a0}\u{2011}\\\\n]{0,80}") {
        let set = everything(&Mask::Redact);
        let scanner = set.scanner(&|_| false);
        if let Some(out) = masked(&*scanner, &text) {
            prop_assert!(out.contains(REDACTED));
            prop_assert_ne!(out, text);
        }
    }

    /// What a keeping mask makes of any value is no longer than it in characters, and known again when it hid enough.
    #[test]
    fn kept_values_keep_their_form(text in "[a-zA-Z0-9éü日本 .,@_/-]{0,40}", count in 0..8_u16, last in any::<bool>()) {
        let mask = if last { Mask::KeepLast(count) } else { Mask::KeepFirst(count) };
        let set = compile(&[]);
        let out = masked(&*whole_text(&mask, set.hash_key()), &text).unwrap();
        prop_assert_eq!(out.chars().count(), text.chars().count());
        let signs = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
        prop_assert!(signs(&out) <= usize::from(count));
        if signs(&text) >= usize::from(count) + 3 {
            prop_assert!(looks_masked(&out), "{}", out);
        }
    }
}
