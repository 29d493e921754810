use serde::{Deserialize, Serialize};

/// How much a document may take. Beyond `characters` and `pages` the text is cut, beyond the others the document is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Characters (Unicode scalar values) of text.
    pub characters: usize,
    /// Pages that are read.
    pub pages: u32,
    /// Bytes that the parts of an office document may unpack to, all together.
    pub unpacked_bytes: u64,
    /// How many times its packed size a part may unpack to, once it is larger than a megabyte.
    pub ratio: u64,
    /// Parts of an office document.
    pub parts: usize,
    /// How deep XML elements may lie in each other.
    pub depth: usize,
    /// Seconds until the child is ended.
    pub seconds: u32,
    /// Memory that the child may take for its work, in bytes. Only Linux holds it to that.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 32 << 20,
            characters: 2_000_000,
            pages: 2_000,
            unpacked_bytes: 256 << 20,
            ratio: 200,
            parts: 4_096,
            depth: 256,
            seconds: 30,
            memory_bytes: 768 << 20,
        }
    }
}

/// Longest name or reason that is repeated in a sentence, in bytes.
const WORDS: usize = 300;

/// The beginning of what a file says about itself, so that it cannot fill the window.
pub(crate) fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(WORDS)]
}

/// A size in words, as the other limits of the program are told.
pub(crate) fn megabytes(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{} kB", bytes >> 10) } else { format!("{} MB", bytes >> 20) }
}
