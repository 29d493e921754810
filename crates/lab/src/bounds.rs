//! How much faster drafting could make an answer at best, by what passes cost and what can be copied.
//!
//! All figures are speeds against the target alone (1 is as fast) and concern writing only, not reading the prompt. Widths that
//! were not measured are left out: behind the last one a curve is a guess.

use cascade::policy::CostCurve;
use cascade::{MaxGram, Token};

/// Longest copy that is looked at. No measured curve is wider.
const LONGEST: usize = 64;

/// A speed that drafting could reach, and the width of review that reaches it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// Speed against the target alone, at least 1.
    pub speed_up: f64,
    /// Tokens in a pass.
    pub width: usize,
}

/// Where every proposal is right and drafting costs nothing: maxₙ n·T(1)/T(n). None without a measured curve.
pub fn ceiling(curve: &CostCurve) -> Option<Bound> {
    best(curve, |width| width as f64)
}

/// Where drafting costs nothing and each proposed token is kept with probability `acceptance` if those before it were,
/// independently of the others: maxₙ (1 − αⁿ)/(1 − α)·T(1)/T(n). None without a measured curve.
///
/// It takes one α for the whole text and a draft at every place. A policy that knows where copies are right can pass it.
pub fn free_draft(curve: &CostCurve, acceptance: f64) -> Option<Bound> {
    let alpha = acceptance.clamp(0.0, 1.0);
    // The sum 1 + α + … + αⁿ⁻¹, which is the quotient wherever that is defined.
    best(curve, |width| (0..width).map(|power| alpha.powi(power as i32)).sum())
}

/// The best of `tokens(n)`·T(1)/T(n) over all widths up to the widest that was measured.
fn best(curve: &CostCurve, tokens: impl Fn(usize) -> f64) -> Option<Bound> {
    let single = curve.at(1)?;
    (1..=widest(curve))
        .filter_map(|width| Some(Bound { speed_up: tokens(width) * single / curve.at(width)?, width }))
        .max_by(|a, b| a.speed_up.total_cmp(&b.speed_up))
}

fn widest(curve: &CostCurve) -> usize {
    curve.points().last().map_or(0, |(width, _)| width).min(LONGEST)
}

/// What Max-Gram would have proposed at every place of a known answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Copying {
    /// Places where it had something to copy.
    pub proposed: usize,
    /// Of these, where the first token it proposed was the answer's.
    pub kept: usize,
    /// For each place how many tokens it proposed in a row were the answer's.
    runs: Vec<usize>,
}

impl Copying {
    /// Looks at every place of `answer` but the first: that token comes with the last pass over the prompt.
    pub fn of(prompt: &[Token], answer: &[Token]) -> Self {
        let mut copying = Self::default();
        let mut max_gram = MaxGram::default();
        let text: Vec<Token> = prompt.iter().chain(answer).copied().collect();
        for place in prompt.len() + 1..text.len() {
            let mut known = text[..place].to_vec();
            max_gram.observe(&known);
            let drafted = max_gram.find(&known).map_or(0, |found| max_gram.draft(&found, &mut known, LONGEST));
            let right = known[place..].iter().zip(&text[place..]).take_while(|(copy, own)| copy == own).count();
            copying.proposed += usize::from(drafted > 0);
            copying.kept += usize::from(right > 0);
            copying.runs.push(right);
        }
        copying
    }

    /// The fewest units of time in which the answer could have been written, had somebody known beforehand how far each copy
    /// is right: the cheapest way through its places by passes of measured width.
    fn fastest(&self, curve: &CostCurve) -> Option<f64> {
        let places = self.runs.len();
        let mut cost = vec![0.0; places + 1];
        for place in (0..places).rev() {
            // The target adds a token of its own behind what it keeps.
            let most = (self.runs[place] + 1).min(places - place).min(widest(curve));
            let ways = (1..=most).filter_map(|width| Some(curve.at(width)? + cost[place + width]));
            cost[place] = ways.min_by(f64::total_cmp)?;
        }
        Some(cost[0])
    }
}

