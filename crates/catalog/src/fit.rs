//! How much memory a ladder takes, before anything of it is read.

use std::sync::Arc;

use protocol::ladder::{CacheType, EngineSettings, Ladder, RESERVE};
use protocol::worker::LeftOut;
use protocol::{Code, Problem, bytes_in_words};

use crate::entry::ModelEntry;
use crate::header::{Header, check_header};
use crate::store::ModelStore;

/// The engine without models. (These three are fitted to what `docs/measured.md` has.)
const ENGINE: u64 = 44_000_000;

/// Buffers of a model's passes and its vocabulary: this much, and this much for each token of its vocabulary.
const PASSES: u64 = 2_000_000;
const A_TOKEN: u64 = 580;

/// Context in tokens where neither the model nor the user asks for less; as the engine has it.
const CONTEXT: u64 = protocol::ladder::CONTEXT as u64;

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
    parts(store, models, context, cache).into_iter().fold(engine(), Fit::and)
}

/// The same for each model by itself, without the engine.
pub fn parts(store: &ModelStore, models: &[&ModelEntry], context: Option<u32>, cache: CacheType) -> Vec<Fit> {
    let headers = models.iter().map(|model| store.header_of(model)).collect::<Vec<_>>();
    let context = length(context, headers.first().and_then(Option::as_deref));
    let one = |(model, header): (&&ModelEntry, &Option<Arc<Header>>)| match header {
        Some(header) => of_header(header, context, cache),
        None => of_bytes(model.bytes),
    };
    models.iter().zip(&headers).map(one).collect()
}

/// What a ladder takes of which only the sizes of its files are known, about.
pub fn fit_about(bytes: impl IntoIterator<Item = u64>) -> Fit {
    bytes.into_iter().map(of_bytes).fold(engine(), Fit::and)
}

fn engine() -> Fit {
    Fit { rest: ENGINE, ..Fit::default() }
}

/// The context that is used: the target's own is everybody's.
fn length(context: Option<u32>, target: Option<&Header>) -> u64 {
    let own = target.and_then(|header| header.context_length);
    context.map_or(CONTEXT, u64::from).min(own.unwrap_or(u64::MAX))
}

/// Keys and values of common models take a tenth to a quarter of the weights at the usual length; small models have as long texts and as many
/// words as large ones.
fn of_bytes(bytes: u64) -> Fit {
    Fit { weights: bytes, cache: (bytes / 8).max(SMALL.0), rest: PASSES + (bytes / 16).max(SMALL.1) }
}

/// Least keys and values, and least of all else, of models that are not here, in bytes.
const SMALL: (u64, u64) = (150_000_000, 30_000_000);

/// What has to stay out of a ladder for it to fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shed {
    /// Places of the drafts that stay out, 1 is the first; those of least use for their size come first.
    pub left_out: Vec<usize>,
    /// Bytes that the rest needs, with what has to stay free.
    pub need: u64,
    /// Whether that fits.
    pub fits: bool,
}

/// Which drafts to leave out of a ladder whose models take `parts` (the target first) so that it fits into `free` bytes: the one of least use for
/// its bytes first, over and over. `uses` is how useful each draft is, in any unit; where nothing is known of one, all are taken for
/// equally useful and the largest goes first. None of `free`: everything fits.
pub fn shed(parts: &[Fit], free: Option<u64>, uses: &[f64]) -> Shed {
    let mut shed = Shed::default();
    loop {
        let stays = |at: &usize| !shed.left_out.contains(at);
        let kept = (0..parts.len()).filter(stays).map(|at| parts[at]).fold(engine(), Fit::and);
        shed.need = kept.total().saturating_add(RESERVE);
        shed.fits = free.is_none_or(|free| shed.need <= free);
        let known = uses.len() + 1 == parts.len();
        let worth = |at: &usize| if known { uses[at - 1] } else { 1.0 } / parts[*at].total().max(1) as f64;
        let least = (1..parts.len()).filter(stays).min_by(|a, b| worth(a).total_cmp(&worth(b)));
        match least.filter(|_| !shed.fits) {
            Some(least) => shed.left_out.push(least),
            None => return shed,
        }
    }
}

