//! What an answer may look like, and how a run keeps to it.

use crate::model::Token;

/// The language that an answer has to belong to: a state that follows the answer token by token and can be taken back.
///
/// Everything it says depends on the tokens it holds only, not on how it came to hold them: a token taken and rolled
/// back leaves no trace. End tokens are none of its business, the run adds them where the answer may end.
pub trait Constraint {
    /// Allows in `mask` (which allows nothing yet) what may come next, and says whether the answer may end here.
    ///
    /// # Errors
    /// Why it cannot tell, for example that it would take too long. It must work again once it is rolled back.
    fn allow(&mut self, mask: &mut TokenMask) -> Result<bool, String>;

    /// Takes `token` as the next one. False if it may not stand here: then nothing has changed.
    fn accept(&mut self, token: Token) -> bool;

    /// Takes back the last `tokens` tokens; there are at least as many.
    fn roll_back(&mut self, tokens: usize);
}

/// A set of tokens of one vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenMask {
    words: Vec<u32>,
    size: usize,
}

impl TokenMask {
    /// The empty set over a vocabulary of `size` tokens.
    pub fn new(size: usize) -> Self {
        Self { words: vec![0; size.div_ceil(32)], size }
    }

    /// Adds `token`; one that is not in the vocabulary is passed over.
    pub fn allow(&mut self, token: Token) {
        self.set(token, true);
    }

    /// Adds every token `32·i + b` where bit b of `words[i]` is set, up to the vocabulary's size.
    pub fn allow_words(&mut self, words: &[u32]) {
        for (own, other) in self.words.iter_mut().zip(words) {
            *own |= other;
        }
        let open = self.size % 32;
        if let Some(last) = self.words.last_mut().filter(|_| open > 0) {
            *last &= (1 << open) - 1;
        }
    }

    /// Whether `token` is in the set.
    pub fn allows(&self, token: Token) -> bool {
        self.words.get(token as usize / 32).is_some_and(|word| word >> (token % 32) & 1 == 1)
    }

    /// Whether no token is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    fn set(&mut self, token: Token, allowed: bool) {
        if (token as usize) < self.size {
            let bit = 1 << (token % 32);
            let word = &mut self.words[token as usize / 32];
            *word = if allowed { *word | bit } else { *word & !bit };
        }
    }

    fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Takes the scores of all other tokens away.
    pub(crate) fn silence(&self, row: &mut [f32]) {
        for (word, scores) in self.words.iter().zip(row.chunks_mut(32)) {
            for (bit, score) in scores.iter_mut().enumerate() {
                if word >> bit & 1 == 0 {
                    *score = f32::NEG_INFINITY;
                }
            }
        }
    }
}

/// What may come at one place of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Some token.
    Open,
    /// Only the end.
    End,
    /// Nothing at all, not even the end.
    Nothing,
    /// The constraint could not tell.
    Unknown,
}

/// A place of the text that was looked at.
struct Place {
    /// Tokens of the text in front of it.
    at: usize,
    outlook: Outlook,
    mask: TokenMask,
    /// Why the constraint could not tell; empty if it could.
    reason: String,
}

/// Follows the text with a constraint. What it found out about a place is kept until the text in front of it changes.
pub(crate) struct Guard<'r> {
    constraint: Box<dyn Constraint + 'r>,
    end_tokens: &'r [Token],
    size: usize,
    /// Tokens of the text, prompt included, that the constraint has taken in.
    followed: usize,
    places: Vec<Place>,
    /// Masks to be used again.
    spare: Vec<TokenMask>,
}

impl<'r> Guard<'r> {
    /// `constraint` knows nothing of the answer yet, which begins behind `prompt` tokens.
    pub(crate) fn new(
        constraint: Box<dyn Constraint + 'r>,
        end_tokens: &'r [Token],
        size: usize,
        prompt: usize,
    ) -> Self {
        Self { constraint, end_tokens, size, followed: prompt, places: Vec::new(), spare: Vec::new() }
    }

    /// What may come behind the first `at` tokens of `text`, and the mask of it.
    pub(crate) fn look(&mut self, text: &[Token], at: usize) -> (Outlook, &TokenMask) {
        let known = self.places.iter().rposition(|place| place.at == at);
        let index = known.unwrap_or_else(|| {
            let place = self.find_out(text, at);
            self.places.push(place);
            self.places.len() - 1
        });
        let place = &self.places[index];
        (place.outlook, &place.mask)
    }

    fn find_out(&mut self, text: &[Token], at: usize) -> Place {
        let mut mask = self.spare.pop().unwrap_or_else(|| TokenMask::new(self.size));
        mask.clear();
        let ends = if self.follow(text, at) {
            self.constraint.allow(&mut mask)
        } else {
            Err("it refused a token that it had allowed".to_owned())
        };
        // Where the answer may end is the constraint's to say, with which token is the request's.
        for &end in self.end_tokens {
            mask.set(end, false);
        }
        let outlook = match &ends {
            Err(_) => {
                mask.clear();
                Outlook::Unknown
            }
            Ok(_) if !mask.is_empty() => Outlook::Open,
            Ok(true) => Outlook::End,
            Ok(false) => Outlook::Nothing,
        };
        if ends == Ok(true) {
            self.end_tokens.iter().for_each(|end| mask.set(*end, true));
        }
        Place { at, outlook, mask, reason: ends.err().unwrap_or_default() }
    }

