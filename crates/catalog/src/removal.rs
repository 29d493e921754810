//! What can go with a ladder that is removed.

use protocol::{Code, Problem};

use crate::entry::{ModelEntry, Sha256};
use crate::fetch::discard;
use crate::manifest::Catalog;
use crate::recipes::Recipes;
use crate::store::ModelStore;

/// With less than so many bytes free even a recipe may find no room.
const LITTLE: u64 = 1 << 20;

/// What became of files that were to go with a ladder.
#[derive(Debug, Default)]
pub struct Removed {
    /// Hashes of those that were deleted.
    pub deleted: Vec<Sha256>,
    /// Why each of the others was not.
    pub problems: Vec<Problem>,
}

impl ModelStore {
    /// Removes a ladder, unless it has gone already, and with it `files`, which are [its alone](Self::files_only_of). A file that cannot be deleted
    /// keeps neither the ladder nor the others. What is not whole of the other models goes too if no list has them any more: nobody could remove it later.
    ///
    /// # Errors
    /// As [`remove_ladder`](Self::remove_ladder): then nothing is removed, or on a full disk one of the files.
    pub fn remove_with_files<'m>(
        &self,
        recipes: &Recipes,
        id: &str,
        files: impl IntoIterator<Item = &'m ModelEntry>,
    ) -> Result<Removed, Problem> {
        let (mut removed, mut files) = (Removed::default(), files.into_iter());
        let mut take = |file: &ModelEntry| match self.remove(&file.sha256) {
            Ok(()) => removed.deleted.push(file.sha256.clone()),
            Err(problem) => removed.problems.push(problem),
        };
        if recipes.has(id) {
            let models = recipes.get(id).map(|recipe| recipe.models).unwrap_or_default();
            let mut gone = self.remove_ladder(recipes, id);
            if gone.is_err() && fs4::available_space(self.staging()).is_ok_and(|free| free < LITTLE) {
                // What it was cannot be put by before something has gone.
                files.next().into_iter().for_each(&mut take);
                gone = self.remove_ladder(recipes, id);
            }
            gone?;
            let unlisted = models.iter().filter(|model| self.is_left_of(recipes, id, &model.entry()));
            unlisted.for_each(|model| discard(self, &model.sha256));
        }
        files.for_each(take);
        Ok(removed)
    }

    /// The models of the ladder `id` of the user's own whose files are here and that no other ladder has, whether it came with this program, was fetched or is
    /// the user's own, as it is or as it can be had back. Nothing if a ladder cannot be read: it may need any of them.
    pub fn files_only_of(&self, recipes: &Recipes, id: &str) -> Vec<ModelEntry> {
        // All there is: an administrator's list hides ladders and does not remove them.
        let (catalog, _) = Catalog::builtin().with_own(self, recipes);
        let others = || catalog.ladders().iter().filter(|ladder| ladder.id != id);
        let Some(needed) = recipes.needed_beside(id) else { return Vec::new() };
        // A recipe that was put under the name of a ladder that came with the program is not what that ladder has.
        let own = recipes.has(id) && Catalog::builtin().ladder(id).is_err();
        let models = if own { catalog.models_of(id).unwrap_or_default() } else { Vec::new() };
        let only_here = |model: &&ModelEntry| {
            let free = !needed.contains(&model.sha256);
            free && self.path_of(model).is_some() && others().all(|ladder| !ladder.rungs.contains(&model.id))
        };
        models.into_iter().filter(only_here).cloned().collect()
    }

    /// Whether the file of a model that came in for the ladder `id` belongs to nothing: that ladder was removed, no list has the model, no other ladder needs
    /// it, as it is or as it can be had back. False if a ladder cannot be read: it may need any file.
    pub fn is_left_of(&self, recipes: &Recipes, id: &str, model: &ModelEntry) -> bool {
        let (catalog, _) = Catalog::builtin().with_own(self, recipes);
        let is_listed = catalog.models().iter().any(|other| other.sha256 == model.sha256);
        let is_needed = || recipes.needed_beside(id).is_none_or(|needed| needed.contains(&model.sha256));
        !recipes.has(id) && !is_listed && !is_needed()
    }
}

