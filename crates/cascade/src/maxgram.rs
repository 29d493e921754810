//! The rung at the bottom: several drafters that need no model, of which the likeliest speaks.

use crate::automaton::SuffixAutomaton;
use crate::glance::Glance;
use crate::model::{Token, VocabId};
use crate::personal::Personal;
use crate::phrases::Phrases;
use crate::share::Share;
use crate::successors::Successors;
use crate::table::{NgramTable, TableError};

/// A way of drafting without a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drafter {
    /// Copies what followed the longest earlier match in prompt and answer (Max-Gram of arXiv 2312.11462).
    Suffix,
    /// Says what lately came, or was thought of, after the last tokens (token recycling).
    Successors,
    /// Goes on as a rejected draft did.
    Phrases,
    /// Copies what followed the longest match in the user's earlier chats.
    Personal,
    /// Says what usually comes in the language.
    Table,
}

/// How many there are.
pub(crate) const DRAFTERS: usize = 5;

impl Drafter {
    /// All of them.
    pub(crate) const ALL: [Self; DRAFTERS] =
        [Self::Suffix, Self::Successors, Self::Phrases, Self::Personal, Self::Table];
}

/// What could be copied, and how well it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Who would draft it.
    pub by: Drafter,
    /// How many tokens at the text's end match.
    pub length: usize,
    /// How often this context has come back, at least 1.
    pub count: u32,
    /// Where the drafter found it.
    source: usize,
}

impl Match {
    /// A match of `length` tokens somewhere.
    #[cfg(test)]
    pub(crate) fn of_length(length: usize) -> Self {
        Self { by: Drafter::Suffix, length, count: 1, source: 0 }
    }

    /// The same having come back `count` times.
    #[cfg(test)]
    pub(crate) fn times(self, count: u32) -> Self {
        Self { count, ..self }
    }
}

/// What each drafter would say next, so that a review can judge all of them though only one was asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Foresight {
    said: [Option<(Match, Token)>; DRAFTERS],
    best: Option<(Match, Token)>,
}

impl Foresight {
    /// What was likeliest.
    pub(crate) fn best(&self) -> Option<(Match, Token)> {
        self.best
    }
}

/// Upper ends of the classes of match length.
const LENGTHS: [usize; 5] = [1, 2, 3, 5, 9];

/// Upper ends of the classes of count.
const COUNTS: [u32; 2] = [1, 3];

/// First guesses of being right, by drafter and match length.
const RIGHT: [[f64; LENGTHS.len() + 1]; DRAFTERS] = [
    [0.2, 0.4, 0.55, 0.65, 0.7, 0.8],
    [0.1, 0.25, 0.25, 0.25, 0.25, 0.25],
    [0.1, 0.25, 0.4, 0.5, 0.5, 0.5],
    [0.1, 0.1, 0.2, 0.35, 0.5, 0.6],
    [0.1, 0.15, 0.25, 0.25, 0.25, 0.25],
];

/// How many observations a first guess is worth.
const PRIOR: f64 = 10.0;

/// What a new observation leaves of the older ones.
const KEEP: f64 = 0.99;

/// Max-Gram: drafts from the text alone, from a table of successors and from rejected drafts; if it was given them, also
/// from the user's earlier chats and from a table of the language.
///
/// Every review tells what each drafter should have said, so the best one is known by match length and count without
/// spending anything. Unlike the paper's bottom rung it is silent where nothing matches.
#[derive(Debug)]
pub struct MaxGram {
    suffix: SuffixAutomaton,
    successors: Successors,
    phrases: Phrases,
    personal: Personal,
    table: Option<NgramTable>,
    /// By drafter, class of length and class of count: how often the next token was right.
    right: [[[Share; COUNTS.len() + 1]; LENGTHS.len() + 1]; DRAFTERS],
}

