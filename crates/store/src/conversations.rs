//! Conversations: the list, and everything of one but its messages.

use protocol::Problem;
use protocol::chat::{Conversation, ConversationCard, Place};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::database::{Store, one};
use crate::title::title_of;
use crate::{attachments, tree};

/// Pinned ones first, then what changed last.
const ORDER: &str = "pinned DESC, at_ms DESC, id DESC";

impl Store {
    /// Every conversation: pinned ones first, then the latest first.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn conversations(&self) -> Result<Vec<ConversationCard>, Problem> {
        let sql = format!(
            "SELECT id, title, pinned, at_ms, \
                 (SELECT count(*) FROM message WHERE message.conversation = conversation.id AND message.deleted IS NULL) AS messages \
             FROM conversation WHERE NOT deleted ORDER BY {ORDER}"
        );
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            let cards = statement.query_map([], |row| {
                Ok(ConversationCard {
                    id: row.get("id")?,
                    title: row.get("title")?,
                    pinned: row.get("pinned")?,
                    at_ms: row.get("at_ms")?,
                    messages: row.get("messages")?,
                })
            })?;
            cards.collect()
        })
    }

    /// The conversation that was opened last; without one the latest, or a new one.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn last_opened(&self, now_ms: f64) -> Result<Conversation, Problem> {
        self.write(|transaction| {
            let opened = "SELECT id FROM conversation WHERE NOT deleted AND id = (SELECT conversation FROM opened)";
            let latest = "SELECT id FROM conversation WHERE NOT deleted ORDER BY at_ms DESC, id DESC LIMIT 1";
            let mut found = transaction.query_row(opened, [], |row| row.get(0)).optional()?;
            if found.is_none() {
                found = transaction.query_row(latest, [], |row| row.get(0)).optional()?;
            }
            let id = found.map_or_else(|| add(transaction, now_ms), Ok)?;
            conversation(transaction, id)
        })
    }

    /// A conversation with its chosen branch.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn conversation(&self, id: u32) -> Result<Conversation, Problem> {
        self.read(|transaction| conversation(transaction, id))
    }

    /// The same, and makes it the one that [`Self::last_opened`] gives.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn open_conversation(&self, id: u32) -> Result<Conversation, Problem> {
        self.write(|transaction| {
            let found = conversation(transaction, id)?;
            opened(transaction, id)?;
            Ok(found)
        })
    }

    /// An empty conversation: one that nothing was done with, or a new one. Opened from now on.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn new_conversation(&self, now_ms: f64) -> Result<Conversation, Problem> {
        self.write(|transaction| {
            let unused = "SELECT id FROM conversation WHERE NOT deleted AND NOT pinned AND NOT renamed AND system = '' AND unsent = '' \
                          AND NOT EXISTS (SELECT 1 FROM message WHERE message.conversation = conversation.id) \
                          AND NOT EXISTS (SELECT 1 FROM attachment WHERE attachment.conversation = conversation.id) \
                          ORDER BY id DESC LIMIT 1";
            let found = transaction.query_row(unused, [], |row| row.get(0)).optional()?;
            let id = match found {
                Some(id) => {
                    touch(transaction, id, now_ms)?;
                    id
                }
                None => add(transaction, now_ms)?,
            };
            opened(transaction, id)?;
            conversation(transaction, id)
        })
    }

    /// Gives a conversation a title; an empty one gives it back the one of its first question.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn rename_conversation(&self, id: u32, title: &str) -> Result<(), Problem> {
        let title = title.trim();
        self.write(|transaction| {
            let sql = "UPDATE conversation SET title = ?2, renamed = ?3 WHERE id = ?1 AND NOT deleted";
            one(transaction.execute(sql, params![id, title, !title.is_empty()])?)?;
            name(transaction, id)
        })
    }

    /// Keeps a conversation at the top of the list, or no longer.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn pin_conversation(&self, id: u32, pinned: bool) -> Result<(), Problem> {
        self.set(id, "pinned", &pinned)
    }

    /// Keeps the instructions that stand above a conversation; empty for none.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn set_system(&self, id: u32, text: &str) -> Result<(), Problem> {
        self.set(id, "system", &text)
    }

    /// Keeps what is in the composer.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn save_unsent(&self, id: u32, text: &str) -> Result<(), Problem> {
        self.set(id, "unsent", &text)
    }

    /// Keeps where the reader is; None at the end.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn save_place(&self, id: u32, place: Option<Place>) -> Result<(), Problem> {
        let sql = "UPDATE conversation SET place_message = ?2, place_offset = ?3 WHERE id = ?1 AND NOT deleted";
        let (message, offset) = (place.map(|place| place.message), place.map_or(0.0, |place| place.offset));
        self.write(|transaction| one(transaction.execute(sql, params![id, message, offset])?))
    }

    /// Deletes a conversation. It can be restored until the next [`Store::open`], which wipes it.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn delete_conversation(&self, id: u32) -> Result<(), Problem> {
        self.set(id, "deleted", &true)
    }

    /// Takes back the deletion of a conversation.
    ///
    /// # Errors
    /// See [`Store`]; [`protocol::Code::Gone`] if it was wiped.
    pub fn restore_conversation(&self, id: u32) -> Result<Conversation, Problem> {
        self.write(|transaction| {
            one(transaction.execute("UPDATE conversation SET deleted = 0 WHERE id = ?1", [id])?)?;
            conversation(transaction, id)
        })
    }

    /// From now on the model does not read the message `last` and what stands above it, but `summary` in its place, if that is not
    /// empty; 0 leaves nothing out.
    ///
    /// # Errors
    /// See [`Store`]; [`protocol::Code::Gone`] if the message was deleted meanwhile.
    pub fn leave_out(&self, id: u32, last: u32, summary: &str) -> Result<(), Problem> {
        let sql = "UPDATE conversation SET left_out = ?2, summary = ?3 WHERE id = ?1 AND NOT deleted AND (?2 = 0 OR EXISTS \
                       (SELECT 1 FROM message WHERE message.id = ?2 AND message.conversation = ?1 AND message.deleted IS NULL))";
        self.write(|transaction| one(transaction.execute(sql, params![id, last, summary])?))
    }

    fn set(&self, id: u32, column: &str, value: &dyn rusqlite::ToSql) -> Result<(), Problem> {
        let sql = format!("UPDATE conversation SET {column} = ?2 WHERE id = ?1 AND NOT deleted");
        self.write(|transaction| one(transaction.execute(&sql, params![id, value])?))
    }
}

