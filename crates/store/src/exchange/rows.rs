//! Conversations between the database and a file.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use serde_json::value::RawValue;

use super::{Conversation, File, Message};
use crate::attachments::{self, Attachment};
use crate::{conversations, search, tree};
use protocol::worker::Speaker;

/// The named conversations, or all of them, the oldest first. What was deleted is not among them.
pub(super) fn read(connection: &Connection, ids: &[u32]) -> rusqlite::Result<Vec<Conversation>> {
    if !ids.is_empty() {
        return ids.iter().map(|id| conversation(connection, *id)).collect();
    }
    // One that nothing was said in is only a place to begin.
    let sql = "SELECT id FROM conversation WHERE NOT deleted AND EXISTS \
                   (SELECT 1 FROM message WHERE message.conversation = conversation.id AND message.deleted IS NULL) \
               ORDER BY id";
    let all: Vec<u32> = connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    all.into_iter().map(|id| conversation(connection, id)).collect()
}

fn conversation(connection: &Connection, id: u32) -> rusqlite::Result<Conversation> {
    let sql = "SELECT title, renamed, pinned, system, unsent, at_ms, chosen, left_out, summary FROM conversation WHERE id = ?1 AND NOT deleted";
    let (mut found, chosen, left_out) = connection.query_row(sql, [id], |row| {
        let found = Conversation {
            title: row.get("title")?,
            renamed: row.get("renamed")?,
            pinned: row.get("pinned")?,
            system: row.get("system")?,
            unsent: row.get("unsent")?,
            at_ms: row.get("at_ms")?,
            summary: row.get("summary")?,
            ..Conversation::default()
        };
        Ok((found, row.get::<_, Option<u32>>("chosen")?, row.get::<_, u32>("left_out")?))
    })?;
    let sql = "SELECT id, parent, chosen, speaker, text, receipt, problem, at_ms, system, left_out, summary, edited, also FROM message \
               WHERE conversation = ?1 AND deleted IS NULL ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([id])?;
    let (mut places, mut choices) = (HashMap::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let (id, parent): (u32, Option<u32>) = (row.get("id")?, row.get("parent")?);
        places.insert(id, found.messages.len());
        choices.push(row.get::<_, Option<u32>>("chosen")?);
        let raw = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(column)?.and_then(raw));
        // What is left out stands above.
        let left_out = places.get(&row.get("left_out")?).copied();
        found.messages.push(Message {
            speaker: tree::speaker(row)?,
            text: row.get("text")?,
            parent: parent.and_then(|parent| places.get(&parent).copied()),
            chosen: None,
            at_ms: row.get("at_ms")?,
            receipt: raw("receipt")?,
            problem: raw("problem")?,
            system: row.get("system")?,
            attachments: attachments::texts_of(connection, id)?.into_iter().map(File::from).collect(),
            left_out,
            summary: summary_of(left_out, row.get("summary")?),
            edited: row.get("edited")?,
            also: row.get("also")?,
        });
    }
    let place = |chosen: Option<u32>| chosen.and_then(|id| places.get(&id).copied());
    for (message, choice) in found.messages.iter_mut().zip(choices) {
        message.chosen = place(choice);
    }
    found.chosen = place(chosen);
    found.left_out = place(Some(left_out));
    found.summary = summary_of(found.left_out, found.summary);
    found.attached = attachments::texts_in_composer(connection, id)?.into_iter().map(File::from).collect();
    Ok(found)
}

/// A summary goes with the message that it ends at: it tells what was said.
fn summary_of(left_out: Option<usize>, summary: String) -> String {
    if left_out.is_some() { summary } else { String::new() }
}

/// As it is kept; what is no JSON any more is left out.
fn raw(text: String) -> Option<Box<RawValue>> {
    RawValue::from_string(text).ok()
}

