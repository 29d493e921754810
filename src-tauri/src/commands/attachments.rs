use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use protocol::chat::{AttachmentCard, Part};
use protocol::{Code, Problem};
use tauri::State;

use super::blocking;
use crate::app::App;
use crate::extract;

/// Takes the text out of a file and keeps it for the next message. Its bytes come as one text: as a list of numbers each
/// would take thirty times its size on the way.
#[tauri::command]
#[specta::specta]
pub(crate) async fn attach(
    app: State<'_, Arc<App>>,
    conversation: u32,
    name: String,
    base64: String,
) -> Result<AttachmentCard, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        if app.disk()?.store.conversation(conversation)?.attached.len() >= extract::MOST as usize {
            return Err(Problem::new(Code::AttachmentsTooMany).with("limit", extract::MOST));
        }
        let bytes =
            BASE64_STANDARD.decode(base64).map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
        let attachment = extract::attachment(&name, &bytes)?;
        let card = app.disk()?.store.attach(conversation, &attachment)?;
        Ok(AttachmentCard { tokens: app.tokens_of(&attachment), ..card })
    })
    .await
}

/// Takes a file that was not sent yet out of the composer.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn detach(app: State<'_, Arc<App>>, attachment: u32) -> Result<(), Problem> {
    app.disk()?.store.detach(attachment)
}

/// Has the model read only a part of a file, or all of it again: of one in the composer, or of one whose question has no answer yet.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn read_part(app: State<'_, Arc<App>>, attachment: u32, part: Part) -> Result<(), Problem> {
    app.disk()?.store.read_part(attachment, part)
}

/// Longest text that is shown, in characters: a page with a whole library in it would hold up the window.
const SHOWN: usize = 500_000;

/// What the model reads of a file; of one in the composer all there is.
#[tauri::command]
#[specta::specta]
pub(crate) async fn file_text(app: State<'_, Arc<App>>, attachment: u32) -> Result<String, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let file = app.disk()?.store.attachment(attachment)?;
        let text = if file.excerpt.is_some() { file.read() } else { &file.text };
        Ok(text.chars().take(SHOWN).collect())
    })
    .await
}
