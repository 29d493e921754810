//! The ladders that a person made.

#[cfg(test)]
mod tests;
mod versions;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use protocol::{Code, Problem};

use crate::entry::ModelEntry;
use crate::manifest::Catalog;
use crate::name::slug;
use crate::recipe::{LARGEST, Recipe, RecipeModel};
use crate::whole::{put, put_new};

pub use versions::Version;

/// Most ladders of one name.
const NUMBERS: usize = 9999;

/// The folder of recipes: `ladder-<id>.toml`, and below `earlier` what each was before, by number.
#[derive(Debug, Clone)]
pub struct Recipes {
    root: PathBuf,
}

impl Recipes {
    /// The recipes in the folder `root`; it is made when the first is kept.
    pub fn of(root: PathBuf) -> Self {
        Self { root }
    }

    /// Every recipe in the order of names, and what is wrong with those that cannot be used.
    pub fn all(&self) -> (Vec<Recipe>, Vec<Problem>) {
        let files = fs::read_dir(&self.root).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut paths: Vec<PathBuf> = files.filter(|path| id_of(path).is_some()).collect();
        paths.sort();
        let (mut recipes, mut problems) = (Vec::new(), Vec::new());
        for path in paths {
            match read(&path) {
                // The name of the file is what counts: two recipes never have one id.
                Ok(recipe) => recipes.push(Recipe { id: id_of(&path).unwrap_or_default(), ..recipe }),
                Err(problem) => problems.push(problem),
            }
        }
        recipes.sort_by_key(|recipe| (recipe.name.to_lowercase(), recipe.id.clone()));
        (recipes, problems)
    }

    /// Whether there is a recipe with this id.
    pub fn has(&self, id: &str) -> bool {
        slug(id) == id && self.place(id).is_file()
    }

    /// The recipe with this id.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`], [`Code::FileUnusable`].
    pub fn get(&self, id: &str) -> Result<Recipe, Problem> {
        Ok(Recipe { id: id.to_owned(), ..read(&self.there(id)?)? })
    }

    /// The recipe of a ladder of `catalog` to hand on, whether it is one's own or came with the program. It tells what its models were made from and where that can be
    /// fetched, as far as it is known here.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`], [`Code::FileUnusable`].
    pub fn recipe_of(&self, catalog: &Catalog, id: &str) -> Result<Recipe, Problem> {
        if !self.has(id) {
            return catalog.recipe_of(id);
        }
        let mut recipe = self.get(id)?.handed_on();
        for model in recipe.models.iter_mut().filter(|model| model.made_from.is_none()) {
            let known = catalog.models().iter().find(|known| known.sha256 == model.sha256);
            model.made_from = known.and_then(|known| known.made_from.clone());
        }
        for known in catalog.models() {
            recipe.tell_original(RecipeModel::of(known));
        }
        Ok(recipe)
    }

    /// What is here already that has the name and the files of `recipe` and is run in the same way: one of the user's own, or one that came with the program.
    pub fn same(&self, recipe: &Recipe) -> Option<Recipe> {
        let builtin = Catalog::builtin();
        let came = builtin.ladders().iter().filter_map(|ladder| builtin.recipe_of(&ladder.id).ok());
        self.all().0.into_iter().chain(came).find(|other| other.is_same(recipe))
    }

    /// Keeps a recipe that was handed on as [`add`](Self::add) does, unless the [same](Self::same) is here already: then it is that one, which
    /// learns where originals are that it does not know.
    ///
    /// # Errors
    /// As [`add`](Self::add) and [`change`](Self::change).
    pub fn add_once(&self, recipe: &Recipe) -> Result<Recipe, Problem> {
        let Some(mut same) = self.same(recipe) else { return self.add(recipe) };
        if self.has(&same.id) {
            for model in &recipe.models {
                same.tell_original(model.clone());
            }
            self.change(&same)?;
        }
        Ok(same)
    }

    /// Keeps a recipe of a file that was handed on, or a new one, under an id that no other ladder has or had. Returns it with that id.
    ///
    /// # Errors
    /// [`Code::NameEmpty`], [`Code::NameTooLong`], [`Code::LadderInvalid`], [`Code::FolderUnwritable`].
    pub fn add(&self, recipe: &Recipe) -> Result<Recipe, Problem> {
        // Room for a number behind it: a name for files ends somewhere.
        let base: String = slug(&recipe.id).chars().take(50).collect();
        let base = slug(&base);
        let builtin = Catalog::builtin();
        for id in std::iter::once(base.clone()).chain((2..=NUMBERS).map(|number| format!("{base}-{number}"))) {
            let comes_with_taki = builtin.ladder(&id).is_ok() || builtin.offered(&id).is_some();
            // One that was removed can be had back: it keeps its id.
            if comes_with_taki || self.place(&id).exists() || self.earlier(&id).exists() {
                continue;
            }
            let recipe = Recipe { id, ..recipe.clone().handed_on() };
            recipe.checked()?;
            match put_new(&self.place(&recipe.id), recipe.to_toml()?.as_bytes()) {
                Ok(()) => return Ok(recipe),
                // Another program may have been quicker.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.unwritable(&error)),
            }
        }
        Err(Problem::new(Code::LadderInvalid).with("reason", format!("there are {NUMBERS} of this name already")))
    }

