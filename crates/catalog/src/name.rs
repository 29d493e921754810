//! What ladders and models may be called.

use protocol::{Code, Problem};

use crate::entry::Sha256;

/// Longest other text that is shown, in characters.
const LONGEST_TEXT: usize = 400;

/// Longest name, in characters.
pub(crate) const LONGEST_NAME: usize = 80;

/// Whether a text of a stranger can be shown on one line.
pub(crate) fn is_plain(text: &str) -> bool {
    text.chars().count() <= LONGEST_TEXT && !text.chars().any(|c| c.is_control() || is_unseen(c))
}

/// Whether a character has no width or turns the direction of what stands behind it, so that a name can look like another one. Those that scripts
/// join letters with (U+200C, U+200D) are none of them.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// A name for files and commands out of one for people: small letters, digits, dots, dashes.
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with(['-', '.']) {
            slug.push(if c == '.' { '.' } else { '-' });
        }
        if slug.len() >= 60 {
            break;
        }
    }
    let slug = slug.trim_end_matches(['-', '.']);
    if slug.is_empty() { "model".to_owned() } else { slug.to_owned() }
}

/// The id of a model whose id another one has: with the beginning of its file's hash.
pub(crate) fn numbered(id: &str, hash: &Sha256) -> String {
    format!("{id}-{}", &hash.as_str()[..8])
}

/// That a ladder can be called so.
///
/// # Errors
/// [`Code::NameEmpty`], [`Code::NameTooLong`].
pub fn check_name(name: &str) -> Result<(), Problem> {
    match name.trim().chars().count() {
        0 => Err(Problem::new(Code::NameEmpty)),
        1..=LONGEST_NAME => Ok(()),
        _ => Err(Problem::new(Code::NameTooLong).with("limit", LONGEST_NAME)),
    }
}

/// A name without line breaks and other invisible characters.
pub(crate) fn on_one_line(name: &str) -> String {
    let seen = name.chars().filter(|c| !is_unseen(*c));
    seen.map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// What a file says of itself, which may be anything of any length, to be shown: one line of what can be seen.
pub fn in_one_line(name: &str) -> String {
    on_one_line(name).chars().take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_people_become_names_for_files() {
        for (name, expected) in [
            ("Qwen2.5 Coder 0.5B (Q4_0)", "qwen2.5-coder-0.5b-q4-0"),
            ("../../etc/passwd", "etc-passwd"),
            ("滝", "model"),
            ("", "model"),
            ("CON", "con"),
        ] {
            assert_eq!(slug(name), expected);
        }
        assert!(slug(&"a".repeat(500)).len() <= 60 && in_one_line(&"é\n".repeat(500)).chars().count() == 80);
    }
}
