use serde::{Deserialize, Serialize};
use specta::Type;

use crate::Problem;

/// A ladder as the window lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub struct LadderCard {
    /// Catalogue id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// What it is good for.
    pub about: About,
    /// Display names of its rungs from the target down.
    pub rungs: Vec<String>,
    /// Licence of each model file, SPDX, duplicates removed.
    pub licences: Vec<String>,
    /// Bytes of all its files.
    pub bytes: f64,
    /// Bytes still to fetch; 0 means ready to use.
    pub missing_bytes: f64,
    /// About how many bytes of memory it takes while it answers.
    pub memory_bytes: f64,
    /// How it fits into this computer's memory.
    pub fits: Fits,
    /// About how many tokens a second it writes here, by a trial, or by how fast this computer reads weights; None before anything was measured.
    pub pace: Option<f64>,
    /// Whether it is the one for this computer.
    pub suggested: bool,
    /// Ids of its models, the target first.
    pub models: Vec<String>,
    /// Whether the user made it.
    pub own: bool,
    /// Whether it can be changed and removed: one of the user's own, or an offered one that was fetched.
    pub changeable: bool,
    /// Whether drafts whose tokens are others than the target's draft by text, which is slower.
    pub by_text: bool,
    /// Whether it was never fetched, so that its sizes are about and its files' facts are asked for first.
    pub offered: bool,
    /// Whether what is missing can be fetched, or made of what can.
    pub fetchable: bool,
    /// Names of what is missing and is made here, once what it is made of has come in.
    pub to_make: Vec<String>,
    /// Why draft models that belong to it by the catalogue are not in it.
    pub left_out: Vec<Problem>,
    /// What a trial here found last.
    pub checked: Option<LadderCheck>,
}

/// One sentence in each language of the window; empty where nobody has said anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
pub struct About {
    /// English.
    pub en: String,
    /// Japanese.
    pub ja: String,
}

/// How a ladder fits into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Fits {
    /// With room for everything else.
    Well,
    /// With little beside it.
    Tight,
    /// Not at all.
    Not,
}

/// What a trial of a ladder on this computer found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LadderCheck {
    /// Tokens a second of the target alone, without the time for reading questions.
    pub alone: f64,
    /// The same with the cascade.
    pub cascade: f64,
    /// How many times as fast the cascade is.
    pub ratio: f64,
    /// Id of a ladder that would answer better here: faster where this one is slow, larger where it is very fast.
    pub better: Option<String>,
}

/// What a ladder of the user's own was before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LadderVersion {
    /// Its number; larger ones are later.
    pub version: u32,
    /// When something else took its place, in milliseconds since 1970.
    pub saved_ms: f64,
    /// What the ladder was called.
    pub name: String,
    /// Display names of its models.
    pub rungs: Vec<String>,
}

/// A ladder of the user's own that was removed and can be had back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RemovedLadder {
    /// Its id.
    pub ladder: String,
    /// What it was called last.
    pub name: String,
    /// Display names of its models.
    pub rungs: Vec<String>,
    /// When it was removed, in milliseconds since 1970.
    pub removed_ms: f64,
}

/// The file of a model that goes with a ladder if that is wished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LadderFile {
    /// Hash of the model: its id may change when others go.
    pub hash: String,
    /// Its display name.
    pub name: String,
    /// Size of the file.
    pub bytes: f64,
}

/// What became of a ladder that was to be removed: it is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LadderRemoved {
    /// Hashes of the models whose files were deleted with it.
    pub deleted: Vec<String>,
    /// Why each of the others was not.
    pub problems: Vec<Problem>,
}