impl Catalog {
    /// That the file of `model` can be deleted: neither the `chosen` ladder has it nor one of the user's own.
    ///
    /// # Errors
    /// [`Code::ModelInUse`]; [`Code::LadderUnread`], as what cannot be read may need any file.
    pub fn let_go(&self, recipes: &Recipes, model: &ModelEntry, chosen: Option<&str>) -> Result<(), Problem> {
        let (own, unread) = recipes.all();
        let chosen = chosen.and_then(|id| self.ladder(id).ok()).filter(|ladder| ladder.rungs.contains(&model.id));
        let own = own.iter().find(|recipe| recipe.in_rungs().any(|other| other.sha256 == model.sha256));
        if let Some(ladder) = chosen.map(|ladder| &ladder.name).or(own.map(|recipe| &recipe.name)) {
            return Err(Problem::new(Code::ModelInUse).with("name", &model.name).with("ladder", ladder));
        }
        let needs_it = |unread: Problem| Problem { code: Code::LadderUnread, ..unread }.with("name", &model.name);
        unread.into_iter().next().map_or(Ok(()), |unread| Err(needs_it(unread)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::recipe::{Recipe, RecipeModel};
    use crate::sample::Gguf;

    /// A file of the right length counts as the model.
    fn here(store: &ModelStore, model: &RecipeModel) {
        fs::File::create(store.place(&model.sha256)).unwrap().set_len(model.bytes).unwrap();
    }

    #[test]
    fn files_go_with_the_last_ladder_that_has_them_and_what_came_with_the_program_keeps_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let recipes = Recipes::of(folder.path().join("ladders"));
        let take = |name: &str, more: usize| {
            let path = folder.path().join(name);
            fs::write(&path, Gguf { data: 4096 + more, ..Gguf::small() }.bytes()).unwrap();
            store.take_in(&path, None, &AtomicBool::new(false), &mut |_, _| {}).unwrap()
        };
        let (large, small) = (take("large.gguf", 4096), take("small.gguf", 0));
        let builtin = Catalog::builtin();
        let bundled = RecipeModel::of(builtin.model("smollm2-135m").unwrap());
        here(&store, &bundled);
        let add = |name: &str, models: &[&RecipeModel]| {
            let mut models: Vec<RecipeModel> = models.iter().map(|model| (*model).clone()).collect();
            models.sort_by_key(|model| std::cmp::Reverse(model.bytes));
            recipes.add(&Recipe::new(name, models).unwrap()).unwrap();
        };
        add("Both", &[&bundled, &large, &small]);
        add("Small", &[&small]);
        let only =
            |id: &str| store.files_only_of(&recipes, id).into_iter().map(|model| model.sha256).collect::<Vec<_>>();
        assert_eq!(only("both"), std::slice::from_ref(&large.sha256));
        assert!(only("small").is_empty() && only("smollm2").is_empty() && only("none").is_empty());
        recipes.remove("both").unwrap();
        assert!(only("small").is_empty(), "the other one can be had back");
        add("Large", &[&large]);
        assert!(only("large").is_empty(), "so can this");
        let alone = take("alone.gguf", 8192);
        add("Alone", &[&alone]);
        assert_eq!(only("alone"), std::slice::from_ref(&alone.sha256));
        let damaged = folder.path().join("ladders").join("ladder-damaged.toml");
        fs::write(&damaged, "it was one").unwrap();
        assert!(only("alone").is_empty(), "one that cannot be read may need it");
        fs::remove_file(damaged).unwrap();
        recipes
            .change(&Recipe { id: "alone".to_owned(), ..Recipe::new("Alone", vec![large.clone()]).unwrap() })
            .unwrap();
        add("Again", &[&alone]);
        assert!(only("again").is_empty(), "what another one was before can be had back");
        store.remove(&alone.sha256).unwrap();
        assert!(only("again").is_empty(), "it is not here");
    }

    #[test]
    fn a_file_can_be_deleted_once_no_ladder_has_it_and_each_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let recipes = Recipes::of(folder.path().join("ladders"));
        let builtin = Catalog::builtin();
        let bundled = builtin.model("smollm2-135m").unwrap();
        let own = RecipeModel::of(&crate::sample::entry("own", b"mine", Vec::new()));
        let kept = recipes.add(&Recipe::new("Mine", vec![RecipeModel::of(bundled), own.clone()]).unwrap()).unwrap();
        let (catalog, _) = Catalog::builtin().with_own(&store, &recipes);
        let why = |model: &ModelEntry, chosen| {
            catalog.let_go(&recipes, model, chosen).err().map(|problem| (problem.code, problem.details))
        };
        let code = |model: &ModelEntry, chosen| why(model, chosen).map(|(code, _)| code);
        assert_eq!(why(&own.entry(), None).unwrap().1["ladder"], "Mine");
        // Whoever made it hidden did not make it need less.
        assert_eq!(builtin.let_go(&recipes, bundled, None).unwrap_err().code, Code::ModelInUse);
        recipes.remove(&kept.id).unwrap();
        assert_eq!(
            (code(&own.entry(), None), code(bundled, Some("qwen-coder")), code(bundled, None)),
            (None, None, None)
        );
        assert_eq!(why(bundled, Some("smollm2")).unwrap().1["ladder"], builtin.ladder("smollm2").unwrap().name);
        let damaged = folder.path().join("ladders").join("ladder-damaged.toml");
        fs::write(&damaged, "it was one").unwrap();
        let (code, details) = why(bundled, None).unwrap();
        assert_eq!((code, &details["path"]), (Code::LadderUnread, &damaged.display().to_string()));
        assert!(details["name"] == bundled.name && details["reason"].contains("no recipe"), "{details:?}");
    }

    #[test]
    fn what_came_in_for_a_ladder_that_is_gone_is_left_over_unless_something_has_it_or_may_need_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let recipes = Recipes::of(folder.path().join("ladders"));
        let fetched = crate::sample::entry("fetched", b"of a repository", Vec::new());
        let recipe = Recipe::new("Coming", vec![RecipeModel::of(&fetched)]).unwrap();
        recipes.add(&recipe).unwrap();
        let is_left = || store.is_left_of(&recipes, "coming", &fetched);
        assert!(!is_left(), "the ladder is there");
        // It is removed while nothing of it is here, so that no note is kept; then the file becomes whole.
        store.remove_ladder(&recipes, "coming").unwrap();
        here(&store, &RecipeModel::of(&fetched));
        assert!(is_left());
        let damaged = folder.path().join("ladders").join("ladder-damaged.toml");
        fs::write(&damaged, "it was one").unwrap();
        assert!(!is_left(), "one that cannot be read may need it");
        fs::remove_file(damaged).unwrap();
        recipes.add(&Recipe { id: "other".to_owned(), ..recipe.clone() }).unwrap();
        assert!(!is_left(), "another one has it");
        store.remove_ladder(&recipes, "other").unwrap();
        assert!(!is_left(), "it was here, so that it is in the list now");
        let bundled = Catalog::builtin().model("smollm2-135m").unwrap().clone();
        assert!(!store.is_left_of(&recipes, "coming", &bundled), "what came with the program is always in the list");
    }

