//! Every reason that this program gives has words in both languages: its texts are looked for in the sources themselves.

use std::path::{Path, PathBuf};
use std::{fs, io};

use protocol::{Code, Problem};

/// What takes a reason, by the names that functions and closures have here.
const TAKES: [&str; 21] = [
    "Err",
    "Unsafe",
    "again",
    "alone",
    "check",
    "damaged",
    "elsewhere",
    "error",
    "failed",
    "invalid",
    "lost",
    "mismatch",
    "missing",
    "ok_or",
    "other",
    "refuse",
    "refused",
    "setting",
    "source",
    "unreadable",
    "unusable",
];

/// Calls around a text that leave it as it is.
const AROUND: [&str; 2] = ["format!", "format_args!"];

/// Folders and files that are no part of what people have before them: measuring, toys, samples and tests.
const LEFT_OUT: [&str; 8] = ["bench", "hostile.rs", "lab", "sample.rs", "tests", "tests.rs", "toy.rs", "toys.rs"];

/// The texts of reasons in a source, as far as it is no test.
fn reasons(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let (mut found, mut calls, mut code) = (Vec::new(), Vec::<String>::new(), String::new());
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => {
                chars.find(|c| *c == '\n');
            }
            // A character; a lifetime has no second quote.
            '\'' => {
                let mut ahead = chars.clone();
                let escaped = ahead.next() == Some('\\');
                if escaped || ahead.next() == Some('\'') {
                    chars.next();
                    chars.find(|c| *c == '\'');
                }
            }
            '"' => {
                let mut text = String::new();
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    text.push(if c == '\\' { chars.next().unwrap_or_default() } else { c });
                }
                let call = calls.iter().rev().find(|call| !AROUND.contains(&call.as_str()));
                let plain =
                    AROUND.iter().fold(code.as_str(), |code, around| code.trim_end_matches(&format!("{around}(")));
                let is_named = plain.ends_with("with(\"reason\",") || plain.ends_with("let reason=");
                if is_named || call.is_some_and(|call| TAKES.contains(&call.as_str())) {
                    found.push(text.clone());
                }
                code.extend(["\"", &text, "\""]);
            }
            '(' => {
                let name = code.rsplit(|c: char| !c.is_alphanumeric() && !"_!".contains(c)).next().unwrap_or_default();
                calls.push(name.to_owned());
                code.push('(');
            }
            ')' => {
                calls.pop();
                code.push(')');
            }
            ';' | '{' => code.clear(),
            // It parts words, nothing else.
            c if c.is_whitespace() => {
                if code.ends_with(char::is_alphanumeric) && chars.peek().is_some_and(|next| next.is_alphanumeric()) {
                    code.push(' ');
                }
            }
            c => code.push(c),
        }
    }
    found
}

/// A reason as it comes, of a text with `{placeholders}` that stand for `value`; None if the text is no sentence.
fn filled(text: &str, value: &str) -> Option<String> {
    let mut words = text.split('{').next().unwrap_or_default().to_owned();
    let mut filled = words.clone();
    for part in text.split('{').skip(1) {
        let (_, after) = part.split_once('}')?;
        words.push_str(after);
        filled.push_str(value);
        filled.push_str(after);
    }
    let is_sentence = words.split(' ').filter(|word| word.chars().any(char::is_lowercase)).count() > 1;
    (is_sentence && !text.starts_with(char::is_uppercase)).then_some(filled)
}

/// The sources below `folder`.
fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if LEFT_OUT.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|ends| ends == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

#[test]
fn reasons_are_found_in_a_source() {
    let source = r#"
        fn it<'a>(c: char) -> Result<&'a str, Problem> {
            // Nothing: Err("it is a comment")
            let reason = "it is named";
            let reason = format!("it has {c}");
            check(plain(&c), "it is asked (for)")?;
            let text = "it is none";
            if c == '"' { return Err(format!("it is \"{c}\"")) }
            problem.with("path", "it is a path").with("reason", format!("it is {}", told("it is not told")))
        }
        #[cfg(test)]
        fn test() { Err("it is a test") }
    "#;
    let found = ["it is named", "it has {c}", "it is asked (for)", "it is \"{c}\"", "it is {}"];
    assert_eq!(reasons(source), found);
    assert_eq!(filled("“{name}”: it has {} of {b}", "7").as_deref(), Some("“7”: it has 7 of 7"));
    assert_eq!((filled("{a}: {b}", "7"), filled("--again", ""), filled("Some sentence", "")), (None, None, None));
}

#[test]
fn every_reason_of_this_program_has_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let crates = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let parts = crates.chain([root.join("src-tauri")]).filter(|part| !part.ends_with("lab"));
    let files = parts.flat_map(|part| sources(&part.join("src")).unwrap());
    let (mut found, mut without) = (0, Vec::new());
    for file in files {
        let of_file = reasons(&fs::read_to_string(&file).unwrap());
        for text in &of_file {
            // A figure, or a place in a file.
            let both = ["7", "the weights"].map(|value| filled(text, value));
            let is_known =
                |reason: &String| Problem::new(Code::Internal).with("reason", reason).details.contains_key("reason_ja");
            found += usize::from(both[0].is_some());
            if both[0].is_some() && !both.iter().flatten().any(is_known) {
                without.push(format!("{}: {text}", file.strip_prefix(&root).unwrap().display()));
            }
        }
    }
    // So many there are, or nearly: a closure of another name would take some of them out of sight.
    assert!(found >= 190, "only {found} were found");
    assert!(without.is_empty(), "crates/protocol/messages/reasons.json has no words for\n{}", without.join("\n"));
}
