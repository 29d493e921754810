//! What a draft may do while the target looks at the text, and what that is worth.

use super::Ahead;
use super::acceptance::OfModel;
use super::branches::first_that_pay;
use super::cost::CostCurve;
use super::drafting::FAR_BEHIND;

/// Widths of a draft's passes that catch up with the text, the widest first.
const READ: [usize; 8] = [256, 128, 64, 32, 16, 8, 4, 2];

/// With a smaller chance that anything of it is of use a draft does not go ahead.
const LEAST: f64 = 0.05;

/// As far as the draft comes while the target's pass takes `pass` seconds: nobody is to wait for it. It has `behind` tokens to read first; `survival`
/// is the chance that all that is under review is kept.
pub(super) fn plan(draft: &CostCurve, model: &OfModel, pass: f64, behind: usize, survival: f64) -> Ahead {
    let takes = |width: usize| draft.at(width).unwrap_or(f64::INFINITY);
    let kept: f64 = model.outcomes().iter().map(|(often, kept)| often * kept).sum();
    if kept * kept < LEAST {
        return Ahead::default();
    }
    let read = READ.into_iter().find(|width| takes(*width) <= pass).unwrap_or_default();
    // Who has far to go is there only after some passes of the target.
    let first = takes(behind.clamp(1, FAR_BEHIND));
    // The target's own token, and at least one behind it.
    let tokens = if first <= pass { 1 + ((pass - first) / takes(1)) as usize } else { 0 };
    let is_of_use = tokens >= 2 && survival * kept * kept >= LEAST;
    Ahead { tokens: if is_of_use { tokens } else { 0 }, read }
}

/// How many of the proposals that survive with these `chances` are worth their place in the target's pass, which they make wider at a price of
/// `cost` tokens for so many. Those that do not fit into what may be lost are left.
pub(super) fn keep(
    chances: impl Iterator<Item = f64>,
    cost: impl Fn(usize) -> Option<f64>,
    fits: impl Fn(usize) -> bool,
) -> usize {
    first_that_pay(chances, |more| cost(more).filter(|_| fits(more)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_no_further_than_the_target_takes_to_look() {
        let (draft, model) = (CostCurve::of(&[(1, 0.01), (16, 0.03), (256, 0.2)]), OfModel::guess());
        let plan = |pass: f64, survival: f64| plan(&draft, &model, pass, 1, survival);
        assert_eq!(plan(0.045, 1.0).tokens, 4);
        assert_eq!((plan(0.015, 1.0).tokens, plan(0.045, 0.01).tokens), (0, 0), "nothing that could be of use");
        assert_eq!(
            (plan(0.5, 1.0).read, plan(0.031, 1.0).read, plan(0.02, 0.0).read, plan(0.01, 1.0).read),
            (256, 16, 8, 0)
        );
        assert_eq!(super::plan(&draft, &model, 0.045, 16, 1.0).tokens, 2, "it has to read first");
        assert_eq!(super::plan(&CostCurve::default(), &model, 1.0, 1, 1.0), Ahead::default(), "nothing is known of it");
    }

    #[test]
    fn what_makes_the_pass_dearer_than_it_wins_is_left() {
        let chances = || [0.9, 0.8, 0.2, 0.1].into_iter();
        let stairs = |more: usize| Some(if more <= 2 { 0.3 } else { 1.5 });
        assert_eq!(keep(chances(), stairs, |_| true), 2);
        assert_eq!(keep(chances(), |_| Some(0.0), |_| true), 4, "nothing costs nothing");
        assert_eq!(keep(chances(), |more| Some(more as f64), |_| true), 0);
        assert_eq!(keep(chances(), |_| Some(0.0), |more| more < 2), 1, "there is no room for more");
        assert_eq!(keep(chances(), |_| None, |_| true), 0);
    }
}
