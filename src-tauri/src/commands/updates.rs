use std::sync::Arc;

use protocol::Problem;
use protocol::chat::{UpdateState, UpdatesAbout};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};

use super::blocking;
use crate::app::App;
use crate::tray;

/// Tells what is known of a newer version, now and at every change.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn watch_updates(app: State<'_, Arc<App>>, on_change: Channel<UpdateState>) -> Result<(), Problem> {
    app.updates.state.watch(on_change);
    Ok(())
}

/// The version that runs, and where newer ones are looked for.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn updates_about(app: State<'_, Arc<App>>, handle: AppHandle) -> Result<UpdatesAbout, Problem> {
    app.updates_about(&handle)
}

/// Looks for a newer version.
#[tauri::command]
#[specta::specta]
pub(crate) async fn look_for_update(app: State<'_, Arc<App>>, handle: AppHandle) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || app.look_for_update(&handle)).await
}

/// Fetches the newer version that was found and puts it in place.
#[tauri::command]
#[specta::specta]
pub(crate) async fn install_update(app: State<'_, Arc<App>>) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || app.install_update()).await
}

/// Ends the looking, or what comes in.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn stop_update(app: State<'_, Arc<App>>) -> Result<(), Problem> {
    app.updates.stop();
    Ok(())
}

/// Ends the program as [`quit`](super::tray::quit) does, and starts it anew.
#[tauri::command]
#[specta::specta]
pub(crate) fn restart(app: State<'_, Arc<App>>, handle: AppHandle) -> Result<(), Problem> {
    app.updates.restart();
    tray::quit(&handle);
    Ok(())
}
