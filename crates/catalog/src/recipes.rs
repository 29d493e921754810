//! The ladders that a person made, with their earlier versions.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use protocol::{Code, Problem};

use crate::entry::{ModelEntry, Sha256};
use crate::manifest::Catalog;
use crate::recipe::{LARGEST, Recipe, RecipeModel, slug};
use crate::whole::{put, put_new};

/// Earlier versions that are kept of each ladder.
const VERSIONS: usize = 20;

/// Most ladders of one name.
const NUMBERS: usize = 9999;

/// Most ladders that are read.
const MOST: usize = 200;

/// The folder of recipes: `ladder-<id>.toml`, and below `earlier` what each was before, by number.
#[derive(Debug, Clone)]
pub struct Recipes {
    root: PathBuf,
}

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
        for path in paths.into_iter().take(MOST) {
            match read(&path) {
                // The name of the file is what counts: two recipes never have one id.
                Ok(recipe) => recipes.push(Recipe { id: id_of(&path).unwrap_or_default(), ..recipe }),
                Err(problem) => problems.push(problem),
            }
        }
        recipes.sort_by_key(|recipe| (recipe.name.to_lowercase(), recipe.id.clone()));
        (recipes, problems)
    }

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
        let folders = fs::read_dir(self.root.join("earlier")).into_iter().flatten().flatten();
        let ids = folders.filter_map(|folder| Some(folder.file_name().to_str()?.strip_prefix("ladder-")?.to_owned()));
        let had = |version: &Version| version.recipe.models.iter().any(|model| model.sha256 == *hash);
        let mut ids: Vec<String> = ids.filter(|id| self.versions(id).iter().any(had)).collect();
        ids.sort();
        ids
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

    /// Keeps a recipe of a file that was handed on, or a new one, under an id that no other ladder has. Returns it with that id.
    ///
    /// # Errors
    /// [`Code::NameEmpty`], [`Code::NameTooLong`], [`Code::LadderInvalid`], [`Code::FolderUnwritable`].
    pub fn add(&self, recipe: &Recipe) -> Result<Recipe, Problem> {
        // Room for a number behind it: a name for files ends somewhere.
        let base: String = slug(&recipe.id).chars().take(50).collect();
        let base = slug(&base);
        let builtin = Catalog::builtin();
        for id in std::iter::once(base.clone()).chain((2..=NUMBERS).map(|number| format!("{base}-{number}"))) {
            if builtin.ladder(&id).is_ok() || builtin.offered(&id).is_some() || self.place(&id).exists() {
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

    /// Removes a recipe; it stays among the earlier versions. Model files stay where they are.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`], [`Code::FolderUnwritable`].
    pub fn remove(&self, id: &str) -> Result<(), Problem> {
        let path = self.there(id)?;
        self.put_by(id)?;
        fs::remove_file(path).map_err(|error| self.unwritable(&error))
    }

    /// The earlier versions of a ladder that can be read, the latest last.
    pub fn versions(&self, id: &str) -> Vec<Version> {
        let version = |number| {
            let path = self.version(id, number);
            let saved = fs::metadata(&path).and_then(|about| about.modified()).ok();
            Some(Version { number, saved, recipe: read(&path).ok()? })
        };
        self.numbers(id).into_iter().filter_map(version).collect()
    }

    /// Brings back version `number` of a ladder, the latest if none is named; what it is now becomes its latest earlier version. A removed one comes back too.
    ///
    /// # Errors
    /// [`Code::NoSuchVersion`], [`Code::FileUnusable`], [`Code::FolderUnwritable`].
    pub fn back(&self, id: &str, number: Option<u32>) -> Result<Recipe, Problem> {
        let numbers = self.numbers(id);
        let latest = || self.versions(id).last().map_or(1, |version| version.number);
        let number = number.unwrap_or_else(latest);
        if !numbers.contains(&number) {
            let known = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let none = || "none".to_owned();
            return Err(Problem::new(Code::NoSuchVersion)
                .with("ladder", id)
                .with("version", number)
                .with("known", if known.is_empty() { none() } else { known }));
        }
        let recipe = Recipe { id: id.to_owned(), ..read(&self.version(id, number))? };
        if self.place(id).is_file() {
            self.put_by(id)?;
        }
        self.write(&recipe)?;
        Ok(recipe)
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

    fn earlier(&self, id: &str) -> PathBuf {
        self.root.join("earlier").join(format!("ladder-{}", slug(id)))
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
    fn put_by(&self, id: &str) -> Result<(), Problem> {
        let numbers = self.numbers(id);
        let next = numbers.last().map_or(1, |last| last.saturating_add(1));
        let now = fs::read(self.place(id)).map_err(|error| self.unwritable(&error))?;
        self.put(&self.version(id, next), &now)?;
        for old in numbers.iter().take((numbers.len() + 1).saturating_sub(VERSIONS)) {
            let _ = fs::remove_file(self.version(id, *old));
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::entry;

    fn recipe(name: &str) -> Recipe {
        Recipe::new(name, vec![RecipeModel::of(&entry("m", b"weights", Vec::new()))]).unwrap()
    }

    fn named(folder: &tempfile::TempDir) -> Recipes {
        Recipes::of(folder.path().join("ladders"))
    }

    #[test]
    fn ladders_are_kept_under_ids_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let recipes = named(&folder);
        assert_eq!(recipes.all(), (Vec::new(), Vec::new()));
        let ids: Vec<_> =
            ["Mine", "Mine", "smollm2"].iter().map(|name| recipes.add(&recipe(name)).unwrap().id).collect();
        assert_eq!(ids, ["mine", "mine-2", "smollm2-2"]);
        assert_eq!(recipes.all().0.len(), 3);
        assert_eq!(recipes.get("mine-2").unwrap().name, "Mine");
        for id in ["none", "../mine", "Mine", ""] {
            assert_eq!(recipes.get(id).unwrap_err().code, Code::NoSuchLadder, "{id}");
            assert_eq!(recipes.remove(id).unwrap_err().code, Code::NoSuchLadder, "{id}");
        }
    }

    #[test]
    fn what_is_handed_on_twice_is_kept_once_and_whatever_differs_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let recipes = named(&folder);
        let models = [entry("m", b"weights", Vec::new()), entry("s", b"less", Vec::new())];
        let first = Recipe::new("Mine", models.iter().map(RecipeModel::of).collect()).unwrap();
        let kept = recipes.add_once(&first).unwrap();
        // Elsewhere a ladder and its models may have other ids, and what is as usual may be written out.
        let text = first.to_toml().unwrap().replace("\"s\"", "\"small\"").replace("\"mine\"", "\"theirs\"");
        let again = Recipe { k: Some(vec![vec![4, 4], vec![0, 4]]), ..Recipe::parse(&text, "here").unwrap() };
        assert_eq!((again.id.as_str(), again.models[1].id.as_str()), ("theirs", "small"));
        assert_eq!(recipes.add_once(&again).unwrap(), kept);
        assert_eq!(recipes.all().0.len(), 1);
        for other in [
            first.clone().named("Yours"),
            Recipe { k: Some(vec![vec![4, 4], vec![0, 3]]), ..first.clone() },
            Recipe { max_gram: false, ..first.clone() },
            Recipe { lenience: 2.0, ..first.clone() },
            Recipe { by_text: true, ..first.clone() },
            Recipe::new("Mine", vec![first.models[0].clone()]).unwrap(),
        ] {
            let added = recipes.add_once(&other).unwrap();
            assert_eq!(recipes.get(&added.id).unwrap(), added);
            assert_eq!(recipes.add_once(&other).unwrap(), added);
        }
        assert_eq!(recipes.all().0.len(), 7);
        assert_ne!(recipes.add(&first).unwrap().id, kept.id, "a second one of it can be made here");
        let bundled = Catalog::builtin().recipe_of("smollm2").unwrap();
        assert_eq!(recipes.add_once(&bundled).unwrap().id, "smollm2");
        assert!(!recipes.has("smollm2"));
    }

    #[test]
    fn a_ladder_may_be_called_like_its_model_and_long_names_end() {
        let folder = tempfile::tempdir().unwrap();
        let recipes = named(&folder);
        let model = RecipeModel::of(&entry("m", b"weights", Vec::new()));
        assert_eq!(recipes.add(&Recipe::new("M", vec![model]).unwrap()).unwrap().id, "m");
        let long = recipe(&"long name ".repeat(8));
        let ids: Vec<_> = (0..12).map(|_| recipes.add(&long).unwrap().id).collect();
        for id in &ids {
            assert_eq!(recipes.get(id).unwrap().id, *id);
        }
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 12);
        let empty = Recipe { name: " ".into(), ..recipe("x") };
        assert_eq!(recipes.add(&empty).unwrap_err().code, Code::NameEmpty);
        let longer = recipe("x").named(&"é".repeat(81));
        assert_eq!(recipes.add(&longer).unwrap_err().details["limit"], "80", "nothing is cut in secret");
        assert_eq!(recipes.add(&longer.named(&"é".repeat(80))).unwrap().name.chars().count(), 80);
    }

    #[test]
    fn every_change_can_be_taken_back_and_so_can_a_removal() {
        let folder = tempfile::tempdir().unwrap();
        let recipes = named(&folder);
        let first = recipes.add(&recipe("First")).unwrap();
        recipes.change(&first).unwrap();
        assert_eq!(recipes.versions("first").len(), 0, "nothing was changed");
        recipes.change(&Recipe { name: "Second".into(), ..first.clone() }).unwrap();
        recipes.change(&Recipe { name: "Third".into(), ..first.clone() }).unwrap();
        let names = || recipes.versions("first").into_iter().map(|v| (v.number, v.recipe.name)).collect::<Vec<_>>();
        assert_eq!(names(), [(1, "First".to_owned()), (2, "Second".to_owned())]);
        assert_eq!(recipes.back("first", Some(1)).unwrap(), first);
        assert_eq!(names()[2], (3, "Third".to_owned()), "what it was just now");
        let hash = &first.models[0].sha256;
        assert_eq!(recipes.had(hash), ["first"]);
        recipes.remove("first").unwrap();
        assert_eq!((recipes.all().0.len(), recipes.had(hash)), (0, vec!["first".to_owned()]));
        assert!(recipes.had(&Sha256::of(b"another one that is long enough!")).is_empty());
        assert_eq!(recipes.back("first", Some(3)).unwrap().name, "Third");
        assert_eq!(recipes.back("first", Some(99)).unwrap_err().code, Code::NoSuchVersion);
        for number in 0..40 {
            recipes.change(&Recipe { name: format!("Name {number}"), ..first.clone() }).unwrap();
        }
        assert_eq!(recipes.versions("first").len(), VERSIONS);
    }

    #[test]
    fn a_damaged_recipe_is_told_and_hurts_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let recipes = named(&folder);
        recipes.add(&recipe("Good")).unwrap();
        let root = folder.path().join("ladders");
        fs::write(root.join("ladder-bad.toml"), "rungs = 3").unwrap();
        fs::write(root.join("ladder-binary.toml"), [0xff, 0xfe]).unwrap();
        fs::File::create(root.join("ladder-huge.toml")).unwrap().set_len(1 << 30).unwrap();
        fs::write(root.join("notes.toml"), "mine").unwrap();
        let (good, problems) = recipes.all();
        assert_eq!((good.len(), problems.len()), (1, 3), "{problems:?}");
        assert!(problems.iter().all(|problem| problem.code == Code::FileUnusable));
        recipes.remove("bad").unwrap();
        assert_eq!(recipes.all().1.len(), 2);
    }

    #[test]
    fn nothing_is_written_outside_whatever_ids_a_recipe_has() {
        let folder = tempfile::tempdir().unwrap();
        let recipes = named(&folder);
        let mut numbers = crate::sample::Numbers(11);
        let parts = ["..", "/", "\\", "C:", "\0", "滝", "a", ".", "con", " ", "%2e%2e", "~", "$HOME", "\n", "|", "*"];
        for _ in 0..500 {
            let id: String = (0..numbers.below(6)).map(|_| parts[numbers.below(parts.len())]).collect();
            let added = recipes.add(&Recipe { id, ..recipe("x") }).unwrap();
            assert_eq!(recipes.get(&added.id).unwrap().id, added.id);
        }
        let outside: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(outside, ["ladders"]);
        assert!(
            fs::read_dir(folder.path().join("ladders")).unwrap().flatten().all(|entry| id_of(&entry.path()).is_some())
        );
    }
}
