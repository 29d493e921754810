//! llama.cpp: the only file that names `llama_cpp_2`.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::path::Path;
use std::rc::Rc;

use cascade::{Branch, LanguageModel, Logits, Token, VocabId};
use llama_cpp_2::LogOptions;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use protocol::learned::Threads;
use protocol::{Code, Problem};

use crate::fnv::Fnv;
use crate::shape::SPECIAL;
use crate::template::{Piece, Template};

/// Most tokens of one forward pass.
pub(crate) const WIDEST: usize = 512;

/// Most branches of one pass: each is a sequence of its own for as long as the pass lasts.
const BRANCHES: usize = 8;

/// The sequence that a context holds; those behind it are the branches'.
const SEQUENCE: i32 = 0;

/// `llama_flash_attn_type`: never, and wherever the device has it.
const FLASH_OFF: i32 = 0;
const FLASH_AUTO: i32 = -1;

/// llama.cpp, started. One per process.
#[derive(Debug)]
pub(crate) struct Llama {
    backend: LlamaBackend,
}

impl Llama {
    /// Starts llama.cpp and silences what it would print.
    ///
    /// # Errors
    /// It runs already in this process.
    pub(crate) fn start() -> Result<Self, Problem> {
        let wanted = std::env::var_os("TAKI_LLAMA_LOG").is_some();
        llama_cpp_2::send_logs_to_tracing(LogOptions::default().with_logs_enabled(wanted));
        let backend = LlamaBackend::init().map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
        Ok(Self { backend })
    }

    /// Reads a GGUF file. `progress` gets the share read, 0 to 1, and returns false to cancel.
    ///
    /// # Errors
    /// [`Code::ModelUnreadable`], [`Code::ModelRefused`], [`Code::Cancelled`].
    pub(crate) fn read(
        &self,
        path: &Path,
        mut progress: impl FnMut(f32) -> bool + 'static,
    ) -> Result<Weights, Problem> {
        if let Err(error) = std::fs::File::open(path) {
            return Err(Problem::new(Code::ModelUnreadable).with("path", path.display()).with("reason", error));
        }
        let cancelled = Rc::new(Cell::new(false));
        let seen = Rc::clone(&cancelled);
        let params = LlamaModelParams::default().with_progress_callback(move |fraction| {
            let go_on = progress(fraction);
            seen.set(!go_on);
            go_on
        });
        match LlamaModel::load_from_file(&self.backend, path, &params) {
            Ok(model) => Ok(Weights::new(model)),
            Err(_) if cancelled.get() => Err(Problem::new(Code::Cancelled)),
            Err(error) => Err(Problem::new(Code::ModelRefused).with("path", path.display()).with("reason", error)),
        }
    }
}

/// A model's weights and vocabulary.
#[derive(Debug)]
pub(crate) struct Weights {
    model: LlamaModel,
    vocab: VocabId,
}

impl Weights {
    fn new(model: LlamaModel) -> Self {
        let vocab = vocab_id(&model);
        Self { model, vocab }
    }

    /// Context length in tokens that it was trained for.
    pub(crate) fn trained_context(&self) -> u32 {
        self.model.n_ctx_train()
    }

    /// Bytes of its tensors.
    pub(crate) fn bytes(&self) -> u64 {
        self.model.size()
    }

    /// Bytes of keys and values for a context of `capacity` tokens, 16 bits each.
    pub(crate) fn cache_bytes(&self, capacity: u32) -> u64 {
        let model = &self.model;
        let head = u64::try_from(model.n_embd()).unwrap_or(0) / u64::from(model.n_head().max(1));
        let values = u64::from(model.n_layer()) * u64::from(model.n_head_kv()) * head;
        2 * 2 * values * u64::from(capacity)
    }

    /// Identity of its vocabulary.
    pub(crate) fn vocab(&self) -> &VocabId {
        &self.vocab
    }

    /// Every token that ends a generation.
    pub(crate) fn end_tokens(&self) -> Vec<Token> {
        let vocab = self.model.vocab();
        vocab.tokens().filter(|token| vocab.is_eog(*token)).map(|token| token.0 as Token).collect()
    }

