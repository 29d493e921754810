//! Files that want more than they may have.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::process::{Command, Stdio};

use documents::{Limits, Reader, extract};
use protocol::{Code, Language, Problem};
use support::{SAMPLES, data, deflated, docx, endless_pdf, package, pdf, reader, repacked};

/// What the library and the child both say about a file.
fn refused(name: &str, bytes: &[u8], limits: &Limits) -> Problem {
    let problem = reader().extract(name, bytes, limits).unwrap_err();
    assert_eq!(problem, extract(name, bytes, limits).unwrap_err(), "the child says what the library says");
    let sentence = problem.sentence(Language::Japanese);
    assert!(sentence.contains(name) && !sentence.contains('?'), "the sentence is whole: {sentence}");
    problem
}

#[test]
fn what_cannot_be_read_is_refused_with_its_own_code() {
    let compound = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    let locked: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    // Bit 0 of the flags says that a part is encrypted, in its own header and in the directory.
    let mut zip = docx("<w:p/>");
    for (mark, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = zip.windows(4).position(|window| window == mark).unwrap();
        zip[at + flags] |= 1;
    }
    let noise: Vec<u8> = (0..999_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (name, bytes, code) in [
        ("locked.pdf", data("locked.pdf"), Code::DocumentLocked),
        ("locked.docx", [compound.clone(), vec![0; 512], locked].concat(), Code::DocumentLocked),
        ("zipped.docx", zip, Code::DocumentLocked),
        ("scan.pdf", data("scan.pdf"), Code::DocumentScanned),
        ("picture.txt", data("picture.png"), Code::DocumentPicture),
        ("photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec(), Code::DocumentPicture),
        ("old.doc", [compound, vec![0; 512]].concat(), Code::DocumentOld),
        ("old.rtf", b"{\\rtf1 hello}".to_vec(), Code::DocumentOld),
        ("tool.txt", noise, Code::DocumentUnknown),
        ("other.zip", package(&[("readme.txt", "hello")]), Code::DocumentUnknown),
        ("nothing.txt", Vec::new(), Code::DocumentEmpty),
        ("blank.txt", b" \r\n\r\n".to_vec(), Code::DocumentEmpty),
        ("blank.docx", docx("<w:p/>"), Code::DocumentEmpty),
        ("blank.pdf", pdf(&[(String::new(), Vec::new())]), Code::DocumentEmpty),
        ("half.docx", data("word.docx")[..9000].to_vec(), Code::DocumentDamaged),
        ("cut.docx", docx("<w:p><w:r>"), Code::DocumentDamaged),
        ("words.xlsx", b"these are only words".to_vec(), Code::DocumentDamaged),
        ("words.docx", b"these are only words".to_vec(), Code::DocumentDamaged),
        ("words.pdf", b"these are only words".to_vec(), Code::DocumentDamaged),
        ("head.pdf", b"%PDF-1.7\n".to_vec(), Code::DocumentDamaged),
    ] {
        assert_eq!(refused(name, &bytes, &Limits::default()).code, code, "{name}");
    }
}

#[test]
fn a_file_beyond_the_limit_is_not_even_sent() {
    let limits = Limits { file_bytes: 10_240, ..Limits::default() };
    assert_eq!(refused("long.txt", &[b'a'; 10_241], &limits).details["limit"], "10 kB");
    assert!(reader().extract("long.txt", &[b'a'; 10_240], &limits).is_ok());
    let gone = Reader::program("/no/such/program").extract("long.txt", &[b'a'; 10_241], &limits);
    assert_eq!(gone.unwrap_err().code, Code::DocumentTooLarge);
}

#[test]
fn text_beyond_the_limit_is_cut() {
    let limits = Limits { characters: 12, ..Limits::default() };
    for name in ["chromium.pdf", "cid.pdf", "vertical.pdf", "word.docx", "libreoffice.docx", "sheet.xlsx"] {
        let (cut, whole) = (
            reader().extract(name, &data(name), &limits).unwrap(),
            extract(name, &data(name), &Limits::default()).unwrap(),
        );
        assert!(cut.cut && !whole.cut, "{name}");
        assert!(cut.text.chars().count() <= 12 && whole.text.starts_with(&cut.text), "{name}: {:?}", cut.text);
    }
    assert!(!reader().extract("a.txt", "滝".repeat(12).as_bytes(), &limits).unwrap().cut);
    let cut = reader().extract("a.txt", "滝".repeat(13).as_bytes(), &limits).unwrap();
    assert!(cut.cut && cut.text == "滝".repeat(12));
    // What comes behind the limit is not even read, in a table as little as elsewhere.
    let row = "<w:tr><w:tc><w:p><w:r><w:t>0123456789abc</w:t></w:r></w:p></w:tc></w:tr>";
    let cut = reader().extract("a.docx", &docx(&format!("<w:tbl>{row}</broken>")), &limits).unwrap();
    assert!(cut.cut && cut.text == "| 0123456789", "{:?}", cut.text);
}

#[test]
fn pages_beyond_the_limit_are_left_out() {
    let limits = Limits { pages: 1, ..Limits::default() };
    let cut = reader().extract("chromium.pdf", &data("chromium.pdf"), &limits).unwrap();
    assert!(cut.cut && cut.pages == Some(2) && cut.text.contains("350 m") && !cut.text.contains("二ページ目"));
}

#[test]
fn bombs_are_refused_however_they_are_packed() {
    let limits = Limits { unpacked_bytes: 8 << 20, parts: 100, ..Limits::default() };
    let blank = " ".repeat(4 << 20);
    let many: Vec<(String, String)> = (0..101).map(|n| (format!("{n}.xml"), "<a/>".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let book = ("xl/workbook.xml", "<workbook/>");
    // Not repetitive enough for the ratio; together they are more than the total.
    let numbers: Vec<String> =
        (0..600_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) % 100_000).to_string()).collect();
    let numbers = format!("<a>{}</a>", numbers.join(" "));
    for (name, bytes) in [
        ("ratio.docx", docx(&blank)),
        ("ratio.xlsx", package(&[book, ("xl/a.xml", &blank)])),
        ("many.docx", package(&[&[("word/document.xml", "<a/>")], &many[..]].concat())),
        ("total.xlsx", package(&[book, ("1.xml", &numbers), ("2.xml", &numbers), ("3.xml", &numbers)])),
    ] {
        assert_eq!(refused(name, &bytes, &limits).code, Code::DocumentUnsafe, "{name}");
    }
    // The same with headers that claim the parts are small.
    let mut lying = docx(&blank);
    for (mark, size) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let at = lying.windows(4).position(|window| window == mark).unwrap();
        lying[at + size..at + size + 4].copy_from_slice(&100_u32.to_le_bytes());
    }
    let code = refused("lying.docx", &lying, &limits).code;
    assert!(matches!(code, Code::DocumentUnsafe | Code::DocumentDamaged), "{code}");
}

#[test]
fn deep_and_self_expanding_xml_is_refused() {
    let laughs = "<!DOCTYPE a [<!ENTITY b \"ha\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>";
    let deep = "<w:p>".repeat(300);
    let book = ("xl/workbook.xml", "<workbook/>");
    for (name, bytes) in [
        ("laughs.docx", package(&[("word/document.xml", laughs)])),
        ("laughs.xlsx", package(&[book, ("xl/styles.xml", laughs)])),
        ("entity.docx", docx("<w:p><w:r><w:t>&file;</w:t></w:r></w:p>")),
        ("deep.docx", docx(&deep)),
        ("deep.xlsx", package(&[book, ("xl/styles.xml", &deep)])),
    ] {
        assert_eq!(refused(name, &bytes, &Limits::default()).code, Code::DocumentUnsafe, "{name}");
    }
}

#[test]
fn a_document_that_never_ends_is_ended() {
    let limits = Limits { seconds: 1, ..Limits::default() };
    let problem = reader().extract("endless.pdf", &endless_pdf(), &limits).unwrap_err();
    assert_eq!((problem.code, problem.details["seconds"].as_str()), (Code::DocumentSlow, "1"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_document_that_eats_memory_is_ended_and_no_one_else() {
    let bomb = deflated(&deflated(&vec![b' '; 128 << 20]));
    let bytes = pdf(&[("/Filter [/FlateDecode /FlateDecode]".to_owned(), bomb)]);
    assert!(bytes.len() < 10_000, "a small file: {}", bytes.len());
    let limits = Limits { memory_bytes: 48 << 20, ..Limits::default() };
    let problem = reader().extract("bomb.pdf", &bytes, &limits).unwrap_err();
    assert_eq!(problem.code, Code::DocumentReaderEnded, "{problem}");
    assert!(reader().extract("cid.pdf", &data("cid.pdf"), &limits).is_ok(), "an honest one has room enough");
}

#[test]
fn a_child_that_is_none_is_a_problem_not_a_crash() {
    // One that is not there, one that does not read, one that answers nonsense without end.
    for program in ["/no/such/program", "/bin/false", "/usr/bin/yes"] {
        let problem = Reader::program(program).extract("a.txt", &vec![b'a'; 1 << 20], &Limits::default()).unwrap_err();
        assert_eq!(problem.code, Code::DocumentReaderEnded, "{program}: {problem}");
    }
}

#[test]
fn the_child_ends_when_it_is_not_asked_properly() {
    for bytes in [&b""[..], b"\xff\xff\xff\xff", b"\x02\0\0\0{}", b"\x10\0\0\0{}"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_documents-child"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), bytes).unwrap();
        let done = child.wait_with_output().unwrap();
        assert_eq!((done.status.code(), done.stdout.len()), (Some(1), 0), "{bytes:?}");
    }
}

/// A few hundred broken files. Whatever the parsers do, an answer comes that a person can read.
#[test]
fn broken_samples_never_take_the_program_with_them() {
    const EACH: u64 = 40;
    let limits = Limits { seconds: 60, memory_bytes: 256 << 20, characters: 100_000, ..Limits::default() };
    let (mut read, mut refused, mut ended) = (0, 0, Vec::new());
    for (sample, name) in SAMPLES.iter().enumerate() {
        let whole = data(name);
        for seed in 0..EACH {
            let seed = seed + EACH * sample as u64;
            // Every other office document is broken inside its package, where no checksum notices.
            let bytes = if whole.starts_with(b"PK") && seed.is_multiple_of(2) {
                repacked(&whole, |part| broken(&part, seed, 1))
            } else {
                broken(&whole, seed, 3)
            };
            match reader().extract(name, &bytes, &limits) {
                Ok(extract) => {
                    assert!(extract.text.chars().count() <= limits.characters, "{name} {seed}");
                    read += 1;
                }
                Err(problem) if problem.code == Code::DocumentReaderEnded => ended.push((name, seed)),
                Err(problem) => {
                    assert!(problem.code.as_str().starts_with("document_"), "{name} {seed}: {problem}");
                    assert_ne!(problem.code, Code::DocumentSlow, "{name} {seed}");
                    refused += 1;
                }
            }
        }
    }
    println!("{read} read, {refused} refused, the child ended on {ended:?}");
    assert_eq!(read + refused + ended.len(), SAMPLES.len() * EACH as usize);
    assert!(
        read >= 100 && refused >= 100,
        "mutations that break nothing, or everything, show little: {read}, {refused}"
    );
}

/// Flips, overwrites, doubles, inserts and (more rarely) cuts off some bytes, up to so many times.
fn broken(whole: &[u8], seed: u64, most: usize) -> Vec<u8> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize % below.max(1)
    };
    let mut bytes = whole.to_vec();
    for _ in 0..next(most + 1) {
        let at = next(bytes.len());
        match next(9) {
            0..=2 => bytes[at] ^= 1 << next(8),
            3..=4 => bytes[at] = [0, 0xff, 0x7f, b'9'][next(4)],
            5 => bytes.truncate(at.max(64)),
            6 => {
                let end = (at + next(200)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            // A number in a header of a PDF that is suddenly large.
            _ => {
                if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                    bytes.splice(at + digit..at + digit, *b"99999999");
                }
            }
        }
    }
    bytes
}
