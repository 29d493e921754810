//! Sample files and hand-made hostile ones.
#![allow(dead_code, reason = "every test takes what it needs")]

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use documents::Reader;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// Every sample file.
pub(crate) const SAMPLES: &[&str] = &[
    "chromium.pdf",
    "libreoffice.pdf",
    "typst.pdf",
    "cid.pdf",
    "vertical.pdf",
    "owner.pdf",
    "locked.pdf",
    "scan.pdf",
    "word.docx",
    "libreoffice.docx",
    "sheet.xlsx",
    "picture.png",
];

pub(crate) fn data(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

pub(crate) fn reader() -> Reader {
    Reader::program(env!("CARGO_BIN_EXE_documents-child"))
}

/// A package with these parts.
pub(crate) fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The same package with every part changed.
pub(crate) fn repacked(bytes: &[u8], mut change: impl FnMut(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut old = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..old.len() {
        let mut part = old.by_index(index).unwrap();
        let mut text = Vec::new();
        part.read_to_end(&mut text).unwrap();
        zip.start_file(part.name().unwrap().into_owned(), SimpleFileOptions::default()).unwrap();
        zip.write_all(&change(text)).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A Word document with this body.
pub(crate) fn docx(body: &str) -> Vec<u8> {
    package(&[("word/document.xml", &format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>"))])
}

pub(crate) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A PDF of one page with these objects from number 4 on; object 4 is what the page shows.
pub(crate) fn pdf(objects: &[(String, Vec<u8>)]) -> Vec<u8> {
    let forms: Vec<String> = (5..4 + objects.len()).map(|number| format!("/F{number} {number} 0 R")).collect();
    let resources = format!(
        "<< /XObject << {} >> /Font << /T << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>",
        forms.join(" ")
    );
    let mut bytes = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n".to_vec();
    bytes.extend(b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n");
    bytes.extend(format!("3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 600] /Contents 4 0 R /Resources {resources} >>\nendobj\n").bytes());
    for (index, (entries, stream)) in objects.iter().enumerate() {
        bytes.extend(
            format!("{} 0 obj\n<< {entries} /Resources {resources} /Length {} >>\nstream\n", index + 4, stream.len())
                .bytes(),
        );
        bytes.extend(stream);
        bytes.extend(b"\nendstream\nendobj\n");
    }
    bytes.extend(b"trailer\n<< /Root 1 0 R >>\n%%EOF\n");
    bytes
}

/// A PDF that draws the same words a million million times: forms in forms, ten of each.
pub(crate) fn endless_pdf() -> Vec<u8> {
    let form = "/Type /XObject /Subtype /Form /BBox [0 0 600 600]";
    let mut objects = vec![(String::new(), b"/F5 Do".to_vec())];
    objects.extend((5..17).map(|number| (form.to_owned(), format!("/F{} Do ", number + 1).repeat(10).into_bytes())));
    objects.push((form.to_owned(), b"0 0 m 9 9 l S".to_vec()));
    pdf(&objects)
}
