//! Models of the store that no catalogue knows: a person's own files, and what was requantized here.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use protocol::{Code, Mix, Problem};

use crate::check::plain;
use crate::entry::{Licence, MadeFrom, ModelEntry, Sha256};
use crate::fetch::discard;
use crate::header::Header;
use crate::join::part_of;
use crate::name::{in_one_line, numbered, slug};
use crate::recipe::{Recipe, RecipeModel};
use crate::recipes::Recipes;
use crate::store::{ModelStore, unwritable};
use crate::whole::put;
use crate::workplace::tidy;

impl ModelStore {
    /// Every model of one's own that is here, and what is wrong with notes that cannot be read.
    pub fn own_models(&self) -> (Vec<RecipeModel>, Vec<Problem>) {
        let files = fs::read_dir(self.notes()).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut paths: Vec<PathBuf> = files.filter(|path| hash_of(path).is_some()).collect();
        paths.sort();
        let (mut models, mut problems) = (Vec::new(), Vec::new());
        for path in paths {
            match read(&path) {
                Ok(model) if self.place(&model.sha256).is_file() => models.push(model),
                // The file was removed by hand: nothing is left of the model.
                Ok(_) => {}
                Err(reason) => {
                    problems.push(Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason));
                }
            }
        }
        models.sort_by_key(|model| (model.name.to_lowercase(), model.bytes));
        (models, problems)
    }

    /// Removes a ladder. Its files stay, and in the list of models, from which they can be removed.
    ///
    /// # Errors
    /// As [`Recipes::remove`].
    pub fn remove_ladder(&self, recipes: &Recipes, id: &str) -> Result<(), Problem> {
        // One that cannot be read any more can be removed all the same.
        let recipe = recipes.get(id);
        recipes.remove(id)?;
        // The ladder is removed, whether what its models are can be noted or not: in a folder of others it may not.
        if let Ok(Err(problem)) = recipe.map(|recipe| self.note_models(&recipe)) {
            tracing::warn!(code = %problem.code, "it could not be noted what the models of a ladder are");
        }
        Ok(())
    }

    /// Notes what the installed models of `recipe` are.
    fn note_models(&self, recipe: &Recipe) -> Result<(), Problem> {
        let here = |model: &&RecipeModel| self.place(&model.sha256).is_file() && !self.note_of(&model.sha256).exists();
        recipe.models.iter().filter(here).try_for_each(|model| self.note(&self.told_apart(model)))
    }

    /// Removes the file with this hash, what is noted of it, and what else of it takes room: see [`discard`]. What killed programs left half made goes too.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`].
    pub fn remove(&self, hash: &Sha256) -> Result<(), Problem> {
        for path in [self.place(hash), self.note_of(hash)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(unwritable(self.root(), &error)),
                _ => {}
            }
        }
        discard(self, hash);
        tidy(&self.staging());
        Ok(())
    }

    /// `model`, which is to be noted, under an id that no other noted one has: those keep theirs, whatever comes later.
    pub(crate) fn told_apart(&self, model: &RecipeModel) -> RecipeModel {
        let (own, _) = self.own_models();
        let taken = own.iter().any(|other| other.id == model.id && other.sha256 != model.sha256);
        let mut model = model.clone();
        if let Some(id) = Some(numbered(&model.id, &model.sha256)).filter(|id| taken && plain(id)) {
            model.id = id;
        }
        model
    }

    /// Notes what a model that is here is.
    pub(crate) fn note(&self, model: &RecipeModel) -> Result<(), Problem> {
        let text = toml::to_string(model).map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
        put(&self.note_of(&model.sha256), text.as_bytes()).map_err(|error| unwritable(self.root(), &error))
    }

    /// What is noted of the file with this hash, if that can be read.
    pub(crate) fn noted(&self, hash: &Sha256) -> Option<RecipeModel> {
        read(&self.note_of(hash)).ok()
    }

    fn notes(&self) -> PathBuf {
        self.root().join("own")
    }

    pub(crate) fn note_of(&self, hash: &Sha256) -> PathBuf {
        self.notes().join(format!("{hash}.toml"))
    }
}

