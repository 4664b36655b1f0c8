//! Every message type of the protocol, in one table per direction with what is done with it.
//!
//! A byte that is not in these enums is a violation; a variant without a row here does not compile.
//! Source: PostgreSQL documentation, "Message Formats", protocol 3.0 and 3.2.

use super::violation::{Peer, Violation};
use std::fmt::Write as _;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Nothing but a header: a few bytes are let through so that the reader, and not the frame, says what is wrong.
const LIMIT_EMPTY: usize = 16;
/// Messages that carry names: identifiers are 63 bytes, command tags and channel names are short.
const LIMIT_NAMES: usize = 64 * KIB;
/// A password, token or SASL message. Web tokens with many groups reach a few KiB.
const LIMIT_LOGIN: usize = 64 * KIB;
/// A statement. Longer ones are refused: they cannot be shown to an approver and cost the grammar too much.
const LIMIT_STATEMENT: usize = MIB;
/// The values bound to one statement. Larger ones can be streamed with COPY.
const LIMIT_BIND: usize = 64 * MIB;
/// One piece of a COPY from the client: what a server takes (`PQ_LARGE_MESSAGE_LIMIT`, less the length field).
/// It is passed on as it comes, so that none of it need be held.
const LIMIT_COPY_PIECE: usize = 0x3fff_fffe - 4;
/// One row, error or piece of COPY from the target, which is held whole while it is masked. The protocol
/// allows 1 GiB; more than this is refused rather than let one session hold that much.
const LIMIT_TARGET: usize = 64 * MIB;
/// The shape of an answer: at most 1,664 columns (the server's own limit) of up to 82 bytes, doubled.
const LIMIT_SHAPE: usize = 512 * KIB;

/// What is known of a message type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRule {
    /// The type byte.
    pub tag: u8,
    /// The name in the PostgreSQL documentation.
    pub name: &'static str,
    /// The most bytes that its body may have.
    pub limit: usize,
    /// What the gateway does with it.
    pub doc: &'static str,
}

/// A direction's message types.
pub trait Tag: Copy + Sized + 'static {
    /// Who sends them.
    const PEER: Peer;
    /// All of them.
    const ALL: &'static [Self];
    /// What is known of this one.
    fn rule(self) -> MessageRule;
    /// The type with this byte.
    ///
    /// # Errors
    /// [`Violation::UnknownMessage`] when there is none.
    fn from_byte(tag: u8) -> Result<Self, Violation>;
}

