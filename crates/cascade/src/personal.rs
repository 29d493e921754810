//! What the user's earlier chats said.

use crate::model::Token;

/// Shortest match: shorter ones are too often chance in a long text.
const SHORTEST: usize = 3;

/// Longest match that is told apart.
const LONGEST: usize = 32;

/// Places that are looked at, the latest first.
const LOOKED: usize = 8;

/// Lists of places, a power of two.
const LISTS: usize = 1 << 16;

/// Stands between texts; no vocabulary is as large.
const END: Token = Token::MAX;

/// Ends a list of places.
const NOWHERE: u32 = u32::MAX;

/// Tokens of earlier chats, the newest kept, in which the end of a text is looked up.
///
/// Every place is listed under its last three tokens (hash chains as in LZ77 compressors), so a look-up costs a few comparisons
/// however much is held, and a new token the same. Ten bytes a token and a quarter of a megabyte: 2.8 MB for the 200,000
/// tokens of [`MOST`](Self::MOST).
#[derive(Debug, Clone, Default)]
pub struct Personal {
    /// At most `most` and a quarter, so that the oldest are dropped now and then and not at every text.
    tokens: Vec<Token>,
    /// For each index the one before it with the same hash of the tokens in front.
    before: Vec<u32>,
    /// For each hash the last index.
    last: Vec<u32>,
    most: usize,
    /// Tokens from here on are none of the vocabulary.
    below: Token,
}

impl Personal {
    /// How many tokens are usually kept.
    pub const MOST: usize = 200_000;

    /// Keeps the newest `most` tokens.
    pub fn new(most: usize) -> Self {
        Self { most, below: END, ..Self::default() }
    }

    /// The same with what [`tokens`](Self::tokens) gave earlier.
    pub fn with_tokens(most: usize, tokens: &[Token]) -> Self {
        let mut personal = Self::new(most);
        personal.rebuild(&tokens[tokens.len().saturating_sub(most)..]);
        personal
    }

    /// Takes in a text: a question or an answer.
    pub fn add(&mut self, text: &[Token]) {
        let text = &text[text.len().saturating_sub(self.most)..];
        if text.is_empty() {
            return;
        }
        if self.tokens.len() + text.len() + 1 > self.most + self.most / 4 {
            let kept = self.most.saturating_sub(text.len() + 1).min(self.tokens.len());
            let newest = self.tokens.split_off(self.tokens.len() - kept);
            self.rebuild(&newest);
        }
        if self.last.is_empty() {
            self.last = vec![NOWHERE; LISTS];
        }
        for token in text.iter().chain([&END]) {
            self.push(*token);
        }
    }

    fn rebuild(&mut self, tokens: &[Token]) {
        let room = self.most + self.most / 4;
        self.tokens = Vec::with_capacity(room);
        self.before = Vec::with_capacity(room);
        self.last = vec![NOWHERE; LISTS];
        for token in tokens {
            self.push(*token);
        }
    }

    fn push(&mut self, token: Token) {
        let token = if token < self.below { token } else { END };
        let index = self.tokens.len() as u32;
        let list = self.tokens.last_chunk().map(list);
        let before = list.map_or(NOWHERE, |list| std::mem::replace(&mut self.last[list], index));
        self.before.push(before);
        self.tokens.push(token);
    }

    /// Leaves and takes in nothing that is no token of a vocabulary of `size` tokens: what comes from a file may be damaged.
    pub(crate) fn keep_below(&mut self, size: usize) {
        self.below = Token::try_from(size).unwrap_or(END);
        if self.tokens.iter().any(|token| *token >= self.below && *token != END) {
            let tokens = std::mem::take(&mut self.tokens);
            self.rebuild(&tokens);
        }
    }

    /// All that is held, oldest first, with a token of no vocabulary between texts: for keeping it.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Where the end of `text` stands: length of the match, how many of the places looked at go on in the same way, and
    /// the index of what follows at the latest of the longest.
    pub(crate) fn find(&self, text: &[Token]) -> Option<(usize, u32, usize)> {
        let end: &[Token; SHORTEST] = text.last_chunk()?;
        let mut index = *self.last.get(list(end))?;
        let mut best: Option<(usize, usize)> = None;
        let mut places = [END; LOOKED];
        for place in &mut places {
            if index == NOWHERE {
                break;
            }
            let at = index as usize;
            index = self.before[at];
            let next = self.tokens[at];
            let same = text.iter().rev().zip(self.tokens[..at].iter().rev()).take(LONGEST);
            let length = same.take_while(|(a, b)| a == b).count();
            if next == END || length < SHORTEST {
                continue;
            }
            *place = next;
            if best.is_none_or(|(longest, _)| length > longest) {
                best = Some((length, at));
            }
        }
        let (length, at) = best?;
        let count = places.iter().filter(|next| **next == self.tokens[at]).count() as u32;
        Some((length, count, at))
    }

    /// What stands at `index` and behind it up to the end of its text.
    pub(crate) fn from(&self, index: usize) -> impl Iterator<Item = Token> + '_ {
        self.tokens.get(index..).unwrap_or_default().iter().copied().take_while(|token| *token != END)
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        (self.tokens.capacity() + self.before.capacity() + self.last.capacity()) * size_of::<u32>()
    }
}

