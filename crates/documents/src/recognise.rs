//! What a document is: its first bytes decide, its name only among texts.

use std::path::Path;

use protocol::Code;

use crate::{Kind, Trouble, package};

/// How far into the file a PDF may begin (as readers have always allowed).
const PDF_WITHIN: usize = 1024;

const PICTURES: &[&[u8]] =
    &[b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"\0\0\x01\0", b"8BPS"];

/// Compound files of Microsoft: the old Office formats, and new ones under a password.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

pub(crate) fn recognise(name: &str, bytes: &[u8]) -> Result<Kind, Trouble> {
    if bytes.is_empty() {
        return Err(Trouble::Is(Code::DocumentEmpty));
    }
    if contains(&bytes[..bytes.len().min(PDF_WITHIN)], b"%PDF-") {
        return Ok(Kind::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return package::kind(bytes);
    }
    if bytes.starts_with(COMPOUND) {
        let locked = contains(bytes, &utf16("EncryptedPackage"));
        return Err(Trouble::Is(if locked { Code::DocumentLocked } else { Code::DocumentOld }));
    }
    if bytes.starts_with(b"{\\rtf") {
        return Err(Trouble::Is(Code::DocumentOld));
    }
    if is_picture(bytes) {
        return Err(Trouble::Is(Code::DocumentPicture));
    }
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    Ok(match ending.to_ascii_lowercase().as_str() {
        "md" | "markdown" => Kind::Markdown,
        "csv" | "tsv" => Kind::Csv,
        // Their first bytes would have told.
        kind @ ("pdf" | "docx" | "xlsx") => {
            return Err(Trouble::damaged(format_args!("its contents are not those of a .{kind} file")));
        }
        _ => Kind::Text,
    })
}

fn is_picture(bytes: &[u8]) -> bool {
    let begins =
        |mark: &&[u8]| bytes.starts_with(mark) && (mark.len() > 2 || bytes.iter().take(64).any(|byte| *byte == 0));
    let boxed =
        bytes.get(4..12).is_some_and(|mark| [b"ftypheic", b"ftypavif", b"ftypmif1"].iter().any(|want| *want == mark));
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    PICTURES.iter().any(begins) || boxed || webp
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
