//! Models of the catalogue whose files nobody has verified yet: what they are is asked where they lie, before the first download.

use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Code, Problem, bytes_in_words};
use serde::Deserialize;

use crate::entry::{LadderEntry, Licence, ModelEntry, Source, Words};
use crate::fetch::{FetchOptions, FetchProgress, SourceChoice, facts, file_in, hash_in, is_own, is_safe, look, not_in};
use crate::header::{Header, check_header};
use crate::in_time::in_time;
use crate::manifest::Catalog;
use crate::match_up::match_up;
use crate::recipe::{Recipe, RecipeModel};
use crate::store::ModelStore;
use crate::summary::Summary;

/// A model that the catalogue knows by name only. Its file's size and hash are unverified: they come from the repository itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Id of the model once it is known.
    pub id: String,
    /// Display name.
    pub name: String,
    /// File name in the repository.
    pub file: String,
    /// About how large the file is, in bytes.
    pub about_bytes: u64,
    /// About how much of it a token reads, in bytes, where that is not all (mixtures of experts).
    #[serde(default)]
    pub active_bytes: Option<u64>,
    /// Models with the same word here split text alike, as far as is known. The files have the last word.
    pub tokenizer: String,
    /// Under what terms it may be used.
    pub licence: Licence,
    /// `owner/name` of the Hugging Face repository.
    pub repository: String,
}

/// Share by which a file may be larger or smaller than it is said to be about.
const ABOUT: f64 = 0.25;

impl Offer {
    /// Whether a file of so many bytes can be the one that is meant.
    pub fn is_about(&self, bytes: u64) -> bool {
        (bytes as f64 / self.about_bytes as f64 - 1.0).abs() <= ABOUT
    }

    /// A ladder of this model and Max-Gram.
    fn alone(&self) -> LadderEntry {
        LadderEntry {
            id: self.id.clone(),
            name: self.name.clone(),
            description: Words { en: String::new(), ja: String::new() },
            rungs: vec![self.id.clone()],
            max_gram: true,
            k: vec![vec![8]],
            lenience: 1.0,
            general: false,
            japanese: false,
            by_text: false,
            left_out: Vec::new(),
        }
    }
}

/// What became of an offered ladder once its files were asked for.
#[derive(Debug)]
pub struct Settled {
    /// The ladder with size, hash and commit of every file.
    pub recipe: Recipe,
    /// Drafts that do not go with the target after all.
    pub left_out: Vec<Problem>,
}

/// Asks where the files of the offered ladder `id` (or of the offered model, as a ladder of itself) lie for their commit, size and hash, and for their beginnings: what goes together is known
/// before anything large is fetched. Models that are known already stay as they are, and nobody is asked for one whose file is in `store`. Files of a folder have to be read for their hash: `on` is
/// told how far that is. Returns the ladder as a recipe that is not kept yet.
///
/// # Errors
/// [`Code::NoSuchLadder`]; [`Code::SourceMissing`], [`Code::NotInSource`]; [`Code::LookUpFailed`] and those of [`look`], where the target is concerned; [`Code::Cancelled`].
pub fn settle(
    catalog: &Catalog,
    store: &ModelStore,
    id: &str,
    options: &FetchOptions,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(FetchProgress),
) -> Result<Settled, Problem> {
    let (catalog, store, id, options) = (catalog.clone(), store.clone(), id.to_owned(), options.clone());
    in_time(cancel, on, move |stopped, on| ask(&catalog, &store, &id, &options, stopped, on))
}

