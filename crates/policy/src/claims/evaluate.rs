//! Whether a condition holds for some claims.

use super::parse::{Comparison, Condition, Value};
use serde_json::{Map, Value as Claim};

/// The claims of one JWT.
type Claims = Map<String, Claim>;

impl Condition {
    /// Whether it holds: not when anything that it looks at is missing or of another type.
    pub(super) fn holds(&self, claims: &Claims) -> bool {
        self.evaluate(claims) == Some(true)
    }

    /// `None`: something is missing or of another type.
    fn evaluate(&self, claims: &Claims) -> Option<bool> {
        match self {
            Self::Any(parts) => {
                for part in parts {
                    if part.evaluate(claims)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            Self::All(parts) => {
                for part in parts {
                    if !part.evaluate(claims)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            Self::Not(inner) => inner.evaluate(claims).map(|holds| !holds),
            Self::Has(path) => Some(find(claims, path).is_some()),
            Self::Contains(path, text) => {
                let mut all = find(claims, path)?.as_array()?.iter();
                // Every item is looked at: a list of mixed types is not what was meant.
                all.try_fold(false, |found, item| Some(found | (item.as_str()? == text)))
            }
            Self::Compare(path, comparison, value) => {
                compare(find(claims, path)?, *comparison, value)
            }
            Self::In(path, values) => {
                let claim = find(claims, path)?;
                let mut equals = values.iter().map(|value| equal(claim, value));
                // One value of the claim's type is enough to compare with.
                match equals.clone().any(|equal| equal == Some(true)) {
                    true => Some(true),
                    false => equals.find_map(|equal| equal),
                }
            }
            Self::Like(path, pattern) => Some(like(find(claims, path)?.as_str()?, pattern)),
        }
    }
}

fn find<'c>(claims: &'c Claims, path: &[String]) -> Option<&'c Claim> {
    let (first, rest) = path.split_first()?;
    let first = claims.get(first)?;
    rest.iter()
        .try_fold(first, |claim, name| claim.as_object()?.get(name))
}

fn equal(claim: &Claim, value: &Value) -> Option<bool> {
    match value {
        Value::Text(text) => Some(claim.as_str()? == text),
        Value::Bool(yes) => Some(claim.as_bool()? == *yes),
        Value::Number(number) => Some(claim.as_f64()? == *number),
    }
}

fn compare(claim: &Claim, comparison: Comparison, value: &Value) -> Option<bool> {
    if let Comparison::Equal = comparison {
        return equal(claim, value);
    }
    if let Comparison::NotEqual = comparison {
        return equal(claim, value).map(|equal| !equal);
    }
    let (Value::Number(number), claim) = (value, claim.as_f64()?) else {
        return None;
    };
    Some(match comparison {
        Comparison::Less => claim < *number,
        Comparison::LessOrEqual => claim <= *number,
        Comparison::Greater => claim > *number,
        Comparison::GreaterOrEqual => claim >= *number,
        Comparison::Equal | Comparison::NotEqual => return None,
    })
}

/// Whether a text is like a pattern, in which `*` stands for any characters. The leftmost place of each piece is
/// enough, so that the time is linear in the text for each piece.
fn like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}
