use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use catalog::{
    LadderEntry, ModelEntry, Recipe, RecipeModel, Removed, Tokens, Version, falling, in_order, in_order_by_text,
    match_up_by_text, read_recipe,
};
use engine::Comparison;
use protocol::chat::{
    Added, DraftChoice, LadderFile, LadderRemoved, LadderVersion, MemoryShare, ModelCard, ShrinkStep, Shrunk,
    SmallerVersion,
};
use protocol::{Code, Mix, Problem};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt;

use super::blocking;
use super::exchange::path;
use crate::app::{App, Disk};

/// How names of recipes end: by it alone a file manager tells them from other TOML.
const RECIPE: &str = "taki.toml";

/// Every model, and whether it is here.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn models(app: State<'_, Arc<App>>) -> Result<Vec<ModelCard>, Problem> {
    let disk = app.disk()?;
    // The terminal may have changed them.
    disk.read_own();
    Ok(disk.lists(&disk.catalog(), &app.settings().clone()).models())
}

/// Whether each model of the list can draft for `target`, in the order of the list.
#[tauri::command]
#[specta::specta]
pub(crate) async fn draft_choices(app: State<'_, Arc<App>>, target: String) -> Result<Vec<DraftChoice>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let catalog = disk.catalog();
        let target = catalog.model(&target)?;
        let of_target = disk.models.header_of(target);
        let others = catalog.models().iter().filter(|model| model.id != target.id);
        Ok(others
            .map(|model| {
                let header = disk.models.header_of(model);
                let both = of_target.as_ref().zip(header);
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
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_millis() as f64);
    let one = |version: Version| LadderVersion {
        version: version.number,
        saved_ms: version.saved.map_or(0.0, since),
        name: version.recipe.name.clone(),
        rungs: version.recipe.in_rungs().map(|model| model.name.clone()).collect(),
    };
    Ok(versions.into_iter().rev().map(one).collect())
}

/// Brings back what a ladder of the user's own was before. The one in use is loaded anew.
#[tauri::command]
#[specta::specta]
pub(crate) async fn back_ladder(app: State<'_, Arc<App>>, ladder: String, version: u32) -> Result<(), Problem> {
    changed(app, ladder, move |disk, ladder| disk.recipes.back(ladder, Some(version)).map(|_| ())).await
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

/// Deletes the file of a model. One of a ladder that is in use, or of the user's own, stays.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_model(app: State<'_, Arc<App>>, model: String) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || remove_file(&app, &model)).await
}

fn remove_file(app: &App, model: &str) -> Result<(), Problem> {
    let _no_choice = app.choosing.lock().unwrap_or_else(PoisonError::into_inner);
    let _nothing_comes_in = app.shrinking.begin()?;
    let disk = app.disk()?;
    let _one_at_a_time = disk.changing();
    let catalog = disk.catalog();
    let model = catalog.model(model)?;
    let in_use = app.settings().ladder.clone();
    let uses = |ladder: &&LadderEntry| {
        (ladder.id == in_use || disk.recipes.has(&ladder.id)) && ladder.rungs.contains(&model.id)
    };
    if let Some(ladder) = catalog.ladders().iter().find(uses) {
        return Err(Problem::new(Code::ModelInUse).with("name", &model.name).with("ladder", &ladder.name));
    }
    let removed = disk.models.remove(&model.sha256);
    // Its file may be gone though what was noted of it is not.
    disk.read_own();
    removed
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

/// Brings a ladder back that was removed just now.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn restore_ladder(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    let disk = app.disk()?;
    let _one_at_a_time = disk.changing();
    disk.recipes.back(&ladder, None)?;
    disk.read_own();
    Ok(())
}

/// Asks for a file and writes a ladder's recipe to it. Gives its path; None if the person thought better of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_ladder(
    app: State<'_, Arc<App>>,
    handle: AppHandle,
    ladder: String,
) -> Result<Option<String>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let text = disk.recipes.recipe_of(&disk.catalog(), &ladder)?.to_toml()?;
        let dialog = handle.dialog().file().add_filter("Taki", &["toml"]).set_file_name(format!("{ladder}.{RECIPE}"));
        let Some(chosen) = dialog.blocking_save_file() else { return Ok(None) };
        let (path, is_named) = recipe_file(path(chosen)?);
        let shown = path.display().to_string();
        let unusable =
            |error: std::io::Error| Problem::new(Code::FileUnusable).with("path", &shown).with("reason", error);
        // The dialog asks before it takes a file that is there, but only by the name that was typed.
        let file = if is_named { File::create(&path) } else { File::create_new(&path) };
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(unusable)?;
        Ok(Some(shown))
    })
    .await
}

/// Where a recipe is written, with an ending by which it is found again, and whether a person has typed that.
fn recipe_file(path: PathBuf) -> (PathBuf, bool) {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml")) {
        return (path, true);
    }
    let mut name = path.into_os_string();
    name.push(".");
    name.push(RECIPE);
    (name.into(), false)
}

