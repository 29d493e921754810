use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use protocol::{Code, Problem};

use crate::entry::{ModelEntry, Sha256};
use crate::fetch::part::Part;
use crate::fetch::progress::Meter;
use crate::fetch::{FetchOptions, FetchProgress, Job, SourceChoice, SourceKind, Stop};
use crate::whole::{hashed, unreadable};

/// The file of `model` in `folder`, where it may be named by its hash or by its own name.
pub(crate) fn file_in(folder: &Path, model: &ModelEntry) -> Option<PathBuf> {
    let names = [format!("{}.gguf", model.sha256), model.file.clone()];
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Why the file that is called `file`, of the model `name`, cannot be had from `folder`: it is not in it, or there is no such folder.
pub(crate) fn not_in(folder: &Path, name: &str, file: &str) -> Problem {
    let lacks = || Problem::new(Code::NotInSource).with("name", name).with("file", file).with("path", folder.display());
    SourceChoice::Folder(folder.to_owned()).there().err().unwrap_or_else(lacks)
}

/// Size and hash of the file at `path` in a folder, of the model that is called `name`, telling how far the reading is.
///
/// # Errors
/// As [`hashed`].
pub(crate) fn hash_in(
    path: &Path,
    name: &str,
    options: &FetchOptions,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(FetchProgress),
) -> Result<(u64, Sha256), Problem> {
    let bytes = path.metadata().map_err(|error| unreadable(path, &error))?.len();
    let mut meter = Meter::new(bytes, options.time.clone(), on);
    meter.begin(name);
    meter.from(SourceKind::Folder, None);
    let hash = hashed(path, &mut |_| Ok(()), cancel, &mut |done| meter.report(done, true))?;
    Ok((bytes, hash))
}

/// Copies the model's file out of `folder`.
pub(super) fn fill(job: &mut Job<'_, '_>, part: &mut Part, folder: &Path) -> Result<(), Stop> {
    let Some(path) = file_in(folder, job.model) else {
        return Err(Stop::Here(not_in(folder, &job.model.name, &job.model.file)));
    };
    let failed = |error: std::io::Error| Stop::source(format!("{} cannot be read: {error}", path.display()));
    let mut file = File::open(&path).map_err(failed)?;
    part.restart(job)?;
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece) {
            Ok(0) if part.is_whole() => return Ok(()),
            Ok(0) => return Err(Stop::mismatch(format!("{} is shorter than it should be", path.display()))),
            Ok(count) => part.append(job, &piece[..count], false)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}
