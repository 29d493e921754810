use clap::error::{ContextKind, ContextValue, ErrorKind};
use protocol::Language;

use crate::output::either;

/// What is wrong with a command line, in plain words; None if help or the version was asked for.
pub(crate) fn misunderstood(error: &clap::Error, language: Language) -> Option<String> {
    let said = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    let words = |english, japanese| either(language, english, japanese);
    let but = |suggested| match said(suggested) {
        near if near.is_empty() => near,
        near => words(format!(", but there is {near}"), format!("（{near} ならあります）")),
    };
    let argument = said(ContextKind::InvalidArg);
    let possible = said(ContextKind::ValidValue);
    let value = said(ContextKind::InvalidValue);
    Some(match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return None;
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            words(format!("{argument} needs a value"), format!("{argument} には値が必要です"))
        }
        ErrorKind::InvalidValue if !possible.is_empty() => words(
            format!("{argument} cannot be “{value}”, only one of: {possible}"),
            format!("{argument} に「{value}」は使えません。使えるのは {possible} です"),
        ),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let reason = expected(error, language).map(|reason| words(format!(": {reason}"), format!("（{reason}）")));
            let reason = reason.unwrap_or_default();
            words(
                format!("{argument} cannot be “{value}”{reason}"),
                format!("{argument} に「{value}」は使えません{reason}"),
            )
        }
        ErrorKind::UnknownArgument => {
            let near = but(ContextKind::SuggestedArg);
            words(format!("there is no “{argument}” here{near}"), format!("ここに「{argument}」はありません{near}"))
        }
        ErrorKind::InvalidSubcommand => {
            let (name, near) = (said(ContextKind::InvalidSubcommand), but(ContextKind::SuggestedSubcommand));
            words(format!("there is no command “{name}”{near}"), format!("「{name}」というコマンドはありません{near}"))
        }
        ErrorKind::MissingRequiredArgument => {
            words(format!("{argument} is missing"), format!("{argument} がありません"))
        }
        ErrorKind::ArgumentConflict => match said(ContextKind::PriorArg) {
            other if other.is_empty() || other == argument => {
                words(format!("{argument} is given twice"), format!("{argument} が二度指定されています"))
            }
            other => words(
                format!("{argument} and {other} do not go together"),
                format!("{argument} と {other} は一緒に使えません"),
            ),
        },
        ErrorKind::InvalidUtf8 => words("an argument is no text".to_owned(), "引数が文字列ではありません".to_owned()),
        // Its first line says what is wrong, the others how it is used.
        _ => error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .trim_end_matches('.')
            .to_owned(),
    })
}

/// What would have been a number, by what the number's reader says; None where it says nothing of use.
fn expected(error: &clap::Error, language: Language) -> Option<String> {
    let said = std::error::Error::source(error)?.to_string();
    let both = |english: &str, japanese: &str| Some(either(language, english, japanese).to_owned());
    // "600 is not in 0..=512"
    if let Some((_, range)) = said.split_once(" is not in ")
        && let Some((from, to)) = range.split_once("..=").or_else(|| range.split_once(".."))
    {
        return both(
            &format!("it must be a whole number from {from} to {to}"),
            &format!("{from} から {to} までの整数を指定してください"),
        );
    }
    if said.contains("invalid float literal") {
        both("it must be a number", "数を指定してください")
    } else if said.contains("number too large") {
        both("the number is too large", "数が大きすぎます")
    } else if said.contains("invalid digit") {
        both("it must be a whole number, 0 or above", "0 以上の整数を指定してください")
    } else if said.contains("invalid IPv4 address") {
        both("it must be an address as in 10.8.0.2", "10.8.0.2 の形のアドレスを指定してください")
    } else {
        None
    }
}
