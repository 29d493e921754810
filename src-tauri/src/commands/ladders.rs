use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use catalog::{
    ModelEntry, Recipe, RecipeModel, Removed, Tokens, Version, in_order, in_order_by_text, match_up_by_text,
};
use protocol::chat::{DraftChoice, LadderFile, LadderRemoved, LadderVersion, MemoryShare, RemovedLadder};
use protocol::{Code, Problem};
use tauri::State;

use super::blocking;
use crate::app::{App, Disk};

/// Whether each model of the list can draft for `target`, in the order of the list.
#[tauri::command]
#[specta::specta]
pub(crate) async fn draft_choices(app: State<'_, Arc<App>>, target: String) -> Result<Vec<DraftChoice>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let catalog = disk.catalog();
        let target = catalog.model(&target)?;
        let of_target = disk.models.summary_of(target);
        let others = catalog.models().iter().filter(|model| model.id != target.id);
        Ok(others
            .map(|model| {
                let summary = disk.models.summary_of(model);
                let both = of_target.as_ref().zip(summary);
                let reads = both.as_ref().map(|(of, draft)| draft.reads_beside(of));
                let verdict = both.map(|(of, draft)| match_up_by_text(of, &draft, &model.name));
                // Its size is known before it is here.
                let too_large = || Problem::new(Code::DraftTooLarge).with("rung", &model.name);
                let verdict = verdict.or_else(|| (model.bytes >= target.bytes).then(|| Err(too_large())));
                let known = verdict.is_some();
                let by_text = matches!(verdict, Some(Ok(Tokens::ByText)));
                let nearly = matches!(verdict, Some(Ok(Tokens::Nearly(_))));
                let problem = match verdict {
                    Some(Ok(Tokens::ByText)) => Some(Problem::new(Code::TokenizersDiffer).with("rung", &model.name)),
                    verdict => verdict.and_then(Result::err),
                };
                DraftChoice { model: model.id.clone(), problem, by_text, nearly, reads, known }
            })
            .collect())
    })
    .await
}

/// Where the memory of a ladder of these models goes, as the settings have it run.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ladder_memory(app: State<'_, Arc<App>>, models: Vec<String>) -> Result<MemoryShare, Problem> {
    let app = Arc::clone(&app);
    blocking(move || app.memory_of(&models)).await
}

/// Makes a ladder of these models, the target first; with `by_text` drafts whose tokens are others draft by text. Gives its id.
#[tauri::command]
#[specta::specta]
pub(crate) async fn make_ladder(
    app: State<'_, Arc<App>>,
    name: String,
    models: Vec<String>,
    by_text: bool,
) -> Result<String, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let _one_at_a_time = disk.changing();
        let mut recipe = Recipe::new(&name, rungs(disk, &models, by_text)?)?;
        recipe.by_text = by_text;
        let kept = disk.recipes.add(&recipe)?;
        disk.read_own();
        Ok(kept.id)
    })
    .await
}

/// Gives a ladder of the user's own another name and other models, the target first; what it was before is kept. The one in use is loaded anew.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_ladder(
    app: State<'_, Arc<App>>,
    ladder: String,
    name: String,
    models: Vec<String>,
    by_text: bool,
) -> Result<(), Problem> {
    changed(app, ladder, move |disk, ladder| {
        let mut recipe = disk.recipes.get(ladder)?;
        recipe.set_models(rungs(disk, &models, by_text)?);
        (recipe.name, recipe.by_text) = (name, by_text);
        disk.recipes.change(&recipe)
    })
    .await
}

/// The models with these ids as a recipe holds them, if they go together.
fn rungs(disk: &Disk, ids: &[String], by_text: bool) -> Result<Vec<RecipeModel>, Problem> {
    let catalog = disk.catalog();
    catalog.open_to_others()?;
    let models = ids.iter().map(|id| catalog.model(id).map(RecipeModel::of)).collect::<Result<_, _>>()?;
    if by_text { in_order_by_text(&disk.models, models) } else { in_order(&disk.models, models) }
}

/// What a ladder of the user's own was before, the latest first.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn ladder_versions(app: State<'_, Arc<App>>, ladder: String) -> Result<Vec<LadderVersion>, Problem> {
    let versions = app.disk()?.recipes.versions(&ladder);
    let one = |version: Version| LadderVersion {
        version: version.number,
        saved_ms: saved_ms(&version),
        rungs: rung_names(&version.recipe),
        name: version.recipe.name,
    };
    Ok(versions.into_iter().rev().map(one).collect())
}

/// The ladders of the user's own that were removed and can be had back, the latest first.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn removed_ladders(app: State<'_, Arc<App>>) -> Result<Vec<RemovedLadder>, Problem> {
    let disk = app.disk()?;
    let one = |version: Version| RemovedLadder {
        removed_ms: saved_ms(&version),
        rungs: rung_names(&version.recipe),
        ladder: version.recipe.id,
        name: version.recipe.name,
    };
    Ok(disk.catalog().removed(&disk.recipes).into_iter().map(one).collect())
}

/// When something else took a version's place, in milliseconds since 1970; 0 if the system does not tell.
fn saved_ms(version: &Version) -> f64 {
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_millis() as f64);
    version.saved.map_or(0.0, since)
}

fn rung_names(recipe: &Recipe) -> Vec<String> {
    recipe.in_rungs().map(|model| model.name.clone()).collect()
}

