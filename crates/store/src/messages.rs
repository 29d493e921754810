//! Conversations and their messages.

use protocol::chat::{Conversation, ShownMessage};
use protocol::worker::Speaker;
use protocol::{Code, Problem, Receipt};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde_json::{from_str, to_string};

use crate::database::{Store, failed};

impl Store {
    /// The latest conversation; an empty one if there is none.
    ///
    /// # Errors
    /// [`Code::DatabaseFailed`], as of every method here.
    pub fn latest_conversation(&self) -> Result<Conversation, Problem> {
        let latest = "SELECT id, unsent FROM conversation ORDER BY id DESC LIMIT 1";
        let found = self
            .connection()
            .query_row(latest, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(|error| failed(&error))?;
        match found {
            Some((id, unsent)) => Ok(Conversation { id, messages: self.messages(id)?, unsent }),
            None => self.add_conversation(),
        }
    }

    /// An empty conversation: the latest one if it is empty, or a new one.
    ///
    /// # Errors
    /// [`Code::DatabaseFailed`].
    pub fn new_conversation(&self) -> Result<Conversation, Problem> {
        let latest = self.latest_conversation()?;
        if latest.messages.is_empty() { Ok(latest) } else { self.add_conversation() }
    }

    fn add_conversation(&self) -> Result<Conversation, Problem> {
        let id = self
            .connection()
            .query_row("INSERT INTO conversation DEFAULT VALUES RETURNING id", [], |row| row.get(0))
            .map_err(|error| failed(&error))?;
        Ok(Conversation { id, messages: Vec::new(), unsent: String::new() })
    }

    /// Keeps what the user sent and clears what was unsent. On disk when this returns. Gives the message's id.
    ///
    /// # Errors
    /// [`Code::DatabaseFailed`].
    pub fn add_user_message(&self, conversation: u32, text: &str, at_ms: f64) -> Result<u32, Problem> {
        let mut connection = self.connection();
        let add = || {
            let transaction = connection.transaction()?;
            let id = transaction.query_row(
                "INSERT INTO message (conversation, speaker, text, finished, at_ms) VALUES (?1, 'user', ?2, 1, ?3) RETURNING id",
                params![conversation, text, at_ms],
                |row| row.get(0),
            )?;
            transaction.execute("UPDATE conversation SET unsent = '' WHERE id = ?1", [conversation])?;
            transaction.commit()?;
            Ok(id)
        };
        tried(add)
    }

    /// Begins an answer with no text. Gives its id.
    ///
    /// # Errors
    /// [`Code::DatabaseFailed`].
    pub fn begin_answer(&self, conversation: u32, at_ms: f64) -> Result<u32, Problem> {
        let sql = "INSERT INTO message (conversation, speaker, text, finished, at_ms) \
                   VALUES (?1, 'assistant', '', 0, ?2) RETURNING id";
        self.connection().query_row(sql, params![conversation, at_ms], |row| row.get(0)).map_err(|error| failed(&error))
    }

    /// Keeps what an answer says so far.
    ///
    /// # Errors
    /// [`Code::DatabaseFailed`].
    pub fn checkpoint(&self, answer: u32, text: &str) -> Result<(), Problem> {
        self.change("UPDATE message SET text = ?2 WHERE id = ?1", params![answer, text]).and_then(some)
    }

    /// The answer is complete, or was stopped. If it says something, it takes the place of earlier answers to the same
    /// question.
    ///
    /// # Errors
    /// [`Code::DatabaseFailed`].
    pub fn finish_answer(&self, answer: u32, text: &str, receipt: &Receipt) -> Result<(), Problem> {
        self.end_answer(answer, text, Some(&json(receipt)?), None)
    }

    /// The answer could not be completed. Without a word it leaves an earlier answer to the same question in its place.
    ///
    /// # Errors
    /// [`Code::DatabaseFailed`].
    pub fn fail_answer(&self, answer: u32, text: &str, problem: &Problem) -> Result<(), Problem> {
        self.end_answer(answer, text, None, Some(&json(problem)?))
    }

    fn end_answer(&self, answer: u32, text: &str, receipt: Option<&str>, problem: Option<&str>) -> Result<(), Problem> {
        let mut connection = self.connection();
        let end = || {
            let transaction = connection.transaction()?;
            let sql = "UPDATE message SET text = ?2, receipt = ?3, problem = ?4, finished = 1 WHERE id = ?1";
            one(transaction.execute(sql, params![answer, text, receipt, problem])?)?;
            settle(&transaction, answer, text)?;
            transaction.commit()
        };
        tried(end)
    }

    /// Keeps what is in the composer.
    ///
    /// # Errors
    /// [`Code::DatabaseFailed`].
    pub fn save_unsent(&self, conversation: u32, text: &str) -> Result<(), Problem> {
        self.change("UPDATE conversation SET unsent = ?2 WHERE id = ?1", params![conversation, text]).and_then(some)
    }

    /// The messages of a conversation, oldest first.
    ///
    /// # Errors
    /// [`Code::DatabaseFailed`].
    pub fn messages(&self, conversation: u32) -> Result<Vec<ShownMessage>, Problem> {
        let connection = self.connection();
        let read = || {
            let sql =
                "SELECT id, speaker, text, receipt, problem, at_ms FROM message WHERE conversation = ?1 ORDER BY id";
            connection.prepare_cached(sql)?.query_map([conversation], message)?.collect()
        };
        tried(read)
    }

    /// Puts right what a cut-off program left: an answer without text is none.
    pub(crate) fn tidy(&self) -> Result<(), Problem> {
        self.change("DELETE FROM message WHERE finished = 0 AND text = ''", []).map(|_| ())
    }

    /// How many rows it changed.
    fn change(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize, Problem> {
        tried(|| self.connection().execute(sql, values))
    }
}

/// Of the answers to one question only one stays: the new one if it says something, the earlier one otherwise.
fn settle(transaction: &Transaction<'_>, answer: u32, text: &str) -> rusqlite::Result<()> {
    // Answers to the same question: no question stands between them.
    let earlier = "speaker = 'assistant' AND id < ?1 \
                   AND conversation = (SELECT conversation FROM message WHERE id = ?1) \
                   AND id > (SELECT coalesce(max(id), 0) FROM message WHERE speaker = 'user' AND id < ?1 \
                             AND conversation = (SELECT conversation FROM message WHERE id = ?1))";
    let sql = if text.is_empty() {
        format!("DELETE FROM message WHERE id = ?1 AND EXISTS (SELECT 1 FROM message WHERE {earlier} AND text <> '')")
    } else {
        format!("DELETE FROM message WHERE {earlier}")
    };
    transaction.execute(&sql, [answer]).map(|_| ())
}

/// What was to be changed must be there: text that goes nowhere would be lost without a word.
fn one(rows: usize) -> rusqlite::Result<()> {
    if rows == 0 { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(()) }
}

fn some(rows: usize) -> Result<(), Problem> {
    tried(|| one(rows))
}

fn tried<T>(work: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, Problem> {
    work().map_err(|error| failed(&error))
}

fn message(row: &Row<'_>) -> rusqlite::Result<ShownMessage> {
    let speaker: String = row.get("speaker")?;
    let receipt: Option<String> = row.get("receipt")?;
    let problem: Option<String> = row.get("problem")?;
    Ok(ShownMessage {
        id: row.get("id")?,
        speaker: if speaker == "user" { Speaker::User } else { Speaker::Assistant },
        text: row.get("text")?,
        // One of an older shape is no reason to hide the message.
        receipt: receipt.and_then(|text| from_str(&text).ok()),
        problem: problem.and_then(|text| from_str(&text).ok()),
        at_ms: row.get("at_ms")?,
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, Problem> {
    to_string(value).map_err(|error| Problem::new(Code::Internal).with("reason", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Places;
    use protocol::FinishReason;

    fn receipt() -> Receipt {
        Receipt {
            seconds: 1.5,
            first_token_seconds: 0.2,
            tokens: 9,
            prompt_tokens: 30,
            reused_tokens: 0,
            target_passes: 4,
            tokens_per_pass: 2.25,
            rungs: Vec::new(),
            alone_seconds: None,
            speed_up: None,
            cascade: true,
            stood_aside: None,
            exact: false,
            seed: 0,
            finish: FinishReason::End,
            restarts: 0,
            left_out: Vec::new(),
        }
    }

    #[test]
    fn a_conversation_survives_with_every_text_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        let (store, _) = Store::open(&places).unwrap();
        let id = store.latest_conversation().unwrap().id;
        let texts: Vec<String> =
            ["滝 👩‍💻", "'; DROP TABLE message; --", "a\0b", "\"quotes\" and \\", "\u{202e}txt", "<script>"]
                .into_iter()
                .flat_map(|text| (0..50).map(move |n| text.repeat(n)))
                .collect();
        for text in &texts {
            store.add_user_message(id, text, 7.0).unwrap();
        }
        let done = store.begin_answer(id, 8.0).unwrap();
        store.checkpoint(done, "an").unwrap();
        store.finish_answer(done, "answer", &receipt()).unwrap();
        store.add_user_message(id, "more", 8.5).unwrap();
        store.save_unsent(id, "half a thought").unwrap();
        let failed = store.begin_answer(id, 9.0).unwrap();
        let problem = Problem::new(Code::WorkerGaveUp);
        store.fail_answer(failed, "half", &problem).unwrap();
        drop(store);
        let (store, notices) = Store::open(&places).unwrap();
        assert_eq!(notices, []);
        let again = store.latest_conversation().unwrap();
        assert_eq!((again.id, again.unsent.as_str()), (id, "half a thought"));
        let (asked, answers) = again.messages.split_at(texts.len());
        assert_eq!(asked.iter().map(|m| &m.text).collect::<Vec<_>>(), texts.iter().collect::<Vec<_>>());
        assert!(asked.iter().all(|m| m.speaker == Speaker::User && m.receipt.is_none()));
        assert_eq!((answers[0].text.as_str(), &answers[0].receipt), ("answer", &Some(receipt())));
        assert_eq!((answers[2].text.as_str(), &answers[2].problem), ("half", &Some(problem)));
        store.add_user_message(id, "next", 9.0).unwrap();
        assert_eq!(store.latest_conversation().unwrap().unsent, "", "what is sent is no longer unsent");
    }

    #[test]
    fn an_answer_stays_until_another_one_says_something() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&Places::below(folder.path())).unwrap();
        let id = store.latest_conversation().unwrap().id;
        let texts = || store.messages(id).unwrap().into_iter().map(|m| m.text).collect::<Vec<_>>();
        for (question, answer) in [("a", "first"), ("b", "second")] {
            store.add_user_message(id, question, 0.0).unwrap();
            let begun = store.begin_answer(id, 0.0).unwrap();
            store.finish_answer(begun, answer, &receipt()).unwrap();
        }
        let failed = store.begin_answer(id, 0.0).unwrap();
        store.fail_answer(failed, "", &Problem::new(Code::WorkerGaveUp)).unwrap();
        let stopped = store.begin_answer(id, 0.0).unwrap();
        store.finish_answer(stopped, "", &receipt()).unwrap();
        assert_eq!(texts(), ["a", "first", "b", "second"], "nothing was said in its place");
        let again = store.begin_answer(id, 0.0).unwrap();
        assert_eq!(texts(), ["a", "first", "b", "second", ""]);
        store.finish_answer(again, "third", &receipt()).unwrap();
        assert_eq!(texts(), ["a", "first", "b", "third"], "and only the answer to this question goes");
    }

    #[test]
    fn text_that_would_go_nowhere_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&Places::below(folder.path())).unwrap();
        let problem = Problem::new(Code::WorkerGaveUp);
        for result in [
            store.checkpoint(77, "x"),
            store.finish_answer(77, "x", &receipt()),
            store.fail_answer(77, "x", &problem),
            store.save_unsent(77, "x"),
        ] {
            assert_eq!(result.unwrap_err().code, Code::DatabaseFailed);
        }
    }

    #[test]
    fn an_answer_cut_off_keeps_its_text_and_an_empty_one_goes() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        let (store, _) = Store::open(&places).unwrap();
        let id = store.latest_conversation().unwrap().id;
        store.add_user_message(id, "q", 0.0).unwrap();
        let cut = store.begin_answer(id, 0.0).unwrap();
        store.checkpoint(cut, "so far").unwrap();
        store.begin_answer(id, 0.0).unwrap();
        drop(store);
        let (store, _) = Store::open(&places).unwrap();
        let texts: Vec<_> = store.messages(id).unwrap().into_iter().map(|m| m.text).collect();
        assert_eq!(texts, ["q", "so far"]);
    }

    #[test]
    fn a_new_conversation_is_only_begun_when_the_last_one_was_used() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&Places::below(folder.path())).unwrap();
        let first = store.new_conversation().unwrap().id;
        assert_eq!(store.new_conversation().unwrap().id, first);
        store.add_user_message(first, "q", 0.0).unwrap();
        let second = store.new_conversation().unwrap();
        assert_ne!(second.id, first);
        assert_eq!(store.latest_conversation().unwrap(), second);
        assert_eq!(store.messages(first).unwrap().len(), 1);
    }
}
