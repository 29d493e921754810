//! One answer from the engine to the window and to the disk.

use std::thread;
use std::time::{Duration, Instant};

use engine::{Answering as Happening, Ask, Call};
use protocol::chat::{ChatEvent, Policy};
use protocol::worker::Message;
use protocol::{Code, Problem, Receipt, Sampling};
use store::{Given, Said, now_ms};
use tauri::ipc::Channel;

use crate::app::App;
use crate::continued::together;
use crate::excerpt;
use crate::prompt::{Above, prompt};

/// Shortest time between two texts to the window: a frame of the screen.
const FRAME: Duration = Duration::from_millis(16);

/// Longest shown text, in time, that a crash of this program may lose.
const CHECKPOINT: Duration = Duration::from_millis(250);

/// How often more than once the end of an answer is tried to be kept; every try waits for a locked database by itself.
const TRIES: usize = 4;

/// An answer that is asked for.
struct Wanted {
    answer: u32,
    /// Or why it cannot be asked for.
    ask: Result<Ask, Problem>,
    /// What it says already: at least what the model is to go on behind.
    text: String,
    /// What the answer cost before it is continued.
    before: Option<Receipt>,
}

/// Answers `question` and keeps the answer as the chosen version.
///
/// # Errors
/// Only what happens before the answer begins; afterwards the channel gets a `Finished` or a `Failed`.
pub(crate) fn answer(app: &App, mut call: Call<'_>, question: u32, window: &Channel<ChatEvent>) -> Result<(), Problem> {
    let store = &app.disk()?.store;
    // Who asks for another answer does not want the same once more.
    let again = store.is_answered(question)?;
    let answer = store.begin_answer(question, now_ms())?;
    let given = store.given(answer)?;
    // From now on the window knows of both: what is read may take a moment to find.
    tell(window, ChatEvent::Saved { message: question, answer });
    let ask = asked(app, &mut call, question, &given, again)
        .map(|messages| Ask { sampling: drawn(if again { answer } else { 0 }), ..sped_up(app, messages) });
    write(app, call, Wanted { answer, ask, text: String::new(), before: None }, window)
}

/// What the model is to read of a question and what stands above it.
fn asked(app: &App, call: &mut Call<'_>, question: u32, given: &Given, again: bool) -> Result<Vec<Message>, Problem> {
    let store = &app.disk()?.store;
    let mut branch = store.said(question)?;
    // What a first answer was given to is what further ones are given to.
    if !again {
        let goes_on = || if app.turns.is_stopped() { Err(Problem::new(Code::Cancelled)) } else { Ok(()) };
        let size = |branch: &[Said]| {
            goes_on()?;
            app.size_with(call, prompt(above(given), branch.to_vec()))
        };
        if excerpt::choose(&mut branch, size, goes_on)?
            && let Some(said) = branch.last()
        {
            store.keep_read(question, &said.attachments, &said.also)?;
        }
    }
    Ok(prompt(above(given), branch))
}

/// Goes on behind the text of `answer`, of which the model reads what begins at the byte `from`.
///
/// # Errors
/// As [`answer`].
pub(crate) fn go_on(
    app: &App,
    call: Call<'_>,
    answer: u32,
    from: usize,
    window: &Channel<ChatEvent>,
) -> Result<(), Problem> {
    let store = &app.disk()?.store;
    let given = store.given(answer)?;
    let messages = prompt(above(&given), store.said(given.question)?);
    store.reopen_answer(answer)?;
    let sampling = drawn(given.receipt.as_ref().map_or(0, |receipt| receipt.seed));
    let begun = given.text.get(from..).unwrap_or(&given.text).to_owned();
    tell(window, ChatEvent::Saved { message: given.question, answer });
    let ask = Ok(Ask { begun, sampling, ..sped_up(app, messages) });
    let before = given.receipt;
    write(app, call, Wanted { answer, ask, text: given.text, before }, window)
}

/// Gives `answer` once more with the cascade off, under the instructions and with the seed it was given with and no longer
/// than it was, for the window alone.
///
/// # Errors
/// As [`answer`].
pub(crate) fn replay(app: &App, call: Call<'_>, answer: u32, window: &Channel<ChatEvent>) -> Result<(), Problem> {
    let store = &app.disk()?.store;
    let given = store.given(answer)?;
    let mut ask = Ask::plain(prompt(above(&given), store.said(given.question)?));
    if let Some(receipt) = given.receipt {
        ask.sampling = drawn(receipt.seed);
        ask.max_tokens = Some(receipt.tokens).filter(|_| receipt.finish != protocol::FinishReason::End);
    }
    let mut relay = Relay::new(app, None, String::new(), window);
    let result = call.answer(&ask, &mut |happening| relay.take(happening));
    relay.flush();
    relay.tell(match result {
        Ok(receipt) => ChatEvent::Finished { receipt },
        Err(problem) => ChatEvent::Failed { problem },
    });
    app.tell_places();
    Ok(())
}

