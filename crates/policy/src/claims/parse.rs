//! Reading a condition. Its length and nesting are bounded before anything recurses.

use std::fmt;

/// The longest condition: a rule that nobody can read at a glance is a rule that nobody has checked.
const MAX_LENGTH: usize = 4_096;
/// The deepest nesting of parentheses and negations.
const MAX_DEPTH: u32 = 32;

/// Why a condition cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What was expected there.
    pub expected: &'static str,
    /// What was found.
    pub found: String,
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            column,
            expected,
            found,
        } = self;
        write!(f, "at character {column}: expected {expected}, got {found}")
    }
}

impl std::error::Error for ConditionError {}

/// What a claim is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    Bool(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Names of claims within claims.
pub(super) type Path = Vec<String>;

/// A condition, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    Has(Path),
    Contains(Path, String),
    Compare(Path, Comparison, Value),
    In(Path, Vec<Value>),
    Like(Path, String),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
    End,
}

/// Longer ones first, so that `<=` is not read as `<`.
const SIGNS: [&str; 15] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", ".",
];

impl Condition {
    pub(super) fn parse(text: &str) -> Result<Self, ConditionError> {
        if text.len() > MAX_LENGTH {
            return Err(ConditionError {
                column: 1,
                expected: "at most 4096 bytes",
                found: format!("{}", text.len()),
            });
        }
        let mut reader = Reader {
            tokens: tokens(text)?,
            at: 0,
        };
        let condition = reader.any(0)?;
        match reader.next() {
            (_, Token::End) => Ok(condition),
            other => Err(unexpected("&&, || or the end", other)),
        }
    }
}

