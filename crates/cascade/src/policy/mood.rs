//! How the answer at hand differs from those before it.

use super::forecast::{log_odds, probability};

/// Information that an answer like all others is worth, against that of its own tokens.
const PRIOR: f64 = 6.0;

/// What a new token leaves of the information of the older ones: an answer may change its subject.
const KEEP: f64 = 0.97;

/// A shift of log-odds that explains why drafts are kept more or less often in this answer than elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Mood {
    shift: f64,
    known: f64,
}

impl Mood {
    /// What is added to log-odds.
    pub(super) fn shift(self) -> f64 {
        self.shift
    }

    /// The chance in this answer of what elsewhere is kept with probability `usual`.
    pub(super) fn of(self, usual: f64) -> f64 {
        probability(log_odds(usual) + self.shift)
    }

    /// Takes in whether a token was kept that elsewhere is kept with probability `usual`.
    pub(super) fn saw(&mut self, usual: f64, kept: bool) {
        let expected = self.of(usual);
        self.known = self.known * KEEP + expected * (1.0 - expected);
        let pull = f64::from(u8::from(kept)) - expected - (1.0 - KEEP) * PRIOR * self.shift;
        self.shift += pull / (PRIOR + self.known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_unlike_the_others_is_noticed_within_a_few_tokens_and_forgotten_again() {
        let mut mood = Mood::default();
        (0..20).for_each(|_| mood.saw(0.8, false));
        assert!(probability(log_odds(0.8) + mood.shift()) < 0.55, "{mood:?}");
        for index in 0..400 {
            mood.saw(0.8, index % 5 != 0);
        }
        assert!(mood.shift().abs() < 0.4, "{mood:?}");
    }
}
