//! A store, a model and a clock to fetch with.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{Code, Problem};
use tempfile::TempDir;

use crate::entry::{ModelEntry, PackageParts, Source};
use crate::fetch::{Disk, FetchOptions, FetchProgress, Retry, Time, fetch_model};
use crate::sample::{Numbers, entry};
use crate::store::ModelStore;

/// Time that passes only where it is waited for.
#[derive(Default)]
pub(crate) struct Waited(Mutex<Duration>);

impl Time for Waited {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn pause(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
        // Another process may be what is waited for.
        std::thread::yield_now();
    }
}

/// A disk that takes so many bytes more.
pub(crate) struct Filling(AtomicU64);

impl Filling {
    pub(crate) fn with(bytes: u64) -> Arc<Self> {
        Arc::new(Self(bytes.into()))
    }

    /// Others have taken or freed the rest.
    pub(crate) fn leave(&self, bytes: u64) {
        self.0.store(bytes, Ordering::SeqCst);
    }
}

impl Disk for Filling {
    fn free(&self, _: &Path) -> io::Result<u64> {
        Ok(self.0.load(Ordering::SeqCst))
    }

    /// As disks do: what still fits is written.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let fits = bytes.len().min(self.0.load(Ordering::SeqCst) as usize);
        file.write_all(&bytes[..fits])?;
        self.0.fetch_sub(fits as u64, Ordering::SeqCst);
        if fits < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

pub(crate) struct Bench {
    _folder: TempDir,
    pub(crate) store: ModelStore,
    pub(crate) contents: Vec<u8>,
    pub(crate) model: ModelEntry,
    pub(crate) options: FetchOptions,
    pub(crate) cancel: Arc<AtomicBool>,
    pub(crate) reports: Vec<FetchProgress>,
}

pub(crate) fn hugging_face() -> Source {
    Source::hugging_face("maker/model".to_owned(), "0123abc".to_owned())
}

impl Bench {
    /// A model of `bytes` random bytes with these sources.
    pub(crate) fn new(bytes: usize, sources: Vec<Source>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        // What tests leave in it lies there before the first fetch.
        store.prepare().unwrap();
        let contents = Numbers(bytes as u64).bytes(bytes);
        let model = entry("m", &contents, sources);
        let options = FetchOptions {
            endpoint: "http://127.0.0.1:1".into(),
            // A busy computer is no silent server.
            stall_timeout: Duration::from_secs(60),
            retry: Retry { attempts: 3, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(30) },
            reserve: 0,
            time: Arc::new(Waited::default()),
            ..FetchOptions::default()
        };
        let (cancel, reports) = (Arc::default(), Vec::new());
        Self { _folder: folder, store, contents, model, options, cancel, reports }
    }

    pub(crate) fn fetch(&mut self) -> Result<PathBuf, Problem> {
        let reports = &mut self.reports;
        fetch_model(&self.model, &self.store, &self.options, &self.cancel, &mut |progress| reports.push(progress))
    }

    /// Fetches and finds the very file, with nothing left lying about.
    pub(crate) fn gets_it(&mut self) {
        let path = self.fetch().unwrap();
        assert_eq!(Some(&path), self.store.path_of(&self.model).as_ref());
        assert!(fs::read(path).unwrap() == self.contents, "other contents");
        let last = self.reports.last().unwrap();
        assert_eq!((last.done_bytes, last.total_bytes), (self.model.bytes, self.model.bytes));
        assert_eq!(self.left_in_staging(), Vec::<String>::new());
    }

    /// Fetches in vain; nothing is installed.
    pub(crate) fn fails(&mut self, code: Code) -> Problem {
        let problem = self.fetch().unwrap_err();
        assert_eq!(problem.code, code, "{problem:?}");
        assert_eq!(self.store.path_of(&self.model), None);
        problem
    }

    pub(crate) fn waited(&self) -> Duration {
        self.options.time.now()
    }

    pub(crate) fn part(&self) -> u64 {
        fs::metadata(self.store.part(&self.model.sha256)).map_or(0, |about| about.len())
    }

    pub(crate) fn quarantined(&self) -> Vec<u8> {
        let name = format!("quarantine/{}.gguf", self.model.sha256);
        fs::read(self.store.root().join(name)).unwrap_or_default()
    }

    /// Names in the staging folder but for locks, which are empty and stay.
    fn left_in_staging(&self) -> Vec<String> {
        let names = fs::read_dir(self.store.staging()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| Path::new(name).extension().is_none_or(|ending| ending != "lock")).collect()
    }
}

pub(crate) fn parts(count: u32) -> Source {
    Source::PythonPackages(PackageParts {
        package: "some-model-part{n}".into(),
        version: "1.2".into(),
        parts: count,
        entry: "some_model_part{n}/part{nn}.bin".into(),
        unknown: toml::Table::new(),
    })
}
