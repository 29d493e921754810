use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::entry::Sha256;
use crate::header::{Header, check_header};
use crate::mark::Mark;

/// Headers of model files by the hash of the file, as long as the files look as they did: what is known of a file need not be read for every list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers(Arc<Mutex<HashMap<Sha256, Known>>>);

/// How a file looked when its header was read, and that header.
type Known = (Mark, Arc<Header>);

impl Headers {
    /// The header of the file at `path`, which should have this hash; None if it cannot be read.
    pub(crate) fn of(&self, hash: &Sha256, path: &Path) -> Option<Arc<Header>> {
        let mark = Mark::of(path);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, header)) = known.get(hash).filter(|(then, _)| mark.as_ref() == Some(then)) {
            return Some(Arc::clone(header));
        }
        let header = Arc::new(check_header(path).ok()?);
        if let Some(mark) = mark {
            known.insert(hash.clone(), (mark, Arc::clone(&header)));
        }
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Gguf;

    #[test]
    fn a_header_is_read_again_when_its_file_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, hash) = (folder.path().join("m"), Sha256::of(&[7; 32]));
        let headers = Headers::default();
        assert!(headers.of(&hash, &path).is_none(), "it is not there");
        std::fs::write(&path, Gguf::small().bytes()).unwrap();
        let first = headers.of(&hash, &path).unwrap();
        assert!(Arc::ptr_eq(&first, &headers.clone().of(&hash, &path).unwrap()), "it is read once");
        std::fs::write(&path, b"GGUF but nothing else").unwrap();
        assert!(headers.of(&hash, &path).is_none());
    }
}
