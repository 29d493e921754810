//! Everything that is printed: answers and JSON on standard output, all else on standard error.

use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use protocol::{Code, FinishReason, Language, Problem, Receipt, StoodAside};
use serde_json::{Value, json};
use store::Rules;

use crate::setup::language;

/// Of two texts the one in `language`.
pub(crate) fn either<T>(language: Language, english: T, japanese: T) -> T {
    match language {
        Language::English => english,
        Language::Japanese => japanese,
    }
}

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

    /// Of two texts the one in the language of what is printed.
    pub(crate) fn either<T>(&self, english: T, japanese: T) -> T {
        either(self.language, english, japanese)
    }

    /// Names, or parts of a line, one after the other.
    pub(crate) fn joined<S: Borrow<str>>(&self, parts: &[S]) -> String {
        parts.join(self.either(", ", "、"))
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
        let Receipt { seconds, tokens, tokens_per_pass, .. } = receipt;
        let first = receipt.first_token_seconds * 1000.0;
        let mut parts = vec![self.either(
            format!("{seconds:.1} s, {tokens} tokens, first after {first:.0} ms, {tokens_per_pass:.2} tokens per pass of the target"),
            format!("{seconds:.1} 秒、{tokens} トークン、最初の文字まで {first:.0} ミリ秒、回答するモデルの計算 1 回あたり {tokens_per_pass:.2} トークン"),
        )];
        let finish = match receipt.finish {
            FinishReason::End => None,
            FinishReason::Stopped => Some(("stopped", "途中で停止")),
            FinishReason::Length => Some(("cut at --max-tokens", "--max-tokens の上限に到達")),
            FinishReason::Repeats => Some(("ended, for it only repeated itself", "同じ内容の繰り返しになったため終了")),
            FinishReason::ContextFull => Some(("the context is full", "会話の長さの上限に到達")),
            FinishReason::NothingAllowed => {
                Some(("nothing that fits the asked format can follow", "指定の形式ではこれ以上続けられません"))
            }
        };
        let aside = receipt.stood_aside.map(|why| match why {
            StoodAside::SwitchedOff => ("speed-up off", "高速化オフ"),
            StoodAside::NotWorthIt => {
                ("speed-up stood aside: it would not have paid", "高速化オフ（このパソコンでは速くならないため）")
            }
            StoodAside::NothingToCopy => {
                ("speed-up found nothing to copy", "高速化オフ（再利用できる文がなかったため）")
            }
            StoodAside::RungsFailed => {
                ("speed-up off: its models failed", "高速化オフ（下書きモデルを使えなかったため）")
            }
            StoodAside::CannotRollBack => (
                "speed-up off: this model cannot take words back",
                "高速化オフ（このモデルは高速化に対応していないため）",
            ),
        });
        parts.extend([finish, aside].into_iter().flatten().map(|(en, ja)| self.either(en, ja).to_owned()));
        let line = parts.join(self.either("; ", "、"));
        self.note(self.either(format_args!("[{line}]"), format_args!("［{line}］")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_texts_the_one_in_the_language_of_what_is_printed_is_taken() {
        let said = |language| {
            let output = Output {
                json: false,
                language,
                terminal: false,
                lost: RefCell::default(),
                reader_gone: Cell::default(),
            };
            let all = output.joined(&["a", "b"]);
            let text = output.either(format_args!("{all} are here"), format_args!("{all} があります")).to_string();
            (text, output.either("yes", "はい"))
        };
        assert_eq!(said(Language::English), ("a, b are here".into(), "yes"));
        assert_eq!(said(Language::Japanese), ("a、b があります".into(), "はい"));
    }
}
