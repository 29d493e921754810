//! Full-text search over messages, titles, and files that were sent.
//!
//! Japanese has no spaces, so words cannot be indexed as words without a dictionary. The index is by trigrams, which finds
//! any part of a text of three characters or more at once. Shorter words (many Japanese ones are) are looked for in the
//! folded text itself: reading all of it is quick enough for what one person writes, and nothing is ever missed.
//!
//! Files are always read as they are: an index of their trigrams is twice their size, and it takes seconds to wipe one of them
//! from it. So there is nothing about a file to keep up with it, or to forget.

use std::collections::{HashMap, HashSet};

use protocol::Problem;
use protocol::chat::Found;
use rusqlite::{Connection, OptionalExtension, Transaction, params, params_from_iter};

use crate::database::Store;
use crate::fold::{fold, unfold};

/// Shortest term the index knows, in characters.
const TRIGRAM: usize = 3;

/// Columns of text shown before and behind a hit, so that it stands in the first two lines of a narrow list.
const AROUND: usize = 40;

impl Store {
    /// Finds all words of `text`, anywhere inside words too: titles first, then names of files, then messages, then what stands in
    /// files; of each the latest first.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn search(&self, text: &str, limit: u32) -> Result<Vec<Found>, Problem> {
        let terms: Vec<String> = fold(text).split_whitespace().map(str::to_owned).collect();
        if terms.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let (mut found, mut messages, files) = self.read(|transaction| {
            let files = sent(transaction)?;
            let mut names = in_titles(transaction, &terms)?;
            names.extend(in_file_names(&files, &terms));
            Ok((names, in_messages(transaction, &terms, limit)?, files))
        })?;
        let limit = limit as usize;
        // Names alone must not hide what was said.
        let mut names = found.split_off(found.len().min((limit / 2).max(1)));
        // A message that is shown need not be shown again.
        let mut shown: HashSet<u32> = found.iter().filter_map(|hit| hit.message).collect();
        let mut is_new = |hit: &Found| hit.message.is_none_or(|message| shown.insert(message));
        messages.retain(&mut is_new);
        names.retain(&mut is_new);
        // Nor must messages hide what stands in files.
        let room = limit - found.len();
        let texts = self.in_files(&files, &terms, shown, room.saturating_sub(messages.len()).max(room / 4))?;
        let others = messages.split_off(messages.len().min(room - texts.len()));
        found.extend([messages, texts, others, names].into_iter().flatten());
        found.truncate(limit);
        Ok(found)
    }

    /// At most `most` places in the texts of `files`, some words of which may stand in the name. Messages that are `shown` and what
    /// was found by its name are left out. One text after the other, so that an answer that is being written need not wait for all of
    /// them.
    fn in_files(
        &self,
        files: &[Sent],
        terms: &[String],
        mut shown: HashSet<u32>,
        most: usize,
    ) -> Result<Vec<Found>, Problem> {
        let mut found = Vec::new();
        let mut read: HashMap<_, Vec<u32>> = HashMap::new();
        for file in files {
            if found.len() >= most {
                break;
            }
            // An edited question has its files too.
            let same = read.entry((file.conversation, &file.name, file.size)).or_default();
            if self.is_one_of(file.id, same)? {
                continue;
            }
            same.push(file.id);
            let name = fold(&file.name);
            let in_name = |term: &String| name.contains(term);
            if shown.contains(&file.message) || terms.iter().all(in_name) {
                continue;
            }
            let sql = "SELECT text FROM attachment WHERE id = ?1";
            let text: Option<String> = self.read(|transaction| {
                transaction.prepare_cached(sql)?.query_row([file.id], |row| row.get(0)).optional()
            })?;
            // It may have been wiped meanwhile.
            let Some(text) = text else { continue };
            let folded = fold(&text);
            if terms.iter().all(|term| folded.contains(term) || in_name(term)) {
                let hit = file.hit(&text, &folded, terms);
                shown.extend(hit.as_ref().and_then(|hit| hit.message));
                found.extend(hit.map(|hit| Found { in_file: Some(file.name.clone()), ..hit }));
            }
        }
        Ok(found)
    }

    /// Whether the text of a file is that of one of the others.
    fn is_one_of(&self, file: u32, others: &[u32]) -> Result<bool, Problem> {
        let sql = "SELECT EXISTS (SELECT 1 FROM attachment AS one JOIN attachment AS other ON other.text = one.text \
                   WHERE one.id = ?1 AND other.id = ?2)";
        let is = |other: &u32| {
            self.read(|transaction| transaction.prepare_cached(sql)?.query_row([file, *other], |row| row.get(0)))
        };
        others.iter().try_fold(false, |found, other| Ok(found || is(other)?))
    }
}

