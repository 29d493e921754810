use serde::{Deserialize, Serialize};
use specta::Type;

use crate::worker::Speaker;
use crate::{Problem, Receipt};

/// A conversation as the list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ConversationCard {
    /// Opaque id.
    pub id: u32,
    /// Its name; empty before the first question, for which the window has its own word.
    pub title: String,
    /// Whether it is kept at the top.
    pub pinned: bool,
    /// When it last changed, in milliseconds since 1970.
    pub at_ms: f64,
    /// Messages on all its branches.
    pub messages: u32,
}

/// One message as the window shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ShownMessage {
    /// Opaque id.
    pub id: u32,
    /// The message that it follows; None at the root.
    pub parent: Option<u32>,
    /// Ids of all messages in this place, this one included, oldest first: edited questions, further answers.
    pub versions: Vec<u32>,
    /// Who says it.
    pub speaker: Speaker,
    /// Its text; of an answer in progress, what has been written so far.
    pub text: String,
    /// Files that go with it.
    pub attachments: Vec<AttachmentCard>,
    /// What the answer cost and saved; None for the user's messages and unfinished answers.
    pub receipt: Option<Receipt>,
    /// Why the answer is incomplete, if it is.
    pub problem: Option<Problem>,
    /// What the user is writing in its place and has not sent yet.
    pub edited: Option<String>,
    /// Milliseconds since 1970.
    pub at_ms: f64,
}

/// The conversation on screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Opaque id.
    pub id: u32,
    /// Its name; empty before the first question.
    pub title: String,
    /// Whether it is kept at the top of the list.
    pub pinned: bool,
    /// The chosen branch, from the root to its last message.
    pub messages: Vec<ShownMessage>,
    /// Text in the composer that was not sent yet.
    pub unsent: String,
    /// Instructions to the model that stand above the conversation; empty if there are none.
    pub system: String,
    /// The last message that the model does not read, by id: where it stands on a branch, it and what stands above it are only
    /// shown. 0 is none.
    pub left_out: u32,
    /// What the model reads in its place; empty for nothing.
    pub summary: String,
    /// Files in the composer that were not sent yet.
    pub attached: Vec<AttachmentCard>,
    /// Where the reader was; None at the end.
    pub place: Option<Place>,
}

/// Where a reader is in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The message at the top edge of the view.
    pub message: u32,
    /// How much of it is above the edge, in CSS pixels.
    pub offset: f64,
}

/// What a message may have with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of an attached file.
    pub attachment_bytes: f64,
    /// Files that go with one message.
    pub attachments: u32,
}

/// A place that a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The conversation.
    pub conversation: u32,
    /// Its title.
    pub title: String,
    /// The message; None if the title was found.
    pub message: Option<u32>,
    /// Text before the hit, shortened.
    pub before: String,
    /// What was found, as it is written there.
    pub hit: String,
    /// Text behind the hit, shortened.
    pub after: String,
    /// Whether the name of a file that goes with the message was found.
    pub file: bool,
    /// Name of the file that goes with the message and has the hit in its text; None if it is not in the text of a file.
    pub in_file: Option<String>,
    /// When the message was written or the conversation changed, in milliseconds since 1970.
    pub at_ms: f64,
}

/// An attached file as the window shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentCard {
    /// Opaque id.
    pub id: u32,
    /// Name of the file.
    pub name: String,
    /// Bytes of the file.
    pub bytes: f64,
    /// Characters of the text in it.
    pub characters: u32,
    /// Tokens of that text for the loaded target; None while nothing is loaded or the engine is busy.
    pub tokens: Option<u32>,
    /// Whether only the first part of the text was taken.
    pub cut: bool,
    /// What the model reads of that text.
    pub part: Part,
}

/// What the model reads of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// As much of its beginning as fits.
    Beginning,
    /// As many as fit of the passages that go with the question best.
    Passages,
}

/// How much of the target's context a question would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PromptSize {
    /// Tokens of the whole prompt: instructions, the branch, files and the question. None if it is far too long to be
    /// counted.
    pub tokens: Option<u32>,
    /// Tokens that the context holds, the answer included.
    pub context: u32,
    /// If that does not fit: tokens of the prompt without anything above the question; None if they cannot be counted either.
    pub least: Option<u32>,
}

/// What the model does not read any more, and what it reads in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Summarised {
    /// The last message that it does not read, by id.
    pub last: u32,
    /// A summary of it and what stands above.
    pub summary: String,
}

/// What came out of a file of conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Conversations that are new here.
    pub added: u32,
    /// Those that were here already, word for word.
    pub known: u32,
}

/// How conversations are written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// To be read: the chosen branch of each conversation.
    Markdown,
    /// Everything: all branches, receipts and files.
    Json,
}
