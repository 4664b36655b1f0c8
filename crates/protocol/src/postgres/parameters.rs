//! Which startup parameters a client may set, and what the target is sent of them.
//!
//! Parameters reach the server before any statement is decided, so that only those are let through that
//! cannot change what a statement means, where a name leads, or whether data can be read.

use super::startup::Startup;

/// The most settings in `options`. Drivers send a handful.
const MAX_OPTIONS: usize = 32;

/// Why a startup is refused. Tells the name of a parameter, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterRefused {
    /// No user name.
    #[error("no user name was given; expected the name of an account of the connection")]
    NoUser,
    /// Named twice.
    #[error("startup parameter \"{0}\" was given twice; give it once")]
    Twice(String),
    /// Not on the list.
    #[error(
        "startup parameter \"{0}\" is not allowed through the gateway; remove it, or use SET after connecting"
    )]
    NotAllowed(String),
    /// On the list, with a value that is not.
    #[error("startup parameter \"{name}\" has a value that is not allowed; expected {expected}")]
    Value {
        /// The parameter.
        name: String,
        /// What it may be.
        expected: &'static str,
    },
    /// `options` is more than a list of `-c name=value`.
    #[error(
        "startup parameter \"options\" cannot be read; expected only -c name=value or --name=value"
    )]
    Options,
}

impl ParameterRefused {
    /// The SQLSTATE to tell the client: `28000` without a user, else `42501`.
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::NoUser => "28000",
            _ => "42501",
        }
    }
}

/// What a startup asks for, admitted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admitted {
    /// Picks the account.
    pub user: String,
    /// Picks the connection and its database, when given.
    pub database: Option<String>,
    /// What the client says it is.
    pub application_name: Option<String>,
    /// Why, as the caller says (`-c sluice.reason=...`).
    pub reason: Option<String>,
    /// Emergency access is asked for (`-c sluice.break_glass=on`).
    pub break_glass: bool,
    /// What to send to the target, besides user and database: allowed names in their usual spelling, each
    /// once. Always has `client_encoding` as UTF8, since values are read as that.
    pub forwarded: Vec<(String, String)>,
}

/// What a value may be.
#[derive(Clone, Copy)]
enum Rule {
    /// Yes or no.
    Switch,
    /// Yes, and nothing else.
    MustBeOn,
    /// One of these, in any case.
    OneOf(&'static [&'static str]),
    /// A whole number in this range.
    Number(i32, i32),
    /// Digits and a unit of time.
    Duration,
    /// Letters, digits and these, at most 64.
    Characters(&'static str),
    /// UTF-8 by one of its names.
    Utf8,
    /// Anything.
    Any,
}

/// The settings that may be given, in the spelling that is forwarded, with why they are harmless.
const ALLOWED: &[(&str, Rule, &str)] = &[
    // A label in the target's own views.
    ("application_name", Rule::Any, "a text"),
    // Values are masked and recorded as UTF-8, and in that alone.
    ("client_encoding", Rule::Utf8, "UTF8"),
    // How dates, intervals, numbers and bytes are written; masking understands every form.
    (
        "DateStyle",
        Rule::Characters(", "),
        "a date style such as ISO, MDY",
    ),
    (
        "IntervalStyle",
        Rule::OneOf(&["postgres", "postgres_verbose", "sql_standard", "iso_8601"]),
        "postgres, postgres_verbose, sql_standard or iso_8601",
    ),
    (
        "TimeZone",
        Rule::Characters("_+-/:.,<>"),
        "a time zone such as Europe/Berlin",
    ),
    (
        "extra_float_digits",
        Rule::Number(-15, 3),
        "a number from -15 to 3",
    ),
    (
        "bytea_output",
        Rule::OneOf(&["hex", "escape"]),
        "hex or escape",
    ),
    // Statements are read with standard strings; with any others the target would read them differently.
    ("standard_conforming_strings", Rule::MustBeOn, "on"),
    // Only ever restricts.
    ("default_transaction_read_only", Rule::MustBeOn, "on"),
    // How long and by which plan, not what.
    (
        "statement_timeout",
        Rule::Duration,
        "a number with a unit such as 30s",
    ),
    (
        "lock_timeout",
        Rule::Duration,
        "a number with a unit such as 30s",
    ),
    (
        "idle_in_transaction_session_timeout",
        Rule::Duration,
        "a number with a unit such as 30s",
    ),
    ("jit", Rule::Switch, "on or off"),
    // How much the target tells besides; notices are scrubbed whatever their level.
    (
        "client_min_messages",
        Rule::OneOf(&[
            "debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error",
        ]),
        "a level such as notice or warning",
    ),
];

