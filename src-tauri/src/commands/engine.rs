use std::sync::Arc;

use protocol::Problem;
use protocol::chat::{EngineState, LadderCard};
use tauri::State;
use tauri::ipc::Channel;

use super::blocking;
use crate::app::App;

/// Tells what the engine is doing, now and at every change.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn watch_engine(app: State<'_, Arc<App>>, on_state: Channel<EngineState>) -> Result<(), Problem> {
    app.disk()?;
    app.state.watch(on_state);
    Ok(())
}

/// The ladders of the catalogue, and what is here of them now.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn ladders(app: State<'_, Arc<App>>) -> Result<Vec<LadderCard>, Problem> {
    app.ladders()
}

/// Names of the graphics cards and other devices that may be used as the settings are; None while nobody can look. Their memory counts in what fits
/// from then on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn devices(app: State<'_, Arc<App>>) -> Result<Option<Vec<String>>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || app.devices()).await
}

/// Chooses a ladder and loads it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn load_ladder(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        app.disk()?.catalog().ladder(&ladder)?;
        app.choose(|| {
            let mut settings = app.settings().clone();
            if settings.ladder == ladder {
                return Ok(());
            }
            settings.ladder = ladder;
            app.change_settings(&settings)
        })
    })
    .await
}
