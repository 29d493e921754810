use std::fs::{File, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use protocol::{Code, Problem};

use crate::places::{Places, make, unwritable_file};

/// How long one that is closing is waited for: it keeps the last words of its answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Held by the one window that works on the files of a home: two would not see each other's changes.
#[derive(Debug)]
pub struct Alone {
    /// Locked; the system lets go of it however the program ends.
    _file: File,
}

impl Alone {
    /// Takes the files of `places` for this process. Where files cannot be locked, nothing keeps another one away.
    ///
    /// # Errors
    /// [`Code::AlreadyOpen`], [`Code::FolderUnwritable`].
    pub fn with(places: &Places) -> Result<Self, Problem> {
        Self::within(places, PATIENCE)
    }

    fn within(places: &Places, patience: Duration) -> Result<Self, Problem> {
        make(&places.data)?;
        let path = places.data.join("open.lock");
        let opened = File::options().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|error| unwritable_file(&path, &error))?;
        let until = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(Duration::from_millis(50)),
                Err(TryLockError::WouldBlock) => {
                    return Err(Problem::new(Code::AlreadyOpen).with("path", places.data.display()));
                }
                Err(TryLockError::Error(error)) => {
                    tracing::warn!(%error, "files cannot be locked here");
                    break;
                }
                Ok(()) => break,
            }
        }
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_told_until_the_first_has_gone() {
        let home = tempfile::tempdir().unwrap();
        let places = Places::below(home.path());
        let first = Alone::within(&places, Duration::ZERO).unwrap();
        assert_eq!(Alone::within(&places, Duration::ZERO).unwrap_err().code, Code::AlreadyOpen);
        drop(first);
        Alone::within(&places, Duration::ZERO).unwrap();
    }
}
