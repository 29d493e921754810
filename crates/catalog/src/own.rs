//! Models of the store that no catalogue knows: a person's own files, and what was requantized here.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use protocol::{Code, Mix, Problem};

use crate::check::plain;
use crate::entry::{Licence, MadeFrom, ModelEntry, Sha256};
use crate::fetch::discard;
use crate::header::{Header, check_header};
use crate::join::{Parts, part_of};
use crate::manifest::Catalog;
use crate::mark::Mark;
use crate::recipe::{Recipe, RecipeModel, in_one_line, slug};
use crate::recipes::Recipes;
use crate::store::{ModelStore, Workplace, unwritable};
use crate::whole::{copied, hashed, put, unreadable};

impl ModelStore {
    /// Takes the GGUF file at `path` in under its hash: by a link if it lies on the same disk, so that it takes no space twice, or as a
    /// copy. The first of several files is joined with the others beside it. `on` is told bytes done and bytes in all. `made_from` is
    /// of what it was made here.
    ///
    /// # Errors
    /// Those of [`check_header`]; [`Code::ModelRefused`] with what it is if it does not write text by itself; [`Code::FileUnusable`] for a part without the others; [`Code::DiskFull`],
    /// [`Code::FolderUnwritable`], [`Code::Cancelled`].
    pub fn take_in(
        &self,
        path: &Path,
        made_from: Option<MadeFrom>,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(u64, u64),
    ) -> Result<RecipeModel, Problem> {
        // Before a gigabyte is read for nothing.
        let header = check_header(path)?;
        is_a_writer(&header, path)?;
        let staged = match header.part {
            Some((1, count)) => self.join(path, count, cancel, on)?,
            Some(_) => {
                let further = "it is a further part of a model in several files: choose the first one, whose name has 00001 in it";
                return Err(Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", further));
            }
            None => self.stage(path, cancel, on)?,
        };
        let header = check_header(&staged.path())?;
        is_a_writer(&header, path)?;
        let model = about(&header, path, staged.hash.clone(), made_from);
        self.settle(&staged, &model)?;
        Ok(model)
    }

    /// Takes in the models of a recipe that are not here if all of them lie beside `file`, the one it came in. `on` is told bytes done and bytes
    /// in all, of each. Returns how many bytes are missing then.
    ///
    /// # Errors
    /// [`Code::DownloadMismatch`] if a file is another one than it should be; those of [`take_in`](Self::take_in).
    pub fn take_beside(
        &self,
        recipe: &Recipe,
        file: &Path,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(u64, u64),
    ) -> Result<u64, Problem> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.check_sizes(recipe, file)?;
        let missing: Vec<_> = recipe.in_rungs().filter(|model| self.file_of(&model.sha256).is_none()).collect();
        if !missing.iter().all(|model| folder.join(&model.file).is_file()) {
            return Ok(missing.iter().map(|model| model.bytes).sum());
        }
        for model in missing {
            let path = folder.join(&model.file);
            check_header(&path)?;
            let staged = self.stage(&path, cancel, on)?;
            if staged.hash != model.sha256 || staged.bytes != model.bytes {
                return Err(Problem::new(Code::DownloadMismatch).with("name", &model.name));
            }
            check_header(&staged.path())?;
            self.settle(&staged, model)?;
        }
        Ok(0)
    }

