use std::sync::Arc;

use protocol::Problem;
use protocol::chat::Settings;
use tauri::State;

use crate::app::App;

/// Keeps the user's choices; loads the ladder anew if it has to run differently. Returns what is kept.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn change_settings(app: State<'_, Arc<App>>, settings: Settings) -> Result<Settings, Problem> {
    app.disk()?.catalog.ladder(&settings.ladder)?;
    let (reload, earlier) = {
        let now = app.settings();
        (now.ladder != settings.ladder || now.exact != settings.exact, now.earlier_chats != settings.earlier_chats)
    };
    let choice = reload.then(|| app.turns.choose()).transpose()?;
    app.change_settings(&settings)?;
    if earlier {
        app.tell_earlier_now();
    }
    if let Some(choice) = choice {
        app.load_chosen(choice);
    }
    Ok(settings)
}
