use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::Digest;

use crate::entry::{ModelEntry, Sha256};
use crate::fetch::{Job, Stop};
use crate::store::{disk_full, is_full, unwritable};

/// The unfinished file of a model in the staging folder, with the hash of what it holds so far.
///
/// All sources of a model carry the same bytes: a repository goes on with whatever another source left behind. A folder and packages begin anew,
/// for what they have is near.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    hash: sha2::Sha256,
    len: u64,
    want: u64,
    /// Bytes that came before it was their turn.
    ahead: u64,
    /// Whether some of it was fetched by an earlier request.
    resumed: bool,
}

impl Part {
    /// Opens what an earlier fetch left behind, or a new part.
    pub(super) fn open(job: &mut Job<'_, '_>, path: PathBuf) -> Result<Self, Stop> {
        let want = job.model.bytes;
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|error| Stop::Here(unwritable(&job.store.staging(), &error)))?;
        let mut part = Self { path, file, hash: sha2::Sha256::new(), len: 0, want, ahead: 0, resumed: false };
        part.read_back(job)?;
        Ok(part)
    }

    /// Hashes what is there already: the hash of the whole file needs its beginning.
    fn read_back(&mut self, job: &mut Job<'_, '_>) -> Result<(), Stop> {
        let there = self.file.metadata().map_err(|error| self.trouble(job, &error))?.len();
        if there > self.want {
            return self.restart(job);
        }
        let mut piece = vec![0; 1 << 20];
        loop {
            job.check_cancel()?;
            match self.file.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    self.hash.update(&piece[..count]);
                    self.len += count as u64;
                    job.meter.report(self.len, true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.trouble(job, &error)),
            }
        }
        self.resumed = self.len > 0;
        Ok(())
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn is_whole(&self) -> bool {
        self.len == self.want
    }

    pub(super) fn missing(&self) -> u64 {
        self.want - self.len
    }

    /// Whether it was put together from several requests, so that a wrong hash may be nobody's fault.
    pub(super) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Notes that what follows comes from another request than what is there.
    pub(super) fn resume(&mut self) {
        self.resumed |= self.len > 0;
    }

    /// Forgets everything that is there.
    pub(super) fn restart(&mut self, job: &Job<'_, '_>) -> Result<(), Stop> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|error| self.trouble(job, &error))?;
        (self.len, self.ahead, self.hash, self.resumed) = (0, 0, sha2::Sha256::new(), false);
        Ok(())
    }

    /// Appends `bytes` and reports the progress.
    pub(super) fn append(&mut self, job: &mut Job<'_, '_>, bytes: &[u8], verifying: bool) -> Result<(), Stop> {
        job.check_cancel()?;
        if bytes.len() as u64 > self.missing() {
            return Err(Stop::mismatch("the file there is longer than it should be"));
        }
        if let Err(error) = job.options.disk.write(&mut self.file, bytes) {
            // Part of it may be written: length, hash and file must agree again.
            let _ = self.file.set_len(self.len).and_then(|()| self.file.seek(SeekFrom::Start(self.len)));
            return Err(self.trouble(job, &error));
        }
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
        job.meter.report(if verifying { self.want } else { self.len + self.ahead }, verifying);
        Ok(())
    }

    /// So many bytes behind the end have come before it was their turn; they are not kept.
    pub(super) fn set_ahead(&mut self, bytes: u64) {
        self.ahead = bytes;
    }

    /// Reports how far it is, with what came early.
    pub(super) fn report(&self, job: &mut Job<'_, '_>) {
        job.meter.report(self.len + self.ahead, false);
    }

    fn trouble(&self, job: &Job<'_, '_>, error: &std::io::Error) -> Stop {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        if !is_full(error) {
            return Stop::Here(unwritable(folder, error));
        }
        let free = job.options.disk.free(folder).unwrap_or(0);
        Stop::Here(disk_full(folder, self.missing(), job.options.reserve, free))
    }

    /// Closes the whole part and says whether it is the very file of `model`. It is on disk then.
    pub(super) fn close(self, job: &Job<'_, '_>, model: &ModelEntry) -> Result<bool, Stop> {
        self.file.sync_all().map_err(|error| self.trouble(job, &error))?;
        Ok(self.is_whole() && Sha256::of(&self.hash.finalize()) == model.sha256)
    }
}

/// Bytes that earlier fetches of `model` left behind.
pub(super) fn left_behind(path: &Path, model: &ModelEntry) -> u64 {
    fs::metadata(path).map_or(0, |about| about.len()).min(model.bytes)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use protocol::Code;

    use super::*;
    use crate::fetch::FetchOptions;
    use crate::fetch::progress::Meter;
    use crate::fetch::tests::bench::Filling;
    use crate::sample::entry;
    use crate::store::ModelStore;

    #[test]
    fn a_disk_that_fills_up_on_the_way_is_said_to_be_full() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().to_owned()).unwrap();
        let model = entry("m", b"weights", Vec::new());
        let options = FetchOptions { disk: Filling::with(3), reserve: 0, ..FetchOptions::default() };
        let mut on = |_| {};
        let mut meter = Meter::new(7, options.time.clone(), &mut on);
        let (cancel, path) = (std::sync::atomic::AtomicBool::new(false), store.root().join("staging/m.part"));
        let mut job = Job { model: &model, store: &store, options: &options, cancel: &cancel, meter: &mut meter };
        // A disk without any room.
        let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut part = Part { path, file, hash: sha2::Sha256::new(), len: 0, want: 7, ahead: 0, resumed: false };
        let Err(Stop::Here(problem)) = part.append(&mut job, b"wei", false) else { panic!("it has no room") };
        assert_eq!((problem.code, part.len()), (Code::DiskFull, 0));
        assert_eq!((problem.details["size"].as_str(), problem.details["free"].as_str()), ("7 bytes", "3 bytes"));
    }
}
