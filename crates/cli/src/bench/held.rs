//! Other text that the models hold before every question: how a long conversation changes speed and memory.

use std::path::Path;

use catalog::check_header;
use protocol::worker::{Message, Speaker};
use protocol::{Code, Problem};
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

/// Tokens that a question and its answer need at least.
const ROOM: u64 = 64;

/// Whether models that hold `context` tokens can hold so many before a question.
///
/// # Errors
/// [`Code::SettingInvalid`]: they cannot.
pub(super) fn fits(tokens: usize, context: u64) -> Result<(), Problem> {
    if tokens == 0 || (tokens as u64).saturating_add(ROOM) <= context {
        return Ok(());
    }
    let reason = format!("the models hold {context} tokens, of which a question and its answer need at least {ROOM}");
    Err(Problem::new(Code::SettingInvalid).with("name", "--held").with("value", tokens).with("reason", reason))
}

/// The same before the target's file is loaded, as far as that can be known then.
///
/// # Errors
/// As [`fits`].
pub(super) fn fits_file(tokens: usize, asked: Option<u32>, target: &Path) -> Result<(), Problem> {
    // What is wrong with the file is said where it is read.
    let trained = check_header(target).ok().and_then(|header| header.context_length);
    asked.map(u64::from).into_iter().chain(trained).min().map_or(Ok(()), |context| fits(tokens, context))
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
    fn more_than_the_models_hold_is_refused() {
        assert_eq!(fits(0, 16), Ok(()), "nothing is held");
        assert_eq!(fits(960, 1024), Ok(()));
        for tokens in [961, 99_999, usize::MAX] {
            let refused = fits(tokens, 1024).unwrap_err();
            assert_eq!((refused.code, refused.details["name"].as_str()), (Code::SettingInvalid, "--held"));
        }
    }

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
