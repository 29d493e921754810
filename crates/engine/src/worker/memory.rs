//! Memory that the weights may still take.

use std::path::Path;

use protocol::ladder::RESERVE;
use protocol::{Code, Problem, bytes_in_words};

use super::shelf::size_of;
use crate::host::free_memory;

/// Free memory, less what was already given away: it is asked for once, before anything is read.
#[derive(Debug)]
pub(super) struct Memory {
    free: u64,
}

impl Memory {
    /// What the system has left now, within the limits this process is under.
    pub(super) fn of_this_computer() -> Self {
        // A system that does not tell is no reason to refuse.
        Self { free: free_memory().unwrap_or(u64::MAX) }
    }

    /// Bytes that may still be given away.
    pub(super) fn left(&self) -> u64 {
        self.free.saturating_sub(RESERVE)
    }

    /// Gives away room for the file at `path`; a file that is not there needs none.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn take_file(&mut self, path: &Path) -> Result<(), Problem> {
        self.take(size_of(path))
    }

    /// Gives away `bytes`.
    ///
    /// # Errors
    /// [`Code::MemoryShort`]; nothing is given away then.
    pub(super) fn take(&mut self, bytes: u64) -> Result<(), Problem> {
        let need = bytes.saturating_add(RESERVE);
        if need > self.free {
            return Err(Problem::new(Code::MemoryShort)
                .with("need", bytes_in_words(need))
                .with("free", bytes_in_words(self.free)));
        }
        self.free -= bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_taken_until_only_the_reserve_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        // Sparse: it takes no space on the disk.
        std::fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
        let mut memory = Memory { free: (2 << 30) + RESERVE };
        assert!(memory.take_file(&path).is_ok() && memory.take_file(&path).is_ok());
        let problem = memory.take_file(&path).unwrap_err();
        assert_eq!(problem.code, Code::MemoryShort);
        assert_eq!((problem.details["need"].as_str(), problem.details["free"].as_str()), ("1.3 GB", "268 MB"));
        assert!(memory.take_file(&folder.path().join("none")).is_ok());
    }

    #[test]
    fn this_computer_has_some_memory() {
        assert!(Memory::of_this_computer().free > 64 << 20);
    }
}
