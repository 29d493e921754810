//! What models have read, taken from one ladder to the next.

use crate::ladder::Cascade;
use crate::model::{LanguageModel, Token};

/// How far a model has read a ladder's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// How many of the text's tokens, from the first on.
    pub(crate) tokens: usize,
    /// Prompt tokens per pass.
    pub(crate) chunk: usize,
    /// How many of them were read in whole chunks.
    pub(crate) in_chunks: usize,
}

impl Reading {
    /// Of a model that holds the first `tokens` tokens of the text, read in whatever passes.
    pub fn of(tokens: usize) -> Self {
        Self { tokens, chunk: 0, in_chunks: 0 }
    }

    /// How many of the text's tokens, from the first on.
    pub fn tokens(&self) -> usize {
        self.tokens
    }
}

impl<M: LanguageModel> Cascade<M> {
    /// What the models were last given.
    pub fn text(&self) -> &[Token] {
        &self.text
    }

    /// Lets `look` see each model, the target first, with what it has read of the [text](Self::text): it holds that and nothing else then.
    pub fn look_at_readings(&mut self, mut look: impl FnMut(&mut M, Reading)) {
        for rung in &mut self.rungs {
            // One that cannot take back what is stale holds nothing; one that fails is not asked.
            if rung.drop_stale().is_ok() {
                let reading = rung.reading();
                look(&mut rung.model, reading);
            }
        }
    }

    /// Goes on with a text that another ladder's models have read: `fill` makes each model, the target first, hold what one of those held, and
    /// tells how far that had read. A model that it gives nothing for reads anew. Answers are the same, sooner.
    ///
    /// Only for a text in the target's own tokens.
    pub fn take_over(&mut self, text: Vec<Token>, mut fill: impl FnMut(&mut M) -> Option<Reading>) {
        self.text = text;
        for rung in &mut self.rungs {
            let reading = fill(&mut rung.model).filter(|reading| reading.tokens <= self.text.len());
            rung.hold(reading);
        }
        if let Some(max_gram) = &mut self.max_gram {
            max_gram.forget();
        }
    }
}
