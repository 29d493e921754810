//! What is found and what is shown of it.

use crate::support::Home;

fn found(home: &Home, text: &str) -> Vec<(Option<u32>, String)> {
    home.store.search(text, 50).unwrap().into_iter().map(|found| (found.message, found.hit)).collect()
}

#[test]
fn japanese_is_found_inside_sentences_down_to_one_character() {
    let home = Home::new();
    let id = home.begin();
    home.store.rename_conversation(id, "x").unwrap();
    let asked = home.ask(id, None, "日本で一番落差の大きい滝は富山県の称名滝です。");
    let answer = home.answer(asked, "株式会社ＡＢＣのﾃｽﾄ環境で確認しました。The Waterfall is 350 m high.");
    for (text, message, hit) in [
        ("滝", asked, "滝"),
        ("落差", asked, "落差"),
        ("称名滝", asked, "称名滝"),
        ("一番落差の大きい", asked, "一番落差の大きい"),
        ("富山　滝", asked, "滝"),
        ("abc", answer, "ＡＢＣ"),
        ("テスト環境", answer, "ﾃｽﾄ環境"),
        ("ﾃｽﾄ", answer, "ﾃｽﾄ"),
        ("waterFALL", answer, "Waterfall"),
        ("50", answer, "50"),
        ("erfa", answer, "erfa"),
        ("is high", answer, "is"),
    ] {
        assert_eq!(found(&home, text), [(Some(message), hit.to_owned())], "{text}");
    }
    for text in ["滝滝", "富士", "waterfalls", "滝 zebra", "", "  ", "\"", "NEAR(滝", "*", "OR"] {
        assert!(found(&home, text).is_empty(), "{text}");
    }
}

#[test]
fn a_hit_comes_with_the_text_around_it_titles_first_and_the_latest_first() {
    let home = Home::new();
    let old = home.store.new_conversation(1.0).unwrap().id;
    let asked = home.ask(old, None, &format!("{} needle {}", "前".repeat(100), "後".repeat(100)));
    let answer = home.store.begin_answer(asked, 9.0).unwrap();
    home.store.finish_answer(answer, "needle at once", &crate::support::receipt(), 9.0).unwrap();
    let named = home.begin();
    home.ask(named, None, "something else");
    home.store.rename_conversation(named, "The Needle").unwrap();
    let all = home.store.search("needle", 10).unwrap();
    let order: Vec<_> = all.iter().map(|found| (found.conversation, found.message)).collect();
    assert_eq!(order, [(named, None), (old, Some(answer)), (old, Some(asked))]);
    assert_eq!((all[0].title.as_str(), all[0].before.as_str(), all[0].hit.as_str()), ("The Needle", "The ", "Needle"));
    assert_eq!((all[1].before.as_str(), all[1].after.as_str()), ("", " at once"));
    // A space and as many of twice its width as have room in forty columns.
    assert_eq!((all[2].before.chars().count(), all[2].after.chars().count()), (20, 20));
    assert_eq!(home.store.search("needle", 2).unwrap().len(), 2);
    home.store.delete_message(answer).unwrap();
    assert_eq!(found(&home, "at once").len(), 0, "what is deleted is not found");
    home.store.restore_message(answer).unwrap();
    assert_eq!(found(&home, "at once").len(), 1);
    home.store.delete_conversation(named).unwrap();
    assert_eq!(home.store.search("needle", 10).unwrap().len(), 2);
}

#[test]
fn a_file_that_was_sent_is_found_by_its_name() {
    let home = Home::new();
    let id = home.begin();
    attach_to(&home, id, "請求書_2026-10.pdf");
    attach_to(&home, id, "請求書_2026-11.pdf");
    assert!(found(&home, "請求書").is_empty(), "it waits in the composer");
    home.store.rename_conversation(id, "x").unwrap();
    let asked = home.ask(id, None, "Compare the 請求書 of both months.");
    assert_eq!(found(&home, "請求書"), [(Some(asked), "請求書".to_owned())], "once for a message");
    assert_eq!(found(&home, "10.pdf 請求"), [(Some(asked), "請求".to_owned())]);
    assert!(home.store.search("10.pdf", 9).unwrap()[0].file);
    // A question that is asked anew takes its files along.
    let again = home.store.add_version(asked, "And now?", 3.0).unwrap();
    assert_eq!(found(&home, "10.pdf"), [(Some(again), "10.pdf".to_owned())], "once for a file");
    let many = home.begin();
    home.store.rename_conversation(many, "y").unwrap();
    for number in 0..9 {
        attach_to(&home, many, &format!("report-{number}.csv"));
        home.ask(many, None, "look at it");
    }
    let said = home.ask(many, None, "The report is late.");
    let hits = found(&home, "report");
    assert_eq!(hits.len(), 10);
    assert!(
        home.store.search("report", 4).unwrap().iter().any(|hit| hit.message == Some(said)),
        "names do not hide it"
    );
    home.store.delete_message(asked).unwrap();
    home.store.delete_message(again).unwrap();
    assert!(found(&home, "pdf").is_empty());
}

