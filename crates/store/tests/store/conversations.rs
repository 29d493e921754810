//! The list of conversations, and messages as they are kept.

use protocol::chat::{ExportFormat, Place};
use protocol::worker::Speaker;
use protocol::{Code, Language, Problem};
use store::Attachment;

use crate::support::{Home, receipt};

#[test]
fn a_conversation_survives_with_every_text_as_it_was() {
    let home = Home::new();
    let id = home.begin();
    let texts: Vec<String> =
        ["滝 👩‍💻", "'; DROP TABLE message; --", "a\0b", "\"quotes\" and \\", "\u{202e}txt", "<script>"]
            .into_iter()
            .flat_map(|text| (0..50).map(move |n| text.repeat(n)))
            .collect();
    let mut last = None;
    for text in &texts {
        last = Some(home.ask(id, last, text));
    }
    let done = home.store.begin_answer(last.unwrap(), 8.0).unwrap();
    home.store.checkpoint(done, "an").unwrap();
    home.store.finish_answer(done, "answer", &receipt(), 8.0).unwrap();
    let more = home.ask(id, Some(done), "more");
    home.store.save_unsent(id, "half a thought").unwrap();
    home.store.set_system(id, "be kind").unwrap();
    let place = Some(Place { message: done, offset: 12.5 });
    home.store.save_place(id, place).unwrap();
    let failed = home.store.begin_answer(more, 9.0).unwrap();
    let problem = Problem::new(Code::WorkerGaveUp);
    home.store.fail_answer(failed, "half", &problem, None, 9.0).unwrap();
    let home = home.again();
    let again = home.store.last_opened(10.0).unwrap();
    assert_eq!(again.place, place);
    assert_eq!((again.id, again.unsent.as_str(), again.system.as_str()), (id, "half a thought", "be kind"));
    let (asked, answers) = again.messages.split_at(texts.len());
    assert_eq!(asked.iter().map(|m| &m.text).collect::<Vec<_>>(), texts.iter().collect::<Vec<_>>());
    assert!(asked.iter().all(|m| m.speaker == Speaker::User && m.receipt.is_none()));
    assert_eq!((answers[0].text.as_str(), &answers[0].receipt), ("answer", &Some(receipt())));
    assert_eq!((answers[2].text.as_str(), &answers[2].problem), ("half", &Some(problem)));
    home.ask(id, Some(failed), "next");
    assert_eq!(home.store.conversation(id).unwrap().unsent, "", "what is sent is no longer unsent");
}

#[test]
fn what_is_not_there_is_said_so_and_nothing_is_changed() {
    let home = Home::new();
    let id = home.begin();
    let other = home.begin();
    assert_eq!(id, other, "nothing was done with it yet");
    let asked = home.ask(id, None, "q");
    let other = home.begin();
    let problem = Problem::new(Code::WorkerGaveUp);
    for result in [
        home.store.checkpoint(77, "x"),
        home.store.finish_answer(77, "x", &receipt(), 0.0),
        home.store.fail_answer(77, "x", &problem, None, 0.0),
        home.store.save_unsent(77, "x"),
        home.store.set_system(77, "x"),
        home.store.save_place(77, None),
        home.store.rename_conversation(77, "x"),
        home.store.pin_conversation(77, true),
        home.store.delete_conversation(77),
        home.store.detach(77),
        home.store.reopen_answer(asked),
        home.store.begin_answer(77, 0.0).map(|_| ()),
        home.store.given(asked).map(|_| ()),
        home.store.said(77).map(|_| ()),
        home.store.choose_version(77).map(|_| ()),
        home.store.delete_message(77).map(|_| ()),
        home.store.restore_message(asked).map(|_| ()),
        home.store.add_version(77, "x", 0.0).map(|_| ()),
        home.store.add_question(other, Some(asked), "of another conversation", 0.0).map(|_| ()),
    ] {
        assert_eq!(result.unwrap_err().code, Code::Gone);
    }
    assert_eq!((home.texts(id), home.texts(other)), (vec!["q".to_owned()], vec![]));
}