fn ask(
    catalog: &Catalog,
    store: &ModelStore,
    id: &str,
    options: &FetchOptions,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(FetchProgress),
) -> Result<Settled, Problem> {
    let alone = || catalog.offer(id).map(Offer::alone);
    let ladder = catalog.offered(id).cloned().or_else(alone);
    let ladder = ladder.ok_or_else(|| Problem::new(Code::NoSuchLadder).with("name", id))?;
    let (mut models, mut left_out) = (Vec::<RecipeModel>::new(), Vec::new());
    let mut target: Option<Summary> = None;
    for rung in &ladder.rungs {
        if cancel.load(Ordering::Acquire) {
            return Err(Problem::new(Code::Cancelled));
        }
        let found = model(catalog, rung, options, cancel, on).and_then(|model| {
            let summary = match store.header_of(&model) {
                Some(header) => header.summary(),
                None => look_at(&model, store, options)?,
            };
            match &target {
                Some(target) => match_up(target, &summary, &model.name).map(|_| ())?,
                None => target = Some(summary),
            }
            Ok(model)
        });
        match found {
            Ok(model) => models.push(RecipeModel::of(&model)),
            // Without its target it is no ladder; without a draft that will never fit it is a slower one. What may pass leaves nothing out for good.
            Err(problem) if models.is_empty() || !never_fits(&problem) => return Err(problem),
            Err(problem) => {
                tracing::warn!(%problem, ladder = id, "a draft of an offered ladder is left out");
                left_out.push(problem);
            }
        }
    }
    let mut recipe = Recipe::new(&ladder.name, models)?;
    recipe.id.clone_from(&ladder.id);
    recipe.description = Some(ladder.description.en.clone()).filter(|said| !said.is_empty());
    if left_out.is_empty() {
        recipe.k = Some(ladder.k.clone());
    }
    (recipe.max_gram, recipe.lenience) = (ladder.max_gram, ladder.lenience);
    recipe.left_out.clone_from(&left_out);
    Ok(Settled { recipe, left_out })
}

/// Whether a model is no draft of this target whatever comes.
fn never_fits(problem: &Problem) -> bool {
    use Code::{DraftCannotRollBack, DraftTooLarge, ModelRefused, NotGguf, TargetCannotRollBack, TokenizersDiffer};
    let of_both = matches!(problem.code, TokenizersDiffer | DraftTooLarge | TargetCannotRollBack);
    of_both || matches!(problem.code, DraftCannotRollBack | ModelRefused | NotGguf)
}

/// A model of an offered ladder with everything that has to be known of its file.
fn model(
    catalog: &Catalog,
    id: &str,
    options: &FetchOptions,
    cancel: &AtomicBool,
    on: &mut dyn FnMut(FetchProgress),
) -> Result<ModelEntry, Problem> {
    let Some(offer) = catalog.offer(id) else { return catalog.model(id).cloned() };
    // One of another ladder that was fetched before: the same file, whatever lies there by now.
    let is_it = |model: &&ModelEntry| {
        let of = |source: &Source| matches!(source, Source::HuggingFace { repository, .. } if *repository == offer.repository);
        model.file == offer.file && model.sources.iter().any(of)
    };
    if let Some(model) = catalog.models().iter().find(is_it) {
        return Ok(model.clone());
    }
    let elsewhere = |reason: &str| Err(elsewhere(&offer.name, reason));
    let (bytes, sha256, sources) = match &options.source {
        SourceChoice::PythonPackages => return elsewhere(NOT_CARRIED),
        SourceChoice::Folder(folder) => {
            // Whoever brings the files answers for them.
            let path = folder.join(&offer.file);
            if !path.is_file() {
                return Err(not_in(folder, &offer.name, &offer.file));
            }
            let (bytes, hash) = hash_in(&path, &offer.name, options, cancel, on)?;
            (bytes, hash, Vec::new())
        }
        // Whoever could change the answer on its way could name any file.
        SourceChoice::Any | SourceChoice::HuggingFace if !is_safe(&options.endpoint) => {
            return elsewhere("models on offer are fetched from addresses that start with https:// only");
        }
        SourceChoice::Any | SourceChoice::HuggingFace => {
            let facts = facts(&offer.repository, None, &offer.file, options)?;
            // A repository on this computer is like a folder: whoever runs it answers for it.
            if !offer.is_about(facts.bytes) && !is_own(&options.endpoint) {
                let (is, said) = (bytes_in_words(facts.bytes), bytes_in_words(offer.about_bytes));
                return elsewhere(&format!("the file there has {is}, not about {said}"));
            }
            let source = Source::hugging_face(offer.repository.clone(), facts.revision);
            (facts.bytes, facts.sha256, vec![source])
        }
    };
    let (id, name, file) = (offer.id.clone(), offer.name.clone(), offer.file.clone());
    Ok(ModelEntry { id, name, file, bytes, sha256, licence: offer.licence.clone(), sources, made_from: None })
}

