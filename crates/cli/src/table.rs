//! `taki table`: n-gram tables counted from text, for drafts.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use cascade::NgramTable;
use engine::Call;
use protocol::ladder::{EngineSettings, Ladder};
use protocol::{Code, Problem, bytes_in_words};
use serde_json::{Value, json};

use crate::args::Table;
use crate::interrupt::stoppable;
use crate::output::Output;
use crate::setup::{self, Setup};

/// Most text that is counted: counting takes about 300 MB of memory then.
const MOST: usize = 32 << 20;

/// Text that becomes tokens at a time.
const PIECE: usize = 64 << 10;

pub(crate) fn run(command: &Table, output: &Output) -> Result<(), Problem> {
    let setup = Setup::new()?;
    match command {
        Table::Build { ladder, files, .. } => build(&setup, ladder.as_deref(), files, output),
        Table::Show { .. } => {
            show(&setup, output);
            Ok(())
        }
        Table::Erase { ladder, .. } => erase(&setup, ladder.as_deref(), output),
    }
}

fn build(setup: &Setup, ladder: Option<&str>, files: &[PathBuf], output: &Output) -> Result<(), Problem> {
    let ladder = setup.ladder(&setup.chosen(ladder, output))?;
    let texts = files.iter().map(|path| text_of(path)).collect::<Result<Vec<_>, _>>()?;
    let settings = setup.places.rules.limit(EngineSettings::default());
    let (engine, _) = setup::engine(&alone(&ladder), settings, output)?;
    let (stop, mut call) = (engine.clone(), engine.begin()?);
    let (tokens, vocabulary) = stoppable(move || stop.cancel(), || tokens_of(&mut call, &texts, output))?;
    output.progress(format_args!("Counting {} tokens …", tokens.len()));
    let table = NgramTable::count(vocabulary, &tokens);
    output.progress_done();
    if table.is_empty() {
        let reason = "nothing in it comes again often enough to be expected";
        let path = files.first().map(|path| path.display().to_string()).unwrap_or_default();
        return Err(Problem::new(Code::FileUnusable).with("path", path).with("reason", reason));
    }
    let bytes = table.to_bytes();
    setup.models.keep_table(&ladder.rungs[0].path, &bytes)?;
    let size = bytes_in_words(bytes.len() as u64);
    output.line(format_args!(
        "{} contexts from {} tokens, {size}. {} uses it from now on.",
        table.len(),
        tokens.len(),
        ladder.id
    ));
    output.json(&json!({ "table": { "ladder": ladder.id, "contexts": table.len(), "tokens": tokens.len(), "bytes": bytes.len() } }));
    Ok(())
}

/// The target without what helps it: its tokenizer is all that is needed.
fn alone(ladder: &Ladder) -> Ladder {
    let rungs = ladder.rungs.iter().take(1).cloned().collect();
    Ladder {
        id: ladder.id.clone(),
        rungs,
        max_gram: true,
        k: vec![vec![1]],
        lenience: 1.0,
        table: None,
        by_text: false,
    }
}

fn text_of(path: &Path) -> Result<String, Problem> {
    let unusable =
        |reason: String| Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason);
    let mut bytes = Vec::new();
    // One character more than is counted, so that it is noticed.
    if path.is_dir() {
        return Err(unusable("it is no file".to_owned()));
    }
    let read = fs::File::open(path).and_then(|file| file.take(MOST as u64 + 4).read_to_end(&mut bytes));
    read.map_err(|error| unusable(error.to_string()))?;
    if bytes.contains(&0) {
        return Err(unusable("it is no text".to_owned()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        // Cut in the middle of a character.
        Err(error) if error.utf8_error().error_len().is_none() && error.as_bytes().len() > MOST => {
            Ok(String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned())
        }
        Err(_) => Err(unusable("it is no UTF-8 text".to_owned())),
    }
}

/// The tokens of the first [`MOST`] bytes, and the hash of the vocabulary.
fn tokens_of(call: &mut Call<'_>, texts: &[String], output: &Output) -> Result<(Vec<u32>, u64), Problem> {
    let all: usize = texts.iter().map(String::len).sum();
    let counted = all.min(MOST);
    if all > MOST {
        output.note(format_args!("Only the first {} are counted.", bytes_in_words(MOST as u64)));
    }
    let (mut tokens, mut vocabulary, mut done) = (Vec::new(), 0, 0);
    for piece in texts.iter().flat_map(|text| pieces(text)) {
        if done >= MOST {
            break;
        }
        let (more, of) = call.tokenize(piece)?;
        tokens.extend(more);
        (vocabulary, done) = (of, done + piece.len());
        output.progress(format_args!("Reading … {:.0}%", 100.0 * done as f64 / counted as f64));
    }
    output.progress_done();
    Ok((tokens, vocabulary))
}

/// `text` in pieces that end with a line where there is one.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let end = text.floor_char_boundary(PIECE);
        let end = if end == text.len() { end } else { text[..end].rfind('\n').map_or(end, |line| line + 1) };
        let (piece, rest) = text.split_at(end);
        text = rest;
        Some(piece)
    })
}

fn show(setup: &Setup, output: &Output) {
    let tables = setup.models.tables();
    let shown: Vec<Value> = tables.iter().map(|path| about(setup, path, output)).collect();
    if tables.is_empty() {
        output.note("There is no table. `taki table build FILE…` counts one.");
    }
    output.json(&json!({ "tables": shown }));
}

/// Prints a table's line and gives its JSON.
fn about(setup: &Setup, path: &Path, output: &Output) -> Value {
    let ladder = setup
        .catalog
        .ladders()
        .iter()
        .find(|ladder| setup.table(&ladder.id).is_ok_and(|of| of.as_deref() == Some(path)));
    let bytes = fs::read(path).unwrap_or_default();
    let contexts = NgramTable::from_bytes(&bytes).map(|table| table.len()).ok();
    let name = ladder.map_or_else(|| path.display().to_string(), |ladder| ladder.id.clone());
    let what = contexts.map_or_else(|| "damaged".to_owned(), |contexts| format!("{contexts} contexts"));
    output.line(format_args!("{name}: {what}, {}", bytes_in_words(bytes.len() as u64)));
    json!({ "ladder": ladder.map(|ladder| &ladder.id), "path": path, "contexts": contexts, "bytes": bytes.len() })
}

fn erase(setup: &Setup, ladder: Option<&str>, output: &Output) -> Result<(), Problem> {
    let tables = match ladder {
        Some(id) => setup.table(id)?.into_iter().collect(),
        None => setup.models.tables(),
    };
    for table in &tables {
        setup.models.erase_table(table)?;
    }
    let plural = if tables.len() == 1 { "" } else { "s" };
    output.line(format_args!("Erased {} table{plural}.", tables.len()));
    output.json(&json!({ "erased": tables.len() }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_text_and_end_with_lines() {
        let text = format!("{}\n{}", "行 of a text\n".repeat(20_000), "滝".repeat(50_000));
        let all: Vec<&str> = pieces(&text).collect();
        assert_eq!(all.concat(), text);
        assert!(all.iter().all(|piece| piece.len() <= PIECE) && all[0].ends_with('\n'));
        assert_eq!(pieces("").count(), 0);
    }
}
