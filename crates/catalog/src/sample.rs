//! What the tests of this crate share: small GGUF files and catalogues made on the spot.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use protocol::Problem;
use sha2::Digest;
use tempfile::TempDir;

use crate::entry::{Licence, ModelEntry, Sha256, Source};
use crate::recipe::RecipeModel;
use crate::store::ModelStore;

/// Puts a GGUF file together field by field.
pub(crate) struct Gguf {
    pub(crate) version: u32,
    pub(crate) pairs: Vec<Vec<u8>>,
    pub(crate) tensors: Vec<(String, Vec<u64>, u32, u64)>,
    pub(crate) data: usize,
}

pub(crate) fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes(), value.as_bytes()].concat()
}

pub(crate) fn pair(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&text(key), kind.to_le_bytes().as_slice(), value].concat()
}

impl Gguf {
    /// A tiny but complete model: two tensors, a vocabulary of three, a template.
    pub(crate) fn small() -> Self {
        let tokens =
            [8_u32.to_le_bytes().as_slice(), &3_u64.to_le_bytes(), &text("a"), &text("b"), &text("ccc")].concat();
        let scores = [6_u32.to_le_bytes().as_slice(), &3_u64.to_le_bytes(), &[0; 12]].concat();
        Self {
            version: 3,
            pairs: vec![
                pair("general.architecture", 8, &text("llama")),
                pair("general.name", 8, &text("Tiny 滝")),
                pair("general.alignment", 4, &32_u32.to_le_bytes()),
                pair("llama.context_length", 4, &2048_u32.to_le_bytes()),
                pair("llama.rope.freq_base", 6, &1_f32.to_le_bytes()),
                pair("tokenizer.ggml.tokens", 9, &tokens),
                pair("tokenizer.ggml.scores", 9, &scores),
                pair("tokenizer.ggml.add_bos_token", 7, &[1]),
                pair("tokenizer.chat_template", 8, &text(&"{{ messages }}".repeat(500))),
            ],
            tensors: vec![
                ("token_embd.weight".into(), vec![32, 3], 3, 0),
                ("output_norm.weight".into(), vec![32], 0, 64),
            ],
            data: 64 + 128,
        }
    }

    /// The header alone.
    pub(crate) fn header(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.pairs.len() as u64).to_le_bytes());
        bytes.extend(self.pairs.concat());
        for (name, dimensions, kind, offset) in &self.tensors {
            bytes.extend(text(name));
            bytes.extend((dimensions.len() as u32).to_le_bytes());
            bytes.extend(dimensions.iter().flat_map(|size| size.to_le_bytes()));
            bytes.extend(kind.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
        }
        bytes
    }

    /// The whole file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header();
        bytes.resize(bytes.len().next_multiple_of(32) + self.data, 7);
        bytes
    }
}

/// A stream of numbers for mutations and contents; the same for the same seed.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// A catalogue entry for a file with these contents.
pub(crate) fn entry(id: &str, contents: &[u8], sources: Vec<Source>) -> ModelEntry {
    ModelEntry {
        id: id.to_owned(),
        name: format!("Model {id}"),
        file: format!("{id}.gguf"),
        bytes: contents.len() as u64,
        sha256: Sha256::of(&sha2::Sha256::digest(contents)),
        licence: Licence { spdx: "Apache-2.0".to_owned(), ..Licence::default() },
        sources,
        made_from: None,
    }
}

/// A store in a folder of its own.
pub(crate) fn store() -> (TempDir, ModelStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = ModelStore::open(folder.path().join("models")).unwrap();
    (folder, store)
}

/// Takes in a file that somebody has.
pub(crate) fn take(store: &ModelStore, path: &Path) -> Result<RecipeModel, Problem> {
    store.take_in(path, None, &AtomicBool::new(false), &mut |_, _| {})
}
