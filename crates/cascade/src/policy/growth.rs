//! What a longer text adds to passes.

use serde::{Deserialize, Serialize};

/// How much one-token passes vary, as a share of what they take with no text; how sure what was measured is; and how much it wanders from
/// one to the next, when a computer gets hot or another program comes.
const NOISE: f64 = 0.1;
const SURE: f64 = 0.1;
const WANDERS: f64 = 0.01;

/// What a token that stands before may add, as a share of the same: this much is nothing strange, and no more than that is believed.
const USUAL: f64 = 1.0 / 2000.0;
const MOST: f64 = 1.0 / 500.0;

/// Seconds that a token of a pass takes more for each token that stands before it.
///
/// What a one-token pass takes beyond what is expected of it has two reasons, this one and all others (the machine is slower by now). How
/// it is to be shared out depends on how long the text is and on what is sure by now: a Kalman filter (1960) of both, of which the other
/// one's value is kept elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Growth {
    /// As a share of what a pass takes with no text.
    slope: f64,
    /// Variances of that, of the level, and their covariance.
    of_slope: f64,
    of_level: f64,
    of_both: f64,
    /// Tokens that stand before the next pass.
    #[serde(skip)]
    held: f64,
}

impl Default for Growth {
    fn default() -> Self {
        Self { slope: 0.0, of_slope: USUAL * USUAL, of_level: SURE * SURE, of_both: 0.0, held: 0.0 }
    }
}

impl Growth {
    /// The same where what a pass takes with no text was measured anew.
    pub(super) fn of_another_level(self) -> Self {
        let Self { of_level, of_both, held, .. } = Self::default();
        Self { of_level, of_both, held, ..self }
    }

    /// The next passes stand behind `held` tokens.
    pub(super) fn stands_behind(&mut self, held: usize) {
        self.held = held as f64;
    }

    /// Takes in a one-token pass that took so much `longer` than expected, as a share of what it takes with no text.
    pub(super) fn saw(&mut self, longer: f64) {
        let held = self.held;
        self.of_level += WANDERS * WANDERS;
        let [level, slope] = [self.of_level + held * self.of_both, self.of_both + held * self.of_slope];
        let all = level + held * slope + NOISE * NOISE;
        self.slope = (self.slope + longer * slope / all).clamp(0.0, MOST);
        self.of_level -= level * level / all;
        self.of_both -= level * slope / all;
        self.of_slope -= slope * slope / all;
    }

    /// What the text adds now to a token of a pass, as a share of what a one-token pass takes with no text.
    pub(super) fn now(&self) -> f64 {
        self.held * self.slope
    }

    pub(super) fn is_sound(&self) -> bool {
        let variances = [(self.of_slope, USUAL), (self.of_level, 1.0)];
        (0.0..=MOST).contains(&self.slope)
            && variances.iter().all(|(variance, most)| (0.0..=most * most).contains(variance))
            && self.of_both * self.of_both <= self.of_slope * self.of_level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Noise;

    /// What is expected of a token's passes behind texts of such lengths, 50 passes each, where with no text they take 1 and each token adds `slope`.
    /// Passes vary by a tenth; what is not the text's is taken for a level, which follows.
    fn learned(lengths: &[usize], slope: f64, slower: f64) -> (Growth, f64) {
        let (mut growth, mut level) = (Growth::default(), 1.0);
        for (text, held) in lengths.iter().enumerate() {
            growth.stands_behind(*held);
            for pass in 0..50 {
                let noise = 0.1 * (2.0 * Noise::at(text as u64, pass).uniform(0) - 1.0);
                let took = (slower + slope * *held as f64) * (1.0 + noise);
                growth.saw((took - level - growth.now() * level) / level);
                level += 0.2 * (took - level - growth.now() * level);
            }
        }
        (growth, level)
    }

    #[test]
    fn what_a_long_text_adds_is_found_out_and_foretold_of_others() {
        for lengths in [vec![100, 4000, 300, 6000], vec![8000, 200]] {
            let (mut growth, level) = learned(&lengths, 1.0 / 1600.0, 1.0);
            for held in [0, 1000, 8000] {
                growth.stands_behind(held);
                let (expected, is) = (1.0 + held as f64 / 1600.0, level * (1.0 + growth.now()));
                assert!((is / expected - 1.0).abs() < 0.15, "{held}: {is} for {expected} ({growth:?})");
            }
        }
    }

    #[test]
    fn a_slower_computer_is_no_longer_text() {
        let (mut growth, level) = learned(&[50, 120, 200, 80, 300, 60], 0.0, 1.5);
        growth.stands_behind(300);
        assert!(level > 1.3 && growth.now() < 0.15, "{level} {growth:?}");
        assert!(growth.is_sound() && growth.of_another_level().of_both == 0.0);
    }
}
