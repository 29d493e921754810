//! Passes that make the next ones longer.

use super::cost::{CostCurve, HELD_UP};

/// How many one-token passes behind a wider one may take longer because of it: llama.cpp's CUDA part starts the steps of the first one by one
/// and records the second.
pub(super) const PASSES: u32 = 2;

/// What the target's passes take where each width goes its own way ([`CostCurve::set_apart`]): what a wider pass adds to the one-token
/// passes behind it is its own, and they say nothing of what a single token takes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Settling {
    wider: Option<Wider>,
    /// One-token passes to come that what was read before may have made longer.
    unsettled: u32,
}

/// What the time of a pass is a measure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Of passes of its width.
    Own,
    /// Of an earlier one, because of which it took what it took.
    Earlier,
    /// Of nothing.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Wider {
    width: usize,
    /// Of itself, and what it added since.
    seconds: f64,
    /// One-token passes since.
    singles: u32,
}

impl Settling {
    /// A prompt has been read: what that adds to the first passes of its answer is no review's.
    pub(super) fn begin(&mut self) {
        *self = Self { wider: None, unsettled: PASSES };
    }

    /// Takes in a pass over `width` tokens that took `seconds`, which tells what such passes take if it was `undisturbed`.
    pub(super) fn saw(&mut self, cost: &mut CostCurve, undisturbed: bool, width: usize, seconds: f64) -> Measure {
        if width == 1 && self.unsettled > 0 {
            self.unsettled -= 1;
            return Measure::Nothing;
        }
        self.unsettled = 0;
        if width > 1 {
            if let Some(before) = self.wider.replace(Wider { width, seconds, singles: 0 }) {
                cost.saw(before.width, before.seconds);
            }
            return Measure::Own;
        }
        let Some(wider) = &mut self.wider else {
            if !undisturbed {
                return Measure::Nothing;
            }
            // Until the next one says the same it may have been held up.
            let is_strange = cost.at(1).is_some_and(|single| seconds >= HELD_UP * single);
            cost.saw(1, seconds);
            return if is_strange { Measure::Nothing } else { Measure::Own };
        };
        wider.seconds += (seconds - cost.at(1).unwrap_or(seconds)).max(0.0);
        wider.singles += 1;
        if wider.singles == PASSES {
            cost.saw(wider.width, wider.seconds);
            self.wider = None;
        }
        Measure::Earlier
    }
}

#[cfg(test)]
mod tests {
    use super::Measure::{Earlier, Nothing, Own};
    use super::*;

    #[test]
    fn what_a_wider_pass_adds_to_the_next_ones_is_its_own() {
        let mut cost = CostCurve::default();
        cost.set_apart();
        cost.measured(1, 2.0);
        cost.measured(4, 6.0);
        let mut settling = Settling::default();
        let mut saw = |width, seconds| settling.saw(&mut cost, true, width, seconds);
        assert_eq!(
            [saw(1, 2.0), saw(4, 6.0), saw(1, 5.0), saw(1, 4.0), saw(1, 2.0)],
            [Own, Own, Earlier, Earlier, Own]
        );
        assert_eq!(cost.at(1), Some(2.0), "a single token takes what it took");
        let first = cost.at(4).unwrap();
        assert!(first > 6.5 && first <= 11.0, "{first}");
        let mut settling = Settling::default();
        for _ in 0..40 {
            for (width, seconds) in [(4, 6.0), (1, 5.0), (1, 4.0), (1, 2.0)] {
                settling.saw(&mut cost, true, width, seconds);
            }
        }
        assert!((cost.at(4).unwrap() - 11.0).abs() < 0.1, "6, and 3 and 2 of the next ones: {cost:?}");
        settling.begin();
        assert!(
            [(9.0, Nothing), (9.0, Nothing), (2.0, Own)]
                .iter()
                .all(|(seconds, of)| settling.saw(&mut cost, true, 1, *seconds) == *of)
        );
        assert!(
            (cost.at(1).unwrap() - 2.0).abs() < 1e-9,
            "what a prompt adds is neither an earlier review's nor a token's"
        );
        for _ in 0..40 {
            settling.saw(&mut cost, true, 4, 6.0);
        }
        assert!((cost.at(4).unwrap() - 6.0).abs() < 0.1, "one behind the other they add nothing: {cost:?}");
    }
}
