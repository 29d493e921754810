//! Notices that passes take many times what they should.

use cascade::policy::CostCurve;

/// A pass that takes this many times what is usual is held up. No text grows so much from one pass to the next; threads that
/// wait for each other while other programs have their cores take 26 times as long (measured: `docs/kernels.md`).
const TIMES: f64 = 5.0;

/// So many passes must be held up, less those in between that are not.
const PASSES: u32 = 4;

/// And so many seconds must be lost with them.
const LOST: f64 = 0.5;

/// How soon what is usual follows passes that take longer, as a text grows.
const FOLLOWS: f64 = 0.1;

/// How long a model's passes take, compared with what was measured.
#[derive(Debug)]
pub(super) struct HoldUp {
    /// What was measured with nothing held.
    curve: CostCurve,
    /// How many times that is usual now, at least 1.
    usual: f64,
    /// Passes that were held up lately.
    slow: u32,
    /// Seconds lost with them.
    lost: f64,
}

impl HoldUp {
    pub(super) fn new(curve: CostCurve) -> Self {
        Self { curve, usual: 1.0, slow: 0, lost: 0.0 }
    }

    /// Goes by another curve. The text that makes passes longer than that is still there.
    pub(super) fn measured(&mut self, curve: CostCurve) {
        self.curve = curve;
        (self.slow, self.lost) = (0, 0.0);
    }

    /// Half the threads are at work now: passes take twice as long at most.
    pub(super) fn halved(&mut self) {
        self.usual *= 2.0;
    }

    /// Takes in a pass over `width` tokens that took `seconds`. Whether with it enough of them were held up; then it takes as
    /// many again until it says so once more.
    pub(super) fn is_held_up(&mut self, width: usize, seconds: f64) -> bool {
        let Some(measured) = self.curve.at(width) else { return false };
        let times = seconds / measured;
        if times > TIMES * self.usual {
            self.slow += 1;
            self.lost += seconds - self.usual * measured;
        } else {
            let follows = if times > self.usual { FOLLOWS } else { 1.0 };
            self.usual = (self.usual + follows * (times - self.usual)).max(1.0);
            self.slow = self.slow.saturating_sub(1);
            self.lost *= f64::from(u8::from(self.slow > 0));
        }
        let is_held_up = self.slow >= PASSES && self.lost >= LOST;
        if is_held_up {
            (self.slow, self.lost) = (0, 0.0);
        }
        is_held_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold_up(single: f64) -> HoldUp {
        let mut curve = CostCurve::default();
        curve.measured(1, single);
        curve.measured(8, 6.0 * single);
        HoldUp::new(curve)
    }

    #[test]
    fn threads_that_wait_for_each_other_are_noticed_soon() {
        let mut hold_up = hold_up(0.03);
        assert!((0..100).all(|_| !hold_up.is_held_up(1, 0.031)));
        assert!((0..3).all(|_| !hold_up.is_held_up(1, 0.8)), "once or twice may be anything");
        assert!(hold_up.is_held_up(8, 4.5));
        hold_up.halved();
        assert!((0..100).all(|_| !hold_up.is_held_up(1, 0.1)), "half the threads beside the other program");
        assert!((0..3).all(|_| !hold_up.is_held_up(1, 1.8)) && hold_up.is_held_up(1, 1.8), "more came");
    }

    #[test]
    fn small_models_must_lose_time_that_somebody_notices() {
        let mut hold_up = hold_up(0.002);
        assert_eq!((0..100).position(|_| hold_up.is_held_up(1, 0.042)), Some(12));
    }

    #[test]
    fn a_text_that_grows_is_no_other_program() {
        let mut hold_up = hold_up(0.006);
        // Eight thousand tokens: each pass takes eleven times as long in the end, and none is sudden.
        assert!((0..8000).all(|held| !hold_up.is_held_up(1, 0.006 + f64::from(held) * 8e-6)));
        assert!(!hold_up.is_held_up(1, 0.006), "a new conversation");
        assert!((0..20).all(|_| !hold_up.is_held_up(1, 0.02)), "a program that takes its share");
        assert!(
            (0..100).all(|at| !hold_up.is_held_up(1, if at % 2 == 0 { 0.5 } else { 0.006 })),
            "every other pass only"
        );
    }
}
