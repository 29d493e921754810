//! Messages: asked, answered, chosen among, deleted.

use protocol::chat::Conversation;
use protocol::worker::Speaker;
use protocol::{Code, Problem, Receipt};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::to_string;

use crate::attachments::{self, Attachment};
use crate::conversations::{conversation, name, touch};
use crate::database::{Store, one};
use crate::{search, tree};

/// A message as the model is to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its id; [`Said::NEW`] for one that is not kept yet.
    pub id: u32,
    /// Who says it.
    pub speaker: Speaker,
    /// What is said.
    pub text: String,
    /// The files that go with it.
    pub attachments: Vec<Attachment>,
    /// What the model reads with it besides: more of files that were sent before, as it is put to the model.
    pub also: String,
}

impl Said {
    /// Younger than every message that is kept.
    pub const NEW: u32 = u32::MAX;
}

/// An answer that was given, and what it needs to be given again.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The question it answers.
    pub question: u32,
    /// Its conversation.
    pub conversation: u32,
    /// Its text so far.
    pub text: String,
    /// What it cost, if it ended well.
    pub receipt: Option<Receipt>,
    /// The instructions that it was given under.
    pub system: String,
    /// The last message that the model did not read for it, by id; 0 is none.
    pub left_out: u32,
    /// What it read in its place; empty for nothing.
    pub summary: String,
}