impl Default for MaxGram {
    fn default() -> Self {
        Self {
            suffix: SuffixAutomaton::default(),
            successors: Successors::default(),
            phrases: Phrases::default(),
            personal: Personal::default(),
            table: None,
            right: RIGHT.map(|lengths| lengths.map(|share| [Share::guess(share, PRIOR); COUNTS.len() + 1])),
        }
    }
}

impl MaxGram {
    /// Takes in the final tokens of `text` that it does not know yet; `text` only ever grows between [`forget`](Self::forget)s.
    pub fn observe(&mut self, text: &[Token]) {
        for index in self.suffix.known()..text.len() {
            self.successors.saw(&text[..index], text[index]);
        }
        self.suffix.observe(text);
    }

    /// Forgets the text. What it learned of tokens in general stays.
    pub fn forget(&mut self) {
        self.suffix.forget();
    }

    /// Forgets everything it saw and was told of texts and of itself, earlier chats too. The table of the language stays.
    pub fn forget_all(&mut self) {
        *self = Self { table: self.table.take(), ..Self::default() };
    }

    /// Takes in what a model thought of behind `text`.
    pub(crate) fn thought(&mut self, text: &[Token], glance: &Glance) {
        self.successors.thought(text, glance);
    }

    /// Takes in that a reviewer put `own` in place of `wrong`, behind which `rest` had been drafted.
    pub fn rejected(&mut self, own: Token, wrong: Token, rest: &[Token]) {
        self.phrases.add(own, wrong, rest);
    }

    /// The likeliest thing to copy behind `text` (known tokens, then pending ones).
    pub fn find(&self, text: &[Token]) -> Option<Match> {
        self.foresee(text).best().map(|(found, _)| found)
    }

    /// What each drafter would say behind `text` (known tokens, then pending ones).
    pub(crate) fn foresee(&self, text: &[Token]) -> Foresight {
        let mut foresight = Foresight::default();
        let mut likeliest = 0.0;
        for (index, by) in Drafter::ALL.into_iter().enumerate() {
            let Some((found, token)) = self.ask(by, text) else { continue };
            foresight.said[index] = Some((found, token));
            let right = self.right_of(&found).of();
            if right > likeliest {
                (likeliest, foresight.best) = (right, Some((found, token)));
            }
        }
        foresight
    }

    fn ask(&self, by: Drafter, text: &[Token]) -> Option<(Match, Token)> {
        match by {
            Drafter::Suffix => self.suffix.find(text).map(|found| {
                let (length, count, source) = (found.length, found.count, found.source);
                (Match { by, length, count, source }, text[source])
            }),
            Drafter::Successors => {
                let (length, count, token) = self.successors.find(text)?;
                Some((Match { by, length, count, source: 0 }, token))
            }
            Drafter::Personal => {
                let (length, count, source) = self.personal.find(text)?;
                Some((Match { by, length, count, source }, self.personal.from(source).next()?))
            }
            Drafter::Table => {
                let (length, count, token) = self.table.as_ref()?.find(text)?;
                Some((Match { by, length, count, source: 0 }, token))
            }
            Drafter::Phrases => {
                let (length, source) = self.phrases.find(text)?;
                Some((Match { by, length, count: 1, source }, self.phrases.from(source).next()?))
            }
        }
    }

    /// Takes in that `token` came where `foresight` had been asked for.
    pub(crate) fn judge(&mut self, foresight: &Foresight, token: Token) {
        for (found, said) in foresight.said.into_iter().flatten() {
            let [by, length, count] = place(&found);
            self.right[by][length][count].saw(said == token, KEEP);
        }
    }

    fn right_of(&self, found: &Match) -> Share {
        let [by, length, count] = place(found);
        self.right[by][length][count]
    }

