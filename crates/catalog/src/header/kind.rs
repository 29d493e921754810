//! What a model file is for.

use serde::{Deserialize, Serialize};

/// What a model file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Writes text, and takes tokens back: a target or a draft.
    Writes,
    /// Writes text, but keeps a state that no token can be taken out of (recurrent and hybrid models): answers without drafts.
    Recurrent,
    /// Writes a whole text at once, over and over, instead of word after word.
    Diffuses,
    /// Turns text into numbers for searching; writes nothing.
    Embeds,
    /// The eyes or ears of another model, which it cannot do without.
    Projects,
    /// Turns text into speech; writes nothing.
    Speaks,
    /// Reads a text with one half of itself and writes another with the other half.
    Rewrites,
    /// Drafts out of another model's inner states (EAGLE and its kin): of use only inside of that.
    DraftsInside,
}

/// Families of each kind, as llama.cpp names them; all others write.
const RECURRENT: [&str; 24] = [
    "mamba",
    "mamba2",
    "rwkv6",
    "rwkv6qwen2",
    "rwkv7",
    "arwkv7",
    "jamba",
    "falcon-h1",
    "granitehybrid",
    "nemotron_h",
    "lfm2",
    "lfm2moe",
    "plamo2",
    "nemotron_h_moe",
    "qwen3next",
    "qwen35",
    "qwen35moe",
    "qwen4exp",
    "kimi-linear",
    "kimi-k3",
    "bailingmoe3",
    "glm5-next",
    "deepseek4",
    "minimax-01",
];
const DIFFUSES: [&str; 4] = ["dream", "llada", "llada-moe", "rnd1"];
const EMBEDS: [&str; 11] = [
    "bert",
    "nomic-bert",
    "nomic-bert-moe",
    "neo-bert",
    "jina-bert-v2",
    "jina-bert-v3",
    "modern-bert",
    "t5encoder",
    "gemma-embedding",
    "llama-embed",
    "eurobert",
];
const PROJECTS: [&str; 2] = ["clip", "mmproj"];
const SPEAKS: [&str; 3] = ["wavtokenizer-dec", "qwen3tts", "pockettts"];
const REWRITES: [&str; 1] = ["t5"];
const DRAFTS_INSIDE: [&str; 5] = ["eagle", "eagle3", "medusa", "dflash", "gemma4-assistant"];

impl Kind {
    /// What it is instead of a model that writes; None for one that does.
    pub fn instead(self) -> Option<&'static str> {
        match self {
            Self::Writes | Self::Recurrent => None,
            Self::Diffuses => Some("it writes a whole text at once, over and over, instead of word after word"),
            Self::Embeds => Some("it turns text into numbers for searching and writes none"),
            Self::Projects => Some("it is the eyes or ears of another model and writes no text"),
            Self::Speaks => Some("it turns text into speech and writes none"),
            Self::Rewrites => Some("it reads a text with one half of itself to write another with the other half"),
            Self::DraftsInside => Some("it drafts only inside of the model it was made for"),
        }
    }

    /// By the name of the family, and how it sums a text up (`pooling_type`): what writes says nothing of that, or 0 for not at all.
    pub(super) fn of(architecture: &str, pooling: Option<u64>) -> Self {
        match Self::of_family(architecture) {
            Self::Writes | Self::Recurrent if pooling.is_some_and(|pooling| pooling > 0) => Self::Embeds,
            kind => kind,
        }
    }

    fn of_family(architecture: &str) -> Self {
        let is = |names: &[&str]| names.contains(&architecture);
        if is(&RECURRENT) {
            Self::Recurrent
        } else if is(&DIFFUSES) {
            Self::Diffuses
        } else if is(&EMBEDS) {
            Self::Embeds
        } else if is(&PROJECTS) {
            Self::Projects
        } else if is(&SPEAKS) {
            Self::Speaks
        } else if is(&REWRITES) {
            Self::Rewrites
        } else if is(&DRAFTS_INSIDE) {
            Self::DraftsInside
        } else {
            Self::Writes
        }
    }
}

/// The mix that its maker names (`llama_ftype`), for example `Q4_K_M`; None for one that is not known.
pub(super) fn mix(file_type: u64) -> Option<&'static str> {
    Some(match file_type {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        19 => "IQ2_XXS",
        20 => "IQ2_XS",
        21 => "Q2_K_S",
        22 => "IQ3_XS",
        23 => "IQ3_XXS",
        24 => "IQ1_S",
        25 => "IQ4_NL",
        26 => "IQ3_S",
        27 => "IQ3_M",
        28 => "IQ2_S",
        29 => "IQ2_M",
        30 => "IQ4_XS",
        31 => "IQ1_M",
        32 => "BF16",
        36 => "TQ1_0",
        37 => "TQ2_0",
        38 => "MXFP4_MOE",
        _ => return None,
    })
}
