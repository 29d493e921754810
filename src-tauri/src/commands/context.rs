use std::sync::Arc;

use protocol::chat::{ChatEvent, PromptSize, Summarised};
use protocol::{Code, Problem};
use tauri::State;
use tauri::ipc::Channel;

use super::blocking;
use super::chat::written;
use crate::app::App;
use crate::context::Next;
use crate::summary::{Wanted, with_room};

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
        let busy = || Problem::new(Code::Busy);
        let next = Next::typed(&app, conversation, parent, text)?;
        // It is only a help: what cannot be told now is not told.
        let Ok(next) = next.with_parts(true, |messages| app.size_of(messages).ok_or_else(busy)) else {
            return Ok(None);
        };
        let Some(size) = app.size_of(next.prompt(next.left_out)) else { return Ok(None) };
        if size.tokens.is_some_and(|tokens| tokens < size.context) {
            return Ok(Some(size));
        }
        Ok(app.size_of(next.alone()).map(|least| PromptSize { least: least.tokens, ..size }))
    })
    .await
}

/// Leaves out so many of the oldest messages that a question fits well: one that was asked, or `text` behind `parent` with the
/// files in the composer. They stay where they are, only the model reads them no more. Gives the last of them, by id.
#[tauri::command]
#[specta::specta]
pub(crate) async fn leave_out(
    app: State<'_, Arc<App>>,
    conversation: u32,
    asked: Option<u32>,
    parent: Option<u32>,
    text: String,
) -> Result<u32, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let next = next(&app, conversation, asked, parent, text)?;
        let last = next.fitting(|left_out| app.size_now(next.prompt(left_out)))?;
        app.disk()?.store.leave_out(conversation, last, "")?;
        Ok(last)
    })
    .await
}

/// The same, but the model first writes a summary of what is left out, and reads that from now on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn summarise(
    app: State<'_, Arc<App>>,
    conversation: u32,
    asked: Option<u32>,
    parent: Option<u32>,
    text: String,
    on_event: Channel<ChatEvent>,
) -> Result<Summarised, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let next = next(&app, conversation, asked, parent, text)?;
        let last = next.fitting(|left_out| with_room(app.size_now(next.prompt(left_out))))?;
        // There may be nothing more to leave out.
        if last == next.left_out {
            return Ok(Summarised { last, summary: next.summary });
        }
        let summary = match Wanted::of(&next, last, |messages| app.size_now(messages))? {
            Some(wanted) => written(&app, |app, call| wanted.write(app, call, &on_event))?,
            None => String::new(),
        };
        app.disk()?.store.leave_out(conversation, last, &summary)?;
        Ok(Summarised { last, summary })
    })
    .await
}

/// The question that is about to be asked: one that was, or one that is typed.
fn next(app: &App, conversation: u32, asked: Option<u32>, parent: Option<u32>, text: String) -> Result<Next, Problem> {
    match asked {
        Some(question) => Next::asked(app, conversation, question)?,
        None => Next::typed(app, conversation, parent, text)?,
    }
    .with_parts(true, |messages| app.size_now(messages))
}

/// The model reads all of a conversation again.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn read_all(app: State<'_, Arc<App>>, conversation: u32) -> Result<(), Problem> {
    app.disk()?.store.leave_out(conversation, 0, "")
}
