//! What real models said, position by position.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;

use cascade::Token;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

/// Version of the file's shape.
const VERSION: u32 = 1;

/// Longest line that is read: a prompt of 100,000 tokens fits.
const LONGEST_LINE: u64 = 64 << 20;

/// Why a trace cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read or written.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// A line makes no sense.
    #[error("line {line}: {reason}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A line is no JSON of the right shape, or not all of it.
    #[error("line {line}, column {column}: {reason}")]
    Shape {
        /// The line, from 1.
        line: usize,
        /// Where in it, from 1; 0 is before its first character.
        column: usize,
        /// What the parser says, without the line that it takes for the first one.
        reason: String,
    },
    /// It was packed by nobody, or is cut off.
    #[error("it is no trace of `taki lab record`, or only part of one")]
    NoTrace,
    /// A newer program wrote it.
    #[error("it has version {0}, this program reads {VERSION}")]
    Version(u32),
}

impl TraceError {
    fn of_reading(error: std::io::Error) -> Self {
        match error.kind() {
            // What the packer says of it is no help to anybody.
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Self::NoTrace,
            _ => Self::File(error),
        }
    }
}

/// What stands in a line.
fn of_line<'t, T: Deserialize<'t>>(line: usize, text: &'t str) -> Result<T, TraceError> {
    // With its end the place of what is missing would be the start of the next one.
    serde_json::from_str(text.trim_end()).map_err(|error| {
        let text = error.to_string();
        let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned();
        TraceError::Shape { line, column: error.column(), reason }
    })
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    rungs: Vec<String>,
}

/// One question: the target's greedy answer, and what each draft would have said at every position of it.
///
/// Token ids are the question's own, counted from 0 in the order of their first appearance: what is replayed needs to know
/// which tokens are equal, not what they mean, and the text cannot be read back from the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Category of the question.
    pub category: String,
    /// Tokens of the prompt.
    pub prompt: Vec<Token>,
    /// The target's answer.
    pub answer: Vec<Token>,
    /// Whether the target ended it (rather than the limit).
    pub ended: bool,
    /// Number of different tokens; the token behind them stands for the end.
    pub size: u32,
    /// For each draft and each position of the answer (and the one behind it): its best tokens with how far below the best
    /// they score, in thousandths of a nat, best first.
    pub drafts: Vec<Vec<Vec<(Token, u32)>>>,
}

impl Recorded {
    /// Renames real tokens. `drafts[rung][position]` are (token, log-probability or score), best first; `ends` tells end tokens.
    pub fn new(
        category: String,
        prompt: &[Token],
        answer: &[Token],
        ended: bool,
        drafts: &[Vec<Vec<(Token, f32)>>],
        ends: &dyn Fn(Token) -> bool,
    ) -> Self {
        let mut names = HashMap::new();
        let mut rename = |token: Token| {
            let next = names.len() as Token;
            *names.entry(token).or_insert(next)
        };
        let prompt: Vec<_> = prompt.iter().map(|token| rename(*token)).collect();
        let answer: Vec<_> = answer.iter().map(|token| rename(*token)).collect();
        for (token, _) in drafts.iter().flatten().flatten().filter(|(token, _)| !ends(*token)) {
            rename(*token);
        }
        let size = names.len() as u32;
        let row = |row: &Vec<(Token, f32)>| {
            let best = row.first().map_or(0.0, |first| first.1);
            let below = |score: f32| ((best - score).max(0.0) * 1000.0).round() as u32;
            // The end was given no name of its own, unless the prompt holds it: as an answer it is the end all the same.
            let short = |token: Token| if ends(token) { size } else { names[&token] };
            row.iter().map(|&(token, score)| (short(token), below(score))).collect()
        };
        let drafts = drafts.iter().map(|positions| positions.iter().map(row).collect()).collect();
        Self { category, prompt, answer, ended, size, drafts }
    }

    /// Leaves the drafts behind the first `drafts` out.
    fn keep_drafts(&mut self, drafts: usize) {
        self.drafts.truncate(drafts);
    }

    /// What is wrong with it, if it was not written by this program.
    fn fault(&self, drafts: usize) -> Option<&'static str> {
        let known = |token: &Token| *token <= self.size;
        if self.prompt.is_empty() || self.answer.is_empty() {
            return Some("it has no tokens");
        }
        if self.drafts.len() != drafts || self.drafts.iter().any(|rows| rows.len() != self.answer.len() + 1) {
            return Some("it does not have one row for every draft and position");
        }
        // Every distinct token stands somewhere in the line: a size beyond that would only ask for memory.
        let most = self.prompt.len() + self.answer.len() + self.drafts.iter().flatten().map(Vec::len).sum::<usize>();
        let rows = || self.drafts.iter().flatten();
        let all = self.prompt.iter().chain(&self.answer).all(|token| *token < self.size);
        if self.size as usize > most || !all || rows().flatten().any(|(token, _)| !known(token)) {
            return Some("a token is out of range");
        }
        rows().any(Vec::is_empty).then_some("a row is empty")
    }
}

