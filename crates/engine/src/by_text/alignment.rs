//! One text in the tokens of two vocabularies.

use std::collections::HashMap;

use cascade::Token;

/// So many bytes of what a draft has read are cut into tokens anew at most when the text goes on: a word's end may have become its middle.
const TAIL: usize = 64;

/// Tokens of its own that a draft says at most for one of the target's.
const AHEAD: usize = 16;

/// The scripts from here on have no spaces between words, and short tokens.
const FIRST_IDEOGRAPH: char = '\u{2E80}';

/// Stands for a special token in a text's bytes: no character has it.
const SPECIAL: u8 = 0xFF;

/// Cuts text into tokens.
pub(crate) trait Tokenizer {
    /// Tokens of whole characters, as if nothing stood before them. Nothing in them is markup.
    fn tokens_of(&self, text: &[u8]) -> Vec<Token>;

    /// Appends the bytes of `token`; a special one has none.
    fn bytes_of(&self, token: Token, bytes: &mut Vec<u8>);
}

/// A tokenizer does not give back what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its tokenizer changes the text")]
pub(crate) struct Unfaithful;

/// What a draft has for the target behind the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Proposal {
    /// A token.
    Token {
        token: Token,
        /// How sure the draft is of it.
        sure: f32,
        /// Whether it reaches into the draft's own next token.
        takes_next: bool,
    },
    /// Nothing yet: the draft's next token has to stand first.
    More,
    /// Nothing.
    Nothing,
}

/// How special tokens of the target stand in the draft's text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Specials {
    /// The draft's tokens for each.
    pub(crate) tokens: HashMap<Token, Vec<Token>>,
    /// The draft's tokens in front of everything.
    pub(crate) lead: Vec<Token>,
}

/// A token of the draft.
#[derive(Debug, Clone, Copy)]
struct Own {
    token: Token,
    /// Bytes of the text up to its end.
    end: usize,
    /// How sure the draft was of it, if it said it itself; None if it is from the text.
    said: Option<f32>,
}

/// A text in the target's tokens, and in those of a draft, which may go on behind it with what the draft says.
///
/// The draft's tokens always have the text's bytes, but are not always those that its tokenizer would cut the whole text into: what stands is
/// only cut anew where the text goes on.
#[derive(Debug)]
pub(crate) struct Alignment<'m, T> {
    target: &'m T,
    draft: &'m T,
    specials: Specials,
    /// The target's tokens, where each ends, and the bytes of all.
    text: Vec<Token>,
    ends: Vec<usize>,
    bytes: Vec<u8>,
    /// The draft's tokens and their bytes. What is no character is in the bytes and in no token.
    own: Vec<Own>,
    own_bytes: Vec<u8>,
    /// So many bytes are known to be the same.
    agreed: usize,
    /// How many of the draft's tokens, from the first on, are those that the model holds.
    known: usize,
}

impl<'m, T: Tokenizer> Alignment<'m, T> {
    pub(crate) fn new(target: &'m T, draft: &'m T, specials: Specials) -> Self {
        let mut new = Self {
            target,
            draft,
            specials,
            text: Vec::new(),
            ends: Vec::new(),
            bytes: Vec::new(),
            own: Vec::new(),
            own_bytes: Vec::new(),
            agreed: 0,
            known: 0,
        };
        new.clear();
        new
    }

    /// Forgets everything and gives its memory back.
    pub(crate) fn clear(&mut self) {
        (self.text, self.ends, self.bytes, self.own_bytes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        self.own = self.specials.lead.iter().map(|token| Own { token: *token, end: 0, said: None }).collect();
        (self.agreed, self.known) = (0, 0);
    }

    /// Tokens of the text, as the target counts them.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// The draft's tokens from number `from` on.
    pub(crate) fn own(&self, from: usize) -> impl ExactSizeIterator<Item = Token> + '_ {
        self.own[from..].iter().map(|own| own.token)
    }

    /// How many they are.
    pub(crate) fn own_len(&self) -> usize {
        self.own.len()
    }

    /// How many of them, from the first on, the model holds, if it still holds what it did when that was last said.
    pub(crate) fn known(&self) -> usize {
        self.known
    }

    /// The model holds the first so many.
    pub(crate) fn set_known(&mut self, known: usize) {
        self.known = known.min(self.own.len());
    }

    /// Appends a token of the target.
    pub(crate) fn push(&mut self, token: Token) {
        let before = self.bytes.len();
        self.target.bytes_of(token, &mut self.bytes);
        if self.bytes.len() == before {
            self.bytes.push(SPECIAL);
        }
        self.text.push(token);
        self.ends.push(self.bytes.len());
    }

