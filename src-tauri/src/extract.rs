//! The text of an attached file.

use protocol::{Code, Problem, bytes_in_words};
use store::Attachment;

/// Most bytes of a file.
const LARGEST: usize = 4 << 20;

/// Takes the text out of a file: UTF-8 (Markdown and CSV are that too), as it is but for line ends and what cannot be seen.
///
/// # Errors
/// [`Code::AttachmentTooLarge`], [`Code::AttachmentUnreadable`].
pub(crate) fn attachment(name: &str, bytes: &[u8]) -> Result<Attachment, Problem> {
    // A path would tell the model more than the file.
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    if bytes.len() > LARGEST {
        let limit = bytes_in_words(LARGEST as u64);
        return Err(Problem::new(Code::AttachmentTooLarge).with("name", name).with("limit", limit));
    }
    let unreadable = || Problem::new(Code::AttachmentUnreadable).with("name", name);
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable())?;
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let seen = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.trim().is_empty() || text.contains('\0') {
        return Err(unreadable());
    }
    let text = text.chars().filter(|c| seen(*c)).collect();
    Ok(Attachment { name: name.to_owned(), bytes: bytes.len() as u64, text, cut: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_taken_and_the_rest_refused() {
        let taken = attachment("C:\\docs\\表.csv", "\u{feff}品名,数\r\n滝,1\r\n\u{7}".as_bytes()).unwrap();
        assert_eq!((taken.name.as_str(), taken.text.as_str(), taken.bytes), ("表.csv", "品名,数\n滝,1\n", 23));
        for bytes in [&b""[..], b" \n", b"%PDF-1.7\n\xff\xfe", b"a\0b"] {
            assert_eq!(attachment("x", bytes).unwrap_err().code, Code::AttachmentUnreadable);
        }
        assert_eq!(attachment("x", &vec![b'a'; LARGEST + 1]).unwrap_err().code, Code::AttachmentTooLarge);
    }
}
