use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use protocol::{Code, Problem, bytes_in_words};

use crate::entry::{ModelEntry, Sha256};
use crate::header::Header;
use crate::headers::Headers;
use crate::manifest::Catalog;
use crate::mark::Mark;
use crate::whole::hashed;
use crate::workplace::{Workplace, tidy};

/// Space in bytes that is left on the disk by what is fetched, copied or made here.
pub(crate) const RESERVE: u64 = 500_000_000;

/// The folder of verified model files, named by their hash: `<sha256>.gguf`.
///
/// Files under way lie in `staging`, files that turned out bad in `quarantine`, how whole files looked when they were read
/// last in `verified`, notes about a person's own files in `own`, what looks at files elsewhere told in `looked`. Every name is made here from a [`Sha256`]; nothing that comes from a catalogue, an archive or a user
/// ever becomes part of a path.
#[derive(Debug, Clone)]
pub struct ModelStore {
    root: PathBuf,
    headers: Headers,
}

impl ModelStore {
    /// Opens the store in the folder `root`, which is made if it is missing, and removes what killed programs left half made. One that can only be read is good enough for
    /// the models in it.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`].
    pub fn open(root: PathBuf) -> Result<Self, Problem> {
        fs::create_dir_all(&root).map_err(|error| unwritable(&root, &error))?;
        let store = Self { root, headers: Headers::default() };
        tidy(&store.staging());
        Ok(store)
    }

