//! The n-gram table of a ladder.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use cascade::{Cascade, LanguageModel, NgramTable, TableError};
use protocol::worker::Event;
use protocol::{Code, Problem};

use super::answer::Answerer;
use super::outbox::Outbox;

/// How it is called on screen.
pub(super) const TABLE: &str = "n-gram table";

/// No table is larger.
const LARGEST: u64 = 8 << 20;

/// Gives Max-Gram the table of this file, if it was counted with the target's tokenizer.
pub(super) fn load<M: LanguageModel>(path: &Path, cascade: &mut Cascade<M>) -> Result<(), Problem> {
    let about = |code| Problem::new(code).with("path", path.display());
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| about(Code::FileUnusable).with("reason", error))?;
    let vocab = cascade.target().vocab().clone();
    let loaded = NgramTable::from_bytes(&bytes).and_then(|table| match cascade.max_gram_mut() {
        Some(max_gram) => max_gram.set_table(Some(table), &vocab),
        None => Ok(()),
    });
    loaded.map_err(|error| match error {
        TableError::Damaged => about(Code::TableDamaged),
        TableError::OtherVocabulary => about(Code::TableOfOtherTokenizer),
    })
}

impl Answerer<'_> {
    /// Tells the target's tokens of a text.
    pub(super) fn tokenize(&self, id: u32, text: &str, outbox: &Outbox) {
        let tokens = self.weights.tokens_of(text.as_bytes());
        outbox.send(&Event::Tokens { id, tokens, vocabulary: self.weights.vocab().hash });
    }
}
