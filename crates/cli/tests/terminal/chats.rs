//! The window's conversations in the terminal.

use store::{Places, Store};

use crate::run::Taki;

/// A home in which the window was used: two conversations with a question each.
fn used() -> Taki {
    let taki = Taki::bare();
    let (store, _) = Store::open(&Places::below(taki.home.path())).unwrap();
    for (at, text) in [(1.0, "日本で一番高い滝は?"), (2.0, "What is a waterfall?")] {
        let id = store.new_conversation(at).unwrap().id;
        store.add_question(id, None, text, at).unwrap();
    }
    taki
}

#[test]
fn conversations_are_listed_shown_found_and_deleted() {
    let taki = used();
    let listed = taki.run(&["chats", "list", "--json"]).good();
    assert_eq!(listed["conversations"][0]["title"], "What is a waterfall?");
    assert!(taki.run(&["chats", "list"]).out.contains("日本で一番高い滝は?"));
    let found = taki.run(&["chats", "search", "滝", "--json"]).good();
    assert_eq!(
        (&found["found"][0]["hit"], found["found"].as_array().unwrap().len()),
        (&"滝".into(), 2),
        "title and text"
    );
    assert!(taki.run(&["chats", "search", "高い", "滝"]).out.contains("一番[高い]滝"));
    assert_eq!(taki.run(&["chats", "show", "1", "--json"]).good()["conversation"]["messages"][0]["id"], 1);
    assert!(taki.run(&["chats", "show", "2"]).out.contains("You:\nWhat is a waterfall?\n"));
    assert_eq!(taki.run(&["chats", "delete", "2", "--json"]).good()["deleted"], 2);
    assert_eq!(taki.run(&["chats", "show", "2", "--json"]).code_of_problem(), "gone");
    assert_eq!(taki.run(&["chats", "restore", "2", "--json"]).good()["restored"], 2);
    taki.run(&["chats", "delete", "2"]);
    drop(Store::open(&Places::below(taki.home.path())).unwrap());
    assert_eq!(taki.run(&["chats", "restore", "2", "--json"]).code_of_problem(), "gone", "the window wiped it");
}

#[test]
fn conversations_travel_through_files() {
    let taki = used();
    for name in ["all.json", "all.md"] {
        let path = taki.home.path().join(name);
        let path = path.to_str().unwrap();
        assert_eq!(taki.run(&["chats", "export", path, "--json"]).good()["exported"], 2);
        let other = Taki::bare();
        assert_eq!(other.run(&["chats", "import", path, "--json"]).good()["imported"], 2);
        assert!(other.run(&["chats", "list"]).out.contains("日本で一番高い滝は?"));
        assert_eq!(taki.run(&["chats", "export", path, "1", "--json"]).good()["exported"], 1);
        assert_eq!(taki.run(&["chats", "export", path, "7", "--json"]).code_of_problem(), "gone");
    }
    let wrong = taki.home.path().join("all.txt");
    assert_eq!(taki.run(&["chats", "export", wrong.to_str().unwrap(), "--json"]).code_of_problem(), "file_unusable");
    assert_eq!(taki.run(&["chats", "import", "nowhere.json", "--json"]).code_of_problem(), "file_unusable");
}
