//! What was said in earlier chats, for drafts to copy from. It is looked up anew each time and kept nowhere else, so that what is
//! deleted is gone.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use protocol::Problem;
use rusqlite::params;

use crate::database::{FILE, Store};
use crate::places::{Places, keep};

/// Most bytes of text that are looked up: about as many tokens as are copied from.
const MOST: usize = 800_000;

/// From a given message on, more than [`MOST`] may be looked up, so that not every new message moves where it begins.
const MOST_BEHIND: usize = MOST / 4 * 5;

/// Longer messages are no chat: a book that was pasted, perhaps, in whose place many chats would go.
const LONGEST: u32 = 100_000;

/// Questions and answers of all conversations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Earlier {
    /// As they were written, oldest first.
    pub texts: Vec<String>,
    /// The message that the first text is.
    pub first: Option<u32>,
}

impl Store {
    /// The newest complete messages written after `from_ms`, versions that are not shown included, deleted ones not. Beginning
    /// with message `first` as long as they are not too many: give what the last look-up gave, and texts only come behind.
    ///
    /// # Errors
    /// See [`Store`].
    pub fn earlier(&self, first: Option<u32>, from_ms: f64) -> Result<Earlier, Problem> {
        let earlier = self.newest(first.unwrap_or(0), from_ms, if first.is_some() { MOST_BEHIND } else { MOST })?;
        match earlier {
            Some(earlier) => Ok(earlier),
            None => self.newest(0, from_ms, MOST).map(Option::unwrap_or_default),
        }
    }

    /// The newest messages of at most `most` bytes together; None if there are more of them behind `first`.
    fn newest(&self, first: u32, from_ms: f64, most: usize) -> Result<Option<Earlier>, Problem> {
        let sql = "SELECT id, text FROM message \
                   WHERE id >= ?1 AND at_ms > ?2 AND finished AND deleted IS NULL \
                   AND length(CAST(text AS BLOB)) BETWEEN 1 AND ?3 \
                   AND conversation NOT IN (SELECT id FROM conversation WHERE deleted) ORDER BY id DESC";
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(sql)?;
            let mut rows = statement.query(params![first, from_ms, LONGEST])?;
            let (mut earlier, mut bytes) = (Earlier::default(), 0);
            while let Some(row) = rows.next()? {
                let text: String = row.get(1)?;
                bytes += text.len();
                if bytes > most && first > 0 {
                    return Ok(None);
                }
                if bytes > most {
                    break;
                }
                earlier.texts.push(text);
                earlier.first = Some(row.get(0)?);
            }
            earlier.texts.reverse();
            Ok(Some(earlier))
        })
    }
}

/// From when on chats may be copied from: the user can have it begin anew without deleting conversations.
#[derive(Debug, Clone)]
pub struct ChatsFrom {
    path: PathBuf,
    /// Whether there are conversations at all.
    database: PathBuf,
}

impl ChatsFrom {
    /// That of `places`; no folder need exist yet.
    pub fn of(places: &Places) -> Self {
        Self { path: places.data.join("chats-from"), database: places.data.join(FILE) }
    }

    /// Whether there are conversations, so that looking for them makes no file.
    pub fn any(&self) -> bool {
        self.database.exists()
    }

    /// Milliseconds since 1970, -1 for all; never, if the file cannot be understood: what was to be forgotten must not come back.
    pub fn get(&self) -> f64 {
        match fs::read_to_string(&self.path) {
            Ok(text) => text.trim().parse().ok().filter(|ms: &f64| ms.is_finite()).unwrap_or_else(|| {
                tracing::warn!("from when on chats may be used cannot be read: none is");
                f64::MAX
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => -1.0,
            Err(error) => {
                tracing::warn!(%error, "from when on chats may be used cannot be read: none is");
                f64::MAX
            }
        }
    }

    /// Copies from nothing any more that is in `store`: written up to now, or later if a clock was wrong.
    ///
    /// # Errors
    /// As [`Self::set`]; see [`Store`].
    pub fn begin_anew(&self, store: &Store, now_ms: f64) -> Result<(), Problem> {
        let sql = "SELECT max(at_ms) FROM message";
        let newest: Option<f64> = store.read(|transaction| transaction.query_row(sql, [], |row| row.get(0)))?;
        self.set(newest.unwrap_or(now_ms).max(now_ms))
    }

    /// Copies from nothing written up to `ms`, wholly or not at all.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`](protocol::Code::FolderUnwritable).
    pub fn set(&self, ms: f64) -> Result<(), Problem> {
        // The times of messages are whole.
        keep(&self.path, ms.ceil().to_string().as_bytes())
    }
}
