//! Drafting by text: for a target that cuts text into other tokens.
//!
//! The draft reads the text in tokens of its own and says what comes next in them; what it said is cut into the target's tokens. This is slower than
//! sharing tokens: the text's end is read anew when the target goes on otherwise, a token is sure only once something stands behind
//! it, and the draft's probabilities are of other things than the target's tokens, so that what it proposes is reviewed as a copy is.
//! (String-level exact match of arXiv 2502.05202.)

mod alignment;

use cascade::{LanguageModel, Logits, Token, VocabId};

use crate::best::{best, share};
use alignment::Proposal;
pub(crate) use alignment::{Alignment, Specials, Tokenizer, Unfaithful};

/// Most tokens that the draft reads in one pass.
const PART: usize = 128;

/// A draft model that is spoken to in the target's tokens and thinks in its own.
pub(crate) struct ByText<'m, M, T> {
    model: M,
    alignment: Alignment<'m, T>,
    /// The target's vocabulary.
    vocab: VocabId,
    /// What the model would say behind its tokens, if it was asked, and how sure it is of that.
    next: Option<(Token, f32)>,
    /// Rows of the target's vocabulary; where they are not −∞.
    scores: Vec<f32>,
    known: Vec<usize>,
    /// How sure it is of each row's token.
    sure: Vec<f32>,
}

impl<'m, M, T> ByText<'m, M, T>
where
    M: LanguageModel,
    M::Error: From<Unfaithful>,
    T: Tokenizer,
{
    /// `model` holds nothing that counts yet; `alignment` is empty, and `vocab` the target's.
    pub(crate) fn new(model: M, alignment: Alignment<'m, T>, vocab: VocabId) -> Self {
        Self { model, alignment, vocab, next: None, scores: Vec::new(), known: Vec::new(), sure: Vec::new() }
    }

    /// The model that drafts.
    pub(crate) fn model(&self) -> &M {
        &self.model
    }

    /// The model that drafts; what it holds must stay.
    pub(crate) fn model_mut(&mut self) -> &mut M {
        &mut self.model
    }

    /// Reads what of the text the model has not, and if it `is_asked`, finds out what it would say behind that and what it has said already.
    fn read(&mut self, is_asked: bool) -> Result<(), M::Error> {
        self.alignment.align()?;
        let (known, all) = (self.alignment.known(), self.alignment.own_len());
        if known < all || self.model.len() != known {
            self.next = None;
        }
        self.keep(known)?;
        while self.model.len() < all {
            let held = self.model.len();
            let to = all.min(held + PART);
            self.pass(held, to, is_asked && to == all)?;
        }
        if is_asked && self.next.is_none() && all > 0 {
            self.keep(all - 1)?;
            self.pass(self.model.len(), all, true)?;
        }
        Ok(())
    }

    /// Has the model hold no more than the first `len` of its tokens; less if it can only forget everything.
    fn keep(&mut self, len: usize) -> Result<(), M::Error> {
        if self.model.len() > len && self.model.truncate(len).is_err() {
            self.model.truncate(0)?;
        }
        self.alignment.set_known(self.model.len());
        Ok(())
    }

    /// One pass over the model's tokens `from`, of which it holds those before, to `to`.
    fn pass(&mut self, from: usize, to: usize, is_asked: bool) -> Result<(), M::Error> {
        let tokens: Vec<Token> = self.alignment.own(from).take(to - from).collect();
        let logits = self.model.extend(&tokens, usize::from(is_asked));
        let next = logits.map(|logits| best(logits.row(0).unwrap_or_default()));
        self.alignment.set_known(self.model.len());
        let next = next?;
        self.next = next.first().map(|(token, _)| (*token, share(&next)));
        Ok(())
    }

    /// The target's next token and how sure the model is of it, if it knows one.
    fn next(&mut self) -> Result<Option<(Token, f32)>, M::Error> {
        self.read(true)?;
        while let Some((next, sure)) = self.next {
            match self.alignment.proposal((next, sure)) {
                Proposal::Token { token, sure: of_all, takes_next } => {
                    if takes_next && self.model.len() < self.model.capacity() {
                        // It is read when the text goes on.
                        self.alignment.say(next, sure);
                        self.next = None;
                    }
                    return Ok(Some((token, of_all)));
                }
                Proposal::Nothing => break,
                Proposal::More if self.model.len() >= self.model.capacity() => break,
                Proposal::More => {
                    self.alignment.say(next, sure);
                    self.read(true)?;
                }
            }
        }
        Ok(None)
    }

    /// Takes in `tokens`; behind each of the last `rows` says what it knows.
    fn take_in(&mut self, tokens: &[Token], rows: usize) -> Result<(), M::Error> {
        let (first, others) = tokens.split_at(tokens.len() - rows);
        for token in first {
            self.alignment.push(*token);
        }
        if rows == 0 {
            return self.read(false);
        }
        for (row, token) in others.iter().enumerate() {
            self.alignment.push(*token);
            let next = self.next()?;
            if let Some((token, _)) = next.filter(|(token, _)| (*token as usize) < self.vocab.size) {
                let place = row * self.vocab.size + token as usize;
                self.scores[place] = 0.0;
                self.known.push(place);
            }
            self.sure.push(next.map_or(0.0, |(_, sure)| sure));
        }
        Ok(())
    }
}

impl<M, T> LanguageModel for ByText<'_, M, T>
where
    M: LanguageModel,
    M::Error: From<Unfaithful>,
    T: Tokenizer,
{
    type Error = M::Error;

    fn vocab(&self) -> &VocabId {
        &self.vocab
    }

    fn capacity(&self) -> usize {
        // In its own tokens, of which a text may have more: the model says so once it is full.
        self.model.capacity()
    }

    fn len(&self) -> usize {
        self.alignment.len()
    }

    fn truncate(&mut self, len: usize) -> Result<(), M::Error> {
        // The model follows at the next pass: what it said may turn out right.
        self.alignment.truncate(len);
        Ok(())
    }

    fn wipe(&mut self) -> Result<(), M::Error> {
        self.model.wipe()?;
        self.alignment.clear();
        self.next = None;
        Ok(())
    }

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, M::Error> {
        for place in self.known.drain(..) {
            self.scores[place] = f32::NEG_INFINITY;
        }
        self.scores.resize(rows * self.vocab.size, f32::NEG_INFINITY);
        self.sure.clear();
        let before = self.alignment.len();
        if let Err(error) = self.take_in(tokens, rows) {
            self.alignment.truncate(before);
            return Err(error);
        }
        Ok(Logits::of_one(&self.scores, self.vocab.size, &self.sure))
    }

    fn reviews(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod toys;
