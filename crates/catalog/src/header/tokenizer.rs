//! How a model splits text, told from others without holding its vocabulary.

use std::io::{BufRead, Seek};
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use sha2::Digest;

use super::bounded::Bounded;
use super::fault::Fault;
use super::pairs::{TEXT, value_size};
use crate::entry::Sha256;

/// Longest token or merge that is read, in bytes. Longer ones are no words.
const LONGEST_TOKEN: u64 = 1 << 16;

/// How a model splits text. Where all of it is equal, a token number means the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokenizer {
    /// Its kind as llama.cpp names it, for example `gpt2` or `llama`.
    pub model: Option<String>,
    /// How text is cut before that, for example `qwen2`.
    pub pre: Option<String>,
    /// Number of tokens.
    pub size: u64,
    /// Identity: SHA-256 over tokens, their types, merges and special tokens.
    pub hash: Sha256,
    /// What the first [`STEP`], twice as many, … tokens come to.
    beginnings: Vec<u64>,
    /// What the numbers of the special tokens come to.
    special: u64,
}

/// Tokens between two looks at what has come by.
const STEP: u64 = 256;

/// A vocabulary that has so large a share of its tokens in common with another one, from the first on, is nearly the same.
const NEARLY: f64 = 0.97;

impl Tokenizer {
    /// Whether all but a few tokens at the end mean the same: padding, or tokens that were added later. Tells at least how many do.
    pub fn is_near(&self, other: &Self) -> Option<u64> {
        let same = self.beginnings.iter().zip(&other.beginnings).take_while(|(own, other)| own == other).count();
        let shared = same as u64 * STEP;
        let kind = self.model == other.model && self.pre == other.pre && self.special == other.special;
        (kind && shared as f64 >= NEARLY * self.size.max(other.size) as f64).then_some(shared)
    }
}

/// The lists that make a vocabulary, by name and in the order in which they are hashed.
const LISTS: [&str; 3] = ["tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.merges"];

/// A vocabulary on its way past: lengths and digests of its lists.
#[derive(Default)]
pub(super) struct Vocabulary {
    lists: [Option<(u64, Vec<u8>)>; 3],
    /// Of the tokens.
    beginnings: Vec<u64>,
}

impl Vocabulary {
    /// Reads the list under `key` if it is one of a vocabulary's.
    pub(super) fn read(
        &mut self,
        from: &mut Bounded<impl BufRead + Seek>,
        key: &str,
        kind: u32,
        count: u64,
    ) -> Result<bool, Fault> {
        let Some(at) = LISTS.iter().position(|list| *list == key) else { return Ok(false) };
        let mut digest = sha2::Sha256::new();
        if kind == TEXT {
            from.room(count, 8)?;
            for index in 1..=count {
                let Some(token) = from.string(LONGEST_TOKEN)? else {
                    return from.refused("it has an entry that is far too long");
                };
                digest.update((token.len() as u64).to_le_bytes());
                digest.update(token);
                if at == 0 && index.is_multiple_of(STEP) {
                    self.beginnings.push(short(&digest.clone().finalize()));
                }
            }
        } else {
            let size = value_size(from, kind)?;
            from.room(count, size)?;
            // In pieces: a vocabulary has a hundred thousand and more of them.
            let mut left = count * size;
            while left > 0 {
                let piece = from.bytes(left.min(LONGEST_TOKEN))?;
                left -= piece.len() as u64;
                digest.update(piece);
            }
        }
        self.lists[at] = Some((count, digest.finalize().to_vec()));
        Ok(true)
    }

    /// With its kind and special tokens; None without tokens.
    pub(super) fn tokenizer<'k>(
        &self,
        model: Option<String>,
        pre: Option<String>,
        special: impl Iterator<Item = (&'k Rc<str>, &'k u64)>,
    ) -> Option<Tokenizer> {
        let (size, _) = self.lists[0].as_ref()?;
        let mut digest = sha2::Sha256::new();
        for (count, list) in self.lists.iter().flatten() {
            digest.update(count.to_le_bytes());
            digest.update(list);
        }
        let mut specials = sha2::Sha256::new();
        for (key, number) in special {
            for digest in [&mut digest, &mut specials] {
                digest.update(key.as_bytes());
                digest.update(number.to_le_bytes());
            }
        }
        let (hash, special) = (Sha256::of(&digest.finalize()), short(&specials.finalize()));
        Some(Tokenizer { model, pre, size: *size, hash, beginnings: self.beginnings.clone(), special })
    }
}

/// Enough of a digest to tell two apart that nobody made alike on purpose: whoever did would only slow his own drafts.
fn short(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |short, byte| short << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_tokens_more_at_the_end_are_nearly_the_same() {
        let of = |size: u64, changed: Option<u64>, special: u64| {
            let beginnings = (1..=size / STEP).map(|at| at + changed.map_or(0, |from| u64::from(at * STEP > from)));
            let hash = Sha256::of(&[size as u8; 32]);
            Tokenizer { model: None, pre: None, size, hash, beginnings: beginnings.collect(), special }
        };
        let target = of(151_936, None, 1);
        assert_eq!(target.is_near(&of(152_064, None, 1)), Some(151_808));
        assert_eq!(of(152_064, None, 1).is_near(&target), Some(151_808));
        for other in [of(152_064, None, 2), of(152_064, Some(100_000), 1), of(49_152, None, 1), of(160_000, None, 1)] {
            assert_eq!(target.is_near(&other), None, "{} {:?}", other.size, other.beginnings.last());
        }
        assert_eq!(of(3, None, 1).is_near(&of(3, None, 1)), None, "too few to tell");
    }
}
