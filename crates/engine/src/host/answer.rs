use protocol::worker::{Event, Format, Generate, Message};
use protocol::{Code, Problem, Receipt, ReviewRule, Sampling};

/// A request for one answer.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Ask {
    /// The conversation, ending with the user's message.
    pub messages: Vec<Message>,
    /// Text that the answer begins with, for going on behind it; it is not given again.
    pub begun: String,
    /// At most this many answer tokens, those of what was begun included; None goes on to the end of the context.
    pub max_tokens: Option<u32>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// How proposed tokens are reviewed; `Coupled` alone goes with exact mode.
    pub review_rule: ReviewRule,
    /// What the answer has to look like; None allows everything.
    pub format: Option<Format>,
    /// False: the target alone.
    pub cascade: bool,
    /// A K matrix to be played as it stands, for measuring and proving; None leaves the choice to the adaptive policy.
    pub k: Option<Vec<Vec<u32>>>,
    /// The ladder's own K matrix is played as it stands, without what was left out of the ladder.
    pub matrix: bool,
    /// The answer ends where it goes round in a circle: some tokens after that is sure.
    pub ends_repeats: bool,
    /// The adaptive policy forgets first what it has learned of the ladder, for measuring first answers.
    pub unlearned: bool,
    /// Drafts wait while the target looks, even where they have a device of their own, for measuring what drafting ahead brings.
    pub drafts_wait: bool,
    /// The target looks at no second choices beside what was proposed, for measuring what they bring.
    pub in_line: bool,
}

impl Ask {
    /// The target alone, greedy, to its end: what every other request differs from.
    pub fn plain(messages: Vec<Message>) -> Self {
        Self {
            messages,
            begun: String::new(),
            max_tokens: None,
            sampling: Sampling::default(),
            review_rule: ReviewRule::Coupled,
            format: None,
            cascade: false,
            k: None,
            matrix: false,
            ends_repeats: false,
            unlearned: false,
            drafts_wait: false,
            in_line: false,
        }
    }
}

/// What happens while an answer is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Answering {
    /// The prompt is being read.
    Reading {
        /// Tokens read.
        done: u32,
        /// Tokens in all.
        total: u32,
    },
    /// New text behind what came before.
    Text {
        /// Whole characters; may be empty while one is incomplete.
        text: String,
        /// The new tokens.
        tokens: Vec<u32>,
        /// For each token the rung that wrote it: 0 the target, then the drafts, last Max-Gram.
        writers: Vec<u8>,
    },
    /// The worker died; another one goes on behind the text so far.
    Resuming(Problem),
}

/// How often in a row a worker may die without having written anything new.
const GIVE_UP: u32 = 3;

/// An answer in progress, across workers.
pub(super) struct Progress<'a> {
    ask: &'a Ask,
    tokens: Vec<u32>,
    /// Tokens by rung from workers that died.
    inherited: Vec<u32>,
    /// Tokens by rung from the worker at work.
    written: Vec<u32>,
    /// Rungs in the order in which they wrote, with the characters that are each one's own.
    spans: Vec<(u8, u32)>,
    restarts: u32,
    /// Deaths since the last new token.
    fruitless: u32,
    /// Passes of the target that gave text, of the worker at work and of those that died.
    passes: [u32; 2],
}

/// What an event means for the answer.
pub(super) enum Turn {
    GoesOn,
    Done(Result<Box<Receipt>, Problem>),
}

impl<'a> Progress<'a> {
    pub(super) fn new(ask: &'a Ask) -> Self {
        Self {
            ask,
            tokens: Vec::new(),
            inherited: Vec::new(),
            written: Vec::new(),
            spans: Vec::new(),
            restarts: 0,
            fruitless: 0,
            passes: [0; 2],
        }
    }

