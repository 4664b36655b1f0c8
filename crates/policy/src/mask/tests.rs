//! What detectors find and what they pass over, as tables.

mod masks;

use sluice_model::{DataClass, Mask, Secret, TextMask};

use super::{API_KEY_GROUP, DETECTORS, DetectorSet, REDACTED};

const KEY: &str = "a key for tests, long enough";

fn class(name: &str, detectors: &[&str], mask: Mask) -> DataClass {
    let detectors = detectors
        .iter()
        .map(|detector| (*detector).to_owned())
        .collect();
    DataClass {
        fields: Vec::new(),
        name: name.to_owned(),
        columns: Vec::new(),
        detectors,
        mask,
    }
}

fn compile(classes: &[DataClass]) -> DetectorSet {
    let indexed: Vec<_> = classes.iter().enumerate().collect();
    DetectorSet::compile(&indexed, &Secret::new(KEY.to_owned())).unwrap()
}

fn masked(mask: &dyn TextMask, text: &str) -> Option<String> {
    let mut out = "before|".to_owned();
    let edited = mask.mask_text(text, &mut out);
    let rest = out.strip_prefix("before|").unwrap();
    if !edited {
        assert_eq!(
            rest, "",
            "an untouched text leaves nothing behind: {text:?}"
        );
    }
    edited.then(|| rest.to_owned())
}

fn everything(mask: &Mask) -> DetectorSet {
    let names: Vec<&str> = DETECTORS.iter().map(|spec| spec.name).collect();
    compile(&[class("all", &names, mask.clone())])
}

/// Each row: a text, and the same with every find as `¤`.
fn check(detector: &str, rows: &[(&str, &str)]) {
    let set = compile(&[class("c", &[detector], Mask::Constant("¤".to_owned()))]);
    let scanner = set.scanner(&|_| false);
    for (text, expected) in rows {
        let got = masked(&*scanner, text).unwrap_or_else(|| (*text).to_owned());
        assert_eq!(got, *expected, "{detector} in {text:?}");
        // Every find is found in any surroundings, too.
        if *expected == "¤" {
            for (left, right) in [
                ("\"", "\""),
                ("{\"a\":\"", "\"}"),
                ("a,", ",b"),
                ("x\n", "\ny"),
                ("(", ")"),
                ("号", "号"),
                ("\\n", "\\n"),
            ] {
                let inner = format!("{left}{text}{right}");
                let got = masked(&*scanner, &inner);
                // A mail address takes every letter before it; too much is better than too little.
                if detector != "email" || !matches!(left, "号" | "\\n") {
                    assert_eq!(
                        got,
                        Some(format!("{left}¤{right}")),
                        "{detector} in {inner:?}"
                    );
                }
            }
        }
    }
}

fn same(texts: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    texts.iter().map(|text| (*text, *text)).collect()
}

fn found(texts: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    texts.iter().map(|text| (*text, "¤")).collect()
}

#[test]
fn examples_are_found_whole_by_name_and_by_group() {
    for spec in DETECTORS {
        for name in [Some(spec.name), spec.group].into_iter().flatten() {
            let set = compile(&[class("c", &[name], Mask::Redact)]);
            let got = masked(&*set.scanner(&|_| false), spec.example).unwrap_or_default();
            assert!(
                got.contains(REDACTED),
                "{name} finds {:?}: {got:?}",
                spec.example
            );
        }
    }
}

