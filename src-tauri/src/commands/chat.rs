use std::sync::Arc;

use engine::Call;
use protocol::chat::{ChatEvent, Opening};
use protocol::{Code, FinishReason, Problem};
use store::now_ms;
use tauri::State;
use tauri::ipc::Channel;

use super::blocking;
use crate::answering;
use crate::app::App;
use crate::context::Room;

/// Everything the window needs to draw itself.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open(app: State<'_, Arc<App>>) -> Result<Opening, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        // Nobody listens any more to what was written for the page before.
        let ended = app.end_answer();
        // A folder that could not be written may be mended by now.
        if app.open_disk()? {
            app.choose(|| Ok(()))?;
            app.take_up_downloads();
        }
        // Nobody sends the rest of what was dropped on the page before.
        app.dropped.clear();
        let mut opening = app.opening()?;
        let cut = opening.conversation.messages.last().filter(|last| ended && !last.text.is_empty());
        // What can be continued, not a replay or something in another conversation.
        if cut.and_then(|last| last.receipt.as_ref()).is_some_and(|receipt| receipt.finish == FinishReason::Stopped) {
            opening.notices.push(Problem::new(Code::PageDrawnAnew));
        }
        Ok(opening)
    })
    .await
}

/// Keeps a message, then answers it. Returns when the answer has ended. `parent` is the last message of the shown branch,
/// None at the root. With `edited` the message is a new version of that one: it takes over its files and leaves the
/// composer alone; otherwise it takes what is in the composer along.
#[tauri::command]
#[specta::specta]
pub(crate) async fn send(
    app: State<'_, Arc<App>>,
    conversation: u32,
    parent: Option<u32>,
    text: String,
    edited: Option<u32>,
    on_event: Channel<ChatEvent>,
) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new(Code::MessageEmpty));
    }
    // Nothing is kept of a message that cannot be answered now: it stays in the composer.
    answered(app, move |app, call| {
        let store = &app.disk()?.store;
        let question = match edited {
            Some(edited) => store.add_version(edited, &text, now_ms())?,
            None => store.add_question(conversation, parent, &text, now_ms())?,
        };
        answering::answer(app, call, question, &on_event)
    })
    .await
}

/// Gives a question a further version of its answer, which becomes the chosen one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn answer_again(
    app: State<'_, Arc<App>>,
    message: u32,
    on_event: Channel<ChatEvent>,
) -> Result<(), Problem> {
    answered(app, move |app, call| answering::answer(app, call, message, &on_event)).await
}

/// Goes on behind the text of an answer that was stopped or cut off. Where the conversation is full its oldest messages are
/// left out first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn continue_answer(
    app: State<'_, Arc<App>>,
    message: u32,
    on_event: Channel<ChatEvent>,
) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        settled(&app, |app| {
            let turn = app.turns.answer()?;
            // What is wrong where nothing is loaded is told below.
            let room = if app.engine.loaded().is_some() { app.make_room(&turn, message)? } else { Room::default() };
            if let Some(Err(error)) = room.last.map(|last| on_event.send(ChatEvent::LeftOut { last })) {
                tracing::debug!(%error, "the window is gone");
            }
            let call = app.engine_for(&turn)?;
            answering::go_on(app, call, message, room.from, &on_event)
        })
    })
    .await
}

/// Answers the question of an answer once more with the cascade off. Nothing of it is kept.
#[tauri::command]
#[specta::specta]
pub(crate) async fn replay(
    app: State<'_, Arc<App>>,
    message: u32,
    on_event: Channel<ChatEvent>,
) -> Result<(), Problem> {
    answered(app, move |app, call| answering::replay(app, call, message, &on_event)).await
}

/// Has the engine write something, and returns when that has ended.
async fn answered(
    app: State<'_, Arc<App>>,
    write: impl for<'a> FnOnce(&'a App, Call<'a>) -> Result<(), Problem> + Send + 'static,
) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || written(&app, |app, call| write(app, call))).await
}

/// The same for someone who waits.
pub(super) fn written<T>(
    app: &Arc<App>,
    write: impl FnOnce(&App, Call<'_>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    settled(app, |app| {
        let (call, _answering) = app.begin_answering()?;
        write(app, call)
    })
}

/// Does something with the engine, and then what is due when it is free again.
fn settled<T>(app: &Arc<App>, work: impl FnOnce(&App) -> Result<T, Problem>) -> Result<T, Problem> {
    let written = work(app);
    if written.is_ok() && app.engine.loaded().is_none() {
        // The engine had to be started again and the file would not load any more: it is looked at as at every start.
        let _ = app.choose(|| Ok(()));
    } else {
        // What was said, and what was deleted meanwhile: the next question need not wait for it.
        app.tell_earlier_now();
    }
    written
}

/// Stops the answer in progress.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn stop(app: State<'_, Arc<App>>) -> Result<(), Problem> {
    app.stop();
    Ok(())
}
