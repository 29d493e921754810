use std::path::PathBuf;
use std::sync::Arc;

use catalog::first_part;
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
        // Whoever opens all parts of a model means one model.
        let comes_along =
            |path: &&PathBuf| first_part(path).is_some_and(|first| first != **path && paths.contains(&first));
        for path in paths.iter().filter(|path| !comes_along(path)) {
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
