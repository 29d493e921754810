//! The text of an attached file.

use std::sync::LazyLock;

use documents::{Extract, Reader};
use protocol::Problem;
use protocol::chat::Limits;
use store::Attachment;

/// Most files that go with one message.
pub(crate) const MOST: u32 = 10;

/// This program, as it was found at the start: an update may take the place of its file.
static READER: LazyLock<Result<Reader, Problem>> = LazyLock::new(Reader::this_program);

/// Finds this program, while it is where it was started from.
pub(crate) fn prepare() {
    LazyLock::force(&READER);
}

/// What a message may have with it.
pub(crate) fn limits() -> Limits {
    Limits { attachment_bytes: documents::Limits::default().file_bytes as f64, attachments: MOST }
}

/// Takes the text out of a file, in a process of its own.
///
/// # Errors
/// As [`Reader::extract`].
pub(crate) fn attachment(name: &str, bytes: &[u8]) -> Result<Attachment, Problem> {
    let name = without_folders(name);
    let Extract { text, cut, .. } =
        READER.as_ref().map_err(Clone::clone)?.extract(name, bytes, &documents::Limits::default())?;
    Ok(Attachment { name: name.to_owned(), bytes: bytes.len() as u64, text, cut, ..Attachment::default() })
}

/// A path would tell the model more than the file.
fn without_folders(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_a_file_is_kept() {
        for (path, name) in [("C:\\docs\\表.csv", "表.csv"), ("/home/me/a.txt", "a.txt"), ("a b.pdf", "a b.pdf")] {
            assert_eq!(without_folders(path), name);
        }
    }
}
