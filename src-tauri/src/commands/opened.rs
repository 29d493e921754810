use std::sync::Arc;

use catalog::without_further_parts;
use protocol::chat::Added;
use protocol::{Code, Problem};
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
        let (mut last, mut problem) = (None, None);
        let paths = app.opened.take();
        for path in without_further_parts(&paths) {
            let one = added(&app, path, work.stopped(), &mut |share| {
                let _ = on_progress.send(share);
            });
            app.disk()?.read_own();
            // One that cannot be used keeps nobody from the others.
            match one {
                Ok(one) => last = Some(one),
                Err(cancelled) if cancelled.code == Code::Cancelled => return Err(cancelled),
                Err(refused) => problem = problem.or(Some(refused)),
            }
        }
        problem.map_or(Ok(last), Err)
    })
    .await
}
