//! What fits into the context.

use protocol::chat::{Conversation, Part, PromptSize};
use protocol::worker::{Message, Speaker};
use protocol::{Code, Problem};
use store::{Given, Said};

use crate::app::App;
use crate::excerpt;
use crate::prompt::{Above, prompt};
use crate::turns::Answering;

/// A question that is about to be asked, with what stands above it.
pub(crate) struct Next {
    system: String,
    branch: Vec<Said>,
    /// The last message that the model does not read now, by id.
    pub(crate) left_out: u32,
    /// What it reads in place of that and what stands above.
    pub(crate) summary: String,
    /// Whether that is read whatever is left out besides: a summary of a part alone would lose it.
    keeps: bool,
}

impl Next {
    /// The question `text` behind `parent`, with the files in the composer.
    pub(crate) fn typed(app: &App, conversation: u32, parent: Option<u32>, text: String) -> Result<Self, Problem> {
        let store = &app.disk()?.store;
        let mut branch = parent.map(|parent| store.said(parent)).transpose()?.unwrap_or_default();
        let attachments = store.attached(conversation)?;
        branch.push(Said { id: Said::NEW, speaker: Speaker::User, text, attachments, also: String::new() });
        Self::of(app, conversation, branch)
    }

    /// A question that was asked.
    pub(crate) fn asked(app: &App, conversation: u32, question: u32) -> Result<Self, Problem> {
        let branch = app.disk()?.store.said(question)?;
        Self::of(app, conversation, branch)
    }

    /// A question whose answer goes on: it is read with what that says so far.
    pub(crate) fn going_on(app: &App, given: Given) -> Result<Self, Problem> {
        let mut branch = app.disk()?.store.said(given.question)?;
        if let Some(question) = branch.last_mut() {
            // Both are read whatever is left out: only how much that is matters here.
            question.text.push_str(&given.text);
        }
        Ok(Self { system: given.system, branch, left_out: given.left_out, summary: given.summary, keeps: false })
    }

    fn of(app: &App, conversation: u32, branch: Vec<Said>) -> Result<Self, Problem> {
        let conversation = app.disk()?.store.conversation(conversation)?;
        let Conversation { system, left_out, summary, .. } = conversation;
        Ok(Self { system, branch, left_out, summary, keeps: false })
    }

    /// A question about what stands above, up to the message `last`, which `question` is told.
    pub(crate) fn about(&self, last: u32, question: impl Fn(&[Said]) -> &'static str) -> Self {
        let until = self.branch.iter().position(|said| said.id == last).map_or(0, |last| last + 1);
        let mut branch = self.branch[..until].to_vec();
        let text = question(&branch).to_owned();
        let (attachments, also) = (Vec::new(), String::new());
        branch.push(Said { id: Said::NEW, speaker: Speaker::User, text, attachments, also });
        Self { system: String::new(), branch, left_out: self.left_out, summary: self.summary.clone(), keeps: true }
    }

    /// What is read of the files that go with the question, where that is not all of them. `size` tells what a prompt takes.
    /// With `about` it is as much, but not the very passages: those take long to find in a book.
    ///
    /// # Errors
    /// As [`excerpt::choose`].
    pub(crate) fn with_parts(
        mut self,
        about: bool,
        mut size: impl FnMut(Vec<Message>) -> Result<PromptSize, Problem>,
    ) -> Result<Self, Problem> {
        let mut branch = std::mem::take(&mut self.branch);
        let files = branch.iter_mut().flat_map(|said| &mut said.attachments);
        for file in files.filter(|file| about && file.part == Part::Passages) {
            file.part = Part::Beginning;
        }
        let above = Above { system: &self.system, left_out: self.left_out, summary: &self.summary };
        excerpt::choose(&mut branch, |branch| size(prompt(above, branch.to_vec())), || Ok(()))?;
        self.branch = branch;
        Ok(self)
    }

    /// What the model reads with nothing above the question.
    pub(crate) fn alone(&self) -> Vec<Message> {
        self.prompt(self.branch.iter().rev().nth(1).map_or(0, |said| said.id))
    }

