//! Filters (RFC 7644, section 3.4.2.2).

use super::{ENTERPRISE, GROUP, MAX_FILTER, Result, ScimError, USER, get};
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// How deep a filter may nest.
const MAX_DEPTH: usize = 16;
/// Attributes whose texts are compared with regard to case; others are not.
const EXACT: [&str; 4] = ["id", "externalId", "value", "$ref"];

/// An attribute, or one inside it: `name.givenName`, `urn:...:User:department`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The schema of an extension that it is in.
    pub(super) extension: Option<String>,
    pub(super) name: String,
    pub(super) sub: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What a resource has to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Expression);

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    Present(AttributePath),
    Compare(AttributePath, Operator, Value),
    Within(AttributePath, Box<Expression>),
    Not(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
}

impl AttributePath {
    pub(super) fn read(text: &str) -> Result<Self> {
        let wrong = || ScimError::InvalidPath("expected an attribute such as name.givenName");
        if text.eq_ignore_ascii_case(ENTERPRISE) {
            return Self::of_extension(ENTERPRISE).ok_or_else(wrong);
        }
        // The schemas of extensions have names with dots in them.
        let (extension, rest) = match text.rsplit_once(':') {
            Some((urn, rest)) if is_urn(urn) => (Some(urn), rest),
            Some(_) => return Err(wrong()),
            None => (None, text),
        };
        let own = |urn: &&str| {
            [USER, GROUP]
                .iter()
                .any(|own| own.eq_ignore_ascii_case(urn))
        };
        let extension = extension.filter(|urn| !own(urn)).map(str::to_owned);
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        let is_name = |name: &str| {
            let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$');
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
                && name.chars().all(good)
        };
        if !is_name(name) || !sub.is_none_or(is_name) {
            return Err(wrong());
        }
        Ok(Self {
            extension,
            name: name.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }

    /// An extension as a whole, by its schema.
    pub(super) fn of_extension(urn: &str) -> Option<Self> {
        let own = [USER, GROUP]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(urn));
        (is_urn(urn) && !own).then(|| Self {
            extension: None,
            name: urn.to_owned(),
            sub: None,
        })
    }

    /// The values that it leads to: each of a list, and of each the part that is named (`value` where none is).
    fn values<'v>(&self, resource: &'v Map<String, Value>) -> Vec<&'v Value> {
        let root = match &self.extension {
            Some(urn) => get(resource, urn).and_then(Value::as_object),
            None => Some(resource),
        };
        let found = root.and_then(|root| get(root, &self.name));
        let items: Vec<&Value> = match found {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        };
        let part = |value: &'v Value| match (value, self.sub.as_deref()) {
            (Value::Object(object), sub) => get(object, sub.unwrap_or("value")),
            (_, Some(_)) => None,
            (plain, None) => Some(plain),
        };
        items.into_iter().filter_map(part).collect()
    }

    fn is_exact(&self) -> bool {
        let last = self.sub.as_deref().unwrap_or(&self.name);
        EXACT.iter().any(|name| name.eq_ignore_ascii_case(last))
    }
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(text: &str) -> Result<Self> {
        if text.len() > MAX_FILTER {
            return Err(ScimError::InvalidFilter("it is too long"));
        }
        let mut reader = Reader { rest: text };
        let expression = reader.or(0)?;
        match reader.rest.trim().is_empty() {
            true => Ok(Self(expression)),
            false => Err(ScimError::InvalidFilter("more than a filter")),
        }
    }

    /// Whether a resource is so.
    #[must_use]
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        holds(&self.0, resource)
    }

    /// The attribute and value of a filter that looks something up by one attribute alone.
    #[must_use]
    pub fn looks_up(&self) -> Option<(&str, &Value)> {
        let (path, value) = self.equality()?;
        let plain = path.extension.is_none() && path.sub.is_none();
        plain.then_some((path.name.as_str(), value))
    }

    /// The attribute and value of a filter that is one comparison for equality: what somebody looks one thing up by,
    /// or would add where nothing is selected.
    pub(super) fn equality(&self) -> Option<(&AttributePath, &Value)> {
        match &self.0 {
            Expression::Compare(path, Operator::Equal, value) => Some((path, value)),
            _ => None,
        }
    }
}

/// Whether a text can be the name of a schema.
fn is_urn(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.');
    let head = text.split_at_checked("urn:".len()).map(|(head, _)| head);
    head.is_some_and(|head| head.eq_ignore_ascii_case("urn:")) && text.chars().all(good)
}

