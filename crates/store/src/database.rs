use std::cmp::Ordering;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use protocol::{Code, Problem};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::damage;
use crate::migrations::{NEWEST, migrate, remove_old_copies, version};
use crate::places::{Places, make, unwritable, unwritable_file, with_ending};

pub(crate) const FILE: &str = "taki.sqlite3";

/// Conversations and receipts in one SQLite file. Shared between threads by reference.
///
/// Every method that writes returns once the disk has it (write-ahead log, `synchronous=FULL`). Every method fails with
/// [`Code::DatabaseFailed`], or [`Code::Gone`] if what it is asked for is not there or was deleted.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the database, making folders and tables as needed. One that is damaged is set aside under another name and
    /// what can be read of it goes into a new one; the second value says so. Ends what a cut-off program left unfinished
    /// and wipes what was deleted.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`]; [`Code::DatabaseNewer`]; [`Code::DatabaseFailed`]: it is locked, for example.
    pub fn open(places: &Places) -> Result<(Self, Vec<Problem>), Problem> {
        make(&places.data)?;
        let path = places.data.join(FILE);
        let mut notices = Vec::from_iter(damage::resume(&path)?);
        let connection = match connect(&path) {
            Err(Refused::Damaged) => {
                notices.push(damage::replace(&path, SystemTime::now())?);
                connect(&path)
            }
            other => other,
        };
        let store = Self::of(connection.map_err(|refused| refused.problem(&places.data))?);
        store.write(|transaction| {
            crate::messages::tidy(transaction)?;
            crate::search::catch_up(transaction)
        })?;
        // What cannot be wiped now is tried again at the next start; it is no reason to keep everything else away.
        if let Err(problem) = store.wipe() {
            tracing::warn!(code = %problem.code, details = ?problem.details, "what was deleted could not be wiped");
        }
        remove_old_copies(&path, SystemTime::now());
        Ok((store, notices))
    }

    /// The same for a program that runs beside the window: answers in progress and what may yet be restored stay as they
    /// are, and so does a damaged database, which the window may have open.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Code::DatabaseDamaged`].
    pub fn open_beside(places: &Places) -> Result<Self, Problem> {
        let path = places.data.join(FILE);
        match Self::open_writing(places, &path) {
            // What cannot be written can still be read.
            Err(problem) if problem.code == Code::FolderUnwritable && path.exists() => {
                connect_reading(&path).map(Self::of).map_err(|refused| match refused {
                    Refused::Newer => refused.problem(&places.data),
                    refused => {
                        tracing::warn!(?refused, "it cannot be read either");
                        problem
                    }
                })
            }
            opened => opened,
        }
    }

    fn open_writing(places: &Places, path: &Path) -> Result<Self, Problem> {
        make(&places.data)?;
        // A new one would stand in the place of what was recovered.
        let connection = if damage::is_cut_off(path) { Err(Refused::Damaged) } else { connect(path) };
        let store = Self::of(connection.map_err(|refused| refused.problem(&places.data))?);
        store.write(crate::search::catch_up)?;
        Ok(store)
    }

    fn of(connection: Connection) -> Self {
        Self { connection: Mutex::new(connection) }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere leaves no transaction open: they roll back when dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks something up, everything in it from one moment.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Problem> {
        let mut connection = self.connection();
        connection.transaction().and_then(|transaction| work(&transaction)).map_err(|error| failed(&error))
    }

    /// Changes something: all of it is on disk when this returns, or nothing was changed.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Problem> {
        let mut connection = self.connection();
        let all = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        all().map_err(|error| failed(&error))
    }

    /// Removes for good what was deleted, from the log too.
    fn wipe(&self) -> Result<(), Problem> {
        let wiped = self.write(|transaction| {
            crate::search::forget_deleted(transaction)?;
            let messages = transaction.execute("DELETE FROM message WHERE deleted IS NOT NULL", [])?;
            let wiped = messages + transaction.execute("DELETE FROM conversation WHERE deleted", [])?;
            // An id that is free may be given to another message, and a summary tells what was said in it. Every message is read for this: not at every start.
            if wiped > 0 {
                for table in ["conversation", "message"] {
                    let sql = format!(
                        "UPDATE {table} SET left_out = 0, summary = '' WHERE left_out <> 0 AND left_out NOT IN (SELECT id FROM message)"
                    );
                    transaction.execute(&sql, [])?;
                }
            }
            Ok(wiped)
        })?;
        if wiped > 0 {
            // Another process may be reading: then the log is merged later.
            let merged =
                self.connection().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
            tracing::debug!(wiped, ?merged, "wiped");
        }
        Ok(())
    }
}