macro_rules! tags {
    ($(#[$meta:meta])* $enum:ident from $peer:expr; $($name:ident = $byte:literal, $limit:expr, $doc:literal;)+) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $enum {
            $(#[doc = $doc] $name = $byte,)+
        }

        impl Tag for $enum {
            const PEER: Peer = $peer;
            const ALL: &'static [Self] = &[$(Self::$name),+];

            fn rule(self) -> MessageRule {
                match self {
                    $(Self::$name => MessageRule {
                        tag: $byte,
                        name: stringify!($name),
                        limit: $limit,
                        doc: $doc,
                    },)+
                }
            }

            fn from_byte(tag: u8) -> Result<Self, Violation> {
                match tag {
                    $($byte => Ok(Self::$name),)+
                    _ => Err(Violation::UnknownMessage { peer: $peer, tag }),
                }
            }
        }
    };
}

tags! {
    /// Messages from a client, after the untyped first packet (see `startup`).
    FrontendTag from Peer::Client;
    Bind = b'B', LIMIT_BIND, "decided again with its values, recorded, rewritten from its parsed fields and forwarded";
    Close = b'C', LIMIT_NAMES, "forwarded; the statement or portal is forgotten";
    CopyData = b'd', LIMIT_COPY_PIECE, "forwarded as it comes while a decided COPY FROM STDIN is open, otherwise dropped as a server does";
    CopyDone = b'c', LIMIT_EMPTY, "forwarded while a decided COPY FROM STDIN is open, otherwise dropped as a server does";
    CopyFail = b'f', LIMIT_NAMES, "forwarded while a decided COPY FROM STDIN is open, otherwise dropped as a server does";
    Describe = b'D', LIMIT_NAMES, "forwarded for a statement or portal that was let through";
    Execute = b'E', LIMIT_NAMES, "decided and recorded, then forwarded";
    Flush = b'H', LIMIT_EMPTY, "forwarded";
    FunctionCall = b'F', LIMIT_NAMES, "refused: it calls a function by number, past any reading of SQL";
    Parse = b'P', LIMIT_STATEMENT, "read and decided; forwarded if it may run";
    Password = b'p', LIMIT_LOGIN, "read during login, where it carries the token; a violation afterwards; never forwarded";
    Query = b'Q', LIMIT_STATEMENT, "every statement in it is read, decided and recorded before any is forwarded";
    Sync = b'S', LIMIT_EMPTY, "forwarded; ends the skipping after a refusal";
    Terminate = b'X', LIMIT_EMPTY, "ends the session; forwarded";
}

tags! {
    /// Messages from a target, after the single byte that answers an SSLRequest.
    BackendTag from Peer::Target;
    Authentication = b'R', LIMIT_LOGIN, "answered during login with the leased credential; a violation afterwards; never forwarded";
    BackendKeyData = b'K', LIMIT_NAMES, "kept to cancel with; the client gets a key of the gateway's own";
    BindComplete = b'2', LIMIT_EMPTY, "forwarded";
    CloseComplete = b'3', LIMIT_EMPTY, "forwarded";
    CommandComplete = b'C', LIMIT_NAMES, "recorded as the operation's outcome and forwarded";
    CopyBothResponse = b'W', LIMIT_NAMES, "a violation: only replication starts it, and replication is refused";
    CopyData = b'd', LIMIT_TARGET, "split into rows, masked and forwarded";
    CopyDone = b'c', LIMIT_EMPTY, "forwarded after the last row";
    CopyInResponse = b'G', LIMIT_NAMES, "forwarded";
    CopyOutResponse = b'H', LIMIT_NAMES, "the mask plan is bound to it; forwarded";
    DataRow = b'D', LIMIT_TARGET, "masked by the plan of its shape and forwarded; a violation without a shape";
    EmptyQueryResponse = b'I', LIMIT_EMPTY, "forwarded";
    ErrorResponse = b'E', LIMIT_TARGET, "scrubbed of data, recorded as the outcome and forwarded";
    FunctionCallResponse = b'V', LIMIT_TARGET, "a violation: no function call is ever forwarded";
    NegotiateProtocolVersion = b'v', LIMIT_NAMES, "read during login; a violation afterwards; never forwarded";
    NoData = b'n', LIMIT_EMPTY, "forwarded; the statement has no shape";
    NoticeResponse = b'N', LIMIT_TARGET, "scrubbed of data and forwarded";
    NotificationResponse = b'A', LIMIT_NAMES, "payload scanned for data classes and forwarded";
    ParameterDescription = b't', LIMIT_SHAPE, "kept to read bound values with; forwarded";
    ParameterStatus = b'S', LIMIT_NAMES, "settings that change how statements are read are followed; forwarded";
    ParseComplete = b'1', LIMIT_EMPTY, "forwarded";
    PortalSuspended = b's', LIMIT_EMPTY, "recorded as the outcome and forwarded";
    ReadyForQuery = b'Z', LIMIT_EMPTY, "the transaction state is followed; forwarded";
    RowDescription = b'T', LIMIT_SHAPE, "the mask plan is bound to it before the first row; forwarded";
}

/// Both tables as Markdown, for the reference docs.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::new();
    section::<FrontendTag>("From the client", &mut out);
    out.push('\n');
    section::<BackendTag>("From the target", &mut out);
    out
}

fn section<T: Tag>(title: &str, out: &mut String) {
    out.push_str("## ");
    out.push_str(title);
    out.push_str("\n\n| type | message | at most | what is done with it |\n|---|---|---|---|\n");
    for tag in T::ALL {
        let rule = tag.rule();
        let limit = match rule.limit {
            bytes if bytes >= MIB => format!("{} MiB", bytes / MIB),
            bytes if bytes >= KIB => format!("{} KiB", bytes / KIB),
            bytes => format!("{bytes} bytes"),
        };
        let byte = char::from(rule.tag);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| `{byte}` | {} | {limit} | {} |", rule.name, rule.doc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn check<T: Tag + PartialEq + std::fmt::Debug>(known: &[u8]) {
        let listed: BTreeSet<u8> = T::ALL.iter().map(|tag| tag.rule().tag).collect();
        assert_eq!(listed, known.iter().copied().collect());
        for byte in 0..=u8::MAX {
            match T::from_byte(byte) {
                Ok(tag) => assert_eq!(tag.rule().tag, byte),
                Err(violation) => {
                    assert!(!known.contains(&byte));
                    let peer = T::PEER;
                    assert_eq!(violation, Violation::UnknownMessage { peer, tag: byte });
                }
            }
        }
    }

    #[test]
    fn the_tables_have_every_message_of_the_protocol_and_no_other() {
        check::<FrontendTag>(b"BCcDdEFfHPpQSX");
        check::<BackendTag>(b"RK23CWdcGHDIEVvnNAtS1sZT");
    }

    #[test]
    fn the_docs_have_a_row_for_each() {
        let text = markdown();
        let rows = text.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, FrontendTag::ALL.len() + BackendTag::ALL.len());
        assert!(text.contains("| `F` | FunctionCall | 64 KiB | refused"));
    }
}
