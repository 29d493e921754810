//! llama.cpp: the only module that names `llama_cpp_2` and what lies below it.

mod beside;
mod devices;
mod header;
mod hold_up;
mod load;
mod pace;
#[cfg(unix)]
mod rated;
mod remote;
mod requantize;
mod rung;
mod tunnel;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::Path;

use cascade::{Token, VocabId};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{KvCacheType, LlamaContextParams};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use llama_cpp_2::{LlamaContextLoadError, LogOptions};
use protocol::ladder::{CacheType, EngineSettings};
use protocol::learned::Threads;
use protocol::{Code, Problem};

use crate::by_text::{Specials, Tokenizer};
use crate::fnv::Fnv;
use crate::place::Place;
use crate::shape::SPECIAL;
use crate::template::{Piece, Template};
pub(crate) use devices::{devices, modules, processor, processor_module};
pub(crate) use header::need;
pub(crate) use pace::{Pace, pace, pace_of_processor};
pub(crate) use remote::{add as add_remote, find as find_remote, may_serve, reach as reach_remote, serve};
use rung::BRANCHES;
pub(crate) use rung::{Copied, LlamaError, LlamaRung};

/// Most tokens of one forward pass.
pub(crate) const WIDEST: usize = 512;

/// A vocabulary that has so large a share of its tokens in common with another one, from the first on, is nearly the same.
const NEARLY: f64 = 0.97;

/// `llama_flash_attn_type`: never, and wherever the device has it.
const FLASH_OFF: i32 = 0;
const FLASH_AUTO: i32 = -1;

/// How a model computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mode {
    pub(crate) exact: bool,
    /// Of what type keys and values are, unless it is exact.
    pub(crate) cache: CacheType,
}

impl From<EngineSettings> for Mode {
    fn from(settings: EngineSettings) -> Self {
        let EngineSettings { exact, cache, .. } = settings;
        Self { exact, cache: if exact { CacheType::F16 } else { cache } }
    }
}

/// llama.cpp, started. One per process.
#[derive(Debug)]
pub(crate) struct Llama {
    backend: LlamaBackend,
}

impl Llama {
    /// Starts llama.cpp and silences what it would print.
    ///
    /// # Errors
    /// It runs already in this process, or has nothing for this processor.
    pub(crate) fn start() -> Result<Self, Problem> {
        let wanted = std::env::var_os("TAKI_LLAMA_LOG").is_some();
        llama_cpp_2::send_logs_to_tracing(LogOptions::default().with_logs_enabled(wanted));
        quiet_aborts();
        devices::load_modules()?;
        let backend = LlamaBackend::init().map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
        Ok(Self { backend })
    }

    /// Reads a GGUF file into the memory that `place` says. `progress` gets the share read, 0 to 1, and returns false to cancel.
    ///
    /// # Errors
    /// [`Code::ModelUnreadable`], [`Code::ModelRefused`], [`Code::Cancelled`].
    #[allow(clippy::unused_self, reason = "it must have been started")]
    pub(crate) fn read(
        &self,
        path: &Path,
        place: &Place,
        mut progress: impl FnMut(f32) -> bool,
    ) -> Result<Weights, Problem> {
        if let Err(error) = std::fs::File::open(path) {
            return Err(Problem::new(Code::ModelUnreadable).with("path", path.display()).with("reason", error));
        }
        let mut cancelled = false;
        let model = load::load(path, place, &mut |fraction| {
            cancelled = !progress(fraction);
            !cancelled
        });
        match model {
            Some(model) => Ok(Weights::new(model, place)),
            None if cancelled => Err(Problem::new(Code::Cancelled)),
            None => {
                let reason = "null result from llama cpp";
                Err(Problem::new(Code::ModelRefused).with("path", path.display()).with("reason", reason))
            }
        }
    }
}

/// What the library says before it ends the process goes where its other messages go, instead of into the terminal of whoever chats.
fn quiet_aborts() {
    extern "C" fn told(message: *const std::ffi::c_char) {
        if message.is_null() {
            return;
        }
        // SAFETY: the library gives a text that ends with a zero and lives as long as the call.
        #[allow(unsafe_code)]
        let message = unsafe { std::ffi::CStr::from_ptr(message) };
        tracing::warn!(message = %message.to_string_lossy(), "llama.cpp ends the process");
    }
    // SAFETY: the function takes what the library gives it, keeps nothing and is there for as long as the process.
    #[allow(unsafe_code)]
    unsafe {
        llama_cpp_sys_2::ggml_set_abort_callback(Some(told));
    }
}

/// A model's weights and vocabulary.
#[derive(Debug)]
pub(crate) struct Weights {
    model: LlamaModel,
    vocab: VocabId,
    /// How many of its layers are on devices, the output counted as one.
    on_devices: u32,
}

impl Weights {
    fn new(model: LlamaModel, place: &Place) -> Self {
        let vocab = vocab_id(&model);
        let on_devices = place.layers().min(model.n_layer() + 1);
        Self { model, vocab, on_devices }
    }

    /// How many of its layers are on devices and how many there are, the output counted as one.
    pub(crate) fn layers(&self) -> (u32, u32) {
        (self.on_devices, self.model.n_layer() + 1)
    }

    /// Whether the processor only looks tokens up.
    pub(crate) fn is_on_devices(&self) -> bool {
        self.on_devices > self.model.n_layer()
    }

    /// Context length in tokens that it was trained for.
    pub(crate) fn trained_context(&self) -> u32 {
        self.model.n_ctx_train()
    }

    /// Bytes of its tensors.
    pub(crate) fn bytes(&self) -> u64 {
        self.model.size()
    }

