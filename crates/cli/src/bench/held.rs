//! Other text that the models hold before every question: how a long conversation changes speed and memory.

use protocol::Problem;
use protocol::worker::{Message, Speaker};
use serde::Serialize;

use crate::suite::Question;

/// What the model is taken to have said to it.
const ANSWER: &str = "I have read it.";

/// What reading it took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Reading {
    /// Tokens held before a question.
    pub(super) tokens: u32,
    /// Seconds to read them once.
    pub(super) seconds: f64,
}

/// The beginning of a conversation of about `tokens` tokens, made of the suite's own questions, over and over; nothing for 0.
///
/// `count` tells how many tokens a conversation has.
pub(super) fn messages(
    questions: &[Question],
    tokens: usize,
    count: impl Fn(Vec<Message>) -> Result<usize, Problem>,
) -> Result<Vec<Message>, Problem> {
    if tokens == 0 {
        return Ok(Vec::new());
    }
    let conversation = |text: &str| {
        let said = |speaker, text: &str| Message { speaker, text: text.to_owned() };
        vec![said(Speaker::User, text), said(Speaker::Assistant, ANSWER)]
    };
    let texts: Vec<&str> = questions.iter().map(|question| question.text.as_str()).collect();
    let once = texts.join("\n\n") + "\n\n";
    // What stands around the text does not grow with it.
    let around = count(conversation(""))?;
    let each = count(conversation(&once))?.saturating_sub(around).max(1);
    let characters = once.chars().count() * tokens.saturating_sub(around) / each;
    let text: String = once.chars().cycle().take(characters.max(1)).collect();
    Ok(conversation(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_about_as_long_as_was_asked_for() {
        let question = |text: &str| Question { category: "a".to_owned(), text: text.to_owned() };
        let questions = [question("滝の水は冷たい。"), question("Where does the river begin?")];
        let count =
            |messages: Vec<Message>| Ok(messages.iter().map(|message| message.text.chars().count()).sum::<usize>() / 3);
        for tokens in [5, 100, 5000] {
            let conversation = messages(&questions, tokens, count).unwrap();
            let speakers: Vec<_> = conversation.iter().map(|message| message.speaker).collect();
            assert_eq!(speakers, [Speaker::User, Speaker::Assistant]);
            let have = count(conversation).unwrap();
            assert!(have.abs_diff(tokens) <= 8 + tokens / 20, "{have} for {tokens}");
        }
        assert_eq!(messages(&questions, 0, |_| unreachable!("nothing is counted")).unwrap(), []);
    }
}
