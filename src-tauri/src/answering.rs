//! One answer from the engine to the window and to the disk.

use std::time::{Duration, Instant};

use engine::{Answering as Happening, Ask, Call};
use protocol::Problem;
use protocol::chat::{ChatEvent, ShownMessage};
use protocol::worker::Message;
use tauri::ipc::Channel;

use crate::app::{App, now_ms};

/// Shortest time between two texts to the window: a frame of the screen.
const FRAME: Duration = Duration::from_millis(16);

/// Longest shown text, in time, that a crash of this program may lose.
const CHECKPOINT: Duration = Duration::from_millis(250);

/// Answers message `asked`, the last question of `conversation`, and keeps the answer in place of earlier ones.
///
/// # Errors
/// Only what happens before the answer begins; afterwards the channel gets a `Finished` or a `Failed`.
pub(crate) fn answer(
    app: &App,
    call: Call<'_>,
    conversation: u32,
    asked: u32,
    window: &Channel<ChatEvent>,
) -> Result<(), Problem> {
    let disk = app.disk()?;
    let store = &disk.store;
    let messages = heard(&store.messages(conversation)?, asked);
    let answer = store.begin_answer(conversation, now_ms())?;
    let mut relay = Relay::new(app, answer, window);
    relay.tell(ChatEvent::Saved { message: asked, answer });
    let cascade = app.settings().speed_up;
    let ask = Ask { cascade, ..Ask::plain(messages) };
    let result = call.answer(&ask, &mut |happening| relay.take(happening));
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
    disk.keep(app.engine.learned());
    Ok(())
}

/// The conversation up to the question `asked`, as the model is to see it: every earlier question with its latest
/// answer. One that got no word of an answer (it was too long, perhaps, or stopped at once) would only stand in the way.
fn heard(messages: &[ShownMessage], asked: u32) -> Vec<Message> {
    let mut heard: Vec<Message> = Vec::new();
    for message in messages.iter().filter(|message| message.id <= asked && !message.text.is_empty()) {
        let unanswered = heard.last().is_some_and(|last| last.speaker == message.speaker);
        if unanswered {
            heard.pop();
        }
        heard.push(Message { speaker: message.speaker, text: message.text.clone() });
    }
    heard
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

#[cfg(test)]
mod tests {
    use protocol::worker::Speaker;

    use super::*;

    fn message(id: u32, speaker: Speaker, text: &str) -> ShownMessage {
        ShownMessage { id, speaker, text: text.to_owned(), receipt: None, problem: None, at_ms: 0.0 }
    }

    #[test]
    fn the_model_hears_every_question_with_its_latest_answer() {
        use Speaker::{Assistant, User};
        let messages = [
            message(1, User, "far too long"),
            message(2, Assistant, ""),
            message(3, User, "a"),
            message(4, Assistant, "first try"),
            message(5, Assistant, "second try"),
            message(6, User, "stopped at once"),
            message(7, User, "b"),
            message(8, Assistant, "to be written again"),
        ];
        let texts = |asked| heard(&messages, asked).into_iter().map(|message| message.text).collect::<Vec<_>>();
        assert_eq!(texts(7), ["a", "second try", "b"]);
        assert_eq!(texts(1), ["far too long"], "the question itself is always heard");
    }
}