/// What is noted of a file.
pub(crate) fn about(header: &Header, path: &Path, sha256: Sha256, made_from: Option<MadeFrom>) -> RecipeModel {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let part = part_of(&stem);
    let stem = part.map_or(&*stem, |(name, ..)| name).to_owned();
    // A name may be of nothing that is seen.
    let called =
        header.name.clone().filter(|name| !in_one_line(name).trim().is_empty()).unwrap_or_else(|| stem.clone());
    // Files of one model say the same of themselves, whatever their mix.
    let name = match (&made_from, header.mix) {
        (Some(from), _) => format!("{} {}", without_mix(&in_one_line(&from.name)), from.mix),
        (None, Some(mix)) if !called.to_lowercase().contains(&mix.to_lowercase()) => {
            format!("{} {mix}", in_one_line(&called))
        }
        _ => called,
    };
    let spdx = header.licence.as_deref().map(in_one_line).unwrap_or_default();
    let id = slug(if made_from.is_some() { &name } else { &stem });
    let file = path
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| plain(name) && made_from.is_none() && part.is_none());
    let name = Some(in_one_line(&name)).filter(|name| !name.trim().is_empty()).unwrap_or_else(|| id.clone());
    let entry = ModelEntry {
        file: file.map_or_else(|| format!("{id}.gguf"), str::to_owned),
        id,
        name,
        bytes: header.file_bytes,
        sha256,
        licence: Licence { spdx, ..Licence::default() },
        sources: Vec::new(),
        made_from: made_from.map(|from| MadeFrom { name: in_one_line(&from.name), ..from }),
    };
    RecipeModel::of(&entry)
}

/// A model's name without the mix at its end.
fn without_mix(name: &str) -> &str {
    match name.rsplit_once(' ') {
        Some((rest, mix)) if Mix::named(mix).is_some() => rest,
        _ => name,
    }
}

fn read(path: &Path) -> Result<RecipeModel, String> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(crate::recipe::LARGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let model: RecipeModel = toml::from_str(&text).map_err(|error| error.to_string())?;
    crate::check::check_entries(&[], &[model.entry()])?;
    if Some(&model.sha256) == hash_of(path).as_ref() { Ok(model) } else { Err("it is of another file".to_owned()) }
}