/// Admits a client's startup parameters.
///
/// # Errors
/// A parameter is not allowed, has a value that is not, or is given twice.
pub fn admit(startup: &Startup) -> Result<Admitted, ParameterRefused> {
    let mut asked = Asked::default();
    for (name, value) in &startup.parameters {
        match name.as_str() {
            "user" => once(&mut asked.user, name, value)?,
            "database" => once(&mut asked.database, name, value)?,
            "replication" => match switch(value) {
                Some(false) => {}
                _ => {
                    return Err(ParameterRefused::Value {
                        name: name.clone(),
                        expected: "off, since replication does not go through the gateway",
                    });
                }
            },
            "options" => {
                for (name, value) in read_options(value)? {
                    asked.setting(&name, &value)?;
                }
            }
            _ => asked.setting(name, value)?,
        }
    }
    asked.admitted()
}

/// What was asked for so far.
#[derive(Default)]
struct Asked {
    user: Option<String>,
    database: Option<String>,
    reason: Option<String>,
    break_glass: Option<bool>,
    forwarded: Vec<(String, String)>,
}

impl Asked {
    /// Takes one setting. PostgreSQL compares their names without case.
    fn setting(&mut self, name: &str, value: &str) -> Result<(), ParameterRefused> {
        if name.eq_ignore_ascii_case("sluice.reason") {
            return once(&mut self.reason, name, value);
        }
        if name.eq_ignore_ascii_case("sluice.break_glass") {
            let wanted = switch(value).ok_or_else(|| ParameterRefused::Value {
                name: name.to_owned(),
                expected: "on or off",
            })?;
            return match self.break_glass.replace(wanted) {
                None => Ok(()),
                Some(_) => Err(ParameterRefused::Twice(name.to_owned())),
            };
        }
        let Some((usual, rule, expected)) = ALLOWED
            .iter()
            .find(|(allowed, ..)| allowed.eq_ignore_ascii_case(name))
        else {
            return Err(ParameterRefused::NotAllowed(shown(name)));
        };
        if self.forwarded.iter().any(|(given, _)| given == usual) {
            return Err(ParameterRefused::Twice((*usual).to_owned()));
        }
        if !rule.accepts(value) {
            return Err(ParameterRefused::Value {
                name: (*usual).to_owned(),
                expected,
            });
        }
        let value = match rule {
            Rule::Utf8 => "UTF8",
            _ => value,
        };
        self.forwarded.push(((*usual).to_owned(), value.to_owned()));
        Ok(())
    }

    fn admitted(mut self) -> Result<Admitted, ParameterRefused> {
        let given = |name: &str| self.forwarded.iter().find(|(n, _)| n == name);
        let application_name = given("application_name").map(|(_, value)| value.clone());
        if given("client_encoding").is_none() {
            self.forwarded
                .push(("client_encoding".to_owned(), "UTF8".to_owned()));
        }
        Ok(Admitted {
            user: self
                .user
                .filter(|user| !user.is_empty())
                .ok_or(ParameterRefused::NoUser)?,
            database: self.database.filter(|name| !name.is_empty()),
            application_name,
            reason: self.reason.filter(|reason| !reason.trim().is_empty()),
            break_glass: self.break_glass.unwrap_or(false),
            forwarded: self.forwarded,
        })
    }
}

