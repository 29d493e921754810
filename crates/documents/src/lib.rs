//! The text of what people attach: plain text, Markdown, CSV, PDF, DOCX and XLSX, for a language model to read.
//!
//! Files come from strangers and their parsers break. So the parsers run in a child process that has little memory, little
//! time and no way to write a file:
//!
//! ```no_run
//! # fn main() -> Result<(), protocol::Problem> {
//! // First thing in `main`: the child is this same program with the argument `extract`.
//! if std::env::args_os().nth(1).is_some_and(|first| first == documents::ARGUMENT) {
//!     std::process::exit(documents::child_main());
//! }
//! let reader = documents::Reader::this_program()?;
//! let limits = documents::Limits::default();
//! let bytes = b"%PDF";
//! let extract = reader.extract("report.pdf", bytes, &limits)?;
//! println!("{} characters, the whole of it: {}", extract.text.chars().count(), !extract.cut);
//! # Ok(())
//! # }
//! ```
//!
//! [`Reader::extract`] blocks for up to [`Limits::seconds`]; call it from a thread that may wait. A pasted table is a document
//! too: give it a name that ends in `.tsv`. [`extract`] is what the child does; a program calls it directly only for bytes
//! that it wrote itself.

mod child;
mod docx;
mod limits;
mod output;
mod package;
mod pdf;
mod reader;
mod recognise;
mod text;
mod xlsx;
mod xml;

use protocol::{Code, Problem};
use serde::{Deserialize, Serialize};
use specta::Type;

pub use child::{ARGUMENT, child_main};
pub use limits::Limits;
pub use reader::Reader;

/// What was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text in any of the encodings that are told apart.
    Text,
    /// Text whose name says that it is Markdown.
    Markdown,
    /// A table as text, with commas or tabs.
    Csv,
    /// PDF; only the text is read, in the order in which the file shows it.
    Pdf,
    /// Word; headings, lists and tables become Markdown.
    Docx,
    /// Excel; every sheet becomes CSV under its name.
    Xlsx,
}

/// The text of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Extract {
    /// The text: never empty, lines end in `\n`, no control characters but `\n` and `\t`.
    pub text: String,
    /// What the document was taken for.
    pub kind: Kind,
    /// Something is missing at the end: the text or the pages were more than the limits allow.
    pub cut: bool,
    /// How many pages the document has, where it says so (PDF).
    pub pages: Option<u32>,
}

/// Takes the text out of a document. `name` is its file name; what it is follows from its contents first.
///
/// # Errors
/// A [`Code`] that begins with `Document`, never `DocumentSlow` or `DocumentReaderEnded`: those are [`Reader::extract`]'s.
///
/// # Panics
/// The libraries beneath are given hostile bytes: expect them to panic, to hang and to eat memory. [`Reader`] survives that.
pub fn extract(name: &str, bytes: &[u8], limits: &Limits) -> Result<Extract, Problem> {
    let name = limits::short(name);
    let told = |trouble: Trouble| trouble.problem(name);
    if bytes.len() as u64 > limits.file_bytes {
        return Err(told(Trouble::TooLarge(limits.file_bytes)));
    }
    let kind = recognise::recognise(name, bytes).map_err(told)?;
    let mut out = output::Output::new(limits.characters);
    let mut pages = None;
    match kind {
        Kind::Text | Kind::Markdown | Kind::Csv => text::read(bytes, &mut out),
        Kind::Pdf => pdf::read(bytes, limits, &mut out).map(|count| pages = Some(count)),
        Kind::Docx => docx::read(bytes, limits, &mut out),
        Kind::Xlsx => xlsx::read(bytes, limits, &mut out),
    }
    .map_err(told)?;
    let (text, cut) = out.finish();
    if text.is_empty() {
        return Err(told(Trouble::Is(Code::DocumentEmpty)));
    }
    Ok(Extract { text, kind, cut, pages })
}

/// What can be wrong with a document, before its name is known.
#[derive(Debug)]
enum Trouble {
    /// A code that needs no more words.
    Is(Code),
    Damaged(String),
    Unsafe(String),
    /// More bytes than this.
    TooLarge(u64),
}

impl Trouble {
    fn damaged(reason: impl std::fmt::Display) -> Self {
        Self::Damaged(limits::short(&reason.to_string()).to_owned())
    }

    fn problem(self, name: &str) -> Problem {
        let (code, detail) = match self {
            Self::Is(code) => (code, None),
            Self::Damaged(reason) => (Code::DocumentDamaged, Some(("reason", reason))),
            Self::Unsafe(reason) => (Code::DocumentUnsafe, Some(("reason", reason))),
            Self::TooLarge(bytes) => (Code::DocumentTooLarge, Some(("limit", limits::megabytes(bytes)))),
        };
        let problem = Problem::new(code).with("name", name);
        match detail {
            Some((placeholder, value)) => problem.with(placeholder, value),
            None => problem,
        }
    }
}
