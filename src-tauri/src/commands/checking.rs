use std::sync::Arc;

use protocol::Problem;
use protocol::chat::LadderCheck;
use tauri::State;
use tauri::ipc::Channel;

use super::blocking;
use crate::app::App;

/// Tries out how fast the ladder in use is here, telling the share that is done; takes about a minute.
#[tauri::command]
#[specta::specta]
pub(crate) async fn check_ladder(app: State<'_, Arc<App>>, on_progress: Channel<f32>) -> Result<LadderCheck, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        app.check(&mut |share| {
            let _ = on_progress.send(share);
        })
    })
    .await
}

/// Ends such a trial.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn stop_check(app: State<'_, Arc<App>>) -> Result<(), Problem> {
    app.stop_check();
    Ok(())
}