/// A conversation that was not deleted.
pub(crate) fn conversation(connection: &Connection, id: u32) -> rusqlite::Result<Conversation> {
    let sql = "SELECT title, pinned, unsent, system, left_out, summary, place_message, place_offset \
               FROM conversation WHERE id = ?1 AND NOT deleted";
    let mut found = connection.query_row(sql, [id], |row| {
        let (place, offset): (Option<u32>, f64) = (row.get("place_message")?, row.get("place_offset")?);
        Ok(Conversation {
            id,
            title: row.get("title")?,
            pinned: row.get("pinned")?,
            messages: Vec::new(),
            unsent: row.get("unsent")?,
            system: row.get("system")?,
            left_out: row.get("left_out")?,
            summary: row.get("summary")?,
            attached: Vec::new(),
            place: place.map(|message| Place { message, offset }),
        })
    })?;
    found.messages = tree::chosen_branch(connection, id)?;
    found.attached = attachments::in_composer(connection, id)?;
    Ok(found)
}

fn add(connection: &Connection, now_ms: f64) -> rusqlite::Result<u32> {
    let sql = "INSERT INTO conversation (at_ms) VALUES (?1) RETURNING id";
    connection.query_row(sql, [now_ms.round()], |row| row.get(0))
}

/// It changed now.
pub(crate) fn touch(connection: &Connection, id: u32, now_ms: f64) -> rusqlite::Result<()> {
    let sql = "UPDATE conversation SET at_ms = ?2 WHERE id = ?1 AND NOT deleted";
    one(connection.execute(sql, params![id, now_ms.round()])?)
}

fn opened(connection: &Connection, id: u32) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO opened (one, conversation) VALUES (1, ?1)", [id]).map(|_| ())
}

/// Takes the title from the first question, unless a person chose one.
pub(crate) fn name(connection: &Connection, id: u32) -> rusqlite::Result<()> {
    let sql =
        "SELECT text FROM message WHERE conversation = ?1 AND speaker = 'user' AND deleted IS NULL ORDER BY id LIMIT 1";
    let first: Option<String> = connection.query_row(sql, [id], |row| row.get(0)).optional()?;
    let Some(title) = first.as_deref().map(title_of) else { return Ok(()) };
    let sql = "UPDATE conversation SET title = ?2 WHERE id = ?1 AND title = ''";
    connection.execute(sql, params![id, title]).map(|_| ())
}

/// Names every conversation that has no title.
pub(crate) fn name_all(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let sql = "SELECT id FROM conversation WHERE title = ''";
    let ids: Vec<u32> = transaction.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    ids.into_iter().try_for_each(|id| name(transaction, id))
}