fn holds(expression: &Expression, resource: &Map<String, Value>) -> bool {
    match expression {
        Expression::Present(path) => path.values(resource).into_iter().any(is_something),
        Expression::Compare(path, operator, wanted) => {
            let values = path.values(resource);
            let exact = path.is_exact();
            match (operator, wanted) {
                (Operator::Equal, Value::Null) => !values.into_iter().any(is_something),
                (Operator::NotEqual, Value::Null) => values.into_iter().any(is_something),
                (Operator::NotEqual, _) => !values
                    .into_iter()
                    .any(|value| compares(value, Operator::Equal, wanted, exact)),
                _ => values
                    .into_iter()
                    .any(|value| compares(value, *operator, wanted, exact)),
            }
        }
        Expression::Within(path, inner) => {
            let found = get(resource, &path.name);
            let items = match found {
                Some(Value::Array(items)) => items.as_slice(),
                Some(one) => std::slice::from_ref(one),
                None => &[],
            };
            let objects = items.iter().filter_map(Value::as_object);
            objects.into_iter().any(|object| holds(inner, object))
        }
        Expression::Not(inner) => !holds(inner, resource),
        Expression::And(all) => all.iter().all(|inner| holds(inner, resource)),
        Expression::Or(any) => any.iter().any(|inner| holds(inner, resource)),
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

fn compares(value: &Value, operator: Operator, wanted: &Value, exact: bool) -> bool {
    match (value, wanted) {
        (Value::String(value), Value::String(wanted)) => {
            let folded = |text: &str| match exact {
                true => text.to_owned(),
                false => text.to_lowercase(),
            };
            let (value, wanted) = (folded(value), folded(wanted));
            match operator {
                Operator::Contains => value.contains(&wanted),
                Operator::StartsWith => value.starts_with(&wanted),
                Operator::EndsWith => value.ends_with(&wanted),
                _ => ordered(value.cmp(&wanted), operator),
            }
        }
        (Value::Number(value), Value::Number(wanted)) => {
            let order = value.as_f64().zip(wanted.as_f64());
            let order = order.and_then(|(value, wanted)| value.partial_cmp(&wanted));
            order.is_some_and(|order| ordered(order, operator))
        }
        (Value::Bool(value), Value::Bool(wanted)) => operator == Operator::Equal && value == wanted,
        // Provisioners write truth as a text as well.
        (Value::Bool(value), Value::String(text)) => {
            operator == Operator::Equal && text.eq_ignore_ascii_case(&value.to_string())
        }
        _ => false,
    }
}

fn ordered(order: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::NotEqual | Operator::Contains | Operator::StartsWith | Operator::EndsWith => {
            false
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn or(&mut self, depth: usize) -> Result<Expression> {
        let mut any = vec![self.and(depth)?];
        while self.takes_word("or") {
            any.push(self.and(depth)?);
        }
        Ok(match any.len() {
            1 => any.remove(0),
            _ => Expression::Or(any),
        })
    }

    fn and(&mut self, depth: usize) -> Result<Expression> {
        let mut all = vec![self.term(depth)?];
        while self.takes_word("and") {
            all.push(self.term(depth)?);
        }
        Ok(match all.len() {
            1 => all.remove(0),
            _ => Expression::And(all),
        })
    }

    fn term(&mut self, depth: usize) -> Result<Expression> {
        if depth > MAX_DEPTH {
            return Err(ScimError::InvalidFilter("it nests too deep"));
        }
        let negated = self.takes_negation();
        if negated || self.takes('(') {
            if negated && !self.takes('(') {
                return Err(ScimError::InvalidFilter("expected ( after not"));
            }
            let inner = self.or(depth + 1)?;
            if !self.takes(')') {
                return Err(ScimError::InvalidFilter("expected )"));
            }
            return Ok(match negated {
                true => Expression::Not(Box::new(inner)),
                false => inner,
            });
        }
        let path = self.path()?;
        if self.takes('[') {
            let inner = self.or(depth + 1)?;
            return match self.takes(']') {
                true => Ok(Expression::Within(path, Box::new(inner))),
                false => Err(ScimError::InvalidFilter("expected ]")),
            };
        }
        if self.takes_word("pr") {
            return Ok(Expression::Present(path));
        }
        let operator = self.operator()?;
        Ok(Expression::Compare(path, operator, self.value()?))
    }

    fn takes(&mut self, wanted: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(wanted);
        rest.map(|rest| self.rest = rest).is_some()
    }

    /// A word of the language, which ends where a word ends.
    fn takes_word(&mut self, wanted: &str) -> bool {
        let rest = self.rest.trim_start();
        let Some((head, tail)) = rest.split_at_checked(wanted.len()) else {
            return false;
        };
        let ends = !tail.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        let found = ends && head.eq_ignore_ascii_case(wanted);
        if found {
            self.rest = tail;
        }
        found
    }

    /// `not` is a word of the language only before a parenthesis.
    fn takes_negation(&mut self) -> bool {
        let before = self.rest;
        let found = self.takes_word("not") && self.rest.trim_start().starts_with('(');
        if !found {
            self.rest = before;
        }
        found
    }

    fn path(&mut self) -> Result<AttributePath> {
        let rest = self.rest.trim_start();
        let ends = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')' | '"');
        let end = rest.find(ends).unwrap_or(rest.len());
        let (text, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.rest = tail;
        AttributePath::read(text)
            .map_err(|_| ScimError::InvalidFilter("expected an attribute such as userName"))
    }

    fn operator(&mut self) -> Result<Operator> {
        let known = [
            ("eq", Operator::Equal),
            ("ne", Operator::NotEqual),
            ("co", Operator::Contains),
            ("sw", Operator::StartsWith),
            ("ew", Operator::EndsWith),
            ("gt", Operator::Greater),
            ("ge", Operator::GreaterOrEqual),
            ("lt", Operator::Less),
            ("le", Operator::LessOrEqual),
        ];
        let found = known.into_iter().find(|(word, _)| self.takes_word(word));
        let why = "expected one of eq, ne, co, sw, ew, gt, ge, lt, le, pr";
        found
            .map(|(_, operator)| operator)
            .ok_or(ScimError::InvalidFilter(why))
    }

    /// A JSON text, number, truth or null.
    fn value(&mut self) -> Result<Value> {
        let expected = ScimError::InvalidFilter("expected a value in JSON, such as \"ada\"");
        let rest: &'t str = self.rest.trim_start();
        let end = match rest.strip_prefix('"') {
            Some(inside) => closing_quote(inside).map(|at| at + 2),
            None => rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | ']')),
        };
        let (text, tail) = rest.split_at(end.unwrap_or(rest.len()));
        self.rest = tail;
        match serde_json::from_str(text) {
            Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null)) => {
                Ok(value)
            }
            _ => Err(expected),
        }
    }
}

/// Where a text in JSON ends, from behind its first quote.
fn closing_quote(inside: &str) -> Option<usize> {
    let mut escaped = false;
    inside.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}
