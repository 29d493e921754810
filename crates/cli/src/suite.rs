//! Questions from a file, and their answers.

use std::collections::HashMap;
use std::path::Path;

use engine::{Answering, Ask, Engine};
use protocol::{Code, Problem, Receipt};
use serde::Deserialize;
use store::text_of_file;

/// Larger files are no questions.
const LARGEST: u64 = 64 << 20;

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    category: Option<String>,
    turns: Vec<String>,
}

/// A question of a suite.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    /// What kind of task it is; `all` if the file does not say.
    pub(crate) category: String,
    /// Its first turn.
    pub(crate) text: String,
}

/// How many questions are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// The first so many of the file.
    InAll(usize),
    /// The first so many of each category.
    OfEach(usize),
}

/// The questions of a file, as many as `limit` wants.
pub(crate) fn read(path: &Path, limit: Limit) -> Result<Vec<Question>, Problem> {
    let unreadable =
        |reason: String| Problem::new(Code::SuiteUnreadable).with("path", path.display()).with("reason", reason);
    let text = text_of_file(path, LARGEST).map_err(|error| unreadable(error.to_string()))?;
    let most = match limit {
        Limit::InAll(most) => most,
        Limit::OfEach(_) => usize::MAX,
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).take(most);
    let mut questions: Vec<Question> = lines
        .map(|(number, line)| {
            let line: Line = serde_json::from_str(line).map_err(|error| unreadable(in_line(number + 1, &error)))?;
            let category = line.category.unwrap_or_else(|| "all".to_owned());
            let text = line.turns.into_iter().next();
            let text = text.ok_or_else(|| unreadable(format!("line {} has no turns", number + 1)))?;
            Ok(Question { category, text })
        })
        .collect::<Result<_, _>>()?;
    if let Limit::OfEach(most) = limit {
        let mut seen = HashMap::<String, usize>::new();
        questions.retain(|question| {
            let count = seen.entry(question.category.clone()).or_default();
            *count += 1;
            *count <= most
        });
    }
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