/// Whether a conversation with these very messages is here.
pub(super) fn is_here(connection: &Connection, one: &Conversation) -> rusqlite::Result<bool> {
    let Some(first) = one.messages.first() else { return Ok(false) };
    let sql = "SELECT conversation.id FROM message JOIN conversation ON conversation.id = message.conversation \
               WHERE message.at_ms = ?1 AND message.text = ?2 AND message.parent IS NULL \
                   AND message.deleted IS NULL AND NOT conversation.deleted";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![first.at_ms, first.text], |row| row.get(0))?;
    for id in found.collect::<Result<Vec<u32>, _>>()? {
        let other = conversation(connection, id)?;
        let said = other.messages.len() == one.messages.len()
            && other.messages.iter().zip(&one.messages).all(|(a, b)| a.is_same(b));
        // What waits in the composer or was set for it would be lost with a conversation that is left out.
        if said
            && one.system == other.system
            && (one.unsent.is_empty() || one.unsent == other.unsent)
            && (one.attached.is_empty() || texts(&one.attached) == texts(&other.attached))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn texts(files: &[File]) -> Vec<&str> {
    files.iter().map(|file| file.text.as_str()).collect()
}

impl Message {
    /// The same thing said at the same place, at the same time, with the same files.
    fn is_same(&self, other: &Self) -> bool {
        let said = |message: &Self| (message.speaker, message.parent, message.at_ms.to_bits());
        said(self) == said(other) && self.text == other.text && texts(&self.attachments) == texts(&other.attachments)
    }
}

/// Takes back what was just added.
pub(super) fn remove(connection: &Connection, ids: &[u32]) -> rusqlite::Result<()> {
    ids.iter()
        .try_for_each(|id| connection.execute("UPDATE conversation SET deleted = 1 WHERE id = ?1", [id]).map(|_| ()))
}

/// Adds a conversation that was checked. Gives its id.
pub(super) fn write(connection: &Connection, one: &Conversation) -> rusqlite::Result<u32> {
    let sql = "INSERT INTO conversation (title, renamed, pinned, system, unsent, at_ms, summary) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id";
    let summary = summary_of(one.left_out, one.summary.clone());
    let values = params![one.title, one.renamed, one.pinned, one.system, one.unsent, one.at_ms, summary];
    let id: u32 = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    let sql = "INSERT INTO message (conversation, parent, speaker, text, receipt, problem, finished, at_ms, system, summary, edited, also) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10, ?11) RETURNING id";
    let mut insert = connection.prepare_cached(sql)?;
    let mut ids: Vec<u32> = Vec::with_capacity(one.messages.len());
    for message in &one.messages {
        let parent = message.parent.map(|place| ids[place]);
        let speaker = if message.speaker == Speaker::User { "user" } else { "assistant" };
        let (receipt, problem) =
            (message.receipt.as_deref().map(RawValue::get), message.problem.as_deref().map(RawValue::get));
        let (at_ms, system) = (message.at_ms, &message.system);
        let summary = summary_of(message.left_out, message.summary.clone());
        let Message { text, edited, also, .. } = message;
        let values = params![id, parent, speaker, text, receipt, problem, at_ms, system, summary, edited, also];
        let new: u32 = insert.query_row(values, |row| row.get(0))?;
        for file in &message.attachments {
            attachments::add(connection, id, Some(new), &file.into())?;
        }
        search::index(connection, new, &message.text)?;
        ids.push(new);
    }
    for file in &one.attached {
        attachments::add(connection, id, None, &file.into())?;
    }
    let chosen = |place: Option<usize>| place.map(|place| ids[place]);
    let left_out = |place: Option<usize>| place.and_then(|place| ids.get(place)).copied().unwrap_or(0);
    let sql = "UPDATE conversation SET chosen = ?2, left_out = ?3 WHERE id = ?1";
    connection.execute(sql, params![id, chosen(one.chosen), left_out(one.left_out)])?;
    let mut choose = connection.prepare_cached("UPDATE message SET chosen = ?2, left_out = ?3 WHERE id = ?1")?;
    for (message, id) in one.messages.iter().zip(&ids) {
        choose.execute(params![id, chosen(message.chosen), left_out(message.left_out)])?;
    }
    conversations::name(connection, id)?;
    Ok(id)
}

impl From<Attachment> for File {
    fn from(attachment: Attachment) -> Self {
        let Attachment { name, bytes, text, cut, part, excerpt } = attachment;
        Self { name, bytes, cut, text, part, excerpt }
    }
}

impl From<&File> for Attachment {
    fn from(file: &File) -> Self {
        let File { name, bytes, cut, text, part, excerpt } = file.clone();
        Self { name, bytes, text, cut, part, excerpt }
    }
}
