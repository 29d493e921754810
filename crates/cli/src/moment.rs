//! Points in time in words.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Date and time of `time` where this computer stands; nothing for what no calendar has.
pub(crate) fn moment(time: SystemTime) -> String {
    moment_in(time, TimeZone::system())
}

fn moment_in(time: SystemTime, zone: TimeZone) -> String {
    let time = Timestamp::try_from(time).map(|time| time.to_zoned_datetime(zone));
    time.map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_moment_is_told_as_the_clocks_of_the_place_show_it() {
        let told = |seconds, zone| moment_in(UNIX_EPOCH + Duration::from_secs(seconds), TimeZone::posix(zone).unwrap());
        assert_eq!(told(951_782_399, "UTC0"), "2000-02-28 23:59");
        assert_eq!(told(951_782_399, "JST-9"), "2000-02-29 08:59");
        // In summer an hour more.
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        assert_eq!(
            (told(1_735_689_540, berlin), told(1_751_328_000, berlin)),
            ("2025-01-01 00:59".into(), "2025-07-01 02:00".into())
        );
    }
}