    /// Appends up to `most` tokens of `found`, which was found for this very `text`; gives how many.
    pub fn draft(&self, found: &Match, text: &mut Vec<Token>, most: usize) -> usize {
        let before = text.len();
        match found.by {
            // The source may run into the tokens just copied: a text that repeats itself goes on repeating.
            Drafter::Suffix => (0..most).for_each(|index| text.push(text[found.source + index])),
            Drafter::Phrases => text.extend(self.phrases.from(found.source).take(most)),
            Drafter::Personal => text.extend(self.personal.from(found.source).take(most)),
            Drafter::Successors => go_on(text, most, |text| self.successors.find(text)),
            Drafter::Table => go_on(text, most, |text| self.table.as_ref()?.find(text)),
        }
        text.len() - before
    }

    /// What the user's earlier chats said; empty unless [`set_personal`](Self::set_personal) was called.
    pub fn personal(&self) -> &Personal {
        &self.personal
    }

    /// Drafts from these earlier chats from now on. What is in no vocabulary of `size` tokens is left out.
    pub fn set_personal(&mut self, mut personal: Personal, size: usize) {
        personal.keep_below(size);
        self.personal = personal;
    }

    /// Takes in another text of the user's chats.
    pub fn add_personal(&mut self, text: &[Token]) {
        self.personal.add(text);
    }

    /// Drafts from `table` from now on.
    ///
    /// # Errors
    /// It is of another vocabulary than `vocab`; then there is none.
    pub fn set_table(&mut self, table: Option<NgramTable>, vocab: &VocabId) -> Result<(), TableError> {
        self.table = None;
        table.as_ref().map_or(Ok(()), |table| table.check(vocab.hash, vocab.size))?;
        self.table = table;
        Ok(())
    }

    /// Bytes of what outlives a text.
    #[cfg(test)]
    fn lasting_bytes(&self) -> usize {
        self.successors.bytes() + self.phrases.bytes()
    }
}

/// Appends up to `most` tokens, each found behind those before it.
fn go_on(text: &mut Vec<Token>, most: usize, find: impl Fn(&[Token]) -> Option<(usize, u32, Token)>) {
    for _ in 0..most {
        let Some((_, _, token)) = find(text) else { break };
        text.push(token);
    }
}

