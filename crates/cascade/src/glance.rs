//! The few best tokens of a row of scores: how sure a model is, and what else it thought of.

use crate::model::Token;
use crate::row::{from, tops};

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
    /// Looks at `row`, once: `parts` is then what [`tops`] found of it. What is no finite number is passed over.
    pub(crate) fn at(row: &[f32], parts: &mut Vec<f32>) -> Self {
        let mut glance = Self { best: [(f32::NEG_INFINITY, 0); BEST], found: 0, broken: false };
        tops(row, parts);
        let mut highest = [f32::NEG_INFINITY; BEST];
        for &top in parts.iter() {
            if top > highest[BEST - 1] {
                put(&mut highest, top, |other| top > *other);
            }
        }
        // The four best cannot lie below the fourth best of the parts' highest scores.
        from(row, parts, highest[BEST - 1].max(f32::MIN), |score, token| glance.add(score, token));
        glance
    }

    fn add(&mut self, score: f32, token: Token) {
        self.broken |= score >= f32::INFINITY;
        if score.is_finite() && score > self.best[BEST - 1].0 {
            put(&mut self.best, (score, token), |(other, _)| score > *other);
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

/// Puts `new` before the first of the best that it `exceeds`, or in the place of the last, which drops out.
fn put<T>(best: &mut [T; BEST], new: T, exceeds: impl Fn(&T) -> bool) {
    let place = best.iter().position(exceeds).unwrap_or(BEST - 1);
    best[place..].rotate_right(1);
    best[place] = new;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(row: &[f32]) -> Glance {
        Glance::at(row, &mut Vec::new())
    }

    #[test]
    fn shares_are_those_of_the_best_four() {
        let row = [0.0_f32, 2.0, f32::NAN, 1.0, f32::NEG_INFINITY, -1.0, -2.0];
        let glance = at(&row);
        assert_eq!(glance.tokens().collect::<Vec<_>>(), [1, 3, 0, 5]);
        let sum: f32 = [2.0_f32, 1.0, 0.0, -1.0].map(f32::exp).iter().sum();
        assert!((glance.share(3) - 1.0_f32.exp() / sum).abs() < 1e-6);
        assert!(glance.share(6).abs() < 1e-9 && at(&[f32::NAN]).share(0).abs() < 1e-9);
    }

    fn score() -> impl Strategy<Value = f32> {
        prop_oneof![8 => (-90_i8..90).prop_map(|tenths| f32::from(tenths) / 10.0), 1 => Just(f32::NAN), 1 => Just(f32::NEG_INFINITY)]
    }

    proptest! {
        #[test]
        fn it_finds_the_best_wherever_they_stand_the_lower_id_on_a_tie(row in prop::collection::vec(score(), 0..900)) {
            let mut sorted: Vec<(f32, Token)> = row.iter().copied().zip(0..).filter(|(score, _)| score.is_finite()).collect();
            sorted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let wanted: Vec<Token> = sorted.iter().take(BEST).map(|(_, token)| *token).collect();
            prop_assert_eq!(at(&row).tokens().collect::<Vec<_>>(), wanted);
        }

        #[test]
        fn one_infinite_score_makes_a_row_unusable(mut row in prop::collection::vec(score(), 1..900), at in 0_usize..900) {
            let at = at % row.len();
            row[at] = f32::INFINITY;
            prop_assert!(super::Glance::at(&row, &mut Vec::new()).best_two().is_none());
        }
    }
}
