//! Questions from a file, and their answers.

use std::fs;
use std::path::Path;

use engine::{Answering, Ask, Engine};
use protocol::{Code, Problem, Receipt};
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    turns: Vec<String>,
}

/// First turns of the first `limit` questions.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<String>, Problem> {
    let unreadable =
        |reason: String| Problem::new(Code::SuiteUnreadable).with("path", path.display()).with("reason", reason);
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).take(limit);
    let questions: Vec<String> = lines
        .map(|(number, line)| {
            let line: Line = serde_json::from_str(line).map_err(|error| unreadable(in_line(number + 1, &error)))?;
            line.turns.into_iter().next().ok_or_else(|| unreadable(format!("line {} has no turns", number + 1)))
        })
        .collect::<Result<_, _>>()?;
    if questions.is_empty() { Err(unreadable("it has no questions".to_owned())) } else { Ok(questions) }
}

/// The error of one line without the parser's own line number, which is always 1.
fn in_line(number: usize, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    format!("line {number}, column {}: {what}", error.column())
}

/// The tokens of one answer and its receipt.
pub(crate) fn answer(engine: &Engine, ask: &Ask) -> Result<(Vec<u32>, Receipt), Problem> {
    let mut tokens = Vec::new();
    let receipt = engine.answer(ask, &mut |event| {
        if let Answering::Text { tokens: new, .. } = event {
            tokens.extend(new);
        }
    })?;
    Ok((tokens, receipt))
}
