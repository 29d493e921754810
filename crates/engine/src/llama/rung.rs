//! A model at work on a text.

use std::cell::Cell;
use std::time::{Duration, Instant};

use cascade::{Branch, LanguageModel, Logits, Meanwhile, Token, VocabId};
use llama_cpp_2::LlamaContextLoadError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;
use protocol::learned::Threads;

use super::beside::Helper;
use super::{Mode, WIDEST, Weights};
use crate::by_text::Unfaithful;

mod fallback;
mod held;

use fallback::Fallback;
pub(crate) use held::Copied;

/// Most branches of one pass: each is a sequence of its own for as long as the pass lasts.
pub(super) const BRANCHES: usize = 8;

/// With fewer tokens that are only read, a pass is one that comes often.
const OFTEN: usize = 8;

/// The sequence that a context holds; those behind it are the branches'.
const SEQUENCE: i32 = 0;

/// A model with its KV cache: one rung of a ladder.
pub(crate) struct LlamaRung<'m> {
    weights: &'m Weights,
    mode: Mode,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    capacity: usize,
    held: usize,
    /// Rows of the last pass, put side by side.
    scores: Vec<f32>,
    /// Whether passes may have branches: in exact mode, and where they proved wrong, never.
    may_branch: bool,
    /// Positions of the last pass's branches.
    branched: Vec<usize>,
    threads: Threads,
    /// What its tokens are to others, if these have some that it has not.
    translated: Option<Translated>,
    /// What it needs to take fewer threads by itself; None where their number must stay.
    fallback: Option<Fallback<'m>>,
    /// Widths that its passes are filled up to, in rising order.
    fills: Vec<usize>,
    /// Runs its passes while drafts compute, if they do so on other devices.
    helper: Option<Helper>,
}

/// A vocabulary that is nearly the model's own, in whose tokens it is spoken to.
struct Translated {
    vocab: VocabId,
    /// So many tokens, from the first on, mean the same.
    shared: usize,
}

