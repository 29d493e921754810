//! How fast ladders turned out to be on this computer.

use std::collections::BTreeMap;
use std::fs;

use protocol::chat::LadderCheck;
use protocol::{Code, Problem};
use serde::{Deserialize, Serialize};

use crate::places::{Places, keep};

const FILE: &str = "checked.json";

/// Larger files were not written by this program.
const LARGEST: u64 = 1 << 20;

/// What a trial of a ladder found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Hashes of its models, the target first: of others it says nothing.
    pub models: Vec<String>,
    /// Tokens a second of the target alone.
    pub alone: f64,
    /// Tokens a second with the cascade.
    pub cascade: f64,
    /// How many times as fast the cascade is.
    pub ratio: f64,
}

/// What was found of each ladder, by its id. A file that cannot be understood is as good as none: it can be tried again.
fn checks(places: &Places) -> BTreeMap<String, Check> {
    let path = places.data.join(FILE);
    let small = fs::metadata(&path).is_ok_and(|about| about.len() <= LARGEST);
    let read = || serde_json::from_slice(&fs::read(&path).ok()?).ok();
    if small { read().unwrap_or_default() } else { BTreeMap::new() }
}

/// What gives, for a ladder's id and the hashes of its models, what a trial of that very ladder found. What would be better is for others to say.
pub fn checked(places: &Places) -> impl Fn(&str, &[String]) -> Option<LadderCheck> + use<> {
    let checks = checks(places);
    move |id, models| {
        let Check { alone, cascade, ratio, .. } = *checks.get(id).filter(|check| check.models == models)?;
        Some(LadderCheck { alone, cascade, ratio, better: None })
    }
}

/// Keeps what was found of `ladder` in place of what was found before.
///
/// # Errors
/// [`Code::FolderUnwritable`].
pub fn keep_check(places: &Places, ladder: &str, check: &Check) -> Result<(), Problem> {
    let mut all = checks(places);
    all.insert(ladder.to_owned(), check.clone());
    let text = serde_json::to_vec_pretty(&all).map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
    keep(&places.data.join(FILE), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_of_each_ladder_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let places = Places::below(home.path());
        let check = |ratio| Check { models: vec!["a".to_owned()], alone: 10.0, cascade: 10.0 * ratio, ratio };
        assert!(checks(&places).is_empty());
        for (ladder, ratio) in [("a", 1.5), ("b", 1.0), ("a", 2.0)] {
            keep_check(&places, ladder, &check(ratio)).unwrap();
        }
        let kept = checks(&places);
        assert_eq!((kept.len(), &kept["a"], &kept["b"]), (2, &check(2.0), &check(1.0)));
        let checked = checked(&places);
        assert!((checked("a", &["a".to_owned()]).unwrap().ratio - 2.0).abs() < 1e-9);
        assert_eq!(checked("a", &["other".to_owned()]), None, "it is another ladder by now");
        fs::write(places.data.join(FILE), b"{").unwrap();
        assert!(checks(&places).is_empty());
    }
}
