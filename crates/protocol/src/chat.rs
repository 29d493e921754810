//! App ↔ window: what the Tauri commands take and return.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::worker::Loaded;
use crate::{Problem, Receipt};

mod conversation;
mod earlier;
mod settings;

pub use conversation::{
    AttachmentCard, Conversation, ConversationCard, ExportFormat, Found, Imported, Limits, Place, PromptSize,
    ShownMessage, Summarised,
};
pub use earlier::EarlierChats;
pub use settings::{Preset, Settings, Theme, UiLanguage};

/// A ladder as the window lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LadderCard {
    /// Catalogue id.
    pub id: String,
    /// Display name.
    pub name: String,
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
    /// Ids of its models, the target first.
    pub models: Vec<String>,
    /// Whether the user made it: it can be changed and removed.
    pub own: bool,
    /// Whether what is missing can be fetched.
    pub fetchable: bool,
}

/// A model as the window lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ModelCard {
    /// Its id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Size of its file.
    pub bytes: f64,
    /// Whether the file is here.
    pub installed: bool,
    /// Mixes that make it clearly smaller, the best first.
    pub mixes: Vec<String>,
}

/// Whether a model can draft for a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct DraftChoice {
    /// Id of the model.
    pub model: String,
    /// Why it cannot, if it cannot.
    pub problem: Option<Problem>,
    /// Whether that is known; otherwise it is found out when both are here.
    pub known: bool,
}

/// Where a ladder's memory goes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MemoryShare {
    /// Bytes of weights.
    pub weights: f64,
    /// Bytes of keys and values of the whole context.
    pub cache: f64,
    /// Bytes of all else.
    pub rest: f64,
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

/// What the engine is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum EngineState {
    /// No ladder is loaded and none is being loaded.
    Empty,
    /// A ladder's files are being fetched.
    Fetching {
        /// Catalogue id of the ladder.
        ladder: String,
        /// Bytes fetched so far.
        done_bytes: f64,
        /// Bytes in all.
        total_bytes: f64,
        /// About how many seconds are left; None before it can be told.
        seconds_left: Option<f64>,
    },
    /// A ladder is being loaded.
    Loading {
        /// Catalogue id of the ladder.
        ladder: String,
        /// Display name of the rung being read.
        rung: String,
        /// Share of the whole ladder read, 0 to 1.
        fraction: f32,
    },
    /// The ladder answers.
    Ready {
        /// What was loaded.
        loaded: Loaded,
    },
    /// Loading or fetching failed.
    Failed {
        /// What is wrong and what to do.
        problem: Problem,
    },
}

/// A ladder that is fetched while another one answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Beside {
    /// Its display name.
    pub name: String,
    /// How far that is; None while it waits, whole, for the end of an answer.
    pub progress: Option<FetchShare>,
}

/// How much of a ladder is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FetchShare {
    /// Bytes fetched so far.
    pub done_bytes: f64,
    /// Bytes in all.
    pub total_bytes: f64,
    /// About how many seconds are left; None before it can be told.
    pub seconds_left: Option<f64>,
}

/// Everything the window needs to draw itself once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// The conversation that was open last.
    pub conversation: Conversation,
    /// Every conversation: pinned ones first, then the latest first.
    pub conversations: Vec<ConversationCard>,
    /// Ladders of the catalogue.
    pub ladders: Vec<LadderCard>,
    /// The ladder in use.
    pub ladder: String,
    /// What the engine is doing.
    pub engine: EngineState,
    /// The user's choices.
    pub settings: Settings,
    /// How many threads the processor runs at once.
    pub processors: u32,
    /// How many bytes of memory the computer has; None if it does not tell.
    pub memory_bytes: Option<f64>,
    /// What a message may have with it.
    pub limits: Limits,
    /// Things the user should know that did not stop the start (a damaged settings file set aside, …).
    pub notices: Vec<Problem>,
}

/// What happens while an answer is written, in this order: `Saved`, `Reading`*, (`Text` | `Resuming`)*, then exactly
/// one of `Finished` and `Failed`. A stream that ends without either is an error of the app. A replay keeps nothing and
/// has no `Saved`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ChatEvent {
    /// The user's message is on disk.
    Saved {
        /// Id of the user's message.
        message: u32,
        /// Id of the answer to come; of one that is continued, its own.
        answer: u32,
    },
    /// The prompt is being read.
    Reading {
        /// Tokens read.
        done: u32,
        /// Tokens in all.
        total: u32,
    },
    /// More text behind what is shown.
    Text {
        /// The new text.
        text: String,
    },
    /// The worker ended without being asked; a new one goes on behind the shown text.
    Resuming {
        /// What happened.
        problem: Problem,
    },
    /// The answer is complete (or was stopped).
    Finished {
        /// What it cost and saved; of a continued answer, all of it together.
        receipt: Receipt,
    },
    /// The answer could not be completed; what is shown is kept.
    Failed {
        /// What is wrong and what to do.
        problem: Problem,
    },
}
