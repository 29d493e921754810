//! What is said to the program, line by line.

use std::io::{self, BufRead, IsTerminal, Read};

use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor};

use crate::interrupt::{self, Told};
use crate::output::Output;
use crate::terminal::Quiet;

/// No longer text is taken in: no model can hold it, and whatever writes without an end must not fill the memory.
pub(crate) const LONGEST: u64 = 64 << 20;

/// Terminals that the editor cannot work with.
const PLAIN: [&str; 3] = ["dumb", "cons25", "emacs"];

/// Where lines come from.
pub(crate) enum Lines {
    /// A person at a terminal. Lines typed ahead are kept, and shown when their turn comes.
    Edited {
        /// Boxed for its size.
        editor: Box<DefaultEditor>,
        /// Between two lines.
        _quiet: Quiet,
    },
    /// A pipe, a file, or a person whose terminal can do no more.
    Plain {
        /// Whether a person sits there.
        person: bool,
    },
}

impl Lines {
    pub(crate) fn open() -> Self {
        let person = io::stdin().is_terminal();
        let plain = std::env::var("TERM").is_ok_and(|terminal| PLAIN.contains(&terminal.as_str()));
        if person && !plain && io::stdout().is_terminal() {
            let config = Config::builder().auto_add_history(true).build();
            if let Ok(editor) = DefaultEditor::with_config(config) {
                return Self::Edited { editor: Box::new(editor), _quiet: Quiet::begin() };
            }
        }
        Self::Plain { person }
    }

    /// Whether a person types them.
    pub(crate) fn are_typed(&self) -> bool {
        !matches!(self, Self::Plain { person: false })
    }

    /// The next line; None when there will be no more.
    pub(crate) fn next(&mut self, output: &Output) -> Option<String> {
        match self {
            Self::Edited { editor, .. } => {
                output.text("\n");
                loop {
                    match editor.readline("> ") {
                        Ok(line) => return Some(line),
                        // The window changed its size.
                        Err(ReadlineError::Signal(_)) => {}
                        Err(ReadlineError::Interrupted) => {
                            interrupt::tell(Told::Stop);
                            return None;
                        }
                        Err(_) => return None,
                    }
                }
            }
            Self::Plain { person } => {
                if *person {
                    output.prompt("\n> ");
                }
                let mut line = Vec::new();
                let read = io::stdin().lock().take(LONGEST).read_until(b'\n', &mut line);
                matches!(read, Ok(1..)).then(|| text(line, output))
            }
        }
    }
}

/// `bytes` as text; what is none of it is replaced and told.
pub(crate) fn text(bytes: Vec<u8>, output: &Output) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        output.note(output.either(
            "Part of this is no UTF-8 text; “\u{fffd}” stands in its place.",
            "UTF-8 の文章ではない部分があり、「\u{fffd}」に置き換えました。",
        ));
        String::from_utf8_lossy(error.as_bytes()).into_owned()
    })
}
