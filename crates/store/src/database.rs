use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use protocol::{Code, Problem};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use crate::places::{Places, free_name, make, unwritable, with_ending};

const FILE: &str = "taki.sqlite3";

/// What SQLite keeps beside a database that is in use or was cut off.
const BESIDE: &[&str] = &["-wal", "-shm"];

/// One script per version; never changed once released.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE conversation (
        id INTEGER PRIMARY KEY,
        unsent TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE TABLE message (
        id INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
        speaker TEXT NOT NULL CHECK (speaker IN ('user', 'assistant')),
        text TEXT NOT NULL,
        receipt TEXT,
        problem TEXT,
        finished INTEGER NOT NULL,
        at_ms REAL NOT NULL
    ) STRICT;
    CREATE INDEX message_of_conversation ON message (conversation, id);
"];

/// Conversations and receipts in one SQLite file. Shared between threads by reference.
///
/// Every method that writes returns once the disk has it (write-ahead log, `synchronous=FULL`).
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the database, making folders and tables as needed. One that is damaged is set aside under another name
    /// and a new one begun; the second value says so.
    ///
    /// # Errors
    /// [`Code::FolderUnwritable`]; [`Code::DatabaseNewer`]; [`Code::DatabaseFailed`]: it is locked, for example.
    pub fn open(places: &Places) -> Result<(Self, Vec<Problem>), Problem> {
        make(&places.data)?;
        let path = places.data.join(FILE);
        match connect(&path) {
            Ok(connection) => Ok((Self::of(connection)?, Vec::new())),
            Err(Refused::Damaged) => {
                let notice = set_aside(&path, SystemTime::now())?;
                let connection = connect(&path).map_err(|refused| refused.problem(&places.data))?;
                Ok((Self::of(connection)?, vec![notice]))
            }
            Err(refused) => Err(refused.problem(&places.data)),
        }
    }

    fn of(connection: Connection) -> Result<Self, Problem> {
        let store = Self { connection: Mutex::new(connection) };
        store.tidy()?;
        Ok(store)
    }

    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere leaves no transaction open: they roll back when dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a database was not opened.
enum Refused {
    Damaged,
    Newer,
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
            Self::Damaged => Problem::new(Code::DatabaseFailed).with("reason", "it is damaged"),
        }
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged,
            _ => Self::Failed(error),
        }
    }
}

/// The problem of a statement that failed.
pub(crate) fn failed(error: &rusqlite::Error) -> Problem {
    Problem::new(Code::DatabaseFailed).with("reason", error)
}

fn connect(path: &Path) -> Result<Connection, Refused> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // One that turns out damaged is closed as it was found: merging its log would destroy what could be saved.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let state: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if state != "ok" {
        return Err(Refused::Damaged);
    }
    migrate(&mut connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), Refused> {
    let version: usize = connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))? as usize;
    if version > MIGRATIONS.len() {
        return Err(Refused::Newer);
    }
    for (index, script) in MIGRATIONS.iter().enumerate().skip(version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "user_version", index as u32 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Moves the database and what belongs to it out of the way.
fn set_aside(path: &Path, now: SystemTime) -> Result<Problem, Problem> {
    let kept = free_name(path, now, BESIDE);
    fs::rename(path, &kept).map_err(|error| unwritable(path, &error))?;
    for ending in BESIDE {
        // They exist only if the program was cut off.
        match fs::rename(with_ending(path, ending), with_ending(&kept, ending)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unwritable(path, &error)),
            _ => {}
        }
    }
    tracing::warn!(kept = %kept.display(), "database set aside");
    Ok(Problem::new(Code::DatabaseSetAside).with("path", path.display()).with("kept", kept.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_database_is_kept_aside_and_a_new_one_begun() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        let path = places.data.join(FILE);
        let (store, notices) = Store::open(&places).unwrap();
        assert_eq!(notices, []);
        let conversation = store.latest_conversation().unwrap().id;
        for _ in 0..200 {
            store.add_user_message(conversation, &"long ".repeat(50), 0.0).unwrap();
        }
        drop(store);
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[4096..8192].fill(0xA5);
        for damage in
            [b"no database at all, but long enough to look like one".repeat(40), whole[..5000].to_vec(), flipped]
        {
            fs::write(&path, &damage).unwrap();
            let (store, notices) = Store::open(&places).unwrap();
            assert_eq!(notices.iter().map(|n| n.code).collect::<Vec<_>>(), [Code::DatabaseSetAside]);
            assert_eq!(fs::read(&notices[0].details["kept"]).unwrap(), damage);
            store.latest_conversation().unwrap();
        }
    }

    #[test]
    fn the_log_of_a_damaged_database_is_kept_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (places, cut) = (Places::below(folder.path()), Places::below(&folder.path().join("cut")));
        let (store, _) = Store::open(&places).unwrap();
        let conversation = store.latest_conversation().unwrap().id;
        for _ in 0..200 {
            store.add_user_message(conversation, &"long ".repeat(50), 0.0).unwrap();
        }
        drop(store);
        let (store, _) = Store::open(&places).unwrap();
        store.save_unsent(conversation, "only in the log").unwrap();
        // What a program that was cut off leaves behind: a log that was not merged yet.
        let (path, copy) = (places.data.join(FILE), cut.data.join(FILE));
        fs::create_dir_all(&cut.data).unwrap();
        let mut damaged = fs::read(&path).unwrap();
        let log = fs::read(with_ending(&path, "-wal")).unwrap();
        assert!(!log.is_empty());
        fs::write(&copy, &damaged).unwrap();
        fs::write(with_ending(&copy, "-wal"), &log).unwrap();
        let (whole, notices) = Store::open(&cut).unwrap();
        assert_eq!(notices, [], "an unmerged log is no damage");
        assert_eq!(whole.latest_conversation().unwrap().unsent, "only in the log");
        drop(whole);

        let middle = damaged.len() / 2;
        damaged[middle..].fill(0xA5);
        fs::write(&copy, &damaged).unwrap();
        fs::write(with_ending(&copy, "-wal"), &log).unwrap();
        let (_, notices) = Store::open(&cut).unwrap();
        assert_eq!(notices.iter().map(|n| n.code).collect::<Vec<_>>(), [Code::DatabaseSetAside]);
        let kept = Path::new(&notices[0].details["kept"]);
        assert!(fs::read(kept).unwrap() == damaged, "the damaged file is as it was found");
        assert!(fs::read(with_ending(kept, "-wal")).unwrap() == log, "and so is its log");
    }

    #[test]
    fn a_database_of_a_newer_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        drop(Store::open(&places).unwrap());
        let path = places.data.join(FILE);
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let problem = Store::open(&places).unwrap_err();
        assert_eq!(problem.code, Code::DatabaseNewer);
        assert!(path.exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_said_so() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("data"), b"").unwrap();
        assert_eq!(Store::open(&Places::below(folder.path())).unwrap_err().code, Code::FolderUnwritable);
        fs::remove_file(folder.path().join("data")).unwrap();
        fs::create_dir_all(folder.path().join("data").join(FILE)).unwrap();
        assert_eq!(Store::open(&Places::below(folder.path())).unwrap_err().code, Code::FolderUnwritable);
    }
}