/// The list under which a place behind these tokens stands.
fn list(tokens: &[Token; SHORTEST]) -> usize {
    // Fibonacci hashing (Knuth, volume 3, 6.4), token by token.
    let mix = |hash: u64, token: &Token| (hash ^ u64::from(*token)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (tokens.iter().fold(0, mix) >> 48) as usize & (LISTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn knowing(texts: &[&[Token]]) -> Personal {
        let mut personal = Personal::new(1000);
        for text in texts {
            personal.add(text);
        }
        personal
    }

    fn goes_on(personal: &Personal, text: &[Token]) -> Option<(usize, u32, Vec<Token>)> {
        personal.find(text).map(|(length, count, index)| (length, count, personal.from(index).collect()))
    }

    #[test]
    fn the_longest_match_of_earlier_chats_goes_on_to_the_end_of_its_text() {
        let personal = knowing(&[&[1, 2, 3, 4, 5], &[9, 2, 3, 4, 7], &[8, 8, 8]]);
        assert_eq!(goes_on(&personal, &[6, 2, 3, 4]), Some((3, 1, vec![7])), "the latest of equals");
        assert_eq!(goes_on(&personal, &[6, 1, 2, 3, 4]), Some((4, 1, vec![5])), "the longer one");
        assert_eq!(goes_on(&personal, &[1, 2, 3]), Some((3, 1, vec![4, 5])));
        assert_eq!(goes_on(&personal, &[2, 3]), None, "two tokens are no match");
        assert_eq!(goes_on(&personal, &[3, 4, 5]), None, "nothing stands behind the end of a text");
        assert_eq!(goes_on(&personal, &[5, 9, 2]), None, "no match runs across two texts");
        assert_eq!(goes_on(&Personal::new(9), &[1, 2, 3]), None);
    }

    #[test]
    fn places_that_agree_are_counted() {
        let personal = knowing(&[&[1, 2, 3, 4], &[1, 2, 3, 5], &[1, 2, 3, 4]]);
        assert_eq!(goes_on(&personal, &[1, 2, 3]), Some((3, 2, vec![4])));
    }

    #[test]
    fn tokens_of_no_vocabulary_are_never_said() {
        let mut personal = Personal::with_tokens(100, &[1, 2, 3, 4, 70, 1, 2, 3, 60]);
        personal.keep_below(60);
        assert_eq!(goes_on(&personal, &[1, 2, 3]), Some((3, 1, vec![4])));
        personal.add(&[7, 8, 9, 10, 60, 11]);
        assert_eq!(goes_on(&personal, &[7, 8, 9]), Some((3, 1, vec![10])), "nor are those that come later");
    }

    #[test]
    fn memory_is_bounded_and_the_newest_are_kept() {
        let mut personal = Personal::new(Personal::MOST);
        for chat in 0..2_000_u32 {
            let text: Vec<Token> = (0..700).map(|index| (chat * 7919 + index * 31) % 50_000).collect();
            personal.add(&text);
            assert!(personal.tokens().len() <= Personal::MOST * 5 / 4);
        }
        assert!(personal.bytes() <= Personal::MOST * 10 + (1 << 18), "{}", personal.bytes());
        let newest: Vec<Token> = (0..700).map(|index| (1_999 * 7919 + index * 31) % 50_000).collect();
        assert_eq!(goes_on(&personal, &newest[..9]).map(|(.., on)| on), Some(newest[9..].to_vec()));
        let again = Personal::with_tokens(Personal::MOST, personal.tokens());
        assert_eq!(again.tokens(), &personal.tokens()[personal.tokens().len() - Personal::MOST..]);
        assert_eq!(goes_on(&again, &newest[..9]).map(|(.., on)| on), Some(newest[9..].to_vec()));
        personal.add(&vec![3; 10 * Personal::MOST]);
        assert!(personal.tokens().len() <= Personal::MOST + 1, "one text longer than all");
    }

    #[test]
    fn a_look_up_costs_the_same_however_much_is_held() {
        // The worst case: every place stands in one list.
        let mut personal = Personal::new(Personal::MOST);
        personal.add(&vec![5; Personal::MOST]);
        assert_eq!(personal.find(&[5; 64]).map(|(length, count, _)| (length, count)), Some((LONGEST, 7)));
    }

    proptest! {
        #[test]
        fn what_it_says_stood_there(
            texts in prop::collection::vec(prop::collection::vec(0_u32..4, 0..40), 0..8), text in prop::collection::vec(0_u32..4, 0..12),
            most in 10_usize..80,
        ) {
            let mut personal = Personal::new(most);
            for text in &texts {
                personal.add(text);
            }
            prop_assert!(personal.tokens().len() <= most + most / 4 + 1);
            if let Some((length, count, index)) = personal.find(&text) {
                prop_assert!(length >= SHORTEST && count >= 1);
                prop_assert_eq!(&personal.tokens()[index - length..index], &text[text.len() - length..]);
                prop_assert!(personal.from(index).next().is_some());
            } else if let Some(end) = text.last_chunk::<SHORTEST>() {
                // Few places: none is missed.
                let stands = texts.last().is_some_and(|last| last.len() < most / 2 && last.windows(4).any(|w| w[..3] == end[..]));
                prop_assert!(!stands);
            }
        }
    }
}
