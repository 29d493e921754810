//! App ↔ worker: what goes through the worker's standard input ([`Command`]) and output ([`Event`]).

mod devices;
mod modules;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::ladder::{EngineSettings, Ladder};
use crate::learned::Lessons;
use crate::{FinishReason, Mix, Problem, Receipt, ReviewRule, Sampling};
pub use devices::{Device, DeviceKind, DeviceShare, RungShare};
pub use modules::{Modules, ProcessorModule, RatedModule, RefusedModule};

/// Who says a [`Message`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// Instructions above the conversation.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub speaker: Speaker,
    /// What is said.
    pub text: String,
}

/// A request for one answer.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generate {
    /// Echoed in every event of this answer.
    pub id: u32,
    /// The conversation, ending with the user's message.
    pub messages: Vec<Message>,
    /// Text that the answer begins with: it was written before, and generation goes on behind it.
    #[serde(default)]
    pub begun: String,
    /// Answer tokens already shown (after a restart), behind what was begun; generation goes on behind them.
    pub shown: Vec<u32>,
    /// At most this many answer tokens, begun and shown ones included; None goes to the end of the context.
    pub max_tokens: Option<u32>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// How proposed tokens are reviewed; `Coupled` alone goes with exact mode.
    #[serde(default)]
    pub review_rule: ReviewRule,
    /// What the answer has to look like; None allows everything.
    #[serde(default)]
    pub format: Option<Format>,
    /// False: the target alone.
    pub cascade: bool,
    /// A K matrix to be played as it stands, instead of the adaptive policy.
    pub k: Option<Vec<Vec<u32>>>,
    /// Without a K matrix of its own: the ladder's is played, instead of the adaptive policy.
    #[serde(default)]
    pub matrix: bool,
    /// The adaptive policy forgets first what it has learned of the ladder, all but what passes took when it was loaded.
    #[serde(default)]
    pub unlearned: bool,
    /// Drafts wait while the target looks, even where they have a device of their own.
    #[serde(default)]
    pub drafts_wait: bool,
    /// The target looks at no second choices beside what was proposed.
    #[serde(default)]
    pub in_line: bool,
}

/// A shape that the whole answer has to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "text", rename_all = "snake_case")]
pub enum Format {
    /// JSON that this schema allows.
    JsonSchema(String),
    /// Text of this grammar, in the variant of Lark that llguidance reads.
    Grammar(String),
}

impl Format {
    /// Most bytes of a schema or grammar.
    pub const MOST: usize = 256 * 1024;

    /// The schema or grammar itself.
    pub fn text(&self) -> &str {
        match self {
            Self::JsonSchema(text) | Self::Grammar(text) => text,
        }
    }
}

/// What a worker forgets of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anew {
    /// Nothing.
    #[default]
    Nothing,
    /// Everything that drafts may copy from, or came to remember.
    Drafts,
    /// That, and what the models have read.
    All,
}

/// App → worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Command {
    /// Loads a ladder in place of the one held. Answered by `Loading`…, then `Loaded` or `Failed`.
    Load {
        /// The ladder.
        ladder: Ladder,
        /// How to run it.
        settings: EngineSettings,
        /// What was learned of it before under these very conditions.
        known: Option<Box<Lessons>>,
        /// Whether it does without other computers, as one was lost.
        without_others: bool,
    },
    /// What was said in earlier chats, oldest first, for drafts to copy from. Not answered.
    Earlier {
        /// Questions and answers as they were written.
        texts: Vec<String>,
        /// What is forgotten before they come behind what is left.
        anew: Anew,
    },
    /// Asks for an answer. Answered by `Reading`…, `Text`…, then `Finished` or `Failed`.
    Generate(Generate),
    /// Asks what the target answers and what every draft would have said on the way; with `max_tokens` 0 only for the
    /// tokens of the prompt, for which no model runs. Answered by `Reading`…, then `Recorded` or `Failed`.
    Record(Generate),
    /// Asks for the target's tokens of a text. Answered by `Tokens`.
    Tokenize {
        /// Echoed in the answer.
        id: u32,
        /// The text; nothing in it is markup.
        text: String,
    },
    /// Writes the model in the file `from` anew in another mix, to the file `to`. What is loaded goes. Answered by `Requantizing`…, then
    /// `Requantized` or `Failed`; a cancel ends the worker.
    Requantize {
        /// What there is.
        from: PathBuf,
        /// What is made.
        to: PathBuf,
        /// How.
        mix: Mix,
        /// About how many bytes that will have.
        bytes: u64,
    },
    /// Asks what there is to compute with. Answered by `Looked`.
    Look,
    /// Asks what each device would hold of a ladder if it were loaded now in place of the one held. Nothing of its weights is read. Answered by `Foreseen`.
    Foresee {
        /// The ladder.
        ladder: Ladder,
        /// How it would be run.
        settings: EngineSettings,
    },
    /// Stops the answer in progress between two passes, or a load in progress. Nothing happens if there is none.
    Cancel,
    /// Ends the worker after the current pass.
    Quit,
}

/// What there is to compute with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Hardware {
    /// What llama.cpp uses of the processor, for example `AVX512`.
    pub processor: Vec<String>,
    /// What computes with the processor, and what there was to choose from. None where the system does not tell.
    #[serde(default)]
    pub processor_module: Option<ProcessorModule>,
    /// Everything else that computes.
    pub devices: Vec<Device>,
    /// The folder in which modules for other devices are looked for.
    pub modules: Option<Modules>,
    /// Files of modules in it.
    pub module_files: Vec<String>,
    /// Other computers that were named and cannot be used.
    pub left_out: Vec<LeftOut>,
}

