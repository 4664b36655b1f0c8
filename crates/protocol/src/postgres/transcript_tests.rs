//! What is written reads back as it was, and what was cut or changed is refused: every message, both ways.

use super::backend::{self, Authentication, BackendMessage as B, FieldDescription};
use super::encode::{self, Report};
use super::frontend::{self, Bind, Execute, FrontendMessage as F, Parse};
use super::startup::{CancelKey, ProtocolVersion};
use super::types::{Format, Formats, Named, TransactionStatus};
use super::{BackendTag, FrontendTag, Tag, frame};
use bytes::{BufMut, BytesMut};
use proptest::prelude::*;
use zeroize::Zeroizing;

fn client(out: &BytesMut, expected: F<'_>) {
    let frame = frame::peek::<FrontendTag>(out).unwrap().unwrap();
    assert_eq!(frame.raw.len(), out.len());
    assert_eq!(frontend::parse(frame.tag, frame.body), Ok(expected));
    if matches!(
        frame.tag,
        FrontendTag::Password | FrontendTag::CopyFail | FrontendTag::Query
    ) {
        let longer = [frame.body, b"\0"].concat();
        assert!(frontend::parse(frame.tag, &longer).is_err());
    }
    for cut in 0..frame.body.len() {
        assert!(
            frontend::parse(frame.tag, &frame.body[..cut]).is_err(),
            "{:?} {cut}",
            frame.tag
        );
    }
}

#[test]
fn messages_for_targets_read_back() {
    let mut out = BytesMut::new();
    let mut check = |write: &dyn Fn(&mut BytesMut), expected: F<'_>| {
        out.clear();
        write(&mut out);
        client(&out, expected);
    };
    check(
        &|o| encode::query(o, "SELECT 'ä'").unwrap(),
        F::Query("SELECT 'ä'"),
    );
    check(
        &|o| encode::parse(o, "s1", "SELECT $1", &[25, 0]).unwrap(),
        F::Parse(Parse {
            name: "s1",
            query: "SELECT $1",
            parameter_types: vec![25, 0],
        }),
    );
    let bind = Bind {
        portal: "p",
        statement: "s1",
        parameter_formats: Formats::new(vec![Format::Text, Format::Binary, Format::Text]),
        parameters: vec![Some(b"a"), None, Some(b"")],
        result_formats: Formats::new(vec![Format::Binary]),
    };
    check(&|o| encode::bind(o, &bind).unwrap(), F::Bind(bind.clone()));
    for named in [Named::Statement("s1"), Named::Portal("")] {
        check(&|o| encode::describe(o, named).unwrap(), F::Describe(named));
        check(&|o| encode::close(o, named).unwrap(), F::Close(named));
    }
    check(
        &|o| encode::execute(o, "p", 10).unwrap(),
        F::Execute(Execute {
            portal: "p",
            max_rows: 10,
        }),
    );
    check(&|o| encode::sync(o), F::Sync);
    check(&|o| encode::flush(o), F::Flush);
    check(&|o| encode::terminate(o), F::Terminate);
    check(&|o| encode::copy_fail(o, "refused"), F::CopyFail("refused"));
}

#[test]
fn a_password_reads_back_and_does_not_show() {
    let mut out = BytesMut::new();
    encode::password(&mut out, "s3cret").unwrap();
    let frame = frame::peek::<FrontendTag>(&out).unwrap().unwrap();
    let message = frontend::parse(frame.tag, frame.body).unwrap();
    assert!(!format!("{message:?}").contains("s3cret"));
    let F::Password(password) = message else {
        panic!("not a password")
    };
    assert_eq!(password.expose(), "s3cret");
}

#[test]
fn a_nul_never_reaches_a_target_and_leaves_nothing_behind() {
    let mut out = BytesMut::from(&b"before"[..]);
    assert!(encode::query(&mut out, "SELECT 1\0DROP TABLE t").is_err());
    assert!(encode::parse(&mut out, "a\0", "", &[]).is_err());
    assert!(encode::parse(&mut out, "", "", &[0; 65_536]).is_err());
    assert!(encode::password(&mut out, "a\0b").is_err());
    assert!(encode::describe(&mut out, Named::Portal("\0")).is_err());
    assert!(
        encode::startup(
            &mut out,
            ProtocolVersion::V3_0,
            [("user", "a\0database\0x")]
        )
        .is_err()
    );
    assert_eq!(&out[..], b"before");
    encode::command_complete(&mut out, "SET\0X");
    assert_eq!(&out[6..], b"C\0\0\0\x09SETX\0");
}

