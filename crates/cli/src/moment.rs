//! Points in time in words.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds of a day, and days of 400 years, after which the calendar is the same again.
const DAY: u64 = 24 * 60 * 60;
const CYCLE: u64 = 146_097;

/// Date and time of `time` in UTC: without more libraries nobody tells what time it is where this computer stands.
pub(crate) fn moment(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Counted from 1 March of the year 0: a leap day is the last of its year.
    let days = seconds / DAY + 719_468;
    let (cycle, of_cycle) = (days / CYCLE, days % CYCLE);
    let year = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / (CYCLE - 1)) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + 400 * cycle + u64::from(month <= 2);
    let (hour, minute) = (seconds % DAY / 3600, seconds % 3600 / 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, told) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (1_709_210_096, "2024-02-29 12:34 UTC"),
            (1_735_689_599, "2024-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(moment(UNIX_EPOCH + Duration::from_secs(seconds)), told);
        }
    }
}
