//! Full-text search over messages and titles.
//!
//! Japanese has no spaces, so words cannot be indexed as words without a dictionary. The index is by trigrams, which finds
//! any part of a text of three characters or more at once. Shorter words (many Japanese ones are) are looked for in the
//! folded text itself: reading all of it is quick enough for what one person writes, and nothing is ever missed.

use std::collections::HashSet;

use protocol::Problem;
use protocol::chat::Found;
use rusqlite::{Connection, Transaction, params, params_from_iter};

use crate::database::Store;
use crate::fold::{find, fold};

/// Shortest term the index knows, in characters.
const TRIGRAM: usize = 3;

/// Characters shown before and behind a hit.
const AROUND: usize = 40;

impl Store {
    /// Finds all words of `text`, anywhere inside words too: titles first, then names of files, then the latest message first.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn search(&self, text: &str, limit: u32) -> Result<Vec<Found>, Problem> {
        let terms: Vec<String> = fold(text).split_whitespace().map(str::to_owned).collect();
        if terms.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        self.read(|transaction| {
            let mut names = in_titles(transaction, &terms)?;
            names.extend(in_file_names(transaction, &terms)?);
            // Names alone must not hide what was said.
            let rest = names.split_off(names.len().min((limit as usize / 2).max(1)));
            let mut found = names;
            let messages = in_messages(transaction, &terms, limit)?;
            // A message that is shown for its file need not be shown again.
            let others = messages.into_iter().filter(|hit| found.iter().all(|shown| shown.message != hit.message));
            let others: Vec<_> = others.take(limit as usize - found.len()).collect();
            found.extend(others);
            found.extend(rest);
            found.truncate(limit as usize);
            Ok(found)
        })
    }
}

fn in_titles(connection: &Connection, terms: &[String]) -> rusqlite::Result<Vec<Found>> {
    let sql =
        "SELECT id, title, at_ms FROM conversation WHERE NOT deleted AND title <> '' ORDER BY at_ms DESC, id DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let title: String = row.get("title")?;
        let folded = fold(&title);
        if terms.iter().all(|term| folded.contains(term)) {
            found.extend(hit(row.get("id")?, title.clone(), None, &title, terms, row.get("at_ms")?));
        }
    }
    Ok(found)
}

/// Files that were sent: whoever looks for one knows its name.
fn in_file_names(connection: &Connection, terms: &[String]) -> rusqlite::Result<Vec<Found>> {
    let sql = "SELECT attachment.name, message.id, message.conversation, conversation.title, message.at_ms \
               FROM attachment JOIN message ON message.id = attachment.message \
               JOIN conversation ON conversation.id = message.conversation \
               WHERE message.deleted IS NULL AND NOT conversation.deleted ORDER BY message.at_ms DESC, attachment.id DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let (mut named, mut sent) = (HashSet::new(), HashSet::new());
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get("name")?;
        let (conversation, message) = (row.get("conversation")?, row.get("id")?);
        let folded = fold(&name);
        // An edited question has its files too: each is named once in a conversation, and a message once.
        if terms.iter().all(|term| folded.contains(term))
            && named.insert((conversation, name.clone()))
            && sent.insert(message)
        {
            let hit = hit(conversation, row.get("title")?, Some(message), &name, terms, row.get("at_ms")?);
            found.extend(hit.map(|hit| Found { file: true, ..hit }));
        }
    }
    Ok(found)
}

fn in_messages(connection: &Connection, terms: &[String], limit: u32) -> rusqlite::Result<Vec<Found>> {
    let (long, short): (Vec<&String>, Vec<&String>) =
        terms.iter().partition(|term| term.chars().nth(TRIGRAM - 1).is_some());
    let mut conditions = vec!["message.deleted IS NULL".to_owned(), "NOT conversation.deleted".to_owned()];
    let mut values: Vec<String> = Vec::new();
    if !long.is_empty() {
        // Quoted, so that nothing in it is an operator.
        let phrases: Vec<String> = long.iter().map(|term| format!("\"{}\"", term.replace('"', "\"\""))).collect();
        conditions.push("message_search MATCH ?".to_owned());
        values.push(phrases.join(" AND "));
    }
    for term in short {
        conditions.push("instr(message_search.text, ?)".to_owned());
        values.push(term.clone());
    }
    let sql = format!(
        "SELECT message.id, message.conversation, conversation.title, message.text, message.at_ms \
         FROM message_search JOIN message ON message.id = message_search.rowid \
         JOIN conversation ON conversation.id = message.conversation \
         WHERE {} ORDER BY message.at_ms DESC, message.id DESC LIMIT {limit}",
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get("text")?;
        let (conversation, title, message) = (row.get("conversation")?, row.get("title")?, row.get("id")?);
        found.extend(hit(conversation, title, Some(message), &text, terms, row.get("at_ms")?));
    }
    Ok(found)
}

/// The first of the terms in `text`, with what stands around it.
fn hit(
    conversation: u32,
    title: String,
    message: Option<u32>,
    text: &str,
    terms: &[String],
    at_ms: f64,
) -> Option<Found> {
    let place = terms.iter().filter_map(|term| find(text, term)).min_by_key(|place| place.start)?;
    let before = text[..place.start].char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    let after = text[place.end..].char_indices().nth(AROUND).map_or(text.len(), |(at, _)| place.end + at);
    Some(Found {
        conversation,
        title,
        message,
        before: text[before..place.start].to_owned(),
        hit: text[place.clone()].to_owned(),
        after: text[place.end..after].to_owned(),
        file: false,
        at_ms,
    })
}

/// Puts the text of a message into the index, in place of what was there.
pub(crate) fn index(connection: &Connection, message: u32, text: &str) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO message_search (rowid, text) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![message, fold(text)])?;
    connection.prepare_cached("UPDATE message SET indexed = 1 WHERE id = ?1")?.execute([message]).map(|_| ())
}

/// Puts into the index what is not in it: messages of an older version, answers that were cut off.
pub(crate) fn catch_up(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let sql = "SELECT id, text FROM message WHERE indexed = 0 AND finished";
    let mut statement = transaction.prepare(sql)?;
    let rows: Vec<(u32, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    rows.into_iter().try_for_each(|(id, text)| index(transaction, id, &text))
}

/// Takes out of the index what was deleted.
pub(crate) fn forget_deleted(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let sql = "DELETE FROM message_search WHERE rowid IN ( \
                   SELECT message.id FROM message JOIN conversation ON conversation.id = message.conversation \
                   WHERE message.deleted IS NOT NULL OR conversation.deleted)";
    transaction.execute(sql, []).map(|_| ())
}
