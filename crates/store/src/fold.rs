//! What counts as the same when people search: upper and lower case, wide and narrow forms, composed and decomposed
//! characters.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// `text` as it is searched. Done for each character as people see it, so that every part of a text folds to a part of the
/// folded text.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        rest = &rest[push_simple(rest, &mut folded)..];
        if let Some(grapheme) = rest.graphemes(true).next() {
            Seen::Other(grapheme).push(&mut folded);
            rest = &rest[grapheme.len()..];
        }
    }
    folded
}

/// Folds what `text` begins with as long as that is simple. Gives how many bytes of it that were.
fn push_simple(text: &str, folded: &mut String) -> usize {
    let mut last = None;
    for (at, c) in text.char_indices() {
        let Some(simple) = simple(c) else {
            // It may belong to the one before.
            if last.is_some() {
                folded.pop();
            }
            return last.unwrap_or(0);
        };
        folded.push(simple);
        last = Some(at);
    }
    text.len()
}

/// Where a part of the folded `text` stands in `text` itself, in bytes: whole characters.
pub(crate) fn unfold(text: &str, part: &Range<usize>) -> Range<usize> {
    let (mut begin, mut folded, mut character) = (0, 0, String::new());
    for (at, seen) in characters(text) {
        if folded <= part.start {
            begin = at;
        } else if folded >= part.end {
            return begin..at;
        }
        character.clear();
        seen.push(&mut character);
        folded += character.len();
    }
    begin..text.len()
}

/// A character as people see it.
enum Seen<'a> {
    /// One that folds to this.
    Simple(char),
    Other(&'a str),
}

impl Seen<'_> {
    fn push(&self, folded: &mut String) {
        match self {
            Self::Simple(c) => folded.push(*c),
            Self::Other(text) if text.is_ascii() => folded.extend(text.chars().filter_map(simple)),
            Self::Other(text) => folded.extend(text.nfkc().flat_map(char::to_lowercase)),
        }
    }
}

/// The characters of a text as people see them, and where each begins.
struct Characters<'a> {
    text: &'a str,
    at: usize,
}

fn characters(text: &str) -> Characters<'_> {
    Characters { text, at: 0 }
}

impl<'a> Iterator for Characters<'a> {
    type Item = (usize, Seen<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (at, rest) = (self.at, &self.text[self.at..]);
        let mut chars = rest.chars();
        let simple = simple(chars.next()?);
        // What follows may belong to it.
        if let Some(c) = simple.filter(|_| chars.clone().next().is_none_or(|next| self::simple(next).is_some())) {
            self.at = self.text.len() - chars.as_str().len();
            return Some((at, Seen::Simple(c)));
        }
        let grapheme = rest.graphemes(true).next()?;
        self.at += grapheme.len();
        Some((at, Seen::Other(grapheme)))
    }
}

/// What a character folds to that is never one with another such: most of what is written, told without looking it up in
/// tables, which takes ten times as long. None for others.
fn simple(c: char) -> Option<char> {
    match c {
        // A NUL would end a query.
        '\0'..='\x1f' | '\x7f' | '\u{3000}' => Some(' '),
        ' '..='~' => Some(c.to_ascii_lowercase()),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).map(|c| c.to_ascii_lowercase()),
        'А'..='Я' => char::from_u32(c as u32 + 0x20),
        // Kana, Chinese characters, Hangul and Cyrillic.
        '、'..='〠' | 'ぁ'..='ゖ' | 'ァ'..='ー' | '\u{4e00}'..='\u{9fff}' | '가'..='힣' | 'а'..='я' => {
            Some(c)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn find(text: &str, term: &str) -> Option<Range<usize>> {
        let begin = fold(text).find(term)?;
        Some(unfold(text, &(begin..begin + term.len())))
    }

    /// By the tables alone.
    fn slowly(text: &str) -> String {
        let of = |grapheme: &str| grapheme.nfkc().flat_map(char::to_lowercase).collect::<String>();
        let graphemes = text
            .graphemes(true)
            .map(|grapheme| if grapheme.is_ascii() { grapheme.to_ascii_lowercase() } else { of(grapheme) });
        graphemes.collect::<String>().replace(|c: char| c.is_ascii_control(), " ")
    }

    #[test]
    fn every_simple_character_folds_as_the_tables_say() {
        for c in ('\0'..='\u{ffff}').filter(|c| simple(*c).is_some()) {
            assert_eq!(simple(c).map(String::from), Some(slowly(&c.to_string())), "{c:?}");
            for other in ['a', '\n', 'が', '滝', '각', 'Ａ', 'я'] {
                let both = format!("{c}{other}");
                assert!(both == "\r\n" || both.graphemes(true).count() == 2, "{both:?}");
            }
        }
    }

    #[test]
    fn what_people_take_for_the_same_is_found_where_it_stands() {
        for (text, term, hit) in [
            ("The Waterfall", "WATER", "Water"),
            ("ＡＢＣ商事の見積", "abc", "ＡＢＣ"),
            ("ﾃｽﾄをした", "テスト", "ﾃｽﾄ"),
            ("ｶﾞﾗｽの滝", "ガラス", "ｶﾞﾗｽ"),
            ("cafe\u{301} au lait", "café", "cafe\u{301}"),
            ("日本で一番高い滝", "滝", "滝"),
            ("㍿滝", "株式会社", "㍿"),
            ("Straße", "straße", "Straße"),
            ("a\0b", "a b", "a\0b"),
        ] {
            let range = find(text, &fold(term)).unwrap_or_else(|| panic!("{term} in {text}"));
            assert_eq!(&text[range], hit);
        }
        assert_eq!(find("が", &fold("か")), None, "another character");
        assert_eq!(find("abc", "x"), None);
    }

    proptest! {
        #[test]
        fn what_is_told_quickly_is_what_the_tables_say(text in "([a-zＡ-Ｚあ-んア-ン滝가각яÀ\\r\\n]|[\u{300}\u{301}\u{3099}\u{309a}\u{11a8}\u{fe0f}\u{200d}\u{20e3}\u{600}ﾞﾟｶ👩🇯🇵]|\\PC){0,40}") {
            prop_assert_eq!(fold(&text), slowly(&text));
        }

        #[test]
        fn every_part_of_a_text_is_found_in_it(text in "\\PC{0,40}", from in 0usize..40, count in 1usize..10) {
            let part: String = text.graphemes(true).skip(from).take(count).collect();
            prop_assume!(!part.is_empty());
            let range = find(&text, &fold(&part)).expect("it is there");
            prop_assert!(fold(&text[range]).contains(&fold(&part)));
        }
    }
}