    /// How it wants conversations to be written down.
    pub(crate) fn template(&self) -> Template {
        let source = self.model.chat_template(None).ok().and_then(|template| template.to_string().ok());
        let vocab = self.model.vocab();
        let text = |token: LlamaToken| {
            let known = (0..vocab.n_tokens()).contains(&token.0);
            if known {
                String::from_utf8_lossy(&vocab.token_to_piece(token, true, None)).into_owned()
            } else {
                String::new()
            }
        };
        let chat_marks = vocab.tokenize(b"<|im_start|>", false, true).len() == 1;
        Template::new(source, text(vocab.bos()), text(vocab.eos()), chat_marks)
    }

    /// Tokens of a prompt. Only markup may become special tokens.
    pub(crate) fn tokenize(&self, pieces: &[Piece]) -> Vec<Token> {
        let vocab = self.model.vocab();
        let mut tokens: Vec<LlamaToken> = Vec::new();
        for piece in pieces {
            let (text, markup) = match piece {
                Piece::Markup(text) => (text, true),
                Piece::Content(text) => (text, false),
            };
            tokens.extend(vocab.tokenize(text.as_bytes(), false, markup));
        }
        if vocab.should_add_bos() && tokens.first() != Some(&vocab.bos()) {
            tokens.insert(0, vocab.bos());
        }
        tokens.into_iter().map(|token| token.0 as Token).collect()
    }

    /// Appends the bytes of `token` as shown to a person; special tokens have none.
    pub(crate) fn bytes_of(&self, token: Token, bytes: &mut Vec<u8>) {
        if (token as usize) < self.vocab.size {
            self.model.vocab().token_to_piece_into(LlamaToken(token as i32), bytes, false, None);
        }
    }

    /// Tokens of plain text.
    pub(crate) fn tokens_of(&self, text: &[u8]) -> Vec<Token> {
        self.model.vocab().tokenize(text, false, false).into_iter().map(|token| token.0 as Token).collect()
    }

    /// The bytes of every token: as shown, or behind [`SPECIAL`] what a special token is called; empty if it has neither.
    pub(crate) fn spellings(&self) -> Vec<Vec<u8>> {
        let vocab = self.model.vocab();
        let spelling = |token: LlamaToken| {
            let mut bytes = vocab.token_to_piece(token, false, None);
            if bytes.is_empty() {
                bytes.push(SPECIAL);
                vocab.token_to_piece_into(token, &mut bytes, true, None);
            } else if bytes.first() == Some(&SPECIAL) {
                // A byte of its own that no text has: it would read as special.
                bytes.clear();
            }
            if bytes.len() == 1 && bytes[0] == SPECIAL { Vec::new() } else { bytes }
        };
        vocab.tokens().map(spelling).collect()
    }

    /// A context of `capacity` tokens on so many threads.
    ///
    /// # Errors
    /// [`Code::ModelRefused`]: there is not enough memory for it, most often.
    pub(crate) fn context(
        &self,
        llama: &Llama,
        capacity: u32,
        threads: Threads,
        exact: bool,
    ) -> Result<LlamaRung<'_>, llama_cpp_2::LlamaContextLoadError> {
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(capacity))
            .with_n_batch(WIDEST as u32)
            .with_n_ubatch(WIDEST as u32)
            .with_n_threads(i32::from(threads.single))
            .with_n_threads_batch(i32::from(threads.wide))
            // Flash attention sums in another order for another width (measured): exact mode goes without.
            .with_flash_attention_policy(if exact { FLASH_OFF } else { FLASH_AUTO })
            // Branches share the cells of what stands before them.
            .with_n_seq_max(if exact { 1 } else { 1 + BRANCHES as u32 })
            .with_kv_unified(true)
            .with_no_perf(true);
        let context = self.model.new_context(&llama.backend, params)?;
        // llama.cpp rounds the length up; what was asked for is the limit.
        let capacity = capacity.min(context.n_ctx()) as usize;
        let batch = LlamaBatch::new(WIDEST, 1 + BRANCHES as i32);
        let vocab = self.vocab.clone();
        Ok(LlamaRung {
            context,
            batch,
            vocab,
            capacity,
            held: 0,
            scores: Vec::new(),
            may_branch: false,
            branched: Vec::new(),
        })
    }
}