/// How an answer of this seed is drawn: a first one is the likeliest (seed 0), further ones are varied.
fn drawn(seed: u32) -> Sampling {
    if seed == 0 {
        return Sampling::default();
    }
    Sampling { temperature: 0.8, top_p: 0.95, min_p: 0.05, seed, ..Sampling::default() }
}

/// A request for an answer, sped up as the settings have it.
fn sped_up(app: &App, messages: Vec<Message>) -> Ask {
    let (cascade, policy) = {
        let settings = app.settings();
        (settings.speed_up, settings.policy)
    };
    Ask { cascade, matrix: policy == Policy::Matrix, ends_repeats: true, ..Ask::plain(messages) }
}

/// What stood above an answer when it was given.
fn above(given: &Given) -> Above<'_> {
    Above { system: &given.system, left_out: given.left_out, summary: &given.summary }
}

fn write(app: &App, mut call: Call<'_>, wanted: Wanted, window: &Channel<ChatEvent>) -> Result<(), Problem> {
    let disk = app.disk()?;
    let Wanted { answer, ask, text, before } = wanted;
    // What it begins with was told when that was written; for now it is no finished message.
    let goes_on = !text.is_empty();
    let mut relay = Relay::new(app, Some(answer), text, window);
    if !goes_on {
        app.tell_earlier(&mut call);
    }
    let result = ask.and_then(|ask| call.answer(&ask, &mut |happening| relay.take(happening)));
    relay.flush();
    let text = std::mem::take(&mut relay.text);
    let result = result.map(|receipt| match before.clone() {
        Some(before) => together(before, receipt),
        None => receipt,
    });
    // What is shown is final; if the disk refuses now, the person must know.
    let keep = || match &result {
        Ok(receipt) => disk.store.finish_answer(answer, &text, receipt, now_ms()),
        Err(problem) => disk.store.fail_answer(answer, &text, problem, before.as_ref(), now_ms()),
    };
    let mut kept = keep();
    // Another program may be writing much at once: it is worth some patience.
    for _ in 0..TRIES {
        if !matches!(&kept, Err(problem) if problem.code == Code::DatabaseFailed) {
            break;
        }
        thread::sleep(CHECKPOINT);
        kept = keep();
    }
    relay.tell(match result.and_then(|receipt| kept.map(|()| receipt)) {
        Ok(receipt) => ChatEvent::Finished { receipt },
        Err(problem) => ChatEvent::Failed { problem },
    });
    disk.keep(app.engine.learned());
    app.tell_places();
    Ok(())
}

/// A window that is gone misses it; the disk has it.
fn tell(window: &Channel<ChatEvent>, event: ChatEvent) {
    if let Err(error) = window.send(event) {
        tracing::debug!(%error, "the window is gone");
    }
}

/// Passes text on in pieces worth a frame and keeps it on disk on the way.
struct Relay<'a> {
    app: &'a App,
    /// Where it is kept; None for what is only shown.
    answer: Option<u32>,
    window: &'a Channel<ChatEvent>,
    /// The whole answer so far, and how much of it the window has.
    text: String,
    told: usize,
    told_at: Option<Instant>,
    kept_at: Instant,
}

impl<'a> Relay<'a> {
    /// `begun` is text that the window has already.
    fn new(app: &'a App, answer: Option<u32>, begun: String, window: &'a Channel<ChatEvent>) -> Self {
        let told = begun.len();
        Self { app, answer, window, text: begun, told, told_at: None, kept_at: Instant::now() }
    }

    fn tell(&self, event: ChatEvent) {
        tell(self.window, event);
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
        let Some(answer) = self.answer.filter(|_| self.kept_at.elapsed() >= CHECKPOINT) else { return };
        self.kept_at = Instant::now();
        // A disk that refuses is told at the end, where it matters.
        if let Err(problem) = self.app.disk().and_then(|disk| disk.store.checkpoint(answer, &self.text)) {
            tracing::warn!(code = %problem.code, "checkpoint failed");
        }
    }
}
