//! How many tokens something is for the loaded target.

use std::sync::{MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use engine::{Ask, Call};
use protocol::chat::{Conversation, Part, PromptSize};
use protocol::worker::{Message, Speaker};
use protocol::{Code, Problem};
use store::Attachment;

use crate::app::App;
use crate::prompt::framed;
use crate::turns::Answering;

/// How long the engine may be at something else until it is called busy.
const PATIENCE: Duration = Duration::from_secs(3);

impl App {
    /// What the prompt would take of the context. None while nothing is loaded or the engine does something else.
    pub(crate) fn size_of(&self, messages: Vec<Message>) -> Option<PromptSize> {
        let context = self.engine.loaded()?.context;
        sized(self.count(messages)?, context).ok()
    }

    /// Tokens of a file as the model sees it. None as in [`Self::size_of`], or if it is more than could ever be sent.
    pub(crate) fn tokens_of(&self, file: &Attachment) -> Option<u32> {
        self.tokens_beyond(self.empty()?, file)
    }

    fn tokens_beyond(&self, empty: u32, file: &Attachment) -> Option<u32> {
        Some(self.said(framed(file))?.saturating_sub(empty))
    }

    /// Tokens of a message with next to nothing in it.
    fn empty(&self) -> Option<u32> {
        self.said(".".to_owned())
    }

    fn said(&self, text: String) -> Option<u32> {
        self.count(vec![Message { speaker: Speaker::User, text }])?.ok()
    }

    fn count(&self, messages: Vec<Message>) -> Option<Result<u32, Problem>> {
        let _one_at_a_time = self.counting.try_lock().ok()?;
        self.engine.loaded()?;
        // Nobody asked for a model to be loaded for this.
        let mut call = self.engine.begin().ok().filter(Call::holds)?;
        Some(counted(&mut call, messages))
    }

    /// What a prompt takes, for someone who waits for it.
    ///
    /// # Errors
    /// [`Code::NothingLoaded`]; [`Code::Busy`] while an answer is written; what is wrong with the prompt.
    pub(crate) fn size_now(&self, messages: Vec<Message>) -> Result<PromptSize, Problem> {
        self.size_unless(|| self.turns.is_answering(), messages)
    }

    /// The same for the answer whose turn it is.
    ///
    /// # Errors
    /// [`Code::NothingLoaded`]; [`Code::Cancelled`] once it was stopped; what is wrong with the prompt.
    pub(crate) fn size_in_turn(&self, _turn: &Answering, messages: Vec<Message>) -> Result<PromptSize, Problem> {
        if self.turns.is_stopped() {
            return Err(Problem::new(Code::Cancelled));
        }
        self.size_unless(|| self.turns.is_stopped(), messages)
    }

    /// Waits a little for the engine, unless `gives_up`: it takes in what was said or deleted, a moment.
    fn size_unless(&self, gives_up: impl Fn() -> bool, messages: Vec<Message>) -> Result<PromptSize, Problem> {
        let _one_at_a_time = self.after_counting();
        let context = self.engine.loaded().ok_or_else(|| Problem::new(Code::NothingLoaded))?.context;
        let patience = Instant::now() + PATIENCE;
        let mut call = loop {
            match self.engine.begin() {
                Err(_) if !gives_up() && Instant::now() < patience => thread::sleep(Duration::from_millis(20)),
                call => break call?,
            }
        };
        sized(counted(&mut call, messages), context)
    }

    /// The same with the engine in hand.
    ///
    /// # Errors
    /// [`Code::NothingLoaded`]; what is wrong with the prompt.
    pub(crate) fn size_with(&self, call: &mut Call<'_>, messages: Vec<Message>) -> Result<PromptSize, Problem> {
        let context = self.engine.loaded().ok_or_else(|| Problem::new(Code::NothingLoaded))?.context;
        sized(counted(call, messages), context)
    }

    /// Tells the tokens of the files in the composer.
    pub(crate) fn counted(&self, mut conversation: Conversation) -> Conversation {
        if conversation.attached.is_empty() {
            return conversation;
        }
        // Without it no file's tokens can be told: none is read for nothing.
        if let (Ok(disk), Some(empty)) = (self.disk(), self.empty()) {
            for card in &mut conversation.attached {
                // Of all of it, whatever is read: that is what is chosen by.
                let whole = disk.store.attachment(card.id).map(|file| Attachment { part: Part::Whole, ..file });
                card.tokens = whole.ok().and_then(|file| self.tokens_beyond(empty, &file));
            }
        }
        conversation
    }

    /// Waits until nothing is being counted: it must not make the engine look busy to what a person asks for.
    pub(crate) fn after_counting(&self) -> MutexGuard<'_, ()> {
        self.counting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn counted(call: &mut Call<'_>, messages: Vec<Message>) -> Result<u32, Problem> {
    call.record(&Ask { max_tokens: Some(0), ..Ask::plain(messages) }).map(|record| record.prompt.len() as u32)
}

/// What a prompt takes of a context of so many tokens; what is far too long is not counted.
fn sized(tokens: Result<u32, Problem>, context: u32) -> Result<PromptSize, Problem> {
    match tokens {
        Ok(tokens) => Ok(PromptSize { tokens: Some(tokens), context, least: None }),
        Err(problem) if problem.code == Code::TextTooLong => Ok(PromptSize { tokens: None, context, least: None }),
        Err(problem) => Err(problem),
    }
}
