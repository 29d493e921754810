//! A summary of what the model does not read any more.

use engine::{Answering, Ask, Call};
use protocol::chat::{ChatEvent, PromptSize};
use protocol::worker::Message;
use protocol::{Code, FinishReason, Problem};
use tauri::ipc::Channel;

use crate::app::App;
use crate::context::Next;
use crate::prompt::is_japanese;

/// Most tokens of a summary.
const LONGEST: u32 = 300;

/// A summary that is asked for.
pub(crate) struct Wanted {
    messages: Vec<Message>,
    most: u32,
}

impl Wanted {
    /// One of what stands above the question `next`, up to the message `last`. Where that is more than can be read at once, of
    /// the younger part of it.
    ///
    /// # Errors
    /// Those of `size`, which tells what a prompt takes; [`Code::PromptTooLong`] if a single message is too long.
    pub(crate) fn of(
        next: &Next,
        last: u32,
        size: impl Fn(Vec<Message>) -> Result<PromptSize, Problem>,
    ) -> Result<Self, Problem> {
        let about =
            next.about(last, |said| if said.iter().any(|said| is_japanese(&said.text)) { JAPANESE } else { ENGLISH });
        let all = about.prompt(about.left_out);
        let taken = size(all.clone())?;
        let most = LONGEST.min(taken.context / 8);
        let fits = taken.tokens.is_some_and(|tokens| tokens + most < taken.context);
        let messages = if fits { all } else { about.prompt(about.fitting(|left_out| size(about.prompt(left_out)))?) };
        // Nothing but the question is left of it.
        if messages.len() == 1 {
            let tokens = taken.tokens.map_or_else(|| "?".to_owned(), |tokens| tokens.to_string());
            return Err(Problem::new(Code::PromptTooLong).with("tokens", tokens).with("context", taken.context));
        }
        Ok(Self { messages, most })
    }

    /// Has it written, told to the window as it comes.
    ///
    /// # Errors
    /// [`Code::Cancelled`] if it was stopped; what the engine says.
    pub(crate) fn write(self, app: &App, call: Call<'_>, window: &Channel<ChatEvent>) -> Result<String, Problem> {
        let cascade = app.settings().speed_up;
        let ask = Ask { max_tokens: Some(self.most), cascade, ..Ask::plain(self.messages) };
        let mut summary = String::new();
        let receipt = call.answer(&ask, &mut |happening| {
            let event = match happening {
                Answering::Reading { done, total } => ChatEvent::Reading { done, total },
                Answering::Text { text, .. } => {
                    summary.push_str(&text);
                    ChatEvent::Text { text }
                }
                Answering::Resuming(problem) => ChatEvent::Resuming { problem },
            };
            if let Err(error) = window.send(event) {
                tracing::debug!(%error, "the window is gone");
            }
        })?;
        app.disk()?.keep(app.engine.learned());
        // Half a summary would hide the other half.
        if receipt.finish == FinishReason::Stopped {
            Err(Problem::new(Code::Cancelled))
        } else {
            Ok(summary.trim().to_owned())
        }
    }
}

const ENGLISH: &str = "Summarise our conversation so far in at most 150 words, for somebody who has to go on with it: facts, names, \
                       numbers, wishes, decisions, open questions. Write only the summary.";
const JAPANESE: &str = "これまでの会話を、続きを任される人のために300字以内で要約してください。事実、名前、数字、希望、決まったこと、\
                        未解決の点を含め、要約だけを書いてください。";
