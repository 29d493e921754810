//! The few best tokens of a row of scores: how sure a model is, and what else it thought of.

use crate::model::Token;
use crate::row::above;

/// Tokens that are kept of a row.
pub(crate) const BEST: usize = 4;

/// The best tokens of a row, best first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glance {
    best: [(f32, Token); BEST],
    found: usize,
    /// Whether a score is +∞, which is as broken as NaN: nothing can be compared with it.
    broken: bool,
}

impl Glance {
    /// Looks at `row`. What is no finite number is passed over.
    pub(crate) fn at(row: &[f32]) -> Self {
        let mut glance = Self { best: [(f32::NEG_INFINITY, 0); BEST], found: 0, broken: false };
        above(row, |score, token| {
            glance.add(score, token);
            glance.best[BEST - 1].0
        });
        glance
    }

    fn add(&mut self, score: f32, token: Token) {
        self.broken |= score.is_infinite();
        if score.is_finite() && score > self.best[BEST - 1].0 {
            let place = self.best.iter().position(|(other, _)| score > *other).unwrap_or(BEST - 1);
            self.best[place..].rotate_right(1);
            self.best[place] = (score, token);
            self.found = BEST.min(self.found + 1);
        }
    }

    /// The best token with its score, and its probability against the second best alone. Ties go to the lower id. None if
    /// no score is a finite number or one is +∞.
    pub(crate) fn best_two(&self) -> Option<((f32, Token), f32)> {
        let [best, second, ..] = self.best;
        (self.found > 0 && !self.broken).then(|| (best, 1.0 / (1.0 + (second.0 - best.0).exp())))
    }

    /// The tokens, best first; at most four.
    pub(crate) fn tokens(&self) -> impl DoubleEndedIterator<Item = Token> + '_ {
        self.best[..self.found].iter().map(|(_, token)| *token)
    }

    /// Probability of `token` among the best alone, 0 if it is none of them.
    ///
    /// The true probability would need an exponential for each token of the vocabulary, and tells hardly more.
    pub(crate) fn share(&self, token: Token) -> f32 {
        let weight = |score: f32| (score - self.best[0].0).exp();
        let of = |wanted: &dyn Fn(Token) -> bool| -> f32 {
            self.best[..self.found].iter().filter(|(_, token)| wanted(*token)).map(|(score, _)| weight(*score)).sum()
        };
        if self.found == 0 { 0.0 } else { of(&|other| other == token) / of(&|_| true) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_are_those_of_the_best_four() {
        let row = [0.0_f32, 2.0, f32::NAN, 1.0, f32::NEG_INFINITY, -1.0, -2.0];
        let glance = Glance::at(&row);
        assert_eq!(glance.tokens().collect::<Vec<_>>(), [1, 3, 0, 5]);
        let sum: f32 = [2.0_f32, 1.0, 0.0, -1.0].map(f32::exp).iter().sum();
        assert!((glance.share(3) - 1.0_f32.exp() / sum).abs() < 1e-6);
        assert!(glance.share(6).abs() < 1e-9 && Glance::at(&[f32::NAN]).share(0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn it_finds_the_best_wherever_they_stand(row in prop::collection::vec(-9.0_f32..9.0, 1..300)) {
            let mut sorted: Vec<f32> = row.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let found: Vec<f32> = Glance::at(&row).tokens().map(|token| row[token as usize]).collect();
            prop_assert_eq!(&found[..], &sorted[..row.len().min(BEST)]);
        }
    }
}
