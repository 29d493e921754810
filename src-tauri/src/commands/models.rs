use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};

use catalog::{Recipe, RecipeModel, falling, read_recipe};
use engine::Comparison;
use protocol::chat::{Added, ModelCard, ShrinkStep, Shrunk, SmallerVersion};
use protocol::{Code, Mix, Problem};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt;

use super::blocking;
use super::exchange::path;
use crate::app::App;

/// Every model, and whether it is here.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn models(app: State<'_, Arc<App>>) -> Result<Vec<ModelCard>, Problem> {
    let disk = app.disk()?;
    // The terminal may have changed them.
    disk.read_own();
    let settings = app.settings().clone();
    Ok(disk.lists(&disk.catalog(), &settings, &app.source_now()).models())
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
    disk.places.rules.let_go(&model.name)?;
    catalog.let_go(&disk.recipes, model, Some(&in_use))?;
    let removed = disk.models.remove(&model.sha256);
    // Its file may be gone though what was noted of it is not.
    disk.read_own();
    removed
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
        let settings = app.settings().clone();
        let source = app.source_now();
        let lists = disk.lists(&catalog, &settings, &source);
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
    // What waits for its turn behind something else is stopped before that.
    if !app.opened.stop() {
        app.shrinking.stop();
    }
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
