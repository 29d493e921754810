//! What of a model's header decides which others it goes with: little enough to be kept of files that are not here.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::entry::{ModelEntry, Sha256};
use crate::header::{Header, Kind, Tokenizer};
use crate::store::ModelStore;
use crate::whole::put;

/// Most files of which it is kept; those that were looked at first go first.
const MOST: usize = 256;

/// No kept one is larger, in bytes: a vocabulary of 250,000 tokens takes 20,000.
const LARGEST: u64 = 1 << 20;

/// What decides whether models go together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What it is for.
    pub kind: Kind,
    /// How it splits text, if it brings a vocabulary.
    pub tokenizer: Option<Tokenizer>,
    /// Bytes of its weights.
    pub weights: u64,
    /// Bytes of weights that a token needs.
    pub reads: u64,
}

impl Header {
    /// What decides which other models it goes with.
    pub fn summary(&self) -> Summary {
        let (kind, tokenizer, weights) = (self.kind, self.tokenizer.clone(), self.weight_bytes());
        Summary { kind, tokenizer, weights, reads: self.reads }
    }
}

impl Summary {
    /// What this model reads for each token beside what `target` reads: from 1 on it cannot be the faster one of two on the same device.
    pub fn reads_beside(&self, target: &Self) -> f64 {
        self.reads as f64 / target.reads.max(1) as f64
    }
}

/// As it is kept. Another version of this program may tell families, or vocabularies, apart in another way.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: String,
    summary: Summary,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl ModelStore {
    /// What decides which other models `model` goes with: by its file if that is here, else by what an earlier look at its beginning told, wherever that was.
    pub fn summary_of(&self, model: &ModelEntry) -> Option<Summary> {
        match self.header_of(model) {
            Some(header) => Some(header.summary()),
            None => self.looked_at(&model.sha256),
        }
    }

    /// What an earlier look at the file with this hash told.
    pub(crate) fn looked_at(&self, hash: &Sha256) -> Option<Summary> {
        let mut text = Vec::new();
        fs::File::open(self.look_at(hash)).ok()?.take(LARGEST).read_to_end(&mut text).ok()?;
        let kept: Kept = serde_json::from_slice(&text).ok()?;
        (kept.version == VERSION).then_some(kept.summary)
    }

    /// Keeps what a look at the file with this hash told. A disk that refuses only means that it is looked at once more.
    pub(crate) fn keep_look(&self, hash: &Sha256, summary: &Summary) {
        let kept = Kept { version: VERSION.to_owned(), summary: summary.clone() };
        let Ok(text) = serde_json::to_vec(&kept) else { return };
        if text.len() as u64 > LARGEST || put(&self.look_at(hash), &text).is_err() {
            return;
        }
        let files = fs::read_dir(self.looks()).into_iter().flatten().flatten();
        let written = |file: &fs::DirEntry| file.metadata().and_then(|about| about.modified()).ok();
        let mut all: Vec<(SystemTime, PathBuf)> =
            files.filter_map(|file| Some((written(&file)?, file.path()))).collect();
        all.sort();
        for (_, first) in &all[..all.len().saturating_sub(MOST)] {
            let _ = fs::remove_file(first);
        }
    }

    /// Forgets it.
    pub(crate) fn forget_look(&self, hash: &Sha256) {
        let _ = fs::remove_file(self.look_at(hash));
    }

    fn looks(&self) -> PathBuf {
        self.root().join("looked")
    }

    fn look_at(&self, hash: &Sha256) -> PathBuf {
        self.looks().join(format!("{hash}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::discard;
    use crate::header::check;
    use crate::sample::{Gguf, entry};

    fn summary(gguf: &Gguf) -> Summary {
        let bytes = gguf.bytes();
        check(std::io::Cursor::new(&bytes), bytes.len() as u64, &"tiny").unwrap().summary()
    }

    #[test]
    fn what_a_look_told_is_kept_by_hash_until_the_file_itself_tells_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().to_owned()).unwrap();
        let model = entry("m", &Gguf::small().bytes(), Vec::new());
        assert_eq!(store.summary_of(&model), None);
        let told = Summary { reads: 7, ..summary(&Gguf::small()) };
        assert!(told.tokenizer.is_some() && told.weights > 0);
        store.keep_look(&model.sha256, &told);
        assert_eq!(store.summary_of(&model), Some(told.clone()));
        let other = ModelStore::open(folder.path().to_owned()).unwrap();
        assert_eq!(other.summary_of(&model), Some(told), "another program finds it too");
        fs::write(store.place(&model.sha256), Gguf::small().bytes()).unwrap();
        assert_eq!(store.summary_of(&model), Some(summary(&Gguf::small())), "the file goes before it");
        fs::remove_file(store.place(&model.sha256)).unwrap();
        discard(&store, &model.sha256);
        assert_eq!(store.summary_of(&model), None);
    }

    #[test]
    fn a_kept_look_of_another_version_or_a_damaged_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().to_owned()).unwrap();
        let hash = Sha256::of(&[7; 32]);
        store.keep_look(&hash, &summary(&Gguf::small()));
        let path = folder.path().join(format!("looked/{hash}.json"));
        let text = fs::read_to_string(&path).unwrap();
        for other in [text.replace(VERSION, "0.0.0"), text[..text.len() / 2].to_owned(), String::new()] {
            assert_ne!(other, text);
            fs::write(&path, other).unwrap();
            assert_eq!(store.looked_at(&hash), None);
        }
        fs::write(&path, text).unwrap();
        assert!(store.looked_at(&hash).is_some());
    }

    #[test]
    fn no_more_looks_are_kept_than_are_of_use() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().to_owned()).unwrap();
        let hashes: Vec<_> =
            (0..MOST + 2).map(|at| Sha256::of(&[[at as u8; 16], [(at >> 8) as u8; 16]].concat())).collect();
        let first = fs::File::options();
        for (at, hash) in hashes.iter().enumerate() {
            store.keep_look(hash, &summary(&Gguf::small()));
            // Of one moment they would be as old as each other.
            let when = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at as u64);
            first.clone().write(true).open(store.look_at(hash)).unwrap().set_modified(when).unwrap();
        }
        assert_eq!(fs::read_dir(store.looks()).unwrap().count(), MOST);
        assert!(store.looked_at(&hashes[1]).is_none() && store.looked_at(&hashes[MOST + 1]).is_some());
    }
}
