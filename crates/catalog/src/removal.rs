//! What can go with a ladder that is removed.

use crate::entry::ModelEntry;
use crate::manifest::Catalog;
use crate::recipes::Recipes;
use crate::store::ModelStore;

impl ModelStore {
    /// The models of the ladder `id` of the user's own whose files are here and that no other ladder has, whether it came with this program, was fetched or is
    /// the user's own. Nothing of a ladder that cannot be read.
    pub fn files_only_of(&self, recipes: &Recipes, id: &str) -> Vec<ModelEntry> {
        // All there is: an administrator's list hides ladders and does not remove them.
        let (catalog, _) = Catalog::builtin().with_own(self, recipes);
        let others = || catalog.ladders().iter().filter(|ladder| ladder.id != id);
        let models = if recipes.has(id) { catalog.models_of(id).unwrap_or_default() } else { Vec::new() };
        let only_here = |model: &&ModelEntry| {
            self.path_of(model).is_some() && others().all(|ladder| !ladder.rungs.contains(&model.id))
        };
        models.into_iter().filter(only_here).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::recipe::{Recipe, RecipeModel};
    use crate::sample::Gguf;

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
        fs::write(store.place(&bundled.sha256), b"it is here").unwrap();
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
        assert_eq!(only("small"), std::slice::from_ref(&small.sha256));
        store.remove(&small.sha256).unwrap();
        assert!(only("small").is_empty(), "it is not here");
    }
}