/// Bytes that a ladder takes with these settings, as far as the headers of its files can be read.
pub fn foretold(ladder: &Ladder, settings: EngineSettings) -> u64 {
    parts_of(ladder, settings).into_iter().fold(engine(), Fit::and).total()
}

fn parts_of(ladder: &Ladder, settings: EngineSettings) -> Vec<Fit> {
    let headers: Vec<_> = ladder.rungs.iter().map(|rung| check_header(&rung.path).ok()).collect();
    let context = length(settings.context, headers.first().and_then(Option::as_ref));
    // Exact mode knows 16 bits only.
    let cache = if settings.exact { CacheType::F16 } else { settings.cache };
    let part = |header: &Option<Header>| header.as_ref().map_or(Fit::default(), |h| of_header(h, context, cache));
    headers.iter().map(part).collect()
}

/// `ladder` as it fits into `free` bytes of memory, and the drafts that stay out for that. Files whose headers cannot be read take nothing here: what
/// is wrong with them is said where they are read.
///
/// # Errors
/// [`Code::MemoryShort`]: its target alone does not fit. Nothing was read of its weights then.
pub fn to_fit(
    ladder: Ladder,
    settings: EngineSettings,
    free: Option<u64>,
    uses: &[f64],
) -> Result<(Ladder, Vec<LeftOut>), Problem> {
    let parts = parts_of(&ladder, settings);
    let shed = shed(&parts, free, uses);
    let short = |need: u64| {
        Problem::new(Code::MemoryShort)
            .with("need", bytes_in_words(need))
            .with("free", bytes_in_words(free.unwrap_or_default()))
    };
    if !shed.fits {
        return Err(short(shed.need));
    }
    // Said of the ladder as it was meant: what is missing is missing to that.
    let whole = parts.iter().copied().fold(engine(), Fit::and).total().saturating_add(RESERVE);
    let left_out =
        shed.left_out.iter().map(|at| LeftOut { rung: ladder.rungs[*at].name.clone(), problem: short(whole) });
    let left_out = left_out.collect();
    let mut places = shed.left_out;
    places.sort_unstable_by_key(|at| std::cmp::Reverse(*at));
    Ok((places.into_iter().fold(ladder, Ladder::without), left_out))
}

