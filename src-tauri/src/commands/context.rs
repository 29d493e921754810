use std::sync::Arc;

use protocol::Problem;
use protocol::chat::PromptSize;
use tauri::State;

use super::blocking;
use crate::app::App;
use crate::context::Next;

/// How much of the context the question `text` behind `parent` would take, with the files in the composer. None while
/// nothing is loaded or an answer is being written.
#[tauri::command]
#[specta::specta]
pub(crate) async fn prompt_size(
    app: State<'_, Arc<App>>,
    conversation: u32,
    parent: Option<u32>,
    text: String,
) -> Result<Option<PromptSize>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let next = Next::read(&app, conversation, parent, text)?;
        Ok(app.size_of(next.prompt(next.from)))
    })
    .await
}

/// Leaves out so many of the oldest messages that the question `text` behind `parent` fits well, with the files in the
/// composer. They stay where they are, only the model reads them no more. Gives the first message that it reads, by id.
#[tauri::command]
#[specta::specta]
pub(crate) async fn leave_out(
    app: State<'_, Arc<App>>,
    conversation: u32,
    parent: Option<u32>,
    text: String,
) -> Result<u32, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let next = Next::read(&app, conversation, parent, text)?;
        let first = next.fitting(|from| app.size_of(next.prompt(from)))?;
        app.disk()?.store.read_from(conversation, first)?;
        Ok(first)
    })
    .await
}

/// The model reads all of a conversation again.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn read_all(app: State<'_, Arc<App>>, conversation: u32) -> Result<(), Problem> {
    app.disk()?.store.read_from(conversation, 0)
}