    /// A file has one size: a recipe that tells another one than is known would be no ladder.
    fn check_sizes(&self, recipe: &Recipe, file: &Path) -> Result<(), Problem> {
        let builtin = Catalog::builtin();
        for model in &recipe.models {
            let here = self.file_of(&model.sha256).and_then(|path| Some(fs::metadata(path).ok()?.len()));
            let known = builtin.models().iter().find(|known| known.sha256 == model.sha256).map(|known| known.bytes);
            if here.or(known).is_some_and(|bytes| bytes != model.bytes) {
                let reason = format!("the file of “{}” has another size than it tells", model.id);
                return Err(Problem::new(Code::FileUnusable).with("path", file.display()).with("reason", reason));
            }
        }
        Ok(())
    }

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
        recipe.models.iter().filter(here).try_for_each(|model| self.note(model))
    }

    /// Removes the file with this hash, what is noted of it, and what else of it takes room: see [`discard`].
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
        Ok(())
    }

    /// Puts the file where nobody else looks, and reads it there.
    fn stage(&self, path: &Path, cancel: &AtomicBool, on: &mut dyn FnMut(u64, u64)) -> Result<Staged, Problem> {
        let bytes = fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
        let place = self.room_for(0)?;
        let own = place.path();
        // What turns out to be a link itself would follow wherever that leads later.
        let is_linked =
            fs::hard_link(path, &own).is_ok() && fs::symlink_metadata(&own).is_ok_and(|about| about.is_file());
        if !is_linked {
            let _ = fs::remove_file(&own);
            let place = self.room_for(bytes)?;
            let refused = |error: std::io::Error| unwritable(self.root(), &error);
            let mut file = fs::File::create_new(place.path()).map_err(refused)?;
            let unwritten = |done: u64, error: &std::io::Error| self.unwritten(bytes.saturating_sub(done), error);
            let hash = copied(path, &mut file, cancel, &mut |done| on(done, bytes), &unwritten)?;
            return Ok(Staged { bytes: file.metadata().map_err(refused)?.len(), place, hash });
        }
        // What was written just now must be on the disk before it is called whole; what somebody still writes is not.
        fs::File::open(&own).and_then(|file| file.sync_all()).map_err(|error| unreadable(path, &error))?;
        let before = Mark::of_contents(&own);
        let hash = hashed(&own, &mut |_| Ok(()), cancel, &mut |done| on(done, bytes))?;
        if Mark::of_contents(&own) != before {
            return Err(unreadable(path, &std::io::Error::other("it was changed while it was read")));
        }
        Ok(Staged { place, hash, bytes })
    }

    /// The same for the first of `count` files, with the others.
    fn join(
        &self,
        first: &Path,
        count: u64,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(u64, u64),
    ) -> Result<Staged, Problem> {
        let parts = Parts::beside(first, count)?;
        let (bytes, place) = (parts.bytes, self.room_for(parts.bytes)?);
        let hash = parts.write(self, &place.path(), cancel, &mut |done| on(done, bytes))?;
        Ok(Staged { place, hash, bytes })
    }

    /// Moves a file that was read into the store, with a note of what it is.
    fn settle(&self, staged: &Staged, model: &RecipeModel) -> Result<(), Problem> {
        let there =
            fs::metadata(self.place(&staged.hash)).is_ok_and(|about| about.is_file() && about.len() == staged.bytes);
        if !there {
            self.install(&staged.path(), &staged.hash)?;
        }
        // What was known of it stays: its id may be in use.
        if self.note_of(&model.sha256).is_file() { Ok(()) } else { self.note(model) }
    }

    fn note(&self, model: &RecipeModel) -> Result<(), Problem> {
        let text = toml::to_string(model).map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
        put(&self.note_of(&model.sha256), text.as_bytes()).map_err(|error| unwritable(self.root(), &error))
    }

    fn notes(&self) -> PathBuf {
        self.root().join("own")
    }

    fn note_of(&self, hash: &Sha256) -> PathBuf {
        self.notes().join(format!("{hash}.toml"))
    }
}

/// A file on its way in.
struct Staged {
    place: Workplace,
    hash: Sha256,
    bytes: u64,
}

impl Staged {
    fn path(&self) -> PathBuf {
        self.place.path()
    }
}

