use crate::model::Token;

/// What one rung draws a token from: the candidates after penalties, filters and temperature, everything else is impossible.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Odds {
    /// Weights above 0, in rising order of token.
    weights: Vec<(Token, f32)>,
    /// Their sum.
    total: f64,
    /// Probability of the best token against the second best alone, as in [`Pick`](crate::sampler::Pick).
    pub(crate) sure: f32,
}

impl Odds {
    /// The odds of `weights`, in any order; weights that are not above 0 are left out.
    ///
    /// None if nothing is left or the sum is not finite.
    pub(crate) fn new(weights: impl Iterator<Item = (Token, f32)>, sure: f32) -> Option<Self> {
        let mut weights: Vec<_> = weights.filter(|(_, weight)| *weight > 0.0).collect();
        weights.sort_unstable_by_key(|(token, _)| *token);
        let total: f64 = weights.iter().map(|(_, weight)| f64::from(*weight)).sum();
        (total > 0.0 && total.is_finite()).then_some(Self { weights, total, sure })
    }

    /// Nothing but `token`: a copy.
    pub(crate) fn certain(token: Token) -> Self {
        Self { weights: vec![(token, 1.0)], total: 1.0, sure: 1.0 }
    }

    /// Probability of `token`.
    pub(crate) fn of(&self, token: Token) -> f64 {
        let place = self.weights.binary_search_by_key(&token, |(have, _)| *have);
        place.map_or(0.0, |index| f64::from(self.weights[index].1) / self.total)
    }

    /// The token that `share` (between 0 and 1) of the probability falls on.
    pub(crate) fn draw(&self, share: f64) -> Token {
        pick(self.weights.iter().map(|(token, weight)| (*token, f64::from(*weight))), share * self.total)
    }

    /// (`scale`·p − q)₊ for every token with p above 0, where p is these odds and q `other`.
    pub(crate) fn excess(&self, scale: f64, other: &Self) -> impl Iterator<Item = (Token, f64)> {
        let (scale, mut rest) = (scale / self.total, other.weights.as_slice());
        self.weights.iter().map(move |&(token, weight)| {
            let before = rest.iter().take_while(|(have, _)| *have < token).count();
            rest = &rest[before..];
            let q = rest.first().filter(|(have, _)| *have == token).map_or(0.0, |(_, q)| f64::from(*q) / other.total);
            (token, scale.mul_add(f64::from(weight), -q).max(0.0))
        })
    }

    /// The token that `share` of what [`excess`](Self::excess) leaves falls on.
    pub(crate) fn draw_excess(&self, scale: f64, other: &Self, share: f64) -> Token {
        let total: f64 = self.excess(scale, other).map(|(_, weight)| weight).sum();
        // Only rounding can have rejected a token where p and q are the same.
        if total > 0.0 { pick(self.excess(scale, other), share * total) } else { self.draw(share) }
    }
}

/// The first token at which the weights add up to more than `share`; the last possible one if rounding kept them below.
fn pick(weights: impl Iterator<Item = (Token, f64)>, share: f64) -> Token {
    let (mut sum, mut last) = (0.0, 0);
    for (token, weight) in weights.filter(|(_, weight)| *weight > 0.0) {
        sum += weight;
        last = token;
        if sum > share {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odds(weights: &[(Token, f32)]) -> Odds {
        Odds::new(weights.iter().copied(), 1.0).unwrap()
    }

    #[test]
    fn shares_of_the_probability_fall_on_tokens_in_order() {
        let some = odds(&[(7, 1.0), (2, 2.0), (5, 0.0), (9, 1.0)]);
        assert_eq!([0.0, 0.49, 0.5, 0.74, 0.75, 1.0].map(|share| some.draw(share)), [2, 2, 7, 7, 9, 9]);
        assert!((some.of(2) - 0.5).abs() < 1e-12 && some.of(5).abs() < 1e-12 && some.of(3).abs() < 1e-12);
    }

    #[test]
    fn what_is_left_is_what_the_reviewer_wants_more_often() {
        let (p, q) = (odds(&[(1, 0.5), (2, 0.25), (4, 0.25)]), odds(&[(0, 0.25), (1, 0.25), (2, 0.5)]));
        assert_eq!(p.excess(1.0, &q).collect::<Vec<_>>(), [(1, 0.25), (2, 0.0), (4, 0.25)]);
        assert_eq!([0.1, 0.6].map(|share| p.draw_excess(1.0, &q, share)), [1, 4]);
        assert_eq!(p.draw_excess(1.0, &Odds::certain(1), 0.4), 2, "a copy that was rejected is never drawn again");
        assert_eq!(p.draw_excess(1.0, &p, 0.1), 1, "nothing left: as if there had been no draft");
    }

    #[test]
    fn nothing_possible_is_no_odds() {
        assert_eq!(Odds::new([(1, 0.0), (2, f32::NAN)].into_iter(), 1.0), None);
        assert_eq!(Odds::new([(1, f32::INFINITY)].into_iter(), 1.0), None);
    }
}