impl Store {
    /// Keeps a question behind `parent`, the last message of the shown branch, with what is in the composer. Gives its id.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn add_question(&self, into: u32, parent: Option<u32>, text: &str, now_ms: f64) -> Result<u32, Problem> {
        self.write(|transaction| {
            if let Some(parent) = parent {
                let there = "SELECT 1 FROM message WHERE id = ?1 AND conversation = ?2 AND deleted IS NULL";
                transaction.query_row(there, [parent, into], |_| Ok(()))?;
            }
            let id = question(transaction, into, parent, text, now_ms)?;
            attachments::send_along(transaction, into, id)?;
            transaction.execute("UPDATE conversation SET unsent = '' WHERE id = ?1", [into])?;
            Ok(id)
        })
    }

    /// Keeps a new version of a question with its files. What is in the composer stays there. Gives its id.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn add_version(&self, edited: u32, text: &str, now_ms: f64) -> Result<u32, Problem> {
        self.write(|transaction| {
            let sql = "SELECT conversation, parent FROM message WHERE id = ?1 AND speaker = 'user' AND deleted IS NULL";
            let (into, parent) = transaction.query_row(sql, [edited], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let id = question(transaction, into, parent, text, now_ms)?;
            attachments::copy(transaction, edited, id)?;
            transaction.execute("UPDATE message SET edited = NULL WHERE id = ?1", [edited])?;
            Ok(id)
        })
    }

    /// Keeps what is being written in the place of a question; None once it is not edited any more.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn save_edited(&self, question: u32, text: Option<&str>) -> Result<(), Problem> {
        let sql = "UPDATE message SET edited = ?2 WHERE id = ?1 AND speaker = 'user' AND deleted IS NULL";
        self.write(|transaction| one(transaction.execute(sql, params![question, text])?))
    }

    /// Begins an answer to `question` with no text, under the conversation's instructions as they are now. Gives its id.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn begin_answer(&self, question: u32, now_ms: f64) -> Result<u32, Problem> {
        let sql = "INSERT INTO message (conversation, parent, speaker, text, finished, at_ms, system, left_out, summary) \
                   SELECT message.conversation, message.id, 'assistant', '', 0, ?2, \
                       conversation.system, conversation.left_out, conversation.summary \
                   FROM message JOIN conversation ON conversation.id = message.conversation \
                   WHERE message.id = ?1 AND message.speaker = 'user' AND message.deleted IS NULL \
                   RETURNING id";
        self.write(|transaction| transaction.query_row(sql, params![question, now_ms.round()], |row| row.get(0)))
    }

    /// An answer, to go on behind it or to give it again.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn given(&self, answer: u32) -> Result<Given, Problem> {
        let sql = "SELECT parent, conversation, text, receipt, coalesce(system, '') AS system, left_out, summary FROM message \
                   WHERE id = ?1 AND speaker = 'assistant' AND parent IS NOT NULL AND deleted IS NULL";
        self.read(|transaction| {
            transaction.query_row(sql, [answer], |row| {
                let receipt: Option<String> = row.get("receipt")?;
                Ok(Given {
                    question: row.get("parent")?,
                    conversation: row.get("conversation")?,
                    text: row.get("text")?,
                    receipt: receipt.and_then(|text| serde_json::from_str(&text).ok()),
                    system: row.get("system")?,
                    left_out: row.get("left_out")?,
                    summary: row.get("summary")?,
                })
            })
        })
    }

    /// What was said from the root down to `message`, itself included.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn said(&self, message: u32) -> Result<Vec<Said>, Problem> {
        self.read(|transaction| {
            let path = tree::path_to(transaction, message)?;
            one(path.len())?;
            path.into_iter().map(|id| said(transaction, id)).collect()
        })
    }

    /// An answer that ended is written on, and is the chosen one. Its receipt goes: it is not that of the longer text.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn reopen_answer(&self, answer: u32) -> Result<(), Problem> {
        let sql = "UPDATE message SET finished = 0, problem = NULL, receipt = NULL, indexed = 0 \
                   WHERE id = ?1 AND speaker = 'assistant' AND deleted IS NULL";
        self.write(|transaction| {
            one(transaction.execute(sql, [answer])?)?;
            tree::choose(transaction, answer)
        })
    }

    /// Whether a question has an answer that says something.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn is_answered(&self, question: u32) -> Result<bool, Problem> {
        let sql = "SELECT EXISTS (SELECT 1 FROM message WHERE parent = ?1 AND speaker = 'assistant' AND text <> '' AND deleted IS NULL)";
        self.read(|transaction| transaction.query_row(sql, [question], |row| row.get(0)))
    }

    /// An answer is given without the messages up to `last`, which `summary` stands for; with `conversation` so is all that follows in
    /// its conversation.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn give_without(&self, answer: u32, last: u32, summary: &str, conversation: bool) -> Result<(), Problem> {
        let of_answer = "UPDATE message SET left_out = ?2, summary = ?3 \
                         WHERE id = ?1 AND speaker = 'assistant' AND deleted IS NULL";
        let of_conversation = "UPDATE conversation SET left_out = ?2, summary = ?3 \
                               WHERE id = (SELECT conversation FROM message WHERE id = ?1) AND NOT deleted";
        self.write(|transaction| {
            one(transaction.execute(of_answer, params![answer, last, summary])?)?;
            if conversation {
                one(transaction.execute(of_conversation, params![answer, last, summary])?)?;
            }
            Ok(())
        })
    }

    /// Keeps what an answer says so far.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn checkpoint(&self, answer: u32, text: &str) -> Result<(), Problem> {
        let sql = "UPDATE message SET text = ?2 WHERE id = ?1";
        self.write(|transaction| one(transaction.execute(sql, params![answer, text])?))
    }

    /// The answer is complete, or was stopped. If it says something it is the chosen one, and answers to the same question
    /// that say nothing go; if it says nothing it goes itself, unless it is the only one.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn finish_answer(&self, answer: u32, text: &str, receipt: &Receipt, now_ms: f64) -> Result<(), Problem> {
        let receipt = json(receipt)?;
        self.write(|transaction| {
            let sql = "UPDATE message SET text = ?2, receipt = ?3, problem = NULL, finished = 1 WHERE id = ?1";
            one(transaction.execute(sql, params![answer, text, receipt])?)?;
            settle(transaction, answer, text, now_ms)
        })
    }

    /// The answer could not be completed; the rest as in [`Self::finish_answer`]. What is known of its cost is `before`: that
    /// of an answer that was to be continued.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn fail_answer(
        &self,
        answer: u32,
        text: &str,
        problem: &Problem,
        before: Option<&Receipt>,
        now_ms: f64,
    ) -> Result<(), Problem> {
        let problem = json(problem)?;
        let receipt = before.map(json).transpose()?;
        self.write(|transaction| {
            let sql = "UPDATE message SET text = ?2, problem = ?3, receipt = ?4, finished = 1 WHERE id = ?1";
            one(transaction.execute(sql, params![answer, text, problem, receipt])?)?;
            settle(transaction, answer, text, now_ms)
        })
    }

    /// Shows the branch through `message`, and below it what was chosen last.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn choose_version(&self, message: u32) -> Result<Conversation, Problem> {
        self.write(|transaction| {
            let path = tree::path_to(transaction, message)?;
            for id in path {
                tree::choose(transaction, id)?;
            }
            conversation_of(transaction, message)
        })
    }

    /// Deletes a message and what hangs below it. It can be restored until the next [`Store::open`], which wipes it.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn delete_message(&self, message: u32) -> Result<Conversation, Problem> {
        let sql = "WITH RECURSIVE below (id) AS ( \
                       SELECT id FROM message WHERE id = ?1 AND deleted IS NULL \
                       UNION ALL SELECT message.id FROM message JOIN below ON message.parent = below.id \
                   ) UPDATE message SET deleted = ?1 WHERE id IN below AND deleted IS NULL";
        self.write(|transaction| {
            one(transaction.execute(sql, [message])?)?;
            conversation_of(transaction, message)
        })
    }

    /// Takes back the deletion of a message and shows the branch through it. What hangs below another deleted message goes
    /// with that one from now on.
    ///
    /// # Errors
    /// See [`Store`]; [`Code::Gone`] if it was wiped.
    pub fn restore_message(&self, message: u32) -> Result<Conversation, Problem> {
        let sql = "UPDATE message SET deleted = \
                       (SELECT above.deleted FROM message JOIN message AS above ON above.id = message.parent WHERE message.id = ?1) \
                   WHERE deleted = ?1";
        self.write(|transaction| {
            one(transaction.execute(sql, [message])?)?;
            for id in tree::path_to(transaction, message)? {
                tree::choose(transaction, id)?;
            }
            conversation_of(transaction, message)
        })
    }
}