/// What the models of one ladder said to a suite of questions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// Names of the models, the target first.
    pub rungs: Vec<String>,
    /// The questions.
    pub questions: Vec<Recorded>,
}

impl Trace {
    /// Leaves all models but the first `models` out, the target being one of them: what it says of a shorter ladder.
    pub fn keep_models(&mut self, models: usize) {
        let models = models.max(1);
        self.rungs.truncate(models);
        self.questions.iter_mut().for_each(|question| question.keep_drafts(models - 1));
    }

    /// Reads a file that [`Self::save`] wrote.
    ///
    /// # Errors
    /// It cannot be read, is damaged or newer.
    pub fn load(path: &Path) -> Result<Self, TraceError> {
        let mut lines = BufReader::new(GzDecoder::new(File::open(path)?));
        let mut text = String::new();
        let mut next = |text: &mut String| {
            text.clear();
            std::io::Read::take(&mut lines, LONGEST_LINE).read_line(text).map_err(TraceError::of_reading)
        };
        if next(&mut text)? == 0 {
            return Err(TraceError::NoTrace);
        }
        let bad = |line: usize, reason: &str| TraceError::Line { line, reason: reason.to_owned() };
        let header: Header = of_line(1, &text)?;
        if header.version != VERSION {
            return Err(TraceError::Version(header.version));
        }
        if header.rungs.is_empty() {
            return Err(bad(1, "it names no target"));
        }
        let mut questions = Vec::new();
        while next(&mut text)? > 0 {
            let line = questions.len() + 2;
            let question: Recorded = of_line(line, &text)?;
            if let Some(fault) = question.fault(header.rungs.len() - 1) {
                return Err(bad(line, fault));
            }
            questions.push(question);
        }
        if questions.is_empty() {
            return Err(bad(2, "it has no questions"));
        }
        Ok(Self { rungs: header.rungs, questions })
    }

    /// Writes it, compressed, one question a line.
    ///
    /// # Errors
    /// The file system's.
    pub fn save(&self, path: &Path) -> Result<(), TraceError> {
        let mut out = GzEncoder::new(File::create(path)?, Compression::best());
        let header = Header { version: VERSION, rungs: self.rungs.clone() };
        write_line(&mut out, &header)?;
        for question in &self.questions {
            write_line(&mut out, question)?;
        }
        out.finish()?.sync_all()?;
        Ok(())
    }
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> Result<(), std::io::Error> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Recorded {
        let drafts = vec![vec![vec![(70, -0.5), (2, -1.5)], vec![(9, 3.0)], vec![(2, 0.0)]]];
        Recorded::new("qa".to_owned(), &[50, 60, 50], &[70, 60], true, &drafts, &|token| token == 2)
    }

    #[test]
    fn tokens_are_renamed_and_the_end_comes_last() {
        let question = question();
        assert_eq!((question.prompt.as_slice(), question.answer.as_slice()), (&[0, 1, 0][..], &[2, 1][..]));
        assert_eq!(question.size, 4);
        assert_eq!(question.drafts[0], [vec![(2, 0), (4, 1000)], vec![(3, 0)], vec![(4, 0)]]);
    }

    #[test]
    fn a_file_comes_back_as_it_was_written() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let trace = Trace { rungs: vec!["big".to_owned(), "small".to_owned()], questions: vec![question(); 3] };
        trace.save(path.path()).unwrap();
        assert_eq!(Trace::load(path.path()).unwrap(), trace);
    }

    #[test]
    fn damaged_files_are_refused_with_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        let good = Trace { rungs: vec!["a".to_owned(), "b".to_owned()], questions: vec![question()] };
        let spoil: [fn(&mut Trace); 6] = [
            |t| t.questions[0].prompt[0] = 99,
            |t| t.questions[0].drafts[0][1].clear(),
            |t| t.questions[0].size = u32::MAX,
            |t| t.questions[0].drafts.clear(),
            |t| t.questions.clear(),
            |t| t.rungs.clear(),
        ];
        for spoil in spoil {
            let mut bad = good.clone();
            spoil(&mut bad);
            bad.save(&path).unwrap();
            assert!(matches!(Trace::load(&path), Err(TraceError::Line { .. })));
        }
        let refused = || Trace::load(&path).unwrap_err();
        let write = |lines: &str| {
            let mut out = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
            out.write_all(lines.as_bytes()).unwrap();
            out.finish().unwrap();
        };
        for (lines, said) in [
            ("{}", "line 1, column 2: missing field `version`"),
            ("{\"version\": 1, \"rungs\": [\"a\"]}\n{\"category\":\n", "line 2, column 12: EOF while parsing a value"),
        ] {
            write(lines);
            let told = refused().to_string();
            assert_eq!(told, said);
        }
        write("");
        assert!(matches!(refused(), TraceError::NoTrace));
        good.save(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for damaged in [b"not compressed".to_vec(), Vec::new(), whole[..whole.len() / 2].to_vec()] {
            std::fs::write(&path, damaged).unwrap();
            assert!(matches!(refused(), TraceError::NoTrace), "{:?}", refused());
        }
        assert!(matches!(Trace::load(&folder.path().join("none")), Err(TraceError::File(_))));
    }
}