    /// Whether the token of `text` at index `at` may stand there. Cheaper than a look.
    pub(crate) fn admits(&mut self, text: &[Token], at: usize) -> bool {
        if self.end_tokens.contains(&text[at]) || self.places.iter().any(|place| place.at == at) {
            return self.look(text, at).1.allows(text[at]);
        }
        self.follow(text, at + 1)
    }

    /// Brings the constraint to the first `to` tokens of `text`; false if it refuses one of them.
    fn follow(&mut self, text: &[Token], to: usize) -> bool {
        self.take_back(to);
        while self.followed < to {
            if !self.constraint.accept(text[self.followed]) {
                return false;
            }
            self.followed += 1;
        }
        true
    }

    /// Only the first `len` tokens of the text stand.
    pub(crate) fn cut(&mut self, len: usize) {
        self.take_back(len);
        self.drop_places(|at| at > len);
    }

    /// The first `len` tokens of the text are final.
    pub(crate) fn commit(&mut self, len: usize) {
        self.drop_places(|at| at < len);
    }

    /// Why the constraint could not tell, the last time it was looked behind the first `at` tokens.
    pub(crate) fn reason(&self, at: usize) -> &str {
        self.places.iter().find(|place| place.at == at).map_or("", |place| &place.reason)
    }

    fn take_back(&mut self, len: usize) {
        if self.followed > len {
            self.constraint.roll_back(self.followed - len);
            self.followed = len;
        }
    }

    fn drop_places(&mut self, gone: impl Fn(usize) -> bool) {
        let mut index = 0;
        while index < self.places.len() {
            if gone(self.places[index].at) {
                self.spare.push(self.places.swap_remove(index).mask);
            } else {
                index += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At most three tokens, none twice, none above 34; what it is asked is counted.
    #[derive(Default)]
    struct Distinct {
        held: Vec<Token>,
        asked: usize,
    }

    impl Constraint for &mut Distinct {
        fn allow(&mut self, mask: &mut TokenMask) -> Result<bool, String> {
            self.asked += 1;
            if self.held.len() < 3 {
                (0..40).filter(|t| *t < 35 && !self.held.contains(t)).for_each(|t| mask.allow(t));
            }
            if self.held.last() == Some(&13) { Err("thirteen".to_owned()) } else { Ok(self.held.len() > 1) }
        }

        fn accept(&mut self, token: Token) -> bool {
            let may = self.held.len() < 3 && token < 35 && !self.held.contains(&token);
            if may {
                self.held.push(token);
            }
            may
        }

        fn roll_back(&mut self, tokens: usize) {
            self.held.truncate(self.held.len() - tokens);
        }
    }

    #[test]
    fn a_mask_holds_its_vocabulary_and_nothing_else() {
        let mut mask = TokenMask::new(35);
        mask.allow(34);
        mask.allow(35);
        assert!(mask.allows(34) && !mask.allows(35) && !mask.allows(4000));
        mask.allow_words(&[1, u32::MAX, u32::MAX]);
        let all: Vec<Token> = (0..99).filter(|t| mask.allows(*t)).collect();
        assert_eq!(all, [0, 32, 33, 34]);
        let mut row = vec![1.0; 35];
        mask.silence(&mut row);
        assert_eq!(row.iter().filter(|score| **score > 0.0).count(), 4);
        mask.clear();
        assert!(mask.is_empty());
    }

    #[test]
    fn a_guard_follows_the_text_back_and_forth_and_asks_once_for_each_place() {
        let mut distinct = Distinct::default();
        let mut guard = Guard::new(Box::new(&mut distinct), &[7], 40, 2);
        let text = [9, 9, 1, 2, 3];
        for at in [2, 5, 3, 4, 2, 3, 4, 5] {
            let (outlook, mask) = guard.look(&text, at);
            let answer = &text[2..at];
            assert_eq!(outlook, if answer.len() < 3 { Outlook::Open } else { Outlook::End });
            assert_eq!(mask.allows(7), answer.len() > 1, "the end token stands where the answer may end, at {at}");
            for token in (0..40).filter(|t| *t != 7) {
                assert_eq!(mask.allows(token), answer.len() < 3 && token < 35 && !answer.contains(&token));
            }
        }
        guard.cut(3);
        let other = [9, 9, 1, 1];
        assert!(!guard.admits(&other, 3) && guard.admits(&text, 3));
        assert!(!guard.admits(&[9, 9, 1, 7], 3), "too early to end");
        assert!(guard.admits(&[9, 9, 1, 2, 7], 4));
        drop(guard);
        assert_eq!(distinct.asked, 4 + 1, "the four places, and the fifth again after the cut");
    }

    #[test]
    fn a_constraint_that_cannot_tell_allows_nothing_until_it_is_rolled_back() {
        let mut distinct = Distinct::default();
        let mut guard = Guard::new(Box::new(&mut distinct), &[], 40, 0);
        let (outlook, mask) = guard.look(&[13], 1);
        assert!(outlook == Outlook::Unknown && mask.is_empty());
        assert_eq!(guard.reason(1), "thirteen");
        guard.cut(0);
        assert_eq!(guard.look(&[12], 1).0, Outlook::Open);
        assert_eq!(guard.look(&[12, 12], 2).0, Outlook::Unknown, "it cannot even be brought there");
    }
}
