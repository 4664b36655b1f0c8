//! Tests of COPY: tables of (sent, expected), each also cut at every place.

use super::*;
use crate::postgres::frame;
use crate::postgres::testing::{DigitMask, FirstLetter};
use std::sync::Arc;

fn columns(edits: &[FieldEdit]) -> Vec<ColumnEdit> {
    edits
        .iter()
        .map(|edit| ColumnEdit {
            type_oid: 25,
            format: Format::Text,
            edit: edit.clone(),
        })
        .collect()
}

fn contents(out: &[u8]) -> Vec<u8> {
    let mut rest = out;
    let mut all = Vec::new();
    while let Some(frame) = frame::peek::<BackendTag>(rest).unwrap() {
        assert_eq!(frame.tag, BackendTag::CopyData);
        all.extend_from_slice(frame.body);
        rest = &rest[frame.raw.len()..];
    }
    assert!(rest.is_empty());
    all
}

fn run(
    format: &CopyFormat,
    edits: &[FieldEdit],
    chunks: &[&[u8]],
) -> Result<(Vec<u8>, u64), CopyError> {
    let mut editor = CopyEditor::new(format.clone(), columns(edits));
    let mut out = BytesMut::new();
    let mut rows = 0;
    for chunk in chunks {
        rows += editor.push(chunk, &mut out)?;
    }
    editor.finish()?;
    Ok((contents(&out), rows))
}

fn check(format: &CopyFormat, edits: &[FieldEdit], sent: &[u8], expected: &[u8], rows: u64) {
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for cut in 0..=sent.len() {
        let (before, after) = sent.split_at(cut);
        let (got, count) = run(format, edits, &[before, after]).unwrap();
        assert_eq!(show(&got), show(expected), "cut at {cut}");
        assert_eq!(count, rows);
    }
    let bytes: Vec<&[u8]> = sent.chunks(1).collect();
    assert_eq!(show(&run(format, edits, &bytes).unwrap().0), show(expected));
}

fn scan() -> FieldEdit {
    FieldEdit::Scan(Arc::new(DigitMask))
}

fn text_rule() -> FieldEdit {
    FieldEdit::Text(Arc::new(FirstLetter))
}

#[test]
fn text_rows_keep_their_fields() {
    let text = CopyFormat::text();
    let edits = [FieldEdit::Clear, text_rule(), scan()];
    check(
        &text,
        &edits,
        b"1\tada\ttel 5551234567\n2\t\\N\tnone\\\\\\t\n\\\\\tx\\ny\t\\N\n",
        b"1\ta*, \"\\\\\\t)}\\n\ttel **********\n2\t\\N\tnone\\\\\\t\n\\\\\tx*, \"\\\\\\t)}\\n\t\\N\n",
        3,
    );
    check(&text, &[FieldEdit::Null], b"a\nb\n", b"\\N\n\\N\n", 2);
    check(
        &text,
        &[FieldEdit::Redact],
        b"\\x41\n\n",
        b"[redacted]\n[redacted]\n",
        2,
    );
    check(
        &text,
        &[FieldEdit::Redact, text_rule()],
        b"\\N\t\\N\na\t\\N\n",
        b"[redacted]\t\\N\n[redacted]\t\\N\n",
        2,
    );
    check(&text, &[], b"\n", b"\n", 1);
    let piped = CopyFormat::Text {
        delimiter: b'|',
        null: "NULL".to_owned(),
        header: true,
    };
    check(
        &piped,
        &[scan(), FieldEdit::Constant("a|b".into())],
        b"n1234567|x\na\\|1234567|y\nNULL|NULL\n",
        b"n1234567|x\na\\|*******|a\\|b\nNULL|NULL\n",
        2,
    );
}

#[test]
fn csv_rows_keep_their_fields() {
    let csv = CopyFormat::csv();
    check(
        &csv,
        &[FieldEdit::Clear, text_rule(), scan()],
        b"1,ada,5551234567\n\"2\n,\",,\"a \"\"1234567\"\",\n\"\n3,\"\",x\n",
        b"1,\"a*, \"\"\\\t)}\n\",**********\n\"2\n,\",,\"a \"\"*******\"\",\n\"\n3,\"*, \"\"\\\t)}\n\",x\n",
        3,
    );
    check(&csv, &[FieldEdit::Null, scan()], b"a,b\n", b",b\n", 1);
    // Neither NULL nor the quotes that only some values need can be told.
    check(
        &csv,
        &[FieldEdit::Redact, FieldEdit::Constant("x".into())],
        b",\n\"\",\"a,\"\n\"a \"\"b\"\"\",a\na,\n",
        b"[redacted],\n[redacted],x\n[redacted],x\n[redacted],\n",
        4,
    );
    check(
        &csv,
        &[FieldEdit::Constant("".into())],
        b"a\n",
        b"\"\"\n",
        1,
    );
    let odd = CopyFormat::Csv {
        delimiter: b';',
        quote: b'\'',
        escape: b'\\',
        null: "nil".to_owned(),
        header: true,
    };
    check(
        &odd,
        &[scan(), FieldEdit::Null],
        b"'a\n1234567';b\n'it\\'s 1234567\\\\';x\nnil;'nil'\n",
        b"'a\n1234567';b\n'it\\'s *******\\\\';nil\nnil;nil\n",
        2,
    );
}

