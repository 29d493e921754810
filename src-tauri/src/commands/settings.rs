use std::sync::Arc;

use protocol::chat::Settings;
use protocol::{Code, Problem};
use tauri::State;

use crate::app::App;

/// Keeps the user's choices; loads the ladder anew if it has to run differently. Returns what is kept.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn change_settings(app: State<'_, Arc<App>>, settings: Settings) -> Result<Settings, Problem> {
    app.disk()?.catalog.ladder(&settings.ladder)?;
    let reload = {
        let now = app.settings();
        now.ladder != settings.ladder || now.exact != settings.exact
    };
    if reload && app.is_answering() {
        return Err(Problem::new(Code::Busy));
    }
    app.change_settings(&settings)?;
    if reload {
        app.load_chosen();
    }
    Ok(settings)
}