    /// How many messages stand above and at `left_out`; none if it stands on another branch.
    fn place(&self, left_out: u32) -> usize {
        self.branch.iter().position(|said| said.id == left_out).map_or(0, |last| last + 1)
    }

    /// What the model reads below the message `left_out`.
    pub(crate) fn prompt(&self, left_out: u32) -> Vec<Message> {
        // With more left out than now, what it reads in place of it tells too little.
        let summary = if left_out == self.left_out || self.keeps { &self.summary } else { "" };
        prompt(Above { system: &self.system, left_out, summary }, self.branch.clone())
    }

    /// The last message to leave out so that half of the context stays free, or at least so that the question fits. `size`
    /// tells what the prompt below a message takes; it is asked as seldom as can be.
    ///
    /// # Errors
    /// Those of `size`; [`Code::PromptTooLong`] if the question alone does not fit.
    pub(crate) fn fitting(&self, size: impl Fn(u32) -> Result<PromptSize, Problem>) -> Result<u32, Problem> {
        let above = self.branch.len().saturating_sub(1);
        let now = self.place(self.left_out);
        // An answer without its question says nothing: what is read begins with a question.
        let begins = |at: &usize| *at == above || self.branch[*at].speaker == Speaker::User;
        let ends: Vec<u32> = (now + 1..=above).filter(begins).map(|at| self.branch[at - 1].id).collect();
        let fits = |size: PromptSize, share: u32| size.tokens.is_some_and(|tokens| tokens < size.context / share);
        let (mut low, mut high) = (0, ends.len().saturating_sub(1));
        while low < high {
            let middle = usize::midpoint(low, high);
            if fits(size(ends[middle])?, 2) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        // With nothing above it the question stays as it is.
        let left_out = ends.get(low).copied().unwrap_or(self.left_out);
        match size(left_out)? {
            size if fits(size, 1) => Ok(left_out),
            size => Err(too_long(size)),
        }
    }
}

impl App {
    /// Makes room for `answer` to go on, if it has to: the oldest messages are left out, none that are read now if what the
    /// conversation leaves out by now is enough. Where question and answer alone fill the context only the answer's end is read.
    ///
    /// # Errors
    /// Those of [`Self::size_in_turn`]; [`Code::PromptTooLong`] if the question alone leaves no room.
    pub(crate) fn make_room(&self, turn: &Answering, answer: u32) -> Result<Room, Problem> {
        let store = &self.disk()?.store;
        let given = store.given(answer)?;
        let (conversation, text) = (given.conversation, &given.text);
        let next = Next::going_on(self, given.clone())?;
        let size = |next: &Next, left_out| {
            let size = self.size_in_turn(turn, next.prompt(left_out))?;
            Ok(PromptSize { tokens: size.tokens.map(|tokens| tokens + GOES_ON), ..size })
        };
        let fits =
            |next: &Next| size(next, next.left_out).map(|size| size.tokens.is_some_and(|tokens| tokens < size.context));
        if fits(&next)? {
            return Ok(Room::default());
        }
        // It may leave out more since, and read a summary of that.
        let Conversation { left_out, summary, .. } = store.conversation(conversation)?;
        let next =
            if next.place(left_out) > next.place(next.left_out) { Next { left_out, summary, ..next } } else { next };
        if fits(&next)? {
            store.give_without(answer, next.left_out, &next.summary, false)?;
            return Ok(Room::default());
        }
        let (last, from) = match next.fitting(|left_out| size(&next, left_out)) {
            Ok(last) => (last, 0),
            Err(problem) if problem.code == Code::PromptTooLong => {
                // The youngest half of the context, without anything above the question.
                let last = next.branch.iter().rev().nth(1).map_or(next.left_out, |said| said.id);
                let all = size(&next, last)?;
                let share = all.tokens.map_or(0.0, |tokens| f64::from(all.context) / 2.0 / f64::from(tokens));
                let from = tail(text, (text.len() as f64 * share) as usize);
                let end = text[from..].to_owned();
                let given = Given { text: end, left_out: last, summary: String::new(), ..given };
                if !fits(&Next::going_on(self, given)?)? {
                    return Err(problem);
                }
                (last, from)
            }
            Err(problem) => return Err(problem),
        };
        if last == next.left_out && from > 0 {
            return Ok(Room { last: None, from });
        }
        store.give_without(answer, last, "", true)?;
        Ok(Room { last: Some(last), from })
    }
}

/// Room for an answer to go on.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// The last message that the conversation does not read any more, if it reads less from now on.
    pub(crate) last: Option<u32>,
    /// The byte of the answer's text that the model reads it from.
    pub(crate) from: usize,
}

