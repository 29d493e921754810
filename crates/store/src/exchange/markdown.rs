//! Conversations as Markdown. What people see are headings and text; comments between them, which no viewer shows, tell
//! this program what is what. Only the chosen branch is written, without receipts.

use std::fmt::Write;

use protocol::Language;
use protocol::worker::Speaker;
use serde::{Deserialize, Serialize};

use super::{Conversation, File, Message};

/// Begins a comment of this program. A line of text that looks like one gets a backslash.
const MARK: &str = "<!-- taki ";
const END: &str = " -->";

/// What a comment says of the text below it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    Conversation {
        title: String,
        renamed: bool,
        pinned: bool,
        at_ms: f64,
        /// How many of the messages below the model does not read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left_out: Option<usize>,
    },
    System,
    /// What it reads in their place.
    Summary,
    Message {
        speaker: Speaker,
        at_ms: f64,
    },
    /// Goes with the message above.
    File(File),
}

/// The words of a file.
pub(super) fn write(conversations: &[Conversation], language: Language) -> String {
    let (you, instructions, summary) = match language {
        Language::English => ("You", "Instructions", "Summary of what the model does not read"),
        Language::Japanese => ("あなた", "指示", "モデルが読まない部分の要約"),
    };
    let mut out = String::new();
    for conversation in conversations {
        let Conversation { title, renamed, pinned, at_ms, .. } = conversation;
        let branch = chosen(conversation);
        let left_out = branch.iter().position(|place| Some(*place) == conversation.left_out).map(|last| last + 1);
        let mark =
            Mark::Conversation { title: title.clone(), renamed: *renamed, pinned: *pinned, at_ms: *at_ms, left_out };
        section(&mut out, &mark, &format!("# {}", title.replace(['\r', '\n'], " ")), "");
        if !conversation.system.is_empty() {
            section(&mut out, &Mark::System, &format!("## {instructions}"), &conversation.system);
        }
        if left_out.is_some() && !conversation.summary.is_empty() {
            section(&mut out, &Mark::Summary, &format!("## {summary}"), &conversation.summary);
        }
        for message in branch.into_iter().map(|place| &conversation.messages[place]) {
            let heading = if message.speaker == Speaker::User { you } else { "Taki" };
            let mark = Mark::Message { speaker: message.speaker, at_ms: message.at_ms };
            section(&mut out, &mark, &format!("## {heading}"), &message.text);
            for file in &message.attachments {
                let fence = fence(&file.text);
                // What was read of it stands in it: a person has no use for it twice.
                let mark = Mark::File(File { text: String::new(), excerpt: None, ..file.clone() });
                let heading = format!("### {}", file.name.replace(['\r', '\n'], " "));
                section(&mut out, &mark, &heading, &format!("{fence}\n{}\n{fence}", file.text));
            }
        }
    }
    out
}

/// The chosen branch, as places in the list.
fn chosen(conversation: &Conversation) -> Vec<usize> {
    let messages = &conversation.messages;
    let (mut branch, mut at, mut choice) = (Vec::new(), None, conversation.chosen);
    loop {
        let follows = |place: &usize| messages[*place].parent == at;
        let next =
            choice.filter(|place| follows(place)).or_else(|| (0..messages.len()).rev().find(|place| follows(place)));
        let Some(next) = next else { return branch };
        branch.push(next);
        (at, choice) = (Some(next), messages[next].chosen);
    }
}

fn section(out: &mut String, mark: &Mark, heading: &str, text: &str) {
    // What would end a comment may be in a title.
    let mark = serde_json::to_string(mark).unwrap_or_default().replace('>', "\\u003e");
    let _ = write!(out, "{MARK}{mark}{END}\n{heading}\n\n");
    for line in text.split('\n') {
        if looks_like_mark(line) {
            out.push('\\');
        }
        out.push_str(line);
        out.push('\n');
    }
    out.push('\n');
}

/// Whether a line is a comment of this program, or such a line with backslashes in front.
fn looks_like_mark(line: &str) -> bool {
    line.trim_start_matches('\\').starts_with(MARK)
}

/// A line around `text` that nothing in it can end: more backticks than anywhere in it, at least three.
pub fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// The conversations of a file that [`write`] wrote.
pub(super) fn read(text: &str) -> Result<Vec<Conversation>, String> {
    let mut conversations: Vec<Conversation> = Vec::new();
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let Some(mark) = line.trim_end().strip_prefix(MARK).and_then(|rest| rest.strip_suffix(END)) else { continue };
        let mark: Mark = serde_json::from_str(mark).map_err(|error| error.to_string())?;
        // The heading, for people only, and the empty line below it.
        lines.next();
        lines.next();
        let mut body = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with(MARK)) {
            body.push(if looks_like_mark(line) { line.strip_prefix('\\').unwrap_or(line) } else { line });
        }
        // The empty line behind it, and at the end of the file what is behind its last line break.
        for _ in 0..if lines.peek().is_some() { 1 } else { 2 } {
            body.pop_if(|line| line.trim_end().is_empty());
        }
        add(&mut conversations, mark, &body)?;
    }
    Ok(conversations)
}

fn add(conversations: &mut Vec<Conversation>, mark: Mark, body: &[&str]) -> Result<(), String> {
    if let Mark::Conversation { title, renamed, pinned, at_ms, left_out } = mark {
        let left_out = left_out.and_then(|count| count.checked_sub(1));
        conversations.push(Conversation { title, renamed, pinned, at_ms, left_out, ..Conversation::default() });
        return Ok(());
    }
    let conversation = conversations.last_mut().ok_or("there is something in front of the first conversation")?;
    match mark {
        Mark::System => conversation.system = body.join("\n"),
        Mark::Summary => conversation.summary = body.join("\n"),
        Mark::Message { speaker, at_ms } => {
            let parent = conversation.messages.len().checked_sub(1);
            conversation.messages.push(Message {
                speaker,
                text: body.join("\n"),
                parent,
                chosen: None,
                at_ms,
                receipt: None,
                problem: None,
                system: None,
                left_out: None,
                summary: String::new(),
                edited: None,
                also: String::new(),
                attachments: Vec::new(),
            });
        }
        Mark::File(mut file) => {
            let message = conversation.messages.last_mut().ok_or("there is a file in front of the first message")?;
            // Without its fences.
            file.text = body.get(1..body.len().saturating_sub(1)).unwrap_or_default().join("\n");
            message.attachments.push(file);
        }
        Mark::Conversation { .. } => {}
    }
    Ok(())
}
