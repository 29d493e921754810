//! What ladders were before.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use protocol::{Code, Problem};

use super::{Recipes, id_of, read};
use crate::entry::Sha256;
use crate::name::slug;
use crate::recipe::Recipe;
use crate::whole::put_new;

/// Earlier versions that are kept of each ladder.
pub(super) const VERSIONS: usize = 20;

/// The folder that they are kept in.
const EARLIER: &str = "earlier";

/// What a ladder was before.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// Later ones have larger numbers.
    pub number: u32,
    /// When something else took its place, if the system tells.
    pub saved: Option<SystemTime>,
    /// What it was.
    pub recipe: Recipe,
}

impl Recipes {
    /// Hashes of the models of every ladder but `id`, as it is and as it was before: of one that was removed too, which can be had
    /// back. None if one of them cannot be read.
    pub(crate) fn needed_beside(&self, id: &str) -> Option<HashSet<Sha256>> {
        let in_folder = |folder: &Path| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect::<Vec<_>>()
        };
        let now = in_folder(&self.root).into_iter().filter(|path| id_of(path).is_some_and(|other| other != id));
        let of_others = |folder: &PathBuf| *folder != self.earlier(id);
        let folders = self.earlier(id).parent().map(in_folder).unwrap_or_default().into_iter().filter(of_others);
        let before = folders
            .flat_map(|folder| in_folder(&folder))
            .filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
        let mut hashes = HashSet::new();
        for path in now.chain(before) {
            hashes.extend(read(&path).ok()?.models.into_iter().map(|model| model.sha256));
        }
        Some(hashes)
    }

    /// Ids of the ladders that had the file with this hash before, those that were removed too: brought back so, they need it.
    pub fn had(&self, hash: &Sha256) -> Vec<String> {
        let had = |version: &Version| version.recipe.models.iter().any(|model| model.sha256 == *hash);
        let mut ids: Vec<String> =
            self.ids_before().into_iter().filter(|id| self.versions(id).iter().any(had)).collect();
        ids.sort();
        ids
    }

    /// The recipes that were removed and can be had back as they were last, the latest first. What is on offer by now is among them (see
    /// [`Catalog::removed`](crate::Catalog::removed)).
    pub(crate) fn removed(&self) -> Vec<Version> {
        let ids = self.ids_before().into_iter().filter(|id| !self.place(id).is_file());
        let last = |id: String| {
            let mut numbers = self.numbers(&id).into_iter().rev();
            let last = numbers.find_map(|number| self.read_version(&id, number))?;
            Some(Version { recipe: Recipe { id, ..last.recipe }, ..last })
        };
        let mut removed: Vec<_> = ids.filter_map(last).collect();
        removed.sort_by_key(|version| Reverse((version.saved, version.recipe.id.clone())));
        removed
    }

    /// Ids of all ladders of which there are earlier versions.
    fn ids_before(&self) -> Vec<String> {
        let folders = fs::read_dir(self.root.join(EARLIER)).into_iter().flatten().flatten();
        let id = |name: &str| Some(name.strip_prefix("ladder-")?.to_owned()).filter(|id| slug(id) == *id);
        folders.filter_map(|folder| id(folder.file_name().to_str()?)).collect()
    }

    /// The earlier versions of a ladder that can be read, the latest last.
    pub fn versions(&self, id: &str) -> Vec<Version> {
        self.numbers(id).into_iter().filter_map(|number| self.read_version(id, number)).collect()
    }

    fn read_version(&self, id: &str, number: u32) -> Option<Version> {
        let path = self.version(id, number);
        let saved = fs::metadata(&path).and_then(|about| about.modified()).ok();
        Some(Version { number, saved, recipe: read(&path).ok()? })
    }

    /// Brings back version `number` of a ladder, the latest if none is named; what it is now becomes its latest earlier version. A removed one comes back too.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`], [`Code::NeverChanged`], [`Code::NoSuchVersion`], [`Code::FileUnusable`], [`Code::FolderUnwritable`].
    pub fn back(&self, id: &str, number: Option<u32>) -> Result<Recipe, Problem> {
        let numbers = self.numbers(id);
        if numbers.is_empty() {
            self.there(id)?;
            return Err(Problem::new(Code::NeverChanged).with("ladder", id));
        }
        let latest = || self.versions(id).last().map_or(1, |version| version.number);
        let number = number.unwrap_or_else(latest);
        if !numbers.contains(&number) {
            let known = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let none = Problem::new(Code::NoSuchVersion).with("ladder", id).with("version", number);
            return Err(none.with("known", known));
        }
        let recipe = Recipe { id: id.to_owned(), ..read(&self.version(id, number))? };
        let _one_at_a_time = self.lock()?;
        if self.place(id).is_file() {
            self.put_by(id)?;
        }
        self.write(&recipe)?;
        Ok(recipe)
    }

    pub(super) fn earlier(&self, id: &str) -> PathBuf {
        self.root.join(EARLIER).join(format!("ladder-{}", slug(id)))
    }

    fn version(&self, id: &str, number: u32) -> PathBuf {
        self.earlier(id).join(format!("{number}.toml"))
    }

    fn numbers(&self, id: &str) -> Vec<u32> {
        let files = fs::read_dir(self.earlier(id)).into_iter().flatten().flatten();
        let number = |name: std::ffi::OsString| name.to_str()?.strip_suffix(".toml")?.parse().ok();
        let mut numbers: Vec<u32> = files.filter_map(|file| number(file.file_name())).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Copies what a ladder is now to its earlier versions; the oldest go.
    pub(super) fn put_by(&self, id: &str) -> Result<(), Problem> {
        let numbers = self.numbers(id);
        let next = numbers.last().map_or(1, |last| last.saturating_add(1));
        let now = fs::read(self.place(id)).map_err(|error| self.unwritable(&error))?;
        // Where nothing can be locked another program may be quicker.
        let is_taken = |put: &io::Result<()>| put.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists);
        let mut puts = (next..=u32::MAX).map(|number| put_new(&self.version(id, number), &now));
        let put = puts.find(|put| !is_taken(put)).unwrap_or_else(|| Err(ErrorKind::AlreadyExists.into()));
        put.map_err(|error| self.unwritable(&error))?;
        for old in numbers.iter().take((numbers.len() + 1).saturating_sub(VERSIONS)) {
            let _ = fs::remove_file(self.version(id, *old));
        }
        Ok(())
    }

    /// The right to change ladders, waited for while another program has it: what is put by is what is then written over, so that what every
    /// program made of a ladder stays among its versions.
    pub(super) fn lock(&self) -> Result<File, Problem> {
        let folder = self.root.join(EARLIER);
        let open = || File::options().write(true).create(true).truncate(false).open(folder.join("lock"));
        let lock = fs::create_dir_all(&folder).and_then(|()| open()).map_err(|error| self.unwritable(&error))?;
        match lock.lock() {
            // Some network file systems have no locks.
            Err(error) if error.kind() != ErrorKind::Unsupported => Err(self.unwritable(&error)),
            _ => Ok(lock),
        }
    }
}
