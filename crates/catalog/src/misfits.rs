//! Drafts that can never draft for their target, found before they are downloaded.

use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Code, Problem};

use crate::entry::{ModelEntry, Sha256};
use crate::fetch::{FetchOptions, discard};
use crate::in_time::in_time;
use crate::manifest::Catalog;
use crate::match_up::{match_up, match_up_by_text};
use crate::offer::look_at;
use crate::recipes::Recipes;
use crate::store::ModelStore;

/// A draft that never goes with the target of its ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Hash of its file.
    pub sha256: Sha256,
    /// Why not.
    pub problem: Problem,
}

/// The drafts of `ladder` whose files are not here and that never go with its target, by the beginnings of both, wherever the files are to come from. What
/// cannot be looked at is no misfit: the engine tries it once it is here. Ladders that came with this program were tried before.
///
/// # Errors
/// [`Code::NoSuchLadder`], [`Code::Cancelled`].
pub fn misfits(
    catalog: &Catalog,
    store: &ModelStore,
    ladder: &str,
    options: &FetchOptions,
    cancel: &AtomicBool,
) -> Result<Vec<Misfit>, Problem> {
    let by_text = catalog.ladder(ladder)?.by_text;
    let mut models = catalog.models_of(ladder)?.into_iter().cloned();
    let target = models.next();
    let missing: Vec<ModelEntry> = models.filter(|draft| store.path_of(draft).is_none()).collect();
    let is_builtin = Catalog::builtin().ladder(ladder).is_ok();
    let Some(target) = target.filter(|_| !is_builtin && !missing.is_empty()) else { return Ok(Vec::new()) };
    let (store, options) = (store.clone(), options.clone());
    in_time(cancel, &mut |_| {}, move |stopped, _| {
        let mut misfits = Vec::new();
        let summary = |model: &ModelEntry| {
            let looked =
                || look_at(model, &store, &options).inspect_err(|problem| tracing::debug!(%problem, "no look"));
            store.summary_of(model).or_else(|| looked().ok())
        };
        let Some(of_target) = summary(&target) else { return Ok(misfits) };
        let match_up = if by_text { match_up_by_text } else { match_up };
        for draft in missing {
            if stopped.load(Ordering::Acquire) {
                return Err(Problem::new(Code::Cancelled));
            }
            let verdict = summary(&draft).map(|of_draft| match_up(&of_target, &of_draft, &draft.name));
            if let Some(Err(problem)) = verdict {
                tracing::warn!(%problem, "a draft is left out before it is downloaded");
                misfits.push(Misfit { sha256: draft.sha256, problem });
            }
        }
        Ok(misfits)
    })
}

impl ModelStore {
    /// Leaves `misfits` out of a ladder of the user's own, and keeps why; with them it can be had back. What came in of one of them earlier goes if no list has
    /// the model any more and no other ladder may need it: nobody could remove it later.
    ///
    /// # Errors
    /// As [`Recipes::change`].
    pub fn leave_out(&self, recipes: &Recipes, id: &str, misfits: &[Misfit]) -> Result<(), Problem> {
        if misfits.is_empty() {
            return Ok(());
        }
        let mut recipe = recipes.get(id)?;
        let goes = |hash: &Sha256| misfits.iter().any(|misfit| misfit.sha256 == *hash);
        let stay = recipe.in_rungs().filter(|model| !goes(&model.sha256)).cloned().collect();
        let before = recipe.left_out.clone();
        recipe.set_models(stay);
        recipe.left_out = before;
        recipe.left_out.extend(misfits.iter().map(|misfit| misfit.problem.clone()));
        recipes.change(&recipe)?;
        let (catalog, _) = Catalog::builtin().with_own(self, recipes);
        let needed = recipes.needed_beside(id);
        let is_free = |hash: &Sha256| {
            needed.as_ref().is_some_and(|needed| !needed.contains(hash))
                && catalog.models().iter().all(|model| model.sha256 != *hash)
        };
        misfits.iter().filter(|misfit| is_free(&misfit.sha256)).for_each(|misfit| discard(self, &misfit.sha256));
        Ok(())
    }
}
