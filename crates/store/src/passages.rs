//! A part of a text that is too long to be read: its beginning, or the passages that go with a question.
//!
//! SQLite's full-text index ranks the passages (BM25, Robertson and Zaragoza 2009). Japanese has no spaces, so what is written in
//! kanji and kana is indexed by pairs of characters.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use protocol::{Code, Problem};
use rusqlite::{Connection, params};

use crate::fold::fold;

/// Most terms of a question that are looked for.
const TERMS: usize = 256;

/// Stands where something is left out.
const GAP: &str = "[…]\n";

/// The beginning of a text, at most so many characters: up to the end of a line or a sentence if there is one in the last
/// quarter.
#[must_use]
pub fn beginning(text: &str, characters: usize) -> &str {
    &text[..end_of(text, characters)]
}

/// The passages of a text, those first that go best with a question.
#[derive(Debug)]
pub struct Passages<'t> {
    text: &'t str,
    ranges: Vec<Range<usize>>,
    /// Characters of each.
    lengths: Vec<usize>,
    /// Numbers of those that are wanted, best first.
    order: Vec<usize>,
}

impl<'t> Passages<'t> {
    /// Passages of about `size` characters. Its first one, which says what the text is or names its columns, comes before those in
    /// which the question's words are, and behind them come others from all over the text.
    ///
    /// # Errors
    /// [`Code::DatabaseFailed`] if they cannot be ranked.
    pub fn of(text: &'t str, question: &str, size: usize) -> Result<Self, Problem> {
        let mut passages = Self::ranked(text, question, size)?;
        let count = passages.ranges.len();
        let (mut order, mut known) = (Vec::with_capacity(count), vec![false; count]);
        for passage in (0..count.min(1)).chain(passages.order).chain(spread(count)) {
            if !std::mem::replace(&mut known[passage], true) {
                order.push(passage);
            }
        }
        passages.order = order;
        Ok(passages)
    }

    /// Those in which the question's words are and which do not stand in what was `read` of the text before.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn more(text: &'t str, question: &str, size: usize, read: &[&str]) -> Result<Self, Problem> {
        let mut passages = Self::ranked(text, question, size)?;
        let new = |passage: &usize| {
            let passage = text[passages.ranges[*passage].clone()].trim();
            !read.iter().any(|read| read.contains(passage))
        };
        passages.order = passages.order.iter().copied().filter(new).collect();
        Ok(passages)
    }

    fn ranked(text: &'t str, question: &str, size: usize) -> Result<Self, Problem> {
        let ranges = split(text, size);
        let lengths = ranges.iter().map(|range| text[range.clone()].chars().count()).collect();
        let order = ranked(text, &ranges, question)
            .map_err(|error| Problem::new(Code::DatabaseFailed).with("reason", error))?;
        Ok(Self { text, ranges, lengths, order })
    }

    /// Characters of all that are wanted.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.order.iter().map(|passage| self.lengths[*passage]).sum()
    }

    /// As many of them as have at most so many characters together, in the order of the text.
    #[must_use]
    pub fn within(&self, characters: usize) -> String {
        if self.order.len() == self.ranges.len() && self.characters() <= characters {
            return self.text.to_owned();
        }
        let gap = GAP.chars().count() + 1;
        // One before each of them, and one at the end.
        let mut room = characters.saturating_sub(gap);
        let mut taken = BTreeSet::new();
        for passage in &self.order {
            if self.lengths[*passage] + gap <= room {
                room -= self.lengths[*passage] + gap;
                taken.insert(*passage);
            }
        }
        let mut part = String::new();
        let mut next = 0;
        for passage in &taken {
            if *passage > next {
                part.push_str(if part.is_empty() || part.ends_with('\n') { "" } else { "\n" });
                part.push_str(GAP);
            }
            part.push_str(&self.text[self.ranges[*passage].clone()]);
            next = passage + 1;
        }
        if !taken.is_empty() && next < self.ranges.len() {
            part.push_str(if part.ends_with('\n') { "" } else { "\n" });
            part.push_str(GAP.trim_end());
        }
        part
    }
}

/// Numbers below `count`, so that every beginning of them is spread over all: halves first, then quarters …
fn spread(count: usize) -> impl Iterator<Item = usize> {
    let width = usize::BITS - count.saturating_sub(1).leading_zeros();
    (0..1usize << width)
        .map(move |index| index.reverse_bits() >> (usize::BITS - width.max(1)))
        .filter(move |at| *at < count)
}