/// Share of the places with a proposal where it was right, over several answers. None if nothing was proposed.
pub fn acceptance(copying: &[&Copying]) -> Option<f64> {
    let sum = |of: fn(&Copying) -> usize| copying.iter().map(|each| of(each)).sum::<usize>() as f64;
    let proposed = sum(|each| each.proposed);
    (proposed > 0.0).then(|| sum(|each| each.kept) / proposed)
}

/// What copying could bring to these very answers if it always stopped in time. An estimate of the most: its copies are those of a
/// Max-Gram that is never told what became of them, and one that is told finds a few more. None without a measured curve or places.
pub fn copy_limit(curve: &CostCurve, copying: &[&Copying]) -> Option<f64> {
    let single = curve.at(1)?;
    let alone = copying.iter().map(|each| each.runs.len()).sum::<usize>() as f64 * single;
    let fastest = copying.iter().map(|each| each.fastest(curve)).sum::<Option<f64>>()?;
    (fastest > 0.0).then(|| alone / fastest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(usize, f64)]) -> CostCurve {
        let mut curve = CostCurve::default();
        for (width, seconds) in points {
            curve.measured(*width, *seconds);
        }
        curve
    }

    fn near(have: f64, want: f64) {
        assert!((have - want).abs() < 1e-9, "{have}, not {want}");
    }

    #[test]
    fn the_ceiling_is_the_widest_step_that_pays() {
        let found = ceiling(&curve(&[(1, 2.0), (2, 3.0), (4, 4.0), (8, 16.0)])).unwrap();
        assert_eq!(found.width, 4);
        near(found.speed_up, 2.0);
        near(ceiling(&curve(&[(1, 1.0), (2, 2.5)])).unwrap().speed_up, 1.0);
        assert_eq!(ceiling(&CostCurve::default()), None);
    }

    #[test]
    fn a_free_draft_is_worth_its_geometric_sum() {
        let flat = curve(&[(1, 1.0), (3, 1.0)]);
        near(free_draft(&flat, 0.5).unwrap().speed_up, 1.75);
        near(free_draft(&flat, 1.0).unwrap().speed_up, ceiling(&flat).unwrap().speed_up);
        near(free_draft(&flat, 0.0).unwrap().speed_up, 1.0);
        assert_eq!(free_draft(&curve(&[(1, 1.0), (2, 1.6)]), 0.5).unwrap().width, 1, "the target alone is better");
    }

    #[test]
    fn a_whole_copy_is_limited_only_by_the_width() {
        // Every token but the first stands behind the same one in the prompt.
        let prompt: Vec<Token> = (10..40).collect();
        let copied = Copying::of(&prompt, &prompt);
        assert_eq!((copied.proposed, copied.kept), (29, 29));
        near(acceptance(&[&copied]).unwrap(), 1.0);
        let flat = curve(&[(1, 1.0), (8, 1.0)]);
        // 29 places in passes of 8 tokens.
        near(copy_limit(&flat, &[&copied]).unwrap(), 29.0 / 4.0);
        near(copy_limit(&curve(&[(1, 1.0), (8, 8.0)]), &[&copied]).unwrap(), 1.0);
    }

    #[test]
    fn new_text_has_nothing_to_copy() {
        let fresh = Copying::of(&[1, 2, 3], &[4, 5, 6, 7]);
        assert_eq!((fresh.proposed, fresh.kept), (0, 0));
        assert_eq!(acceptance(&[&fresh]), None);
        near(copy_limit(&curve(&[(1, 1.0), (8, 1.0)]), &[&fresh]).unwrap(), 1.0);
        let empty = Copying::of(&[1], &[]);
        assert_eq!(copy_limit(&curve(&[(1, 1.0)]), &[&empty]), None);
    }

    #[test]
    fn wrong_copies_are_counted_and_cost_the_limit_nothing() {
        // After 1 comes 2 in the prompt and 3 in the answer, each time.
        let copying = Copying::of(&[1, 2], &[1, 3, 1, 4, 1, 5]);
        assert_eq!((copying.proposed, copying.kept), (3, 0));
        near(acceptance(&[&copying]).unwrap(), 0.0);
        near(copy_limit(&curve(&[(1, 1.0), (8, 1.0)]), &[&copying]).unwrap(), 1.0);
    }
}
