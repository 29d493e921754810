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
        self.weights.saturating_add(self.cache).saturating_add(self.rest)
    }

    /// The same with another model beside.
    #[must_use]
    fn and(self, other: Self) -> Self {
        // A header may claim anything.
        Self {
            weights: self.weights.saturating_add(other.weights),
            cache: self.cache.saturating_add(other.cache),
            rest: self.rest.saturating_add(other.rest),
        }
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
    let weights = header.types.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
    let vocabulary = header.tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.size);
    Fit { weights, cache, rest: vocabulary.saturating_mul(A_TOKEN).saturating_add(PASSES) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Gguf;

    #[test]
    fn a_header_that_claims_anything_is_added_up_all_the_same() {
        let bytes = Gguf::small().bytes();
        let header = crate::header::check(std::io::Cursor::new(&bytes), bytes.len() as u64, &"tiny").unwrap();
        let absurd = Header { cache_bytes: Some(u64::MAX / 2), types: vec![("F32", u64::MAX - 1)], ..header };
        let fit = of_header(&absurd, 8192, CacheType::F16).and(of_header(&absurd, 8192, CacheType::Q4));
        assert_eq!(fit.total(), u64::MAX);
    }

    #[test]
    fn smaller_types_of_keys_and_values_take_less() {
        let bytes = Gguf::small().bytes();
        let header = crate::header::check(std::io::Cursor::new(&bytes), bytes.len() as u64, &"tiny").unwrap();
        let header = Header { cache_bytes: Some(6400), ..header };
        let of = |cache| of_header(&header, 1000, cache).cache;
        assert_eq!([CacheType::F16, CacheType::Q8, CacheType::Q4].map(of), [6_400_000, 3_400_000, 1_800_000]);
    }
}
