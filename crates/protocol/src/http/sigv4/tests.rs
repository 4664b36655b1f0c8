//! Tests of signatures: the cases of AWS's own suite and manuals, and a table of what its Python library signs.

use super::{Credentials, Payload, Request, Scope, SecretKey, SignError, sign};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// The credentials, the moment (2015-08-30, 12:36:00) and the host of AWS's test suite.
const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const MOMENT: u64 = 1_440_938_160;
const HOST: &str = "example.amazonaws.com";

/// A request that the suite signs, to be changed.
#[derive(Clone, Copy)]
struct Case<'a> {
    key: &'a str,
    secret: &'a str,
    token: Option<&'a str>,
    region: &'a str,
    service: &'a str,
    moment: u64,
    method: &'a str,
    host: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a [(&'a str, &'a str)],
    /// `None` is unsigned.
    body: Option<&'a str>,
}

const VANILLA: Case<'_> = Case {
    key: KEY,
    secret: SECRET,
    token: None,
    region: "us-east-1",
    service: "service",
    moment: MOMENT,
    method: "GET",
    host: HOST,
    path: "/",
    query: None,
    headers: &[],
    body: Some(""),
};

impl Case<'_> {
    fn sign(&self) -> Result<Vec<(HeaderName, HeaderValue)>, SignError> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let credentials = Credentials {
            access_key_id: self.key,
            secret: SecretKey::new(self.secret),
            session_token: self.token,
        };
        let scope = Scope {
            region: self.region,
            service: self.service,
        };
        let request = Request {
            method: &Method::from_bytes(self.method.as_bytes()).unwrap(),
            host: self.host,
            path: self.path,
            query: self.query,
            headers: &headers,
            payload: self
                .body
                .map_or(Payload::Unsigned, |body| Payload::of(body.as_bytes())),
        };
        sign(&credentials, &scope, self.moment, &request)
    }

    /// The names of the signed fields and the signature.
    fn signature(&self) -> (String, String) {
        let added = self.sign().unwrap();
        let (name, value) = added.last().unwrap();
        assert_eq!(name, "authorization");
        let (_, rest) = value
            .to_str()
            .unwrap()
            .split_once("SignedHeaders=")
            .unwrap();
        let (signed, signature) = rest.split_once(", Signature=").unwrap();
        (signed.to_owned(), signature.to_owned())
    }
}

#[test]
fn the_cases_of_the_suite_are_signed_as_aws_does() {
    let check = |name: &str, case: Case<'_>, expected: &str| {
        assert_eq!(case.signature().1, expected, "{name}");
    };
    let get = VANILLA;
    let query = |query| Case {
        query: Some(query),
        ..get
    };
    let path = |path| Case { path, ..get };
    let post = Case {
        method: "POST",
        ..get
    };
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    check("get-vanilla", get, vanilla);
    check("get-vanilla-query", query(""), vanilla);
    check(
        "get-vanilla-empty-query-key",
        query("Param1=value1"),
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    );
    check(
        "get-vanilla-query-order-key-case",
        query("Param2=value2&Param1=value1"),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    );
    let letters = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let pair = [letters, letters].join("=");
    check(
        "get-vanilla-query-unreserved",
        query(&pair),
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    );
    check(
        "get-vanilla-utf8-query",
        query("%E1%88%B4=bar"),
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    );
    let whole = ["/", letters].concat();
    check(
        "get-unreserved",
        path(&whole),
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    );
    check(
        "post-vanilla",
        post,
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    );
    check(
        "post-vanilla-query",
        Case {
            query: Some("Param1=value1"),
            ..post
        },
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    );
    check(
        "post-x-www-form-urlencoded",
        Case {
            headers: &[("Content-Type", "application/x-www-form-urlencoded")],
            body: Some("Param1=value1"),
            ..post
        },
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    );
}

#[test]
fn fields_are_signed_as_aws_does() {
    let check = |name: &str, headers: &[(&str, &str)], expected: &str| {
        let case = Case { headers, ..VANILLA };
        assert_eq!(case.signature().1, expected, "{name}");
    };
    check(
        "get-header-key-duplicate",
        &[
            ("My-Header1", "value2"),
            ("My-Header1", "value2"),
            ("My-Header1", "value1"),
        ],
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    );
    check(
        "get-header-value-order",
        &[
            ("My-Header1", "value4"),
            ("My-Header1", "value1"),
            ("My-Header1", "value3"),
            ("My-Header1", "value2"),
        ],
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    );
    check(
        "get-header-value-trim",
        &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    );
}