impl Rule {
    fn accepts(self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Switch => switch(value).is_some(),
            Self::MustBeOn => switch(value) == Some(true),
            Self::OneOf(names) => names.iter().any(|name| name.eq_ignore_ascii_case(value)),
            Self::Number(least, most) => value
                .trim()
                .parse::<i32>()
                .is_ok_and(|n| (least..=most).contains(&n)),
            Self::Duration => is_duration(value),
            Self::Characters(others) => {
                !value.is_empty()
                    && value.len() <= 64
                    && value
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || others.contains(c))
            }
            Self::Utf8 => is_utf8_name(value),
        }
    }
}

fn once(slot: &mut Option<String>, name: &str, value: &str) -> Result<(), ParameterRefused> {
    match slot.replace(value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(ParameterRefused::Twice(name.to_owned())),
    }
}

/// A name that the client made up, short and printable enough for a message.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(63).collect()
}

fn switch(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn is_duration(value: &str) -> bool {
    let value = value.trim();
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = value.split_at(digits);
    (1..=10).contains(&number.len())
        && matches!(unit.trim(), "" | "us" | "ms" | "s" | "min" | "h" | "d")
}

/// PostgreSQL ignores case and punctuation in names of encodings, and some drivers put quotes around it.
/// SQL_ASCII (what libpq asks for in the C locale) means "as stored", which UTF8 is for every UTF8 database.
fn is_utf8_name(value: &str) -> bool {
    let name: String = value
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    matches!(name.as_str(), "utf8" | "unicode" | "sqlascii")
}

/// Reads `options` as the server's command line: words cut at white space, `\` before a character that is
/// meant. Only settings are allowed in it.
fn read_options(options: &str) -> Result<Vec<(String, String)>, ParameterRefused> {
    let mut words = split_words(options).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = if let Some(long) = word.strip_prefix("--") {
            long.to_owned()
        } else if let Some(short) = word.strip_prefix("-c") {
            if short.is_empty() {
                words.next().ok_or(ParameterRefused::Options)?
            } else {
                short.to_owned()
            }
        } else {
            return Err(ParameterRefused::Options);
        };
        match setting.split_once('=') {
            Some((name, value)) if !name.is_empty() && settings.len() < MAX_OPTIONS => {
                settings.push((name.replace('-', "_"), value.to_owned()));
            }
            _ => return Err(ParameterRefused::Options),
        }
    }
    Ok(settings)
}

