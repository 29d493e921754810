//! Ladders as the worker needs them: files and settings, names already resolved by the catalogue.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use specta::Type;

/// Context length in tokens where neither the model nor the user asks for less: what a long letter with its answer needs.
pub const CONTEXT: u32 = 8192;

/// Bytes of memory that are left beside a ladder: for buffers of the passes, the window and other programs.
pub const RESERVE: u64 = 256 << 20;

/// One model of a ladder with the file it is loaded from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// Display name, for example `Qwen2.5 Coder 1.5B`.
    pub name: String,
    /// The GGUF file.
    pub path: PathBuf,
}

/// A ladder ready to load: target first, drafts in falling size, Max-Gram implied at the bottom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    /// Catalogue id, for example `qwen-coder`.
    pub id: String,
    /// Target first, then draft models in falling size.
    pub rungs: Vec<Rung>,
    /// Whether Max-Gram stands at the bottom.
    pub max_gram: bool,
    /// The paper's K matrix, row *i* for reviewer *i*, column *j* for drafter *j + 1*: tokens that drafter
    /// contributes to one review. Zero below the diagonal; the last column is Max-Gram's.
    pub k: Vec<Vec<u32>>,
    /// How much inner reviewers may let pass, 1 is nothing. The target's own lenience is always 1.
    pub lenience: f32,
    /// A table of what usually follows in some text, counted with the target's tokenizer, for Max-Gram.
    #[serde(default)]
    pub table: Option<PathBuf>,
    /// Whether drafts whose tokens are others than the target's draft by text, which is slower; they are left out otherwise.
    #[serde(default)]
    pub by_text: bool,
}

impl Ladder {
    /// The same without its draft in this place, 1 is the first: its row and its column of the K matrix go with it. Without any other place.
    #[must_use]
    pub fn without(mut self, place: usize) -> Self {
        if place == 0 || place >= self.rungs.len() {
            return self;
        }
        self.rungs.remove(place);
        // It drafts in column `place - 1`, and reviews in row `place`.
        if place < self.k.len() {
            self.k.remove(place);
        } else {
            self.k.pop();
        }
        for row in self.k.iter_mut().filter(|row| place <= row.len()) {
            row.remove(place - 1);
        }
        self
    }
}

/// Of what type keys and values are that a model holds of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum CacheType {
    /// 16 bits: as the model computes them.
    #[default]
    F16,
    /// About half of that.
    Q8,
    /// About a quarter of that; answers get noticeably worse with some models.
    Q4,
}

/// How the worker runs a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(default, rename_all = "camelCase")]
pub struct EngineSettings {
    /// Every logit bit-identical to single-token decoding, at some cost in speed.
    pub exact: bool,
    /// Threads per pass; None takes the number of physical cores.
    pub threads: Option<u16>,
    /// Context length in tokens; None takes the model's own up to 8192.
    pub context: Option<u32>,
    /// Type of keys and values. Exact mode knows 16 bits only.
    pub cache: CacheType,
    /// Layers of the target on graphics cards and other devices, the output counted as one; 0 leaves everything to the processor, None as many
    /// as answers are soonest with.
    pub gpu_layers: Option<u16>,
    /// Drafts stay with the processor, wherever the target goes: where that has a device for itself, the largest drafts ahead while the target looks.
    pub drafts_on_processor: bool,
}

impl EngineSettings {
    /// Whether anything but the processor may compute. Not in exact mode: cards choose their sums by the width of a pass.
    #[must_use]
    pub fn uses_devices(&self) -> bool {
        self.gpu_layers != Some(0) && !self.exact
    }
}
