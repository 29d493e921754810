//! What a model holds of a text, taken to another context of it.

use llama_cpp_2::SeqState;
use llama_cpp_2::context::session::LlamaStateSeqFlags;
use protocol::learned::Threads;

use super::{LlamaError, LlamaRung, SEQUENCE};
use crate::llama::{Llama, Mode, WIDEST};

/// A copy of what a model holds.
pub(crate) struct Copied(SeqState);

impl LlamaRung<'_> {
    /// Bytes that another number of threads takes for a moment: there are two contexts then, each with room for the scores of its
    /// widest pass, and a copy of what is held.
    pub(crate) fn reopening(&self) -> u64 {
        let scores = (WIDEST * self.weights.vocab.size * size_of::<f32>()) as u64;
        scores + 2 * self.weights.cache_bytes(u32::try_from(self.capacity).unwrap_or(u32::MAX), self.mode)
    }

    /// Goes on with so many threads: the library lets them be chosen only with a context, so that takes another one, into
    /// which is copied what is held.
    ///
    /// # Errors
    /// The other context cannot be made or filled; everything is as before.
    pub(crate) fn reopen(&mut self, llama: &Llama, threads: Threads) -> Result<(), LlamaError> {
        let capacity = u32::try_from(self.capacity).unwrap_or(u32::MAX);
        self.drop_branches()?;
        let mut other = self.weights.open(llama, capacity, threads, self.mode)?;
        if self.held > 0 {
            other.state_seq_set(&self.copy_held()?.0, SEQUENCE).map_err(|_| LlamaError::NotCopied)?;
        }
        self.context = other;
        self.threads = threads;
        Ok(())
    }

    /// Bytes of a copy of what it holds.
    pub(crate) fn copy_bytes(&self) -> usize {
        self.context.state_seq_get_size_ext(SEQUENCE, LlamaStateSeqFlags::empty())
    }

    /// A copy of what it holds.
    ///
    /// # Errors
    /// The library cannot make one.
    pub(crate) fn copy_held(&self) -> Result<Copied, LlamaError> {
        let state = self.context.state_seq_get(SEQUENCE, LlamaStateSeqFlags::empty());
        // Where the library fails it gives an empty one.
        state.ok().filter(|state| state.byte_len() > 0).map(Copied).ok_or(LlamaError::NotCopied)
    }

    /// Holds what `copy` has: the first `tokens` of a text that another context of the same model, computing in the same way, has read.
    ///
    /// # Errors
    /// It does not fit or is something else; nothing is held then.
    pub(crate) fn fill(&mut self, copy: &Copied, tokens: usize) -> Result<(), LlamaError> {
        self.remove_from(0)?;
        if tokens > self.capacity {
            return Err(LlamaError::Full { asked: tokens, held: 0, capacity: self.capacity });
        }
        let is_set = self.context.state_seq_set(&copy.0, SEQUENCE).is_ok();
        if !is_set || self.context.kv_cache_seq_pos_max(SEQUENCE) != tokens as i32 - 1 {
            self.remove_from(0)?;
            return Err(LlamaError::NotCopied);
        }
        self.held = tokens;
        Ok(())
    }

    /// Whether what was computed in `mode` on `threads` is what it would compute itself: every bit where that counts.
    pub(crate) fn computes_as(&self, mode: Mode, threads: Threads) -> bool {
        self.mode == mode && (!mode.exact || self.threads == threads)
    }

    /// How it computes.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }
}
