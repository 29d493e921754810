//! What was measured and learned of a ladder on this computer, so that the next start need not begin anew.

use serde::{Deserialize, Serialize};

use crate::ladder::CacheType;

/// Threads that passes run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threads {
    /// For passes over one token, which wait for memory.
    pub single: u16,
    /// For wider ones, which compute.
    pub wide: u16,
}

/// A model file, told from others without reading it whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileMark {
    /// The file's name; in the model store that is its SHA-256.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last written, in seconds since 1970; 0 if the system does not say.
    pub modified: u64,
}

/// What figures hold for. Where any of it differs they say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Conditions {
    /// The program and its engine, with their versions.
    pub program: String,
    /// The processor's name and how many threads this process may use.
    pub processor: String,
    /// The models, the target first.
    pub files: Vec<FileMark>,
    /// Whether it ran in exact mode.
    pub exact: bool,
    /// The threads that were asked for; None left the choice to the engine.
    pub threads: Option<u16>,
    /// Type of keys and values.
    #[serde(default)]
    pub cache: CacheType,
    /// The layers on devices that were asked for; None left the choice to the engine.
    #[serde(default)]
    pub gpu_layers: Option<u16>,
    /// Whether drafts had to stay with the processor.
    #[serde(default)]
    pub drafts_on_processor: bool,
}

/// What a worker found out. Figures only: no text, no tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lessons {
    /// The fastest threads found.
    pub threads: Threads,
    /// Whether devices besides the processor computed: it holds only while they do.
    #[serde(default)]
    pub on_devices: bool,
    /// Seconds of the fastest one-token pass of the target that was ever usual here: other work only makes them slower.
    #[serde(default)]
    pub fastest: Option<f64>,
    /// What the policy knows, in the shape of `cascade::policy::Knowledge`.
    pub policy: serde_json::Value,
}

/// What is known under some conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Catalogue id or path of the ladder, for the reader.
    pub ladder: String,
    /// What it holds for.
    pub conditions: Conditions,
    /// What is known.
    pub lessons: Lessons,
}
