//! A tree into a typed value, with the place and a suggestion in every error.

use super::{Key, Node, Place, Value};
use crate::api::types::ProblemInfo;
use crate::problems::did_you_mean;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use std::fmt;

/// Reads a tree as `T`.
///
/// # Errors
/// The first thing that does not fit, with its place.
pub(crate) fn typed<T: DeserializeOwned>(file: &str, node: &Node) -> Result<T, ProblemInfo> {
    T::deserialize(Reader(node)).map_err(|e| {
        let place = e.place.unwrap_or(node.place);
        ProblemInfo::at(file, place, e.message).with_help(e.help)
    })
}

#[derive(Debug)]
struct Misfit {
    place: Option<Place>,
    message: String,
    help: Option<String>,
}

impl Misfit {
    fn new(message: String, help: Option<String>) -> Self {
        Self {
            place: None,
            message,
            help,
        }
    }

    /// The innermost place wins.
    fn or_at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

fn listed(names: &[&str]) -> String {
    names.join(", ")
}

fn shown(got: Unexpected<'_>) -> String {
    match got {
        Unexpected::Bool(v) => format!("the truth value {v}"),
        Unexpected::Signed(v) => format!("the number {v}"),
        Unexpected::Unsigned(v) => format!("the number {v}"),
        Unexpected::Float(_) => "a number".into(),
        Unexpected::Str(v) => format!("the text {:?}", v.chars().take(60).collect::<String>()),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a group of settings".into(),
        Unexpected::Unit | Unexpected::Option => "nothing".into(),
        _ => "something else".into(),
    }
}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string(), None)
    }
    fn invalid_type(got: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wants_text = expected.to_string().contains("string");
        let help = match got {
            Unexpected::Signed(_) | Unexpected::Float(_) | Unexpected::Bool(_) if wants_text => {
                Some("put it in quotes to make it a text".to_owned())
            }
            _ => None,
        };
        let expected = expected.to_string();
        let expected = match expected.as_str() {
            e if e.starts_with("struct ") => "a group of settings",
            "a string" => "a text",
            "a sequence" => "a list",
            "a boolean" => "true or false",
            e => e,
        };
        Self::new(format!("expected {expected}, got {}", shown(got)), help)
    }
    fn invalid_value(got: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}, got {}", shown(got)), None)
    }
    fn unknown_field(got: &str, known: &'static [&'static str]) -> Self {
        let message = format!(
            "unknown setting {got:?}, expected one of: {}",
            listed(known)
        );
        Self::new(message, did_you_mean(got, known.iter().copied()))
    }
    fn unknown_variant(got: &str, known: &'static [&'static str]) -> Self {
        let message = format!("unknown value {got:?}, expected one of: {}", listed(known));
        Self::new(message, did_you_mean(got, known.iter().copied()))
    }
    fn missing_field(name: &'static str) -> Self {
        Self::new(format!("the setting {name:?} is missing"), None)
    }
    fn duplicate_field(name: &'static str) -> Self {
        Self::new(format!("the setting {name:?} stands here twice"), None)
    }
}

struct Reader<'a>(&'a Node);

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(v) => visitor.visit_bool(*v),
            Value::Int(v) => visitor.visit_i64(*v),
            Value::Float(v) => visitor.visit_f64(*v),
            Value::Text(v) => visitor.visit_str(v),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(entries) => visitor.visit_map(Entries {
                rest: entries.iter(),
                value: None,
            }),
        }
        .map_err(|e| e.or_at(self.0.place))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let place = self.0.place;
        let choice = match &self.0.value {
            Value::Text(name) => Choice {
                name,
                place,
                content: None,
            },
            Value::Map(entries) => match entries.as_slice() {
                [(key, content)] => Choice {
                    name: &key.name,
                    place: key.place,
                    content: Some(content),
                },
                _ => return Err(not_a_choice(variants).or_at(place)),
            },
            _ => return Err(not_a_choice(variants).or_at(place)),
        };
        visitor.visit_enum(choice).map_err(|e| e.or_at(place))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

fn not_a_choice(variants: &[&str]) -> Misfit {
    Misfit::new(
        format!("expected exactly one of: {}", listed(variants)),
        None,
    )
}

