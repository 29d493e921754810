use std::sync::Arc;

use catalog::{FetchOptions, UpdateSource};
use protocol::Problem;
use protocol::chat::Settings;
use tauri::State;

use super::blocking;
use crate::app::App;

/// Keeps the user's choices, with the ladder in use if they name none: it may just have changed; loads the ladder anew if it has to run differently. Returns what is kept.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_settings(app: State<'_, Arc<App>>, settings: Settings) -> Result<Settings, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        // One that is no longer there must not keep anybody from changing the theme.
        if !settings.ladder.is_empty() && app.settings().ladder != settings.ladder {
            app.disk()?.catalog().ladder(&settings.ladder)?;
        }
        let before = app.settings().clone();
        if (&before.mirror, &before.proxy) != (&settings.mirror, &settings.proxy) {
            // Said where it is typed, not at the next download.
            FetchOptions::with(&settings.mirror, &settings.proxy, "")?;
        }
        let moved = before.updates != settings.updates;
        if moved {
            UpdateSource::parse(&settings.updates)?;
        }
        let earlier = app.change(settings)?;
        if moved {
            app.updates.forget();
        }
        if earlier {
            app.tell_earlier_now();
        }
        Ok(app.settings().clone())
    })
    .await
}
