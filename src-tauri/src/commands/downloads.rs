use std::sync::Arc;

use protocol::Problem;
use protocol::chat::Download;
use tauri::State;
use tauri::ipc::Channel;

use super::blocking;
use crate::app::App;

/// Tells what is in the queue of downloads, now and at every change.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn watch_downloads(app: State<'_, Arc<App>>, on_change: Channel<Vec<Download>>) -> Result<(), Problem> {
    app.downloads.state.watch(on_change);
    Ok(())
}

/// Puts a ladder at the end of the queue; one that is in it already goes on. With `then_use` it answers once it is here, unless another one was
/// chosen meanwhile.
#[tauri::command]
#[specta::specta]
pub(crate) async fn download_ladder(
    app: State<'_, Arc<App>>,
    ladder: String,
    then_use: bool,
    first: bool,
) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || app.download(&ladder, then_use, first)).await
}

/// Lets a download wait.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn pause_download(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    app.pause_download(&ladder)
}

/// Lets a download go on that waits or has failed.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn resume_download(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    app.resume_download(&ladder)
}

/// Takes a download out of the queue; what was fetched of it is deleted.
#[tauri::command]
#[specta::specta]
pub(crate) async fn drop_download(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || app.drop_download(&ladder)).await
}