    /// Keeps the recipe of an offered ladder under its own id, unless another program was quicker: then that one stays.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`].
    pub fn settle(&self, recipe: &Recipe) -> Result<(), Problem> {
        match put_new(&self.place(&recipe.id), recipe.to_toml()?.as_bytes()) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(self.unwritable(&error)),
            _ => Ok(()),
        }
    }

    /// Keeps a changed recipe in place of what it was, which becomes its latest earlier version.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`], [`Code::NameEmpty`], [`Code::NameTooLong`], [`Code::LadderInvalid`], [`Code::FolderUnwritable`].
    pub fn change(&self, recipe: &Recipe) -> Result<(), Problem> {
        let before = self.get(&recipe.id);
        if before.as_ref().is_ok_and(|before| before == recipe) {
            return Ok(());
        }
        recipe.checked()?;
        let _one_at_a_time = self.lock()?;
        self.put_by(&recipe.id)?;
        self.write(recipe)
    }

    /// Has a ladder of the user's own use what was `made` in the place of what it lacked, where that is not the same byte for byte. True if it is not.
    ///
    /// # Errors
    /// As [`change`](Self::change).
    pub fn take_remade(&self, id: &str, lost: &ModelEntry, made: &RecipeModel) -> Result<bool, Problem> {
        if !self.has(id) || (&made.sha256, made.bytes) == (&lost.sha256, lost.bytes) {
            return Ok(false);
        }
        let mut recipe = self.get(id)?;
        for model in recipe.models.iter_mut().filter(|model| model.sha256 == lost.sha256) {
            let id = std::mem::replace(model, made.clone()).id;
            model.id = id;
        }
        self.change(&recipe).map(|()| true)
    }

    /// After `problem` with the download of the ladder `id`: what came in is not what its repository told of it, so that of one on offer its repository is
    /// asked anew the next time. True if it will be.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`].
    pub fn doubt(&self, id: &str, problem: &Problem) -> Result<bool, Problem> {
        let is_doubtful = problem.code == Code::DownloadMismatch && Catalog::builtin().offered(id).is_some();
        if is_doubtful && self.has(id) { self.remove(id).map(|()| true) } else { Ok(false) }
    }

    /// Removes a recipe; it stays among the earlier versions. Model files stay where they are.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`], [`Code::FolderUnwritable`].
    pub fn remove(&self, id: &str) -> Result<(), Problem> {
        let path = self.there(id)?;
        let _one_at_a_time = self.lock()?;
        self.put_by(id)?;
        fs::remove_file(path).map_err(|error| self.unwritable(&error))
    }

    /// The file of a recipe that is there.
    fn there(&self, id: &str) -> Result<PathBuf, Problem> {
        if self.has(id) {
            return Ok(self.place(id));
        }
        let known: Vec<_> = self.all().0.into_iter().map(|recipe| recipe.id).collect();
        Err(Problem::new(Code::NoSuchLadder).with("name", id).with("known", known.join(", ")))
    }

    fn place(&self, id: &str) -> PathBuf {
        self.root.join(format!("ladder-{}.toml", slug(id)))
    }

    fn write(&self, recipe: &Recipe) -> Result<(), Problem> {
        self.put(&self.place(&recipe.id), recipe.to_toml()?.as_bytes())
    }

    fn put(&self, path: &Path, contents: &[u8]) -> Result<(), Problem> {
        put(path, contents).map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &std::io::Error) -> Problem {
        protocol::folder_unwritable(&self.root, error, "TAKI_HOME")
    }
}

/// Reads a recipe, from wherever.
///
/// # Errors
/// [`Code::FileUnusable`].
pub fn read(path: &Path) -> Result<Recipe, Problem> {
    let unusable = |reason: &dyn std::fmt::Display| {
        Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason)
    };
    let mut text = Vec::new();
    if !path.is_file() {
        return Err(unusable(&if path.exists() { "it is no file" } else { "it is not there" }));
    }
    fs::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut text))
        .map_err(|error| unusable(&error))?;
    if text.len() as u64 > LARGEST {
        return Err(unusable(&"it is too large for a recipe"));
    }
    let text = String::from_utf8(text).map_err(|_| unusable(&"it is no text"))?;
    Recipe::parse(&text, path.display())
}

/// The id that the name of a recipe's file stands for.
fn id_of(path: &Path) -> Option<String> {
    let id = path.file_name()?.to_str()?.strip_prefix("ladder-")?.strip_suffix(".toml")?;
    (slug(id) == id).then(|| id.to_owned())
}