/// A file that was sent, without its text.
struct Sent {
    id: u32,
    name: String,
    /// Bytes of its text.
    size: u32,
    message: u32,
    conversation: u32,
    title: String,
    at_ms: f64,
}

impl Sent {
    fn hit(&self, text: &str, folded: &str, terms: &[String]) -> Option<Found> {
        hit(self.conversation, self.title.clone(), Some(self.message), (text, folded), terms, self.at_ms)
    }
}

/// Every file that was sent, of the latest message first.
fn sent(connection: &Connection) -> rusqlite::Result<Vec<Sent>> {
    let sql = "SELECT attachment.id, attachment.name, octet_length(attachment.text) AS size, message.id AS message, \
                   message.conversation, conversation.title, message.at_ms \
               FROM attachment JOIN message ON message.id = attachment.message \
               JOIN conversation ON conversation.id = message.conversation \
               WHERE message.deleted IS NULL AND NOT conversation.deleted ORDER BY message.at_ms DESC, attachment.id DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let files = statement.query_map([], |row| {
        Ok(Sent {
            id: row.get("id")?,
            name: row.get("name")?,
            size: row.get("size")?,
            message: row.get("message")?,
            conversation: row.get("conversation")?,
            title: row.get("title")?,
            at_ms: row.get("at_ms")?,
        })
    })?;
    files.collect()
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
            found.extend(hit(row.get("id")?, title.clone(), None, (&title, &folded), terms, row.get("at_ms")?));
        }
    }
    Ok(found)
}

/// Whoever looks for a file knows its name.
fn in_file_names(files: &[Sent], terms: &[String]) -> Vec<Found> {
    let (mut named, mut sent) = (HashSet::new(), HashSet::new());
    let mut found = Vec::new();
    for file in files {
        let folded = fold(&file.name);
        // An edited question has its files too: each is named once in a conversation, and a message once.
        if terms.iter().all(|term| folded.contains(term))
            && named.insert((file.conversation, &file.name))
            && sent.insert(file.message)
        {
            found.extend(file.hit(&file.name, &folded, terms).map(|hit| Found { file: true, ..hit }));
        }
    }
    found
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
        found.extend(hit(conversation, title, Some(message), (&text, &fold(&text)), terms, row.get("at_ms")?));
    }
    Ok(found)
}

/// The first of the terms in a text, which comes with what it folds to, and what stands around it.
fn hit(
    conversation: u32,
    title: String,
    message: Option<u32>,
    (text, folded): (&str, &str),
    terms: &[String],
    at_ms: f64,
) -> Option<Found> {
    let places = terms.iter().filter_map(|term| folded.find(term.as_str()).map(|at| at..at + term.len()));
    let place = unfold(text, &places.min_by_key(|place| place.start)?);
    let before = within(text[..place.start].chars().rev());
    let after = within(text[place.end..].chars());
    Some(Found {
        conversation,
        title,
        message,
        before: text[place.start - before..place.start].to_owned(),
        after: text[place.end..place.end + after].to_owned(),
        hit: text[place].to_owned(),
        file: false,
        in_file: None,
        at_ms,
    })
}

/// Bytes of the characters that have room beside a hit; a Japanese one is as wide as two others.
fn within(chars: impl Iterator<Item = char>) -> usize {
    let mut room = AROUND;
    chars
        .map_while(|c| {
            room = room.checked_sub(if c < '\u{1100}' { 1 } else { 2 })?;
            Some(c.len_utf8())
        })
        .sum()
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
