//! Ladders and models as lists show them, in the window and in the terminal.

use std::path::Path;

use protocol::chat::{About, Fits, LadderCard, LadderCheck, MixChoice, ModelCard};
use protocol::ladder::CacheType;
use protocol::{Code, Mix, Problem};

use crate::entry::{LadderEntry, ModelEntry, Source};
use crate::fetch::{SourceChoice, file_in};
use crate::fit::{Fit, fit, fit_about};
use crate::manifest::Catalog;
use crate::offer::Offer;
use crate::recipes::Recipes;
use crate::recommend::{Candidate, Machine, Room};
use crate::store::ModelStore;

/// What lists are made of.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'a> {
    /// Every ladder and model there is.
    pub catalog: &'a Catalog,
    /// What is here of them.
    pub store: &'a ModelStore,
    /// What is the user's own.
    pub recipes: &'a Recipes,
    /// Context in tokens that ladders are run with; None is the usual one.
    pub context: Option<u32>,
    /// Type of keys and values.
    pub cache: CacheType,
    /// Where files may come from: what is offered elsewhere is not listed.
    pub source: &'a SourceChoice,
}

impl Lists<'_> {
    /// Every ladder: those of the catalogue and the user's own, then those that were never fetched, for `machine`. `checked` gives what a trial
    /// found of the ladder with this id and models of these hashes.
    ///
    /// # Errors
    /// [`Code::NoSuchModel`](protocol::Code::NoSuchModel): a catalogue that names models it does not have.
    pub fn ladders(
        &self,
        machine: Machine,
        checked: &dyn Fn(&str, &[String]) -> Option<LadderCheck>,
    ) -> Result<Vec<LadderCard>, Problem> {
        let builtin = Catalog::builtin();
        let offered = || self.catalog.offered_ladders().iter().filter(|ladder| self.comes(ladder));
        let all = || self.catalog.ladders().iter().chain(offered());
        let mut cards = all().map(|ladder| self.ladder(&builtin, ladder, machine)).collect::<Result<Vec<_>, _>>()?;
        let candidates: Vec<_> =
            all().zip(&cards).map(|(ladder, card)| self.candidate(&builtin, ladder, card)).collect();
        let suggested = machine.suggest(&candidates);
        let ids: Vec<_> = cards.iter().map(|card| card.id.clone()).collect();
        for (at, card) in cards.iter_mut().enumerate() {
            card.suggested = suggested == Some(at);
            card.checked = checked(&card.id, &self.catalog.hashes_of(&card.id)).map(|check| LadderCheck {
                better: machine.better(&candidates, at, check.cascade).map(|better| ids[better].clone()),
                ..check
            });
            // What was tried says more than what is reckoned.
            card.pace = card.checked.as_ref().map(|check| check.cascade).or(card.pace);
        }
        Ok(cards)
    }

    /// Where the memory of a ladder of these models goes.
    pub fn fit(&self, models: &[&ModelEntry]) -> Fit {
        fit(self.store, models, self.context, self.cache)
    }

    /// Whether the files of a ladder that are not here can be had from where files may come from.
    fn comes(&self, ladder: &LadderEntry) -> bool {
        let comes =
            |folder: &Path, model: &ModelEntry| self.store.path_of(model).is_some() || file_in(folder, model).is_some();
        let is_there = |folder: &Path, id: &String| match self.catalog.model(id) {
            Ok(model) => comes(folder, model),
            Err(_) => self.catalog.offer(id).is_none_or(|offer| folder.join(&offer.file).is_file()),
        };
        let offered = self.catalog.offered(&ladder.id).is_some();
        match self.source {
            SourceChoice::Any | SourceChoice::HuggingFace => true,
            SourceChoice::PythonPackages => !offered,
            // A stick that is not there may have it: that is said when it is wanted.
            SourceChoice::Folder(folder) if !folder.is_dir() => true,
            SourceChoice::Folder(folder) if offered => ladder.rungs.iter().all(|id| is_there(folder, id)),
            SourceChoice::Folder(folder) => {
                let needed = self.catalog.needed(self.store, &ladder.id, self.source);
                needed.is_ok_and(|needed| needed.iter().all(|model| comes(folder, model)))
            }
        }
    }

    fn ladder(&self, builtin: &Catalog, ladder: &LadderEntry, machine: Machine) -> Result<LadderCard, Problem> {
        let catalog = self.catalog;
        let kept = self.recipes.has(&ladder.id);
        let models = catalog.about(ladder);
        let offered = catalog.offered(&ladder.id).is_some();
        let mut rungs: Vec<String> = models.iter().map(|model| model.name.to_owned()).collect();
        if ladder.max_gram {
            rungs.push("Max-Gram".to_owned());
        }
        let licences = models.iter().flat_map(|model| model.licence.split(" AND ")).map(spoken);
        let mut licences: Vec<String> = licences.filter(|licence| !licence.is_empty()).collect();
        // Files write them in small letters.
        licences.sort_by_key(|licence| licence.to_lowercase());
        licences.dedup_by(|later, first| later.eq_ignore_ascii_case(first));
        let bytes = models.iter().map(|model| model.bytes).sum::<u64>();
        let mut missing = self.store.ready(catalog, &ladder.id)?;
        let (memory, remakes) = if offered {
            (fit_about(models.iter().map(|model| model.bytes)), Ok(Vec::new()))
        } else {
            (self.fit(&catalog.models_of(&ladder.id)?), catalog.remakes(self.store, &ladder.id))
        };
        // What only a newer version can fetch is said to whoever wants it.
        let is_lost = |problem: &Problem| problem.code != Code::SourceUnknown;
        let fetchable = !remakes.as_ref().is_err_and(is_lost) && self.comes(ladder);
        let remakes = remakes.unwrap_or_default();
        if !remakes.is_empty() {
            let needed = catalog.needed(self.store, &ladder.id, self.source)?;
            let comes = |model: &&ModelEntry| !ladder.rungs.contains(&model.id) && self.store.path_of(model).is_none();
            missing += needed.iter().filter(comes).map(|model| model.bytes).sum::<u64>();
        }
        let fits = match machine.room(memory.total()) {
            Room::Well => Fits::Well,
            Room::Tight => Fits::Tight,
            Room::Not => Fits::Not,
        };
        Ok(LadderCard {
            id: ladder.id.clone(),
            name: ladder.name.clone(),
            about: About { en: ladder.description.en.clone(), ja: ladder.description.ja.clone() },
            rungs,
            licences,
            bytes: bytes as f64,
            missing_bytes: missing as f64,
            memory_bytes: memory.total() as f64,
            fits,
            pace: machine.pace(self.read(ladder)),
            suggested: false,
            models: ladder.rungs.clone(),
            own: kept && builtin.offered(&ladder.id).is_none(),
            changeable: kept,
            by_text: ladder.by_text,
            offered,
            fetchable,
            to_make: remakes.into_iter().map(|remake| remake.model.name).collect(),
            left_out: ladder.left_out.clone(),
            checked: None,
        })
    }

    /// Bytes of weights that a token of a ladder's target reads.
    fn read(&self, ladder: &LadderEntry) -> u64 {
        let active = ladder.rungs.first().and_then(|target| self.catalog.offer(target)?.active_bytes);
        active.or_else(|| Some(self.catalog.about(ladder).first()?.bytes)).unwrap_or(0)
    }

    /// What a suggestion looks at. Only what came with this program is suggested: what the user made, the user knows.
    fn candidate(&self, builtin: &Catalog, ladder: &LadderEntry, card: &LadderCard) -> Candidate {
        let known = builtin.ladder(&ladder.id).ok().or_else(|| builtin.offered(&ladder.id));
        let target = self.read(ladder);
        Candidate {
            memory: card.memory_bytes as u64,
            target,
            general: known.is_some_and(|known| known.general) && card.fetchable,
            japanese: known.is_some_and(|known| known.japanese) && card.fetchable,
            drafts: ladder.rungs.len().saturating_sub(1),
        }
    }

    /// Every model: those that are known, then those that are offered.
    pub fn models(&self) -> Vec<ModelCard> {
        let known = self.catalog.models().iter().map(|model| self.model(model));
        known.chain(self.catalog.offers().map(offered)).collect()
    }

    /// One model that is known.
    pub fn model(&self, model: &ModelEntry) -> ModelCard {
        let header = self.store.header_of(model);
        // Some come to more than the original: rows too short for their types take finer ones. About is not more than that.
        let smaller = |mix: Mix| {
            let bytes = header.as_ref()?.bytes_as(mix);
            (bytes < model.bytes / 100 * 97).then(|| MixChoice { name: mix.name().to_owned(), bytes: bytes as f64 })
        };
        let made_from = model.made_from.as_ref().map(|from| {
            let known = self.catalog.models().iter().find(|other| other.sha256 == from.sha256);
            known.map_or_else(|| from.told().to_owned(), |original| original.name.clone())
        });
        let tokenizer = header.as_ref().and_then(|header| header.tokenizer.as_ref());
        ModelCard {
            id: model.id.clone(),
            name: model.name.clone(),
            bytes: model.bytes as f64,
            installed: self.store.path_of(model).is_some(),
            offered: false,
            own: model.sources.is_empty(),
            mixes: Mix::ALL.into_iter().filter_map(smaller).collect(),
            file: model.file.clone(),
            licence: spoken(&model.licence.spdx),
            hash: model.sha256.as_str().to_owned(),
            mix: header.as_ref().and_then(|header| header.mix).unwrap_or_default().to_owned(),
            architecture: header.as_ref().map(|header| header.architecture.clone()).unwrap_or_default(),
            context: header.as_ref().and_then(|header| header.context_length).map(|length| length as f64),
            layers: header.as_ref().and_then(|header| header.layers).map(|layers| layers as f64),
            tokenizer: tokenizer.map(|tokenizer| tokenizer.hash.as_str().to_owned()).unwrap_or_default(),
            repository: model.sources.iter().find_map(repository).unwrap_or_default().to_owned(),
            made_from,
        }
    }
}

