//! Files that go with messages: their name and the text that was taken from them.

use protocol::Problem;
use protocol::chat::AttachmentCard;
use rusqlite::{Connection, params};

use crate::database::{Store, one};

/// What is kept of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Name of the file, without folders.
    pub name: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// The text in it.
    pub text: String,
    /// Whether only the first part of the text was taken.
    pub cut: bool,
}

impl Store {
    /// Puts a file into the composer of a conversation.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn attach(&self, conversation: u32, attachment: &Attachment) -> Result<AttachmentCard, Problem> {
        self.write(|transaction| {
            let there = "SELECT 1 FROM conversation WHERE id = ?1 AND NOT deleted";
            transaction.query_row(there, [conversation], |_| Ok(()))?;
            let id = add(transaction, conversation, None, attachment)?;
            let characters = attachment.text.chars().count() as u32;
            let (name, bytes, cut) = (attachment.name.clone(), attachment.bytes as f64, attachment.cut);
            Ok(AttachmentCard { id, name, bytes, characters, tokens: None, cut })
        })
    }

    /// Takes a file that was not sent yet out of the composer.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn detach(&self, attachment: u32) -> Result<(), Problem> {
        let sql = "DELETE FROM attachment WHERE id = ?1 AND message IS NULL";
        self.write(|transaction| one(transaction.execute(sql, [attachment])?))
    }

    /// A file with its text.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn attachment(&self, id: u32) -> Result<Attachment, Problem> {
        let sql = "SELECT name, bytes, text, cut FROM attachment WHERE id = ?1";
        self.read(|transaction| transaction.query_row(sql, [id], whole))
    }

    /// The files in the composer of a conversation, with their text.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn attached(&self, conversation: u32) -> Result<Vec<Attachment>, Problem> {
        let place = "conversation = ?1 AND message IS NULL";
        self.read(|transaction| texts(transaction, place, conversation))
    }
}

/// Keeps a file: of a message, or in the composer. Gives its id.
pub(crate) fn add(
    connection: &Connection,
    conversation: u32,
    message: Option<u32>,
    attachment: &Attachment,
) -> rusqlite::Result<u32> {
    let sql = "INSERT INTO attachment (conversation, message, name, bytes, text, cut) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
    let Attachment { name, bytes, text, cut } = attachment;
    let values = params![conversation, message, name, *bytes as i64, text, cut];
    connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))
}

/// The files in the composer go with `message` from now on.
pub(crate) fn send_along(connection: &Connection, conversation: u32, message: u32) -> rusqlite::Result<()> {
    let sql = "UPDATE attachment SET message = ?2 WHERE conversation = ?1 AND message IS NULL";
    connection.execute(sql, [conversation, message]).map(|_| ())
}

/// What goes with one message goes with another too.
pub(crate) fn copy(connection: &Connection, from: u32, to: u32) -> rusqlite::Result<()> {
    let sql = "INSERT INTO attachment (conversation, message, name, bytes, text, cut) \
               SELECT conversation, ?2, name, bytes, text, cut FROM attachment WHERE message = ?1 ORDER BY id";
    connection.execute(sql, [from, to]).map(|_| ())
}

pub(crate) fn in_composer(connection: &Connection, conversation: u32) -> rusqlite::Result<Vec<AttachmentCard>> {
    cards(connection, "conversation = ?1 AND message IS NULL", conversation)
}

pub(crate) fn of_message(connection: &Connection, message: u32) -> rusqlite::Result<Vec<AttachmentCard>> {
    cards(connection, "message = ?1", message)
}

/// The files of a message, with their text.
pub(crate) fn texts_of(connection: &Connection, message: u32) -> rusqlite::Result<Vec<Attachment>> {
    texts(connection, "message = ?1", message)
}

/// The files in the composer, with their text.
pub(crate) fn texts_in_composer(connection: &Connection, conversation: u32) -> rusqlite::Result<Vec<Attachment>> {
    texts(connection, "conversation = ?1 AND message IS NULL", conversation)
}

fn cards(connection: &Connection, place: &str, id: u32) -> rusqlite::Result<Vec<AttachmentCard>> {
    // Without the text: a list need not read books.
    let sql =
        format!("SELECT id, name, bytes, length(text) AS characters, cut FROM attachment WHERE {place} ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let cards = statement.query_map([id], |row| {
        Ok(AttachmentCard {
            id: row.get("id")?,
            name: row.get("name")?,
            bytes: row.get("bytes")?,
            characters: row.get("characters")?,
            tokens: None,
            cut: row.get("cut")?,
        })
    })?;
    cards.collect()
}

fn texts(connection: &Connection, place: &str, id: u32) -> rusqlite::Result<Vec<Attachment>> {
    let sql = format!("SELECT name, bytes, text, cut FROM attachment WHERE {place} ORDER BY id");
    connection.prepare_cached(&sql)?.query_map([id], whole)?.collect()
}

fn whole(row: &rusqlite::Row<'_>) -> rusqlite::Result<Attachment> {
    let bytes: i64 = row.get("bytes")?;
    Ok(Attachment { name: row.get("name")?, bytes: bytes as u64, text: row.get("text")?, cut: row.get("cut")? })
}
