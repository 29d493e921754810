//! One answer from the engine to the window and to the disk.

use std::time::{Duration, Instant};

use engine::{Answering as Happening, Ask};
use protocol::chat::{ChatEvent, ShownMessage};
use protocol::worker::{Message, Speaker};
use protocol::{Problem, Sampling};
use tauri::ipc::Channel;

use crate::app::{App, now_ms};

/// Shortest time between two texts to the window: a frame of the screen.
const FRAME: Duration = Duration::from_millis(16);

/// Longest shown text, in time, that a crash of this program may lose.
const CHECKPOINT: Duration = Duration::from_millis(250);

/// Answers the last message of `conversation`, which is message `asked`, and keeps the answer.
///
/// # Errors
/// Only what happens before the answer begins; afterwards the channel gets a `Finished` or a `Failed`.
pub(crate) fn answer(app: &App, conversation: u32, asked: u32, window: &Channel<ChatEvent>) -> Result<(), Problem> {
    let store = &app.disk()?.store;
    let messages: Vec<Message> = store.messages(conversation)?.into_iter().filter_map(said).collect();
    let answer = store.begin_answer(conversation, now_ms())?;
    let mut relay = Relay::new(app, answer, window);
    relay.tell(ChatEvent::Saved { message: asked, answer });
    let cascade = app.settings().speed_up;
    let ask = Ask { messages, max_tokens: None, sampling: Sampling::default(), format: None, cascade, k: None };
    let result = app.engine.answer(&ask, &mut |happening| relay.take(happening));
    relay.flush();
    let text = std::mem::take(&mut relay.text);
    // What is shown is final; if the disk refuses now, the person must know.
    let kept = match &result {
        Ok(receipt) => store.finish_answer(answer, &text, receipt),
        Err(problem) => store.fail_answer(answer, &text, problem),
    };
    relay.tell(match result.and_then(|receipt| kept.map(|()| receipt)) {
        Ok(receipt) => ChatEvent::Finished { receipt },
        Err(problem) => ChatEvent::Failed { problem },
    });
    Ok(())
}

/// An answer that failed before its first word says nothing to the model.
fn said(message: ShownMessage) -> Option<Message> {
    let empty = message.speaker == Speaker::Assistant && message.text.is_empty();
    (!empty).then_some(Message { speaker: message.speaker, text: message.text })
}

/// Passes text on in pieces worth a frame and keeps it on disk on the way.
struct Relay<'a> {
    app: &'a App,
    answer: u32,
    window: &'a Channel<ChatEvent>,
    /// The whole answer so far, and how much of it the window has.
    text: String,
    told: usize,
    told_at: Option<Instant>,
    kept_at: Instant,
}

impl<'a> Relay<'a> {
    fn new(app: &'a App, answer: u32, window: &'a Channel<ChatEvent>) -> Self {
        Self { app, answer, window, text: String::new(), told: 0, told_at: None, kept_at: Instant::now() }
    }

    /// A window that is gone misses it; the disk has it.
    fn tell(&self, event: ChatEvent) {
        if let Err(error) = self.window.send(event) {
            tracing::debug!(%error, "the window is gone");
        }
    }

    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Reading { done, total } => self.tell(ChatEvent::Reading { done, total }),
            Happening::Text { text, .. } => {
                self.text.push_str(&text);
                if self.told_at.is_none_or(|at| at.elapsed() >= FRAME) {
                    self.flush();
                }
                self.keep();
            }
            Happening::Resuming(problem) => {
                self.flush();
                self.tell(ChatEvent::Resuming { problem });
            }
        }
    }

    fn flush(&mut self) {
        if self.told < self.text.len() {
            self.tell(ChatEvent::Text { text: self.text[self.told..].to_owned() });
            self.told = self.text.len();
            self.told_at = Some(Instant::now());
        }
    }

    fn keep(&mut self) {
        if self.kept_at.elapsed() < CHECKPOINT {
            return;
        }
        self.kept_at = Instant::now();
        // A disk that refuses is told at the end, where it matters.
        if let Err(problem) = self.app.disk().and_then(|disk| disk.store.checkpoint(self.answer, &self.text)) {
            tracing::warn!(code = %problem.code, "checkpoint failed");
        }
    }
}