/// Brings back what a ladder of the user's own was before. The one in use is loaded anew.
#[tauri::command]
#[specta::specta]
pub(crate) async fn back_ladder(app: State<'_, Arc<App>>, ladder: String, version: u32) -> Result<(), Problem> {
    changed(app, ladder, move |disk, ladder| back(disk, ladder, Some(version))).await
}

/// Brings back what a ladder was, where the administrator lets others be used than those of a list.
fn back(disk: &Disk, ladder: &str, version: Option<u32>) -> Result<(), Problem> {
    disk.catalog().open_to_others()?;
    disk.recipes.back(ladder, version).map(|_| ())
}

/// Changes a ladder; where it is the one in use, nothing is changed in the middle of an answer and it is loaded anew.
async fn changed(
    app: State<'_, Arc<App>>,
    ladder: String,
    change: impl FnOnce(&Disk, &str) -> Result<(), Problem> + Send + 'static,
) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let write = || {
            let _one_at_a_time = disk.changing();
            change(disk, &ladder)?;
            disk.read_own();
            Ok(())
        };
        let in_use = app.settings().ladder == ladder;
        if in_use { app.choose(write) } else { write() }
    })
    .await
}

/// The files that no other ladder has: what can be deleted with a ladder of the user's own.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn ladder_files(app: State<'_, Arc<App>>, ladder: String) -> Result<Vec<LadderFile>, Problem> {
    let disk = app.disk()?;
    let files = only_of(disk, &ladder);
    let one = |model: ModelEntry| LadderFile {
        hash: model.sha256.as_str().to_owned(),
        name: model.name,
        bytes: model.bytes as f64,
    };
    Ok(files.into_iter().map(one).collect())
}

/// What may be deleted with a ladder: nothing in a folder that the administrator shares out, where others have ladders of their own.
fn only_of(disk: &Disk, ladder: &str) -> Vec<ModelEntry> {
    match disk.places.rules.models() {
        Some(_) => Vec::new(),
        None => disk.models.files_only_of(&disk.recipes, ladder),
    }
}

/// Removes a ladder of the user's own, and with it the files with these hashes as far as no other ladder has them.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_ladder(
    app: State<'_, Arc<App>>,
    ladder: String,
    files: Vec<String>,
) -> Result<LadderRemoved, Problem> {
    let app = Arc::clone(&app);
    blocking(move || remove_with_files(&app, &ladder, &files)).await
}

fn remove_with_files(app: &App, ladder: &str, files: &[String]) -> Result<LadderRemoved, Problem> {
    // Nobody chooses it meanwhile, brings in a ladder that has its files, or makes one of them.
    let _no_choice = app.choosing.lock().unwrap_or_else(PoisonError::into_inner);
    let _nothing_comes_in = if files.is_empty() { None } else { Some(app.shrinking.begin()?) };
    if app.settings().ladder == ladder {
        return Err(Problem::new(Code::LadderInUse).with("ladder", ladder));
    }
    app.drop_download(ladder)?;
    let disk = app.disk()?;
    let _one_at_a_time = disk.changing();
    let only_its_own = only_of(disk, ladder);
    let going = only_its_own.iter().filter(|model| files.iter().any(|hash| hash == model.sha256.as_str()));
    let Removed { deleted, problems } = disk.models.remove_with_files(&disk.recipes, ladder, going)?;
    disk.read_own();
    Ok(LadderRemoved { deleted: deleted.into_iter().map(String::from).collect(), problems })
}

/// Makes a ladder of one's own like this one, under another name. Gives its id.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn copy_ladder(app: State<'_, Arc<App>>, ladder: String, name: String) -> Result<String, Problem> {
    let disk = app.disk()?;
    let _one_at_a_time = disk.changing();
    disk.catalog().open_to_others()?;
    let recipe = disk.recipes.recipe_of(&disk.catalog(), &ladder)?.named(&name);
    let kept = disk.recipes.add(&recipe)?;
    disk.read_own();
    Ok(kept.id)
}

/// Brings a ladder back that was removed.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn restore_ladder(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    let disk = app.disk()?;
    let _one_at_a_time = disk.changing();
    back(disk, &ladder, None)?;
    disk.read_own();
    Ok(())
}

#[cfg(test)]
mod tests {
    use catalog::{Catalog, Recipes};
    use store::{Places, Rules};

    use super::*;

    #[test]
    fn where_the_administrator_names_the_ladders_none_of_ones_own_is_brought_back() {
        let home = tempfile::tempdir().unwrap();
        let places = Places::below(home.path());
        // From before there were rules.
        let recipes = Recipes::of(places.ladders());
        let mut mine = recipes.add(&Catalog::builtin().recipe_of("smollm2").unwrap().named("Mine")).unwrap();
        mine.name = "Ours".to_owned();
        recipes.change(&mine).unwrap();
        recipes.remove("mine").unwrap();
        let policy = home.path().join("policy.toml");
        std::fs::write(&policy, "ladders = [\"smollm2\"]\n").unwrap();
        let rules = Rules::first_of([Some(policy)]).unwrap();
        {
            let (disk, _) = Disk::at(Places { rules, ..places.clone() }).unwrap();
            for version in [None, Some(1)] {
                assert_eq!(back(&disk, "mine", version).unwrap_err().code, Code::NotAllowed);
            }
            assert!(!disk.recipes.has("mine"));
        }
        let (disk, _) = Disk::at(places).unwrap();
        back(&disk, "mine", None).unwrap();
        assert_eq!(disk.recipes.get("mine").unwrap().name, "Ours");
    }
}
