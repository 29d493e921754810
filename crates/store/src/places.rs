use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use protocol::{Code, Problem};

/// The folders of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Conversations.
    pub data: PathBuf,
    /// Settings.
    pub config: PathBuf,
    /// Model files.
    pub models: PathBuf,
}

impl Places {
    /// The platform's folders. `TAKI_HOME` puts everything into one folder, `TAKI_MODELS` the models into another.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`]: the system knows no home folder for this user.
    pub fn find() -> Result<Self, Problem> {
        let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let mut places = if let Some(home) = folder("TAKI_HOME") {
            Self::below(&home)
        } else {
            let dirs = ProjectDirs::from("", "", "taki").ok_or_else(|| {
                Problem::new(Code::FolderUnwritable).with("path", "~").with("reason", "no home folder is known")
            })?;
            let data = dirs.data_dir().to_owned();
            Self { config: dirs.config_dir().to_owned(), models: data.join("models"), data }
        };
        if let Some(models) = folder("TAKI_MODELS") {
            places.models = models;
        }
        Ok(places)
    }

    /// Everything below one folder.
    pub fn below(home: &Path) -> Self {
        Self { data: home.join("data"), config: home.join("config"), models: home.join("models") }
    }
}

/// Makes `folder` and its parents.
pub(crate) fn make(folder: &Path) -> Result<(), Problem> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))
}

/// The problem of a folder that cannot be written.
pub(crate) fn unwritable(folder: &Path, error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::FolderUnwritable).with("path", folder.display()).with("reason", error)
}

/// A name beside `path` that nothing has yet, for a file that could not be read.
pub(crate) fn free_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let candidate = |number: u32| path.with_file_name(format!("{name}.damaged-{number}"));
    (1..).map(candidate).find(|kept| !kept.exists()).unwrap_or_else(|| candidate(0))
}
