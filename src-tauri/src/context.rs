//! What fits into the context.

use protocol::chat::PromptSize;
use protocol::worker::{Message, Speaker};
use protocol::{Code, Problem};
use store::Said;

use crate::app::App;
use crate::prompt::prompt;

/// A question that is about to be asked, with what stands above it.
pub(crate) struct Next {
    system: String,
    branch: Vec<Said>,
    /// The first message that the model reads now, by id.
    pub(crate) from: u32,
}

impl Next {
    pub(crate) fn read(app: &App, conversation: u32, parent: Option<u32>, text: String) -> Result<Self, Problem> {
        let store = &app.disk()?.store;
        let mut branch = parent.map(|parent| store.said(parent)).transpose()?.unwrap_or_default();
        let attachments = store.attached(conversation)?;
        branch.push(Said { id: Said::NEW, speaker: Speaker::User, text, attachments });
        let conversation = store.conversation(conversation)?;
        Ok(Self { system: conversation.system, branch, from: conversation.read_from })
    }

    /// What the model reads if it begins with the message `from`.
    pub(crate) fn prompt(&self, from: u32) -> Vec<Message> {
        prompt(&self.system, self.branch.clone(), from)
    }

    /// The oldest message that the model can begin with so that half of the context stays free, or at least so that it fits.
    /// `size` tells what a prompt that begins with a message takes; it is asked as seldom as can be.
    ///
    /// # Errors
    /// [`Code::Busy`] if that cannot be told now, [`Code::PromptTooLong`] if the question alone does not fit.
    pub(crate) fn fitting(&self, size: impl Fn(u32) -> Option<PromptSize>) -> Result<u32, Problem> {
        // An answer without its question says nothing: it begins with a question.
        let (_, above) = self.branch.split_last().ok_or_else(|| Problem::new(Code::MessageEmpty))?;
        let begins = |said: &&Said| said.speaker == Speaker::User && said.id > self.from;
        let mut starts: Vec<u32> = above.iter().filter(begins).map(|said| said.id).collect();
        // Nothing above the question at all.
        starts.push(above.last().map_or(self.from, |last| last.id + 1));
        let (mut low, mut high) = (0, starts.len() - 1);
        let tell = |at: usize| size(starts[at]).ok_or_else(|| Problem::new(Code::Busy));
        let fits = |size: PromptSize, share: u32| size.tokens.is_some_and(|tokens| tokens < size.context / share);
        while low < high {
            let middle = usize::midpoint(low, high);
            if fits(tell(middle)?, 2) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        match tell(low)? {
            size if fits(size, 1) => Ok(starts[low]),
            size => {
                let tokens = size.tokens.map_or_else(|| "?".to_owned(), |tokens| tokens.to_string());
                Err(Problem::new(Code::PromptTooLong).with("tokens", tokens).with("context", size.context))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Questions 1, 3, 5 … with their answers, a new question behind them; each message takes ten tokens.
    fn next(messages: u32, from: u32) -> Next {
        let said = |id: u32| Said {
            id,
            speaker: if id % 2 == 1 { Speaker::User } else { Speaker::Assistant },
            text: "x".repeat(10),
            attachments: Vec::new(),
        };
        let mut branch: Vec<Said> = (1..=messages).map(said).collect();
        branch.push(Said { id: Said::NEW, ..said(1) });
        Next { system: String::new(), branch, from }
    }

    fn fitting(next: &Next, context: u32) -> Result<u32, Code> {
        let size = |from| {
            let tokens = next.prompt(from).iter().map(|message| message.text.len() as u32).sum();
            Some(PromptSize { tokens: Some(tokens), context })
        };
        next.fitting(size).map_err(|problem| problem.code)
    }

    #[test]
    fn so_many_are_left_out_that_half_of_the_context_is_free() {
        // 21 messages of ten tokens; fewer than fifty remain: two questions with their answers would be five with the new one.
        assert_eq!(fitting(&next(20, 0), 100), Ok(19));
        assert_eq!(fitting(&next(20, 0), 110), Ok(17));
        assert_eq!(fitting(&next(20, 17), 60), Ok(21), "nothing above the question");
        assert_eq!(fitting(&next(20, 0), 15), Ok(21), "the question takes more than half");
        assert_eq!(fitting(&next(20, 0), 10), Err(Code::PromptTooLong));
        assert_eq!(fitting(&next(0, 0), 10), Err(Code::PromptTooLong));
        assert_eq!(next(20, 0).fitting(|_| None).unwrap_err().code, Code::Busy);
    }
}