    /// The request, from where the answer stands.
    pub(super) fn request(&self, id: u32) -> Generate {
        Generate {
            id,
            messages: self.ask.messages.clone(),
            begun: self.ask.begun.clone(),
            shown: self.tokens.clone(),
            max_tokens: self.ask.max_tokens,
            sampling: self.ask.sampling.clone(),
            review_rule: self.ask.review_rule,
            format: self.ask.format.clone(),
            cascade: self.ask.cascade,
            k: self.ask.k.clone(),
            matrix: self.ask.matrix,
            unlearned: self.ask.unlearned,
            drafts_wait: self.ask.drafts_wait,
            in_line: self.ask.in_line,
        }
    }

    /// Takes in an event of request `id`; others are left over from earlier ones.
    pub(super) fn take(&mut self, id: u32, event: Event, on: &mut dyn FnMut(Answering)) -> Turn {
        match event {
            Event::Reading { id: of, done, total } if of == id => on(Answering::Reading { done, total }),
            Event::Text { id: of, text, tokens, writers, lengths } if of == id => {
                self.tokens.extend_from_slice(&tokens);
                self.fruitless = 0;
                self.passes[0] += 1;
                add(&mut self.written, &writers);
                writers.iter().zip(lengths).for_each(|(writer, length)| self.span(*writer, length));
                on(Answering::Text { text, tokens, writers });
            }
            Event::Finished { id: of, receipt, .. } if of == id => return Turn::Done(Ok(self.complete(receipt))),
            Event::Failed { id: Some(of), problem } if of == id => return Turn::Done(Err(problem)),
            _ => {}
        }
        Turn::GoesOn
    }

    /// The worker died, perhaps because a device, called so, was `lost`. Says what to tell the person, or that it is no use.
    pub(super) fn died(&mut self, lost: Option<String>) -> Result<Problem, Problem> {
        self.restarts += 1;
        // What is lost is done without: that comes to an end by itself.
        self.fruitless += u32::from(lost.is_none());
        self.passes[1] += std::mem::take(&mut self.passes[0]);
        for (index, count) in std::mem::take(&mut self.written).into_iter().enumerate() {
            *slot(&mut self.inherited, index) += count;
        }
        match (self.fruitless >= GIVE_UP, lost) {
            (true, _) => Err(Problem::new(Code::WorkerGaveUp)),
            (false, Some(device)) => Ok(Problem::new(Code::DeviceLost).with("device", device)),
            (false, None) => Ok(Problem::new(Code::WorkerRestarted)),
        }
    }

    /// Whether a worker has died without a new token since.
    pub(super) fn is_fruitless(&self) -> bool {
        self.fruitless > 0
    }

    fn span(&mut self, writer: u8, characters: u32) {
        match self.spans.last_mut() {
            Some((last, length)) if *last == writer => *length += characters,
            _ => self.spans.push((writer, characters)),
        }
    }

    /// Adds what dead workers wrote; what they tried in vain nobody knows any more.
    fn complete(&mut self, mut receipt: Box<Receipt>) -> Box<Receipt> {
        receipt.restarts = self.restarts;
        receipt.written = std::mem::take(&mut self.spans);
        if self.restarts > 0 {
            // Each of their passes came with its text.
            receipt.target_passes += self.passes[1];
            let passes = f64::from(receipt.target_passes);
            receipt.tokens_per_pass = if passes > 0.0 { self.tokens.len() as f64 / passes } else { 0.0 };
            if self.inherited.iter().skip(1).any(|count| *count > 0) {
                receipt.stood_aside = None;
            }
        }
        for (rung, count) in receipt.rungs.iter_mut().zip(&self.inherited) {
            rung.accepted += count;
            rung.proposed += count;
        }
        receipt
    }
}

fn add(counts: &mut Vec<u32>, writers: &[u8]) {
    for writer in writers {
        *slot(counts, usize::from(*writer)) += 1;
    }
}

fn slot(counts: &mut Vec<u32>, index: usize) -> &mut u32 {
    if counts.len() <= index {
        counts.resize(index + 1, 0);
    }
    &mut counts[index]
}
