//! Which second choices are worth a look in the same pass.

/// A second choice and what it is expected to win.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Chance {
    /// Index of the proposal.
    pub(super) index: usize,
    /// Probability that all before the proposal is kept, it is not, and its second choice is right: then the pass wins the
    /// token behind that as well.
    pub(super) gain: f64,
}

/// Sorts `chances` by gain and gives how many of the best, at most `most`, are worth their place in the pass.
///
/// `cost` is what so many more tokens in the pass cost, in tokens; it may be a staircase, so every number is looked at.
pub(super) fn worthwhile(chances: &mut [Chance], most: usize, cost: impl Fn(usize) -> Option<f64>) -> usize {
    chances.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    first_that_pay(chances.iter().take(most).map(|chance| chance.gain), cost)
}

/// How many of the first of what brings these `gains` are worth their place in a pass, where so many cost `cost`: none from there on where that is None.
pub(super) fn first_that_pay(gains: impl Iterator<Item = f64>, cost: impl Fn(usize) -> Option<f64>) -> usize {
    let (mut gain, mut best, mut count) = (0.0, 0.0, 0);
    for (more, each) in (1..).zip(gains) {
        gain += each;
        let Some(cost) = cost(more) else { break };
        if gain - cost > best {
            (best, count) = (gain - cost, more);
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chances(gains: &[f64]) -> Vec<Chance> {
        gains.iter().enumerate().map(|(index, gain)| Chance { index, gain: *gain }).collect()
    }

    #[test]
    fn the_best_are_taken_as_long_as_they_pay() {
        let mut all = chances(&[0.05, 0.3, 0.2, 0.01]);
        assert_eq!(worthwhile(&mut all, 9, |more| Some(0.1 * more as f64)), 2);
        assert_eq!(all[..2].iter().map(|chance| chance.index).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(worthwhile(&mut all, 1, |more| Some(0.1 * more as f64)), 1, "no more than may be");
        assert_eq!(worthwhile(&mut all, 9, |_| None), 0);
    }

    #[test]
    fn a_step_is_climbed_only_if_what_stands_on_it_pays_for_it() {
        // The first is dear, three more come with it for nothing.
        let step = |more: usize| Some(if more <= 4 { 0.5 } else { 1.0 });
        assert_eq!(worthwhile(&mut chances(&[0.2; 6]), 9, step), 4);
        assert_eq!(worthwhile(&mut chances(&[0.1; 6]), 9, step), 0);
    }
}