struct Items<'a>(std::slice::Iter<'a, Node>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Misfit;
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        self.0
            .next()
            .map(|node| seed.deserialize(Reader(node)))
            .transpose()
    }
}

struct Entries<'a> {
    rest: std::slice::Iter<'a, (Key, Node)>,
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Misfit;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(key.name.as_str().into_deserializer())
            .map(Some)
            .map_err(|e: Misfit| e.or_at(key.place))
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        match self.value.take() {
            Some(node) => seed
                .deserialize(Reader(node))
                .map_err(|e| e.or_at(node.place)),
            None => Err(de::Error::custom("a value without its key")),
        }
    }
}

/// `name` or `{name: content}`.
struct Choice<'a> {
    name: &'a str,
    place: Place,
    content: Option<&'a Node>,
}

impl<'de, 'a> EnumAccess<'de> for Choice<'a> {
    type Error = Misfit;
    type Variant = Content<'a>;
    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'a>), Misfit> {
        let value = seed
            .deserialize(self.name.into_deserializer())
            .map_err(|e: Misfit| e.or_at(self.place))?;
        Ok((
            value,
            Content {
                name: self.name,
                node: self.content,
            },
        ))
    }
}

struct Content<'a> {
    name: &'a str,
    node: Option<&'a Node>,
}

impl<'a> Content<'a> {
    fn needed(&self) -> Result<&'a Node, Misfit> {
        self.node.ok_or_else(|| {
            Misfit::new(
                format!("{:?} needs a value: {{{}: ...}}", self.name, self.name),
                None,
            )
        })
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Misfit;
    fn unit_variant(self) -> Result<(), Misfit> {
        match self.node {
            None => Ok(()),
            Some(node) if matches!(node.value, Value::Null) => Ok(()),
            Some(node) => {
                Err(Misfit::new(format!("{:?} takes no value", self.name), None).or_at(node.place))
            }
        }
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        seed.deserialize(Reader(self.needed()?))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Misfit> {
        de::Deserializer::deserialize_any(Reader(self.needed()?), visitor)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        de::Deserializer::deserialize_any(Reader(self.needed()?), visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::typed;
    use crate::yaml::documents;
    use sluice_model::{Connection, DataClass};

    fn check(text: &str, expected: &str) {
        let (nodes, problems) = documents("f", text);
        assert_eq!(problems, vec![], "{text}");
        let got = match text.contains("mask") || text.contains("columns") {
            true => typed::<DataClass>("f", &nodes[0]).map(|_| ()),
            false => typed::<Connection>("f", &nodes[0]).map(|_| ()),
        };
        let got = got.err().map(|p| p.to_string()).unwrap_or_default();
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn misfits_name_place_expectation_and_suggestion() {
        let good = "name: a\nprotocol: p\nenvironment: e\ntarget: {address: 'h:1'}\naccounts:\n  - {name: x, username: u, password: {env: V}}\n";
        check(good, "");
        check("name: a\nmask: redact", "");
        check(
            "name: a\nmask: {keep_last: 4}\ncolumns: [ssn, {regex: x}]",
            "",
        );
        check(
            &good.replace("protocol: p", "protcol: p"),
            "f:2:1: unknown setting \"protcol\", expected one of: name, protocol, environment, labels, time_zone, target, accounts, databases, strict_masking, hold_timeout_seconds, settings (did you mean \"protocol\"?)",
        );
        check(
            &good.replace("environment: e\n", ""),
            "f:1:1: the setting \"environment\" is missing",
        );
        check(
            &good.replace("'h:1'", "5432"),
            "f:4:19: expected a text, got the number 5432 (put it in quotes to make it a text)",
        );
        check(
            &good.replace("'h:1'", "'h:1', tls: verify"),
            "f:4:31: unknown value \"verify\", expected one of: disable, require, verify-ca, verify-full (did you mean \"verify-ca\"?)",
        );
        check(
            &good.replace("{env: V}", "{evn: V}"),
            "f:6:39: unknown value \"evn\", expected one of: env, file (did you mean \"env\"?)",
        );
        check(
            "name: a\nmask: {keep_last: many}",
            "f:2:19: expected u16, got the text \"many\"",
        );
        check(
            "name: a\nmask: keep_last",
            "f:2:7: \"keep_last\" needs a value: {keep_last: ...}",
        );
    }
}