/// A model as the window lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ModelCard {
    /// Its id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Size of its file; about, if it is offered.
    pub bytes: f64,
    /// Whether the file is here.
    pub installed: bool,
    /// Whether its file was never seen, so that its facts are asked for first.
    pub offered: bool,
    /// Whether its file is somebody's own: no repository has it.
    pub own: bool,
    /// Mixes that make it clearly smaller, the best first.
    pub mixes: Vec<MixChoice>,
    /// Name of its file where it comes from.
    pub file: String,
    /// Licence, SPDX; empty if nobody says.
    pub licence: String,
    /// SHA-256 of the file; empty if it is offered.
    pub hash: String,
    /// What it is quantized to, by its file; empty if that is not here.
    pub mix: String,
    /// What kind of model it is, by its file; empty if that is not here.
    pub architecture: String,
    /// Longest text in tokens that it was trained for; None if its file is not here or does not say.
    pub context: Option<f64>,
    /// Layers; None if its file is not here or does not say.
    pub layers: Option<f64>,
    /// Identity of its tokenizer: models that have the same one split text alike. Empty if its file is not here or has none.
    pub tokenizer: String,
    /// `owner/name` of the Hugging Face repository that it comes from; empty if it comes from none.
    pub repository: String,
    /// Name of the model that it was made smaller from.
    pub made_from: Option<String>,
}

/// What a model can be made smaller to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MixChoice {
    /// The mix, as llama.cpp calls it.
    pub name: String,
    /// About how many bytes the file would have.
    pub bytes: f64,
}

/// How far the making of smaller versions is: one after the other, then all are compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ShrinkStep {
    /// Place of the version that is written; as many as there are while they are compared.
    pub at: u32,
    /// The share of that step that is done.
    pub share: f32,
}

/// Smaller versions of one model that were made here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Shrunk {
    /// They, the largest first.
    pub versions: Vec<SmallerVersion>,
    /// About how many tokens a second the original writes; None if that was not found out.
    pub pace: Option<f64>,
    /// Why there are no more of them, or why they were not compared: it was stopped, or something went wrong.
    pub ended: Option<Problem>,
}

/// A smaller version that was made here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SmallerVersion {
    /// The new model.
    pub card: ModelCard,
    /// How often it says the same word as its original, 0 to 1; None if that was not found out.
    pub agreement: Option<f64>,
    /// About how many tokens a second it writes; None if that was not found out.
    pub pace: Option<f64>,
    /// Whether it is smaller than all before it, so that it can draft in one ladder with them.
    pub drafts: bool,
}

/// Whether a model can draft for a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct DraftChoice {
    /// Id of the model.
    pub model: String,
    /// Why it cannot, if it cannot.
    pub problem: Option<Problem>,
    /// Whether it could all the same where the ladder lets it draft by text, which is slower.
    pub by_text: bool,
    /// Whether a few of its tokens are not the target's: it drafts what both have.
    pub nearly: bool,
    /// Share of the bytes that its target reads for each token that this one reads: from 1 on it cannot be faster on the same device; None if
    /// that is not known.
    pub reads: Option<f64>,
    /// Whether that is known; otherwise it is found out when both are here.
    pub known: bool,
}

/// Where a ladder's memory goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MemoryShare {
    /// Bytes of weights.
    pub weights: f64,
    /// Bytes of keys and values of the whole context.
    pub cache: f64,
    /// Bytes of all else.
    pub rest: f64,
    /// Bytes that are free now; None if the computer does not tell.
    pub free: Option<f64>,
    /// Ids of the drafts that would be left out for it to fit, those of least use for their size first.
    pub left_out: Vec<String>,
    /// Whether it fits without them.
    pub fits: bool,
    /// What graphics cards and other computers would hold of it; none where there are none, or nobody can tell now.
    pub devices: Vec<DeviceMemory>,
}

/// What a device besides the processor would hold of a ladder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct DeviceMemory {
    /// What it is called.
    pub name: String,
    /// About how many bytes it would hold.
    pub bytes: f64,
    /// Bytes of its memory.
    pub total: f64,
    /// Bytes of it that are free once the ladder in use is gone.
    pub free: f64,
}

/// What came of files that were added one after the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AddedFiles {
    /// The last one that came in; None if none did.
    pub last: Option<Added>,
    /// Why others did not, each of them.
    pub problems: Vec<Problem>,
}

/// What came of a file that was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Added {
    /// Id of the ladder that is in the list now.
    pub ladder: String,
    /// Its name.
    pub name: String,
}
