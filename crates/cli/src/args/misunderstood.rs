use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What is wrong with a command line, in plain words; None if help or the version was asked for.
pub(crate) fn misunderstood(error: &clap::Error) -> Option<String> {
    let said = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    let but = |suggested| match said(suggested) {
        near if near.is_empty() => near,
        near => format!(", but there is {near}"),
    };
    let argument = said(ContextKind::InvalidArg);
    let possible = said(ContextKind::ValidValue);
    let value = said(ContextKind::InvalidValue);
    Some(match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return None;
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument} needs a value"),
        ErrorKind::InvalidValue if !possible.is_empty() => {
            format!("{argument} cannot be “{value}”, only one of: {possible}")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("{argument} cannot be “{value}”"),
        ErrorKind::UnknownArgument => format!("there is no “{argument}” here{}", but(ContextKind::SuggestedArg)),
        ErrorKind::InvalidSubcommand => {
            let name = said(ContextKind::InvalidSubcommand);
            format!("there is no command “{name}”{}", but(ContextKind::SuggestedSubcommand))
        }
        ErrorKind::MissingRequiredArgument => format!("{argument} is missing"),
        ErrorKind::ArgumentConflict => match said(ContextKind::PriorArg) {
            other if other.is_empty() || other == argument => format!("{argument} is given twice"),
            other => format!("{argument} and {other} do not go together"),
        },
        ErrorKind::InvalidUtf8 => "an argument is no text".to_owned(),
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
