//! Everything that is printed: answers and JSON on standard output, all else on standard error.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use protocol::{Code, FinishReason, Language, Problem, Receipt, StoodAside};
use serde_json::{Value, json};
use store::Rules;

use crate::setup::language;

/// Where and how to print.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    pub(crate) language: Language,
    /// Whether standard error is a person's terminal.
    pub(crate) terminal: bool,
    /// Why the first of the results that were lost could not be written.
    lost: RefCell<Option<io::Error>>,
    reader_gone: Cell<bool>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            // Rules that cannot be read are told of by what is asked for.
            language: language(&Rules::find().unwrap_or_default()),
            terminal: io::stderr().is_terminal(),
            lost: RefCell::default(),
            reader_gone: Cell::default(),
        }
    }

    pub(crate) fn wants_json(&self) -> bool {
        self.json
    }

    /// Part of an answer.
    pub(crate) fn text(&self, text: &str) {
        if !self.json {
            self.write(text.as_bytes());
        }
    }

    fn write(&self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
            // A reader that went away has seen enough; anything else loses what was asked for.
            if error.kind() == ErrorKind::BrokenPipe {
                self.reader_gone.set(true);
            } else {
                self.lost.borrow_mut().get_or_insert(error);
            }
        }
    }

    /// Whether nobody reads the results any more.
    pub(crate) fn reader_gone(&self) -> bool {
        self.reader_gone.get()
    }

    /// What became of everything that was printed as a result.
    ///
    /// # Errors
    /// [`Code::OutputFailed`]: part of it could not be written.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        match self.lost.take() {
            Some(error) => Err(Problem::new(Code::OutputFailed).with("reason", error)),
            None => Ok(()),
        }
    }

    /// A line of a list.
    pub(crate) fn line(&self, line: impl Display) {
        self.text(&format!("{line}\n"));
    }

    /// A line of a table that the JSON object has too: beside it, if that was asked for.
    pub(crate) fn beside(&self, line: impl Display) {
        if self.json { self.note(line) } else { self.line(line) }
    }

    /// The JSON object, if it was asked for.
    pub(crate) fn json(&self, value: &Value) {
        if self.json {
            self.write(format!("{value}\n").as_bytes());
        }
    }

    /// Asks a person for a line, without an end of its own.
    #[allow(clippy::unused_self, reason = "all printing goes through here")]
    pub(crate) fn prompt(&self, prompt: &str) {
        let mut out = io::stderr().lock();
        let _ = out.write_all(prompt.as_bytes()).and_then(|()| out.flush());
    }

    /// Something to know that is no result.
    #[allow(clippy::unused_self, reason = "all printing goes through here")]
    pub(crate) fn note(&self, note: impl Display) {
        let _ = writeln!(io::stderr().lock(), "{note}");
    }

    /// Progress: rewrites its line on a terminal, otherwise nothing (callers print what a log should have).
    pub(crate) fn progress(&self, state: impl Display) {
        if self.terminal {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K{state}").and_then(|()| io::stderr().flush());
        }
    }

    /// Ends a line of progress.
    pub(crate) fn progress_done(&self) {
        self.progress("");
    }

    /// What is wrong and what to do next.
    pub(crate) fn problem(&self, problem: &Problem) {
        let (sentence, next) = (problem.sentence(self.language), problem.next_step(self.language));
        self.json(&json!({ "error": { "code": problem.code.as_str(), "sentence": sentence, "next_step": next } }));
        // Whoever cannot read the object should read this.
        if !self.json || problem.code == Code::OutputFailed {
            self.note(format!("{sentence}\n{next}"));
        }
    }

    /// Something that did not stop the command, and what to do about it.
    pub(crate) fn warning(&self, problem: &Problem) {
        self.note(format_args!("{} {}", problem.sentence(self.language), problem.next_step(self.language)));
    }

    /// Of several things that did not stop the command, the last is what it ends with, and the others are told before.
    ///
    /// # Errors
    /// That one.
    pub(crate) fn last_of(&self, mut problems: Vec<Problem>) -> Result<(), Problem> {
        let last = problems.pop();
        for problem in &problems {
            self.warning(problem);
        }
        last.map_or(Ok(()), Err)
    }

    /// The receipt in one quiet line.
    pub(crate) fn receipt(&self, receipt: &Receipt) {
        let mut line = format!(
            "{:.1} s, {} tokens, first after {:.0} ms, {:.2} tokens per pass of the target",
            receipt.seconds,
            receipt.tokens,
            receipt.first_token_seconds * 1000.0,
            receipt.tokens_per_pass
        );
        match receipt.finish {
            FinishReason::End => {}
            FinishReason::Stopped => line.push_str("; stopped"),
            FinishReason::Length => line.push_str("; cut at --max-tokens"),
            FinishReason::Repeats => line.push_str("; ended, for it only repeated itself"),
            FinishReason::ContextFull => line.push_str("; the context is full"),
            FinishReason::NothingAllowed => line.push_str("; nothing that fits the asked format can follow"),
        }
        if let Some(why) = receipt.stood_aside {
            line.push_str(match why {
                StoodAside::SwitchedOff => "; speed-up off",
                StoodAside::NotWorthIt => "; speed-up stood aside: it would not have paid",
                StoodAside::NothingToCopy => "; speed-up found nothing to copy",
                StoodAside::RungsFailed => "; speed-up off: its models failed",
                StoodAside::CannotRollBack => "; speed-up off: this model cannot take words back",
            });
        }
        self.note(format!("[{line}]"));
    }
}
