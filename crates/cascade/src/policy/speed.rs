//! How many tokens a pass brings of late.

use serde::{Deserialize, Serialize};

/// How much the latest review counts.
const FRESH: f64 = 0.01;

/// Most that a review may lose, in passes: what took longer was somebody else's doing.
const HELD_UP: f64 = 8.0;

/// Most tokens or passes that a review can bring or take: what is more in a file is damaged.
const MOST: f64 = 1e4;

/// Tokens of the latest reviews, and their time in one-token passes as these were at the time: a long text slows all of them. Older ones are
/// forgotten exponentially.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Speed {
    tokens: f64,
    passes: f64,
}

impl Speed {
    /// Takes in a review that brought so many tokens in the time of so many one-token passes.
    pub(super) fn saw(&mut self, tokens: f64, passes: f64) {
        self.tokens += FRESH * (tokens - self.tokens);
        self.passes += FRESH * (passes.min(tokens + HELD_UP) - self.passes);
    }

    /// Tokens for each one-token pass, at least the one that there is without drafts; None before the first review.
    pub(super) fn up(self) -> Option<f64> {
        (self.passes > 0.0).then(|| (self.tokens / self.passes).max(1.0))
    }

    pub(super) fn is_sound(self) -> bool {
        [self.tokens, self.passes].iter().all(|figure| (0.0..=MOST).contains(figure))
    }
}

/// An average that forgets exponentially, of figures that are mostly near 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Average(f64);

impl Default for Average {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Average {
    /// Takes in a figure, which counts for this `share`; what is beyond 2 counts as 2.
    pub(super) fn saw(&mut self, figure: f64, share: f64) {
        if figure.is_finite() {
            self.0 += share * (figure.min(2.0) - self.0);
        }
    }

    pub(super) fn is(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_latest_reviews_and_never_falls_below_one() {
        let mut speed = Speed::default();
        assert_eq!(speed.up(), None);
        (0..300).for_each(|_| speed.saw(3.0, 1.5));
        assert!((speed.up().unwrap() - 2.0).abs() < 1e-9, "{speed:?}");
        speed.saw(1.0, 1e6);
        assert!(speed.up().unwrap() > 1.8, "another program was at work: {speed:?}");
        (0..300).for_each(|_| speed.saw(1.0, 2.0));
        assert!(speed.up() == Some(1.0) && speed.is_sound(), "{speed:?}");
    }
}
