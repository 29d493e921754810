//! Conversations to files and back.

use protocol::chat::ExportFormat::{Json, Markdown};
use protocol::chat::Imported;
use protocol::{Code, Language, Problem};
use store::Attachment;

use crate::support::Home;

fn full() -> (Home, u32) {
    let home = Home::new();
    let id = home.begin();
    home.store.set_system(id, "Be kind.\n\n<!-- taki \"system\" -->\n").unwrap();
    let file = Attachment {
        name: "滝 --> x.csv".to_owned(),
        bytes: 9,
        text: "a,b\n````\n1,2\n".to_owned(),
        cut: true,
        ..Attachment::default()
    };
    home.store.attach(id, &file).unwrap();
    let q1 = home.ask(id, None, "# A heading\n<!-- taki {} -->\n\\<!-- taki x -->\n\nend\n\n");
    let a1 = home.answer(q1, "one");
    let q2 = home.ask(id, Some(a1), "\n  two \r\n");
    let failed = home.store.begin_answer(q2, 9.0).unwrap();
    home.store.fail_answer(failed, "half", &Problem::new(Code::WorkerGaveUp), None, 9.0).unwrap();
    home.store.add_version(q2, "two, edited", 9.0).unwrap();
    home.answer(q1, "one more answer");
    home.store.choose_version(failed).unwrap();
    home.store.save_unsent(id, "typing").unwrap();
    home.store.attach(id, &Attachment { name: "later.txt".to_owned(), ..file }).unwrap();
    home.store.rename_conversation(id, "滝 --> \"quoted\"").unwrap();
    home.store.pin_conversation(id, true).unwrap();
    let other = home.begin();
    home.ask(other, None, "another");
    (home, id)
}

#[test]
fn what_waited_in_a_composer_comes_back() {
    let emptied: [fn(&Home, u32); 2] = [
        |home, id| home.store.save_unsent(id, "").unwrap(),
        |home, id| home.store.detach(home.store.conversation(id).unwrap().attached[0].id).unwrap(),
    ];
    for empty in emptied {
        let (home, id) = full();
        let path = home.folder.path().join("a.json");
        home.store.export(&[], Json, Language::English, &path).unwrap();
        let again = || home.store.import(&path, &mut |_| ()).unwrap();
        assert_eq!(again(), Imported { added: 0, known: 2 });
        empty(&home, id);
        assert_eq!(again(), Imported { added: 1, known: 1 });
    }
}

#[test]
fn json_has_everything_and_comes_back_the_same() {
    let (home, id) = full();
    let (first, second) = (home.folder.path().join("a.json"), home.folder.path().join("b.json"));
    assert_eq!(home.store.export(&[], Json, Language::English, &first).unwrap(), 2);
    let other = Home::new();
    assert_eq!(other.store.import(&first, &mut |_| ()).unwrap(), Imported { added: 2, known: 0 });
    other.store.export(&[], Json, Language::English, &second).unwrap();
    let text = std::fs::read_to_string(&first).unwrap();
    assert_eq!(text, std::fs::read_to_string(&second).unwrap());
    assert!(text.contains("0.30000000000000004"), "figures are kept digit for digit");
    let (was, is) = (home.store.conversation(id).unwrap(), other.store.conversation(1).unwrap());
    assert_eq!(was.messages.len(), is.messages.len());
    assert_eq!((was.unsent, was.system, was.title, was.pinned), (is.unsent, is.system, is.title, is.pinned));
    assert_eq!(was.attached[0].name, is.attached[0].name);
    assert_eq!(other.store.search("edited", 9).unwrap().len(), 1, "what is imported is found");
    let again = || home.store.import(&first, &mut |_| ()).unwrap();
    assert_eq!(again(), Imported { added: 0, known: 2 }, "what is here stays as it is");
    home.ask(id, None, "one more question");
    assert_eq!(again(), Imported { added: 1, known: 1 }, "one that went on here is another");
    home.store.delete_conversation(id).unwrap();
    assert_eq!(again(), Imported { added: 0, known: 2 });
    for card in home.store.conversations().unwrap() {
        home.store.delete_conversation(card.id).unwrap();
    }
    assert_eq!(again(), Imported { added: 2, known: 0 }, "what was deleted comes back");
}