    /// Makes sure that files can be taken in: best found out before a gigabyte was fetched.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`].
    pub(crate) fn prepare(&self) -> Result<(), Problem> {
        let staging = self.staging();
        // Of no name, so that nobody who does the same meanwhile is in the way.
        let probed = fs::create_dir_all(&staging).and_then(|()| tempfile::tempfile_in(&staging));
        probed.map(drop).map_err(|error| unwritable(&self.root, &error))
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file of `model` if it is installed: there, and as long as it must be. Its hash is checked when it comes in, and
    /// again before it is loaded if it was changed since.
    pub fn path_of(&self, model: &ModelEntry) -> Option<PathBuf> {
        let path = self.place(&model.sha256);
        let about = fs::metadata(&path).ok()?;
        (about.is_file() && about.len() == model.bytes).then_some(path)
    }

    /// What the file of an installed model says about itself.
    pub fn header_of(&self, model: &ModelEntry) -> Option<Arc<Header>> {
        self.path_of(model).and_then(|path| self.headers.of(&model.sha256, &path))
    }

    /// The file with this hash, if it is there.
    pub fn file_of(&self, hash: &Sha256) -> Option<PathBuf> {
        Some(self.place(hash)).filter(|path| path.is_file())
    }

    /// How many bytes `ladder` still lacks; 0 means ready to load. Of an offered one it is about so many.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`].
    pub fn ready(&self, catalog: &Catalog, ladder: &str) -> Result<u64, Problem> {
        if let Some(offered) = catalog.offered(ladder) {
            // Models that other ladders have brought need not come again.
            let here = |id: &String| catalog.model(id).is_ok_and(|model| self.path_of(model).is_some());
            let models = offered.rungs.iter().zip(catalog.about(offered));
            return Ok(models.filter(|(id, _)| !here(id)).map(|(_, about)| about.bytes).sum());
        }
        let models = catalog.models_of(ladder)?;
        Ok(models.iter().filter(|model| self.path_of(model).is_none()).map(|model| model.bytes).sum())
    }

    /// Those of `models` that are not here and that nobody offers: files of somebody's own that were deleted, or never came.
    pub fn lost<'m>(&self, models: &[&'m ModelEntry]) -> impl Iterator<Item = &'m ModelEntry> {
        models.iter().copied().filter(|model| !model.is_offered() && self.path_of(model).is_none())
    }

    /// Checks the hash of an installed model unless that was done and the file still looks the same. Reading a gigabyte
    /// takes a second or more.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn assure(&self, model: &ModelEntry, cancel: &AtomicBool) -> Result<(), Problem> {
        let known =
            Mark::of(&self.place(&model.sha256)).is_some_and(|mark| mark.is_kept(&self.verified(&model.sha256)));
        if known { Ok(()) } else { self.verify(model, cancel, &mut |_| {}) }
    }

    /// Reads the whole file of an installed model, telling `on` how many bytes are done, and checks its hash; a damaged file is set aside.
    ///
    /// # Errors
    /// [`Code::ModelDamaged`], of a file that nobody offers [`Code::OwnDamaged`]; [`Code::ModelUnreadable`]; [`Code::Cancelled`] when `cancel` becomes true.
    pub fn verify(&self, model: &ModelEntry, cancel: &AtomicBool, on: &mut dyn FnMut(u64)) -> Result<(), Problem> {
        let path = self.place(&model.sha256);
        // From before reading: a change meanwhile makes it another mark.
        let mark = Mark::of(&path);
        if hashed(&path, &mut |_| Ok(()), cancel, on)? == model.sha256 {
            if let Some(mark) = mark {
                mark.keep(&self.verified(&model.sha256));
            }
            return Ok(());
        }
        Err(self.refuse(&path, model))
    }

    /// Where the file with this hash belongs, whether or not it is there.
    pub(crate) fn place(&self, hash: &Sha256) -> PathBuf {
        self.root.join(format!("{hash}.gguf"))
    }

    /// A place where a file of about `bytes` can be made before it is [taken in](Self::take_in).
    ///
    /// # Errors
    /// [`Code::DiskFull`], [`Code::FolderUnwritable`].
    pub fn room_for(&self, bytes: u64) -> Result<Workplace, Problem> {
        self.prepare()?;
        tidy(&self.staging());
        match fs4::available_space(&self.root) {
            // A link takes no room.
            Ok(free) if bytes > 0 && free < bytes.saturating_add(RESERVE) => {
                Err(disk_full(&self.root, bytes, RESERVE, free))
            }
            // A system that does not tell is no reason to refuse.
            _ => Workplace::within(&self.staging()).map_err(|error| unwritable(&self.root, &error)),
        }
    }

    /// The problem of a file that could not be written here to its end, of which `bytes` are missing: [`Code::DiskFull`] or [`Code::FolderUnwritable`].
    pub fn unwritten(&self, bytes: u64, error: &io::Error) -> Problem {
        if !is_full(error) {
            return unwritable(&self.root, error);
        }
        disk_full(&self.root, bytes, RESERVE, fs4::available_space(&self.root).unwrap_or(0))
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// The bad file that should have had this hash.
    pub(crate) fn aside(&self, hash: &Sha256) -> PathBuf {
        self.quarantine().join(format!("{hash}.gguf"))
    }

    /// How many bytes the bad file takes that should have had this hash.
    pub fn bytes_aside(&self, hash: &Sha256) -> u64 {
        fs::metadata(self.aside(hash)).map_or(0, |about| about.len())
    }

    /// Where the mark of the whole file with this hash is kept.
    fn verified(&self, hash: &Sha256) -> PathBuf {
        self.root.join("verified").join(hash.as_str())
    }

    /// The unfinished file with this hash.
    pub(crate) fn part(&self, hash: &Sha256) -> PathBuf {
        self.staging().join(format!("{hash}.part"))
    }

    /// Moves a bad file into quarantine. Only the latest of each hash is kept, and until a whole one comes in: a source that is wrong every time must
    /// not fill the disk.
    pub(crate) fn set_aside(&self, bad: &Path, hash: &Sha256) {
        let _ = fs::create_dir_all(self.quarantine());
        if fs::rename(bad, self.aside(hash)).is_err() {
            // On Windows a file that is in use cannot be moved; it must at least not be taken for good.
            let _ = fs::remove_file(bad);
        }
        tracing::warn!(%hash, "model file set aside");
    }

    /// Sets a damaged model aside and says so; or says why it stays where it is, in the way of a whole one.
    pub(crate) fn refuse(&self, path: &Path, model: &ModelEntry) -> Problem {
        self.set_aside(path, &model.sha256);
        if path.exists() {
            let reason = format!("the damaged model {} cannot be replaced", model.id);
            return unwritable(&self.root, &std::io::Error::other(reason));
        }
        // What nobody offers cannot be downloaded again.
        let code = if model.is_offered() { Code::ModelDamaged } else { Code::OwnDamaged };
        Problem::new(code).with("path", path.display()).with("model", &model.id)
    }

    /// Moves the finished, verified and synced file `part` into the store.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`].
    pub(crate) fn install(&self, part: &Path, hash: &Sha256) -> Result<PathBuf, Problem> {
        let place = self.place(hash);
        fs::rename(part, &place).map_err(|error| unwritable(&self.root, &error))?;
        if let Some(mark) = Mark::of(&place) {
            mark.keep(&self.verified(hash));
        }
        // Of no use any more.
        let _ = fs::remove_file(self.aside(hash));
        // The new name itself must survive a power cut; only Unix can sync a folder.
        #[cfg(unix)]
        if let Ok(folder) = File::open(&self.root) {
            let _ = folder.sync_all();
        }
        Ok(place)
    }
}

/// The problem of a folder that cannot be written.
pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    protocol::folder_unwritable(path, error, "TAKI_MODELS")
}

