use std::sync::Arc;

use protocol::Problem;
use protocol::chat::Added;
use tauri::State;

use super::blocking;
use crate::app::App;

/// Makes the model that `address` leads to, a file in a repository or its page, a ladder of its own, if there is none of it yet. Nothing large is
/// downloaded; what was asked can be stopped like all that is done to models.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_address(app: State<'_, Arc<App>>, address: String) -> Result<Added, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        disk.catalog().open_to_others()?;
        let work = app.shrinking.begin()?;
        let recipe =
            catalog::settle_at(&disk.catalog(), &disk.models, &address, &app.fetch_options()?, work.stopped())?;
        let _one_at_a_time = disk.changing();
        let kept = disk.recipes.add_once(&recipe)?;
        disk.read_own();
        Ok(Added { ladder: kept.id, name: kept.name })
    })
    .await
}
