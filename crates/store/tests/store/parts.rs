//! Files of which only a part is read, and questions that are being edited.

use protocol::Code;
use protocol::chat::{ExportFormat, Part};
use store::Attachment;

use crate::support::Home;

fn book() -> Attachment {
    Attachment { name: "book.txt".to_owned(), bytes: 9, text: "one two three".to_owned(), ..Attachment::default() }
}

#[test]
fn what_is_read_of_a_file_is_kept_with_the_question_and_chosen_anew_for_another() {
    let home = Home::new();
    let id = home.begin();
    let card = home.store.attach(id, &book()).unwrap();
    assert_eq!(card.part, Part::Whole);
    home.store.read_part(card.id, Part::Passages).unwrap();
    assert_eq!(home.store.conversation(id).unwrap().attached[0].part, Part::Passages);
    let question = home.ask(id, None, "What is two?");
    let mut files = home.store.said(question).unwrap().remove(0).attachments;
    assert_eq!((files[0].part, files[0].read()), (Part::Passages, ""), "nothing was chosen yet");
    files[0].excerpt = Some("two".to_owned());
    home.store.keep_read(question, &files, "more").unwrap();
    home.answer(question, "a number");
    let home = home.again();
    let kept = |message| home.store.said(message).unwrap().remove(0).attachments.remove(0);
    assert_eq!(kept(question).read(), "two");
    assert_eq!(home.store.said(question).unwrap()[0].also, "more");
    let edited = home.store.add_version(question, "What is three?", 9.0).unwrap();
    assert_eq!((kept(edited).part, kept(edited).excerpt, kept(question).read()), (Part::Passages, None, "two"));
    // What an answer was given to stays what it was.
    let refused = home.store.read_part(card.id, Part::Whole).unwrap_err();
    assert_eq!((refused.code, kept(question).read()), (Code::Gone, "two"));
    let copy = home.store.conversation(id).unwrap().messages.remove(0).attachments.remove(0);
    home.store.read_part(copy.id, Part::Beginning).unwrap();
    assert_eq!(kept(edited).part, Part::Beginning);
}

#[test]
fn a_question_that_is_being_edited_is_so_after_a_restart_until_it_is_sent_or_left() {
    let home = Home::new();
    let id = home.begin();
    let question = home.ask(id, None, "Why?");
    let answer = home.answer(question, "Because.");
    home.store.save_edited(question, Some("Why not?")).unwrap();
    assert_eq!(home.store.save_edited(answer, Some("x")).unwrap_err().code, Code::Gone, "answers are not edited");
    let home = home.again();
    let edited = || home.store.choose_version(question).unwrap().messages.remove(0).edited;
    assert_eq!(edited().as_deref(), Some("Why not?"));
    home.store.save_edited(question, None).unwrap();
    assert_eq!(edited(), None);
    home.store.save_edited(question, Some("Why not?")).unwrap();
    home.store.add_version(question, "Why not?", 9.0).unwrap();
    assert_eq!(edited(), None);
}

#[test]
fn both_go_with_an_export() {
    let home = Home::new();
    let id = home.begin();
    let card = home.store.attach(id, &book()).unwrap();
    home.store.read_part(card.id, Part::Beginning).unwrap();
    let question = home.ask(id, None, "What is in it?");
    let mut files = home.store.said(question).unwrap().remove(0).attachments;
    files[0].excerpt = Some("one".to_owned());
    home.store.keep_read(question, &files, "").unwrap();
    home.store.save_edited(question, Some("What is it")).unwrap();
    let path = home.folder.path().join("all.json");
    home.store.export(&[], ExportFormat::Json, protocol::Language::English, &path).unwrap();
    let other = Home::new();
    other.store.import(&path, &mut |_| {}).unwrap();
    let cards = other.store.conversations().unwrap();
    let conversation = other.store.conversation(cards[0].id).unwrap();
    assert_eq!(conversation.messages[0].edited.as_deref(), Some("What is it"));
    let files = other.store.said(conversation.messages[0].id).unwrap().remove(0).attachments;
    assert_eq!((files[0].part, files[0].read()), (Part::Beginning, "one"));
}