/// `Authenticating Requests: Using the Authorization Header`, in the manual of S3.
#[test]
fn the_examples_of_the_s3_manual_are_signed() {
    let manual = Case {
        key: "AKIAIOSFODNN7EXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        service: "s3",
        moment: 1_369_353_600,
        host: "examplebucket.s3.amazonaws.com",
        ..VANILLA
    };
    let check = |case: Case<'_>, expected: &str| {
        assert_eq!(
            case.signature().1,
            expected,
            "{} {:?}",
            case.path,
            case.query
        );
    };
    check(
        Case {
            path: "/test.txt",
            headers: &[("range", "bytes=0-9")],
            ..manual
        },
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    let put = Case {
        method: "PUT",
        path: "/test$file.text",
        headers: &[
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ],
        body: Some("Welcome to Amazon S3."),
        ..manual
    };
    let signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
    check(put, signature);
    check(
        Case {
            path: "/test%24file.text",
            ..put
        },
        signature,
    );
    check(
        Case {
            query: Some("lifecycle"),
            ..manual
        },
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    );
    check(
        Case {
            query: Some("max-keys=2&prefix=J"),
            ..manual
        },
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
}

#[test]
fn what_is_added_is_what_the_service_wants() {
    let added = VANILLA.sign().unwrap();
    let added: Vec<_> = added
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert_eq!(
        added,
        [
            ("x-amz-date", "20150830T123600Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders=host;x-amz-date, \
                 Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
            ),
        ]
    );
    let check = |case: Case<'_>, expected: &[&str]| {
        let added = case.sign().unwrap();
        assert!(
            added
                .iter()
                .map(|(name, _)| name.as_str())
                .eq(expected.iter().copied())
        );
        for (name, value) in added {
            let secret = ["authorization", "x-amz-security-token"].contains(&name.as_str());
            assert_eq!(value.is_sensitive(), secret, "{name}");
        }
    };
    let s3 = Case {
        service: "s3",
        ..VANILLA
    };
    let token = Some("t");
    check(s3, &["x-amz-date", "x-amz-content-sha256", "authorization"]);
    check(
        Case {
            body: None,
            ..VANILLA
        },
        &["x-amz-date", "x-amz-content-sha256", "authorization"],
    );
    check(
        Case { token, ..VANILLA },
        &["x-amz-date", "x-amz-security-token", "authorization"],
    );
    check(
        Case { token, ..s3 },
        &[
            "x-amz-date",
            "x-amz-content-sha256",
            "x-amz-security-token",
            "authorization",
        ],
    );
    let host = Case {
        headers: &[("host", "other")],
        ..VANILLA
    };
    assert_eq!(host.signature(), VANILLA.signature());
}

#[test]
fn what_services_read_in_two_ways_is_not_signed() {
    let check = |case: Case<'_>, expected: SignError| {
        assert_eq!(case.sign().err(), Some(expected));
    };
    let name = |part| SignError::Name { part };
    let s3 = Case {
        service: "s3",
        ..VANILLA
    };
    check(Case { key: "", ..VANILLA }, name("access key id"));
    check(
        Case {
            key: "A/B",
            ..VANILLA
        },
        name("access key id"),
    );
    check(
        Case {
            region: "a b",
            ..VANILLA
        },
        name("region"),
    );
    check(
        Case {
            service: "s3,",
            ..VANILLA
        },
        name("service"),
    );
    check(
        Case {
            service: &"a".repeat(129),
            ..VANILLA
        },
        name("service"),
    );
    check(
        Case {
            token: Some("a\nb"),
            ..VANILLA
        },
        SignError::Value {
            part: "session token",
        },
    );
    check(
        Case {
            host: "a\r\nb",
            ..VANILLA
        },
        SignError::Value { part: "host" },
    );
    check(
        Case {
            moment: u64::MAX,
            ..VANILLA
        },
        SignError::Moment,
    );
    check(
        Case {
            path: "",
            ..VANILLA
        },
        SignError::Path,
    );
    check(
        Case {
            path: "a",
            ..VANILLA
        },
        SignError::Path,
    );
    check(
        Case {
            path: "/a%2Fb",
            ..s3
        },
        SignError::Path,
    );
    check(Case { path: "/%", ..s3 }, SignError::Path);
    check(
        Case {
            query: Some("a=b+c"),
            ..VANILLA
        },
        SignError::Plus,
    );
    check(
        Case {
            query: Some("a=%zz"),
            ..VANILLA
        },
        SignError::Query,
    );
    for reserved in [
        "Authorization",
        "X-Amz-Date",
        "X-Amz-Security-Token",
        "X-Amz-Content-Sha256",
    ] {
        check(
            Case {
                headers: &[(reserved, "a")],
                ..VANILLA
            },
            SignError::Reserved,
        );
    }
}