/// Whether nothing more could be written because there is no room left.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// The problem of a disk that has no room for `bytes` more if `reserve` is to stay free.
pub(crate) fn disk_full(path: &Path, bytes: u64, reserve: u64, free: u64) -> Problem {
    Problem::new(Code::DiskFull)
        .with("path", path.display())
        .with("size", bytes_in_words(bytes))
        .with("reserve", bytes_in_words(reserve))
        .with("free", bytes_in_words(free))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::entry;

    fn installed(contents: &[u8]) -> (tempfile::TempDir, ModelStore, ModelEntry) {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("deep/models")).unwrap();
        let model = entry("m", contents, Vec::new());
        fs::write(store.place(&model.sha256), contents).unwrap();
        (folder, store, model)
    }

    #[test]
    fn a_model_is_installed_when_its_whole_file_is_there() {
        let (_folder, store, model) = installed(b"weights");
        assert_eq!(store.path_of(&model), Some(store.place(&model.sha256)));
        fs::write(store.place(&model.sha256), b"weigh").unwrap();
        assert_eq!(store.path_of(&model), None, "a cut file is not installed");
    }

    #[test]
    fn a_flipped_bit_is_found_and_the_file_set_aside() {
        let (_folder, store, model) = installed(b"weights");
        let (go, mut told) = (AtomicBool::new(false), 0);
        store.verify(&model, &go, &mut |done| told = done).unwrap();
        assert_eq!(told, model.bytes);
        let verify = |cancel: &AtomicBool| store.verify(&model, cancel, &mut |_| {}).unwrap_err().code;
        fs::write(store.place(&model.sha256), b"weighty").unwrap();
        assert_eq!(verify(&AtomicBool::new(true)), Code::Cancelled);
        assert_eq!(verify(&go), Code::OwnDamaged);
        assert_eq!(store.path_of(&model), None);
        assert_eq!(fs::read(store.quarantine().join(format!("{}.gguf", model.sha256))).unwrap(), b"weighty");
        assert_eq!(verify(&go), Code::ModelUnreadable);
    }

    #[test]
    fn a_file_is_read_again_only_when_it_looks_different() {
        let (folder, store, model) = installed(b"weights");
        let go = AtomicBool::new(false);
        store.assure(&model, &go).unwrap();
        let stopped = AtomicBool::new(true);
        store.assure(&model, &stopped).unwrap();
        // The same length, put in place of the whole file with the time of its last change.
        let (place, other) = (store.place(&model.sha256), folder.path().join("other"));
        let changed = fs::metadata(&place).unwrap().modified().unwrap();
        fs::write(&other, b"weighty").unwrap();
        File::options().write(true).open(&other).unwrap().set_modified(changed).unwrap();
        fs::rename(&other, &place).unwrap();
        if cfg!(unix) {
            assert_eq!(store.assure(&model, &stopped).unwrap_err().code, Code::Cancelled, "it has to be read");
        }
        fs::write(&place, b"weightz").unwrap();
        assert_eq!(store.assure(&model, &go).unwrap_err().code, Code::OwnDamaged);
        assert_eq!(store.path_of(&model), None);
        // What comes in through the door was just read.
        let part = folder.path().join("part");
        fs::write(&part, b"weights").unwrap();
        store.install(&part, &model.sha256).unwrap();
        store.assure(&model, &stopped).unwrap();
    }

    #[test]
    fn a_folder_that_takes_no_files_still_gives_those_it_has() {
        let (_folder, store, model) = installed(b"weights");
        // Whoever runs the tests may write everywhere: these cannot become folders.
        for name in ["staging", "quarantine", "verified"] {
            fs::write(store.root().join(name), b"").unwrap();
        }
        let store = ModelStore::open(store.root().to_owned()).unwrap();
        store.assure(&model, &AtomicBool::new(false)).unwrap();
        assert_eq!(store.path_of(&model), Some(store.place(&model.sha256)));
        assert_eq!(store.prepare().unwrap_err().code, Code::FolderUnwritable);
    }

    #[test]
    fn several_may_make_sure_at_once_and_nothing_stays() {
        let (_folder, store, _) = installed(b"weights");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..500).for_each(|_| store.prepare().unwrap()));
            }
        });
        assert_eq!(fs::read_dir(store.staging()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_said_so() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), b"").unwrap();
        let problem = ModelStore::open(folder.path().join("file/models")).unwrap_err();
        assert_eq!(problem.code, Code::FolderUnwritable);
        assert!(problem.details["path"].contains("models"));
    }

    #[test]
    fn missing_bytes_are_those_of_the_models_that_are_not_there() {
        let catalog = Catalog::builtin();
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().to_owned()).unwrap();
        assert_eq!(store.ready(&catalog, "qwen-coder").unwrap(), 1_117_320_768 + 491_400_064);
        let draft = catalog.model("qwen2.5-coder-0.5b").unwrap();
        File::create(store.place(&draft.sha256)).unwrap().set_len(draft.bytes).unwrap();
        assert_eq!(store.ready(&catalog, "qwen-coder").unwrap(), 1_117_320_768);
        assert_eq!(store.ready(&catalog, "nope").unwrap_err().code, Code::NoSuchLadder);
    }
}
