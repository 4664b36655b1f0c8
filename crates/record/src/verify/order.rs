//! Names what is missing, moved or repeated from the numbers in the order in which they stand in a file.

use super::{Problem, Report};
use sluice_model::SessionId;

/// Checks numbers that should count up from `first`. Each comes with its offset.
pub(super) fn check(
    session: Option<&SessionId>,
    first: u64,
    numbers: &[(u64, u64)],
    report: &mut Report,
) {
    let counts_up = |(position, (number, _)): (usize, &(u64, u64))| {
        Some(*number) == first.checked_add(position as u64)
    };
    if numbers.iter().enumerate().all(counts_up) {
        return;
    }
    let mut sorted: Vec<u64> = numbers.iter().map(|(number, _)| *number).collect();
    sorted.sort_unstable();
    for ((number, offset), in_order) in numbers.iter().zip(&sorted) {
        if number != in_order {
            report.add(session, Some(*number), Some(*offset), Problem::Moved);
        }
    }
    let mut next = first;
    for number in sorted {
        if number < next {
            report.add(session, Some(number), None, Problem::Repeated);
        } else if number > next {
            let through = number - 1;
            let offset = numbers
                .iter()
                .find(|(standing, _)| *standing == number)
                .map(|(_, offset)| *offset);
            report.add(session, Some(next), offset, Problem::Missing { through });
        }
        next = number.saturating_add(1);
    }
}
