//! Files that are dropped on the page: it sees their contents but not where they lie, so they come in pieces.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use catalog::{ModelStore, Workplace};
use protocol::{Code, Problem};

/// Most files that come in at once.
const MOST: usize = 4;

/// What comes in now.
#[derive(Default)]
pub(crate) struct Dropped {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last: u32,
    files: HashMap<u32, Coming>,
    /// What stops those that are whole, as long as somebody has them.
    arrived: HashMap<u32, Weak<AtomicBool>>,
}

/// A file of which some is here.
struct Coming {
    /// As it was called where it was dropped from.
    called: String,
    place: Workplace,
    path: PathBuf,
    file: File,
    wanted: u64,
    got: u64,
}

/// A whole file; it goes with this.
#[derive(Debug)]
pub(crate) struct Arrived {
    called: String,
    place: Workplace,
    name: String,
    stop: Arc<AtomicBool>,
}

impl Arrived {
    pub(crate) fn path(&self) -> PathBuf {
        self.place.named(&self.name)
    }

    /// What is wrong with it, in terms of the file that somebody dropped: of this one nobody knows.
    pub(crate) fn told(&self, mut problem: Problem) -> Problem {
        let is_this = problem.details.get("path").is_some_and(|path| *path == self.path().display().to_string());
        if is_this {
            problem = problem.with("path", &self.called);
        }
        problem
    }

    /// Becomes true when nobody wants it any more.
    pub(crate) fn stopped(&self) -> &AtomicBool {
        &self.stop
    }
}

impl Dropped {
    /// Begins a file of `bytes` beside those of `store`; gives its ticket. Of its name only the ending counts.
    ///
    /// # Errors
    /// [`Code::FileUnusable`] if it is neither a model nor a recipe; [`Code::ModelsBusy`] while too many come in; those of [`ModelStore::room_for`].
    pub(crate) fn begin(&self, store: &ModelStore, name: &str, bytes: u64) -> Result<u32, Problem> {
        let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let ending = ["gguf", "toml"]
            .into_iter()
            .find(|known| ending.eq_ignore_ascii_case(known))
            .ok_or_else(|| unusable(&name, "only model files (.gguf) and recipes (.toml) can be added"))?;
        let mut inner = self.inner();
        if inner.files.len() >= MOST {
            return Err(Problem::new(Code::ModelsBusy));
        }
        let place = store.room_for(bytes)?;
        let path = place.named(&format!("{}.{ending}", stem(name)));
        let file = File::create_new(&path).map_err(|error| store.unwritten(bytes, &error))?;
        inner.last += 1;
        let ticket = inner.last;
        inner.files.insert(ticket, Coming { called: name.to_owned(), place, path, file, wanted: bytes, got: 0 });
        Ok(ticket)
    }

    /// Puts the next piece behind what is here.
    ///
    /// # Errors
    /// [`Code::Gone`] for a ticket that is none; [`Code::FileUnusable`] for more than was announced; those of [`ModelStore::unwritten`].
    pub(crate) fn piece(&self, store: &ModelStore, ticket: u32, piece: &[u8]) -> Result<(), Problem> {
        let mut inner = self.inner();
        let coming = inner.files.get_mut(&ticket).ok_or_else(|| Problem::new(Code::Gone))?;
        let missing = coming.wanted.saturating_sub(coming.got);
        coming.got += piece.len() as u64;
        if coming.got > coming.wanted {
            let name = coming.called.clone();
            inner.files.remove(&ticket);
            return Err(unusable(&name, "it is larger than it said"));
        }
        coming.file.write_all(piece).map_err(|error| store.unwritten(missing, &error))
    }

    /// The whole file.
    ///
    /// # Errors
    /// [`Code::Gone`] for a ticket that is none; [`Code::FileUnusable`] if some of it is missing.
    pub(crate) fn end(&self, ticket: u32) -> Result<Arrived, Problem> {
        let stop = Arc::<AtomicBool>::default();
        let mut inner = self.inner();
        let coming = inner.files.remove(&ticket).ok_or_else(|| Problem::new(Code::Gone))?;
        inner.arrived.retain(|_, stop| stop.strong_count() > 0);
        inner.arrived.insert(ticket, Arc::downgrade(&stop));
        drop(inner);
        let Coming { called, place, path, file, wanted, got } = coming;
        drop(file);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if got < wanted {
            return Err(unusable(&called, "not all of it has arrived"));
        }
        Ok(Arrived { called, place, name, stop })
    }

    /// Forgets a file, and stops whoever has it if it is whole.
    pub(crate) fn cancel(&self, ticket: u32) {
        let mut inner = self.inner();
        inner.files.remove(&ticket);
        if let Some(stop) = inner.arrived.get(&ticket).and_then(Weak::upgrade) {
            stop.store(true, Ordering::Release);
        }
    }

    /// Forgets what has not wholly come in.
    pub(crate) fn clear(&self) {
        self.inner().files.clear();
    }

