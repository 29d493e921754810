use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use catalog::{ModelEntry, Recipe, RecipeModel, check_header, in_order, match_up, read_recipe};
use protocol::chat::{Added, DraftChoice, MemoryShare, ModelCard};
use protocol::{Code, Mix, Problem};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt;

use super::blocking;
use super::exchange::path;
use crate::app::{App, Disk};

/// Every model, and whether it is here.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn models(app: State<'_, Arc<App>>) -> Result<Vec<ModelCard>, Problem> {
    let disk = app.disk()?;
    // The terminal may have changed them.
    disk.read_own();
    Ok(disk.catalog().models().iter().map(|model| card(disk, model)).collect())
}

/// Whether each model of the list can draft for `target`, in the order of the list.
#[tauri::command]
#[specta::specta]
pub(crate) async fn draft_choices(app: State<'_, Arc<App>>, target: String) -> Result<Vec<DraftChoice>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let catalog = disk.catalog();
        let header = |model: &ModelEntry| disk.models.path_of(model).and_then(|path| check_header(&path).ok());
        let target = catalog.model(&target)?;
        let of_target = header(target);
        let others = catalog.models().iter().filter(|model| model.id != target.id);
        Ok(others
            .map(|model| {
                let verdict =
                    of_target.as_ref().zip(header(model)).map(|(of, draft)| match_up(of, &draft, &model.name));
                // Its size is known before it is here.
                let too_large = || Problem::new(Code::DraftTooLarge).with("rung", &model.name);
                let verdict = verdict.or_else(|| (model.bytes >= target.bytes).then(|| Err(too_large())));
                let known = verdict.is_some();
                DraftChoice { model: model.id.clone(), problem: verdict.and_then(Result::err), known }
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
    blocking(move || {
        let disk = app.disk()?;
        let catalog = disk.catalog();
        let models = models.iter().map(|id| catalog.model(id)).collect::<Result<Vec<_>, _>>()?;
        let fit = disk.fit(&models, &app.settings().clone());
        Ok(MemoryShare { weights: fit.weights as f64, cache: fit.cache as f64, rest: fit.rest as f64 })
    })
    .await
}

/// Makes a ladder of these models, the target first; gives its id.
#[tauri::command]
#[specta::specta]
pub(crate) async fn make_ladder(
    app: State<'_, Arc<App>>,
    name: String,
    models: Vec<String>,
) -> Result<String, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let catalog = disk.catalog();
        let models = models.iter().map(|id| catalog.model(id).map(RecipeModel::of)).collect::<Result<_, _>>()?;
        let models = in_order(&disk.models, models)?;
        let kept = disk.recipes.add(&Recipe::new(&name, models)?)?;
        disk.read_own();
        Ok(kept.id)
    })
    .await
}

/// Removes a ladder of the user's own; its models stay.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn remove_ladder(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    if app.settings().ladder == ladder {
        return Err(Problem::new(Code::LadderInUse).with("ladder", ladder));
    }
    let disk = app.disk()?;
    disk.recipes.remove(&ladder)?;
    disk.read_own();
    Ok(())
}

/// Brings a ladder back that was removed just now.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn restore_ladder(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    let disk = app.disk()?;
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
        let dialog = handle.dialog().file().add_filter("Taki", &["toml"]).set_file_name(format!("{ladder}.toml"));
        let Some(chosen) = dialog.blocking_save_file() else { return Ok(None) };
        let path = path(chosen)?;
        let shown = path.display().to_string();
        let unusable = |error| Problem::new(Code::FileUnusable).with("path", &shown).with("reason", error);
        std::fs::write(&path, text).map_err(unusable)?;
        Ok(Some(shown))
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
        let added = added(&app, &path, work.stopped(), &on_progress);
        // Whatever came in before something went wrong.
        app.disk()?.read_own();
        added.map(Some)
    })
    .await
}

/// Makes a smaller version of a model, telling the share that is done.
#[tauri::command]
#[specta::specta]
pub(crate) async fn shrink_model(
    app: State<'_, Arc<App>>,
    model: String,
    mix: String,
    on_progress: Channel<f32>,
) -> Result<ModelCard, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let mix = Mix::named(&mix).ok_or_else(|| {
            Problem::new(Code::SettingInvalid).with("name", "mix").with("value", &mix).with("reason", "it is not known")
        })?;
        let made = app.shrinking.begin()?.shrink(disk, &model, mix, &mut |share| {
            let _ = on_progress.send(share);
        })?;
        let catalog = disk.catalog();
        let listed = catalog.models().iter().find(|listed| listed.sha256 == made.sha256);
        listed.map(|listed| card(disk, listed)).ok_or_else(|| Problem::new(Code::Gone))
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

fn card(disk: &Disk, model: &ModelEntry) -> ModelCard {
    let path = disk.models.path_of(model);
    let header = path.as_ref().and_then(|path| check_header(path).ok());
    // A tenth less is worth the trouble.
    let smaller = |mix: &Mix| header.as_ref().is_some_and(|header| header.bytes_as(*mix) < model.bytes / 10 * 9);
    let mixes = Mix::ALL.into_iter().filter(smaller);
    ModelCard {
        id: model.id.clone(),
        name: model.name.clone(),
        bytes: model.bytes as f64,
        installed: path.is_some(),
        mixes: mixes.map(|mix| mix.name().to_owned()).collect(),
    }
}

/// Takes in a file that was chosen.
fn added(app: &App, path: &Path, stop: &AtomicBool, on_progress: &Channel<f32>) -> Result<Added, Problem> {
    let disk = app.disk()?;
    let mut share = |done: u64, all: u64| {
        let _ = on_progress.send(done as f32 / all.max(1) as f32);
    };
    let recipe = if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml")) {
        read_recipe(path)?
    } else {
        let model = disk.models.take_in(path, None, stop, &mut share)?;
        Recipe::new(&model.name.clone(), vec![model])?
    };
    // What lies beside it first: a file that is another one than it should be leaves no ladder behind.
    disk.models.take_beside(&recipe, path, stop, &mut share)?;
    let kept = disk.recipes.add(&recipe)?;
    Ok(Added { ladder: kept.id, name: kept.name })
}
