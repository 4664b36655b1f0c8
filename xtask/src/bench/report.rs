//! Medians, and ratios to the first endpoint in the same round.

use super::measure::{Cell, Sample};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Every sample, by cell and endpoint, in the order of the rounds.
#[derive(Default)]
pub struct Results(BTreeMap<Cell, BTreeMap<String, Vec<Sample>>>);

impl Results {
    /// Keeps one.
    pub fn add(&mut self, cell: &Cell, endpoint: &str, sample: Sample) {
        self.0
            .entry(cell.clone())
            .or_default()
            .entry(endpoint.to_owned())
            .or_default()
            .push(sample);
    }

    /// One table per cell, the endpoints in the order of `names`; the first is the base of the ratios.
    pub fn text(&self, names: &[&str]) -> String {
        let mut text = String::new();
        let Some(base_name) = names.first() else {
            return text;
        };
        for (cell, by_endpoint) in &self.0 {
            let base = by_endpoint.get(*base_name).map_or(&[][..], Vec::as_slice);
            let _ = writeln!(
                text,
                "\n{cell} (ratio to {base_name} in the same round: median, least, most)"
            );
            for name in names {
                if let Some(samples) = by_endpoint.get(*name) {
                    row(&mut text, name, samples, base);
                }
            }
        }
        text
    }
}

fn row(text: &mut String, name: &str, samples: &[Sample], base: &[Sample]) {
    let ratios: Vec<f64> = samples
        .iter()
        .zip(base)
        .map(|(sample, base)| sample.main() / base.main())
        .collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let _ = write!(
        text,
        "  {name:<16} {:6.3} ({least:.2}..{most:.2})",
        median(ratios)
    );
    let columns = samples
        .first()
        .map_or(&[][..], |sample| sample.0.as_slice());
    for (column, _) in columns {
        let values = samples
            .iter()
            .filter_map(|sample| sample.get(column))
            .collect();
        let _ = write!(text, "  {column} {:.1}", median(values));
    }
    text.push('\n');
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_the_same_round() {
        let mut results = Results::default();
        let cell = Cell::Tpcb;
        for (floor, gateway) in [(100.0, 90.0), (10.0, 9.0), (1000.0, 900.0)] {
            results.add(&cell, "floor", Sample(vec![("tps", floor)]));
            results.add(&cell, "gateway", Sample(vec![("tps", gateway)]));
        }
        let text = results.text(&["floor", "gateway"]);
        assert!(
            text.contains("gateway           0.900 (0.90..0.90)  tps 90.0"),
            "{text}"
        );
    }
}