#[test]
fn us_ssn() {
    check(
        "us_ssn",
        &found(&[
            "078-05-1120",
            "123 45 6789",
            "123\u{2011}45\u{2011}6789",
            "899-99-9999",
        ]),
    );
    check(
        "us_ssn",
        &[
            ("ssn=123-45-6789.", "ssn=¤."),
            ("ssn_123-45-6789", "ssn_¤"),
            ("123-45-6789 and 234-56-7890", "¤ and ¤"),
            ("电话123-45-6789。", "电话¤。"),
        ],
    );
    check(
        "us_ssn",
        &same(&[
            "000-45-6789",
            "666-45-6789",
            "900-45-6789",
            "123-00-6789",
            "123-45-0000",
            "123-45-67890",
            "1123-45-6789",
            "123-45-6789-1",
            "1-123-45-6789",
            "123-45 6789",
            "123-456-789",
            "123456789",
            "a123-45-6789",
            "123-45-678a",
            "2024-05-06 10:11:12.123456",
            "550e8400-e29b-41d4-a716-446655440000",
            "order 123 of 45",
        ]),
    );
}

#[test]
fn payment_card() {
    check(
        "payment_card",
        &found(&[
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4222222222222",
            "378282246310005",
            "3782 822463 10005",
            "5555555555554444",
            "2223003122003222",
            "6011111111111117",
            "3530111333300000",
            "30569309025904",
            "6304000000000000",
            "2200000000000004",
        ]),
    );
    check(
        "payment_card",
        &[
            ("card 4111111111111111, exp 12/29", "card ¤, exp 12/29"),
            ("order 4999 4111 1111 1111 1111 2029", "order 4999 ¤ 2029"),
            ("4111111111111111;5555555555554444", "¤;¤"),
            ("ORD-4111111111111111", "ORD-¤"),
        ],
    );
    check(
        "payment_card",
        &same(&[
            "4111111111111112",
            "4111 1111 1111 1112",
            "41111111111111111",
            "9111111111111111",
            "0000000000000000",
            "1234567812345670",
            "0.4111111111111111",
            "4111111111111111.5",
            "a4111111111111111",
            "4111111111111111f",
            "4111-1111 1111-1111",
            "1700000000000",
            "1700000000000000",
            "d41d8cd98f00b204e9800998ecf8427e",
            "55555555555544440000000000000000",
        ]),
    );
}

#[test]
fn email() {
    check(
        "email",
        &found(&[
            "ada@example.com",
            "a.b+c_d-e%f@mail.example.co.uk",
            "x@xn--bcher-kva.example",
            "müller@bücher.example",
        ]),
    );
    check(
        "email",
        &[
            ("Ada <ada@example.com>, hello", "Ada <¤>, hello"),
            ("to ada@example.com.", "to ¤."),
            ("mailto:ada@example.com?subject=x", "mailto:¤?subject=x"),
            (".ada@example.com", ".¤"),
        ],
    );
    check(
        "email",
        &same(&[
            "ada@localhost",
            "@example.com",
            "ada@",
            "ada@.com",
            "ada@a..com",
            "a@b.c",
            "10@10.0.0.1",
            "@handle and @other",
            "a @ b.com",
            "SELECT @@version",
        ]),
    );
}

#[test]
fn phone() {
    check(
        "phone",
        &found(&[
            "+12125550100",
            "+1-212-555-0100",
            "+1 (212) 555-0100",
            "+49 30 1234567",
            "+49 (0)30 1234-567",
            "+442079460958",
            "(212) 555-0100",
            "(212)555-0100",
            "212-555-0100",
            "212.555.0100",
            "212 555 0100",
            "1-212-555-0100",
        ]),
    );
    check(
        "phone",
        &[
            ("tel:+12125550100;", "tel:¤;"),
            ("call 212-555-0100x55", "call ¤x55"),
            ("+1 212 555 0100 2024", "¤ 2024"),
            ("212-555-0100, 212-555-0101", "¤, ¤"),
        ],
    );
    check(
        "phone",
        &same(&[
            "2125550100",
            "1700000000",
            "112-555-0100",
            "212-155-0100",
            "911-555-0100",
            "212-555-01000",
            "9212-555-0100",
            "5-212-555-0100",
            "212-555-0100-5",
            "+0123456789",
            "+1234567",
            "+1234567890123456",
            "1+12345678",
            "2024-05-06T10:11:12+02:00",
            "550e8400-e29b-41d4-a716-446655440000",
            "192.168.100.2000",
        ]),
    );
}

