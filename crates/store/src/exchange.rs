//! Conversations as files: all of them as JSON, what is to be read as Markdown, and back.

mod markdown;
mod rows;

use std::path::Path;

use protocol::chat::{ExportFormat, Imported, Part};
use protocol::worker::Speaker;
use protocol::{Code, Language, Problem};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bounded::text_of_file;
use crate::database::Store;
use crate::places::put;

pub use markdown::fence;

/// Larger files are refused.
const LARGEST: u64 = 1 << 30;

/// Written into every JSON file; a newer one is not understood.
const FORMAT: u32 = 1;

/// What tells a file of this program's from any other.
#[derive(Deserialize)]
struct Marked {
    taki_conversations: Option<u32>,
}

/// A file of conversations.
#[derive(Debug, Serialize, Deserialize)]
struct Exported {
    taki_conversations: u32,
    conversations: Vec<Conversation>,
}

/// A conversation with all its branches.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Conversation {
    title: String,
    /// Whether a person chose the title.
    renamed: bool,
    pinned: bool,
    system: String,
    unsent: String,
    at_ms: f64,
    /// The first message that is shown, by its place in the list.
    chosen: Option<usize>,
    /// Every message stands behind the one it follows.
    messages: Vec<Message>,
    /// Files in the composer.
    attached: Vec<File>,
    /// The last message that the model does not read, by its place in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<usize>,
    /// What it reads in its place.
    #[serde(skip_serializing_if = "String::is_empty")]
    summary: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Message {
    speaker: Speaker,
    text: String,
    /// The message it follows, by its place in the list.
    #[serde(default)]
    parent: Option<usize>,
    /// The next message that is shown, by its place in the list.
    #[serde(default)]
    chosen: Option<usize>,
    #[serde(default)]
    at_ms: f64,
    /// As it is kept, digit for digit.
    #[serde(default)]
    receipt: Option<Box<RawValue>>,
    #[serde(default)]
    problem: Option<Box<RawValue>>,
    #[serde(default)]
    system: Option<String>,
    #[serde(default)]
    attachments: Vec<File>,
    /// The last message that the model did not read for it, by its place in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_out: Option<usize>,
    /// What it read in its place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    summary: String,
    /// What was being written in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edited: Option<String>,
    /// What the model read with it besides.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    also: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct File {
    name: String,
    bytes: u64,
    cut: bool,
    #[serde(default)]
    text: String,
    /// What the model reads of it, and what came of that.
    #[serde(default, skip_serializing_if = "is_whole")]
    part: Part,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_whole(part: &Part) -> bool {
    *part == Part::Whole
}

impl Store {
    /// Writes conversations to `path`, all of them if none are named: wholly or not at all. `language` is for headings.
    ///
    /// # Errors
    /// See [`Store`]; [`Code::FileUnusable`].
    pub fn export(
        &self,
        conversations: &[u32],
        format: ExportFormat,
        language: Language,
        path: &Path,
    ) -> Result<u32, Problem> {
        let exported = self.read(|transaction| rows::read(transaction, conversations))?;
        let unusable = |error: &dyn std::fmt::Display| unusable(path, error);
        let (text, count) = match format {
            ExportFormat::Markdown => (markdown::write(&exported, language).into_bytes(), exported.len()),
            ExportFormat::Json => {
                let all = Exported { taki_conversations: FORMAT, conversations: exported };
                let text = serde_json::to_vec_pretty(&all).map_err(|error| unusable(&error))?;
                (text, all.conversations.len())
            }
        };
        put(path, &text).map_err(|error| unusable(&error))?;
        Ok(count as u32)
    }

    /// Adds the conversations of a file that [`Self::export`] wrote; those whose messages are here already, word for word, are
    /// left as they are. If one cannot be added those before it go again; a program that ends in between leaves them, and the
    /// next import adds the others. `on` hears how many are done after each: others may write in between.
    ///
    /// # Errors
    /// See [`Store`]; [`Code::FileUnusable`], [`Code::NotExported`].
    pub fn import(&self, path: &Path, on: &mut dyn FnMut(usize)) -> Result<Imported, Problem> {
        let unusable = |error: &dyn std::fmt::Display| unusable(path, error);
        let other = || Problem::new(Code::NotExported).with("path", path.display());
        let text = text_of_file(path, LARGEST).map_err(|error| unusable(&error))?;
        let text = text.trim_start_matches('\u{feff}');
        let conversations = if text.trim_start().starts_with('{') {
            let marked: Marked = serde_json::from_str(text).map_err(|error| unusable(&error))?;
            if marked.taki_conversations.is_none() {
                return Err(other());
            }
            let all: Exported = serde_json::from_str(text).map_err(|error| unusable(&error))?;
            if all.taki_conversations > FORMAT {
                return Err(unusable(&"it was written by a newer version of Taki"));
            }
            all.conversations
        } else {
            let read = markdown::read(text).map_err(|reason| unusable(&reason))?;
            if read.is_empty() { Err(other()) } else { Ok(read) }?
        };
        conversations.iter().try_for_each(check).map_err(|reason| unusable(&reason))?;
        let mut added = Vec::new();
        let mut known = 0;
        for (done, one) in conversations.iter().enumerate() {
            // Each by itself: an answer that is being written must not wait for a whole library.
            let new = self.write(|transaction| {
                if rows::is_here(transaction, one)? { Ok(None) } else { rows::write(transaction, one).map(Some) }
            });
            match new {
                Ok(Some(id)) => added.push(id),
                Ok(None) => known += 1,
                Err(problem) => {
                    self.write(|transaction| rows::remove(transaction, &added))?;
                    return Err(problem);
                }
            }
            on(done + 1);
        }
        Ok(Imported { added: added.len() as u32, known })
    }
}

/// Whether the messages are a tree.
fn check(conversation: &Conversation) -> Result<(), &'static str> {
    let count = conversation.messages.len();
    let chosen = conversation.messages.iter().map(|message| message.chosen).chain([conversation.chosen]);
    if chosen.flatten().any(|place| place >= count) {
        return Err("a message that was chosen is missing");
    }
    let left_out = conversation.messages.iter().map(|message| message.left_out).chain([conversation.left_out]);
    if left_out.flatten().any(|place| place >= count) {
        return Err("a message that was left out is missing");
    }
    let mut messages = conversation.messages.iter().enumerate();
    if messages.any(|(place, message)| message.parent.is_some_and(|parent| parent >= place)) {
        return Err("a message stands before the one it follows");
    }
    if conversation.messages.iter().any(|message| message.speaker == Speaker::System) {
        return Err("instructions stand among the messages");
    }
    Ok(())
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason)
}
