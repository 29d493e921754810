//! N-gram tables beside the models that they were counted for.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::Problem;
use sha2::Digest;

use crate::entry::Sha256;
use crate::store::{ModelStore, unwritable};
use crate::whole::put;

const ENDING: &str = "ngrams";

impl ModelStore {
    /// Where the table for a target's tokenizer belongs, whether or not it is there: in `tables`, named as the target's file
    /// in the store, or by the hash of its path if it lies elsewhere.
    pub fn table_place(&self, target: &Path) -> PathBuf {
        let own = target.parent() == Some(self.root()) && target.extension().is_some_and(|ending| ending == "gguf");
        let stem = target.file_stem().and_then(|stem| stem.to_str()).filter(|_| own);
        let name = stem.and_then(Sha256::parse);
        let hash = || Sha256::of(&sha2::Sha256::digest(target.as_os_str().as_encoded_bytes()));
        self.tables_folder().join(format!("{}.{ENDING}", name.unwrap_or_else(hash)))
    }

    /// The table for a target's tokenizer, if there is one.
    pub fn table_of(&self, target: &Path) -> Option<PathBuf> {
        Some(self.table_place(target)).filter(|place| place.is_file())
    }

    /// Puts a table in its place, wholly or not at all.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`](protocol::Code::FolderUnwritable).
    pub fn keep_table(&self, target: &Path, bytes: &[u8]) -> Result<PathBuf, Problem> {
        let place = self.table_place(target);
        put(&place, bytes).map(|()| place).map_err(|error| unwritable(&self.tables_folder(), &error))
    }

    /// Every table.
    pub fn tables(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.tables_folder()).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut tables: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == ENDING)).collect();
        tables.sort();
        tables
    }

    /// Removes a table of the store.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`](protocol::Code::FolderUnwritable).
    pub fn erase_table(&self, table: &Path) -> Result<(), Problem> {
        fs::remove_file(table).map_err(|error| unwritable(&self.tables_folder(), &error))
    }

    fn tables_folder(&self) -> PathBuf {
        self.root().join("tables")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lies_with_the_models_under_a_name_made_here() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let hash = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
        let target = store.root().join(format!("{hash}.gguf"));
        assert_eq!((store.table_of(&target), store.tables()), (None, Vec::new()));
        let place = store.keep_table(&target, b"one").unwrap();
        assert_eq!(place, store.root().join("tables").join(format!("{hash}.ngrams")));
        store.keep_table(&target, b"two").unwrap();
        assert_eq!(fs::read(store.table_of(&target).unwrap()).unwrap(), b"two", "the latest");
        for other in ["/elsewhere/model.gguf", "../../evil.gguf", "/elsewhere/other.gguf"] {
            let place = store.keep_table(Path::new(other), b"x").unwrap();
            assert_eq!(place.parent(), Some(&*store.root().join("tables")), "{other}");
        }
        assert_eq!(store.tables().len(), 4, "one for each target");
        for table in store.tables() {
            store.erase_table(&table).unwrap();
        }
        assert_eq!((store.table_of(&target), store.tables()), (None, Vec::new()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was written elsewhere");
    }
}