/// What the file of a model that is not here says about itself where it is to come from. What came over a network is kept, so that it need not come again.
pub(crate) fn look_at(model: &ModelEntry, store: &ModelStore, options: &FetchOptions) -> Result<Summary, Problem> {
    let is_far = matches!(options.source, SourceChoice::Any | SourceChoice::HuggingFace);
    if let Some(known) = store.looked_at(&model.sha256).filter(|_| is_far) {
        return Ok(known);
    }
    let summary = header_at(model, options)?.summary();
    if is_far {
        store.keep_look(&model.sha256, &summary);
    }
    Ok(summary)
}

/// The header of the file of the model `id` of the catalogue, known or only offered, read where that is to come from. Nothing large is downloaded.
///
/// # Errors
/// [`Code::NoSuchModel`]; [`Code::SourceMissing`], [`Code::NotInSource`]; [`Code::LookUpFailed`] and those of [`look`]; those of [`check_header`] and [`ModelEntry::missing`].
pub fn look_for(catalog: &Catalog, id: &str, options: &FetchOptions) -> Result<Header, Problem> {
    let Some(offer) = catalog.offers().find(|offer| offer.id == id) else {
        return header_at(catalog.model(id)?, options);
    };
    match &options.source {
        SourceChoice::Folder(folder) => {
            let path = folder.join(&offer.file);
            if path.is_file() { check_header(&path) } else { Err(not_in(folder, &offer.name, &offer.file)) }
        }
        SourceChoice::PythonPackages => Err(elsewhere(&offer.name, NOT_CARRIED)),
        SourceChoice::Any | SourceChoice::HuggingFace => {
            look(&format!("{}/{}/resolve/main/{}", options.endpoint, offer.repository, offer.file), options)
        }
    }
}

/// The same of a model that is known.
fn header_at(model: &ModelEntry, options: &FetchOptions) -> Result<Header, Problem> {
    match &options.source {
        SourceChoice::Folder(folder) => match file_in(folder, model) {
            Some(path) => check_header(&path),
            None => Err(not_in(folder, &model.name, &model.file)),
        },
        SourceChoice::PythonPackages => Err(elsewhere(&model.name, NOT_CARRIED)),
        SourceChoice::Any | SourceChoice::HuggingFace => {
            let address = model.address(&options.endpoint).ok_or_else(|| model.missing(&model.id))?;
            let header = look(&address, options)?;
            if header.file_bytes == model.bytes { Ok(header) } else { Err(elsewhere(&model.name, OTHER_SIZE)) }
        }
    }
}

/// Why what lies there is not believed.
pub(crate) const OTHER_SIZE: &str = "the repository tells another size of the file than it has";

/// Why a model cannot be had from a source that has others.
const NOT_CARRIED: &str = "the chosen source does not carry it";

fn elsewhere(name: &str, reason: &str) -> Problem {
    Problem::new(Code::LookUpFailed).with("name", name).with("reason", reason)
}

/// Names and about sizes of the models of a ladder, the target first, whether they are known or only offered.
pub(crate) fn about<'c>(catalog: &'c Catalog, ladder: &LadderEntry) -> Vec<About<'c>> {
    let one = |id: &String| match (catalog.model(id), catalog.offer(id)) {
        (Ok(model), _) => Some(About { name: &model.name, bytes: model.bytes, licence: &model.licence.spdx }),
        (_, Some(offer)) => Some(About { name: &offer.name, bytes: offer.about_bytes, licence: &offer.licence.spdx }),
        _ => None,
    };
    ladder.rungs.iter().filter_map(one).collect()
}

/// What a list shows of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About<'c> {
    /// Display name.
    pub name: &'c str,
    /// Size of its file; about, if it is offered.
    pub bytes: u64,
    /// SPDX identifier of its licence.
    pub licence: &'c str,
}
