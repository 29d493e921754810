use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

/// How the names of places begin where files are made.
const PREFIX: &str = "making-";

/// The file in a place that is locked for as long as somebody works there. It has this name only once it is.
const LOCK: &str = "lock";

/// Nobody makes a file for so long: what counts where there is no lock to ask.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3600);

/// A folder of its own for a file on its way; it goes with this.
#[derive(Debug)]
pub struct Workplace {
    // Goes first: Windows keeps a folder in which a file is open.
    _lock: File,
    folder: TempDir,
}

impl Workplace {
    /// A new one in `staging`.
    pub(crate) fn within(staging: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(staging)?;
        let path = folder.path().join("unlocked");
        let lock = File::create_new(&path)?;
        // Some network file systems have no locks; then its age is looked at.
        let _ = lock.lock().and_then(|()| fs::rename(&path, folder.path().join(LOCK)));
        Ok(Self { _lock: lock, folder })
    }

    /// Where the file is to be.
    pub fn path(&self) -> PathBuf {
        self.named("model.gguf")
    }

    /// Where a file of this name is to be; it goes with this too.
    pub fn named(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Removes from `staging` what programs left behind that ended in the middle of their work.
pub(crate) fn tidy(staging: &Path) {
    for entry in fs::read_dir(staging).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_left(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether nobody works in this place any more.
fn is_left(place: &Path) -> bool {
    // Closed again before the folder is removed.
    let asked = File::options().write(true).open(place.join(LOCK)).map(|lock| lock.try_lock());
    match asked {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock)) => false,
        Ok(Err(TryLockError::Error(_))) | Err(_) => {
            let changed = fs::metadata(place).and_then(|about| about.modified()).ok();
            changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > LEFT_BEHIND)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelStore;
    use crate::sample::{Gguf, store, take};

    #[test]
    fn what_a_killed_program_left_goes_and_what_is_worked_on_stays() {
        let (folder, store) = store();
        let held = store.room_for(0).unwrap();
        fs::write(held.path(), b"half of it").unwrap();
        let (left, begun) = (store.staging().join("making-left"), store.staging().join("making-begun"));
        fs::create_dir(&begun).unwrap();
        let leave = || {
            fs::create_dir(&left).unwrap();
            // As it is once nobody has it open any more.
            fs::copy(held.named(LOCK), left.join(LOCK)).unwrap();
            fs::write(left.join("model.gguf"), b"half of it").unwrap();
        };
        let gone = |by: &str| {
            assert!(!left.exists(), "{by}");
            assert!(held.path().is_file() && begun.is_dir(), "{by} takes what is in use or about to be");
        };
        leave();
        drop(store.room_for(0).unwrap());
        gone("making the next one");
        leave();
        drop(ModelStore::open(store.root().to_owned()).unwrap());
        gone("opening");
        let path = folder.path().join("m.gguf");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let model = take(&store, &path).unwrap();
        leave();
        store.remove(&model.sha256).unwrap();
        gone("removing a model");
        drop(held);
        assert_eq!(fs::read_dir(store.staging()).unwrap().count(), 1, "nothing stays of its own accord");
    }
}