#[test]
fn the_list_has_pinned_ones_first_and_titles_from_first_questions() {
    let home = Home::new();
    let mut ids = Vec::new();
    for (at, text) in [(10.0, "First question of all"), (20.0, "二つ目の質問"), (30.0, "third")] {
        let id = home.store.new_conversation(at).unwrap().id;
        home.store.add_question(id, None, text, at).unwrap();
        ids.push(id);
    }
    let list = || home.store.conversations().unwrap();
    let titles = || list().into_iter().map(|card| card.title).collect::<Vec<_>>();
    assert_eq!(titles(), ["third", "二つ目の質問", "First question of all"]);
    home.store.pin_conversation(ids[0], true).unwrap();
    home.store.rename_conversation(ids[1], "  Waterfalls ").unwrap();
    assert_eq!(titles(), ["First question of all", "third", "Waterfalls"]);
    home.store.add_question(ids[1], None, "again", 40.0).unwrap();
    assert_eq!(titles(), ["First question of all", "Waterfalls", "third"]);
    assert_eq!(list()[1].messages, 2);
    home.store.rename_conversation(ids[1], " ").unwrap();
    assert_eq!(titles()[1], "二つ目の質問", "without a title of its own it gets the first question's");
    home.store.open_conversation(ids[2]).unwrap();
    let home = home.again();
    assert_eq!(home.store.last_opened(0.0).unwrap().id, ids[2]);
    assert_eq!(home.store.new_conversation(50.0).unwrap().title, "");
}

#[test]
fn a_new_conversation_has_nothing_in_its_composer() {
    let home = Home::new();
    let first = home.begin();
    assert_eq!(home.begin(), first, "one that nothing was done with is as good as new");
    home.store.save_unsent(first, "a draft").unwrap();
    let second = home.begin();
    assert_ne!(second, first);
    let file =
        Attachment { name: "a.txt".to_owned(), bytes: 1, text: "x".to_owned(), cut: false, ..Attachment::default() };
    let attached = home.store.attach(second, &file).unwrap();
    let third = home.begin();
    assert!(third != first && third != second);
    home.store.delete_conversation(third).unwrap();
    home.store.detach(attached.id).unwrap();
    assert_eq!(home.begin(), second, "its composer is empty again");
    assert_eq!(home.store.conversation(first).unwrap().unsent, "a draft");
}

#[test]
fn what_is_deleted_can_be_restored_until_the_next_start_and_leaves_no_trace_then() {
    let home = Home::new();
    let (kept, gone) = (home.begin(), 2);
    let asked = home.ask(kept, None, "kept");
    let answer = home.answer(asked, "an answer that is xylophone");
    assert_eq!(home.begin(), gone);
    let secret = home.ask(gone, None, "secret zebra");
    home.answer(secret, "secret answer");
    home.store.delete_conversation(gone).unwrap();
    assert_eq!(home.store.conversation(gone).unwrap_err().code, Code::Gone);
    assert_eq!(home.store.last_opened(0.0).unwrap().id, kept, "what was open is no longer there");
    assert_eq!(home.store.restore_conversation(gone).unwrap().messages.len(), 2);
    home.store.delete_conversation(gone).unwrap();
    assert_eq!(home.store.delete_message(answer).unwrap().messages.len(), 1);
    assert_eq!(home.store.restore_message(answer).unwrap().messages.len(), 2);
    home.store.delete_message(answer).unwrap();
    let home = home.again();
    assert_eq!(home.store.restore_conversation(gone).unwrap_err().code, Code::Gone);
    assert_eq!(home.store.restore_message(answer).unwrap_err().code, Code::Gone);
    assert_eq!(home.texts(kept), ["kept"]);
    let path = home.path();
    drop(home.store);
    let bytes = std::fs::read(path).unwrap();
    for word in ["zebra", "xylophone", "secret"] {
        let found = bytes.windows(word.len()).filter(|window| *window == word.as_bytes()).count();
        assert_eq!(found, 0, "{word} is wiped from the file");
    }
}

