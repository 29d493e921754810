//! Damaged, newer and unreachable databases.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::Code;
use rusqlite::Connection;
use store::{Attachment, Places, Store};

/// `path` with `ending` behind its name.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A store with 200 messages in a chain, a page or two of each table.
fn filled(places: &Places) -> PathBuf {
    let (store, _) = Store::open(places).unwrap();
    let conversation = store.new_conversation(0.0).unwrap().id;
    let file =
        Attachment { name: "a.txt".to_owned(), bytes: 1, text: "x".to_owned(), cut: false, ..Attachment::default() };
    store.attach(conversation, &file).unwrap();
    let mut last = None;
    for number in 0..200 {
        let text = format!("{number} {}", "long ".repeat(50));
        last = Some(store.add_question(conversation, last, &text, 5.0).unwrap());
    }
    places.data.join("taki.sqlite3")
}

/// Makes the table of attachments unreadable, and nothing else.
fn damage_attachments(path: &Path) {
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'attachment'";
    let root = Connection::open(path).unwrap().query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
    let mut bytes = fs::read(path).unwrap();
    bytes[(root - 1) * 4096..root * 4096].fill(0xA5);
    fs::write(path, bytes).unwrap();
}

#[test]
fn of_a_damaged_database_what_can_be_read_is_there_again_and_the_original_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places::below(folder.path());
    let path = filled(&places);
    let whole = fs::read(&path).unwrap();
    let root = |table: &str| -> usize {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        Connection::open(&path).unwrap().query_row(sql, [table], |row| row.get::<_, u32>(0)).unwrap() as usize
    };
    let page = |number: usize| (number - 1) * 4096..number * 4096;
    let without = |number: usize| {
        let mut damaged = whole.clone();
        damaged[page(number)].fill(0xA5);
        damaged
    };
    let leaf = {
        // The first leaf of the messages: the leftmost child of their root, an inner page.
        let root = &whole[page(root("message"))];
        assert_eq!(root[0], 5, "there are enough messages for more than one page");
        let cell = usize::from(u16::from_be_bytes([root[12 + 14], root[12 + 15]]));
        u32::from_be_bytes(root[cell..cell + 4].try_into().unwrap()) as usize
    };
    let nothing = Code::DatabaseSetAside;
    for (damage, least, most) in [
        (b"no database at all, but long enough to look like one".repeat(40), 0, 0),
        (whole[..5000].to_vec(), 0, 0),
        (without(1), 0, 0),
        (without(root("message")), 0, 0),
        (without(root("conversation")), 200, 200),
        (without(root("attachment")), 200, 200),
        (without(root("message_below")), 200, 200),
        (without(root("message_search_data")), 200, 200),
        (without(leaf), 150, 199),
        (whole[..whole.len() / 2].to_vec(), 20, 199),
    ] {
        for ending in ["-wal", "-shm"] {
            let _ = fs::remove_file(with_ending(&path, ending));
        }
        fs::write(&path, &damage).unwrap();
        let (store, notices) = Store::open(&places).unwrap();
        let code = if most == 0 { nothing } else { Code::DatabaseRecovered };
        assert_eq!(notices.iter().map(|n| n.code).collect::<Vec<_>>(), [code], "{least} to {most}");
        assert_eq!(fs::read(&notices[0].details["kept"]).unwrap(), damage);
        let shown = store.last_opened(0.0).unwrap().messages.len();
        assert!((least..=most).contains(&shown), "{shown} of {least} to {most}");
        if most > 0 {
            assert_eq!(notices[0].details["messages"], shown.to_string(), "all of it hangs together");
            let last = store.search("199 long", 9).unwrap();
            assert!(last.len() == 1 || shown < 199, "it is found again");
            drop(store);
            let (store, notices) = Store::open(&places).unwrap();
            assert_eq!((notices.len(), store.last_opened(0.0).unwrap().messages.len()), (0, shown));
        }
    }
}

#[test]
fn what_lost_its_parent_hangs_on_nothing_that_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places::below(folder.path());
    let path = filled(&places);
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    // As if 100 could not be read and 99 was another version of it.
    let sql = "DELETE FROM message WHERE id = 100; UPDATE message SET deleted = 99 WHERE id = 99;";
    connection.execute_batch(sql).unwrap();
    drop(connection);
    damage_attachments(&path);
    let (store, notices) = Store::open(&places).unwrap();
    assert_eq!(notices.iter().map(|n| n.code).collect::<Vec<_>>(), [Code::DatabaseRecovered]);
    assert_eq!(store.last_opened(0.0).unwrap().messages.len(), 198);
    assert_eq!(store.restore_message(99).unwrap_err().code, Code::Gone, "what was deleted is wiped");
}

