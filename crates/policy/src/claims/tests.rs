//! Conditions over claims as CI systems and clusters send them.

use super::parse::Condition;
use super::*;
use proptest::prelude::*;
use serde_json::json;
use sluice_model::Timestamp;

fn claims() -> serde_json::Map<String, serde_json::Value> {
    let claims = json!({
        "sub": "repo:acme/reports:ref:refs/heads/main",
        "repository": "acme/reports",
        "ref": "refs/heads/main",
        "run_attempt": 2,
        "ref_protected": true,
        "groups": ["ci", "nightly"],
        "mixed": ["ci", 1],
        "kubernetes.io": {"namespace": "reports", "serviceaccount": {"name": "nightly"}},
    });
    claims.as_object().cloned().unwrap()
}

fn check(rows: &[(&str, bool)]) {
    for (text, expected) in rows {
        let condition = Condition::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(condition.holds(&claims()), *expected, "{text}");
    }
}

#[test]
fn a_condition_holds_for_the_claims_that_it_names() {
    check(&[
        (
            r#"repository == "acme/reports" && ref == "refs/heads/main""#,
            true,
        ),
        (
            r#"repository == "acme/reports" && ref == "refs/heads/next""#,
            false,
        ),
        (
            r#"repository == "acme/other" || ref == "refs/heads/main""#,
            true,
        ),
        (r#"repository != "acme/other""#, true),
        (r#"!(repository == "acme/other")"#, true),
        (r#"ref in ["refs/heads/main", "refs/heads/next"]"#, true),
        (r#"ref in ["refs/heads/next"]"#, false),
        (r#"sub like "repo:acme/*:ref:refs/heads/*""#, true),
        (r#"sub like "repo:acme/*:ref:refs/tags/*""#, false),
        (r#"sub like "*main""#, true),
        (r#"repository like "acme""#, false),
        (r#"repository like "acme/reports*reports""#, false),
        (
            r#"run_attempt >= 2 && run_attempt < 3 && run_attempt == 2.0"#,
            true,
        ),
        (r#"ref_protected == true"#, true),
        (r#"ref_protected == false"#, false),
        (r#"contains(groups, "nightly")"#, true),
        (r#"contains(groups, "prod")"#, false),
        (r#"["kubernetes.io"].namespace == "reports""#, true),
        (
            r#"["kubernetes.io"]["serviceaccount"].name == "nightly""#,
            true,
        ),
        (r#"has ref && !has environment"#, true),
    ]);
}

/// Whatever stands around it, a claim that is missing or of another type lets nobody in.
#[test]
fn what_is_not_said_lets_nobody_in() {
    check(&[
        (r#"environment == "prod""#, false),
        (r#"environment != "prod""#, false),
        (r#"!(environment == "prod")"#, false),
        (r#"!(!(environment != "prod"))"#, false),
        (
            r#"environment == "x" || repository == "acme/reports""#,
            false,
        ),
        (
            r#"!(repository == "acme/reports" && environment == "x")"#,
            false,
        ),
        (r#"!(environment in ["x"])"#, false),
        (r#"!(environment like "x*")"#, false),
        (r#"!contains(environment, "x")"#, false),
        (r#"!contains(repository, "x")"#, false),
        (r#"!contains(mixed, "x")"#, false),
        (r#"contains(mixed, "ci")"#, false),
        (r#"repository != 1"#, false),
        (r#"!(repository == true)"#, false),
        (r#"!(repository in [1, true])"#, false),
        (r#"!(repository > 1)"#, false),
        (r#"!(run_attempt like "2")"#, false),
        (r#"repository.name != "x""#, false),
        (r#"!(["kubernetes.io"] == "x")"#, false),
    ]);
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    for (text, expected) in [
        (
            "",
            "at character 1: expected the name of a claim, got the end",
        ),
        (
            "ref",
            "at character 4: expected an operator such as ==, in or like, got the end",
        ),
        (
            "ref = \"x\"",
            "at character 5: expected a claim, a value or an operator, got '='",
        ),
        (
            "ref == main",
            "at character 8: expected a text in quotes, a number, true or false, got main",
        ),
        (
            "ref == \"x",
            "at character 8: expected a text that ends with \" (\\\" and \\\\ are the only escapes), got the end",
        ),
        (
            "ref == \"x\" ref",
            "at character 12: expected &&, || or the end, got ref",
        ),
        ("(ref == \"x\"", "at character 12: expected ), got the end"),
        (
            "ref > \"x\"",
            "at character 7: expected a number, got \"x\"",
        ),
        (
            "ref in []",
            "at character 9: expected a text in quotes, a number, true or false, got ]",
        ),
        ("a == 1-2", "at character 6: expected a number, got 1-2"),
    ] {
        let got = Condition::parse(text).unwrap_err().to_string();
        assert_eq!(got, expected, "{text}");
    }
    for huge in ["!".repeat(4_000), "(".repeat(4_000), "a".repeat(5_000)] {
        assert!(Condition::parse(&huge).is_err());
    }
}

fn workload(issuer_url: &str, audience: &str) -> Workload {
    Workload {
        issuer: "github".into(),
        issuer_url: issuer_url.into(),
        audience: audience.into(),
        subject: "x".into(),
        claims: claims(),
        expires: Timestamp(0),
    }
}

#[test]
fn the_first_rule_that_fits_decides_for_the_issuer_and_audience_of_today() {
    let rule = |when: &str, service: &str| ClaimRule {
        when: when.into(),
        service: service.into(),
        groups: ["ci".to_owned()].into(),
    };
    let issuer = TrustedIssuer {
        name: "github".into(),
        issuer: "https://issuer".into(),
        audiences: vec!["https://gateway".into()],
        rules: vec![
            rule("ref == \"refs/heads/next\"", "next"),
            rule("repository like \"acme/*\"", "acme"),
            rule("has repository", "all"),
        ],
    };
    let rules = IssuerRules::compile(&issuer).unwrap();
    let admitted = rules.admit(&workload("https://issuer", "https://gateway"));
    assert_eq!(admitted.unwrap().service.to_string(), "service:acme");
    for (url, audience) in [
        ("https://other", "https://gateway"),
        ("https://issuer/", "https://gateway"),
        ("https://issuer", "https://other"),
        ("https://issuer", ""),
    ] {
        assert_eq!(
            rules.admit(&workload(url, audience)),
            None,
            "{url} {audience}"
        );
    }
    let wrong = TrustedIssuer {
        rules: vec![rule("has a", "x"), rule("nonsense", "x")],
        ..issuer
    };
    let wrong = IssuerRules::compile(&wrong).unwrap_err();
    assert_eq!(wrong.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1]);
}

proptest! {
    #[test]
    fn nothing_panics(text in r#"[a-z"\\\[\].,!()&|=<> 0-9*-]{0,80}"#) {
        if let Ok(condition) = Condition::parse(&text) {
            condition.holds(&claims());
        }
    }

    #[test]
    fn a_pattern_without_a_star_is_like_itself_alone(text in "[a-c]{0,6}", other in "[a-c]{0,6}") {
        let like = Condition::Like(vec!["x".into()], text.clone());
        let mut claims = serde_json::Map::new();
        claims.insert("x".into(), other.clone().into());
        prop_assert_eq!(like.holds(&claims), text == other);
    }
}
