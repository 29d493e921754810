//! App ↔ window: what the Tauri commands take and return.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::worker::{Loaded, Speaker};
use crate::{Problem, Receipt};

/// One message as the window shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ShownMessage {
    /// Opaque id.
    pub id: u32,
    /// Who says it.
    pub speaker: Speaker,
    /// Its text; of an answer in progress, what has been written so far.
    pub text: String,
    /// What the answer cost and saved; None for the user's messages and unfinished answers.
    pub receipt: Option<Receipt>,
    /// Why the answer is incomplete, if it is.
    pub problem: Option<Problem>,
    /// Milliseconds since 1970.
    pub at_ms: f64,
}

/// The conversation on screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Opaque id.
    pub id: u32,
    /// Oldest first.
    pub messages: Vec<ShownMessage>,
    /// Text in the composer that was not sent yet.
    pub unsent: String,
}

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

/// Everything the window needs to draw itself once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// The conversation.
    pub conversation: Conversation,
    /// Ladders of the catalogue.
    pub ladders: Vec<LadderCard>,
    /// The ladder in use.
    pub ladder: String,
    /// What the engine is doing.
    pub engine: EngineState,
    /// The user's choices.
    pub settings: Settings,
    /// Things the user should know that did not stop the start (a damaged settings file set aside, …).
    pub notices: Vec<Problem>,
}

/// Language of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum UiLanguage {
    /// The system's.
    #[default]
    System,
    /// English.
    En,
    /// Japanese.
    Ja,
}

/// Colours of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// The system's.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// The user's choices, kept in the settings file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    /// Catalogue id of the ladder to load.
    pub ladder: String,
    /// Whether the cascade is on.
    pub speed_up: bool,
    /// Exact mode.
    pub exact: bool,
    /// Language of the window.
    pub language: UiLanguage,
    /// Colours of the window.
    pub theme: Theme,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ladder: "smollm2".to_owned(),
            speed_up: true,
            exact: false,
            language: UiLanguage::System,
            theme: Theme::System,
        }
    }
}

/// What happens while an answer is written, in this order: `Saved`, `Reading`*, (`Text` | `Resuming`)*, then exactly
/// one of `Finished` and `Failed`. A stream that ends without either is an error of the app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ChatEvent {
    /// The user's message is on disk.
    Saved {
        /// Id of the user's message.
        message: u32,
        /// Id of the answer to come.
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
        /// What it cost and saved.
        receipt: Receipt,
    },
    /// The answer could not be completed; what is shown is kept.
    Failed {
        /// What is wrong and what to do.
        problem: Problem,
    },
}