#[test]
fn what_cannot_be_wiped_keeps_nothing_else_away() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places::below(folder.path());
    let path = filled(&places);
    let sql = "UPDATE message SET deleted = 199 WHERE id = 199";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let (store, notices) = Store::open(&places).unwrap();
    assert_eq!((notices.len(), store.last_opened(0.0).unwrap().messages.len()), (0, 198));
}

#[test]
fn the_log_of_a_damaged_database_is_kept_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (places, cut) = (Places::below(folder.path()), Places::below(&folder.path().join("cut")));
    let path = filled(&places);
    let (store, _) = Store::open(&places).unwrap();
    store.save_unsent(1, "only in the log").unwrap();
    // What a program that was cut off leaves behind: a log that was not merged yet.
    let copy = cut.data.join("taki.sqlite3");
    fs::create_dir_all(&cut.data).unwrap();
    let mut damaged = fs::read(&path).unwrap();
    let log = fs::read(with_ending(&path, "-wal")).unwrap();
    assert!(!log.is_empty());
    fs::write(&copy, &damaged).unwrap();
    fs::write(with_ending(&copy, "-wal"), &log).unwrap();
    let (whole, notices) = Store::open(&cut).unwrap();
    assert_eq!(notices, [], "an unmerged log is no damage");
    assert_eq!(whole.last_opened(0.0).unwrap().unsent, "only in the log");
    drop(whole);

    let middle = damaged.len() / 2;
    damaged[middle..].fill(0xA5);
    fs::write(&copy, &damaged).unwrap();
    fs::write(with_ending(&copy, "-wal"), &log).unwrap();
    let (rescued, notices) = Store::open(&cut).unwrap();
    assert_eq!(notices.iter().map(|n| n.code).collect::<Vec<_>>(), [Code::DatabaseRecovered]);
    assert_eq!(rescued.last_opened(0.0).unwrap().unsent, "only in the log", "what is in the log is read too");
    let kept = Path::new(&notices[0].details["kept"]);
    assert!(fs::read(kept).unwrap() == damaged, "the damaged file is as it was found");
    assert!(fs::read(with_ending(kept, "-wal")).unwrap() == log, "and so is its log");
}

#[test]
fn a_recovery_that_was_cut_off_is_ended_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places::below(folder.path());
    let path = filled(&places);
    let recovering = with_ending(&path, ".recovering");
    damage_attachments(&path);
    let damaged = fs::read(&path).unwrap();
    // Cut off while rows were copied: the damaged one is still there, and is read again.
    fs::write(&recovering, b"half of it").unwrap();
    let (store, notices) = Store::open(&places).unwrap();
    assert_eq!((notices.len(), store.last_opened(0.0).unwrap().messages.len()), (1, 200));
    assert!(!recovering.exists());
    drop(store);

    // Cut off when the damaged one was away, its log not yet.
    let kept = PathBuf::from(&notices[0].details["kept"]);
    fs::rename(&path, &recovering).unwrap();
    fs::write(with_ending(&path, "-wal"), b"its log").unwrap();
    assert_eq!(Store::open_beside(&places).unwrap_err().code, Code::DatabaseDamaged, "that is left to the window");
    let (store, again) = Store::open(&places).unwrap();
    assert_eq!(again, notices);
    assert_eq!(store.last_opened(0.0).unwrap().messages.len(), 200);
    assert!(!recovering.exists() && fs::read(&kept).unwrap() == damaged);
    assert_eq!(fs::read(with_ending(&kept, "-wal")).unwrap(), b"its log");
    drop(store);
    assert_eq!(Store::open(&places).unwrap().1, []);

    // The same where nothing could be read.
    fs::rename(&path, with_ending(&kept, "-2")).unwrap();
    fs::write(&recovering, b"").unwrap();
    let (store, notices) = Store::open(&places).unwrap();
    assert_eq!(notices.iter().map(|n| n.code).collect::<Vec<_>>(), [Code::DatabaseSetAside]);
    assert_eq!(notices[0].details["kept"], with_ending(&kept, "-2").display().to_string());
    assert_eq!(store.conversations().unwrap(), []);
}

#[test]
fn a_program_beside_the_window_leaves_a_damaged_database_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places::below(folder.path());
    let path = filled(&places);
    damage_attachments(&path);
    let damaged = fs::read(&path).unwrap();
    assert_eq!(Store::open_beside(&places).unwrap_err().code, Code::DatabaseDamaged);
    assert!(fs::read(&path).unwrap() == damaged);
    let others = fs::read_dir(&places.data)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".damaged-"));
    assert_eq!(others.count(), 0);
    assert_eq!(Store::open(&places).unwrap().1[0].code, Code::DatabaseRecovered);
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places::below(folder.path());
    drop(Store::open(&places).unwrap());
    let path = places.data.join("taki.sqlite3");
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
    fs::create_dir_all(folder.path().join("data").join("taki.sqlite3")).unwrap();
    assert_eq!(Store::open(&Places::below(folder.path())).unwrap_err().code, Code::FolderUnwritable);
}
