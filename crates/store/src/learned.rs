//! What was measured and learned of ladders: one readable JSON file for each, figures only.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use protocol::learned::{Conditions, Learned};
use protocol::{Code, Problem};

use crate::places::{self, Places, unwritable};

/// Larger files were not written by this program.
const LARGEST: u64 = 4 << 20;

/// The folder that keeps what was learned. Nothing in it is needed: without it everything is measured and learned anew.
#[derive(Debug, Clone)]
pub struct LearnedFolder {
    folder: PathBuf,
}

impl LearnedFolder {
    /// The folder of `places`; it need not exist yet.
    pub fn of(places: &Places) -> Self {
        Self { folder: places.data.join("learned") }
    }

    /// What is known under exactly these conditions. A file that cannot be understood is as good as none.
    pub fn recall(&self, conditions: &Conditions) -> Option<Learned> {
        read(&self.place(conditions)).filter(|learned| learned.conditions == *conditions)
    }

    /// Everything that is kept, by name of the ladder.
    pub fn all(&self) -> Vec<Learned> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut all: Vec<Learned> = files.filter(|path| is_ours(path)).filter_map(|path| read(&path)).collect();
        all.sort_by(|a, b| a.ladder.cmp(&b.ladder));
        all
    }

    /// Keeps `learned` in place of what was known under its conditions: wholly or not at all.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`].
    pub fn keep(&self, learned: &Learned) -> Result<(), Problem> {
        let text =
            serde_json::to_vec_pretty(learned).map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
        places::keep(&self.place(&learned.conditions), &text)
    }

    /// Erases everything and says how many files that were.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`]; what could be erased is.
    pub fn erase(&self) -> Result<usize, Problem> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let (mut erased, mut failed) = (0, Ok(()));
        for path in files.filter(|path| is_ours(path)) {
            match fs::remove_file(&path) {
                Ok(()) => erased += 1,
                Err(error) => failed = Err(unwritable(&self.folder, &error)),
            }
        }
        failed.map(|()| erased)
    }

    /// A self-made name: nothing of a ladder's own name gets into a path.
    fn place(&self, conditions: &Conditions) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        conditions.hash(&mut hasher);
        self.folder.join(format!("{:016x}.json", hasher.finish()))
    }
}

fn is_ours(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn read(path: &std::path::Path) -> Option<Learned> {
    if fs::metadata(path).ok()?.len() > LARGEST {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ladder::CacheType;
    use protocol::learned::{FileMark, Lessons, Threads};

    fn learned(ladder: &str, exact: bool) -> Learned {
        let files = vec![FileMark { name: "../../evil".to_owned(), bytes: 5, modified: 6 }];
        let (program, processor) = ("taki".to_owned(), "x ×2".to_owned());
        let conditions = Conditions {
            program,
            processor,
            files,
            exact,
            threads: None,
            cache: CacheType::F16,
            gpu_layers: None,
            drafts_on_processor: false,
        };
        let policy = serde_json::json!({ "kept": 0.5 });
        let lessons = Lessons { threads: Threads { single: 2, wide: 2 }, on_devices: false, fastest: None, policy };
        Learned { ladder: ladder.to_owned(), conditions, lessons }
    }

    #[test]
    fn what_was_learned_comes_back_under_its_own_conditions_only() {
        let home = tempfile::tempdir().unwrap();
        let folder = LearnedFolder::of(&Places::below(home.path()));
        assert!(folder.all().is_empty() && folder.erase() == Ok(0), "a folder that is not there holds nothing");
        let (fast, exact) = (learned("b", false), learned("a", true));
        folder.keep(&fast).unwrap();
        assert_eq!(folder.recall(&fast.conditions), Some(fast.clone()));
        assert_eq!(folder.recall(&exact.conditions), None);
        folder.keep(&exact).unwrap();
        let mut newer = fast.clone();
        newer.lessons.threads.single = 1;
        folder.keep(&newer).unwrap();
        assert_eq!(folder.all(), [exact, newer], "one for each condition, the latest");
        assert_eq!(folder.erase(), Ok(2));
        assert!(folder.all().is_empty());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing was written elsewhere");
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        let home = tempfile::tempdir().unwrap();
        let folder = LearnedFolder::of(&Places::below(home.path()));
        let mine = learned("a", false);
        for damage in [&b"{"[..], b"", b"\xff", b"{\"ladder\": 7}"] {
            folder.keep(&mine).unwrap();
            fs::write(folder.place(&mine.conditions), damage).unwrap();
            assert_eq!(folder.recall(&mine.conditions), None);
        }
        folder.keep(&mine).unwrap();
        assert_eq!(folder.recall(&mine.conditions), Some(mine), "it is written anew");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_said_so() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("data"), b"").unwrap();
        let problem = LearnedFolder::of(&Places::below(home.path())).keep(&learned("a", false)).unwrap_err();
        assert_eq!(problem.code, Code::FolderUnwritable);
    }
}
