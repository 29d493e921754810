use std::sync::Arc;

use catalog::{FetchOptions, UpdateSource};
use protocol::Problem;
use protocol::chat::Settings;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt;

use super::blocking;
use super::exchange::path;
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
            FetchOptions::with(&settings, "", &app.locked())?;
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

/// Asks for a folder that models are to come from. Gives its path; None if the person thought better of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_source(handle: AppHandle) -> Result<Option<String>, Problem> {
    blocking(move || {
        let chosen = handle.dialog().file().blocking_pick_folder();
        chosen.map(|chosen| Ok(path(chosen)?.display().to_string())).transpose()
    })
    .await
}

/// Whether the folder that models come from is not there now.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn source_missing(app: State<'_, Arc<App>>) -> Result<bool, Problem> {
    Ok(app.source_missing())
}