fn tuple(fields: &[Option<&[u8]>]) -> Vec<u8> {
    let mut row = i16::try_from(fields.len()).unwrap().to_be_bytes().to_vec();
    for field in fields {
        match field {
            None => row.extend((-1_i32).to_be_bytes()),
            Some(value) => {
                row.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
                row.extend_from_slice(value);
            }
        }
    }
    row
}

fn binary(rows: &[Vec<u8>]) -> Vec<u8> {
    let mut data = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    data.extend(rows.concat());
    data.extend((-1_i16).to_be_bytes());
    data
}

#[test]
fn binary_rows_keep_their_fields() {
    let sent = binary(&[
        tuple(&[Some(b"ada"), Some(b"5551234567")]),
        tuple(&[None, None]),
        tuple(&[Some(b""), Some(b"x")]),
    ]);
    let expected = binary(&[
        tuple(&[None, Some(b"**********")]),
        tuple(&[None, None]),
        tuple(&[None, Some(b"x")]),
    ]);
    check(
        &CopyFormat::Binary,
        &[FieldEdit::Null, scan()],
        &sent,
        &expected,
        3,
    );
    let redacted: Option<&[u8]> = Some(b"[redacted]");
    check(
        &CopyFormat::Binary,
        &[FieldEdit::Redact, FieldEdit::Clear],
        &binary(&[tuple(&[None, None]), tuple(&[Some(b"a"), None])]),
        &binary(&[tuple(&[redacted, None]), tuple(&[redacted, None])]),
        2,
    );
    check(&CopyFormat::Binary, &[], &binary(&[]), &binary(&[]), 0);
}

#[test]
fn what_is_not_of_the_format_ends_the_copy() {
    let check = |format: CopyFormat, sent: &[u8]| {
        let outcome = run(&format, &[scan(), scan()], &[sent]);
        assert!(outcome.is_err(), "{format:?} {sent:?} {outcome:?}");
    };
    for sent in [&b"a\n"[..], b"a\tb\tc\n", b"\n", b"a\tb", b"a\\\tb\n"] {
        check(CopyFormat::text(), sent);
    }
    for sent in [&b"a\n"[..], b"a,b,c\n", b"a,\"b\n", b"a,b"] {
        check(CopyFormat::csv(), sent);
    }
    let good = binary(&[tuple(&[Some(b"a"), None])]);
    let with = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        bad
    };
    check(CopyFormat::Binary, b"");
    check(CopyFormat::Binary, &good[..good.len() - 1]);
    check(CopyFormat::Binary, &[good.clone(), vec![0]].concat());
    check(CopyFormat::Binary, &with(0, b'X'));
    check(CopyFormat::Binary, &with(15, 0x7f));
    check(CopyFormat::Binary, &with(20, 3));
    check(CopyFormat::Binary, &with(19, 0x80));
    check(CopyFormat::Binary, &with(21, 0x80));
    check(CopyFormat::Binary, &with(21, 0x7f));
}

#[test]
fn a_row_that_cannot_be_masked_leaves_the_rows_before_it_and_no_more() {
    let mut editor = CopyEditor::new(CopyFormat::text(), columns(&[scan(), FieldEdit::Redact]));
    let mut out = BytesMut::new();
    assert!(editor.push(b"1234567\tx\n7654321\n", &mut out).is_err());
    assert_eq!(contents(&out), b"*******\t[redacted]\n");
}

#[test]
fn hostile_chunks_do_not_fill_memory() {
    let long_row = |format: CopyFormat, start: &[u8]| {
        let mut editor = CopyEditor::new(format, columns(&[scan()]));
        let mut out = BytesMut::new();
        let chunk = vec![b'a'; MAX_ROW / 2];
        let mut outcome = editor.push(start, &mut out);
        for _ in 0..3 {
            outcome = outcome.and_then(|_| editor.push(&chunk, &mut out));
            assert!(editor.pending.len() <= MAX_ROW);
        }
        assert_eq!(outcome, Err(CopyError::RowTooLarge));
        assert!(out.is_empty());
    };
    long_row(CopyFormat::text(), b"a");
    long_row(CopyFormat::csv(), b"\"\n");
    // A row that is too long and whole.
    let mut editor = CopyEditor::new(CopyFormat::text(), columns(&[FieldEdit::Redact]));
    let mut out = BytesMut::new();
    let mut chunk = vec![b'a'; MAX_ROW];
    chunk.push(b'\n');
    assert_eq!(editor.push(&chunk, &mut out), Err(CopyError::RowTooLarge));
    assert!(out.is_empty());
    // Many short rows that become long ones.
    let long = FieldEdit::Constant("x".repeat(1 << 20).into());
    let mut editor = CopyEditor::new(CopyFormat::text(), columns(&[long]));
    let outcome = editor.push(&b"a\n".repeat(1000), &mut out);
    assert_eq!(outcome, Err(CopyError::MaskedTooLarge));
    assert!(out.len() < MAX_MASKED + (2 << 20));
}

proptest::proptest! {
    #[test]
    fn any_data_in_any_pieces_is_read_the_same(
        data in proptest::collection::vec(proptest::sample::select(b"a1\n\t,\"\\'\0\xff".as_slice()), 0..60),
        cut in 0_usize..60,
    ) {
        let edits = [scan(), text_rule()];
        for format in [CopyFormat::text(), CopyFormat::csv(), CopyFormat::Binary] {
            let (before, after) = data.split_at(cut.min(data.len()));
            let whole = run(&format, &edits, &[&data]);
            let cut = run(&format, &edits, &[before, after]);
            proptest::prop_assert_eq!(whole.ok(), cut.ok());
        }
    }
}