/// Tokens with their kinds, and the special ones: where all agree, a token means the same.
fn vocab_id(model: &LlamaModel) -> VocabId {
    let vocab = model.vocab();
    let mut hash = Fnv::default();
    for token in vocab.tokens() {
        hash.add(vocab.text(token).map_or(&[], std::ffi::CStr::to_bytes));
        hash.add(&vocab.attr(token).bits().to_le_bytes());
        hash.add(&[u8::from(vocab.is_eog(token))]);
    }
    for special in [vocab.bos(), vocab.eos()] {
        hash.add(&special.0.to_le_bytes());
    }
    VocabId { hash: hash.of(), size: vocab.n_tokens().max(0) as usize }
}

/// A model with its KV cache: one rung of a ladder.
pub(crate) struct LlamaRung<'m> {
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    vocab: VocabId,
    capacity: usize,
    held: usize,
    /// Rows of the last pass, put side by side.
    scores: Vec<f32>,
    /// Whether passes may have branches: in exact mode, and where they proved wrong, never.
    may_branch: bool,
    /// Positions of the last pass's branches.
    branched: Vec<usize>,
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
}

impl LlamaRung<'_> {
    /// Takes tokens out of the cache; `held` follows only what really happened.
    fn remove_from(&mut self, len: usize) -> Result<(), LlamaError> {
        self.drop_branches()?;
        if len == 0 {
            self.context.clear_kv_cache();
        } else {
            self.remove(SEQUENCE, len)?;
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
            let (token, position) = (LlamaToken(*token as i32), (self.held + index) as i32);
            if self.batch.add(token, position, &of[..count], index + rows >= tokens.len()).is_err() {
                return false;
            }
        }
        branches.iter().enumerate().all(|(index, branch)| {
            let (token, position) = (LlamaToken(branch.token as i32), (self.held + branch.at) as i32);
            self.batch.add(token, position, &[sequence(index)], true).is_ok()
        })
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

    /// Takes the tokens from position `from` on out of `sequence`.
    fn remove(&mut self, sequence: i32, from: usize) -> Result<(), LlamaError> {
        match self.context.clear_kv_cache_seq(Some(sequence as u32), Some(from as u32), None) {
            Ok(true) => Ok(()),
            _ => Err(LlamaError::NoRollBack),
        }
    }
}

/// The sequence of branch `index`.
fn sequence(index: usize) -> i32 {
    SEQUENCE + 1 + index as i32
}

impl LanguageModel for LlamaRung<'_> {
    type Error = LlamaError;

    fn vocab(&self) -> &VocabId {
        &self.vocab
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

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, LlamaError> {
        self.extend_with(tokens, rows, &[])
    }

    fn branches(&self) -> usize {
        if self.may_branch { BRANCHES } else { 0 }
    }

    fn extend_with(&mut self, tokens: &[Token], rows: usize, branches: &[Branch]) -> Result<Logits<'_>, LlamaError> {
        self.drop_branches()?;
        let asked = tokens.len() + branches.len();
        let full = LlamaError::Full { asked, held: self.held, capacity: self.capacity };
        if asked > (self.capacity - self.held).min(WIDEST) || !self.fill_batch(tokens, rows, branches) {
            return Err(full);
        }
        self.open_branches(branches)?;
        if let Err(error) = self.context.decode(&mut self.batch) {
            // Some of it may have gone in: back to what is known, or to nothing.
            if self.remove_from(self.held).is_err() {
                self.remove_from(0)?;
            }
            return Err(error.into());
        }
        self.held += tokens.len();
        let first = tokens.len() - rows;
        if rows == 1 && branches.is_empty() {
            return Ok(Logits::new(self.context.get_logits_ith(first as i32), self.vocab.size));
        }
        self.scores.clear();
        for index in first..asked {
            self.scores.extend_from_slice(self.context.get_logits_ith(index as i32));
        }
        Ok(Logits::new(&self.scores, self.vocab.size))
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
