use std::time::Duration;

use crate::model::{Branch, LanguageModel, Logits, Meanwhile, Token};
use crate::reading::Reading;

/// A model with the knowledge of how much of the common text it holds.
#[derive(Debug)]
pub(crate) struct Rung<M> {
    pub(crate) model: M,
    /// How many of the model's tokens are known to equal the text's; what it holds beyond is stale.
    valid: usize,
    /// Prompt tokens per pass.
    chunk: usize,
    /// How many of the valid tokens were read in whole chunks, each beginning at a multiple of the chunk: reading them anew
    /// would be the very same passes.
    in_chunks: usize,
    /// How much its inner review may let pass; 1 for the target.
    pub(crate) lenience: f32,
    /// Why it takes no further part in this answer.
    pub(crate) left_out: Option<String>,
    /// Forward passes and the time in them, reading the prompt not counted.
    pub(crate) passes: usize,
    pub(crate) time: Duration,
    /// For its reviews.
    pub(crate) bench: Bench,
}

/// Who can propose for a review, by rung; kept so that a warm run does not allocate.
#[derive(Debug, Default)]
pub(crate) struct Bench {
    /// See `View`.
    pub(crate) available: Vec<bool>,
    /// See `View`.
    pub(crate) behind: Vec<usize>,
    /// See `View`.
    pub(crate) reviews: Vec<bool>,
}

/// Why a rung could not score the text.
#[derive(Debug)]
pub(crate) enum Fault<E> {
    /// The model's own error.
    Model(E),
    /// The model answered with something that cannot be right.
    Lies(&'static str),
}

impl<M: LanguageModel> Rung<M> {
    pub(crate) fn new(model: M, lenience: f32) -> Self {
        // What a model held before it came here is unknown: nothing of it is trusted.
        let (left_out, time, bench) = (None, Duration::ZERO, Bench::default());
        Self { model, valid: 0, chunk: 0, in_chunks: 0, lenience, left_out, passes: 0, time, bench }
    }

    /// The text was cut to `len` tokens.
    pub(crate) fn text_cut(&mut self, len: usize) {
        self.valid = self.valid.min(len);
        self.in_chunks = self.in_chunks.min(len);
    }

    /// The size of the chunks that the next prompt is read in.
    pub(crate) fn set_chunk(&mut self, chunk: usize) {
        if self.chunk != chunk {
            (self.chunk, self.in_chunks) = (chunk, 0);
        }
    }

    /// Drops what reading anew would not give bit for bit.
    pub(crate) fn keep_chunks(&mut self) {
        self.text_cut(self.in_chunks.min(self.valid) / self.chunk * self.chunk);
    }

    /// How many tokens of the text it has read.
    pub(crate) fn read(&self) -> usize {
        self.valid
    }

    /// What it has read of the text. It holds that, and nothing else behind [`Self::drop_stale`].
    pub(crate) fn reading(&self) -> Reading {
        Reading { tokens: self.valid, chunk: self.chunk, in_chunks: self.in_chunks }
    }

    /// The model was given what `reading` tells, or nothing that is known.
    pub(crate) fn hold(&mut self, reading: Option<Reading>) {
        let held = reading.filter(|reading| reading.tokens == self.model.len());
        (self.valid, self.chunk, self.in_chunks) =
            held.map_or((0, 0, 0), |held| (held.tokens, held.chunk, held.in_chunks.min(held.tokens)));
    }

    /// Forgets the whole text (at the next pass).
    pub(crate) fn forget(&mut self) {
        self.text_cut(0);
    }

    pub(crate) fn reset_tally(&mut self) {
        self.left_out = None;
        self.passes = 0;
        self.time = Duration::ZERO;
    }

    /// Reads `text` from where it stands up to `to` in one pass and returns the last `rows` logits.
    ///
    /// `text[..to]` is longer than what was read, and `rows` at most the number of tokens still to read.
    pub(crate) fn read_to(&mut self, text: &[Token], to: usize, rows: usize) -> Result<Logits<'_>, Fault<M::Error>> {
        self.read_with(text, to, rows, &[], None)
    }

    /// The same with one more row for each of `branches`, and with something to do while the pass runs.
    pub(crate) fn read_with(
        &mut self,
        text: &[Token],
        to: usize,
        rows: usize,
        branches: &[Branch],
        meanwhile: Option<&mut Meanwhile<'_>>,
    ) -> Result<Logits<'_>, Fault<M::Error>> {
        self.drop_stale()?;
        let from = self.valid;
        let width = self.model.vocab().size;
        let tokens = &text[self.valid..to];
        let logits = match meanwhile {
            Some(meanwhile) => self.model.extend_beside(tokens, rows, branches, meanwhile),
            None if branches.is_empty() => self.model.extend(tokens, rows),
            None => self.model.extend_with(tokens, rows, branches),
        };
        let logits = logits.map_err(Fault::Model)?;
        if logits.rows() != rows + branches.len() || logits.row(0).is_some_and(|row| row.len() != width) {
            return Err(Fault::Lies("it returned the wrong number of scores"));
        }
        self.valid = to;
        if self.in_chunks == from && to == from + self.chunk && from.is_multiple_of(self.chunk) {
            self.in_chunks = to;
        }
        Ok(logits)
    }

    /// The text, which was cut, has again become what the model held of it: its first `len` tokens, if it still holds as many.
    pub(crate) fn holds(&mut self, len: usize) {
        if self.model.len() >= len {
            self.valid = self.valid.max(len);
        }
    }

    /// Has the model hold branch `index` of its last pass as the token at `at`. If it cannot, the token is read again.
    pub(crate) fn take(&mut self, index: usize, at: usize) {
        if self.model.take(index).is_ok() && self.valid == at && self.model.len() == at + 1 {
            self.valid = at + 1;
        }
    }

    /// Makes the model hold exactly the text's first `valid` tokens.
    pub(crate) fn drop_stale(&mut self) -> Result<(), Fault<M::Error>> {
        if self.model.len() > self.valid
            && let Err(refused) = self.model.truncate(self.valid)
        {
            // Some models can only forget everything; then everything is read again.
            self.model.truncate(0).map_err(|_| Fault::Model(refused))?;
        }
        // After a failed pass or a refused roll-back it holds less: a prefix, as the trait demands.
        self.text_cut(self.model.len());
        Ok(())
    }

    /// What its passes take on average; without any for ever.
    pub(crate) fn usual(&self) -> Duration {
        self.time.checked_div(self.passes as u32).unwrap_or(Duration::MAX)
    }

    /// Counts a pass that took `time`.
    pub(crate) fn count(&mut self, time: Duration) {
        self.passes += 1;
        self.time += time;
    }
}

impl<E: std::error::Error> Fault<E> {
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Model(error) => error.to_string(),
            Self::Lies(what) => (*what).to_owned(),
        }
    }
}