fn question(connection: &Connection, into: u32, parent: Option<u32>, text: &str, now_ms: f64) -> rusqlite::Result<u32> {
    touch(connection, into, now_ms)?;
    let sql = "INSERT INTO message (conversation, parent, speaker, text, finished, at_ms) \
               VALUES (?1, ?2, 'user', ?3, 1, ?4) RETURNING id";
    let id = connection.query_row(sql, params![into, parent, text, now_ms.round()], |row| row.get(0))?;
    tree::choose(connection, id)?;
    name(connection, into)?;
    search::index(connection, id, text)?;
    Ok(id)
}

/// The conversation that a message is, or was, in.
fn conversation_of(connection: &Connection, message: u32) -> rusqlite::Result<Conversation> {
    let sql = "SELECT conversation FROM message WHERE id = ?1";
    conversation(connection, connection.query_row(sql, [message], |row| row.get(0))?)
}

fn said(connection: &Connection, id: u32) -> rusqlite::Result<Said> {
    let attachments = attachments::texts_of(connection, id)?;
    connection.prepare_cached("SELECT speaker, text, also FROM message WHERE id = ?1")?.query_row([id], |row| {
        let (text, also) = (row.get("text")?, row.get("also")?);
        Ok(Said { id, speaker: tree::speaker(row)?, text, attachments, also })
    })
}

/// An answer ended: of the answers to one question those without a word go, unless there is no other.
fn settle(connection: &Connection, answer: u32, text: &str, now_ms: f64) -> rusqlite::Result<()> {
    let sql = "SELECT parent, conversation FROM message WHERE id = ?1";
    let (parent, into): (Option<u32>, u32) =
        connection.query_row(sql, [answer], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let beside = "parent IS ?2 AND speaker = 'assistant' AND deleted IS NULL AND id <> ?1";
    if text.is_empty() {
        let spare = format!(
            "DELETE FROM message WHERE id = ?1 AND EXISTS (SELECT 1 FROM message WHERE {beside} AND text <> '')"
        );
        connection.execute(&spare, params![answer, parent])?;
    }
    let silent = format!(
        "DELETE FROM message WHERE {beside} AND text = '' AND finished \
         AND NOT EXISTS (SELECT 1 FROM message AS reply WHERE reply.parent = message.id)"
    );
    connection.execute(&silent, params![answer, parent])?;
    if text.is_empty() {
        return Ok(());
    }
    tree::choose(connection, answer)?;
    search::index(connection, answer, text)?;
    // Its conversation may have been deleted meanwhile.
    touch(connection, into, now_ms).optional().map(|_| ())
}

/// Ends what a cut-off program left: an answer without text is none, another one stands as far as it got.
pub(crate) fn tidy(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let unfinished = "SELECT id FROM message WHERE NOT finished AND text <> ''";
    let ids: Vec<u32> = transaction.prepare(unfinished)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    ids.into_iter().try_for_each(|id| tree::choose(transaction, id))?;
    transaction.execute("DELETE FROM message WHERE NOT finished AND text = ''", [])?;
    transaction.execute("UPDATE message SET finished = 1 WHERE NOT finished", []).map(|_| ())
}

fn json(value: &impl serde::Serialize) -> Result<String, Problem> {
    to_string(value).map_err(|error| Problem::new(Code::Internal).with("reason", error))
}
