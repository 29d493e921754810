//! What counts as the same when people search: upper and lower case, wide and narrow forms, composed and decomposed
//! characters.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// `text` as it is searched. Done for each character as people see it, so that every part of a text folds to a part of the
/// folded text.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for grapheme in text.graphemes(true) {
        push(grapheme, &mut folded);
    }
    folded
}

fn push(grapheme: &str, folded: &mut String) {
    if grapheme.is_ascii() {
        // A NUL would end a query.
        folded.extend(grapheme.chars().map(|c| if c.is_ascii_control() { ' ' } else { c.to_ascii_lowercase() }));
    } else {
        folded.extend(grapheme.nfkc().flat_map(char::to_lowercase));
    }
}

/// Where folded `term` first is in `text`: bytes of `text` itself, whole characters. None if it is not there.
pub(crate) fn find(text: &str, term: &str) -> Option<Range<usize>> {
    // Where each character's folded form begins, and where it is in the text.
    let (mut folded, mut places) = (String::with_capacity(text.len()), Vec::new());
    for (at, grapheme) in text.grapheme_indices(true) {
        places.push((folded.len(), at));
        push(grapheme, &mut folded);
    }
    let begin = folded.find(term)?;
    let end = begin + term.len();
    let first = places.partition_point(|(folded, _)| *folded <= begin).checked_sub(1)?;
    let behind = places.partition_point(|(folded, _)| *folded < end);
    Some(places[first].1..places.get(behind).map_or(text.len(), |(_, at)| *at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        fn every_part_of_a_text_is_found_in_it(text in "\\PC{0,40}", from in 0usize..40, count in 1usize..10) {
            let part: String = text.graphemes(true).skip(from).take(count).collect();
            prop_assume!(!part.is_empty());
            let range = find(&text, &fold(&part)).expect("it is there");
            prop_assert!(fold(&text[range]).contains(&fold(&part)));
        }
    }
}
