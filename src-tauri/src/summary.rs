//! A summary of what the model does not read any more.

use engine::{Answering, Ask, Call};
use protocol::chat::{ChatEvent, PromptSize};
use protocol::worker::{Message, Speaker};
use protocol::{Code, FinishReason, Problem};
use tauri::ipc::Channel;

use crate::app::App;
use crate::context::Next;
use crate::prompt::is_japanese;

/// Most tokens of a summary.
const LONGEST: u32 = 300;

/// Tokens of the question that it answers, and of the marks around both.
const AROUND: u32 = 32;

/// A summary that is asked for.
pub(crate) struct Wanted {
    messages: Vec<Message>,
    most: u32,
}

impl Wanted {
    /// One of what stands above the question `next`, up to the message `last`. Where that is more than can be read at once, of
    /// the younger part of it. None if nothing of it was answered or can be read: there is nothing to tell.
    ///
    /// # Errors
    /// Those of `size`, which tells what a prompt takes.
    pub(crate) fn of(
        next: &Next,
        last: u32,
        size: impl Fn(Vec<Message>) -> Result<PromptSize, Problem>,
    ) -> Result<Option<Self>, Problem> {
        let about = next.about(last, |said| {
            let asked = said.iter().rev().find(|said| said.speaker == Speaker::User);
            if asked.is_some_and(|asked| is_japanese(&asked.text)) { JAPANESE } else { ENGLISH }
        });
        let all = about.prompt(about.left_out);
        if all.len() == 1 {
            return Ok(None);
        }
        let taken = size(all.clone())?;
        let most = most(taken.context);
        if taken.tokens.is_some_and(|tokens| tokens + most < taken.context) {
            return Ok(Some(Self { messages: all, most }));
        }
        // A single message may be more than can be read: then it is left out without a summary.
        let fitting = match about.fitting(|left_out| with_room(size(about.prompt(left_out)))) {
            Err(problem) if problem.code == Code::PromptTooLong => return Ok(None),
            fitting => fitting?,
        };
        let messages = about.prompt(fitting);
        // Nothing but the question is left of it.
        if messages.len() == 1 {
            return Ok(None);
        }
        Ok(Some(Self { messages, most }))
    }

    /// Has it written; the window is told how much is read.
    ///
    /// # Errors
    /// [`Code::Cancelled`] if it was stopped; what the engine says.
    pub(crate) fn write(self, app: &App, call: Call<'_>, window: &Channel<ChatEvent>) -> Result<String, Problem> {
        let cascade = app.settings().speed_up;
        let ask = Ask { max_tokens: Some(self.most), cascade, ..Ask::plain(self.messages) };
        let mut summary = String::new();
        let receipt = call.answer(&ask, &mut |happening| match happening {
            Answering::Reading { done, total } => {
                if let Err(error) = window.send(ChatEvent::Reading { done, total }) {
                    tracing::debug!(%error, "the window is gone");
                }
            }
            Answering::Text { text, .. } => summary.push_str(&text),
            Answering::Resuming(problem) => {
                tracing::warn!(code = %problem.code, "the summary goes on in another worker");
            }
        })?;
        app.disk()?.keep(app.engine.learned());
        match receipt.finish {
            // Half a summary would hide the other half.
            FinishReason::Stopped => Err(Problem::new(Code::Cancelled)),
            FinishReason::End => Ok(summary.trim().to_owned()),
            _ => Ok(whole_sentences(&summary).to_owned()),
        }
    }
}

/// Most tokens of a summary in a context of so many.
fn most(context: u32) -> u32 {
    LONGEST.min(context / 8)
}

/// The size of a prompt with a summary still to come in it.
pub(crate) fn with_room(size: Result<PromptSize, Problem>) -> Result<PromptSize, Problem> {
    let size = size?;
    Ok(PromptSize { tokens: size.tokens.map(|tokens| tokens + most(size.context) + AROUND), ..size })
}

/// A text that was cut off, up to the end of its last sentence or line; all of it if there is none.
fn whole_sentences(text: &str) -> &str {
    let end = text.char_indices().rev().find(|(_, c)| matches!(c, '.' | '!' | '?' | '。' | '！' | '？' | '\n'));
    end.map_or(text, |(at, c)| &text[..at + c.len_utf8()]).trim()
}

const ENGLISH: &str = "Summarise our conversation so far in at most 150 words, for somebody who has to go on with it: facts, names, \
                       numbers, wishes, decisions, open questions. Write only the summary.";
const JAPANESE: &str = "これまでの会話を、続きを任される人のために200字以内で要約してください。事実、名前、数字、希望、決まったこと、\
                        未解決の点を含め、要約だけを書いてください。";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_ends_with_a_sentence() {
        assert_eq!(whole_sentences("One. Two! Thr"), "One. Two!");
        assert_eq!(whole_sentences("一つ。二つ"), "一つ。");
        assert_eq!(whole_sentences("- a\n- b"), "- a");
        assert_eq!(whole_sentences("no end"), "no end");
    }

    #[test]
    fn room_is_kept_for_a_summary() {
        let size = |tokens, context| with_room(Ok(PromptSize { tokens, context, least: None })).unwrap().tokens;
        assert_eq!((size(Some(100), 8192), size(Some(100), 512), size(None, 512)), (Some(432), Some(196), None));
    }
}
