//! A model's passes, timed.

use std::time::Duration;

use cascade::{Clock, LanguageModel, Token};

use super::SINGLES;

/// When trying the same width again ends, however few tries there were.
const LONG: Duration = Duration::from_secs(1);

/// How often one is tried that has a time of its own: once may be held up.
const TWICE: usize = 2;

/// A model and the clock that times it.
pub(super) struct Timing<'m, M> {
    pub(super) model: &'m mut M,
    clock: &'m dyn Clock,
    began: Duration,
}

impl<'m, M: LanguageModel> Timing<'m, M> {
    pub(super) fn new(model: &'m mut M, clock: &'m dyn Clock) -> Self {
        Self { model, clock, began: clock.now() }
    }

    /// How long that is ago.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.now().saturating_sub(self.began)
    }

    /// Seconds of the fastest of some passes over `width` tokens, which the model holds afterwards. Where one takes long it is not tried
    /// as often.
    ///
    /// # Errors
    /// What the model says.
    pub(super) fn fastest(&mut self, width: usize, tries: usize) -> Result<f64, M::Error> {
        self.best_of(width, tries, 1, LONG)
    }

    /// The same of so many `tries` as have begun `within` that time, and of two at least.
    ///
    /// # Errors
    /// What the model says.
    pub(super) fn fastest_within(&mut self, width: usize, tries: usize, within: Duration) -> Result<f64, M::Error> {
        self.best_of(width, tries, TWICE, within.min(LONG))
    }

    fn best_of(&mut self, width: usize, tries: usize, least: usize, within: Duration) -> Result<f64, M::Error> {
        let mut best = f64::INFINITY;
        let tokens = spread(self.model.vocab().size, width);
        let began = self.clock.now();
        for done in 1..=tries {
            let start = self.clock.now();
            self.model.extend(&tokens, width)?;
            let now = self.clock.now();
            best = best.min(now.saturating_sub(start).as_secs_f64());
            if done >= least && now.saturating_sub(began) > within {
                break;
            }
        }
        Ok(best)
    }

    /// Seconds of a pass over `width` tokens in turn with single ones, which take `single`, and what it adds to those; of so many `rounds` the fastest.
    ///
    /// # Errors
    /// What the model says.
    pub(super) fn in_turn(&mut self, width: usize, single: f64, rounds: usize) -> Result<f64, M::Error> {
        let mut best = f64::INFINITY;
        for _ in 0..rounds {
            let mut seconds = self.fastest(width, 1)?;
            for _ in 0..SINGLES {
                seconds += (self.fastest(1, 1)? - single).max(0.0);
            }
            best = best.min(seconds);
        }
        Ok(best)
    }
}

/// So many tokens from all over a vocabulary: a mixture of experts sends equal ones to the same experts, and reads the weights of few.
fn spread(vocab: usize, width: usize) -> Vec<Token> {
    // Fibonacci hashing (Knuth, volume 3, 6.4).
    (0..width as u64).map(|at| (at.wrapping_mul(0x9E37_79B9) % vocab.max(1) as u64) as Token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_measured_with_tokens_that_differ() {
        let mut tokens = spread(32_000, 24);
        assert!(tokens.iter().all(|token| *token < 32_000));
        tokens.sort_unstable();
        tokens.dedup();
        assert_eq!(tokens.len(), 24);
        assert_eq!(spread(1, 3), [0, 0, 0]);
    }
}
