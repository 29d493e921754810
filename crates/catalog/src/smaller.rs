//! Smaller versions of one model beside each other.

use protocol::{Code, Problem};

use crate::recipe::RecipeModel;
use crate::store::ModelStore;

/// Of versions of a file of `original` bytes, in falling order, those that are smaller than all before: some mixes come to the same in small models, whose
/// rows are too short for them. Only such ones draft in one ladder.
pub fn falling(original: u64, versions: &[RecipeModel]) -> impl Iterator<Item = &RecipeModel> {
    let mut least = original;
    versions.iter().filter(move |version| {
        let smaller = version.bytes < least;
        least = least.min(version.bytes);
        smaller
    })
}

impl ModelStore {
    /// Why a smaller version of about `bytes` was not made, where llama.cpp says `problem`: it does not tell that the disk is full.
    pub fn unmade(&self, bytes: u64, problem: Problem) -> Problem {
        // What was stopped was stopped, however full the disk is.
        if problem.code == Code::Cancelled {
            return problem;
        }
        self.room_for(bytes / 8).err().unwrap_or(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::entry;

    #[test]
    fn what_is_no_smaller_than_what_is_there_is_passed_over() {
        let sized = |id: &str, bytes| {
            let mut model = RecipeModel::of(&entry(id, b"", Vec::new()));
            model.bytes = bytes;
            model
        };
        let versions = [sized("same", 9), sized("less", 7), sized("as-much", 7), sized("least", 3)];
        assert_eq!(falling(9, &versions).map(|version| version.id.as_str()).collect::<Vec<_>>(), ["less", "least"]);
    }

    #[test]
    fn only_what_was_not_stopped_may_have_failed_for_want_of_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let why = |bytes, code| store.unmade(bytes, Problem::new(code)).code;
        assert_eq!(why(u64::MAX, Code::ModelRefused), Code::DiskFull);
        assert_eq!(why(u64::MAX, Code::Cancelled), Code::Cancelled);
        assert_eq!(why(0, Code::ModelRefused), Code::ModelRefused);
    }
}