#[test]
fn iban() {
    check(
        "iban",
        &found(&[
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "GB82WEST12345698765432",
            "GB82 WEST 1234 5698 7654 32",
            "FR1420041010050500013M02606",
            "NO9386011117947",
            "de89370400440532013000",
        ]),
    );
    check(
        "iban",
        &[
            ("IBAN:DE89370400440532013000.", "IBAN:¤."),
            ("pay NO93 8601 1117 947 now", "pay ¤ now"),
        ],
    );
    check(
        "iban",
        &same(&[
            "DE88370400440532013000",
            "DE8937040044053201300",
            "DE893704004405320130001",
            "XX89370400440532013000",
            "ADE89370400440532013000",
            "DE89-3704",
            "AB12",
            "GB82 WEST 1234 5698 7654 3",
        ]),
    );
}

#[test]
fn ip_addresses() {
    check(
        "ipv4",
        &found(&["203.0.113.7", "0.0.0.0", "255.255.255.255", "1.2.3.4"]),
    );
    check(
        "ipv4",
        &[
            ("10.0.0.1:5432", "¤:5432"),
            ("10.0.0.0/8.", "¤/8."),
            ("10.0.0.1-10.0.0.9", "¤-¤"),
            ("ip 10.0.0.1.", "ip ¤."),
        ],
    );
    check(
        "ipv4",
        &same(&[
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3",
            "01.2.3.4",
            "1.2.3.1234",
            "v1.2.3.4",
            "1.2.3.4a",
            "3.14",
            "2024.05.06",
        ]),
    );
    check(
        "ipv6",
        &found(&[
            "2001:db8::7",
            "::1",
            "fe80::1",
            "2001:0db8:0000:0000:0000:ff00:0042:8329",
            "::ffff:192.0.2.1",
            "64:ff9b::192.0.2.33",
            "1:2:3:4:5:6:7:8",
        ]),
    );
    check(
        "ipv6",
        &[
            ("[fe80::1]:443", "[¤]:443"),
            ("host:fe80::1", "host:¤"),
            ("fe80::1%eth0", "¤%eth0"),
            ("is fe80::1.", "is ¤."),
            ("fe80::1, ::1", "¤, ¤"),
        ],
    );
    check(
        "ipv6",
        &same(&[
            "10:11:12",
            "aa:bb:cc:dd:ee:ff",
            "a::text",
            "'1'::int",
            "std::fmt",
            "::",
            "12::bigint",
            "{\"a\":1}",
            "http://a:80",
            "x::1",
        ]),
    );
}

