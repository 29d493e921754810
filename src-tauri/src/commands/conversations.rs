use std::sync::Arc;

use protocol::Problem;
use protocol::chat::{Conversation, ConversationCard, Found, Place};
use tauri::State;

use super::blocking;
use crate::app::{App, now_ms};

/// Every conversation: pinned ones first, then the latest first.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn list_conversations(app: State<'_, Arc<App>>) -> Result<Vec<ConversationCard>, Problem> {
    app.disk()?.store.conversations()
}

/// A conversation with its chosen branch. The next start opens it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_conversation(app: State<'_, Arc<App>>, conversation: u32) -> Result<Conversation, Problem> {
    let app = Arc::clone(&app);
    blocking(move || Ok(app.counted(app.disk()?.store.open_conversation(conversation)?))).await
}

/// An empty conversation. The next start opens it.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn new_conversation(app: State<'_, Arc<App>>) -> Result<Conversation, Problem> {
    app.disk()?.store.new_conversation(now_ms())
}

/// Gives a conversation a title; an empty one gives it back the one of its first question.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn rename_conversation(app: State<'_, Arc<App>>, conversation: u32, title: String) -> Result<(), Problem> {
    app.disk()?.store.rename_conversation(conversation, &title)
}

/// Keeps a conversation at the top of the list, or no longer.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn pin_conversation(app: State<'_, Arc<App>>, conversation: u32, pinned: bool) -> Result<(), Problem> {
    app.disk()?.store.pin_conversation(conversation, pinned)
}

/// Deletes a conversation. Until the next start it can be restored.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn delete_conversation(app: State<'_, Arc<App>>, conversation: u32) -> Result<(), Problem> {
    app.disk()?.store.delete_conversation(conversation)?;
    app.chats_changed();
    Ok(())
}

/// Takes back the deletion of a conversation.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn restore_conversation(app: State<'_, Arc<App>>, conversation: u32) -> Result<Conversation, Problem> {
    let now = app.disk()?.store.restore_conversation(conversation)?;
    app.chats_changed();
    Ok(now)
}

/// Deletes a message and what hangs below it. Until the next start it can be restored.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn delete_message(app: State<'_, Arc<App>>, message: u32) -> Result<Conversation, Problem> {
    let now = app.disk()?.store.delete_message(message)?;
    app.chats_changed();
    Ok(now)
}

/// Takes back the deletion of a message.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn restore_message(app: State<'_, Arc<App>>, message: u32) -> Result<Conversation, Problem> {
    let now = app.disk()?.store.restore_message(message)?;
    app.chats_changed();
    Ok(now)
}

/// Shows the branch through a message, and below it what was chosen last.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn choose_version(app: State<'_, Arc<App>>, message: u32) -> Result<Conversation, Problem> {
    app.disk()?.store.choose_version(message)
}

/// Finds all words of `text` in messages and titles: titles first, then the latest message first, at most `limit`.
#[tauri::command]
#[specta::specta]
pub(crate) async fn search(app: State<'_, Arc<App>>, text: String, limit: u32) -> Result<Vec<Found>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || app.disk()?.store.search(&text, limit)).await
}

/// Keeps what is in the composer.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn save_unsent(app: State<'_, Arc<App>>, conversation: u32, text: String) -> Result<(), Problem> {
    app.disk()?.store.save_unsent(conversation, &text)
}

/// Keeps where the reader is; None at the end.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn save_place(app: State<'_, Arc<App>>, conversation: u32, place: Option<Place>) -> Result<(), Problem> {
    app.disk()?.store.save_place(conversation, place)
}

/// Keeps the instructions that stand above a conversation; empty for none.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn set_system(app: State<'_, Arc<App>>, conversation: u32, text: String) -> Result<(), Problem> {
    app.disk()?.store.set_system(conversation, &text)
}
