//! App ↔ window: what the Tauri commands take and return.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::worker::Loaded;
use crate::{Problem, Receipt};

mod conversation;
mod downloads;
mod earlier;
mod ladders;
mod settings;
mod updates;

pub use conversation::{
    AttachmentCard, Conversation, ConversationCard, ExportFormat, Found, Imported, Limits, Part, Place, PromptSize,
    ShownMessage, Summarised,
};
pub use downloads::{Download, DownloadState, FetchShare};
pub use earlier::EarlierChats;
pub use ladders::{
    About, Added, AddedFiles, DeviceMemory, DraftChoice, Fits, LadderCard, LadderCheck, LadderFile, LadderRemoved,
    LadderVersion, MemoryShare, MixChoice, ModelCard, RemovedLadder, ShrinkStep, Shrunk, SmallerVersion,
};
pub use settings::{Policy, Preset, Settings, Theme, UiLanguage};
pub use updates::{UpdateState, UpdatesAbout, UpdatesFrom};

/// What the engine is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum EngineState {
    /// No ladder is loaded and none is being loaded.
    Empty,
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
    /// Loading failed.
    Failed {
        /// What is wrong and what to do.
        problem: Problem,
    },
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
    /// Settings that the administrator has laid down, as the settings file calls them: nobody can change them here.
    pub locked: Vec<String>,
    /// Things the user should know that did not stop the start (a damaged settings file set aside, …).
    pub notices: Vec<Problem>,
}

/// What happens while an answer is written, in this order: `LeftOut`?, `Saved`, `Reading`*, (`Text` | `Resuming`)*, then exactly
/// one of `Finished` and `Failed`. A stream that ends without either is an error of the app. A replay keeps nothing and
/// has no `Saved`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ChatEvent {
    /// The oldest messages were left out, so that an answer can go on.
    LeftOut {
        /// The last of them, by id.
        last: u32,
    },
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
