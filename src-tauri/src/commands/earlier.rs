use std::sync::Arc;

use protocol::Problem;
use protocol::chat::EarlierChats;
use tauri::State;

use crate::app::App;

/// How much of earlier chats the speed-up may copy from.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn earlier_chats(app: State<'_, Arc<App>>) -> Result<EarlierChats, Problem> {
    app.earlier_chats()
}

/// Has the speed-up forget what was said up to now; the conversations stay. Gives what is left.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn erase_earlier_chats(app: State<'_, Arc<App>>) -> Result<EarlierChats, Problem> {
    app.erase_earlier_chats()
}
