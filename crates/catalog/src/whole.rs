//! Files written wholly or not at all, and read as a whole.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Code, Problem};
use sha2::Digest;
use tempfile::NamedTempFile;

use crate::entry::Sha256;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 20;

/// Puts a file in its place, wholly or not at all, and makes its folder.
pub(crate) fn put(path: &Path, contents: &[u8]) -> io::Result<()> {
    let file = beside(path, contents)?;
    // Whoever could read what was there can read what is there now, as far as the share it lies on knows such rights.
    if let Ok(about) = fs::metadata(path) {
        let _ = file.as_file().set_permissions(about.permissions());
    }
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// The same where there is none.
pub(crate) fn put_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    beside(path, contents)?.persist_noclobber(path).map(|_| ()).map_err(|error| error.error)
}

/// A whole file beside the place where it is to be.
fn beside(path: &Path, contents: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Copies the model file `path` to `to`, which is on the disk then, telling after each piece how many bytes are done, and gives the hash of
/// what was copied. `unwritten` makes a problem of how many bytes were written and why no more.
///
/// # Errors
/// As [`hashed`]; those of `unwritten`.
pub(crate) fn copied(
    path: &Path,
    to: &mut File,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(u64),
    unwritten: &dyn Fn(u64, &io::Error) -> Problem,
) -> Result<Sha256, Problem> {
    let mut done = 0;
    let mut put = |piece: &[u8]| {
        to.write_all(piece).map_err(|error| unwritten(done, &error))?;
        done += piece.len() as u64;
        Ok(())
    };
    let hash = hashed(path, &mut put, cancel, on)?;
    to.sync_all().map_err(|error| unwritten(done, &error))?;
    Ok(hash)
}

/// Reads the model file `path`, handing each piece to `put` and telling then how many bytes are done, and gives its hash.
///
/// # Errors
/// [`Code::ModelUnreadable`]; [`Code::Cancelled`] when `cancel` becomes true; those of `put`.
pub(crate) fn hashed(
    path: &Path,
    put: &mut dyn FnMut(&[u8]) -> Result<(), Problem>,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(u64),
) -> Result<Sha256, Problem> {
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let (mut hash, mut piece, mut done) = (sha2::Sha256::new(), vec![0; PIECE], 0);
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(Problem::new(Code::Cancelled));
        }
        match file.read(&mut piece) {
            Ok(0) => return Ok(Sha256::of(&hash.finalize())),
            Ok(count) => {
                hash.update(&piece[..count]);
                put(&piece[..count])?;
                done += count as u64;
                on(done);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
}

/// The problem of a model file that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::new(Code::ModelUnreadable).with("path", path.display()).with("reason", error)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::store::ModelStore;

    #[test]
    fn what_cannot_be_written_is_no_trouble_of_the_file_that_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let path = folder.path().join("mine.gguf");
        fs::write(&path, b"weights").unwrap();
        let fails = |mut to: File| {
            let unwritten = |done: u64, error: &io::Error| store.unwritten(7 - done, error);
            let problem = copied(&path, &mut to, &AtomicBool::new(false), &mut |_| {}, &unwritten).unwrap_err();
            assert_eq!(problem.details["path"], store.root().display().to_string());
            problem
        };
        // A disk without any room.
        let full = fails(File::options().write(true).open("/dev/full").unwrap());
        assert_eq!((full.code, full.details["size"].as_str()), (Code::DiskFull, "7 bytes"));
        // One that takes nothing for another reason.
        let other = fails(File::open(&path).unwrap());
        assert_eq!(other.code, Code::FolderUnwritable);
        assert!(other.details["reason"].contains("os error 9"), "{other:?}");
    }
}