fn unexpected(expected: &'static str, (column, token): (usize, Token)) -> ConditionError {
    let found = match token {
        Token::Name(name) => name,
        Token::Text(text) => format!("{text:?}"),
        Token::Number(number) => number.to_string(),
        Token::Sign(sign) => sign.to_owned(),
        Token::End => "the end".to_owned(),
    };
    ConditionError {
        column,
        expected,
        found,
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ConditionError> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let column = text.len() - rest.len();
        let column = text
            .get(..column)
            .map_or(0, |before| before.chars().count())
            + 1;
        let Some(first) = rest.chars().next() else {
            found.push((column, Token::End));
            return Ok(found);
        };
        let (token, length) = if first == '"' {
            quoted(rest).ok_or_else(|| ConditionError {
                column,
                expected: "a text that ends with \" (\\\" and \\\\ are the only escapes)",
                found: "the end".to_owned(),
            })?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = length_of(rest, |c| c.is_ascii_alphanumeric() || "_-".contains(c));
            let name = rest.get(..length).unwrap_or_default();
            (Token::Name(name.to_owned()), length)
        } else if first.is_ascii_digit() || first == '-' {
            let length = length_of(rest, |c| c.is_ascii_digit() || ".-".contains(c));
            let digits = rest.get(..length).unwrap_or_default();
            let number = digits.parse().map_err(|_| ConditionError {
                column,
                expected: "a number",
                found: digits.to_owned(),
            })?;
            (Token::Number(number), length)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(ConditionError {
                column,
                expected: "a claim, a value or an operator",
                found: format!("{first:?}"),
            });
        };
        found.push((column, token));
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn length_of(text: &str, good: impl Fn(char) -> bool) -> usize {
    text.find(|c| !good(c)).unwrap_or(text.len())
}

/// A text in quotes, and how many bytes it took.
fn quoted(text: &str) -> Option<(Token, usize)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((Token::Text(out), at + 1)),
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => out.push(escaped),
                _ => return None,
            },
            c => out.push(c),
        }
    }
    None
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> (usize, Token) {
        let last = || self.tokens.last().cloned();
        let found = self.tokens.get(self.at).cloned().or_else(last);
        found.unwrap_or((1, Token::End))
    }

    fn next(&mut self) -> (usize, Token) {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Takes a sign if it is the next token.
    fn takes(&mut self, sign: &'static str) -> bool {
        let is = self.peek().1 == Token::Sign(sign);
        self.at += usize::from(is);
        is
    }

    fn must(&mut self, sign: &'static str) -> Result<(), ConditionError> {
        match self.takes(sign) {
            true => Ok(()),
            false => Err(unexpected(sign, self.peek())),
        }
    }

    fn any(&mut self, depth: u32) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("||") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn all(&mut self, depth: u32) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("&&") {
            parts.push(self.one(depth)?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn one(&mut self, depth: u32) -> Result<Condition, ConditionError> {
        if depth > MAX_DEPTH {
            return Err(unexpected("at most 32 levels of nesting", self.peek()));
        }
        if self.takes("!") {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes("(") {
            let inner = self.any(depth + 1)?;
            self.must(")")?;
            return Ok(inner);
        }
        match self.peek().1 {
            Token::Name(name) if name == "has" => {
                self.at += 1;
                Ok(Condition::Has(self.path()?))
            }
            Token::Name(name) if name == "contains" => {
                self.at += 1;
                self.must("(")?;
                let path = self.path()?;
                self.must(",")?;
                let text = self.text()?;
                self.must(")")?;
                Ok(Condition::Contains(path, text))
            }
            _ => self.comparison(),
        }
    }

    fn comparison(&mut self) -> Result<Condition, ConditionError> {
        let path = self.path()?;
        let token = self.next();
        let comparison = match &token.1 {
            Token::Name(name) if name == "like" => return Ok(Condition::Like(path, self.text()?)),
            Token::Name(name) if name == "in" => return Ok(Condition::In(path, self.values()?)),
            Token::Sign("==") => Comparison::Equal,
            Token::Sign("!=") => Comparison::NotEqual,
            Token::Sign("<") => Comparison::Less,
            Token::Sign("<=") => Comparison::LessOrEqual,
            Token::Sign(">") => Comparison::Greater,
            Token::Sign(">=") => Comparison::GreaterOrEqual,
            _ => return Err(unexpected("an operator such as ==, in or like", token)),
        };
        let value = self.next();
        match (comparison, value) {
            (Comparison::Equal | Comparison::NotEqual, value) => {
                Ok(Condition::Compare(path, comparison, value_of(value)?))
            }
            (_, (_, Token::Number(number))) => {
                Ok(Condition::Compare(path, comparison, Value::Number(number)))
            }
            (_, other) => Err(unexpected("a number", other)),
        }
    }

    fn values(&mut self) -> Result<Vec<Value>, ConditionError> {
        self.must("[")?;
        let mut values = Vec::new();
        loop {
            let value = self.next();
            values.push(value_of(value)?);
            if !self.takes(",") {
                break;
            }
        }
        self.must("]")?;
        Ok(values)
    }

    fn text(&mut self) -> Result<String, ConditionError> {
        match self.next() {
            (_, Token::Text(text)) => Ok(text),
            other => Err(unexpected("a text in quotes", other)),
        }
    }

    fn path(&mut self) -> Result<Path, ConditionError> {
        let mut path = Vec::new();
        if !self.takes("[") {
            path.push(self.name()?);
        } else {
            path.push(self.text()?);
            self.must("]")?;
        }
        loop {
            if self.takes(".") {
                path.push(self.name()?);
            } else if self.takes("[") {
                path.push(self.text()?);
                self.must("]")?;
            } else {
                return Ok(path);
            }
        }
    }

    fn name(&mut self) -> Result<String, ConditionError> {
        match self.next() {
            (_, Token::Name(name)) => Ok(name),
            other => Err(unexpected("the name of a claim", other)),
        }
    }
}

fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            parts.extend(last);
            many(parts)
        }
    }
}

fn value_of(token: (usize, Token)) -> Result<Value, ConditionError> {
    match token {
        (_, Token::Text(text)) => Ok(Value::Text(text)),
        (_, Token::Number(number)) => Ok(Value::Number(number)),
        (_, Token::Name(name)) if name == "true" => Ok(Value::Bool(true)),
        (_, Token::Name(name)) if name == "false" => Ok(Value::Bool(false)),
        other => Err(unexpected(
            "a text in quotes, a number, true or false",
            other,
        )),
    }
}