#[test]
fn tokens() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP_mB92K27uhbUJU1p1r";
    check(
        "jwt",
        &[
            (jwt, "¤"),
            (&format!("Bearer {jwt}"), "Bearer ¤"),
            (&format!("x{jwt}"), &format!("x{jwt}")),
        ],
    );
    check(
        "jwt",
        &same(&[
            "eyJ",
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJhbGciOiJIUzI1NiJ9.",
            "eyJhbGciOiJIUzI1NiJ9..",
            "eyJabc.def.ghi",
        ]),
    );
    check(
        "private_key",
        &[
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA3/+=\n-----END RSA PRIVATE KEY-----",
                "¤",
            ),
            (
                "k -----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA",
                "k ¤",
            ),
            (
                "k: -----BEGIN PGP PRIVATE KEY BLOCK-----\nlQVYBGPrivateKeyData0\n-----END PGP PRIVATE KEY BLOCK-----\nnext",
                "k: ¤\nnext",
            ),
            (
                "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAAAi4AAAA3aWYtbW9k\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
                "¤",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
                "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
            ),
            ("-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----"),
        ],
    );
    check(
        "aws_access_key",
        &found(&["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"]),
    );
    check(
        "aws_access_key",
        &same(&[
            "AKIAIOSFODNN7EXAMPL",
            "AKIAIOSFODNN7EXAMPLEX",
            "XAKIAIOSFODNN7EXAMPLE",
            "AKIAiosfodnn7example",
        ]),
    );
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    check(
        "aws_secret_key",
        &[
            (
                &format!("aws_secret_access_key = {secret}"),
                "aws_secret_access_key = ¤",
            ),
            (
                &format!("{{\"SecretAccessKey\": \"{secret}\"}}"),
                "{\"SecretAccessKey\": \"¤\"}",
            ),
            (
                &format!("AWS_SECRET_ACCESS_KEY={secret};"),
                "AWS_SECRET_ACCESS_KEY=¤;",
            ),
            (secret, secret),
            (
                "aws_secret_access_key = short",
                "aws_secret_access_key = short",
            ),
        ],
    );
    check(
        "github_token",
        &same(&[
            "ghp_short",
            "ghp_abcdefghijklmnopqrstuvwxyzabcdefghi",
            "xghp_0123456789exampleEXAMPLE0123456789ab",
        ]),
    );
    check(
        "github_token",
        &found(&["github_pat_0123456789_exampleEXAMPLE0123456789abcdef"]),
    );
    check(
        "github_token",
        &found(&["ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"]),
    );
    check("slack_token", &same(&["xapp-configuration-of-things"]));
    check(
        "openai_key",
        &same(&[
            "sk-learn-is-a-package-of-models",
            "task-0123456789exampleEXAMPLE",
            "sk-123",
        ]),
    );
    check(
        "openai_key",
        &found(&[
            "sk-proj-0123456789exampleEXAMPLE",
            "sk-ant-api03-0123456789exampleEXAMPLE",
        ]),
    );
    check(
        "slack_token",
        &[(
            "https://hooks.slack.com/services/T00000000/B00000000/xxxxxxxxxxxxxxxxxxxxxxxx",
            "https://¤",
        )],
    );
    check(
        "google_api_key",
        &same(&["AIzashort", "AIza0123456789exampleEXAMPLE0123456789abc"]),
    );
    check(
        "sluice_token",
        &same(&["sluice_sessions_opened_total_ever", "sluice_sessions_live"]),
    );
    check(
        API_KEY_GROUP,
        &[
            (
                "k=ghp_0123456789exampleEXAMPLE0123456789ab glpat-0123456789exampleABC",
                "k=¤ ¤",
            ),
            (jwt, jwt),
        ],
    );
}

/// Texts made to be slow for a reader that looks on from each candidate to the end of the text.
#[test]
fn hostile_texts_take_linear_time() {
    let set = everything(&Mask::Redact);
    let scanner = set.scanner(&|_| false);
    for unit in [
        "sk-",
        "eyJ.",
        "-----BEGIN PRIVATE KEY-----MIIEpAIBAAKCAQEA-----END ",
        "-----BEGIN PRIVATE KEY",
        "a@",
        "a://b:",
        "::",
        "1:",
        "4111 ",
        "+1",
        "DE89 ",
        "aws_secret",
        "1.2.3.",
        "((((",
    ] {
        let text = unit.repeat(300_000 / unit.len());
        let start = std::time::Instant::now();
        masked(&*scanner, &text);
        // A quadratic reader needs minutes for as much; a linear one far below a second.
        assert!(
            start.elapsed().as_secs() < 10,
            "{unit:?} took {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn url_password() {
    check(
        "url_password",
        &[
            (
                "postgres://app:s3cr@t!@db.example:5432/shop",
                "postgres://app:¤@db.example:5432/shop",
            ),
            (
                "see https://x:tok@example.com/a?b=c@d",
                "see https://x:¤@example.com/a?b=c@d",
            ),
            ("redis://:pw@cache", "redis://:¤@cache"),
        ],
    );
    check(
        "url_password",
        &same(&[
            "https://example.com:443/a@b",
            "https://user@example.com",
            "postgres://app:@db",
            "a://b",
            "://x:y@z",
        ]),
    );
}
