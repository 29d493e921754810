//! What is done with a database that is damaged: it is kept as it is, and what can be read of it is copied row by row.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use protocol::{Code, Problem};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Transaction, params_from_iter};

use crate::migrations::{shape, version};
use crate::places::{free_name, last_kept, unwritable_file, with_ending};

/// What SQLite keeps beside a database that is in use or was cut off.
const BESIDE: &[&str] = &["-wal", "-shm"];

/// Tables with something of a person's in them. The index for searching is made anew.
const TABLES: &[&str] = &["conversation", "message", "attachment", "opened"];

/// Largest gap between readable rows in which rows are looked for one by one.
const GAP: i64 = 1_000_000;

/// The same where no row behind the gap is known.
const BEYOND: i64 = 10_000;

/// Puts a new database with what can be read of the damaged one into `path` and keeps the damaged one as it is beside it.
/// Says so.
pub(crate) fn replace(path: &Path, now: SystemTime) -> Result<Problem, Problem> {
    let recovered = recovering(path);
    remove(&recovered);
    if let Err(error) = try_recover(path, &recovered) {
        tracing::warn!(%error, "nothing could be recovered");
        remove(&recovered);
    }
    // A file without anything in it is an empty database.
    File::options().create(true).append(true).open(&recovered).map_err(|error| unwritable_file(path, &error))?;
    let kept = free_name(path, now, BESIDE);
    // From here on it is the new one that counts: it is complete. What follows `resume` can do as well.
    fs::rename(path, &kept).map_err(|error| unwritable_file(path, &error))?;
    put_in_place(path, &kept)
}

/// Whether a program was cut off while it replaced a damaged database: the old one is away, the new one not in its place.
pub(crate) fn is_cut_off(path: &Path) -> bool {
    !path.exists() && recovering(path).exists()
}

/// Ends what a program that was cut off in [`replace`] had begun. Says so if there was something.
pub(crate) fn resume(path: &Path) -> Result<Option<Problem>, Problem> {
    match last_kept(path) {
        Some(kept) if is_cut_off(path) => put_in_place(path, &kept).map(Some),
        _ => Ok(None),
    }
}

/// Moves what belongs to the damaged database to it and the new one into its place.
fn put_in_place(path: &Path, kept: &Path) -> Result<Problem, Problem> {
    for ending in BESIDE {
        // They exist only if the program was cut off. The log must be away first: SQLite would merge it into the new one.
        match fs::rename(with_ending(path, ending), with_ending(kept, ending)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unwritable_file(path, &error)),
            _ => {}
        }
    }
    let recovered = recovering(path);
    let messages = messages_in(&recovered);
    fs::rename(&recovered, path).map_err(|error| unwritable_file(path, &error))?;
    tracing::warn!(kept = %kept.display(), messages, "database set aside");
    let code = if messages > 0 { Code::DatabaseRecovered } else { Code::DatabaseSetAside };
    let notice = Problem::new(code).with("path", path.display()).with("kept", kept.display());
    Ok(if messages > 0 { notice.with("messages", messages) } else { notice })
}

/// Where the new database is made.
fn recovering(path: &Path) -> PathBuf {
    with_ending(path, ".recovering")
}

fn remove(database: &Path) {
    for ending in ["", "-journal"].iter().chain(BESIDE) {
        // What is not there need not go.
        let _ = fs::remove_file(with_ending(database, ending));
    }
}

/// How many messages are in a database; none in an empty one.
fn messages_in(path: &Path) -> usize {
    let count = |connection: Connection| connection.query_row("SELECT count(*) FROM message", [], |row| row.get(0));
    Connection::open(path).and_then(count).map_or(0, |messages: u32| messages as usize)
}

/// Copies what can be read of the database in `damaged` into a new one in `path`, of the same version. Without any message
/// there is nothing in the new one.
fn try_recover(damaged: &Path, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    // Reading a log changes its database: that is done to a copy.
    let folder = tempfile::tempdir_in(path.parent().unwrap_or(Path::new(".")))?;
    let copy = folder.path().join("copy");
    fs::copy(damaged, &copy)?;
    if with_ending(damaged, "-wal").exists() {
        fs::copy(with_ending(damaged, "-wal"), with_ending(&copy, "-wal"))?;
    }
    let from = Connection::open(&copy)?;
    // Or a file that ends too early is not read at all.
    from.pragma_update(None, "writable_schema", true)?;
    let version = version(&from)?;
    let mut to = Connection::open(path)?;
    // It is renamed: no journal may come back after the end of it.
    to.pragma_update(None, "synchronous", "EXTRA")?;
    // Rows come before what they refer to.
    to.pragma_update(None, "foreign_keys", false)?;
    let transaction = to.transaction()?;
    if !shape(&transaction, version)? {
        return Ok(());
    }
    let mut messages = 0;
    for table in TABLES {
        let copied = copy_rows(&from, &transaction, table)?;
        if *table == "message" {
            messages = copied;
        }
    }
    if messages == 0 {
        return Ok(());
    }
    mend(&transaction, version)?;
    transaction.commit()?;
    Ok(())
}

