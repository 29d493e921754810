//! The few best tokens of a row of scores: how sure a model is, and what else it thought of.

use crate::model::Token;

/// Tokens that are kept of a row.
pub(crate) const BEST: usize = 4;

/// Scores looked at in one go: a block without a score among the best is skipped after one comparison.
const BLOCK: usize = 64;

/// The best tokens of a row, best first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glance {
    best: [(f32, Token); BEST],
    found: usize,
}

impl Glance {
    /// Looks at `row`. What is no finite number is passed over.
    pub(crate) fn at(row: &[f32]) -> Self {
        let mut glance = Self { best: [(f32::NEG_INFINITY, 0); BEST], found: 0 };
        for (block, scores) in row.chunks(BLOCK).enumerate() {
            let floor = glance.best[BEST - 1].0;
            if scores.iter().fold(f32::NEG_INFINITY, |most, score| most.max(*score)) > floor {
                for (index, &score) in scores.iter().enumerate() {
                    glance.add(score, (block * BLOCK + index) as Token);
                }
            }
        }
        glance
    }

    fn add(&mut self, score: f32, token: Token) {
        if score.is_finite() && score > self.best[BEST - 1].0 {
            let place = self.best.iter().position(|(other, _)| score > *other).unwrap_or(BEST - 1);
            self.best[place..].rotate_right(1);
            self.best[place] = (score, token);
            self.found = BEST.min(self.found + 1);
        }
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
