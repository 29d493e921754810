use std::sync::Arc;

use protocol::Problem;
use protocol::chat::Settings;
use tauri::State;

use super::blocking;
use crate::app::App;

/// Keeps the user's choices; loads the ladder anew if it has to run differently. Returns what is kept.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_settings(app: State<'_, Arc<App>>, settings: Settings) -> Result<Settings, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        // One that is no longer there must not keep anybody from changing the theme.
        if app.settings().ladder != settings.ladder {
            app.disk()?.catalog().ladder(&settings.ladder)?;
        }
        let earlier = app.change(&settings)?;
        if earlier {
            app.tell_earlier_now();
        }
        Ok(settings)
    })
    .await
}