/// Copies the rows of a table that can be read. Gives how many.
fn copy_rows(from: &Connection, to: &Transaction<'_>, table: &str) -> rusqlite::Result<usize> {
    let named = "SELECT name FROM pragma_table_info(?1)";
    // As the new one has them: the damaged one may not know its own.
    let columns: Vec<String> = to.prepare(named)?.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if columns.is_empty() {
        return Ok(0);
    }
    let places = vec!["?"; columns.len()].join(", ");
    let columns = columns.join(", ");
    let Ok(mut read) = from.prepare(&format!("SELECT {columns} FROM {table} WHERE rowid = ?1")) else { return Ok(0) };
    let mut write = to.prepare(&format!("INSERT INTO {table} ({columns}) VALUES ({places})"))?;
    let count = read.column_count();
    let mut copied = 0;
    for id in rows(from, table) {
        let row = read.query_row([id], |row| (0..count).map(|index| row.get_ref(index).map(value)).collect());
        let row: Vec<Value> = match row {
            Ok(row) => row,
            // Nothing is there, or nothing that can be read.
            Err(_) => continue,
        };
        match write.execute(params_from_iter(row)) {
            Ok(_) => copied += 1,
            // Read, but as something that no message can be.
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(copied)
}

/// Row numbers of a table, as far as they can be told: from both ends up to damage, and everything in between.
fn rows(from: &Connection, table: &str) -> Vec<i64> {
    let (mut first, whole) = scan(from, table, "ASC");
    if whole {
        return first;
    }
    let (last, _) = scan(from, table, "DESC");
    let begin = first.last().map_or(1, |id| id.saturating_add(1));
    let end = match last.last() {
        Some(known) => (*known).min(begin.saturating_add(GAP)),
        None => begin.saturating_add(BEYOND),
    };
    first.extend(begin..end);
    first.extend(last);
    // A damaged tree may give rows twice.
    first.sort_unstable();
    first.dedup();
    first
}

/// Row numbers up to the first that cannot be told, and whether that was none.
fn scan(from: &Connection, table: &str, order: &str) -> (Vec<i64>, bool) {
    let mut ids = Vec::new();
    let mut read = || {
        let mut statement = from.prepare(&format!("SELECT rowid FROM {table} ORDER BY rowid {order}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            ids.push(row.get(0)?);
        }
        Ok::<_, rusqlite::Error>(())
    };
    let whole = read().is_ok();
    (ids, whole)
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// Gives rows back what they refer to, as well as can be.
fn mend(transaction: &Transaction<'_>, version: usize) -> rusqlite::Result<()> {
    transaction.execute_batch("INSERT OR IGNORE INTO conversation (id) SELECT DISTINCT conversation FROM message;")?;
    if version < 2 {
        return Ok(());
    }
    transaction.execute_batch(
        "UPDATE message SET parent = ( \
             SELECT max(earlier.id) FROM message AS earlier \
             WHERE earlier.conversation = message.conversation AND earlier.id < message.id \
             AND earlier.deleted IS NULL \
         ) WHERE parent IS NOT NULL AND NOT EXISTS ( \
             SELECT 1 FROM message AS above WHERE above.id = message.parent AND above.conversation = message.conversation \
         ); \
         UPDATE conversation SET at_ms = ( \
             SELECT max(at_ms) FROM message WHERE message.conversation = conversation.id \
         ) WHERE at_ms = 0 AND EXISTS (SELECT 1 FROM message WHERE message.conversation = conversation.id); \
         DELETE FROM attachment WHERE conversation NOT IN (SELECT id FROM conversation) \
             OR message IS NOT NULL AND message NOT IN (SELECT id FROM message); \
         DELETE FROM opened WHERE conversation NOT IN (SELECT id FROM conversation); \
         UPDATE message SET indexed = 0;",
    )?;
    crate::conversations::name_all(transaction)
}
