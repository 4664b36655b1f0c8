//! Counting over time.

use super::search::push_scope;
use super::{Index, Result, Scope};
use crate::api::types::{BusyConnection, OverviewPoint};
use sluice_model::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite};

/// Connections that are listed as the busiest.
const BUSIEST: i64 = 10;
/// Steps that a chart shows at most.
const MAX_POINTS: i64 = 180;
/// Up to so many seconds are counted by the minute; beyond, by the hour.
const BY_MINUTE: i64 = 2 * 86_400;

/// Numbers over time.
pub(crate) struct Numbers {
    pub(crate) step_seconds: i64,
    pub(crate) points: Vec<OverviewPoint>,
    pub(crate) busiest: Vec<BusyConnection>,
}

/// The length of a step for so many seconds: minutes or hours, as many as make a chart that can be read.
fn step(seconds: i64) -> (i64, i64) {
    let span = if seconds <= BY_MINUTE { 60 } else { 3_600 };
    let spans = seconds.div_euclid(span).max(1);
    let each = spans.div_euclid(MAX_POINTS) + i64::from(spans.rem_euclid(MAX_POINTS) > 0);
    (span, span * each.max(1))
}

impl Index {
    /// Counts what somebody may see, of the last so many seconds.
    pub(crate) async fn numbers(
        &self,
        scope: &Scope,
        seconds: i64,
        now: Timestamp,
    ) -> Result<Numbers> {
        let (span, step) = step(seconds);
        let end = now.0.div_euclid(1_000_000);
        let end = end - end.rem_euclid(step) + step;
        let begin = end - seconds.div_euclid(step).max(1) * step;
        Ok(Numbers {
            step_seconds: step,
            points: self.points(scope, span, step, (begin, end)).await?,
            busiest: self.busiest(scope, span, begin).await?,
        })
    }

    async fn points(
        &self,
        scope: &Scope,
        span: i64,
        step: i64,
        (begin, end): (i64, i64),
    ) -> Result<Vec<OverviewPoint>> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT (o.start - ");
        query.push_bind(begin).push(") / ").push_bind(step);
        query.push(
            " AS place, sum(allowed), sum(asked), sum(denied), sum(failed), sum(masked_values), \
             sum(denied_by_people) \
             FROM numbers o WHERE o.span = ",
        );
        query
            .push_bind(span)
            .push(" AND o.start >= ")
            .push_bind(begin);
        query.push(" AND o.start < ").push_bind(end).push(" AND ");
        push_scope(&mut query, scope);
        query.push(" GROUP BY place");
        let at = |place: i64| Timestamp((begin + place * step) * 1_000_000);
        let empty = |place| OverviewPoint {
            at: at(place),
            allowed: 0,
            asked: 0,
            denied: 0,
            denied_by_people: 0,
            failed: 0,
            masked_values: 0,
        };
        let mut points: Vec<OverviewPoint> = (0..(end - begin) / step).map(empty).collect();
        for row in query.build().fetch_all(&self.readers).await? {
            let count = |at: usize| row.try_get::<i64, _>(at).map(i64::unsigned_abs);
            let place: i64 = row.try_get(0)?;
            let point = usize::try_from(place)
                .ok()
                .and_then(|place| points.get_mut(place));
            if let Some(point) = point {
                *point = OverviewPoint {
                    at: at(place),
                    allowed: count(1)?,
                    asked: count(2)?,
                    denied: count(3)?,
                    failed: count(4)?,
                    masked_values: count(5)?,
                    denied_by_people: count(6)?,
                };
            }
        }
        Ok(points)
    }

    async fn busiest(&self, scope: &Scope, span: i64, begin: i64) -> Result<Vec<BusyConnection>> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT c.name, sum(allowed + asked + denied) AS operations, sum(denied), sum(masked_values) \
             FROM numbers o JOIN names c ON c.id = o.connection WHERE o.span = ",
        );
        query
            .push_bind(span)
            .push(" AND o.start >= ")
            .push_bind(begin)
            .push(" AND ");
        push_scope(&mut query, scope);
        query.push(" GROUP BY o.connection ORDER BY operations DESC, c.name LIMIT ");
        query.push_bind(BUSIEST);
        let mut busiest = Vec::new();
        for row in query.build().fetch_all(&self.readers).await? {
            let count = |at: usize| row.try_get::<i64, _>(at).map(i64::unsigned_abs);
            busiest.push(BusyConnection {
                connection: row.try_get(0)?,
                operations: count(1)?,
                denied: count(2)?,
                masked_values: count(3)?,
            });
        }
        Ok(busiest)
    }

    /// Gaps that are on record.
    pub(crate) async fn gaps(&self) -> Result<u64> {
        let gaps: i64 = sqlx::query_scalar("SELECT gaps FROM progress")
            .fetch_one(&self.readers)
            .await?;
        Ok(gaps.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn steps_make_charts_that_can_be_read() {
        for (seconds, expected) in [
            (60, (60, 60)),
            (3_600, (60, 60)),
            (6 * 3_600, (60, 120)),
            (86_400, (60, 480)),
            (7 * 86_400, (3_600, 3_600)),
            (90 * 86_400, (3_600, 12 * 3_600)),
        ] {
            assert_eq!(step(seconds), expected, "{seconds}");
        }
    }
}
