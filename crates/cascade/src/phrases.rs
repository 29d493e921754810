use crate::model::Token;

/// Tokens that are remembered at least, and half of those at most.
const REMEMBERED: usize = 512;

/// Longest part of a rejected draft that is remembered.
const LONGEST: usize = 12;

/// Longest match that is told apart.
const MATCHED: usize = 4;

/// Stands between phrases; no vocabulary is as large.
const END: Token = Token::MAX;

/// What drafts went on with behind a token that the reviewer put right (a phrase pool as in Ouroboros, arXiv 2402.13720).
///
/// A draft that got one word wrong is often right again behind it.
#[derive(Debug, Default)]
pub(crate) struct Phrases {
    tokens: Vec<Token>,
}

impl Phrases {
    /// Remembers that `own` came in place of `wrong`, behind which `rest` had been drafted.
    pub(crate) fn add(&mut self, own: Token, wrong: Token, rest: &[Token]) {
        if self.tokens.len() > 2 * REMEMBERED {
            self.tokens.drain(..REMEMBERED);
        }
        let rest = &rest[..rest.len().min(LONGEST)];
        // Either `own` was left out, or it stands for `wrong`; the latter is likelier and looked at first.
        self.tokens.extend([own, wrong]);
        self.tokens.extend_from_slice(rest);
        self.tokens.push(END);
        if !rest.is_empty() {
            self.tokens.push(own);
            self.tokens.extend_from_slice(rest);
            self.tokens.push(END);
        }
    }

    /// The longest and among these the latest place where the end of `text` stands: length and index of what follows.
    pub(crate) fn find(&self, text: &[Token]) -> Option<(usize, usize)> {
        let last = *text.last()?;
        let mut best: Option<(usize, usize)> = None;
        for (before, pair) in self.tokens.windows(2).enumerate().rev() {
            let index = before + 1;
            if pair[0] != last || pair[1] == END {
                continue;
            }
            let same = text.iter().rev().zip(self.tokens[..index].iter().rev()).take(MATCHED);
            let length = same.take_while(|(a, b)| a == b).count();
            if best.is_none_or(|(longest, _)| length > longest) {
                best = Some((length, index));
            }
            if length == MATCHED {
                break;
            }
        }
        best
    }

    /// What stands at `index` and behind it up to the end of the phrase.
    pub(crate) fn from(&self, index: usize) -> impl Iterator<Item = Token> + '_ {
        self.tokens.get(index..).unwrap_or_default().iter().copied().take_while(|token| *token != END)
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.tokens.capacity() * size_of::<Token>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_that_was_wrong_in_one_word_goes_on_behind_the_right_one() {
        let mut phrases = Phrases::default();
        phrases.add(50, 7, &[8, 9]);
        let (length, index) = phrases.find(&[1, 50]).unwrap();
        assert_eq!((length, phrases.from(index).collect::<Vec<_>>()), (1, vec![8, 9]));
        let (length, index) = phrases.find(&[50, 7]).unwrap();
        assert_eq!((length, phrases.from(index).collect::<Vec<_>>()), (2, vec![8, 9]), "a word had been left out");
        assert_eq!(phrases.find(&[1, 9]), None, "nothing follows");
        assert_eq!(phrases.find(&[]), None);
    }

    #[test]
    fn memory_stays_bounded() {
        let mut phrases = Phrases::default();
        for token in 0..10_000 {
            phrases.add(token, token + 1, &[token + 2; 40]);
        }
        assert!(phrases.bytes() <= 4 * REMEMBERED * size_of::<Token>() && phrases.find(&[9_999]).is_some());
        assert_eq!(phrases.find(&[3]), None);
    }
}