#[test]
fn files_go_with_the_message_they_are_sent_with() {
    let home = Home::new();
    let id = home.begin();
    let file = |name: &str| Attachment {
        name: name.to_owned(),
        bytes: 7,
        text: "滝の話".to_owned(),
        cut: false,
        ..Attachment::default()
    };
    let first = home.store.attach(id, &file("a.txt")).unwrap();
    let second = home.store.attach(id, &file("b.txt")).unwrap();
    assert_eq!((first.characters, first.tokens), (3, None));
    home.store.detach(second.id).unwrap();
    let home = home.again();
    let attached = home.store.conversation(id).unwrap().attached;
    assert_eq!(attached, std::slice::from_ref(&first));
    let asked = home.ask(id, None, "what is in it?");
    assert_eq!(home.store.detach(first.id).unwrap_err().code, Code::Gone, "it was sent");
    home.store.attach(id, &file("c.txt")).unwrap();
    home.store.save_unsent(id, "typing").unwrap();
    let edited = home.store.add_version(asked, "what is not in it?", 5.0).unwrap();
    let now = home.store.conversation(id).unwrap();
    assert_eq!(now.messages[0].attachments[0].name, "a.txt", "a new version has the same files");
    assert_eq!((now.attached[0].name.as_str(), now.unsent.as_str()), ("c.txt", "typing"), "the composer is left alone");
    assert_eq!(home.store.said(edited).unwrap()[0].attachments, [file("a.txt")]);
    assert_eq!(home.store.attached(id).unwrap(), [file("c.txt")]);
}

#[test]
fn an_answer_cut_off_keeps_its_text_and_an_empty_one_goes() {
    let home = Home::new();
    let id = home.begin();
    let asked = home.ask(id, None, "q");
    let cut = home.store.begin_answer(asked, 0.0).unwrap();
    home.store.checkpoint(cut, "so far").unwrap();
    home.store.begin_answer(asked, 0.0).unwrap();
    let beside = store::Store::open_beside(&home.places).unwrap();
    assert_eq!(beside.conversation(id).unwrap().messages[1].versions.len(), 2, "another program leaves them alone");
    let home = home.again();
    assert_eq!(home.texts(id), ["q", "so far"]);
    assert_eq!(home.store.conversation(id).unwrap().messages[1].versions.len(), 1);
    assert_eq!(home.store.search("so far", 9).unwrap().len(), 1);
}

#[test]
fn what_is_left_out_stays_so_and_is_remembered_by_answers() {
    let home = Home::new();
    let id = home.begin();
    let first = home.ask(id, None, "first");
    let before = home.answer(first, "one");
    assert_eq!(home.store.conversation(id).unwrap().left_out, 0);
    home.store.leave_out(id, before, "of the first").unwrap();
    let second = home.ask(id, Some(before), "second");
    let after = home.answer(second, "two");
    let left_out = |answer| home.store.given(answer).unwrap().left_out;
    assert_eq!([left_out(before), left_out(after)], [0, before]);
    let ids: Vec<u32> = home.store.said(second).unwrap().into_iter().map(|said| said.id).collect();
    assert_eq!(ids, [first, before, second]);
    let path = home.folder.path().join("a.json");
    home.store.export(&[], ExportFormat::Json, Language::English, &path).unwrap();
    let markdown = home.folder.path().join("a.md");
    home.store.export(&[], ExportFormat::Markdown, Language::English, &markdown).unwrap();
    home.store.leave_out(id, 0, "").unwrap();
    assert_eq!((home.store.conversation(id).unwrap().left_out, left_out(after)), (0, before));
    assert_eq!(home.store.given(after).unwrap().summary, "of the first");
    let other = Home::new();
    other.store.import(&path, &mut |_| ()).unwrap();
    assert_eq!((other.store.conversation(1).unwrap().left_out, other.store.given(4).unwrap().left_out), (2, 2));
    let summaries = |home: &Home| (home.store.conversation(1).unwrap().summary, home.store.given(4).unwrap().summary);
    assert_eq!(summaries(&other), ("of the first".to_owned(), "of the first".to_owned()));
    other.store.delete_message(1).unwrap();
    assert_eq!(other.store.leave_out(1, 2, "of what is gone").unwrap_err().code, Code::Gone);
    let later = home.folder.path().join("later.json");
    other.store.export(&[1], ExportFormat::Json, Language::English, &later).unwrap();
    assert!(!std::fs::read_to_string(&later).unwrap().contains("of the first"), "it tells what was deleted");
    let other = other.again();
    let found = other.store.conversation(1).unwrap();
    assert_eq!(
        (found.left_out, found.summary.as_str()),
        (0, ""),
        "its id may be another's by now, and it tells what was said"
    );
    let read = Home::new();
    read.store.import(&markdown, &mut |_| ()).unwrap();
    let found = read.store.conversation(1).unwrap();
    assert_eq!((found.left_out, found.summary.as_str()), (2, "of the first"));
}
