//! Lengths of time as people write them: `90s`, `15m`, `2h`, `1h30m`, `7d`.

use std::fmt;
use std::str::FromStr;

/// The units from long to short, in seconds.
const UNITS: &[(char, u32)] = &[('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A length of time in whole seconds, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(pub u32);

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text)
            .filter(|seconds| *seconds > 0)
            .map(Self)
            .ok_or_else(|| "expected a length of time such as 90s, 15m, 2h, 1h30m or 7d".to_owned())
    }
}

/// Numbers with units, each unit once and from long to short.
fn parse(text: &str) -> Option<u32> {
    let mut rest = text;
    let mut total = 0u32;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit = tail.chars().next()?;
        let (_, seconds) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u32>().ok()?.checked_mul(*seconds)?)?;
        rest = tail.get(unit.len_utf8()..)?;
    }
    Some(total)
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        for (name, seconds) in UNITS {
            let count = rest / seconds;
            rest %= seconds;
            if count > 0 {
                write!(f, "{count}{name}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_and_write() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("2h", Some(7_200)),
            ("1h30m", Some(5_400)),
            ("7d", Some(604_800)),
            ("1d2h3m4s", Some(93_784)),
            ("", None),
            ("0s", None),
            ("2", None),
            ("h", None),
            ("2 h", None),
            ("-2h", None),
            ("1m1h", None),
            ("1h1h", None),
            ("1w", None),
            ("2ü", None),
            ("99999999999s", None),
            ("99999d", None),
        ] {
            assert_eq!(
                text.parse::<Length>().ok(),
                expected.map(Length),
                "{text:?}"
            );
        }
        for text in ["1m30s", "2h", "1d2h3m4s"] {
            assert_eq!(
                text.parse::<Length>().map(|l| l.to_string()),
                Ok(text.to_owned())
            );
        }
    }
}
