//! The look for newer versions that nobody asks for.

use std::time::Duration;

/// How often it is asked whether a look is due. Well below a day: a computer that slept for days looks soon after, and a switch that is turned on
/// is soon obeyed.
pub(super) const PAUSE: Duration = Duration::from_secs(60 * 60);

/// Looks whenever `is_due` at the time that `clock` tells, between pauses, until a `pause` says that the program ends.
pub(super) fn keep_looking(
    clock: impl Fn() -> f64,
    is_due: impl Fn(f64) -> bool,
    look: impl Fn(),
    pause: impl Fn() -> bool,
) {
    loop {
        if is_due(clock()) {
            look();
        }
        if !pause() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use store::{Places, is_look_due, keep_look};

    use super::*;

    /// An hour, in milliseconds.
    const HOUR: f64 = 60.0 * 60.0 * 1000.0;

    /// The hours in which is looked, of the first so many that the program stays open; `is_wanted` in an hour, or not.
    fn looks(places: &Places, hours: u32, is_wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        let (hour, looked) = (Cell::new(0_u32), RefCell::new(Vec::new()));
        let clock = || f64::from(hour.get()) * HOUR;
        let look = || {
            looked.borrow_mut().push(hour.get());
            keep_look(places, clock()).unwrap();
        };
        let pause = || {
            hour.set(hour.get() + 1);
            hour.get() < hours
        };
        keep_looking(clock, |now| is_wanted(hour.get()) && is_look_due(places, now), look, pause);
        looked.take()
    }

    #[test]
    fn one_that_stays_open_looks_once_a_day_as_long_as_that_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        assert_eq!(looks(&places, 80, |_| true), [0, 24, 48, 72]);
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        let wanted = |hour: u32| (30..50).contains(&hour) || hour >= 60;
        assert_eq!(looks(&places, 80, wanted), [30, 60], "switched on, off and on again while it is open");
        assert_eq!(looks(&places, 1, |_| false), Vec::<u32>::new());
    }
}
