//! What the model is to see of a conversation.

use protocol::chat::Part;
use protocol::worker::{Message, Speaker};
use store::{Attachment, Said, fence};

/// What the model is to know of a conversation besides its messages.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Above<'a> {
    /// Instructions; empty for none.
    pub(crate) system: &'a str,
    /// The last message that it does not read, by id; 0 is none.
    pub(crate) left_out: u32,
    /// What it reads in place of those; empty for nothing.
    pub(crate) summary: &'a str,
}

/// The branch that ends with a question, below what stands above: every earlier question with its answer that stands below the
/// last message left out, if that stands on it. One that got no word of an answer (it was too long, perhaps, or stopped at once)
/// would only stand in the way.
pub(crate) fn prompt(above: Above<'_>, branch: Vec<Said>) -> Vec<Message> {
    let Above { system, left_out, summary } = above;
    let mut messages: Vec<Message> = Vec::new();
    let first = branch.iter().position(|said| said.id == left_out).map_or(0, |last| last + 1);
    if first > 0 && !summary.is_empty() {
        // As if it had been asked for one there: every model knows how to go on behind that.
        messages.push(Message { speaker: Speaker::User, text: before(summary).to_owned() });
        messages.push(Message { speaker: Speaker::Assistant, text: summary.to_owned() });
    }
    // The question itself is always heard.
    let first = first.min(branch.len().saturating_sub(1));
    let says = |said: &Said| !said.text.is_empty() || !said.attachments.is_empty();
    for said in branch.into_iter().skip(first).filter(says) {
        let unanswered = messages.last().is_some_and(|last| last.speaker == said.speaker);
        if unanswered {
            messages.pop();
        }
        messages.push(Message {
            speaker: said.speaker,
            text: said.also.clone() + &with_files(&said.text, &said.attachments),
        });
    }
    if !system.trim().is_empty() {
        messages.insert(0, Message { speaker: Speaker::System, text: system.to_owned() });
    }
    messages
}

/// The question that a summary answers, in its own language: a small model would go on in that of the question.
fn before(summary: &str) -> &'static str {
    if is_japanese(summary) {
        "これまで何について話しましたか？"
    } else {
        "What did we talk about before?"
    }
}

/// Whether a good part of a text's letters is kana, but for the middle dot and the long bar.
pub(crate) fn is_japanese(text: &str) -> bool {
    let kana = text.chars().filter(|c| ('\u{3041}'..='\u{30fa}').contains(c)).count();
    kana > 0 && 5 * kana >= text.chars().filter(|c| c.is_alphabetic()).count()
}

/// A question below the text of its files, each in a frame that nothing in it can end.
pub(crate) fn with_files(question: &str, files: &[Attachment]) -> String {
    let mut text: String = files.iter().map(framed).collect();
    text.push_str(question);
    text
}

/// One file as the model sees it.
pub(crate) fn framed(file: &Attachment) -> String {
    let text = file.read();
    let fence = fence(text);
    let name = file.name.replace(|c: char| c.is_control(), " ");
    let part = match file.part {
        Part::Passages if text != file.text => " (passages of it)",
        Part::Beginning if text != file.text => " (first part)",
        _ if file.cut => " (first part)",
        _ => "",
    };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("File {name}{part}:\n{fence}\n{text}{end}{fence}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(speaker: Speaker, text: &str) -> Said {
        Said { id: Said::NEW, speaker, text: text.to_owned(), attachments: Vec::new(), also: String::new() }
    }

    #[test]
    fn what_is_left_out_is_not_read_but_the_question_is() {
        let branch: Vec<Said> = [(3, Speaker::User), (4, Speaker::Assistant), (7, Speaker::User)]
            .map(|(id, speaker)| Said { id, ..said(speaker, &id.to_string()) })
            .into();
        let read = |left_out, summary| {
            let above = Above { left_out, summary, ..Above::default() };
            prompt(above, branch.clone()).into_iter().map(|said| said.text).collect::<Vec<_>>()
        };
        assert_eq!(
            (read(0, ""), read(5, "s")),
            (vec!["3".to_owned(), "4".to_owned(), "7".to_owned()], read(0, "s")),
            "not on it"
        );
        assert_eq!([read(4, ""), read(7, "")], [["7"], ["7"]]);
        assert_eq!(read(4, "of 3 and 4"), ["What did we talk about before?", "of 3 and 4", "7"]);
        assert_eq!(read(4, "３と４について")[0], "これまで何について話しましたか？");
        assert_eq!(read(4, "well ¯\\_(ツ)_/¯ and so on")[0], "What did we talk about before?");
    }

    #[test]
    fn the_model_hears_every_question_with_its_answer_below_the_instructions() {
        use Speaker::{Assistant, User};
        let branch = vec![
            said(User, "far too long"),
            said(Assistant, ""),
            said(User, "a"),
            said(Assistant, "answer"),
            said(User, "stopped at once"),
            said(Assistant, ""),
            said(User, "b"),
        ];
        let texts = |system, branch: &[Said]| {
            let above = Above { system, ..Above::default() };
            prompt(above, branch.to_vec()).into_iter().map(|message| message.text).collect::<Vec<_>>()
        };
        assert_eq!(texts("", &branch), ["a", "answer", "b"]);
        assert_eq!(texts(" \n", &branch[..1]), ["far too long"], "the question itself is always heard");
        let told = prompt(Above { system: "be kind", ..Above::default() }, branch);
        assert_eq!((told[0].speaker, told[0].text.as_str(), told.len()), (Speaker::System, "be kind", 4));
    }

    #[test]
    fn files_stand_before_the_question_in_a_frame_they_cannot_end() {
        let file = |name: &str, text: &str, cut| Attachment {
            name: name.to_owned(),
            bytes: 1,
            text: text.to_owned(),
            cut,
            ..Attachment::default()
        };
        let files = [file("a.csv", "1,2\n", false), file("b\n.md", "````\ncode\n```", true)];
        assert_eq!(
            with_files("What is in it?", &files),
            "File a.csv:\n```\n1,2\n```\n\nFile b .md (first part):\n`````\n````\ncode\n```\n`````\n\nWhat is in it?"
        );
    }
}