/// The hash that the name of a note stands for.
fn hash_of(path: &Path) -> Option<Sha256> {
    Sha256::parse(path.file_name()?.to_str()?.strip_suffix(".toml")?)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::Catalog;
    use crate::sample::{Gguf, store, take};

    #[test]
    fn what_a_model_was_made_from_is_handed_on_and_told_when_its_file_is_gone() {
        let (folder, store) = store();
        let recipes = crate::recipes::Recipes::of(folder.path().join("ladders"));
        let path = folder.path().join("m.gguf");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let from = MadeFrom::new("Big Q8_0".to_owned(), Sha256::parse(&"b".repeat(64)).unwrap(), "Q2_K");
        let model = store.take_in(&path, Some(from.clone()), &AtomicBool::new(false), &mut |_, _| {}).unwrap();
        assert_eq!((model.name.as_str(), model.made_from.as_ref()), ("Big Q2_K", Some(&from)));
        let here = || Catalog::builtin().with_own(&store, &recipes).0;
        // A ladder that is made of models of the list knows it too, and one that was made before it was noted.
        recipes.add(&Recipe::new("Made", vec![RecipeModel::of(here().model(&model.id).unwrap())]).unwrap()).unwrap();
        let mut unknowing = model.clone();
        unknowing.made_from = None;
        recipes.add(&Recipe::new("Before", vec![unknowing]).unwrap()).unwrap();
        for id in ["made", "before"] {
            let text = recipes.recipe_of(&here(), id).unwrap().to_toml().unwrap();
            assert!(text.contains("[model.made_from]\nname = \"Big Q8_0\""), "{text}");
            assert_eq!(Recipe::parse(&text, "here").unwrap().models[0].made_from, Some(from.clone()));
        }
        let fetched = RecipeModel::of(here().model("smollm2-135m").unwrap());
        recipes.add(&Recipe::new("Both", vec![fetched, model.clone()]).unwrap()).unwrap();
        let card = |catalog: &Catalog, id: &str| {
            let (context, cache, source) = (None, protocol::ladder::CacheType::F16, &crate::SourceChoice::default());
            let lists = crate::Lists { catalog, store: &store, recipes: &recipes, context, cache, source };
            let machine = crate::Machine::default();
            lists.ladders(machine, &|_, _| None).unwrap().into_iter().find(|card| card.id == id).unwrap()
        };
        assert!(card(&here(), "made").fetchable);
        store.remove(&model.sha256).unwrap();
        let catalog = here();
        let gone = card(&catalog, "made");
        assert!(!gone.fetchable && gone.missing_bytes > 0.0);
        let options = crate::FetchOptions::default();
        let fetch =
            |id: &str| crate::fetch(&catalog, &store, id, &options, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
        let problem = fetch("made");
        let told = |name: &str| problem.details[name].as_str();
        assert_eq!((problem.code, told("from"), told("mix")), (Code::MadeGone, "Big Q8_0", "Q2_K"));
        for id in ["made", "both"] {
            assert_eq!(crate::resolve(&catalog, &store, id).unwrap_err().code, Code::MadeGone, "{id}");
        }
        let added = crate::sample::entry("own", b"of one's own", Vec::new());
        assert_eq!(added.missing("x").code, Code::OwnGone);
        let offered = Catalog::builtin().model("smollm2-135m").unwrap().missing("x");
        assert_eq!((offered.code, offered.details["ladder"].as_str()), (Code::NotInstalled, "x"));
    }

    #[test]
    fn a_recipe_that_tells_another_size_of_a_file_changes_no_other_ladder() {
        let (folder, store) = store();
        let recipes = crate::recipes::Recipes::of(folder.path().join("ladders"));
        let path = folder.path().join("m.gguf");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let model = take(&store, &path).unwrap();
        let mut wrong = model.clone();
        wrong.bytes += 1;
        recipes.add(&Recipe::new("A", vec![wrong]).unwrap()).unwrap();
        recipes.add(&Recipe::new("B", vec![model.clone()]).unwrap()).unwrap();
        let (catalog, problems) = Catalog::builtin().with_own(&store, &recipes);
        assert_eq!(problems[0].code, Code::LadderInvalid);
        assert!(catalog.ladder("a").is_err() && store.ready(&catalog, "b").unwrap() == 0);
    }

    #[test]
    fn what_is_in_the_list_keeps_its_id_and_the_new_one_gets_the_number() {
        let (folder, store) = store();
        let recipes = crate::recipes::Recipes::of(folder.path().join("ladders"));
        let path = folder.path().join("m.gguf");
        let from =
            |name: &str, hash: &str| MadeFrom::new(name.to_owned(), Sha256::parse(&hash.repeat(64)).unwrap(), "Q2_K");
        let take = |data: usize, from: MadeFrom| {
            fs::write(&path, Gguf { data, ..Gguf::small() }.bytes()).unwrap();
            store.take_in(&path, Some(from), &AtomicBool::new(false), &mut |_, _| {}).unwrap()
        };
        // The later one is smaller, so that it comes first in the list.
        let once = take(4096, from("Big Q8_0", "b"));
        let twice = take(2048, from("Big Q4_0", "c"));
        assert_eq!((once.name.as_str(), once.id.as_str()), ("Big Q2_K", "big-q2-k"));
        assert_eq!((&twice.name, twice.id.as_str()), (&once.name, numbered(&once.id, &twice.sha256).as_str()));
        let (catalog, problems) = Catalog::builtin().with_own(&store, &recipes);
        assert_eq!(problems, []);
        for model in [&once, &twice] {
            assert_eq!(catalog.model(&model.id).unwrap().sha256, model.sha256);
        }
        assert_eq!(take(4096, from("Big Q8_0", "b")), once, "taken in again it is called as before");
        assert_eq!(take(2048, from("Big Q4_0", "c")), twice);
        store.remove(&once.sha256).unwrap();
        assert_eq!(store.own_models().0, [twice]);
    }

    #[test]
    fn a_name_loses_the_mix_at_its_end() {
        assert_eq!(without_mix("Qwen 1.5B Q4_0"), "Qwen 1.5B");
        assert_eq!(without_mix("Qwen 1.5B"), "Qwen 1.5B");
    }

    #[test]
    fn notes_that_make_no_sense_are_told() {
        let (folder, store) = store();
        let path = folder.path().join("m.gguf");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let model = take(&store, &path).unwrap();
        let other = store.note_of(&Sha256::parse(&"0".repeat(64)).unwrap());
        fs::copy(store.note_of(&model.sha256), &other).unwrap();
        let (models, problems) = store.own_models();
        assert_eq!((models.len(), problems.len()), (1, 1), "{problems:?}");
        fs::write(&other, "file = '../x'").unwrap();
        assert_eq!(store.own_models().1[0].code, Code::FileUnusable);
    }
}