/// A draft rung that could not be loaded and what the ladder does without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct LeftOut {
    /// Display name.
    pub rung: String,
    /// Why.
    pub problem: Problem,
}

/// How a draft drafts for a target whose tokens are not quite its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Translation {
    /// All but a few of its tokens are the target's; the others it never says.
    Nearly,
    /// Its tokens are others: what it says is cut into the target's, which is slower.
    ByText,
}

/// A draft rung whose tokens are not quite the target's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Translated {
    /// Display name.
    pub rung: String,
    /// How it drafts all the same.
    pub how: Translation,
}

/// Where a model's layers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Placed {
    /// Display name.
    pub rung: String,
    /// How many of its layers are on devices, the output counted as one; the processor has the others.
    pub layers: u32,
    /// How many there are, the output counted as one.
    pub of: u32,
    /// The devices by name; none if the processor has all.
    pub devices: Vec<String>,
    /// Whether one of them is another computer's.
    pub remote: bool,
}

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    /// Catalogue id of the ladder.
    pub ladder: String,
    /// Display names from the target down, Max-Gram included, without those left out.
    pub rungs: Vec<String>,
    /// Draft rungs that could not be used.
    pub left_out: Vec<LeftOut>,
    /// Draft rungs whose tokens are not quite the target's.
    #[serde(default)]
    pub translated: Vec<Translated>,
    /// For each model, the target first, where its layers are.
    #[serde(default)]
    pub placed: Vec<Placed>,
    /// Whether the largest draft has a device of its own, so that it can draft ahead while the target looks.
    #[serde(default)]
    pub drafts_ahead: bool,
    /// What computes with the processor, and what there was to choose from. None where the system does not tell.
    #[serde(default)]
    pub computed_by: Option<Box<ProcessorModule>>,
    /// Context length in tokens.
    pub context: u32,
    /// Exact mode: review widths found bit-identical; empty in fast mode.
    pub exact_widths: Vec<u32>,
    /// The ladder's K matrix without the rungs left out.
    pub k: Vec<Vec<u32>>,
    /// Seconds that loading took.
    pub seconds: f64,
    /// Bytes of model files that were read for it; those of models that were in use already are not read again.
    #[serde(default)]
    pub read_bytes: f64,
    /// For each model, the target first, how long its passes take.
    pub pass_times: Vec<Vec<PassTime>>,
}

/// What one forward pass takes on this computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct PassTime {
    /// Tokens in the pass.
    pub width: u32,
    /// Seconds.
    pub seconds: f64,
}

/// What the models of a ladder said to one question.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Record {
    /// Tokens of the prompt.
    pub prompt: Vec<u32>,
    /// The target's answer.
    pub answer: Vec<u32>,
    /// Whether the target ended it.
    pub ended: bool,
    /// Every token that ends an answer.
    pub end_tokens: Vec<u32>,
    /// For each draft and each position of the answer (and the one behind it) its best tokens with their scores (logits),
    /// best first.
    pub drafts: Vec<Vec<Vec<(u32, f32)>>>,
}

/// Worker → app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The worker runs and waits for commands. This stays as it is: programs of all versions have to understand it.
    Ready {
        /// Its program's version.
        #[serde(default)]
        version: String,
    },
    /// Where the ladder that is being loaded goes is decided; reading begins.
    Placing {
        /// The devices by name; none if the processor has all.
        devices: Vec<String>,
        /// Whether one of them is another computer's.
        remote: bool,
    },
    /// A model is being read; `fraction` of the whole ladder, 0 to 1.
    Loading {
        /// Display name of the rung being read.
        rung: String,
        /// Share of the whole ladder that is read.
        fraction: f32,
    },
    /// The ladder can answer.
    Loaded(Loaded),
    /// The prompt is being read.
    Reading {
        /// The request.
        id: u32,
        /// Prompt tokens read.
        done: u32,
        /// Prompt tokens in all.
        total: u32,
    },
    /// New text: whole characters only, one frame per review.
    Text {
        /// The request.
        id: u32,
        /// The new text; may be empty while a character is incomplete.
        text: String,
        /// The new tokens, to go on behind them after a restart.
        tokens: Vec<u32>,
        /// For each token the rung that wrote it: 0 the target, then the drafts, last Max-Gram.
        writers: Vec<u8>,
        /// For each token how many characters of `text` it completed.
        lengths: Vec<u32>,
    },
    /// The answer ended.
    Finished {
        /// The request.
        id: u32,
        /// Why it ended.
        reason: FinishReason,
        /// What it cost and saved.
        receipt: Box<Receipt>,
    },
    /// What is worth knowing at the next start; sent after `Loaded` and before every `Finished`.
    Learned(Box<Lessons>),
    /// What was said to a question.
    Recorded {
        /// The request.
        id: u32,
        /// What was said.
        record: Box<Record>,
    },
    /// The tokens of a text.
    Tokens {
        /// The request.
        id: u32,
        /// The tokens.
        tokens: Vec<u32>,
        /// Hash of the vocabulary that they belong to.
        vocabulary: u64,
    },
    /// A model is being written anew.
    Requantizing {
        /// About the share that is done, 0 to 1.
        fraction: f32,
    },
    /// It is written.
    Requantized,
    /// What there is to compute with.
    Looked(Box<Hardware>),
    /// What each device would hold of a ladder.
    Foreseen {
        /// Each of them.
        devices: Vec<DeviceShare>,
    },
    /// A command failed. The worker goes on unless it says otherwise by ending.
    Failed {
        /// The request, if it was one.
        id: Option<u32>,
        /// What is wrong and what to do.
        problem: Problem,
    },
}