    #[test]
    fn what_is_not_whole_goes_with_a_ladder_unless_a_list_still_has_its_model() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let recipes = Recipes::of(folder.path().join("ladders"));
        let bundled = RecipeModel::of(Catalog::builtin().model("smollm2-135m").unwrap());
        let lost = RecipeModel::of(&crate::sample::entry("lost", b"damaged since", Vec::new()));
        let bad = store.root().join("bad");
        for model in [&bundled, &lost] {
            fs::write(&bad, b"damaged").unwrap();
            store.set_aside(&bad, &model.sha256);
        }
        let recipe = Recipe::new("Mine", vec![bundled.clone(), lost.clone()]).unwrap();
        let id = recipes.add(&recipe).unwrap().id;
        store.remove_with_files(&recipes, &id, []).unwrap();
        assert_eq!((store.bytes_aside(&bundled.sha256), store.bytes_aside(&lost.sha256)), (7, 0));
    }

    #[test]
    fn a_file_that_cannot_be_deleted_keeps_neither_the_ladder_nor_the_others_and_each_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let recipes = Recipes::of(folder.path().join("ladders"));
        let models = [&b"the largest"[..], b"larger", b"large"].map(|contents| {
            let id = format!("m{}", contents.len());
            RecipeModel::of(&crate::sample::entry(&id, contents, Vec::new()))
        });
        recipes.add(&Recipe::new("Own", models.to_vec()).unwrap()).unwrap();
        // Nothing deletes a folder in the place of a file.
        for model in [&models[0], &models[1]] {
            fs::create_dir(store.place(&model.sha256)).unwrap();
        }
        here(&store, &models[2]);
        let files: Vec<_> = models.iter().map(RecipeModel::entry).collect();
        let removed = store.remove_with_files(&recipes, "own", &files).unwrap();
        assert_eq!(removed.deleted, std::slice::from_ref(&models[2].sha256));
        assert_eq!(removed.problems.len(), 2, "each is told: {:?}", removed.problems);
        assert!(!recipes.has("own") && store.file_of(&models[2].sha256).is_none());
        let again = store.remove_with_files(&recipes, "own", &files[2..]).unwrap();
        assert!(again.problems.is_empty(), "a ladder that has gone already is no problem");
    }

    #[test]
    fn a_recipe_under_the_name_of_what_came_with_the_program_offers_nothing_of_that() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let recipes = Recipes::of(folder.path().join("ladders"));
        let bundled = RecipeModel::of(Catalog::builtin().model("smollm2-135m").unwrap());
        here(&store, &bundled);
        recipes.add(&Recipe::new("Own", vec![bundled]).unwrap()).unwrap();
        let ladders = folder.path().join("ladders");
        fs::rename(ladders.join("ladder-own.toml"), ladders.join("ladder-smollm2.toml")).unwrap();
        assert!(recipes.has("smollm2") && store.files_only_of(&recipes, "smollm2").is_empty());
    }
}
