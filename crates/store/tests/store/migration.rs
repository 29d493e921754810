//! Databases of released versions.

use std::fs;
use std::fs::File;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use store::{Places, Store};

use crate::support::open;

const FIRST: &str = include_str!("../../migrations/1.sql");

/// The versions since then, of which each was released.
const LATER: &[&str] = &[
    include_str!("../../migrations/2.sql"),
    include_str!("../../migrations/3.sql"),
    include_str!("../../migrations/4.sql"),
];

fn first_version(places: &Places) -> std::path::PathBuf {
    fs::create_dir_all(&places.data).unwrap();
    let path = places.data.join("taki.sqlite3");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(FIRST).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection
        .execute_batch(
            "INSERT INTO conversation (id, unsent) VALUES (1, ''), (2, 'typing'); \
             INSERT INTO message (conversation, speaker, text, receipt, finished, at_ms) VALUES \
                 (1, 'user', 'too long', NULL, 1, 1.25), \
                 (1, 'user', '日本で一番高い滝は?', NULL, 1, 2.25), \
                 (1, 'assistant', '称名滝', '{\"seconds\":0.1}', 1, 3.75), \
                 (1, 'user', 'and the second?', NULL, 1, 4.0), \
                 (1, 'assistant', 'first answer', NULL, 1, 5.0), \
                 (1, 'assistant', 'second answer', NULL, 0, 6.0), \
                 (2, 'user', 'other', NULL, 1, 7.0);",
        )
        .unwrap();
    path
}

#[test]
fn a_list_of_the_first_version_becomes_a_chain() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places::below(folder.path());
    let path = first_version(&places);
    let store = open(&places);
    let cards = store.conversations().unwrap();
    let titles: Vec<_> = cards.iter().map(|card| (card.title.as_str(), card.at_ms, card.messages)).collect();
    assert_eq!(titles, [("other", 7.0, 1), ("too long", 6.0, 6)]);
    let shown = store.conversation(1).unwrap().messages;
    let texts: Vec<_> = shown.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["too long", "日本で一番高い滝は?", "称名滝", "and the second?", "second answer"]);
    assert_eq!(shown[4].versions.len(), 2, "answers to one question are versions");
    assert_eq!(store.last_opened(0.0).unwrap().unsent, "typing");
    assert_eq!(store.search("称名", 9).unwrap().len(), 1, "old messages are found");

    let copy = path.with_file_name("taki.sqlite3.version-1");
    let old = Connection::open(&copy).unwrap();
    let count: u32 = old.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 7, "a whole copy from before");
    drop((old, store));
    drop(open(&places));
    assert!(copy.exists());
    let long_ago = SystemTime::now() - Duration::from_secs(31 * 24 * 60 * 60);
    File::options().write(true).open(&copy).unwrap().set_modified(long_ago).unwrap();
    drop(open(&places));
    assert!(!copy.exists(), "it does not stay for ever: what is deleted later is still in it");
}

#[test]
fn every_version_since_then_becomes_the_newest_with_its_files_and_branches() {
    for version in 2..=LATER.len() + 1 {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        let path = first_version(&places);
        let connection = Connection::open(&path).unwrap();
        for script in &LATER[..version - 1] {
            connection.execute_batch(script).unwrap();
        }
        connection.pragma_update(None, "user_version", version as u32).unwrap();
        // A second version of the fourth message, with a file, and one in the composer.
        connection
            .execute_batch(
                "INSERT INTO message (id, conversation, parent, speaker, text, finished, at_ms) \
                     VALUES (20, 1, 3, 'user', 'and the third?', 1, 8.0); \
                 UPDATE message SET chosen = 20 WHERE id = 3; \
                 INSERT INTO attachment (conversation, message, name, bytes, text, cut) \
                     VALUES (1, 20, '滝.csv', 9, '称名滝,350', 0), (2, NULL, 'later.txt', 1, 'x', 1);",
            )
            .unwrap();
        drop(connection);
        let store = open(&places);
        let shown = store.conversation(1).unwrap().messages;
        let last = shown.last().unwrap();
        assert_eq!(
            (last.text.as_str(), last.versions.len(), last.edited.as_deref()),
            ("and the third?", 2, None),
            "of {version}"
        );
        let said = store.said(20).unwrap().pop().unwrap();
        assert_eq!(
            (said.attachments[0].read(), said.also.as_str()),
            ("称名滝,350", ""),
            "of {version}: it is read whole"
        );
        assert_eq!(store.conversation(2).unwrap().attached[0].name, "later.txt");
        assert!(path.with_file_name(format!("taki.sqlite3.version-{version}")).exists());
    }
}

#[test]
fn a_migration_that_cannot_be_made_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places::below(folder.path());
    let path = first_version(&places);
    // Where the copy should go.
    fs::create_dir_all(path.with_file_name("taki.sqlite3.version-1").join("full")).unwrap();
    let before = fs::read(&path).unwrap();
    let problem = Store::open(&places).unwrap_err();
    assert_eq!(problem.code, protocol::Code::FolderUnwritable);
    let version: u32 =
        Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
    assert_eq!(fs::read(&path).unwrap().len(), before.len());
}
