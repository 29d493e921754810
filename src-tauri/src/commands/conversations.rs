use std::sync::Arc;

use protocol::Problem;
use protocol::chat::{Conversation, ConversationCard, Found, Place};
use store::{Store, now_ms};
use tauri::State;

use super::blocking;
use crate::app::App;

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
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_conversation(app: State<'_, Arc<App>>, conversation: u32) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || app.delete_chats(|store| store.delete_conversation(conversation))).await
}

/// Takes back the deletion of a conversation.
#[tauri::command]
#[specta::specta]
pub(crate) async fn restore_conversation(app: State<'_, Arc<App>>, conversation: u32) -> Result<Conversation, Problem> {
    restored(app, move |store| store.restore_conversation(conversation)).await
}

/// Deletes a message and what hangs below it. Until the next start it can be restored.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_message(app: State<'_, Arc<App>>, message: u32) -> Result<Conversation, Problem> {
    let app = Arc::clone(&app);
    blocking(move || app.delete_chats(|store| store.delete_message(message))).await
}

/// Takes back the deletion of a message.
#[tauri::command]
#[specta::specta]
pub(crate) async fn restore_message(app: State<'_, Arc<App>>, message: u32) -> Result<Conversation, Problem> {
    restored(app, move |store| store.restore_message(message)).await
}

/// Shows the branch through a message, and below it what was chosen last.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn choose_version(app: State<'_, Arc<App>>, message: u32) -> Result<Conversation, Problem> {
    app.disk()?.store.choose_version(message)
}

/// Finds all words of `text` in titles, names of files, messages and what stands in files, in this order, the latest first, at most `limit`.
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

/// Keeps what is being written in the place of a question; None once it is not edited any more.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn save_edited(app: State<'_, Arc<App>>, message: u32, text: Option<String>) -> Result<(), Problem> {
    app.disk()?.store.save_edited(message, text.as_deref())
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

/// Brings something back, which drafts may copy from again.
async fn restored(
    app: State<'_, Arc<App>>,
    restore: impl FnOnce(&Store) -> Result<Conversation, Problem> + Send + 'static,
) -> Result<Conversation, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let restored = restore(&app.disk()?.store)?;
        app.tell_earlier_now();
        Ok(restored)
    })
    .await
}
