use std::sync::Arc;

use protocol::Problem;
use protocol::chat::Added;
use tauri::State;
use tauri::ipc::Channel;

use super::blocking;
use super::ladders::added;
use crate::app::App;

/// Tells how many files the system wants opened, now and at every change.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn watch_opened(app: State<'_, Arc<App>>, on_change: Channel<u32>) -> Result<(), Problem> {
    app.opened.waiting.watch(on_change);
    Ok(())
}

/// Adds the models and recipes that the system wants opened, one after the other. Gives the last; None if there are none.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_opened(app: State<'_, Arc<App>>, on_progress: Channel<f32>) -> Result<Option<Added>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let work = app.shrinking.begin()?;
        let mut last = None;
        for path in app.opened.take() {
            let one = added(&app, &path, work.stopped(), &mut |share| {
                let _ = on_progress.send(share);
            });
            app.disk()?.read_own();
            last = Some(one?);
        }
        Ok(last)
    })
    .await
}