fn target(out: &[u8], expected: B<'_>) {
    let frame = frame::peek::<BackendTag>(out).unwrap().unwrap();
    assert_eq!(frame.raw.len(), out.len());
    assert_eq!(backend::parse(frame.tag, frame.body), Ok(expected));
    assert!(
        backend::parse(frame.tag, &[frame.body, &[0; 300]].concat()).is_err(),
        "{:?}",
        frame.tag
    );
}

#[test]
fn messages_for_clients_read_back() {
    let mut out = BytesMut::new();
    let mut check = |write: &dyn Fn(&mut BytesMut), expected: B<'_>| {
        out.clear();
        write(&mut out);
        target(&out, expected);
    };
    check(
        &encode::authentication_ok,
        B::Authentication(Authentication::Ok),
    );
    check(
        &encode::authentication_cleartext_password,
        B::Authentication(Authentication::CleartextPassword),
    );
    check(
        &|o| encode::parameter_status(o, "TimeZone", "UTC"),
        B::ParameterStatus {
            name: "TimeZone",
            value: "UTC",
        },
    );
    let key = CancelKey {
        process_id: 3,
        secret: Zeroizing::new(vec![1, 2, 3, 4]),
    };
    check(
        &|o| encode::backend_key_data(o, &key),
        B::BackendKeyData {
            process_id: 3,
            secret: &[1, 2, 3, 4],
        },
    );
    for status in [
        TransactionStatus::Idle,
        TransactionStatus::InBlock,
        TransactionStatus::Failed,
    ] {
        check(
            &|o| encode::ready_for_query(o, status),
            B::ReadyForQuery(status),
        );
    }
    let unknown = vec!["_pq_.x".to_owned()];
    check(
        &|o| encode::negotiate_protocol_version(o, ProtocolVersion::V3_2, &unknown),
        B::NegotiateProtocolVersion {
            newest_minor: 196_610,
            unknown_options: vec!["_pq_.x"],
        },
    );
    check(
        &|o| encode::command_complete(o, "INSERT 0 1"),
        B::CommandComplete("INSERT 0 1"),
    );
    check(&encode::empty_query_response, B::EmptyQueryResponse);
    check(&encode::parse_complete, B::ParseComplete);
    check(&encode::bind_complete, B::BindComplete);
    check(&encode::close_complete, B::CloseComplete);
    check(&encode::no_data, B::NoData);
    check(
        &|o| encode::notification_response(o, 9, "jobs", "7"),
        B::NotificationResponse {
            process_id: 9,
            channel: "jobs",
            payload: "7",
        },
    );
}

#[test]
fn a_report_has_what_clients_look_for() {
    let mut out = BytesMut::new();
    let report = Report {
        severity: "ERROR",
        sqlstate: "42501",
        message: "DROP DATABASE never runs through the gateway",
        detail: None,
        hint: Some("ask"),
    };
    encode::error_response(&mut out, &report);
    let frame = frame::peek::<BackendTag>(&out).unwrap().unwrap();
    let Ok(B::ErrorResponse(fields)) = backend::parse(frame.tag, frame.body) else {
        panic!("not an error")
    };
    assert_eq!(fields.sqlstate(), Some("42501"));
    assert_eq!(fields.get(b'V'), Some("ERROR"));
    assert_eq!((fields.get(b'D'), fields.get(b'H')), (None, Some("ask")));
    out.clear();
    let long = "ä".repeat(100_000);
    encode::notice_response(
        &mut out,
        &Report {
            message: &long,
            ..report
        },
    );
    let frame = frame::peek::<BackendTag>(&out).unwrap().unwrap();
    assert!(matches!(
        backend::parse(frame.tag, frame.body),
        Ok(B::NoticeResponse(_))
    ));
    assert!(out.len() < 66_000);
}

#[test]
fn the_steps_of_a_login_are_read() {
    let check = |tag: BackendTag, body: &[u8], expected: Option<B<'_>>| {
        assert_eq!(backend::parse(tag, body).ok(), expected, "{tag:?} {body:?}");
    };
    use Authentication as A;
    let auth = |a| Some(B::Authentication(a));
    check(
        BackendTag::Authentication,
        b"\0\0\0\x05abcd",
        auth(A::Md5Password { salt: *b"abcd" }),
    );
    check(BackendTag::Authentication, b"\0\0\0\x05abc", None);
    check(
        BackendTag::Authentication,
        b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0",
        auth(A::Sasl(vec!["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"])),
    );
    check(
        BackendTag::Authentication,
        b"\0\0\0\x0aSCRAM-SHA-256\0",
        None,
    );
    check(
        BackendTag::Authentication,
        b"\0\0\0\x0br=x",
        auth(A::SaslContinue(b"r=x")),
    );
    check(
        BackendTag::Authentication,
        b"\0\0\0\x0cv=x",
        auth(A::SaslFinal(b"v=x")),
    );
    check(
        BackendTag::Authentication,
        b"\0\0\0\x07",
        auth(A::Unsupported(7)),
    );
}

