use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// The disk that files are fetched to, passed in so that tests can fill it.
pub trait Disk: Send + Sync {
    /// Free space in bytes of the disk that holds `folder`.
    ///
    /// # Errors
    /// The system does not tell.
    fn free(&self, folder: &Path) -> io::Result<u64>;

    /// Writes all of `bytes` to `file`.
    ///
    /// # Errors
    /// Why not; some of it may be written then.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
}

/// The computer's own disks.
pub(super) struct SystemDisk;

impl Disk for SystemDisk {
    fn free(&self, folder: &Path) -> io::Result<u64> {
        fs4::available_space(folder)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }
}
