//! Files that go with messages: their name and the text that was taken from them.

use protocol::Problem;
use protocol::chat::{AttachmentCard, Part};
use rusqlite::{Connection, params};

use crate::database::{Store, one};

/// What is kept of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Name of the file, without folders.
    pub name: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// The text in it.
    pub text: String,
    /// Whether only the first part of the text was taken.
    pub cut: bool,
    /// What the model reads of it.
    pub part: Part,
    /// What came of that when it was sent; None before, and if it reads all of it.
    pub excerpt: Option<String>,
}

impl Attachment {
    /// The text that the model reads. Of a part nothing, until it was chosen.
    #[must_use]
    pub fn read(&self) -> &str {
        match self.part {
            Part::Whole => &self.text,
            Part::Beginning | Part::Passages => self.excerpt.as_deref().unwrap_or_default(),
        }
    }
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
            let (name, bytes) = (attachment.name.clone(), attachment.bytes as f64);
            let (cut, part) = (attachment.cut, attachment.part);
            Ok(AttachmentCard { id, name, bytes, characters, tokens: None, cut, part })
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
        let sql = format!("SELECT {COLUMNS} FROM attachment WHERE id = ?1");
        self.read(|transaction| transaction.query_row(&sql, [id], whole))
    }

    /// The model reads `part` of a file from now on: of one in the composer, or of one whose question has no word of an answer yet.
    ///
    /// # Errors
    /// See [`Store`]; [`protocol::Code::Gone`] if it was answered meanwhile.
    pub fn read_part(&self, attachment: u32, part: Part) -> Result<(), Problem> {
        let sql = "UPDATE attachment SET part = ?2, excerpt = NULL WHERE id = ?1 AND NOT EXISTS \
                       (SELECT 1 FROM message WHERE message.parent = attachment.message AND message.text <> '' AND message.deleted IS NULL)";
        self.write(|transaction| one(transaction.execute(sql, params![attachment, name_of(part)])?))
    }

    /// Keeps what the model reads with a message: of its files, in their order, and besides.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn keep_read(&self, message: u32, files: &[Attachment], also: &str) -> Result<(), Problem> {
        self.write(|transaction| {
            transaction.execute("UPDATE message SET also = ?2 WHERE id = ?1", params![message, also])?;
            let sql = "SELECT id FROM attachment WHERE message = ?1 ORDER BY id";
            let mut statement = transaction.prepare_cached(sql)?;
            let ids: Vec<u32> = statement.query_map([message], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut keep = transaction.prepare_cached("UPDATE attachment SET excerpt = ?2 WHERE id = ?1")?;
            ids.iter().zip(files).try_for_each(|(id, file)| keep.execute(params![id, file.excerpt]).map(|_| ()))
        })
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
    let sql = "INSERT INTO attachment (conversation, message, name, bytes, text, cut, part, excerpt) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id";
    let Attachment { name, bytes, text, cut, part, excerpt } = attachment;
    let values = params![conversation, message, name, *bytes as i64, text, cut, name_of(*part), excerpt];
    connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))
}

/// The files in the composer go with `message` from now on.
pub(crate) fn send_along(connection: &Connection, conversation: u32, message: u32) -> rusqlite::Result<()> {
    let sql = "UPDATE attachment SET message = ?2 WHERE conversation = ?1 AND message IS NULL";
    connection.execute(sql, [conversation, message]).map(|_| ())
}

/// What goes with one message goes with another too. What is read of it may be something else there.
pub(crate) fn copy(connection: &Connection, from: u32, to: u32) -> rusqlite::Result<()> {
    let sql = "INSERT INTO attachment (conversation, message, name, bytes, text, cut, part) \
               SELECT conversation, ?2, name, bytes, text, cut, part FROM attachment WHERE message = ?1 ORDER BY id";
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
    let sql = format!(
        "SELECT id, name, bytes, length(text) AS characters, cut, part FROM attachment WHERE {place} ORDER BY id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let cards = statement.query_map([id], |row| {
        Ok(AttachmentCard {
            id: row.get("id")?,
            name: row.get("name")?,
            bytes: row.get("bytes")?,
            characters: row.get("characters")?,
            tokens: None,
            cut: row.get("cut")?,
            part: part(row)?,
        })
    })?;
    cards.collect()
}

fn texts(connection: &Connection, place: &str, id: u32) -> rusqlite::Result<Vec<Attachment>> {
    let sql = format!("SELECT {COLUMNS} FROM attachment WHERE {place} ORDER BY id");
    connection.prepare_cached(&sql)?.query_map([id], whole)?.collect()
}

const COLUMNS: &str = "name, bytes, text, cut, part, excerpt";

fn whole(row: &rusqlite::Row<'_>) -> rusqlite::Result<Attachment> {
    let bytes: i64 = row.get("bytes")?;
    Ok(Attachment {
        name: row.get("name")?,
        bytes: bytes as u64,
        text: row.get("text")?,
        cut: row.get("cut")?,
        part: part(row)?,
        excerpt: row.get("excerpt")?,
    })
}

fn name_of(part: Part) -> &'static str {
    match part {
        Part::Whole => "whole",
        Part::Beginning => "beginning",
        Part::Passages => "passages",
    }
}

/// That of a row; a name that is not known stands for all of it.
fn part(row: &rusqlite::Row<'_>) -> rusqlite::Result<Part> {
    let name: String = row.get("part")?;
    let known = [Part::Beginning, Part::Passages].into_iter().find(|part| name_of(*part) == name);
    Ok(known.unwrap_or_default())
}