/// Made with botocore 1.43.11, which agreed on 20,000 more that were made at random.
#[test]
fn requests_are_signed_as_the_python_library_does() {
    type Row<'a> = (
        &'a str,
        Option<&'a str>,
        &'a str,
        &'a str,
        Option<&'a str>,
        &'a [(&'a str, &'a str)],
        Option<&'a str>,
        &'a str,
        &'a str,
    );
    let rows: &[Row<'_>] = &[
        // Service, token, method, path, query, fields, body, signed fields, signature.
        (
            "es",
            None,
            "GET",
            "/logs-%2A/_search;v=1",
            None,
            &[],
            Some(""),
            "host;x-amz-date",
            "e025af596857a2f1f67def73d74cf860a1cdc20a21fab4e457fb1a9a957c80d9",
        ),
        (
            "es",
            None,
            "POST",
            "/a:b@c/%C3%A4%20%25/",
            Some("q=a%20b&Q=%2B"),
            &[("content-type", "application/json")],
            Some("{\"query\":{}}"),
            "content-type;host;x-amz-date",
            "807021df2a6355533434b6539bd426d32b6386e9c483d01262bd40c4a99d6198",
        ),
        (
            "execute-api",
            Some("token/with+signs=="),
            "DELETE",
            "/prod/items/42",
            Some("b=2&a=%C3%A4&a=1&c"),
            &[("x-amz-meta-a", " a \t b "), ("x-amz-meta-a", "c")],
            Some(""),
            "host;x-amz-date;x-amz-meta-a;x-amz-security-token",
            "81bba8f2d5994494e79ce1a654baad5e43b33b020a232232f7cf24220820342e",
        ),
        (
            "execute-api",
            None,
            "PUT",
            "/",
            None,
            &[("content-type", "text/plain; charset=utf-8")],
            None,
            "content-type;host;x-amz-content-sha256;x-amz-date",
            "6157c6ed4cc2f5c8c46207f35d02d1b3eff9bcabbc84d4a7b16aa667202b41a7",
        ),
        (
            "dynamodb",
            None,
            "POST",
            "/",
            None,
            &[
                ("x-amz-target", "DynamoDB_20120810.GetItem"),
                ("content-type", "application/x-amz-json-1.0"),
            ],
            Some("{}"),
            "content-type;host;x-amz-date;x-amz-target",
            "8b5e9a2efc591886aa73450f61154705a7f50deea3d667200391bdba646833ff",
        ),
        (
            "monitoring",
            None,
            "GET",
            "/",
            Some("Action=ListMetrics&Version=2010-08-01"),
            &[],
            Some(""),
            "host;x-amz-date",
            "1014e99220d7214b707366db0cd70978663055f70f6a999cf435ca44ea090e24",
        ),
        (
            "s3",
            None,
            "GET",
            "/bucket/a%20b/%C3%A4~%21%28%29%3A/",
            Some("list-type=2&prefix=a/b&delimiter=/"),
            &[("range", "bytes=0-9")],
            Some(""),
            "host;range;x-amz-content-sha256;x-amz-date",
            "abf3f21f9f11af5124f3f2eca929a760477dc40d4732562582c06f296b55f3c5",
        ),
        (
            "s3",
            Some("token"),
            "PUT",
            "/bucket/%2525%3Bv%3D1",
            None,
            &[
                ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
                ("x-amz-acl", "private"),
            ],
            None,
            "content-md5;host;x-amz-acl;x-amz-content-sha256;x-amz-date;x-amz-security-token",
            "879bac6102f0181459a2a244b8499b5ab5fa3c2174ebd8f727c65f7714b93854",
        ),
        (
            "s3",
            None,
            "POST",
            "/bucket/key",
            Some("uploads"),
            &[],
            Some(""),
            "host;x-amz-content-sha256;x-amz-date",
            "77a51f4d8927b5ddd2eb9cbaf49ed672f37d7251d1dec152d970f5bbdd092463",
        ),
        (
            "s3",
            None,
            "HEAD",
            "/",
            Some(""),
            &[],
            Some(""),
            "host;x-amz-content-sha256;x-amz-date",
            "8985d59cc40d73467768d813ef42bad3f8a50ee37feb0b6cc061af833ef528c2",
        ),
        (
            "service",
            None,
            "PATCH",
            "/~a/-._/%7C%5B%5D",
            Some("%24filter=a%20eq%20%27b%27&%24top=%3D%26&A=&a="),
            &[("my-header", "\"a  b\"  c")],
            Some("x"),
            "host;my-header;x-amz-date",
            "72cd934f91bbec1bc71619162874566da3563ce03170102bfa151148ed4c2c29",
        ),
    ];
    for (service, token, method, path, query, headers, body, signed, signature) in rows {
        let case = Case {
            region: "eu-central-1",
            moment: 1_709_210_096,
            host: "api.example.com:8443",
            service,
            token: *token,
            method,
            path,
            query: *query,
            headers,
            body: *body,
            ..VANILLA
        };
        let expected = ((*signed).to_owned(), (*signature).to_owned());
        assert_eq!(case.signature(), expected, "{service} {method} {path}");
    }
}
