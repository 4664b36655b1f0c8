//! What the server's own types mean for masking: how each is read, and a neutral value of each.
//!
//! Numbers are those of `pg_type.dat`, fixed for every server. Types that users make have numbers from
//! 16,384 on; nothing is known of them but their text.

use super::types::Format;

/// The first number of types that are not the server's own (`FirstNormalObjectId`).
const FIRST_USER_TYPE: u32 = 16_384;
/// What stands for a redacted text.
pub(super) const REDACTED: &str = "[redacted]";
/// The same as a JSON value.
pub(super) const REDACTED_JSON: &str = "\"[redacted]\"";

/// How a type is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text in both formats.
    Text,
    /// `"char"`: one byte.
    Char,
    /// JSON text.
    Json,
    /// JSON text; one byte of version before it in binary.
    Jsonb,
    /// Bytes; hexadecimal or escaped in text.
    Bytea,
    /// A number.
    Number(Number),
    /// An address or network.
    Inet {
        /// `cidr`.
        network: bool,
    },
    /// A type with a neutral value and nothing that a detector could find.
    Fixed(Fixed),
    /// An array of the server's own elements.
    Array {
        /// The elements' type.
        element: u32,
    },
    /// A row.
    Record,
    /// One of the server's own types that has no neutral value.
    Opaque,
    /// A type that a user made: an enum, a composite, one of an extension.
    UserMade,
}

/// The numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
}

/// Types that are replaced or left, never looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fixed {
    Bool,
    Oid,
    Money,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    MacAddr,
    MacAddr8,
}

impl Kind {
    /// The kind of the type with this number.
    pub(super) fn of(type_oid: u32) -> Self {
        match type_oid {
            // name, text, xml, unknown, bpchar, varchar, cstring
            19 | 25 | 142 | 705 | 1042 | 1043 | 2275 => Self::Text,
            18 => Self::Char,
            114 => Self::Json,
            3802 => Self::Jsonb,
            17 => Self::Bytea,
            20 => Self::Number(Number::Int8),
            21 => Self::Number(Number::Int2),
            23 => Self::Number(Number::Int4),
            700 => Self::Number(Number::Float4),
            701 => Self::Number(Number::Float8),
            1700 => Self::Number(Number::Numeric),
            650 => Self::Inet { network: true },
            869 => Self::Inet { network: false },
            16 => Self::Fixed(Fixed::Bool),
            26 => Self::Fixed(Fixed::Oid),
            790 => Self::Fixed(Fixed::Money),
            1082 => Self::Fixed(Fixed::Date),
            1083 => Self::Fixed(Fixed::Time),
            1266 => Self::Fixed(Fixed::TimeTz),
            1114 => Self::Fixed(Fixed::Timestamp),
            1184 => Self::Fixed(Fixed::TimestampTz),
            1186 => Self::Fixed(Fixed::Interval),
            2950 => Self::Fixed(Fixed::Uuid),
            829 => Self::Fixed(Fixed::MacAddr),
            774 => Self::Fixed(Fixed::MacAddr8),
            2249 => Self::Record,
            _ => match element_of(type_oid) {
                Some(element) => Self::Array { element },
                None if type_oid < FIRST_USER_TYPE => Self::Opaque,
                None => Self::UserMade,
            },
        }
    }
}

/// The type of an array's elements, for arrays that `Kind` has an element for.
fn element_of(array_oid: u32) -> Option<u32> {
    Some(match array_oid {
        143 => 142,       // xml
        199 => 114,       // json
        271 | 1028 => 26, // oid
        651 => 650,       // cidr
        775 => 774,       // macaddr8
        791 => 790,       // money
        1000 => 16,       // bool
        1001 => 17,       // bytea
        1002 => 18,       // "char"
        1003 => 19,       // name
        1005 => 21,       // int2
        1007 => 23,       // int4
        1009 => 25,       // text
        1014 => 1042,     // bpchar
        1015 => 1043,     // varchar
        1016 => 20,       // int8
        1021 => 700,      // float4
        1022 => 701,      // float8
        1040 => 829,      // macaddr
        1041 => 869,      // inet
        1115 => 1114,     // timestamp
        1182 => 1082,     // date
        1183 => 1083,     // time
        1185 => 1184,     // timestamptz
        1187 => 1186,     // interval
        1231 => 1700,     // numeric
        1263 => 2275,     // cstring
        1270 => 1266,     // timetz
        2287 => 2249,     // record
        2951 => 2950,     // uuid
        3807 => 3802,     // jsonb
        _ => return None,
    })
}

/// The neutral value of a kind: valid, and the same whatever was there. `None` where only NULL is safe.
pub(super) fn neutral(kind: Kind, format: Format) -> Option<&'static [u8]> {
    Some(match (kind, format) {
        (Kind::Text, _) => REDACTED.as_bytes(),
        (Kind::Char, _) => b"*",
        (Kind::Json, _) | (Kind::Jsonb, Format::Text) => REDACTED_JSON.as_bytes(),
        (Kind::Jsonb, Format::Binary) => b"\x01\"[redacted]\"",
        (Kind::Bytea, Format::Text) => b"\\x",
        (Kind::Bytea, Format::Binary) => b"",
        (Kind::Number(_), Format::Text) => b"0",
        (Kind::Number(number), Format::Binary) => match number {
            Number::Int2 => &[0; 2],
            Number::Int4 | Number::Float4 => &[0; 4],
            // For numeric: no digits, weight 0, positive, no decimals.
            Number::Int8 | Number::Float8 | Number::Numeric => &[0; 8],
        },
        (Kind::Inet { network: false }, Format::Text) => b"0.0.0.0",
        (Kind::Inet { network: true }, Format::Text) => b"0.0.0.0/32",
        // Family (2 is IPv4), bits, whether a network, bytes of address, address.
        (Kind::Inet { network: false }, Format::Binary) => &[2, 32, 0, 4, 0, 0, 0, 0],
        (Kind::Inet { network: true }, Format::Binary) => &[2, 32, 1, 4, 0, 0, 0, 0],
        (Kind::Fixed(fixed), Format::Text) => fixed.neutral_text(),
        (Kind::Fixed(fixed), Format::Binary) => fixed.neutral_binary(),
        (Kind::Array { .. } | Kind::Record | Kind::Opaque | Kind::UserMade, _) => return None,
    })
}

impl Fixed {
    fn neutral_text(self) -> &'static [u8] {
        match self {
            Self::Bool => b"f",
            Self::Oid => b"0",
            Self::Money => b"$0.00",
            Self::Date => b"2000-01-01",
            Self::Time | Self::Interval => b"00:00:00",
            Self::TimeTz => b"00:00:00+00",
            Self::Timestamp => b"2000-01-01 00:00:00",
            Self::TimestampTz => b"2000-01-01 00:00:00+00",
            Self::Uuid => b"00000000-0000-0000-0000-000000000000",
            Self::MacAddr => b"00:00:00:00:00:00",
            Self::MacAddr8 => b"00:00:00:00:00:00:00:00",
        }
    }

    /// Zeros: dates and times count from 2000-01-01.
    fn neutral_binary(self) -> &'static [u8] {
        match self {
            Self::Bool => &[0; 1],
            Self::Oid | Self::Date => &[0; 4],
            Self::MacAddr => &[0; 6],
            Self::Money | Self::Time | Self::Timestamp | Self::TimestampTz | Self::MacAddr8 => {
                &[0; 8]
            }
            Self::TimeTz => &[0; 12],
            Self::Interval | Self::Uuid => &[0; 16],
        }
    }
}