    /// Forgets everything, and stops whoever has some of it.
    pub(crate) fn stop(&self) {
        self.clear();
        for stop in self.inner().arrived.values().filter_map(Weak::upgrade) {
            stop.store(true, Ordering::Release);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name for a file out of the one that somebody gave it: what is no letter, digit, dot, dash or underscore becomes a dash.
fn stem(name: &str) -> String {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let plain = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let stem: String = stem.chars().map(plain).take(80).collect();
    let stem = stem.trim_matches(['.', '-', '_']);
    if stem.is_empty() { "model".to_owned() } else { format!("{stem}_") }
}

fn unusable(name: &dyn std::fmt::Display, reason: &str) -> Problem {
    Problem::new(Code::FileUnusable).with("path", name).with("reason", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store in a folder of its own, and the folder where files are made.
    fn store() -> (tempfile::TempDir, ModelStore, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let staging = folder.path().join("models/staging");
        (folder, store, staging)
    }

    #[test]
    fn a_file_comes_in_piece_by_piece_and_goes_when_nobody_wants_it() {
        let (folder, store, staging) = store();
        let dropped = Dropped::default();
        let begin = |name: &str, bytes| dropped.begin(&store, name, bytes);
        let ticket = begin("My Model (1).GGUF", 6).unwrap();
        for piece in [&b"abc"[..], b"", b"def"] {
            dropped.piece(&store, ticket, piece).unwrap();
        }
        let arrived = dropped.end(ticket).unwrap();
        assert_eq!(std::fs::read(arrived.path()).unwrap(), b"abcdef");
        assert!(arrived.path().starts_with(&staging) && arrived.path().extension().unwrap() == "gguf");
        drop(arrived);
        assert_eq!(dropped.end(ticket).unwrap_err().code, Code::Gone);
        let short = begin("a.toml", 6).unwrap();
        dropped.piece(&store, short, b"abc").unwrap();
        assert_eq!(dropped.end(short).unwrap_err().code, Code::FileUnusable);
        let long = begin("a.toml", 2).unwrap();
        assert_eq!(dropped.piece(&store, long, b"abc").unwrap_err().code, Code::FileUnusable);
        let given_up = begin("a.gguf", 2).unwrap();
        dropped.cancel(given_up);
        assert_eq!(dropped.piece(&store, given_up, b"a").unwrap_err().code, Code::Gone);
        assert_eq!(std::fs::read_dir(&staging).unwrap().count(), 0, "nothing stays");
        drop(folder);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_fills_up_meanwhile_is_told_as_one() {
        let (_folder, store, _) = store();
        let dropped = Dropped::default();
        let ticket = dropped.begin(&store, "a.gguf", 7).unwrap();
        dropped.piece(&store, ticket, b"abc").unwrap();
        dropped.inner().files.get_mut(&ticket).unwrap().file = File::options().write(true).open("/dev/full").unwrap();
        let full = dropped.piece(&store, ticket, b"de").unwrap_err();
        assert_eq!((full.code, full.details["size"].as_str()), (Code::DiskFull, "4 bytes"));
    }

    #[test]
    fn what_is_whole_can_be_stopped_until_it_is_taken_in() {
        let (_folder, store, _) = store();
        let dropped = Dropped::default();
        let arrived = || {
            let ticket = dropped.begin(&store, "a.gguf", 0).unwrap();
            (ticket, dropped.end(ticket).unwrap())
        };
        let [(cancelled, first), (_, second)] = [arrived(), arrived()];
        let stopped = || [&first, &second].map(|arrived| arrived.stopped().load(Ordering::Acquire));
        dropped.clear();
        assert_eq!(stopped(), [false, false], "a page that is drawn anew stops nothing");
        dropped.cancel(cancelled);
        assert_eq!(stopped(), [true, false]);
        dropped.stop();
        assert_eq!(stopped(), [true, true]);
        drop((first, second));
        arrived();
        assert_eq!(dropped.inner().arrived.len(), 1, "those that are taken in are forgotten");
    }

    #[test]
    fn no_name_leads_out_of_the_folder_and_nothing_else_is_taken() {
        let (folder, store, staging) = store();
        let dropped = Dropped::default();
        let begin = |name: &str, bytes| dropped.begin(&store, name, bytes);
        let stems = ["..", "../../x", "/etc/passwd", "C:\\x", "con", "\0", "滝", "a\nb", "~", "%2e%2e/x", "nul."];
        for stem in stems {
            let ticket = begin(&format!("{stem}.gguf"), 0).unwrap();
            let arrived = dropped.end(ticket).unwrap();
            assert_eq!(arrived.path().parent().unwrap().parent().unwrap(), staging, "{stem:?}");
        }
        for name in ["x.exe", "gguf", ".gguf.exe", "", "x.gguf/..", "x.gguf/"] {
            if let Ok(ticket) = begin(name, 0) {
                assert!(dropped.end(ticket).unwrap().path().starts_with(&staging), "{name}");
            }
        }
        let outside: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(outside, ["models"]);
        let tickets: Vec<_> = (0..5).map(|_| begin("a.gguf", 9)).collect();
        assert_eq!(tickets[4].as_ref().unwrap_err().code, Code::ModelsBusy);
    }
}