#[test]
fn a_word_that_only_stands_in_a_file_finds_the_message_it_was_sent_with() {
    let home = Home::new();
    let id = home.begin();
    let line = "甲は乙に対し、本契約に定める業務を委託する。\n";
    let contract =
        format!("{}第８条　損害ﾊﾞｲｼｮｳの額は Fee の三か月分とする。\r\n{}", line.repeat(2_000), line.repeat(2_000));
    attach_text(&home, id, "業務委託契約書.docx", &contract);
    assert!(found(&home, "損害バイショウ").is_empty(), "it was not sent yet");
    let asked = home.ask(id, None, "Is anything odd in it?");
    for (text, hit) in
        [("損害バイショウ", "損害ﾊﾞｲｼｮｳ"), ("額", "額"), ("FEE", "Fee"), ("8条 fee", "８条"), ("契約書 fee", "Fee")]
    {
        assert_eq!(found(&home, text), [(Some(asked), hit.to_owned())], "{text}");
    }
    for text in ["fee zebra", "三か月分とする。甲は"] {
        assert!(found(&home, text).is_empty(), "{text}");
    }
    let hit = &home.store.search("fee", 9).unwrap()[0];
    assert_eq!((hit.in_file.as_deref(), hit.file), (Some("業務委託契約書.docx"), false));
    assert_eq!(hit.before, "託する。\n第８条　損害ﾊﾞｲｼｮｳの額は ");
    assert_eq!(hit.after, " の三か月分とする。\r\n甲は乙に対し、本契");
    let by_name = &home.store.search("契約書", 9).unwrap()[0];
    assert!(by_name.file && by_name.in_file.is_none());
}

#[test]
fn a_place_in_a_file_is_shown_once_and_none_is_hidden_by_what_was_said() {
    let home = Home::new();
    let id = home.begin();
    attach_text(&home, id, "a.txt", "the needle");
    attach_text(&home, id, "b.txt", "a needle too");
    let asked = home.ask(id, None, "Compare them.");
    let again = home.store.add_version(asked, "Compare both.", 3.0).unwrap();
    assert_eq!(found(&home, "needle"), [(Some(again), "needle".to_owned())], "the latest version, once");
    attach_text(&home, id, "b.txt", "A NEEDLE too");
    let anew = home.ask(id, Some(again), "And now?");
    assert_eq!(found(&home, "needle").len(), 2, "another text of the same name and length is another place");
    home.store.delete_message(anew).unwrap();
    let last = home.store.add_version(asked, "Where is the needle?", 4.0).unwrap();
    assert_eq!(found(&home, "needle"), [(Some(last), "needle".to_owned())], "and for what it says itself");
    attach_text(&home, id, "c.txt", "a needle as well");
    let third = home.ask(id, Some(last), "And this?");
    let all = found(&home, "needle");
    assert_eq!(all.iter().map(|hit| hit.0).collect::<Vec<_>>(), [Some(last), Some(third)], "messages first");
    let other = home.begin();
    attach_text(&home, other, "a.txt", "the needle");
    let elsewhere = home.ask(other, None, "And this?");
    let files = |limit| home.store.search("needle", limit).unwrap().into_iter().filter(|hit| hit.in_file.is_some());
    assert!(files(9).any(|hit| hit.message == Some(elsewhere)), "in another conversation it is another place");
    let many = home.begin();
    for number in 0..30 {
        home.ask(many, None, &format!("needle {number}"));
    }
    for limit in 1..35 {
        let all = home.store.search("needle", limit).unwrap();
        assert_eq!(all.len(), limit as usize);
        let mut messages: Vec<_> = all.iter().map(|hit| hit.message).collect();
        messages.sort_unstable();
        messages.dedup();
        assert_eq!(messages.len(), all.len(), "none twice");
    }
    assert_eq!((files(8).count(), files(12).count(), files(40).count()), (1, 2, 2));
}

#[test]
fn what_was_deleted_is_not_found_in_files_and_what_was_brought_back_is() {
    let home = Home::new();
    let id = home.begin();
    home.store.rename_conversation(id, "kept").unwrap();
    attach_text(&home, id, "a.txt", "the needle");
    let asked = home.ask(id, None, "What is it?");
    let hits = |home: &Home| home.store.search("needle", 9).unwrap().len();
    home.store.delete_message(asked).unwrap();
    assert_eq!(hits(&home), 0);
    home.store.restore_message(asked).unwrap();
    assert_eq!(hits(&home), 1);
    home.store.delete_conversation(id).unwrap();
    assert_eq!(hits(&home), 0);
    home.store.restore_conversation(id).unwrap();
    let file = home.folder.path().join("all.json");
    home.store.export(&[], protocol::chat::ExportFormat::Json, protocol::Language::English, &file).unwrap();
    home.store.delete_message(asked).unwrap();
    let home = home.again();
    assert_eq!(hits(&home), 0);
    let bytes =
        ["taki.sqlite3", "taki.sqlite3-wal"].map(|name| std::fs::read(home.places.data.join(name)).unwrap_or_default());
    assert!(!bytes.concat().windows(6).any(|part| part == b"needle"), "nothing of it is left on the disk");
    home.store.import(&file, &mut |_| {}).unwrap();
    assert_eq!(hits(&home), 1);
}

fn attach_to(home: &Home, conversation: u32, name: &str) {
    attach_text(home, conversation, name, "none of it");
}

/// Goes with the next question.
fn attach_text(home: &Home, conversation: u32, name: &str, text: &str) {
    let file = store::Attachment {
        name: name.to_owned(),
        bytes: text.len() as u64,
        text: text.to_owned(),
        ..store::Attachment::default()
    };
    home.store.attach(conversation, &file).unwrap();
}
