use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use directories::ProjectDirs;
use protocol::{Code, Problem};
use tempfile::NamedTempFile;

use crate::rules::Rules;

/// The variable that names one folder for everything.
const HOME: &str = "TAKI_HOME";

/// The folders of this program.
#[derive(Debug, Clone, PartialEq)]
pub struct Places {
    /// Conversations.
    pub data: PathBuf,
    /// Settings.
    pub config: PathBuf,
    /// Model files.
    pub models: PathBuf,
    /// What an administrator has laid down.
    pub rules: Rules,
}

impl Places {
    /// The platform's folders. `TAKI_HOME` puts everything into one folder, `TAKI_MODELS` the models into another, unless the
    /// administrator's rules name one.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`]: the system knows no home folder for this user. Those of [`Rules::find`].
    pub fn find() -> Result<Self, Problem> {
        let mut places = if let Some(home) = Self::home() {
            Self::below(&home)
        } else {
            let dirs = ProjectDirs::from("", "", "taki").ok_or_else(|| {
                Problem::new(Code::FolderUnwritable)
                    .with("path", "~")
                    .with("reason", "no home folder is known")
                    .with("variable", HOME)
            })?;
            let data = dirs.data_dir().to_owned();
            Self { config: dirs.config_dir().to_owned(), models: data.join("models"), data, rules: Rules::default() }
        };
        places.rules = Rules::find()?;
        if let Some(models) = places.rules.models().map(Path::to_owned).or_else(|| named("TAKI_MODELS")) {
            places.models = models;
        }
        Ok(places)
    }

    /// The one folder for everything, if `TAKI_HOME` names one.
    pub fn home() -> Option<PathBuf> {
        named(HOME)
    }

    /// The folder of the ladders that a person made.
    pub fn ladders(&self) -> PathBuf {
        self.data.join("ladders")
    }

    /// Everything below one folder.
    pub fn below(home: &Path) -> Self {
        let (data, config, models) = (home.join("data"), home.join("config"), home.join("models"));
        Self { data, config, models, rules: Rules::default() }
    }
}

/// The folder that a variable of the environment names.
fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Makes `folder` and its parents.
pub(crate) fn make(folder: &Path) -> Result<(), Problem> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))
}

/// The problem of a folder that cannot be written.
pub(crate) fn unwritable(folder: &Path, error: &dyn std::fmt::Display) -> Problem {
    protocol::folder_unwritable(folder, error, HOME)
}

/// The same, of a file that could not be put in its place.
pub(crate) fn unwritable_file(path: &Path, error: &dyn std::fmt::Display) -> Problem {
    unwritable(folder_of(path), error)
}

/// Puts a file in its place in a folder that is there: wholly or not at all.
pub(crate) fn put(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(folder_of(path))?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Puts a file of this program's own in its place, making its folder.
///
/// # Errors
/// [`Code::FolderUnwritable`].
pub(crate) fn keep(path: &Path, contents: &[u8]) -> Result<(), Problem> {
    make(folder_of(path))?;
    put(path, contents).map_err(|error| unwritable_file(path, &error))
}

/// The folder of a file; the current one for a bare name.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Milliseconds since 1970: the time as messages have it.
pub fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1000.0)
}

/// A name beside `path` that nothing has yet, for a file that could not be read: `<name>.damaged-<seconds since 1970>`,
/// with a number behind it if that is taken. `endings` are those of files that go along; they are free too.
pub(crate) fn free_name(path: &Path, now: SystemTime, endings: &[&str]) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let candidate = |number: u32| {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        path.with_file_name(format!("{name}.damaged-{seconds}{again}"))
    };
    let free = |kept: &PathBuf| !kept.exists() && endings.iter().all(|ending| !with_ending(kept, ending).exists());
    (1..=u32::MAX).map(candidate).find(free).unwrap_or_else(|| candidate(0))
}

/// The last of the files beside `path` that [`free_name`] named.
pub(crate) fn last_kept(path: &Path) -> Option<PathBuf> {
    let start = format!("{}.damaged-", path.file_name()?.to_string_lossy());
    let number = |kept: &PathBuf| -> Option<(u64, u32)> {
        let name = kept.file_name()?.to_str()?.strip_prefix(&start)?;
        let (seconds, again) = name.split_once('-').unwrap_or((name, "1"));
        Some((seconds.parse().ok()?, again.parse().ok()?))
    };
    let files = fs::read_dir(path.parent()?).ok()?.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    files.filter_map(|kept| Some((number(&kept)?, kept))).max().map(|(_, kept)| kept)
}

/// `path` with `ending` behind its name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_file_set_aside_takes_no_name_that_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let mut names = Vec::new();
        for _ in 0..3 {
            let kept = free_name(&path, now, &["-wal"]);
            // Even a left-over of another file's must not be overwritten.
            fs::write(if names.is_empty() { with_ending(&kept, "-wal") } else { kept.clone() }, b"").unwrap();
            names.push(kept.file_name().unwrap().to_string_lossy().into_owned());
        }
        assert_eq!(last_kept(&path).unwrap().file_name().unwrap().to_string_lossy(), names[2]);
        assert_eq!(names, ["x.db.damaged-1700000000", "x.db.damaged-1700000000-2", "x.db.damaged-1700000000-3"]);
    }
}
