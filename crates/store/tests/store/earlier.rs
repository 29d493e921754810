//! What drafts may copy from is what stands in the conversations, no more.

use std::fs;

use store::{ChatsFrom, Earlier};

use crate::support::Home;

fn earlier(home: &Home, first: Option<u32>) -> Earlier {
    home.store.earlier(first, ChatsFrom::of(&home.places).get()).unwrap()
}

#[test]
fn complete_messages_of_all_versions_come_oldest_first_and_deleted_ones_do_not() {
    let home = Home::new();
    assert_eq!(earlier(&home, None), Earlier::default());
    let one = home.begin();
    let q1 = home.ask(one, None, "q1");
    let a1 = home.answer(q1, "a1");
    let edited = home.store.add_version(q1, "q1 edited", 5.0).unwrap();
    let b1 = home.store.begin_answer(edited, 5.0).unwrap();
    home.store.checkpoint(b1, "half a").unwrap();
    let two = home.begin();
    let q2 = home.ask(two, None, "q2");
    home.answer(q2, "a2");
    let texts = || earlier(&home, None).texts;
    assert_eq!(texts(), ["q1", "a1", "q1 edited", "q2", "a2"], "what is being written is not complete");
    home.store.delete_conversation(two).unwrap();
    assert_eq!(texts(), ["q1", "a1", "q1 edited"]);
    home.store.delete_message(a1).unwrap();
    assert_eq!(texts(), ["q1", "q1 edited"]);
    home.store.restore_message(a1).unwrap();
    home.store.restore_conversation(two).unwrap();
    assert_eq!(texts(), ["q1", "a1", "q1 edited", "q2", "a2"]);
    home.store.delete_message(q1).unwrap();
    let home = home.again();
    assert_eq!(earlier(&home, None).texts, ["q1 edited", "half a", "q2", "a2"], "as far as it got it stands");
}

#[test]
fn the_newest_are_taken_and_where_they_begin_seldom_moves() {
    let home = Home::new();
    let id = home.begin();
    let long = "w".repeat(100_000);
    let ids: Vec<u32> = (0..20).map(|_| home.ask(id, None, &long)).collect();
    let first = earlier(&home, None);
    assert_eq!((first.texts.len(), first.first), (8, Some(ids[12])));
    home.ask(id, None, "short");
    home.ask(id, None, &long);
    let more = earlier(&home, first.first);
    assert_eq!((more.texts.len(), more.first), (10, Some(ids[12])));
    assert!(more.texts.starts_with(&first.texts), "texts only come behind");
    home.ask(id, None, &long);
    home.ask(id, None, &long);
    let moved = earlier(&home, first.first);
    assert_eq!((moved.texts.len(), moved.first), (8, Some(ids[16])), "too many: it begins later");
    home.ask(id, None, &"w".repeat(100_001));
    assert_eq!(earlier(&home, moved.first), moved, "a book is no chat");
}

#[test]
fn what_was_to_be_forgotten_does_not_come_back() {
    let home = Home::new();
    let id = home.begin();
    let from = ChatsFrom::of(&home.places);
    assert!(from.any());
    home.store.add_question(id, None, "old", 1_700_000_000_000.0).unwrap();
    home.store.add_question(id, None, "new", 1_700_000_000_500.0).unwrap();
    assert_eq!(earlier(&home, None).texts, ["old", "new"]);
    from.set(1_700_000_000_250.5).unwrap();
    assert_eq!((from.get(), earlier(&home, None).texts), (1_700_000_000_251.0, vec!["new".to_owned()]));
    for damage in [&b"soon"[..], b"", b"\xff", b"NaN"] {
        fs::write(home.places.data.join("chats-from"), damage).unwrap();
        assert!(earlier(&home, None).texts.is_empty(), "{damage:?}");
    }
    from.set(0.0).unwrap();
    assert_eq!(earlier(&home, None).texts, ["old", "new"]);
    from.begin_anew(&home.store, 5.0).unwrap();
    assert!(earlier(&home, None).texts.is_empty(), "also when the clock was set back since");
}