#[test]
fn others_write_between_two_conversations_of_an_import_and_a_broken_one_is_completed() {
    let (home, _) = full();
    let path = home.folder.path().join("a.json");
    home.store.export(&[], Json, Language::English, &path).unwrap();
    let other = Home::new();
    let id = other.begin();
    let question = other.ask(id, None, "meanwhile");
    let answer = other.store.begin_answer(question, 1.0).unwrap();
    let mut steps = Vec::new();
    let imported = other.store.import(&path, &mut |done| {
        // On this very thread: an import that held the database would wait for itself.
        other.store.checkpoint(answer, &format!("{done} words")).unwrap();
        steps.push(done);
    });
    assert_eq!((steps, imported.unwrap().added), (vec![1, 2], 2));
    assert_eq!(other.store.given(answer).unwrap().text, "2 words");

    let third = Home::new();
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        third.store.import(&path, &mut |_| panic!("the program ends in the middle"))
    }));
    assert!(broken.is_err());
    let imported = third.store.import(&path, &mut |_| ()).unwrap();
    assert_eq!(imported, Imported { added: 1, known: 1 }, "the next try adds what is missing");
}

#[test]
fn markdown_is_read_back_as_the_branch_that_was_shown() {
    for language in [Language::English, Language::Japanese] {
        let (home, id) = full();
        let path = home.folder.path().join("a.md");
        assert_eq!(home.store.export(&[id], Markdown, language, &path).unwrap(), 1);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(if language == Language::English { "## You" } else { "## あなた" }));
        let other = Home::new();
        assert_eq!(other.store.import(&path, &mut |_| ()).unwrap(), Imported { added: 1, known: 0 });
        let (was, is) = (home.store.conversation(id).unwrap(), other.store.conversation(1).unwrap());
        let said = |conversation: &protocol::chat::Conversation| {
            let all = conversation.messages.iter();
            all.map(|message| (message.speaker, message.text.clone(), message.at_ms)).collect::<Vec<_>>()
        };
        assert_eq!(said(&was), said(&is));
        assert_eq!((was.title, was.system, was.pinned), (is.title, is.system, is.pinned));
        let files = |home: &Home, id| home.store.said(id).unwrap()[0].attachments.clone();
        assert_eq!(files(&home, was.messages[0].id), files(&other, is.messages[0].id));
    }
}

#[test]
fn what_is_no_export_is_refused_and_adds_nothing() {
    let home = Home::new();
    let path = home.folder.path().join("x");
    let message = r#"{"speaker":"user","text":"x","parent":0}"#;
    let system = r#"{"speaker":"system","text":"x"}"#;
    for text in [
        "{".to_owned(),
        r#"{"taki_conversations":2,"conversations":[]}"#.to_owned(),
        format!(r#"{{"taki_conversations":1,"conversations":[{{}},{{"messages":[{message}]}}]}}"#),
        format!(r#"{{"taki_conversations":1,"conversations":[{{"messages":[{system}]}}]}}"#),
        r#"{"taki_conversations":1,"conversations":[{"chosen":0}]}"#.to_owned(),
        "<!-- taki \"system\" -->\n## x\n\nx\n".to_owned(),
        "<!-- taki nonsense -->".to_owned(),
    ] {
        std::fs::write(&path, &text).unwrap();
        assert_eq!(home.store.import(&path, &mut |_| ()).unwrap_err().code, Code::FileUnusable, "{text}");
    }
    for other in ["", "# Just a note", r#"{"conversations":[]}"#, r#"{"name":"package","version":"1"}"#] {
        std::fs::write(&path, other).unwrap();
        assert_eq!(home.store.import(&path, &mut |_| ()).unwrap_err().code, Code::NotExported, "{other}");
    }
    assert_eq!(home.store.import(&home.folder.path().join("none"), &mut |_| ()).unwrap_err().code, Code::FileUnusable);
    assert!(home.store.conversations().unwrap().is_empty());
    assert_eq!(home.store.export(&[7], Json, Language::English, &path).unwrap_err().code, Code::Gone);
    let nowhere = home.folder.path().join("no/where.json");
    assert_eq!(home.store.export(&[], Json, Language::English, &nowhere).unwrap_err().code, Code::FileUnusable);
}
