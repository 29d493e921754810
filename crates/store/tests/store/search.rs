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
    assert_eq!((all[2].before.chars().count(), all[2].after.chars().count()), (40, 40));
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

fn attach_to(home: &Home, conversation: u32, name: &str) {
    let file = store::Attachment {
        name: name.to_owned(),
        bytes: 1,
        text: "none of it".to_owned(),
        cut: false,
        ..store::Attachment::default()
    };
    home.store.attach(conversation, &file).unwrap();
}