/// Where the last `bytes` of a text begin, or the line behind that, if there is one in them.
fn tail(text: &str, bytes: usize) -> usize {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    match text[from..].find('\n') {
        Some(line) if from + line + 1 < text.len() => from + line + 1,
        _ => from,
    }
}

/// An answer goes on if there is room for so many tokens more.
const GOES_ON: u32 = 64;

/// That a prompt of this size does not fit.
pub(crate) fn too_long(size: PromptSize) -> Problem {
    let tokens = size.tokens.map_or_else(|| "?".to_owned(), |tokens| tokens.to_string());
    Problem::new(Code::PromptTooLong).with("tokens", tokens).with("context", size.context)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Questions 1, 3, 5 … with their answers, a new question behind them; each message takes ten tokens.
    fn next(messages: u32, left_out: u32) -> Next {
        let said = |id: u32| Said {
            id,
            speaker: if id % 2 == 1 { Speaker::User } else { Speaker::Assistant },
            text: "x".repeat(10),
            attachments: Vec::new(),
            also: String::new(),
        };
        let mut branch: Vec<Said> = (1..=messages).map(said).collect();
        branch.push(Said { id: Said::NEW, ..said(1) });
        Next { system: String::new(), branch, left_out, summary: String::new(), keeps: false }
    }

    fn fitting(next: &Next, context: u32) -> Result<u32, Code> {
        let size = |left_out| {
            let tokens = next.prompt(left_out).iter().map(|message| message.text.len() as u32).sum();
            Ok(PromptSize { tokens: Some(tokens), context, least: None })
        };
        next.fitting(size).map_err(|problem| problem.code)
    }

    #[test]
    fn the_end_of_a_text_begins_with_a_line_or_at_least_with_a_letter() {
        assert_eq!(tail("one\ntwo\nthree", 8), 8);
        assert_eq!(tail("one\ntwo", 100), 4);
        assert_eq!(tail("滝滝滝", 4), 6);
        assert_eq!((tail("end\n", 2), tail("", 5)), (2, 0));
    }

    #[test]
    fn a_summary_is_of_what_is_left_out_below_the_one_before() {
        let mut next = next(6, 2);
        next.summary = "of the first two".to_owned();
        let about = next.about(4, |said| if said.len() == 4 { "of four" } else { "?" });
        let texts: Vec<String> = about.prompt(about.left_out).into_iter().map(|said| said.text).collect();
        let x = "x".repeat(10);
        assert_eq!(texts[1..], ["of the first two", &x, &x, "of four"]);
        assert_eq!(about.prompt(4).len(), 3, "the summary before is read in any case");
        assert_eq!(next.prompt(4).len(), 3, "it tells nothing of what is left out besides");
        assert_eq!(next.prompt(2).len(), 7);
    }

    #[test]
    fn so_many_are_left_out_that_half_of_the_context_is_free() {
        // 21 messages of ten tokens; fewer than fifty remain: two questions with their answers would be five with the new one.
        assert_eq!(fitting(&next(20, 0), 100), Ok(18));
        assert_eq!(fitting(&next(20, 0), 110), Ok(16));
        assert_eq!(fitting(&next(20, 16), 60), Ok(20), "nothing above the question");
        assert_eq!(fitting(&next(20, 99), 60), Ok(20), "what was left out stands on another branch");
        assert_eq!(fitting(&next(20, 0), 15), Ok(20), "the question takes more than half");
        assert_eq!(fitting(&next(20, 0), 10), Err(Code::PromptTooLong));
        assert_eq!(fitting(&next(0, 0), 10), Err(Code::PromptTooLong));
        let busy = next(20, 0).fitting(|_| Err(Problem::new(Code::Busy)));
        assert_eq!(busy.unwrap_err().code, Code::Busy);
    }
}