/// What one model takes.
fn of_header(header: &Header, context: u64, cache: CacheType) -> Fit {
    let weights = header.weight_bytes();
    // Where a header does not say it, it is no less than what is usual for models of that size.
    let usual = || of_bytes(weights).cache.div_ceil(CONTEXT);
    let full = header.cache_bytes.unwrap_or_else(usual).saturating_mul(context);
    // Blocks of 32 numbers with a scale of two bytes.
    let cache = match cache {
        CacheType::F16 => full,
        CacheType::Q8 => full / 64 * 34,
        CacheType::Q4 => full / 64 * 18,
    };
    let vocabulary = header.tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.size);
    Fit { weights, cache, rest: vocabulary.saturating_mul(A_TOKEN).saturating_add(PASSES) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Gguf, pair};

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

    #[test]
    fn keys_and_values_that_a_header_does_not_tell_count_as_what_is_usual() {
        let bytes = Gguf::small().bytes();
        let header = crate::header::check(std::io::Cursor::new(&bytes), bytes.len() as u64, &"tiny").unwrap();
        assert_eq!(header.cache_bytes, None);
        let giant = Header { types: vec![("Q4_K", 16_384 * MB)], ..header };
        let of = |context, cache| of_header(&giant, context, cache).cache;
        assert_eq!(of(CONTEXT, CacheType::F16), of_bytes(16_384 * MB).cache, "an eighth of the weights");
        assert_eq!((of(4 * CONTEXT, CacheType::F16), of(64, CacheType::Q4)), (8192 * MB, 4_500_000));
    }

    const MB: u64 = 1_000_000;

    fn sized(weights: u64) -> Fit {
        Fit { weights, ..Fit::default() }
    }

    #[test]
    fn the_draft_of_least_use_for_its_bytes_stays_out_first() {
        let parts = [sized(1000 * MB), sized(500 * MB), sized(100 * MB)];
        let all = 1600 * MB + ENGINE + RESERVE;
        let without = |free, uses: &[f64]| shed(&parts, Some(free), uses).left_out;
        assert_eq!(without(all, &[]), [0_usize; 0], "it just fits");
        assert_eq!(without(all - 1, &[]), [1], "as useful for five times the bytes");
        assert_eq!(without(all - 1, &[10.0, 1.0]), [2], "five times the bytes are worth it");
        assert_eq!(without(all - 550 * MB, &[10.0, 1.0]), [2, 1]);
        assert_eq!(without(all - 550 * MB, &[]), [1, 2]);
        let target = shed(&parts, Some(1000 * MB), &[]);
        assert_eq!((target.fits, target.need), (false, 1000 * MB + ENGINE + RESERVE));
        assert_eq!(shed(&parts, None, &[]), Shed { left_out: Vec::new(), need: all, fits: true });
        assert!(!shed(&[], Some(0), &[]).fits, "even the engine takes something");
    }

    /// A ladder of two copies of the small sample and the context that makes the first one as large as is wanted.
    fn ladder(folder: &std::path::Path) -> Ladder {
        // Its context of 2048 tokens takes as many times 128 bytes.
        let mut gguf = Gguf::small();
        let number = |key: &str, number: u32| pair(&format!("llama.{key}"), 4, &number.to_le_bytes());
        gguf.pairs.extend([
            number("block_count", 1),
            number("attention.head_count", 1),
            number("embedding_length", 32),
        ]);
        let bytes = gguf.bytes();
        let rung = |name: &str| {
            let path = folder.join(name);
            std::fs::write(&path, &bytes).unwrap();
            protocol::ladder::Rung { name: name.to_owned(), path }
        };
        let (id, k) = ("l".to_owned(), vec![vec![4, 3], vec![0, 2]]);
        Ladder {
            id,
            rungs: vec![rung("target"), rung("draft")],
            max_gram: true,
            k,
            lenience: 1.0,
            table: None,
            by_text: false,
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_or_left_out_before_any_weights_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let ladder = ladder(folder.path());
        let fitted = |context, exact, cache, free| {
            let settings = EngineSettings { context, exact, cache, ..EngineSettings::default() };
            to_fit(ladder.clone(), settings, Some(free), &[])
        };
        let whole = ENGINE + RESERVE + 2 * (PASSES + 2048 * 128 + 10_000);
        let (same, left_out) = fitted(None, false, CacheType::F16, whole).unwrap();
        assert_eq!((&same, left_out.len()), (&ladder, 0));
        let (smaller, left_out) = fitted(None, false, CacheType::F16, whole - PASSES).unwrap();
        assert_eq!((smaller.rungs.len(), smaller.k), (1, vec![vec![3]]), "the target's row without the draft's column");
        assert_eq!((left_out[0].rung.as_str(), left_out[0].problem.code), ("draft", Code::MemoryShort));
        for (what, context, exact, cache, free) in [
            ("nothing is free", None, false, CacheType::F16, 0),
            ("less than the reserve", None, false, CacheType::F16, RESERVE),
            ("no room for the passes", None, false, CacheType::F16, ENGINE + RESERVE),
            ("eight bits do not help", None, false, CacheType::Q8, ENGINE + RESERVE),
            ("a short context neither", Some(64), false, CacheType::Q4, ENGINE + RESERVE + PASSES / 2),
            ("exact mode takes 16 bits", None, true, CacheType::Q4, ENGINE + RESERVE + PASSES / 2),
        ] {
            let problem = fitted(context, exact, cache, free).unwrap_err();
            assert_eq!(problem.code, Code::MemoryShort, "{what}");
            assert!(problem.details.contains_key("need") && problem.details.contains_key("free"), "{what}");
        }
    }
}
