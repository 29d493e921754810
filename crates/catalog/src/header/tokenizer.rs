//! How a model splits text, told from others without holding its vocabulary.

use std::io::{BufRead, Seek};

use sha2::Digest;

use super::bounded::{Bounded, Fault};
use super::pairs::{TEXT, value_size};
use super::refused;
use crate::entry::Sha256;

/// Longest token or merge that is read, in bytes. Longer ones are no words.
const LONGEST_TOKEN: u64 = 1 << 16;

/// How a model splits text. Where all of it is equal, a token number means the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenizer {
    /// Its kind as llama.cpp names it, for example `gpt2` or `llama`.
    pub model: Option<String>,
    /// How text is cut before that, for example `qwen2`.
    pub pre: Option<String>,
    /// Number of tokens.
    pub size: u64,
    /// Identity: SHA-256 over tokens, their types, merges and special tokens.
    pub hash: Sha256,
}

/// The lists that make a vocabulary, by name and in the order in which they are hashed.
const LISTS: [&str; 3] = ["tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.merges"];

/// A vocabulary on its way past: lengths and digests of its lists.
#[derive(Default)]
pub(super) struct Vocabulary {
    lists: [Option<(u64, Vec<u8>)>; 3],
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
            for _ in 0..count {
                let Some(token) = from.string(LONGEST_TOKEN)? else {
                    return refused(format!("{key} has an entry that is far too long"));
                };
                digest.update((token.len() as u64).to_le_bytes());
                digest.update(token);
            }
        } else {
            let size = value_size(kind)?;
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
        special: impl Iterator<Item = (&'k String, &'k u64)>,
    ) -> Option<Tokenizer> {
        let (size, _) = self.lists[0].as_ref()?;
        let mut digest = sha2::Sha256::new();
        for (count, list) in self.lists.iter().flatten() {
            digest.update(count.to_le_bytes());
            digest.update(list);
        }
        for (key, number) in special {
            digest.update(key);
            digest.update(number.to_le_bytes());
        }
        Some(Tokenizer { model, pre, size: *size, hash: Sha256::of(&digest.finalize()) })
    }
}
