//! The facts of a request as the Cedar context.

use crate::entity::{EntityError, Types};
use cedar_policy::{Context, Entity, RestrictedExpression as Expr};
use jiff::tz::TimeZone;
use sluice_model::{ApprovalFacts, Fact, Facts, SessionContext, Timestamp};

/// What a decision depends on besides who does what to what.
pub(crate) struct Circumstances {
    pub(crate) context: Context,
    /// What the context names.
    pub(crate) entities: Vec<Entity>,
}

/// The part of the context that stays the same for a session.
#[derive(Debug)]
pub(crate) struct SessionFacts {
    pairs: Vec<(String, Expr)>,
    zone: TimeZone,
}

/// What the clock shows in a time zone.
#[derive(Debug, PartialEq, Eq)]
struct Clock {
    hour: i8,
    minute: i8,
    /// 1 is Monday.
    weekday: i8,
}

impl SessionFacts {
    pub(crate) fn new(session: &SessionContext, zone: TimeZone) -> Result<Self, EntityError> {
        let address = session.client_address.to_canonical().to_string();
        let mut client = vec![("address".to_owned(), Expr::new_ip(address))];
        if let Some(application) = &session.application {
            client.push((
                "application".to_owned(),
                Expr::new_string(application.clone()),
            ));
        }
        let client = Expr::new_record(client).map_err(|_| EntityError)?;
        let pairs = vec![
            ("client".to_owned(), client),
            (
                "break_glass".to_owned(),
                Expr::new_bool(session.break_glass),
            ),
            (
                "account".to_owned(),
                Expr::new_string(session.account.clone()),
            ),
            (
                "database".to_owned(),
                Expr::new_string(session.database.clone()),
            ),
        ];
        Ok(Self { pairs, zone })
    }

    /// The circumstances of one decision.
    pub(crate) fn context(
        &self,
        types: &Types,
        now: Timestamp,
        facts: &Facts,
        approvals: &ApprovalFacts,
        reason: Option<&str>,
    ) -> Result<Circumstances, EntityError> {
        let approved_by = approvals
            .groups
            .iter()
            .map(|group| types.uid("Group", group).map(Expr::new_entity_uid))
            .collect::<Result<Vec<_>, _>>()?;
        let mut pairs = self.pairs.clone();
        pairs.push(("now".to_owned(), Expr::new_datetime(datetime(now)?)));
        pairs.push(("clock".to_owned(), clock_record(&clock(now, &self.zone)?)?));
        pairs.push(("approved_by".to_owned(), Expr::new_set(approved_by)));
        pairs.push((
            "approvals".to_owned(),
            Expr::new_long(approvals.people.into()),
        ));
        if let Some(reason) = reason {
            pairs.push(("reason".to_owned(), Expr::new_string(reason.to_owned())));
        }
        let mut entities = Vec::new();
        if !facts.namespace.is_empty() {
            let mut values = Vec::with_capacity(facts.values.len());
            for (name, fact) in &facts.values {
                let value = expression(types, name, fact, &mut entities)?;
                values.push((name.clone(), value));
            }
            let record = Expr::new_record(values).map_err(|_| EntityError)?;
            pairs.push((facts.namespace.clone(), record));
        }
        let context = Context::from_pairs(pairs).map_err(|_| EntityError)?;
        Ok(Circumstances { context, entities })
    }
}

/// A fact as an expression. What has names is an entity with tags, called as the fact is.
fn expression(
    types: &Types,
    name: &str,
    fact: &Fact,
    entities: &mut Vec<Entity>,
) -> Result<Expr, EntityError> {
    let mut tagged = |kind: &str, tags: Vec<(String, Expr)>| {
        let uid = types.uid(kind, name)?;
        let entity = Entity::new_with_tags(uid.clone(), [], [], tags);
        entities.push(entity.map_err(|_| EntityError)?);
        Ok(Expr::new_entity_uid(uid))
    };
    Ok(match fact {
        Fact::Bool(value) => Expr::new_bool(*value),
        Fact::Long(value) => Expr::new_long(*value),
        Fact::Text(value) => Expr::new_string(value.clone()),
        Fact::Texts(values) => Expr::new_set(values.iter().cloned().map(Expr::new_string)),
        Fact::NamedTexts(values) => {
            let tags = values.iter();
            let tags = tags.map(|(name, value)| (name.clone(), Expr::new_string(value.clone())));
            tagged("NamedTexts", tags.collect())?
        }
        Fact::NamedLongs(values) => {
            let tags = values.iter();
            let tags = tags.map(|(name, value)| (name.clone(), Expr::new_long(*value)));
            tagged("NamedLongs", tags.collect())?
        }
    })
}

/// Cedar's form of a moment: milliseconds, UTC.
fn datetime(now: Timestamp) -> Result<String, EntityError> {
    let utc = jiff::Timestamp::from_millisecond(now.millis())
        .map_err(|_| EntityError)?
        .to_zoned(TimeZone::UTC);
    if !(0..=9999).contains(&utc.year()) {
        return Err(EntityError);
    }
    Ok(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        utc.year(),
        utc.month(),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
        utc.millisecond()
    ))
}

fn clock(now: Timestamp, zone: &TimeZone) -> Result<Clock, EntityError> {
    let local = jiff::Timestamp::from_millisecond(now.millis())
        .map_err(|_| EntityError)?
        .to_zoned(zone.clone());
    Ok(Clock {
        hour: local.hour(),
        minute: local.minute(),
        weekday: local.weekday().to_monday_one_offset(),
    })
}

fn clock_record(clock: &Clock) -> Result<Expr, EntityError> {
    Expr::new_record([
        ("hour".to_owned(), Expr::new_long(clock.hour.into())),
        ("minute".to_owned(), Expr::new_long(clock.minute.into())),
        ("weekday".to_owned(), Expr::new_long(clock.weekday.into())),
    ])
    .map_err(|_| EntityError)
}

/// A connection's time zone; UTC when it names none.
pub(crate) fn zone(name: Option<&str>) -> Option<TimeZone> {
    name.map_or(Some(TimeZone::UTC), |name| TimeZone::get(name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn the_clock_follows_the_zone_through_daylight_saving() {
        for (zone_name, moment, hour, minute, weekday) in [
            (None, "2026-03-29T00:30:00Z", 0, 30, 7),
            (Some("Europe/Berlin"), "2026-03-29T00:59:59Z", 1, 59, 7),
            (Some("Europe/Berlin"), "2026-03-29T01:00:00Z", 3, 0, 7),
            (Some("Europe/Berlin"), "2026-10-25T00:59:00Z", 2, 59, 7),
            (Some("Europe/Berlin"), "2026-10-25T01:00:00Z", 2, 0, 7),
            (Some("Asia/Kathmandu"), "2026-01-01T18:30:00Z", 0, 15, 5),
            (Some("UTC"), "1969-12-31T23:59:59.999Z", 23, 59, 3),
        ] {
            let zone = zone(zone_name).unwrap();
            let expected = Clock {
                hour,
                minute,
                weekday,
            };
            assert_eq!(
                clock(at(moment), &zone).unwrap(),
                expected,
                "{moment} in {zone_name:?}"
            );
        }
        assert!(zone(Some("Europe/Atlantis")).is_none());
    }

    #[test]
    fn moments_are_written_as_cedar_reads_them() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_774_746_000_123_456, "2026-03-29T01:00:00.123Z"),
        ] {
            assert_eq!(datetime(Timestamp(micros)).unwrap(), expected);
        }
        assert!(datetime(Timestamp(i64::MAX)).is_err());
        assert!(datetime(Timestamp(i64::MIN)).is_err());
    }
}
