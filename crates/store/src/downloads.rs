//! What was still to be fetched when the program ended.

use std::fs;

use protocol::{Code, Problem};
use serde::{Deserialize, Serialize};

use crate::places::{Places, keep};

const FILE: &str = "downloads.json";

/// Larger files were not written by this program, and nobody waits for more ladders.
const LARGEST: u64 = 256 * 1024;
const MOST: usize = 100;

/// A ladder that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Its id.
    pub ladder: String,
    /// Whether it is to answer once it is here.
    pub then_use: bool,
    /// Whether it waits until somebody resumes it.
    pub paused: bool,
    /// The ladder that was chosen when this one was asked for; empty for the one that is chosen now.
    #[serde(default)]
    pub before: String,
    /// Why it could not be fetched, if that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What is to be fetched, in this order. A file that cannot be understood is as good as none: nothing but a wish is lost.
pub fn wanted(places: &Places) -> Vec<Wanted> {
    let path = places.data.join(FILE);
    let small = fs::metadata(&path).is_ok_and(|about| about.len() <= LARGEST);
    let read = || serde_json::from_slice::<Vec<Wanted>>(&fs::read(&path).ok()?).ok();
    let mut wanted = if small { read().unwrap_or_default() } else { Vec::new() };
    wanted.truncate(MOST);
    wanted
}

/// Keeps what is to be fetched, wholly or not at all.
///
/// # Errors
/// [`Code::FolderUnwritable`].
pub fn keep_wanted(places: &Places, wanted: &[Wanted]) -> Result<(), Problem> {
    let text = serde_json::to_vec_pretty(wanted).map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
    keep(&places.data.join(FILE), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_survive_and_a_damaged_file_is_as_good_as_none() {
        let home = tempfile::tempdir().unwrap();
        let places = Places::below(home.path());
        assert!(wanted(&places).is_empty());
        let one = |ladder: &str, problem: Option<Problem>| Wanted {
            ladder: ladder.to_owned(),
            then_use: true,
            paused: problem.is_some(),
            before: "c".to_owned(),
            problem,
        };
        let wishes = [one("b", None), one("a", Some(Problem::new(Code::DiskFull).with("free", "7 bytes")))];
        keep_wanted(&places, &wishes).unwrap();
        assert_eq!(wanted(&places), wishes);
        for damage in [&b"{"[..], b"[3]", b"\xff", b"[{\"ladder\": 1}]"] {
            fs::write(places.data.join(FILE), damage).unwrap();
            assert!(wanted(&places).is_empty());
        }
        fs::File::create(places.data.join(FILE)).unwrap().set_len(1 << 30).unwrap();
        assert!(wanted(&places).is_empty());
    }
}
