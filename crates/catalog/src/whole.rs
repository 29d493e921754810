//! Files written wholly or not at all, and read as a whole.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Code, Problem};
use sha2::Digest;
use tempfile::NamedTempFile;

use crate::entry::Sha256;
use crate::store::unwritable;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 20;

/// Puts a file in its place, wholly or not at all, and makes its folder.
pub(crate) fn put(path: &Path, contents: &[u8]) -> io::Result<()> {
    beside(path, contents)?.persist(path).map(|_| ()).map_err(|error| error.error)
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

/// Copies the model file `path` to `to`, telling after each piece how many bytes are done, and gives the hash of what was copied.
///
/// # Errors
/// [`Code::ModelUnreadable`]; [`Code::FolderUnwritable`]; [`Code::Cancelled`] when `cancel` becomes true.
pub(crate) fn hashed(
    path: &Path,
    to: &mut dyn Write,
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
                to.write_all(&piece[..count]).map_err(|error| unwritable(path, &error))?;
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