fn split_words(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = options.chars();
    while let Some(c) = chars.next() {
        if c.is_ascii_whitespace() {
            words.extend(word.take());
        } else {
            let meant = if c == '\\' { chars.next() } else { Some(c) };
            word.get_or_insert_default().extend(meant);
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::startup::ProtocolVersion;

    fn admit_all(parameters: &[(&str, &str)]) -> Result<Admitted, ParameterRefused> {
        admit(&Startup {
            version: ProtocolVersion::V3_0,
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            protocol_options: Vec::new(),
        })
    }

    #[test]
    fn what_real_clients_send_is_admitted() {
        let check = |parameters: &[(&str, &str)], forwarded: &[(&str, &str)]| {
            let mut all = vec![("user", "app"), ("database", "shop")];
            all.extend(parameters);
            let admitted = admit_all(&all).unwrap();
            let got: Vec<(&str, &str)> = admitted
                .forwarded
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(got, forwarded, "{parameters:?}");
            assert_eq!(
                (admitted.user.as_str(), admitted.database.as_deref()),
                ("app", Some("shop"))
            );
        };
        check(&[], &[("client_encoding", "UTF8")]);
        // psql in the C locale
        check(
            &[
                ("application_name", "psql"),
                ("client_encoding", "SQL_ASCII"),
            ],
            &[("application_name", "psql"), ("client_encoding", "UTF8")],
        );
        // asyncpg
        check(
            &[("client_encoding", "'utf-8'")],
            &[("client_encoding", "UTF8")],
        );
        // JDBC
        check(
            &[
                ("client_encoding", "UTF8"),
                ("DateStyle", "ISO"),
                ("TimeZone", "Europe/Berlin"),
                ("extra_float_digits", "2"),
            ],
            &[
                ("client_encoding", "UTF8"),
                ("DateStyle", "ISO"),
                ("TimeZone", "Europe/Berlin"),
                ("extra_float_digits", "2"),
            ],
        );
        check(
            &[
                (
                    "options",
                    "-c statement_timeout=5min --jit=off -cDATESTYLE=ISO,\\ DMY",
                ),
                ("replication", "false"),
            ],
            &[
                ("statement_timeout", "5min"),
                ("jit", "off"),
                ("DateStyle", "ISO, DMY"),
                ("client_encoding", "UTF8"),
            ],
        );
        check(&[("options", " ")], &[("client_encoding", "UTF8")]);
    }

    #[test]
    fn a_reason_and_break_glass_stay_at_the_gateway() {
        let admitted = admit_all(&[
            ("user", "app"),
            (
                "options",
                "-c sluice.reason=INC-12\\ card\\ refunds -c sluice.break-glass=on",
            ),
        ])
        .unwrap();
        assert_eq!(admitted.reason.as_deref(), Some("INC-12 card refunds"));
        assert!(admitted.break_glass);
        assert_eq!(
            admitted.forwarded,
            [("client_encoding".to_owned(), "UTF8".to_owned())]
        );
        assert_eq!(admitted.database, None);
    }

    #[test]
    fn everything_else_is_refused() {
        let check = |name: &str, value: &str| {
            let outcome = admit_all(&[("user", "app"), (name, value)]);
            assert!(outcome.is_err(), "{name}={value}");
            let text = outcome.unwrap_err().to_string();
            assert!(value.len() < 12 || !text.contains(value), "{text}");
        };
        for (name, value) in [
            ("search_path", "evil_schema_name"),
            ("role", "postgres"),
            ("session_authorization", "postgres"),
            ("replication", "database"),
            ("replication", "true"),
            ("replication", ""),
            ("USER", "other"),
            ("user", "other"),
            ("client_encoding", "SJIS"),
            ("client_encoding", "LATIN1"),
            ("standard_conforming_strings", "off"),
            ("default_transaction_read_only", "off"),
            ("extra_float_digits", "4"),
            ("TimeZone", "Europe/Berlin'; --"),
            ("statement_timeout", "1 fortnight"),
            ("", "x"),
            ("options", "-c="),
            ("options", "-c"),
            ("options", "-c =x"),
            ("options", "-c jit"),
            ("options", "-c search_path=evil"),
            ("options", "-c search\\_path=evil"),
            ("options", "--search-path=evil"),
            ("options", "-c standard_conforming_strings=off"),
            ("options", "-d 5"),
            ("options", "-f i"),
            ("options", "-o x"),
            ("options", "jit=off"),
            ("options", "\\-c jit=off x"),
            ("options", "--"),
            ("options", "-c jit=off -c JIT=on"),
        ] {
            check(name, value);
        }
        let many = "-c jit=off ".repeat(MAX_OPTIONS + 1);
        assert_eq!(read_options(&many), Err(ParameterRefused::Options));
        assert_eq!(
            admit_all(&[("database", "shop")]),
            Err(ParameterRefused::NoUser)
        );
        assert_eq!(admit_all(&[("user", "")]), Err(ParameterRefused::NoUser));
    }

    proptest::proptest! {
        #[test]
        fn any_options_end(options in "[-c= \\\\a-z._]{0,80}") {
            let _ = admit_all(&[("user", "app"), ("options", &options)]);
        }
    }
}
