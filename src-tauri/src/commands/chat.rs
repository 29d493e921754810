use std::sync::Arc;

use protocol::chat::{ChatEvent, Conversation, Opening};
use protocol::worker::Speaker;
use protocol::{Code, Problem};
use tauri::State;
use tauri::ipc::Channel;

use super::blocking;
use crate::answering;
use crate::app::{App, now_ms};

/// Everything the window needs to draw itself.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn open(app: State<'_, Arc<App>>) -> Result<Opening, Problem> {
    // A folder that could not be written may be mended by now.
    if app.open_disk()? {
        app.load_chosen();
    }
    app.opening()
}

/// Keeps a message, then answers it. Returns when the answer has ended.
#[tauri::command]
#[specta::specta]
pub(crate) async fn send(
    app: State<'_, Arc<App>>,
    conversation: u32,
    text: String,
    on_event: Channel<ChatEvent>,
) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        if text.trim().is_empty() {
            return Err(Problem::new(Code::MessageEmpty));
        }
        // Nothing is kept of a message that cannot be answered now: it stays in the composer.
        let (call, _answering) = app.begin_answering()?;
        let asked = app.disk()?.store.add_user_message(conversation, &text, now_ms())?;
        answering::answer(&app, call, conversation, asked, &on_event)
    })
    .await
}

/// Answers the last message once more. Its answer, if it has one, stays until there is another.
#[tauri::command]
#[specta::specta]
pub(crate) async fn answer_again(
    app: State<'_, Arc<App>>,
    conversation: u32,
    on_event: Channel<ChatEvent>,
) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let (call, _answering) = app.begin_answering()?;
        let messages = app.disk()?.store.messages(conversation)?;
        let asked = messages.iter().rfind(|message| message.speaker == Speaker::User);
        let asked = asked.ok_or_else(|| Problem::new(Code::MessageEmpty))?.id;
        answering::answer(&app, call, conversation, asked, &on_event)
    })
    .await
}

/// Stops the answer in progress.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn stop(app: State<'_, Arc<App>>) -> Result<(), Problem> {
    if app.is_answering() {
        app.engine.cancel();
    }
    Ok(())
}

/// An empty conversation.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn new_conversation(app: State<'_, Arc<App>>) -> Result<Conversation, Problem> {
    app.disk()?.store.new_conversation()
}

/// Keeps what is in the composer.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn save_unsent(app: State<'_, Arc<App>>, conversation: u32, text: String) -> Result<(), Problem> {
    app.disk()?.store.save_unsent(conversation, &text)
}