/// Refuses what cannot answer or draft.
pub(crate) fn is_a_writer(header: &Header, path: &Path) -> Result<(), Problem> {
    let refused =
        |reason: &str| Err(Problem::new(Code::ModelRefused).with("path", path.display()).with("reason", reason));
    header.kind.instead().map_or(Ok(()), refused)
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
        licence: Licence { spdx, url: String::new() },
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
    use super::*;
    use crate::sample::{Gguf, pair, text};

    fn take(store: &ModelStore, path: &Path) -> Result<RecipeModel, Problem> {
        store.take_in(path, None, &AtomicBool::new(false), &mut |_, _| {})
    }

    fn store() -> (tempfile::TempDir, ModelStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        (folder, store)
    }

    #[test]
    fn a_file_of_ones_own_is_taken_in_once_and_stays_when_the_other_is_deleted() {
        let (folder, store) = store();
        let path = folder.path().join("My Model (滝).gguf");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let mut told = Vec::new();
        let model =
            store.take_in(&path, None, &AtomicBool::new(false), &mut |done, all| told.push((done, all))).unwrap();
        assert_eq!(
            (model.name.as_str(), model.id.as_str(), model.file.as_str()),
            ("Tiny 滝", "my-model", "my-model.gguf")
        );
        assert_eq!(told.last(), Some(&(model.bytes, model.bytes)));
        assert_eq!(take(&store, &path).unwrap(), model);
        fs::remove_file(&path).unwrap();
        assert_eq!(store.own_models(), (vec![model.clone()], Vec::new()));
        assert_eq!(store.path_of(&model.entry()), Some(store.place(&model.sha256)));
        store.remove(&model.sha256).unwrap();
        store.remove(&model.sha256).unwrap();
        assert_eq!(store.own_models(), (Vec::new(), Vec::new()));
        assert_eq!(fs::read_dir(store.staging()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_once_and_copied() {
        let (folder, store) = store();
        let (path, link) = (folder.path().join("a.gguf"), folder.path().join("b.gguf"));
        fs::write(&path, Gguf::small().bytes()).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let model = take(&store, &link).unwrap();
        fs::write(&path, b"something else").unwrap();
        assert_eq!(fs::read(store.place(&model.sha256)).unwrap(), Gguf::small().bytes());
    }

    #[test]
    fn a_file_that_somebody_links_to_meanwhile_is_not_changed_by_that() {
        let (folder, store) = store();
        let path = folder.path().join("m.gguf");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let mut link = |_, _| drop(fs::hard_link(&path, folder.path().join("other.gguf")));
        assert!(store.take_in(&path, None, &AtomicBool::new(false), &mut link).is_ok());
        // Once: what grows as it is read has no end.
        let mut file = Some(fs::File::options().append(true).open(&path).unwrap());
        let mut changes = |_, _| {
            if let Some(mut file) = file.take() {
                std::io::Write::write_all(&mut file, b"more").unwrap();
            }
        };
        let (_other, elsewhere) = self::store();
        let problem = elsewhere.take_in(&path, None, &AtomicBool::new(false), &mut changes).unwrap_err();
        assert_eq!(problem.code, Code::ModelUnreadable);
    }

    #[test]
    fn what_writes_no_text_is_refused_as_what_it_is() {
        let (folder, store) = store();
        let path = folder.path().join("m.gguf");
        let of = |change: &dyn Fn(&mut Gguf)| {
            let mut gguf = Gguf::small();
            change(&mut gguf);
            fs::write(&path, gguf.bytes()).unwrap();
            take(&store, &path).unwrap_err()
        };
        let named =
            |name: &'static str| move |gguf: &mut Gguf| gguf.pairs[0] = pair("general.architecture", 8, &text(name));
        for (problem, word) in [
            (of(&named("bert")), "searching"),
            (of(&named("clip")), "eyes"),
            (of(&|gguf| gguf.pairs.push(pair("split.count", 4, &3_u32.to_le_bytes()))), "the first of 3 parts"),
        ] {
            assert!(matches!(problem.code, Code::ModelRefused | Code::FileUnusable), "{problem:?}");
            assert!(problem.details["reason"].contains(word), "{problem:?}");
        }
        fs::write(&path, b"no").unwrap();
        assert_eq!(take(&store, &path).unwrap_err().code, Code::NotGguf);
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let stopped = store.take_in(&path, None, &AtomicBool::new(true), &mut |_, _| {}).unwrap_err();
        assert_eq!(stopped.code, Code::Cancelled);
        assert_eq!((store.own_models().0.len(), fs::read_dir(store.staging()).unwrap().count()), (0, 0));
    }

    #[test]
    fn what_lies_beside_a_recipe_is_taken_in_if_it_is_that_very_file() {
        let (folder, store) = store();
        let file = folder.path().join("tiny.gguf");
        fs::write(&file, Gguf::small().bytes()).unwrap();
        let (_elsewhere, other) = self::store();
        let model = take(&other, &file).unwrap();
        let recipe = Recipe::new("R", vec![model.clone()]).unwrap();
        let beside = |recipe: &Recipe| {
            store.take_beside(recipe, &folder.path().join("r.toml"), &AtomicBool::new(false), &mut |_, _| {})
        };
        let mut renamed = model.clone();
        renamed.file = "elsewhere.gguf".to_owned();
        assert_eq!(beside(&Recipe::new("R", vec![renamed]).unwrap()).unwrap(), model.bytes);
        let mut changed = Gguf::small().bytes();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(&file, changed).unwrap();
        assert_eq!(beside(&recipe).unwrap_err().code, Code::DownloadMismatch);
        assert_eq!(store.file_of(&model.sha256), None);
        fs::write(&file, Gguf::small().bytes()).unwrap();
        assert_eq!(beside(&recipe).unwrap(), 0);
        assert_eq!(without_mix("Qwen 1.5B Q4_0"), "Qwen 1.5B");
        assert_eq!(store.own_models().0, [model], "it is in the list, whatever becomes of the ladder");
    }

    #[test]
    fn what_a_model_was_made_from_is_handed_on_and_told_when_its_file_is_gone() {
        let (folder, store) = store();
        let recipes = crate::recipes::Recipes::of(folder.path().join("ladders"));
        let path = folder.path().join("m.gguf");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let from =
            MadeFrom { name: "Big Q8_0".into(), sha256: Sha256::parse(&"b".repeat(64)).unwrap(), mix: "Q2_K".into() };
        let model = store.take_in(&path, Some(from.clone()), &AtomicBool::new(false), &mut |_, _| {}).unwrap();
        assert_eq!((model.name.as_str(), model.made_from.as_ref()), ("Big Q2_K", Some(&from)));
        let here = || crate::Catalog::builtin().with_own(&store, &recipes).0;
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
        let offered = crate::Catalog::builtin().model("smollm2-135m").unwrap().missing("x");
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
        let (catalog, problems) = crate::Catalog::builtin().with_own(&store, &recipes);
        assert_eq!(problems[0].code, Code::LadderInvalid);
        assert!(catalog.ladder("a").is_err() && store.ready(&catalog, "b").unwrap() == 0);
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