    /// Keeps the first `len` tokens of the text. What the draft said behind them stays until the text goes on otherwise.
    pub(crate) fn truncate(&mut self, len: usize) {
        if len >= self.text.len() {
            return;
        }
        self.text.truncate(len);
        self.ends.truncate(len);
        let end = self.ends.last().copied().unwrap_or_default();
        self.bytes.truncate(end);
        self.agreed = self.agreed.min(end);
        // What was read of the text that is gone is nothing that the draft would say.
        let behind = self.own.partition_point(|own| own.end <= end);
        let read = self.own[behind..].iter().position(|own| own.said.is_none());
        self.cut(read.map_or(self.own.len(), |read| behind + read));
        let last = self.own.last().map_or(0, |own| own.end);
        self.own_bytes.truncate(last.max(end));
    }

    /// Keeps the draft's first `count` tokens.
    fn cut(&mut self, count: usize) {
        if count < self.own.len() {
            self.own.truncate(count);
            let end = self.own.last().map_or(0, |own| own.end);
            self.own_bytes.truncate(end);
            self.agreed = self.agreed.min(end);
            self.known = self.known.min(count);
        }
    }

    /// Makes the draft's tokens those of the text, as far as that has whole characters. What the draft said stays where the text says it too.
    ///
    /// # Errors
    /// Its tokenizer cannot be used for that; its tokens are some of the text then.
    pub(crate) fn align(&mut self) -> Result<(), Unfaithful> {
        let most = self.own_bytes.len().min(self.bytes.len());
        let pairs = self.own_bytes[self.agreed..most].iter().zip(&self.bytes[self.agreed..most]);
        self.agreed += pairs.take_while(|(own, text)| own == text).count();
        if self.agreed < most {
            let agreed = self.agreed;
            self.cut(self.own.partition_point(|own| own.end <= agreed));
            self.own_bytes.truncate(agreed);
        }
        let whole = whole(&self.bytes);
        if self.own_bytes.len() >= whole {
            return Ok(());
        }
        let from = self.restart();
        let fresh = self.cut_up(self.end_of(from), whole)?;
        let same = |(own, fresh): &(&Own, &Own)| (own.token, own.end) == (fresh.token, fresh.end);
        let same = self.own[from..].iter().zip(&fresh).take_while(same).count();
        self.cut(from + same);
        self.own.extend_from_slice(&fresh[same..]);
        self.own_bytes.extend_from_slice(&self.bytes[self.own_bytes.len()..whole]);
        self.agreed = whole;
        Ok(())
    }

    /// Where the draft's first `count` tokens end.
    fn end_of(&self, count: usize) -> usize {
        count.checked_sub(1).map_or(0, |last| self.own[last].end)
    }

    /// How many of the draft's tokens stand for sure, whatever comes behind: those before the last word, or, in a text without such words, before
    /// the tail.
    fn restart(&self) -> usize {
        let bound = self.own_bytes.len().saturating_sub(TAIL);
        let (mut count, mut place) = (self.own.len(), usize::MAX);
        for candidate in (0..=self.own.len()).rev() {
            let at = self.end_of(candidate);
            // Of tokens that end at one place, as those of a special one do, none is apart from the others.
            if at == place || !self.is_between_characters(at) {
                continue;
            }
            if at < bound && place != usize::MAX {
                break;
            }
            (count, place) = (candidate, at);
            if at == 0 || at < bound || self.begins_word(at) {
                break;
            }
        }
        count
    }

    fn is_between_characters(&self, at: usize) -> bool {
        self.bytes.get(at).is_none_or(|byte| byte & 0b1100_0000 != 0b1000_0000)
    }

    /// Whether no tokenizer's token reaches over `at`: the first space behind a word, or the place behind a special token.
    fn begins_word(&self, at: usize) -> bool {
        let is_space = |byte: &u8| byte.is_ascii_whitespace();
        match self.bytes[..at].last() {
            Some(&SPECIAL) | None => true,
            Some(before) => !is_space(before) && self.bytes.get(at).is_some_and(is_space),
        }
    }

    /// The draft's tokens of the text's bytes `from` to `to`.
    fn cut_up(&self, from: usize, to: usize) -> Result<Vec<Own>, Unfaithful> {
        let (mut fresh, mut at, mut spelled) = (Vec::new(), from, Vec::new());
        for chunk in self.bytes[from..to].utf8_chunks() {
            let text = chunk.valid().as_bytes();
            spelled.clear();
            if !text.is_empty() {
                for token in self.draft.tokens_of(text) {
                    self.draft.bytes_of(token, &mut spelled);
                    fresh.push(Own { token, end: at + spelled.len(), said: None });
                }
            }
            if spelled != text {
                return Err(Unfaithful);
            }
            at += text.len();
            for _ in chunk.invalid() {
                let tokens = self.special_at(at).into_iter().flatten();
                at += 1;
                fresh.extend(tokens.map(|token| Own { token: *token, end: at, said: None }));
            }
        }
        Ok(fresh)
    }

