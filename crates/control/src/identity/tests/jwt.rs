//! JWTs of workloads: what is accepted, and everything that is not.

use super::issuer::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_identity::jwt::read;

const GOOD: &str = "repo:acme/reports";

#[tokio::test]
async fn each_kind_of_key_signs_for_its_own_algorithm() {
    let keys = [ec("a"), ed("b"), rsa()];
    let issuer = TestIssuer::new(&keys.each_ref(), |_| {});
    for (key, kid) in keys.iter().zip(["a", "b", "rsa"]) {
        for kid in [Some(kid), None] {
            let token = signed(key, kid, &claims(|_| {}));
            assert_eq!(
                issuer.said(&token, NOW).await,
                GOOD,
                "{:?} {kid:?}",
                key.algorithm
            );
        }
    }
    // A key under another's id.
    let token = signed(&keys[0], Some("b"), &claims(|_| {}));
    assert_eq!(issuer.said(&token, NOW).await, "no key of the issuer fits");
    let stranger = ec("a");
    let token = signed(&stranger, Some("a"), &claims(|_| {}));
    assert_eq!(issuer.said(&token, NOW).await, "its signature is wrong");
}

#[tokio::test]
async fn claims_that_do_not_fit_are_refused() {
    let key = ec("a");
    let issuer = TestIssuer::new(&[&key], |_| {});
    let set = |name: &'static str, value: Value| {
        let token = signed(&key, Some("a"), &claims(|c| c[name] = value.clone()));
        (format!("{name}={value}"), token)
    };
    let without = |name: &'static str| {
        let token = claims(|c| {
            c.as_object_mut().unwrap().remove(name);
        });
        (format!("no {name}"), signed(&key, Some("a"), &token))
    };
    let audience = "it is for somebody else: its audience is not an expected one";
    for ((what, token), expected) in [
        (set("aud", json!([AUDIENCE, "x"])), GOOD),
        (set("aud", json!("https://gateway.example/")), audience),
        (set("aud", json!(["x"])), audience),
        (set("aud", json!({"a": AUDIENCE})), audience),
        (without("aud"), audience),
        (
            set("iss", json!("https://issuer.example/")),
            "it is of an issuer that is not trusted",
        ),
        (
            set("iss", json!([ISSUER])),
            "it is of an issuer that is not trusted",
        ),
        (without("iss"), "it is of an issuer that is not trusted"),
        (set("exp", json!(NOW - 59)), GOOD),
        (set("exp", json!(NOW - 60)), "it has expired"),
        (set("exp", json!(NOW as f64 + 1.5)), GOOD),
        (
            set("exp", json!("9999999999")),
            "the claim exp is missing or of another type than expected",
        ),
        (
            set("exp", json!(-1)),
            "the claim exp is missing or of another type than expected",
        ),
        (
            set("exp", json!(1e300)),
            "the claim exp is missing or of another type than expected",
        ),
        (
            set("exp", json!(u64::MAX)),
            "the claim exp is missing or of another type than expected",
        ),
        (
            without("exp"),
            "the claim exp is missing or of another type than expected",
        ),
        (
            set("exp", json!(NOW + 86_391)),
            "it lives longer than its issuer's may",
        ),
        (set("nbf", json!(NOW + 60)), GOOD),
        (set("nbf", json!(NOW + 61)), "it is not valid yet"),
        (set("iat", json!(NOW + 61)), "it is not valid yet"),
        (
            set("iat", json!("x")),
            "the claim iat is missing or of another type than expected",
        ),
        (without("iat"), GOOD),
        (
            without("sub"),
            "the claim sub is missing or of another type than expected",
        ),
        (
            set("sub", json!(7)),
            "the claim sub is missing or of another type than expected",
        ),
    ] {
        assert_eq!(issuer.said(&token, NOW).await, expected, "{what}");
    }
}

