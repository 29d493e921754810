//! A program that is killed at any moment loses nothing that it was told is kept.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use store::Places;

use crate::support::{open, receipt};

const FOLDER: &str = "TAKI_TEST_WRITER";
const KILLS: usize = 100;

/// Not a test by itself: what the killed child does. It says what was acknowledged, as fast as it can.
#[test]
fn writer() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = open(&Places::below(folder.as_ref()));
    let conversation = store.last_opened(0.0).unwrap().id;
    let mut out = std::io::stdout().lock();
    let mut say = |id: u32, text: &str| writeln!(out, "\nkept {id} {text}").and_then(|()| out.flush()).unwrap();
    let mut parent = store.conversation(conversation).unwrap().messages.last().map(|message| message.id);
    for number in 0.. {
        let text = format!("question {number} of {}", std::process::id());
        let asked = store.add_question(conversation, parent, &text, 1.0).unwrap();
        say(asked, &text);
        let answer = store.begin_answer(asked, 1.0).unwrap();
        let mut text = String::new();
        for word in ["one ", "two ", "three "] {
            text.push_str(word);
            store.checkpoint(answer, &text).unwrap();
            say(answer, &text);
        }
        store.finish_answer(answer, &text, &receipt(), 1.0).unwrap();
        parent = Some(answer);
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_program_is_killed_a_hundred_times() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places::below(folder.path());
    let mut kept: BTreeMap<u32, String> = BTreeMap::new();
    for round in 0..KILLS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kill::writer", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let note = |line: String, kept: &mut BTreeMap<u32, String>| {
            let Some((id, text)) = line.strip_prefix("kept ").and_then(|rest| rest.split_once(' ')) else {
                return false;
            };
            kept.insert(id.parse().unwrap(), text.to_owned());
            true
        };
        // A different place in the work each time, and wherever it is by then.
        let mut left = 1 + round * 7 % 23;
        while left > 0 {
            let line = lines.next().expect("it writes until it is killed").unwrap();
            left -= usize::from(note(line, &mut kept));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before the signal came counts too; a line cut in the middle was not said.
        for line in lines.map_while(Result::ok) {
            if line.ends_with(' ') || line.starts_with("kept") && line.contains(" of ") {
                note(line, &mut kept);
            }
        }
        let connection = rusqlite::Connection::open(places.data.join("taki.sqlite3")).unwrap();
        let state: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(state, "ok", "after {} kills", round + 1);
    }
    let store = open(&places);
    let id = store.last_opened(0.0).unwrap().id;
    let there: BTreeMap<u32, String> =
        store.conversation(id).unwrap().messages.into_iter().map(|message| (message.id, message.text)).collect();
    assert!(kept.len() > KILLS, "{} messages", kept.len());
    for (id, text) in &kept {
        let found = there.get(id).unwrap_or_else(|| panic!("message {id} is lost: {text}"));
        assert!(found.starts_with(text.as_str()), "message {id} was {text:?} and is {found:?}");
    }
}
