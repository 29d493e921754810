//! Models that were made elsewhere of models that can be had here: they are made again.

use protocol::{Mix, Problem};

use crate::entry::ModelEntry;
use crate::fetch::{SourceChoice, file_in};
use crate::manifest::Catalog;
use crate::store::ModelStore;

/// A model whose file is not here and is offered nowhere, and what it can be made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Remake {
    /// What is to be made.
    pub model: ModelEntry,
    /// What it is made of, which is here or can be fetched.
    pub original: ModelEntry,
    /// To what it is requantized.
    pub mix: Mix,
}

impl Catalog {
    /// What has to be made before the ladder or model `name` is whole, larger models first.
    ///
    /// # Errors
    /// [`Code::NoSuchModel`](protocol::Code::NoSuchModel); [`ModelEntry::missing`] for one that can be neither fetched nor made.
    pub fn remakes(&self, store: &ModelStore, name: &str) -> Result<Vec<Remake>, Problem> {
        let models = self.models_named(name)?;
        let remake = |lost: &ModelEntry| self.remake(store, lost).ok_or_else(|| lost.missing(&lost.id));
        store.lost(&models).map(remake).collect()
    }

    /// How `lost` can be made here, if it can.
    pub(crate) fn remake(&self, store: &ModelStore, lost: &ModelEntry) -> Option<Remake> {
        let from = lost.made_from.as_ref()?;
        let mix = Mix::named(&from.mix)?;
        let original = self.models().iter().find(|known| known.sha256 == from.sha256)?;
        let comes = store.path_of(original).is_some() || original.is_offered();
        comes.then(|| Remake { model: lost.clone(), original: original.clone(), mix })
    }

    /// The models whose files the ladder or model `name` needs: in the place of what has to be made here, of what it is made. A folder as `source` may have the made file itself.
    ///
    /// # Errors
    /// [`Code::NoSuchModel`](protocol::Code::NoSuchModel).
    pub fn needed(&self, store: &ModelStore, name: &str, source: &SourceChoice) -> Result<Vec<ModelEntry>, Problem> {
        let lies_there = |model: &ModelEntry| match source {
            SourceChoice::Folder(folder) => file_in(folder, model).is_some(),
            _ => false,
        };
        let mut needed = Vec::<ModelEntry>::new();
        for model in self.models_named(name)? {
            let lost = store.lost(&[model]).next().filter(|lost| !lies_there(lost));
            let remake = lost.and_then(|lost| self.remake(store, lost));
            let model = remake.map_or_else(|| model.clone(), |remake| remake.original);
            if needed.iter().all(|other| other.sha256 != model.sha256) {
                needed.push(model);
            }
        }
        Ok(needed)
    }
}

#[cfg(test)]
mod tests {
    use protocol::Code;

    use super::*;
    use crate::entry::{MadeFrom, Source};
    use crate::recipe::{Recipe, RecipeModel};
    use crate::recipes::Recipes;
    use crate::sample::entry;

    /// A computer with nothing on it.
    fn computer() -> (tempfile::TempDir, ModelStore, Recipes) {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let recipes = Recipes::of(folder.path().join("ladders"));
        (folder, store, recipes)
    }

    fn there(store: &ModelStore, model: &ModelEntry, contents: &[u8]) {
        std::fs::create_dir_all(store.root()).unwrap();
        std::fs::write(store.place(&model.sha256), contents).unwrap();
    }

    #[test]
    fn a_ladder_of_what_was_made_elsewhere_is_made_again_where_its_original_can_be_had() {
        let (_folder, store, recipes) = computer();
        let source = Source::hugging_face("a/b".to_owned(), "0".repeat(40));
        let original = entry("original", b"original weights", vec![source]);
        let from = MadeFrom::new("Original".to_owned(), original.sha256.clone(), "Q4_0");
        let made = ModelEntry { made_from: Some(from), ..entry("made", b"made weights", Vec::new()) };
        let fetched = Recipe::new("Fetched", vec![RecipeModel::of(&original)]).unwrap();
        recipes.add(&fetched).unwrap();
        let kept = recipes.add(&Recipe::new("Mine", vec![RecipeModel::of(&made)]).unwrap()).unwrap();
        let (here, _) = Catalog::builtin().with_own(&store, &recipes);
        let handed = recipes.recipe_of(&here, &kept.id).unwrap();
        assert_eq!(handed.models.len(), 2, "it tells where the original is");
        let handed = Recipe::parse(&handed.to_toml().unwrap(), "there").unwrap();
        assert_eq!(handed.in_rungs().map(|model| model.id.as_str()).collect::<Vec<_>>(), ["made"]);

        let (_other, store, recipes) = computer();
        let id = recipes.add_once(&handed).unwrap().id;
        assert_eq!(recipes.add_once(&handed).unwrap().id, id);
        let (there_now, problems) = Catalog::builtin().with_own(&store, &recipes);
        assert_eq!(problems, []);
        let remakes = there_now.remakes(&store, &id).unwrap();
        let [Remake { model, original: of, mix }] = &*remakes else { panic!("{remakes:?}") };
        assert_eq!((&model.sha256, &of.sha256, mix.name()), (&made.sha256, &original.sha256, "Q4_0"));
        assert_eq!(there_now.needed(&store, &id, &SourceChoice::Any).unwrap(), std::slice::from_ref(of));
        assert_eq!(crate::begun(&there_now, &store, &id).unwrap(), (0, original.bytes));
        let stick = tempfile::tempdir().unwrap();
        let of_folder = SourceChoice::Folder(stick.path().to_owned());
        for name in [model.file.clone(), format!("{}.gguf", model.sha256)] {
            let lies = stick.path().join(name);
            std::fs::write(&lies, b"made weights").unwrap();
            assert_eq!(there_now.needed(&store, &id, &of_folder).unwrap()[0].sha256, made.sha256, "it lies there");
            std::fs::remove_file(lies).unwrap();
        }
        assert_eq!(crate::resolve(&there_now, &store, &id).unwrap_err().code, Code::NotInstalled);
        let card = |catalog: &Catalog| {
            let (cache, source) = (protocol::ladder::CacheType::F16, &SourceChoice::Any);
            let lists = crate::Lists { catalog, store: &store, recipes: &recipes, context: None, cache, source };
            let machine = crate::Machine::default();
            lists.ladders(machine, &|_, _| None).unwrap().into_iter().find(|card| card.id == id).unwrap()
        };
        let (before, size) = (card(&there_now), (made.bytes + original.bytes) as f64);
        assert_eq!(
            (before.fetchable, &*before.to_make, before.missing_bytes),
            (true, &["Model made".to_owned()][..], size)
        );

        // What is made anew may be another file of the same kind.
        let another = RecipeModel::of(&entry("another", b"made otherwise", Vec::new()));
        assert!(!recipes.take_remade(&id, model, &RecipeModel::of(model)).unwrap(), "it is that very file");
        assert!(recipes.take_remade(&id, model, &another).unwrap());
        there(&store, &entry("another", b"made otherwise", Vec::new()), b"made otherwise");
        let (whole, _) = Catalog::builtin().with_own(&store, &recipes);
        assert_eq!(whole.remakes(&store, &id).unwrap(), []);
        assert_eq!((card(&whole).missing_bytes, card(&whole).to_make.len()), (0.0, 0));
        assert_eq!(recipes.versions(&id).len(), 1, "what it was can be had back");
    }
}
