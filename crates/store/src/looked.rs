//! When newer versions of this program were looked for last.

use std::fs;

use protocol::Problem;

use crate::places::{Places, keep};

const FILE: &str = "updates-looked";

/// A day, in milliseconds.
const DAY: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// Whether the last look, if there was one, is a day ago. A clock that was set back does not hold it up.
pub fn is_look_due(places: &Places, now_ms: f64) -> bool {
    let last = fs::read_to_string(places.data.join(FILE)).ok().and_then(|text| text.trim().parse::<f64>().ok());
    !last.is_some_and(|last| (0.0..DAY).contains(&(now_ms - last)))
}

/// Keeps that it was looked now.
///
/// # Errors
/// [`Code::FolderUnwritable`](protocol::Code::FolderUnwritable).
pub fn keep_look(places: &Places, now_ms: f64) -> Result<(), Problem> {
    keep(&places.data.join(FILE), format!("{now_ms:.0}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_a_day_is_due() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        assert!(is_look_due(&places, DAY), "there was none");
        keep_look(&places, DAY).unwrap();
        assert!(!is_look_due(&places, DAY + 5.0) && !is_look_due(&places, 2.0 * DAY - 1.0));
        assert!(is_look_due(&places, 2.0 * DAY), "a day later");
        assert!(is_look_due(&places, DAY - 1.0), "the clock was set back");
        fs::write(places.data.join(FILE), b"\xff").unwrap();
        assert!(is_look_due(&places, DAY), "what cannot be read says nothing");
    }
}
