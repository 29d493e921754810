//! What a draft is worth that can be stopped after any of its tokens.

/// Chances of survival that are told apart: 1, r, r², …
const CHANCES: usize = 16;

/// Their ratio; the last one is 0.05.
const RATIO: f64 = 0.819;

/// Steps that are thought ahead.
pub(super) const AHEAD: usize = 16;

/// How sure a model may turn out to be of its next token: how often (summing to 1), and how likely that token is then kept.
pub(super) type Outcomes = [(f64, f64); super::acceptance::OUTCOMES];

/// Worth of going on drafting, in tokens, by tokens drafted so far and chance that they all survive.
///
/// Before each token one may stop for nothing. Drafting one costs a known time; then it turns out how sure the model is of it,
/// and one may stop or go on again: optimal stopping by backward induction (Bellman 1957), where a token that survives
/// with probability S is worth S, and a second of time is worth the present rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookahead {
    worth: [[f64; CHANCES]; AHEAD + 1],
}

impl Lookahead {
    /// `costs[n]` is what the token n + 1 costs, drafting and wider review together, in tokens. Further ones are not drafted.
    pub(super) fn new(outcomes: &Outcomes, costs: &[f64]) -> Self {
        let mut worth = [[0.0; CHANCES]; AHEAD + 1];
        let moves = outcomes.map(|(often, kept)| (often, kept, kept.max(1e-6).ln() / RATIO.ln()));
        for drafted in (0..costs.len().min(AHEAD)).rev() {
            let mut survival = 1.0;
            for chance in 0..CHANCES {
                let then = &worth[drafted + 1];
                let on = moves
                    .iter()
                    .map(|(often, kept, down)| often * (survival * kept + between(then, chance as f64 + down)));
                worth[drafted][chance] = (on.sum::<f64>() - costs[drafted]).max(0.0);
                survival *= RATIO;
            }
        }
        Self { worth }
    }

    /// Worth of drafting one token at once for `cost`, `drafted` tokens ahead, and going on as is best; may be negative.
    pub(super) fn step(&self, outcomes: &Outcomes, survival: f64, drafted: usize, cost: f64) -> f64 {
        let then = &self.worth[(drafted + 1).min(AHEAD)];
        let on = outcomes.iter().map(|(often, kept)| {
            let survival = survival * kept;
            often * (survival + between(then, survival.max(1e-9).ln() / RATIO.ln()))
        });
        on.sum::<f64>() - cost
    }
}

/// The worth between two chances; nothing below the last.
fn between(worth: &[f64; CHANCES], chance: f64) -> f64 {
    let below = chance as usize;
    let at = |index: usize| worth.get(index).copied().unwrap_or(0.0);
    at(below) + (chance - below as f64) * (at(below + 1) - at(below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::acceptance::OUTCOMES;

    fn outcomes(kinds: &[(f64, f64)]) -> Outcomes {
        let mut all = [(0.0, 0.5); OUTCOMES];
        all[..kinds.len()].copy_from_slice(kinds);
        all
    }

    #[test]
    fn without_a_choice_it_is_the_sum_of_the_chances() {
        let kinds = outcomes(&[(1.0, 0.9)]);
        let ahead = Lookahead::new(&kinds, &[0.0, 0.0, 0.0]);
        let sum = 0.9 + 0.81 + 0.729;
        // Between the chances that are told apart the worth is a straight line.
        assert!((ahead.step(&kinds, 1.0, 0, 0.0) - sum).abs() < 0.02, "{}", ahead.step(&kinds, 1.0, 0, 0.0));
    }

    #[test]
    fn seeing_how_sure_the_draft_is_before_going_on_is_worth_something() {
        let costs = [0.5; 10];
        // On average both are kept as often, but one tells beforehand.
        let (plain, telling) = (outcomes(&[(1.0, 0.55)]), outcomes(&[(0.5, 1.0), (0.5, 0.1)]));
        let worth = |kinds: &Outcomes| Lookahead::new(kinds, &costs).step(kinds, 1.0, 0, 0.5);
        assert!(
            worth(&plain) < 0.06 && worth(&telling) > worth(&plain) + 0.02,
            "{} {}",
            worth(&plain),
            worth(&telling)
        );
    }

    #[test]
    fn what_costs_too_much_is_never_worth_anything() {
        let kinds = outcomes(&[(1.0, 0.9)]);
        let ahead = Lookahead::new(&kinds, &[1.0; 8]);
        assert!(ahead.step(&kinds, 1.0, 0, 1.0) < 0.0 && ahead.step(&kinds, 0.01, 20, 0.1) < 0.0);
    }
}