#[test]
fn shapes_and_states_of_targets_are_read() {
    let check = |tag: BackendTag, body: &[u8], expected: Option<B<'_>>| {
        assert_eq!(backend::parse(tag, body).ok(), expected, "{tag:?} {body:?}");
    };
    check(BackendTag::BackendKeyData, b"\0\0\0\x01abc", None);
    check(BackendTag::BackendKeyData, &[0; 4 + 257], None);
    check(BackendTag::ReadyForQuery, b"X", None);
    check(
        BackendTag::ParameterDescription,
        b"\0\x02\0\0\0\x19\0\0\0\0",
        Some(B::ParameterDescription(vec![25, 0])),
    );
    check(BackendTag::ParameterDescription, b"\xff\xff", None);
    check(BackendTag::RowDescription, b"\xff\xff\0", None);
    check(
        BackendTag::RowDescription,
        b"\0\0",
        Some(B::RowDescription(vec![])),
    );
    check(
        BackendTag::NegotiateProtocolVersion,
        b"\0\x03\0\0\x7f\xff\xff\xff",
        None,
    );
    check(BackendTag::CopyOutResponse, b"\x02\0\0", None);
    check(BackendTag::CopyOutResponse, b"\0\0\x01\0\x02", None);
    check(
        BackendTag::FunctionCallResponse,
        b"\xff\xff\xff\xff",
        Some(B::FunctionCallResponse(None)),
    );
    check(BackendTag::FunctionCallResponse, b"\xff\xff\xff\xfe", None);
    let mut shape = BytesMut::from(&b"\0\x01ssn\0"[..]);
    shape.put_u32(16_400);
    shape.put_i16(3);
    shape.put_u32(25);
    shape.put_i16(-1);
    shape.put_i32(-1);
    shape.put_i16(1);
    let field = FieldDescription {
        name: "ssn",
        table_oid: 16_400,
        column: 3,
        type_oid: 25,
        type_size: -1,
        type_modifier: -1,
        format: Format::Binary,
    };
    check(
        BackendTag::RowDescription,
        &shape,
        Some(B::RowDescription(vec![field])),
    );
}

#[test]
fn a_row_of_a_hostile_target_is_not_walked_past_its_end() {
    let check = |body: &[u8], expected: Option<Vec<Option<&[u8]>>>| {
        let fields = match backend::parse(BackendTag::DataRow, body) {
            Ok(B::DataRow(row)) => row.fields().ok(),
            _ => None,
        };
        assert_eq!(fields, expected, "{body:?}");
    };
    check(b"\0\0", Some(vec![]));
    check(
        b"\0\x02\xff\xff\xff\xff\0\0\0\x01a",
        Some(vec![None, Some(b"a")]),
    );
    check(b"\0\x01\0\0\0\x02a", None);
    check(b"\0\x01\x7f\xff\xff\xffa", None);
    check(b"\0\x01\xff\xff\xff\xfea", None);
    check(b"\0\x01\0\0\0\x01ab", None);
    check(b"\xff\xff\0\0\0\0", None);
    check(b"\0", None);
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Text), Just(Format::Binary)]
}

proptest! {
    #[test]
    fn any_bind_reads_back(
        portal in "[^\0]{0,9}",
        statement in "[^\0]{0,9}",
        values in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)), 0..5),
        one in format(),
        results in proptest::collection::vec(format(), 0..4),
    ) {
        let bind = Bind {
            portal: &portal,
            statement: &statement,
            parameter_formats: Formats::new(vec![one; values.len()]),
            parameters: values.iter().map(|v| v.as_deref()).collect(),
            result_formats: Formats::new(results),
        };
        let mut out = BytesMut::new();
        encode::bind(&mut out, &bind).unwrap();
        let frame = frame::peek::<FrontendTag>(&out).unwrap().unwrap();
        prop_assert_eq!(frontend::parse(frame.tag, frame.body), Ok(F::Bind(bind)));
    }

    #[test]
    fn any_body_is_read_or_refused(body: Vec<u8>) {
        for tag in FrontendTag::ALL {
            let _ = frontend::parse(*tag, &body);
        }
        for tag in BackendTag::ALL {
            if let Ok(B::DataRow(row)) = backend::parse(*tag, &body) {
                let _ = row.fields();
            }
        }
    }

    #[test]
    fn any_stream_is_framed_or_refused(bytes: Vec<u8>) {
        if let Ok(Some(frame)) = frame::peek::<FrontendTag>(&bytes) {
            prop_assert!(frame.raw.len() <= bytes.len());
            prop_assert_eq!(frame.body.len() + 5, frame.raw.len());
        }
        let _ = frame::peek::<BackendTag>(&bytes);
    }
}