fn offered(offer: &Offer) -> ModelCard {
    ModelCard {
        id: offer.id.clone(),
        name: offer.name.clone(),
        bytes: offer.about_bytes as f64,
        installed: false,
        offered: true,
        own: false,
        mixes: Vec::new(),
        file: offer.file.clone(),
        licence: spoken(&offer.licence.spdx),
        hash: String::new(),
        mix: String::new(),
        architecture: String::new(),
        context: None,
        layers: None,
        tokenizer: String::new(),
        repository: offer.repository.clone(),
        made_from: None,
    }
}

fn repository(source: &Source) -> Option<&str> {
    match source {
        Source::HuggingFace { repository, .. } => Some(repository),
        Source::PythonPackages(_) | Source::Unknown(_) => None,
    }
}

/// A licence as people call it: what is none of SPDX's list is marked there in a way that says nothing to them.
fn spoken(spdx: &str) -> String {
    spdx.replace("LicenseRef-", "").replace(" AND ", ", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Recipe, RecipeModel};
    use crate::sample::entry;

    #[test]
    fn a_folder_has_to_have_what_is_missing_of_a_known_ladder_and_a_licence_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let recipes = Recipes::of(folder.path().join("ladders"));
        let of = |id: &str, contents: &[u8], licence: &str| {
            let source = Source::hugging_face("maker/model".to_owned(), "a".repeat(40));
            let mut model = entry(id, contents, vec![source]);
            licence.clone_into(&mut model.licence.spdx);
            model
        };
        let (big, small) =
            (of("big", b"weights", "Apache-2.0 AND LicenseRef-Gemma"), of("small", b"less", "apache-2.0"));
        recipes.add(&Recipe::new("Mine", [&big, &small].map(RecipeModel::of).to_vec()).unwrap()).unwrap();
        let (catalog, _) = Catalog::builtin().with_own(&store, &recipes);
        let (cache, source) = (CacheType::F16, &SourceChoice::Folder(folder.path().to_owned()));
        let lists = Lists { catalog: &catalog, store: &store, recipes: &recipes, context: None, cache, source };
        let card = || {
            let cards = lists.ladders(Machine::default(), &|_, _| None).unwrap();
            cards.into_iter().find(|card| card.id == "mine").unwrap()
        };
        assert!(!card().fetchable);
        std::fs::write(folder.path().join(&big.file), b"weights").unwrap();
        assert!(!card().fetchable, "its draft is not there");
        std::fs::write(store.place(&small.sha256), b"less").unwrap();
        assert!(card().fetchable);
        assert_eq!(card().licences, ["Apache-2.0", "Gemma"]);
    }

    #[test]
    fn what_was_offered_is_nobodys_own_once_it_is_fetched_and_can_be_changed_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let recipes = Recipes::of(folder.path().join("ladders"));
        let id = Catalog::builtin().offered_ladders()[0].id.clone();
        let models = || vec![RecipeModel::of(&entry("m", b"weights", Vec::new()))];
        let fetched = Recipe { id: id.clone(), ..Recipe::new("Fetched", models()).unwrap() };
        recipes.settle(&fetched).unwrap();
        let by_text = Recipe { by_text: true, ..Recipe::new("Mine", models()).unwrap() };
        let mine = recipes.add(&by_text).unwrap().id;
        let (catalog, _) = Catalog::builtin().with_own(&store, &recipes);
        let (cache, source) = (CacheType::F16, &SourceChoice::default());
        let lists = Lists { catalog: &catalog, store: &store, recipes: &recipes, context: None, cache, source };
        let cards = lists.ladders(Machine::default(), &|_, _| None).unwrap();
        let of = |id: &str| {
            let card = cards.iter().find(|card| card.id == id).unwrap();
            (card.own, card.changeable, card.by_text)
        };
        assert_eq!(of(&id), (false, true, false));
        assert_eq!(of(&mine), (true, true, true));
        assert_eq!(of("smollm2"), (false, false, false));
    }
}
