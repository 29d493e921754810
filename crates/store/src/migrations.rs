//! The shape of the database, version by version, and the way from one to the next.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::conversations;
use crate::database::Refused;
use crate::places::with_ending;

/// One script per version; never changed once released.
const SCRIPTS: &[&str] = &[
    include_str!("../migrations/1.sql"),
    include_str!("../migrations/2.sql"),
    include_str!("../migrations/3.sql"),
    include_str!("../migrations/4.sql"),
    include_str!("../migrations/5.sql"),
];

/// The version that this program works with.
pub(crate) const NEWEST: usize = SCRIPTS.len();

/// How long the copy made before a migration stays: long enough to notice that something is missing, not for ever, because
/// conversations that are deleted later are still in it.
const COPY_STAYS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Brings the database in `path` to the newest version, all of it or nothing. One that holds something is copied first.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Refused> {
    let version = version(connection)?;
    if version > SCRIPTS.len() {
        return Err(Refused::Newer);
    }
    if version == SCRIPTS.len() {
        return Ok(());
    }
    if version > 0 {
        copy(connection, &copy_of(path, version))?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let version = self::version(&transaction)?;
    raise(&transaction, version, SCRIPTS.len())?;
    transaction.commit()?;
    Ok(())
}

/// Gives a new database the shape that `version` had. False if that is not known.
pub(crate) fn shape(transaction: &Transaction<'_>, version: usize) -> rusqlite::Result<bool> {
    if !(1..=SCRIPTS.len()).contains(&version) {
        return Ok(false);
    }
    raise(transaction, 0, version).map(|()| true)
}

fn raise(transaction: &Transaction<'_>, from: usize, to: usize) -> rusqlite::Result<()> {
    for (index, script) in SCRIPTS.iter().enumerate().take(to).skip(from) {
        transaction.execute_batch(script)?;
        afterwards(transaction, index + 1)?;
    }
    transaction.pragma_update(None, "user_version", to as u32)
}

/// The version of a database; 0 is an empty one.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))? as usize)
}

/// What a script cannot do.
fn afterwards(transaction: &Transaction<'_>, version: usize) -> rusqlite::Result<()> {
    if version == 2 { conversations::name_all(transaction) } else { Ok(()) }
}

/// Where the copy of a database of an older version lies.
fn copy_of(path: &Path, version: usize) -> PathBuf {
    with_ending(path, &format!(".version-{version}"))
}

/// Writes a whole copy, log included, onto the disk.
fn copy(connection: &Connection, to: &Path) -> Result<(), Refused> {
    let failed = |error: std::io::Error| Refused::Copy(to.to_owned(), error);
    // Of an earlier try that went no further.
    match fs::remove_file(to) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    File::open(to).and_then(|file| file.sync_all()).map_err(failed)
}

/// Removes copies that have stayed long enough. What cannot be removed is tried again at the next start.
pub(crate) fn remove_old_copies(path: &Path, now: SystemTime) {
    for copy in (1..SCRIPTS.len()).map(|version| copy_of(path, version)) {
        let modified = fs::metadata(&copy).and_then(|about| about.modified());
        let old = modified.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > COPY_STAYS));
        if old && let Err(error) = fs::remove_file(&copy) {
            tracing::warn!(%error, "an old copy could not be removed");
        }
    }
}