/// ATTACKS: algorithm confusion, and headers that say where the key is.
#[tokio::test]
async fn the_token_does_not_choose_how_it_is_checked() {
    let (ec_key, rsa_key) = (ec("a"), rsa());
    let issuer = TestIssuer::new(&[&ec_key, &rsa_key], |_| {});
    let body = claims(|_| {}).to_string();
    let forged = |alg: &str, secret: &[u8]| {
        let message = format!(
            "{}.{}",
            base64(json!({"alg": alg}).to_string()),
            base64(&body)
        );
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", base64(tag))
    };
    for key in [&ec_key, &rsa_key] {
        let token = forged("HS256", &key.public_der);
        assert_eq!(
            issuer.said(&token, NOW).await,
            "its algorithm is not accepted"
        );
    }
    for alg in ["none", "None", "NONE", "", "HS384", "ES512", "es256", "RS1"] {
        let header = json!({"alg": alg}).to_string();
        for signature in ["", "AA"] {
            let token = format!("{}.{}.{signature}", base64(&header), base64(&body));
            let said = issuer.said(&token, NOW).await;
            assert!(
                [
                    "its algorithm is not accepted",
                    "it is no JWT: not three parts"
                ]
                .contains(&&*said),
                "{alg}: {said}"
            );
        }
    }
    // The signature of one key under the algorithm of another.
    for (header, expected) in [
        (
            json!({"alg": "RS256", "kid": "a"}),
            "no key of the issuer fits",
        ),
        (json!({"alg": "PS256"}), "its signature is wrong"),
        (
            json!({"alg": "EdDSA", "kid": "a"}),
            "no key of the issuer fits",
        ),
        (
            json!({"alg": "ES384", "kid": "a"}),
            "no key of the issuer fits",
        ),
        (
            json!({"alg": "ES256", "crit": ["x"]}),
            "it is no JWT: it demands an extension",
        ),
        (
            json!({"alg": "ES256", "kid": 7}),
            "it is no JWT: its header",
        ),
    ] {
        let token = with_header(&ec_key, &header.to_string(), &body);
        assert_eq!(issuer.said(&token, NOW).await, expected, "{header}");
    }
    // A key that comes along is not looked at.
    let stranger = ec("a");
    let header =
        json!({"alg": "ES256", "kid": "a", "jwk": stranger.public, "jku": "http://127.0.0.1:1/"});
    let token = with_header(&stranger, &header.to_string(), &body);
    assert_eq!(issuer.said(&token, NOW).await, "its signature is wrong");
    let token = with_header(&ec_key, &header.to_string(), &body);
    assert_eq!(issuer.said(&token, NOW).await, GOOD);
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_not_read() {
    let key = ec("a");
    let issuer = TestIssuer::new(&[&key], |_| {});
    let body = claims(|_| {}).to_string();
    let twice = body.replacen(
        '{',
        &format!("{{\"sub\": \"admin\", \"iss\": \"{ISSUER}\","),
        1,
    );
    let header = json!({"alg": "ES256"}).to_string();
    let good = with_header(&key, &header, &body);
    for (what, token, expected) in [
        (
            "a claim twice",
            with_header(&key, &header, &twice),
            "it is no JWT: its claims",
        ),
        (
            "an algorithm twice",
            with_header(&key, r#"{"alg": "none", "alg": "ES256"}"#, &body),
            "it is no JWT: its header",
        ),
        (
            "a fourth part",
            format!("{good}.x"),
            "it is no JWT: not three parts",
        ),
        (
            "padding",
            good.replacen('.', "=.", 1),
            "it is no JWT: its header",
        ),
        (
            "a space",
            good.replacen('.', " .", 1),
            "it is no JWT: its header",
        ),
        (
            "a list",
            with_header(&key, &header, "[]"),
            "it is no JWT: its claims",
        ),
        ("nothing", String::new(), "it is no JWT: no parts"),
        (
            "huge",
            format!("{good}{}", "A".repeat(16 << 10)),
            "it is longer than 16 KiB",
        ),
        (
            "not signed",
            good.rsplit_once('.').unwrap().0.to_owned() + ".",
            "it is no JWT: not three parts",
        ),
    ] {
        assert_eq!(issuer.said(&token, NOW).await, expected, "{what}");
    }
}

#[tokio::test]
async fn keys_rotate_and_an_issuer_that_is_gone_is_believed_for_a_day() {
    let (old, new) = (ec("old"), ec("new"));
    let issuer = TestIssuer::new(&[&old], |_| {});
    let of = |key: &TestKey, kid: &str, seconds: i64| {
        let times = claims(|c| {
            c["iat"] = json!(seconds);
            c["nbf"] = json!(seconds);
            c["exp"] = json!(seconds + 300);
        });
        signed(key, Some(kid), &times)
    };
    assert_eq!(issuer.said(&of(&old, "old", NOW), NOW).await, GOOD);
    issuer.publish(&[&new]);
    // Asked for an unknown key too soon after the last time: not fetched again, and refused.
    assert_eq!(
        issuer.said(&of(&new, "new", NOW + 9), NOW + 9).await,
        "no key of the issuer fits"
    );
    assert_eq!(
        issuer.said(&of(&new, "new", NOW + 10), NOW + 10).await,
        GOOD
    );
    assert_eq!(
        issuer.said(&of(&old, "old", NOW + 10), NOW + 10).await,
        "no key of the issuer fits"
    );
    issuer.vanish();
    let within = NOW + 10 + 86_399;
    assert_eq!(issuer.said(&of(&new, "new", within), within).await, GOOD);
    let beyond = NOW + 10 + 86_400;
    let said = issuer.said(&of(&new, "new", beyond), beyond).await;
    assert!(
        said.starts_with("the issuer's keys cannot be had"),
        "{said}"
    );
}

#[tokio::test]
async fn a_token_that_names_no_key_makes_newer_keys_be_looked_for() {
    let (old, new) = (ec("old"), ec("new"));
    let issuer = TestIssuer::new(&[&old], |_| {});
    let of = |key: &TestKey| signed(key, None, &claims(|_| {}));
    assert_eq!(issuer.said(&of(&old), NOW).await, GOOD);
    issuer.publish(&[&new]);
    assert_eq!(
        issuer.said(&of(&new), NOW + 9).await,
        "its signature is wrong"
    );
    assert_eq!(issuer.said(&of(&new), NOW + 10).await, GOOD);
    assert_eq!(
        issuer.said(&of(&old), NOW + 11).await,
        "its signature is wrong"
    );
}

#[tokio::test]
async fn weak_and_foreign_keys_are_never_used() {
    let key = ec("a");
    for change in [
        json!({"use": "enc"}),
        json!({"key_ops": ["sign"]}),
        json!({"alg": "RS256"}),
        json!({"crv": "P-384"}),
        json!({"kty": "oct", "k": base64(b"secret")}),
    ] {
        let mut weak = key.clone();
        for (name, value) in change.as_object().unwrap() {
            weak.public[name] = value.clone();
        }
        let issuer = TestIssuer::new(&[&weak], |_| {});
        let token = signed(&key, Some("a"), &claims(|_| {}));
        assert_ne!(issuer.said(&token, NOW).await, GOOD, "{change}");
    }
    let mut short = rsa();
    short.public["n"] = json!(base64([0xff; 128]));
    let issuer = TestIssuer::new(&[&short], |_| {});
    let token = signed(&rsa(), Some("rsa"), &claims(|_| {}));
    assert_eq!(issuer.said(&token, NOW).await, "no key of the issuer fits");
}

#[tokio::test]
async fn a_preset_asks_for_what_its_tokens_always_have() {
    let key = ec("a");
    let token = signed(&key, Some("a"), &claims(|_| {}));
    let issuer = TestIssuer::new(&[&key], |i| i.preset = Some("kubernetes".into()));
    let said = issuer.said(&token, NOW).await;
    assert_eq!(
        said,
        "the claim kubernetes.io is missing or of another type than expected"
    );
    let spiffe = TestIssuer::new(&[&key], |i| {
        i.preset = Some("spiffe".into());
        i.issuer = Some("spiffe://acme.example".into());
    });
    for (subject, good) in [
        ("spiffe://acme.example/ns/reports", true),
        ("spiffe://acme.example.evil/ns/reports", false),
        ("spiffe://acme.example", false),
        ("repo:acme/reports", false),
    ] {
        let token = claims(|c| {
            c["sub"] = json!(subject);
            c.as_object_mut().unwrap().remove("iss");
        });
        let said = spiffe.said(&signed(&key, Some("a"), &token), NOW).await;
        assert_eq!(said == subject, good, "{subject}: {said}");
    }
}

proptest! {
    #[test]
    fn nothing_that_is_sent_panics(token in "[a-zA-Z0-9._=-]{0,200}") {
        let _ = read(&token);
    }

    #[test]
    fn no_changed_token_is_accepted(at in 0_usize..10_000, to in "[a-zA-Z0-9._-]") {
        let key = ec("a");
        let issuer = TestIssuer::new(&[&key], |_| {});
        let good = signed(&key, Some("a"), &claims(|_| {}));
        let at = at % good.len();
        let mut changed = good.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != good);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = runtime.block_on(issuer.said(&changed, NOW));
        prop_assert_ne!(said, GOOD);
    }
}