/// Why a database was not opened.
#[derive(Debug)]
pub(crate) enum Refused {
    Damaged,
    Newer,
    /// The copy before a migration could not be written.
    Copy(std::path::PathBuf, std::io::Error),
    Failed(rusqlite::Error),
}

impl Refused {
    fn problem(self, folder: &Path) -> Problem {
        match self {
            Self::Failed(error)
                if matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) =>
            {
                unwritable(folder, &error)
            }
            Self::Failed(error) => failed(&error),
            Self::Newer => Problem::new(Code::DatabaseNewer).with("path", folder.display()),
            Self::Copy(path, error) => unwritable_file(&path, &error),
            Self::Damaged => Problem::new(Code::DatabaseDamaged).with("path", folder.display()),
        }
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) { Self::Damaged } else { Self::Failed(error) }
    }
}

pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// The problem of a statement that failed.
fn failed(error: &rusqlite::Error) -> Problem {
    if matches!(error, rusqlite::Error::QueryReturnedNoRows) {
        return Problem::new(Code::Gone);
    }
    Problem::new(Code::DatabaseFailed).with("reason", error)
}

/// What was to be changed must be there: text that goes nowhere would be lost without a word.
pub(crate) fn one(rows: usize) -> rusqlite::Result<()> {
    if rows == 0 { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(()) }
}

/// For looking things up where nothing can be written.
fn connect_reading(path: &Path) -> Result<Connection, Refused> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let name = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let log = with_ending(path, "-wal").metadata().is_ok_and(|about| about.len() > 0);
    let look = |how: &str| {
        let connection = Connection::open_with_flags(format!("file:{name}?{how}"), flags)?;
        let version = version(&connection)?;
        Ok::<_, Refused>((connection, version))
    };
    let (connection, version) = match look("mode=ro") {
        // Nobody can change it, and no log holds newer messages.
        Err(_) if !log => look("immutable=1")?,
        looked => looked?,
    };
    match version.cmp(&NEWEST) {
        Ordering::Equal => Ok(connection),
        Ordering::Greater => Err(Refused::Newer),
        // It would have to be changed first.
        Ordering::Less => Err(Refused::Failed(rusqlite::Error::InvalidQuery)),
    }
}

fn connect(path: &Path) -> Result<Connection, Refused> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // One that turns out damaged is closed as it was found: merging its log would destroy what could be saved.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    let state: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if state != "ok" {
        return Err(Refused::Damaged);
    }
    migrate(&mut connection, path)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(&folder.path().join("100%?#"));
        let id = {
            let (store, _) = Store::open(&places).unwrap();
            let id = store.new_conversation(1.0).unwrap().id;
            store.add_question(id, None, "滝はどこですか。", 2.0).unwrap();
            id
        };
        let store = Store::of(connect_reading(&places.data.join(FILE)).unwrap());
        assert_eq!(store.conversation(id).unwrap().messages[0].text, "滝はどこですか。");
        assert_eq!(
            (store.conversations().unwrap().len(), store.search("どこ", 9).unwrap().len()),
            (1, 2),
            "title and text"
        );
        assert_eq!(store.save_unsent(id, "x").unwrap_err().code, Code::DatabaseFailed);
        for (version, newer) in [(NEWEST + 1, true), (NEWEST - 1, false)] {
            let path = places.data.join(FILE);
            Connection::open(&path).unwrap().pragma_update(None, "user_version", version as u32).unwrap();
            let refused = connect_reading(&path).unwrap_err();
            assert_eq!(matches!(refused, Refused::Newer), newer, "{refused:?}");
        }
    }
}