/// Asks for a folder and writes a ladder's recipe there with its model files, telling the share that is done. Gives the recipe's path; None if the
/// person thought better of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn hand_over(
    app: State<'_, Arc<App>>,
    handle: AppHandle,
    ladder: String,
    on_progress: Channel<f32>,
) -> Result<Option<String>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let recipe = disk.recipes.recipe_of(&disk.catalog(), &ladder)?;
        let Some(chosen) = handle.dialog().file().blocking_pick_folder() else { return Ok(None) };
        let file = path(chosen)?.join(format!("{ladder}.{RECIPE}"));
        let work = app.shrinking.begin()?;
        disk.models.hand_over(recipe, &file, true, work.stopped(), &mut |done, all| {
            let _ = on_progress.send(done as f32 / all.max(1) as f32);
        })?;
        Ok(Some(file.display().to_string()))
    })
    .await
}

/// Asks for a model file or a recipe and adds it: a model as a ladder of its own. None if the person thought better of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_file(
    app: State<'_, Arc<App>>,
    handle: AppHandle,
    on_progress: Channel<f32>,
) -> Result<Option<Added>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let dialog = handle.dialog().file().add_filter("GGUF, Taki", &["gguf", "toml"]);
        let Some(chosen) = dialog.blocking_pick_file() else { return Ok(None) };
        let path = path(chosen)?;
        let work = app.shrinking.begin()?;
        let added = added(&app, &path, work.stopped(), &mut |share| {
            let _ = on_progress.send(share);
        });
        // Whatever came in before something went wrong.
        app.disk()?.read_own();
        added.map(Some)
    })
    .await
}

/// Makes smaller versions of a model, one after the other, and compares them with it, telling how far that is. What is made stays, whatever comes after it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn shrink_model(
    app: State<'_, Arc<App>>,
    model: String,
    mixes: Vec<String>,
    on_progress: Channel<ShrinkStep>,
) -> Result<Shrunk, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let named = |name: &String| {
            let invalid = Problem::new(Code::SettingInvalid).with("name", "mix").with("value", name);
            Mix::named(name).ok_or_else(|| invalid.with("reason", "it is not known"))
        };
        let mixes = mixes.iter().map(named).collect::<Result<Vec<_>, _>>()?;
        let mut tell = |at: usize, share: f32| {
            let _ = on_progress.send(ShrinkStep { at: at as u32, share });
        };
        let work = app.shrinking.begin()?;
        // Known still if somebody deletes it meanwhile.
        let original = disk.catalog().model(&model)?.bytes;
        let (made, ended) = work.shrink_all(disk, &model, &mixes, &mut tell)?;
        let smaller: Vec<RecipeModel> = falling(original, &made).cloned().collect();
        let nothing = Comparison { pace: None, versions: Vec::new() };
        let (compared, not_compared) = match &ended {
            Some(problem) if problem.code == Code::Cancelled => (nothing, None),
            _ => work.compare(disk, &model, &smaller, &mut |share| tell(mixes.len(), share)),
        };
        let catalog = disk.catalog();
        let lists = disk.lists(&catalog, &app.settings().clone());
        let version = |made: &RecipeModel| {
            let listed = catalog.models().iter().find(|listed| listed.sha256 == made.sha256)?;
            let found = compared.versions.iter().find(|version| version.rung == made.id);
            Some(SmallerVersion {
                card: lists.model(listed),
                agreement: found.map(|found| found.share),
                pace: found.and_then(|found| found.pace),
                drafts: smaller.iter().any(|smaller| smaller.sha256 == made.sha256),
            })
        };
        let versions = made.iter().filter_map(version).collect();
        Ok(Shrunk { versions, pace: compared.pace, ended: ended.or(not_compared) })
    })
    .await
}

/// Stops what is being made smaller.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn stop_shrinking(app: State<'_, Arc<App>>) -> Result<(), Problem> {
    app.shrinking.stop();
    Ok(())
}

/// Takes in a file that was chosen.
pub(super) fn added(app: &App, path: &Path, stop: &AtomicBool, on: &mut dyn FnMut(f32)) -> Result<Added, Problem> {
    let disk = app.disk()?;
    disk.catalog().open_to_others()?;
    let mut share = |done: u64, all: u64| {
        on(done as f32 / all.max(1) as f32);
    };
    let recipe = if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml")) {
        read_recipe(path)?
    } else {
        let model = disk.models.take_in(path, None, stop, &mut share)?;
        Recipe::new(&model.name.clone(), vec![model])?
    };
    // What lies beside it first: a file that is another one than it should be leaves no ladder behind.
    disk.models.take_beside(&recipe, path, stop, &mut share)?;
    let _one_at_a_time = disk.changing();
    let kept = disk.recipes.add_once(&recipe)?;
    Ok(Added { ladder: kept.id, name: kept.name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_written_with_an_ending_by_which_it_is_found() {
        for (typed, written, is_named) in [
            ("/a/mine.taki.toml", "/a/mine.taki.toml", true),
            ("/a/mine.TOML", "/a/mine.TOML", true),
            ("/a/mine", "/a/mine.taki.toml", false),
            ("/a/version 1.5", "/a/version 1.5.taki.toml", false),
        ] {
            assert_eq!(recipe_file(typed.into()), (PathBuf::from(written), is_named));
        }
    }
}