/// A text in passages, one behind the other. One ends with the line that takes it to `size` characters, or with a paragraph a good deal
/// before that. None is much longer: what has no lines is cut, at the end of a sentence or between words if it can be.
fn split(text: &str, size: usize) -> Vec<Range<usize>> {
    let (paragraph, longest) = (size * 2 / 5, size * 7 / 5);
    let mut passages: Vec<Range<usize>> = Vec::new();
    let (mut begin, mut length) = (0, 0);
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let blank = line.trim().is_empty();
        let characters = line.chars().count();
        // Empty lines are none of their own.
        if blank
            && length == 0
            && let Some(last) = passages.last_mut()
        {
            end += line.len();
            *last = last.start..end;
            begin = end;
            continue;
        }
        if length > 0 && length + characters > longest {
            passages.push(begin..end);
            (begin, length) = (end, 0);
        }
        end += line.len();
        length += characters;
        // A line that is a book.
        while length > longest {
            let cut = begin + end_of(&text[begin..end], longest);
            passages.push(begin..cut);
            length -= text[begin..cut].chars().count();
            begin = cut;
        }
        if length >= size || blank && length >= paragraph {
            passages.push(begin..end);
            (begin, length) = (end, 0);
        }
    }
    if begin < text.len() {
        passages.push(begin..text.len());
    }
    passages
}

/// Where the first `characters` of a text end in bytes, or a little before that, where something ends.
fn end_of(text: &str, characters: usize) -> usize {
    let Some((end, _)) = text.char_indices().nth(characters) else { return text.len() };
    let from = text.char_indices().nth(characters - characters / 4).map_or(0, |(at, _)| at);
    let last = &text[from..end];
    let behind = |found: Option<(usize, &str)>| found.map(|(at, mark)| from + at + mark.len());
    let sentence = last.rmatch_indices(['.', '!', '?', '。', '！', '？']).next();
    behind(last.rmatch_indices('\n').next())
        .or_else(|| behind(sentence))
        .or_else(|| behind(last.rmatch_indices(char::is_whitespace).next()))
        .unwrap_or(end)
}

/// The passages that have something of the question in them, best first.
fn ranked(text: &str, passages: &[Range<usize>], question: &str) -> rusqlite::Result<Vec<usize>> {
    let mut asked = terms(question, false);
    let mut known = HashSet::new();
    asked.retain(|term| known.insert(term.clone()));
    asked.truncate(TERMS);
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let index = Connection::open_in_memory()?;
    index.execute_batch(
        "CREATE VIRTUAL TABLE passage USING fts5 (terms, content = '', tokenize = 'porter unicode61'); BEGIN;",
    )?;
    let mut add = index.prepare("INSERT INTO passage (rowid, terms) VALUES (?1, ?2)")?;
    for (number, range) in passages.iter().enumerate() {
        add.execute(params![number as i64, terms(&text[range.clone()], true).join(" ")])?;
    }
    // A single character is found wherever a pair begins with it.
    let is_one = |term: &str| term.chars().nth(1).is_none() && term.starts_with(is_unspaced);
    let any: Vec<String> =
        asked.iter().map(|term| format!("\"{term}\"{}", if is_one(term) { "*" } else { "" })).collect();
    let mut best = index.prepare("SELECT rowid FROM passage WHERE passage MATCH ?1 ORDER BY rank, rowid")?;
    best.query_map([any.join(" OR ")], |row| Ok(row.get::<_, i64>(0)? as usize))?.collect()
}

/// What is looked for in a text, in its order: words and numbers, and of what is written without spaces pairs of characters; with `last` the
/// last character of those too.
fn terms(text: &str, last: bool) -> Vec<String> {
    let folded = fold(text);
    let mut terms = Vec::new();
    for word in folded.split(|c: char| !c.is_alphanumeric() && c != 'ー') {
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let unspaced = is_unspaced(first);
            let end = rest.find(|c| is_unspaced(c) != unspaced).unwrap_or(rest.len());
            let (run, behind) = rest.split_at(end);
            rest = behind;
            let characters: Vec<char> = run.chars().collect();
            if unspaced && characters.len() > 1 {
                terms.extend(characters.windows(2).map(|pair| pair.iter().collect::<String>()));
                terms.extend(characters.last().filter(|_| last).map(char::to_string));
            } else {
                terms.push(run.to_owned());
            }
        }
    }
    terms
}

