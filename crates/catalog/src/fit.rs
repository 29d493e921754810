//! How much memory a ladder takes, before anything of it is read.

use protocol::ladder::CacheType;

use crate::entry::ModelEntry;
use crate::header::{Header, check_header};
use crate::store::ModelStore;

/// The engine without models. (These three are fitted to what `docs/measured.md` has.)
const ENGINE: u64 = 44_000_000;

/// Buffers of a model's passes and its vocabulary: this much, and this much for each token of its vocabulary.
const PASSES: u64 = 2_000_000;
const A_TOKEN: u64 = 580;

/// Context in tokens where neither the model nor the user asks for less; as the engine has it.
const CONTEXT: u64 = 8192;

/// Where a ladder's memory goes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fit {
    /// Weights of all models.
    pub weights: u64,
    /// Keys and values of all models for the whole context.
    pub cache: u64,
    /// Buffers of passes, vocabularies and the engine itself.
    pub rest: u64,
}

impl Fit {
    /// All of it.
    pub fn total(self) -> u64 {
        self.weights + self.cache + self.rest
    }

    /// The same with another model beside.
    #[must_use]
    fn and(self, other: Self) -> Self {
        Self { weights: self.weights + other.weights, cache: self.cache + other.cache, rest: self.rest + other.rest }
    }
}

/// What the models of a ladder take with a context of so many tokens (None: the usual) and keys and values of this type. Of models that are
/// not here only the size of the file is known.
pub fn fit(store: &ModelStore, models: &[&ModelEntry], context: Option<u32>, cache: CacheType) -> Fit {
    let headers = models.iter().map(|model| store.path_of(model).and_then(|path| check_header(&path).ok()));
    let headers: Vec<_> = headers.collect();
    // The target's context is everybody's.
    let own = headers.first().and_then(|header| header.as_ref()?.context_length);
    let context = context.map_or(CONTEXT, u64::from).min(own.unwrap_or(u64::MAX));
    let engine = Fit { rest: ENGINE, ..Fit::default() };
    models.iter().zip(&headers).fold(engine, |fit, (model, header)| {
        fit.and(match header {
            Some(header) => of_header(header, context, cache),
            // Keys and values of common models take a tenth to a quarter of the weights at this length.
            None => Fit { weights: model.bytes, cache: model.bytes / 8, rest: PASSES + model.bytes / 16 },
        })
    })
}

/// What one model takes.
fn of_header(header: &Header, context: u64, cache: CacheType) -> Fit {
    let full = header.cache_bytes.unwrap_or(0).saturating_mul(context);
    // Blocks of 32 numbers with a scale of two bytes.
    let cache = match cache {
        CacheType::F16 => full,
        CacheType::Q8 => full / 64 * 34,
        CacheType::Q4 => full / 64 * 18,
    };
    let weights = header.types.iter().map(|(_, bytes)| bytes).sum();
    let vocabulary = header.tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.size);
    Fit { weights, cache, rest: PASSES + vocabulary.saturating_mul(A_TOKEN) }
}