    /// Bytes of keys and values for a context of `capacity` tokens.
    pub(crate) fn cache_bytes(&self, capacity: u32, mode: Mode) -> u64 {
        let model = &self.model;
        // Some models' heads are not just a share of the embedding.
        let told = |of: &str| {
            let architecture = model.meta_val_str("general.architecture").ok()?;
            model.meta_val_str(&format!("{architecture}.attention.{of}_length")).ok()?.parse().ok()
        };
        let usual = u64::try_from(model.n_embd()).unwrap_or(0) / u64::from(model.n_head().max(1));
        let both: u64 = ["key", "value"].into_iter().map(|of| told(of).unwrap_or(usual)).sum();
        let figures = both * u64::from(model.n_layer()) * u64::from(model.n_head_kv()) * u64::from(capacity);
        figures / 32 * header::bytes_of_32(mode.cache)
    }

    /// Identity of its vocabulary.
    pub(crate) fn vocab(&self) -> &VocabId {
        &self.vocab
    }

    /// How many tokens, from the first on, mean the same here and to `other`, if these are all but a few: some models of a family are padded
    /// to a rounder number, or had tokens added.
    pub(crate) fn shared_with(&self, other: &Self) -> Option<usize> {
        let (own, its) = (self.model.vocab(), other.model.vocab());
        let mean = |vocab: &LlamaVocab, token: LlamaToken| {
            let text = vocab.text(token).map(std::ffi::CStr::to_bytes).map(<[u8]>::to_vec).unwrap_or_default();
            (text, vocab.attr(token).bits(), vocab.is_eog(token))
        };
        let same = own
            .tokens()
            .zip(its.tokens())
            .take_while(|(own_one, its_one)| mean(&own, *own_one) == mean(&its, *its_one));
        let (shared, most) = (same.count(), self.vocab.size.max(other.vocab.size));
        let special = own.bos() == its.bos() && own.eos() == its.eos();
        (special && shared as f64 >= NEARLY * most as f64).then_some(shared)
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

    /// Whether pieces of text come back from its tokens as they were. Some tokenizers put a space in front of each.
    pub(crate) fn is_faithful(&self) -> bool {
        let pieces = ["word", " and", "\n\n  more", "x = {1}", "滝の水", "é👩‍💻", "\r\n"];
        pieces.iter().all(|piece| {
            let mut bytes = Vec::new();
            self.tokens_of(piece.as_bytes()).into_iter().for_each(|token| self.bytes_of(token, &mut bytes));
            bytes == piece.as_bytes()
        })
    }

    /// How special tokens of `target` stand in texts that this model reads: as its own of the same name, or as what the name is as text.
    pub(crate) fn specials_for(&self, target: &Self) -> Specials {
        let (own, its) = (self.model.vocab(), target.model.vocab());
        let plain = |tokens: Vec<LlamaToken>| tokens.into_iter().map(|token| token.0 as Token).collect::<Vec<_>>();
        let bos: Vec<Token> = if own.should_add_bos() { vec![own.bos().0 as Token] } else { Vec::new() };
        let mut tokens = HashMap::new();
        for token in its.tokens() {
            if !its.token_to_piece(token, false, None).is_empty() {
                continue;
            }
            let name = its.token_to_piece(token, true, None);
            let same = own.tokenize(&name, false, true);
            let same = if same.len() == 1 { same } else { own.tokenize(&name, false, false) };
            tokens.insert(token.0 as Token, plain(same));
        }
        let begins = its.should_add_bos();
        if begins {
            tokens.insert(its.bos().0 as Token, bos.clone());
        }
        Specials { tokens, lead: if begins { Vec::new() } else { bos } }
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
        mode: Mode,
    ) -> Result<LlamaRung<'_>, LlamaContextLoadError> {
        let context = self.open(llama, capacity, threads, mode)?;
        // llama.cpp rounds the length up; what was asked for is the limit.
        let capacity = capacity.min(context.n_ctx());
        Ok(LlamaRung::new(self, context, capacity, threads, mode))
    }

    fn open(
        &self,
        llama: &Llama,
        capacity: u32,
        threads: Threads,
        mode: Mode,
    ) -> Result<LlamaContext<'_>, LlamaContextLoadError> {
        let exact = mode.exact;
        let cache = match mode.cache {
            CacheType::F16 => KvCacheType::F16,
            CacheType::Q8 => KvCacheType::Q8_0,
            CacheType::Q4 => KvCacheType::Q4_0,
        };
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
            .with_type_k(cache)
            .with_type_v(cache)
            .with_no_perf(true);
        self.model.new_context(&llama.backend, params)
    }
}

impl Tokenizer for Weights {
    fn tokens_of(&self, text: &[u8]) -> Vec<Token> {
        self.tokens_of(text)
    }

    fn bytes_of(&self, token: Token, bytes: &mut Vec<u8>) {
        self.bytes_of(token, bytes);
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

/// llama.cpp with the default model, for tests of one process: it starts only once in each.
#[cfg(test)]
pub(crate) fn for_tests() -> (&'static Llama, Weights) {
    static STARTED: std::sync::OnceLock<Llama> = std::sync::OnceLock::new();
    let llama = STARTED.get_or_init(|| Llama::start().unwrap());
    let models = catalog::ModelStore::open(store::Places::find().unwrap().models).unwrap();
    let ladder = catalog::resolve(&catalog::Catalog::builtin(), &models, "smollm2");
    let path = &ladder.unwrap_or_else(|problem| panic!("{problem} Run `make models`.")).rungs[0].path;
    (llama, llama.read(path, &Place::default(), |_| true).unwrap())
}