fn place(found: &Match) -> [usize; 3] {
    let length = LENGTHS.iter().take_while(|end| found.length > **end).count();
    let count = COUNTS.iter().take_while(|end| found.count > **end).count();
    [found.by as usize, length, count]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowing(text: &[Token]) -> MaxGram {
        let mut max_gram = MaxGram::default();
        max_gram.observe(text);
        max_gram
    }

    fn drafted(max_gram: &MaxGram, text: &[Token], most: usize) -> Vec<Token> {
        let mut longer = text.to_vec();
        if let Some((found, first)) = max_gram.foresee(text).best() {
            let count = max_gram.draft(&found, &mut longer, most);
            assert!(count == longer.len() - text.len() && (count == 0 || longer[text.len()] == first));
        }
        longer.split_off(text.len())
    }

    #[test]
    fn it_copies_what_followed_the_longest_match() {
        let text = [1, 2, 3, 4, 5, 9, 2, 3];
        assert_eq!(drafted(&knowing(&text), &text, 3), [4, 5, 9]);
    }

    #[test]
    fn a_repeating_text_goes_on_repeating_past_its_own_end() {
        let text = [7, 8, 7, 8, 7];
        assert_eq!(drafted(&knowing(&text), &text, 5), [8, 7, 8, 7, 8]);
    }

    #[test]
    fn nothing_is_proposed_without_a_match() {
        assert!(drafted(&knowing(&[1, 2, 3]), &[1, 2, 3], 4).is_empty());
        assert!(drafted(&MaxGram::default(), &[], 4).is_empty());
    }

    #[test]
    fn what_earlier_answers_taught_is_said_where_the_text_has_nothing() {
        let mut max_gram = knowing(&[1, 2, 3, 4]);
        max_gram.forget();
        max_gram.observe(&[9, 1]);
        assert_eq!(drafted(&max_gram, &[9, 1], 3), [2, 3, 4]);
    }

    #[test]
    fn the_drafter_that_proves_right_is_asked() {
        let text = [1, 2, 3, 5, 1, 2];
        let mut max_gram = knowing(&text);
        max_gram.thought(&text, &Glance::at(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0], &mut Vec::new()));
        assert_eq!(drafted(&max_gram, &text, 1), [3], "the longest match first");
        for _ in 0..100 {
            let foresight = max_gram.foresee(&text);
            max_gram.judge(&foresight, 6);
        }
        assert_eq!(drafted(&max_gram, &text, 1), [6], "what the model thought of came every time");
    }

    #[test]
    fn earlier_chats_and_the_language_speak_where_the_text_says_nothing() {
        let mut max_gram = knowing(&[1]);
        let vocab = VocabId { hash: 5, size: 50 };
        let chats = [20, 21, 22, 23, 24, 99];
        max_gram.set_personal(Personal::with_tokens(100, &chats), vocab.size);
        assert_eq!(drafted(&max_gram, &[1, 20, 21, 22], 9), [23, 24], "99 is no token");
        max_gram.add_personal(&[30, 31, 32, 33]);
        assert_eq!(drafted(&max_gram, &[1, 30, 31, 32], 9), [33]);
        let table = NgramTable::count(5, &[40, 41, 42, 40, 41, 42, 43]);
        assert_eq!(
            max_gram.set_table(Some(table.clone()), &VocabId { hash: 6, size: 50 }),
            Err(TableError::OtherVocabulary)
        );
        assert!(drafted(&max_gram, &[1, 40, 41], 1).is_empty());
        max_gram.set_table(Some(table), &vocab).unwrap();
        assert_eq!(drafted(&max_gram, &[1, 40, 41], 1), [42]);
        // Each is judged at every review, asked or not: who is never right is not asked again.
        let text = [1, 20, 21, 22];
        for _ in 0..300 {
            let foresight = max_gram.foresee(&text);
            max_gram.judge(&foresight, 7);
        }
        let worse = max_gram.foresee(&text).best().map_or(0.0, |(found, _)| max_gram.right_of(&found).of());
        assert!(worse < 0.1, "{worse}");
        max_gram.set_personal(Personal::default(), vocab.size);
        assert!(max_gram.personal().tokens().is_empty() && drafted(&max_gram, &text, 2).is_empty());
    }

    #[test]
    fn one_that_forgot_all_is_as_new_but_for_its_table() {
        let vocab = VocabId { hash: 5, size: 100 };
        let table = NgramTable::count(5, &[40, 41, 42, 40, 41, 42]);
        let mut max_gram = knowing(&[1, 2, 3, 4, 1, 2]);
        max_gram.set_table(Some(table.clone()), &vocab).unwrap();
        max_gram.set_personal(Personal::with_tokens(100, &[20, 21, 22, 23]), vocab.size);
        max_gram.rejected(50, 51, &[52, 53]);
        let text = [1, 2, 3, 4, 1, 2];
        max_gram.thought(&text, &Glance::at(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0], &mut Vec::new()));
        for _ in 0..300 {
            let foresight = max_gram.foresee(&text);
            max_gram.judge(&foresight, 6);
        }
        max_gram.forget_all();
        let mut new = MaxGram::default();
        new.set_table(Some(table), &vocab).unwrap();
        assert_eq!(format!("{max_gram:?}"), format!("{new:?}"));
    }

    #[test]
    fn what_outlives_a_text_is_bounded() {
        let mut max_gram = MaxGram::default();
        for start in 0..40_u32 {
            let text: Vec<Token> = (0..2_000).map(|index| (start * 7919 + index * 31) % 60_000).collect();
            max_gram.forget();
            max_gram.observe(&text);
            max_gram.rejected(start, start + 1, &text);
        }
        assert!(max_gram.lasting_bytes() < 1 << 21, "{}", max_gram.lasting_bytes());
    }
}