    /// The draft's tokens for the special token of the target at byte `at`, if one is there.
    fn special_at(&self, at: usize) -> Option<&Vec<Token>> {
        let token = self.text.get(self.ends.partition_point(|end| *end <= at))?;
        self.specials.tokens.get(token)
    }

    /// The draft says `token`, of which it is so sure.
    pub(crate) fn say(&mut self, token: Token, sure: f32) {
        self.draft.bytes_of(token, &mut self.own_bytes);
        self.own.push(Own { token, end: self.own_bytes.len(), said: Some(sure) });
    }

    /// What follows of what the draft has said, and would say `next` if it is so sure of that. The text must be [aligned](Self::align).
    ///
    /// A token is only proposed once the word that it ends in is over, as it might grow, or once the draft has ended its text. Special tokens never
    /// are.
    pub(crate) fn proposal(&self, (next, sure): (Token, f32)) -> Proposal {
        let (end, from) = (self.bytes.len(), whole(&self.bytes));
        let behind = self.own.partition_point(|own| own.end <= end);
        let mut said = self.own_bytes.get(from..).unwrap_or_default().to_vec();
        let begins = from + said.len();
        self.draft.bytes_of(next, &mut said);
        // Where it says something special, or what is no text, it has come to an end.
        let checked = std::str::from_utf8(&said);
        let valid = checked.map_or_else(|error| error.valid_up_to(), str::len);
        let is_broken = checked.is_err_and(|error| error.error_len().is_some());
        let ended = begins == from + said.len() || is_broken;
        let is_long = self.own.len() - behind >= AHEAD;
        let more = if ended || is_long { Proposal::Nothing } else { Proposal::More };
        let open = end - from;
        if said.len() < open || said[..open] != self.bytes[from..] {
            return if self.bytes[from..].starts_with(&said) { more } else { Proposal::Nothing };
        }
        // A character that the text has begun is cut up as a whole: a token must begin where the text ends.
        let tokens = self.target.tokens_of(&said[..valid]);
        let settled = if ended { valid } else { settled(&String::from_utf8_lossy(&said[..valid])) };
        let mut spelled = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let start = spelled.len();
            self.target.bytes_of(*token, &mut spelled);
            if !said.starts_with(&spelled) || spelled.len() == start || start > open {
                return Proposal::Nothing;
            }
            if start == open {
                // In a word without an end nothing but what stands behind a token tells that it is one.
                if spelled.len() > settled && !(is_long && index + 1 < tokens.len()) {
                    return more;
                }
                let reaches = from + spelled.len();
                let own = self.own[behind..].iter().scan(self.end_of(behind), |start, own| {
                    let begins = std::mem::replace(start, own.end);
                    (begins < reaches).then(|| own.said.unwrap_or_default())
                });
                let takes_next = begins < reaches;
                let sure = own.chain(Some(sure).filter(|_| takes_next)).product();
                return Proposal::Token { token: *token, sure, takes_next };
            }
        }
        more
    }
}

/// How much of what a draft said no longer depends on what it says next: up to the last place over which hardly a token of any tokenizer
/// reaches. That is behind letters or digits, where something else follows, and between characters of which each may be a word.
fn settled(said: &str) -> usize {
    let kind = |c: char| (c.is_alphabetic(), c.is_numeric());
    let others = said.char_indices().skip(1);
    let pairs = said.chars().zip(others);
    let is_over = |(before, (_, next)): &(char, (usize, char))| {
        *before >= FIRST_IDEOGRAPH || before.is_alphanumeric() && kind(*before) != kind(*next)
    };
    pairs.filter(is_over).last().map_or(0, |(_, (at, _))| at)
}

/// How many of `bytes` are there without the character that they only begin.
fn whole(bytes: &[u8]) -> usize {
    let needed = |byte: u8| match byte {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 0,
    };
    let begun = (1..=bytes.len().min(3)).find(|back| bytes[bytes.len() - back] & 0b1100_0000 != 0b1000_0000);
    match begun {
        Some(back) if needed(bytes[bytes.len() - back]) > back => bytes.len() - back,
        _ => bytes.len(),
    }
}

#[cfg(test)]
#[path = "alignment_tests.rs"]
mod tests;
