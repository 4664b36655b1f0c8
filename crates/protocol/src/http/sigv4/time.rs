//! Moments as signatures write them: `20150830T123600Z`.

/// The length of a day. Unix time has no leap seconds.
const DAY: u64 = 24 * 60 * 60;

/// Writes seconds since 1970 as a day and a time; `None` from the year 10000 on.
pub(super) fn stamp(moment: u64) -> Option<String> {
    let (year, month, day) = date(moment / DAY)?;
    let second = moment % DAY;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(format!(
        "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z"
    ))
}

/// Year, month and day, so many days after 1970 began: full years are taken off, then full months.
fn date(mut days: u64) -> Option<(u64, u64, u64)> {
    let mut year = 1970;
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
        if year > 9999 {
            return None;
        }
    }
    let february = days_of_year(year) - 337;
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    Some((year, month, days + 1))
}

fn days_of_year(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    365 + u64::from(leap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written() {
        let check = |moment: u64, expected: Option<&str>| {
            assert_eq!(stamp(moment).as_deref(), expected, "{moment}");
        };
        check(0, Some("19700101T000000Z"));
        check(86_399, Some("19700101T235959Z"));
        check(951_782_399, Some("20000228T235959Z"));
        check(951_782_400, Some("20000229T000000Z"));
        check(951_868_800, Some("20000301T000000Z"));
        check(1_440_938_160, Some("20150830T123600Z"));
        check(1_709_164_800, Some("20240229T000000Z"));
        check(1_735_689_599, Some("20241231T235959Z"));
        check(1_735_689_600, Some("20250101T000000Z"));
        check(4_107_542_399, Some("21000228T235959Z"));
        check(4_107_542_400, Some("21000301T000000Z"));
        check(253_402_300_799, Some("99991231T235959Z"));
        check(253_402_300_800, None);
        check(u64::MAX, None);
    }
}
