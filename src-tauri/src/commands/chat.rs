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
        let _answering = app.begin_answering()?;
        let asked = app.disk()?.store.add_user_message(conversation, &text, now_ms())?;
        answering::answer(&app, conversation, asked, &on_event)
    })
    .await
}

/// Answers the last message once more, in place of its answer if it has one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn answer_again(
    app: State<'_, Arc<App>>,
    conversation: u32,
    on_event: Channel<ChatEvent>,
) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let _answering = app.begin_answering()?;
        let store = &app.disk()?.store;
        let messages = store.messages(conversation)?;
        let asked = messages.iter().rfind(|message| message.speaker == Speaker::User);
        let asked = asked.ok_or_else(|| Problem::new(Code::MessageEmpty))?.id;
        for answer in messages.iter().filter(|message| message.id > asked) {
            store.remove_answer(answer.id)?;
        }
        answering::answer(&app, conversation, asked, &on_event)
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