/// Kana, kanji and the like.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Twenty paragraphs about nothing, with `clause` in one of them.
    fn contract(filler: &str, clause: &str) -> String {
        let mut paragraphs: Vec<String> =
            (1..=20).map(|number| format!("{number}. {}\n\n", filler.repeat(12))).collect();
        paragraphs[13] = format!("14. {clause}\n\n");
        paragraphs.concat()
    }

    #[test]
    fn the_passage_that_answers_is_among_those_that_are_read() {
        for (filler, clause, question) in [
            (
                "The parties agree on what they agree on. ",
                "Either side may terminate with notice of three months.",
                "When can it be terminated?",
            ),
            ("当事者は合意した事項に合意する。", "解約は三か月前に書面で通知する。", "解約の通知はいつまでですか"),
            ("当事者は合意した事項に合意する。", "違反者は罰を受ける。", "罰?"),
            ("当事者は合意した事項に合意する。", "賠償の範囲は佐々木が決める。", "佐々木は何を決める"),
            ("ABC商事と合意した事項に合意する。", "違約金は20,000円とする。", "違約金はいくら"),
        ] {
            let text = contract(filler, clause);
            let part = Passages::of(&text, question, 120).unwrap().within(1200);
            assert!(part.contains(clause), "{part}");
            assert!(part.starts_with("1. "), "what it is about");
            assert!(part.contains("\n[…]\n") && part.ends_with("[…]"), "{part}");
            assert!(part.chars().count() <= 1200 && part.chars().count() > 600);
        }
    }

    #[test]
    fn what_was_read_before_is_not_read_again() {
        let text = contract("The parties agree on what they agree on. ", "Either side may terminate with notice.");
        let first = Passages::of(&text, "When can it be terminated?", 120).unwrap().within(1200);
        let same = Passages::more(&text, "Notice?", 120, &[&first]).unwrap();
        assert_eq!((same.characters(), same.within(1200)), (0, String::new()));
        let other = Passages::more(&text, "Notice?", 120, &["something else"]).unwrap().within(1200);
        assert_eq!(other, "[…]\n14. Either side may terminate with notice.\n\n[…]");
    }

    #[test]
    fn a_book_without_lines_is_split_in_no_time() {
        let text = "The mill turns. ".repeat(200_000);
        let passages = Passages::of(&text, "Why does it turn?", 500).unwrap();
        assert!(passages.ranges.len() > 4000 && passages.within(2000).chars().count() > 1000);
    }

    #[test]
    fn without_a_word_in_common_they_are_from_all_over_it() {
        let lines: Vec<String> = (0..64).map(|number| format!("{number:02} {}\n", "x".repeat(600))).collect();
        let text = lines.concat();
        let part = Passages::of(&text, "要約して", 500).unwrap().within(5000);
        let numbers: Vec<&str> = part.lines().filter(|line| *line != "[…]").map(|line| &line[..2]).collect();
        assert_eq!(numbers, ["00", "08", "16", "24", "32", "40", "48", "56"]);
    }

    #[test]
    fn what_fits_is_whole_and_what_cannot_be_split_is_begun() {
        let within = |text: &str, question| Passages::of(text, question, 100).unwrap().within(200);
        assert_eq!((within("a short one", "?"), within("", "why")), ("a short one".to_owned(), String::new()));
        assert_eq!(within(&"滝".repeat(5000), "滝"), format!("{}\n[…]", "滝".repeat(140)));
        assert_eq!(within("a", "a \" OR b* NEAR("), "a", "nothing in a question is an operator");
        assert_eq!(Passages::of("a b c", "?", 100).unwrap().within(3), "", "not even one of them");
    }

    #[test]
    fn a_beginning_ends_where_something_ends() {
        assert_eq!(beginning("One. Two. Three", 11), "One. Two. ");
        assert_eq!(beginning("a,1\nb,2\nc,3\n", 9), "a,1\nb,2\n");
        assert_eq!((beginning("滝の水", 2), beginning("short", 9), beginning("x", 0)), ("滝の", "short", ""));
    }

    proptest! {
        #[test]
        fn passages_are_the_whole_text_one_behind_the_other(text in "[a-z滝。.\n ]{0,3000}", from in 0usize..4000) {
            let all = split(&text, 200);
            prop_assert_eq!(all.iter().map(|range| &text[range.clone()]).collect::<String>(), text.clone());
            prop_assert!(all.iter().all(|range| !range.is_empty() && text[range.clone()].trim_end().chars().count() <= 280));
            prop_assert!(Passages::of(&text, "a 滝", 200).unwrap().within(from).chars().count() <= from);
        }

        #[test]
        fn a_spread_names_every_number_once(count in 0usize..300) {
            let mut numbers: Vec<usize> = spread(count).collect();
            numbers.sort_unstable();
            prop_assert_eq!(numbers, (0..count).collect::<Vec<_>>());
        }
    }
}