/// What llama.cpp refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LlamaError {
    /// More tokens than fit.
    #[error("{asked} more tokens do not fit into a context of {capacity} that holds {held}")]
    Full {
        /// Tokens that were to be added.
        asked: usize,
        /// Tokens held.
        held: usize,
        /// Tokens that fit.
        capacity: usize,
    },
    /// The forward pass failed.
    #[error("the forward pass failed: {0}")]
    Decode(#[from] llama_cpp_2::DecodeError),
    /// Tokens cannot be taken back (recurrent and hybrid models).
    #[error("it cannot take tokens back")]
    NoRollBack,
    /// A context for another number of threads cannot be made.
    #[error("no other context: {0}")]
    Open(#[from] LlamaContextLoadError),
    /// What is held cannot be copied into another context.
    #[error("what it holds cannot be copied")]
    NotCopied,
    /// It was to draft by text and cannot.
    #[error(transparent)]
    Unfaithful(#[from] Unfaithful),
}

impl LlamaError {
    /// Whether what computes gave an error back in place of a pass.
    pub(crate) fn is_of_backend(&self) -> bool {
        matches!(self, Self::Decode(llama_cpp_2::DecodeError::Unknown(_)))
    }
}

impl<'m> LlamaRung<'m> {
    /// With `context` of `weights` on `threads`, which holds nothing yet and has room for `capacity` tokens.
    pub(super) fn new(
        weights: &'m Weights,
        context: LlamaContext<'m>,
        capacity: u32,
        threads: Threads,
        mode: Mode,
    ) -> Self {
        Self {
            weights,
            mode,
            context,
            batch: LlamaBatch::new(WIDEST, 1 + BRANCHES as i32),
            capacity: capacity as usize,
            held: 0,
            scores: Vec::new(),
            may_branch: false,
            branched: Vec::new(),
            threads,
            translated: None,
            fallback: None,
            fills: Vec::new(),
            helper: None,
        }
    }

    /// From now on its passes are filled up to these widths, in rising order: what llama.cpp records of a pass on a device is of use for one
    /// width alone. Only for models that can take tokens back.
    pub(crate) fn fill_up(&mut self, widths: &[usize]) {
        self.fills = widths.to_vec();
    }

    /// From now on drafts may compute while its passes run: they have other devices.
    pub(crate) fn compute_beside(&mut self) {
        self.helper = Helper::new().inspect_err(|error| tracing::warn!(%error, "drafts wait for the target")).ok();
    }

    /// How wide a pass over `asked` tokens is to be, of which `rows` are scored; None for one that is as it is.
    fn filled(&self, asked: usize, rows: usize) -> Option<usize> {
        // What is recorded is of use for one number of scored tokens alone: all of them are. Long pieces of a prompt come once.
        let comes_often = asked - rows < OFTEN;
        let width = self.fills.iter().copied().find(|fill| *fill >= asked).filter(|_| comes_often);
        width.filter(|width| self.held + width <= self.capacity)
    }

    /// From now on it is spoken to in the tokens of `vocab`, of which the first `shared` are its own. Others it takes for its first token, and
    /// never says.
    pub(crate) fn translate(&mut self, vocab: VocabId, shared: usize) {
        self.translated = Some(Translated { vocab, shared });
    }

    /// On how many threads it runs now.
    pub(crate) fn threads(&self) -> Threads {
        self.threads
    }

    /// The model whose context this is.
    pub(crate) fn weights(&self) -> &'m Weights {
        self.weights
    }

    /// Takes tokens out of the cache; `held` follows only what really happened.
    fn remove_from(&mut self, len: usize) -> Result<(), LlamaError> {
        self.drop_branches()?;
        // Models that take no tokens back can at least begin anew. The cells' content stays until it is written over.
        if len > 0 {
            self.remove(SEQUENCE, len)?;
        } else if !matches!(self.context.clear_kv_cache_seq(None, None, None), Ok(true)) {
            self.context.clear_kv_cache();
        }
        self.held = self.held.min(len);
        Ok(())
    }

    /// Lets passes have branches, or not.
    pub(crate) fn let_branch(&mut self, may: bool) {
        self.may_branch = may;
    }

    /// A token belongs to the context's sequence and to that of every branch behind it; a branch to its own.
    fn fill_batch(&mut self, tokens: &[Token], rows: usize, branches: &[Branch]) -> bool {
        self.batch.clear();
        let mut of = [SEQUENCE; 1 + BRANCHES];
        for (index, token) in tokens.iter().enumerate() {
            let mut count = 1;
            for (branch, _) in branches.iter().enumerate().filter(|(_, branch)| branch.at > index) {
                of[count] = sequence(branch);
                count += 1;
            }
            let (token, position) = (self.own(*token), (self.held + index) as i32);
            if self.batch.add(token, position, &of[..count], index + rows >= tokens.len()).is_err() {
                return false;
            }
        }
        branches.iter().enumerate().all(|(index, branch)| {
            let (token, position) = (self.own(branch.token), (self.held + branch.at) as i32);
            self.batch.add(token, position, &[sequence(index)], true).is_ok()
        })
    }

    /// The token as the model knows it.
    fn own(&self, token: Token) -> LlamaToken {
        let known = self.translated.as_ref().is_none_or(|translated| (token as usize) < translated.shared);
        LlamaToken(if known { token as i32 } else { 0 })
    }

    /// Gives each branch of the coming pass what is held.
    fn open_branches(&mut self, branches: &[Branch]) -> Result<(), LlamaError> {
        for (index, branch) in branches.iter().enumerate() {
            self.branched.push(self.held + branch.at);
            self.context
                .copy_kv_cache_seq(SEQUENCE, sequence(index), None, None)
                .map_err(|_| LlamaError::NoRollBack)?;
        }
        Ok(())
    }

    fn drop_branches(&mut self) -> Result<(), LlamaError> {
        for index in 0..self.branched.len() {
            self.remove(sequence(index), 0)?;
        }
        self.branched.clear();
        Ok(())
    }

    /// One pass, and something to do while it runs; then it is told how long it took of itself.
    fn pass(
        &mut self,
        tokens: &[Token],
        rows: usize,
        branches: &[Branch],
        meanwhile: Option<(&mut Meanwhile<'_>, &Cell<Option<Duration>>)>,
    ) -> Result<Logits<'_>, LlamaError> {
        self.drop_branches()?;
        if self.fallback.as_ref().is_some_and(|fallback| fallback.is_due) {
            self.fall_back();
        }
        let asked = tokens.len() + branches.len();
        let full = LlamaError::Full { asked, held: self.held, capacity: self.capacity };
        let filled = self.filled(asked, rows + branches.len());
        let scored = if filled.is_some() { tokens.len() } else { rows };
        if asked > (self.capacity - self.held).min(WIDEST) || !self.fill_batch(tokens, scored, branches) {
            return Err(full);
        }
        for index in 0..filled.map_or(0, |filled| filled - asked) {
            let position = self.held + tokens.len() + index;
            if self.batch.add(LlamaToken(0), position as i32, &[SEQUENCE], true).is_err() {
                return Err(full);
            }
        }
        self.open_branches(branches)?;
        let began = Instant::now();
        let decoded = match meanwhile.zip(self.helper.as_mut()) {
            Some(((meanwhile, lasted), helper)) => helper.decode(&mut self.context, &mut self.batch, meanwhile, lasted),
            None => self.context.decode(&mut self.batch),
        };
        if let Err(error) = decoded {
            // Some of it may have gone in: back to what is known, or to nothing.
            if self.remove_from(self.held).is_err() {
                self.remove_from(0)?;
            }
            return Err(error.into());
        }
        if let Some(fallback) = &mut self.fallback {
            fallback.is_due |= fallback.hold_up.is_held_up(asked, began.elapsed().as_secs_f64());
        }
        self.held += tokens.len();
        if filled.is_some_and(|filled| filled > asked) && self.remove(SEQUENCE, self.held).is_err() {
            self.remove_from(0)?;
            return Err(LlamaError::NoRollBack);
        }
        let first = tokens.len() - rows;
        if let Some(Translated { vocab, shared }) = &self.translated {
            self.scores.clear();
            for index in first..asked {
                self.scores.extend_from_slice(&self.context.get_logits_ith(index as i32)[..*shared]);
                self.scores.resize(self.scores.len() + vocab.size - shared, f32::NEG_INFINITY);
            }
            return Ok(Logits::new(&self.scores, vocab.size));
        }
        if rows == 1 && branches.is_empty() {
            return Ok(Logits::new(self.context.get_logits_ith(first as i32), self.weights.vocab.size));
        }
        if first < asked {
            let [top, last] = [first, asked - 1].map(|index| self.context.get_logits_ith(index as i32));
            if let Some(scores) = between(top, last, asked - first) {
                return Ok(Logits::new(scores, self.weights.vocab.size));
            }
        }
        self.scores.clear();
        for index in first..asked {
            self.scores.extend_from_slice(self.context.get_logits_ith(index as i32));
        }
        Ok(Logits::new(&self.scores, self.weights.vocab.size))
    }

    /// Takes the tokens from position `from` on out of `sequence`.
    fn remove(&mut self, sequence: i32, from: usize) -> Result<(), LlamaError> {
        match self.context.clear_kv_cache_seq(Some(sequence as u32), Some(from as u32), None) {
            Ok(true) => Ok(()),
            _ => Err(LlamaError::NoRollBack),
        }
    }
}

/// The `rows` rows of scores from `top` to `last` as one, if they lie one behind the other: llama.cpp has those of a pass in one buffer, in
/// order unless it had to divide the pass.
#[allow(unsafe_code)]
fn between<'a>(top: &'a [f32], last: &'a [f32], rows: usize) -> Option<&'a [f32]> {
    let before = (rows - 1) * top.len();
    if !std::ptr::eq(last.as_ptr(), top.as_ptr().wrapping_add(before)) {
        return None;
    }
    let start = std::ptr::with_exposed_provenance(top.as_ptr().addr());
    // SAFETY: `top` and `last` are rows of the one buffer that the context has for the scores of its latest pass, and as the last stands exactly
    // so many rows behind the first, all between them is of that buffer too, which C made. Nothing writes there while `'a` lasts: that takes
    // another pass, which needs the context mutably.
    Some(unsafe { std::slice::from_raw_parts(start, before + last.len()) })
}

/// The sequence of branch `index`.
fn sequence(index: usize) -> i32 {
    SEQUENCE + 1 + index as i32
}

impl LanguageModel for LlamaRung<'_> {
    type Error = LlamaError;

    fn vocab(&self) -> &VocabId {
        self.translated.as_ref().map_or(&self.weights.vocab, |translated| &translated.vocab)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn len(&self) -> usize {
        self.held
    }

    fn truncate(&mut self, len: usize) -> Result<(), LlamaError> {
        if len < self.held { self.remove_from(len) } else { Ok(()) }
    }

    fn wipe(&mut self) -> Result<(), LlamaError> {
        self.drop_branches()?;
        // Writes zeros over all keys and values: a quarter of a gigabyte for a middling model.
        self.context.clear_kv_cache();
        self.held = 0;
        Ok(())
    }

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, LlamaError> {
        self.extend_with(tokens, rows, &[])
    }

    fn branches(&self) -> usize {
        if self.may_branch { BRANCHES } else { 0 }
    }

    fn extend_with(&mut self, tokens: &[Token], rows: usize, branches: &[Branch]) -> Result<Logits<'_>, LlamaError> {
        self.pass(tokens, rows, branches, None)
    }

    fn computes_beside(&self) -> bool {
        self.helper.is_some()
    }

    fn extend_beside(
        &mut self,
        tokens: &[Token],
        rows: usize,
        branches: &[Branch],
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Logits<'_>, LlamaError> {
        let lasted = Cell::new(None);
        let logits = self.pass(tokens, rows, branches, Some((meanwhile, &lasted)))?;
        Ok(lasted.get().map_or(logits, |lasted| logits.lasting(lasted)))
    }

    fn take(&mut self, index: usize) -> Result<(), LlamaError> {
        let Some(&at) = self.branched.get(index) else { return Err(LlamaError::NoRollBack) };
        self.remove(SEQUENCE, at)?;
        self.held = at;
        let [from, to] = [at, at + 1].map(|position| Some(position as u32));
        self.context.copy_kv_cache_seq(sequence(index), SEQUENCE, from, to).map_err(|_| LlamaError::NoRollBack)?;
        self.held = at + 1;
        self.drop_branches()
    }
}

#[cfg(test)]
#[path = "rung_tests.rs"]
mod tests;
