//! What a longer text adds to passes.

use serde::{Deserialize, Serialize};

/// How much one-token passes vary, as a share of what they take; how sure what was measured is, another program at work; and how much a
/// computer's pace wanders from one pass to the next.
const VARIES: f64 = 0.1;
const SURE: f64 = 0.3;
const WANDERS: f64 = 0.01;

/// What a token that stands before may add, as a share of what a one-token pass takes with no text: this much is nothing strange, and no more than
/// that is believed.
const USUAL: f64 = 1.0 / 2000.0;
const MOST: f64 = 1.0 / 500.0;

/// By how much of itself that may change from one pass to the next.
const CHANGES: f64 = 0.001;

/// What a pass takes beyond what is expected by more than this many standard deviations of it is somebody else's doing.
const STRANGE: f64 = 3.0;

/// A wide pass looks at the text as if it had so many tokens more than it has, at least and at most.
const ROWS: [f64; 2] = [-1.0, 4.0];

/// Nothing is less sure than this: a level that is known to its own size.
const UNSURE: f64 = 1.0;

/// Seconds that a token of a pass takes more for each token that stands before it.
///
/// What a one-token pass takes beyond what is expected of it has two reasons, this one and all others (the machine is slower by now). How
/// it is to be shared out depends on how long the text is and on what is sure by now: a Kalman filter (1960) of both, of which the other
/// one's value is kept elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Growth {
    /// As a share of what a pass takes with no text.
    slope: f64,
    /// So many tokens more than a wide pass has take that.
    rows: f64,
    /// Variances of the slope, of the level, and their covariance.
    of_slope: f64,
    of_level: f64,
    of_both: f64,
    /// Tokens that stand before the next pass.
    #[serde(skip)]
    held: f64,
}

impl Default for Growth {
    fn default() -> Self {
        Self { slope: 0.0, rows: 0.0, of_slope: USUAL * USUAL, of_level: SURE * SURE, of_both: 0.0, held: 0.0 }
    }
}

impl Growth {
    /// The same where what a pass takes with no text was measured anew, as the computer works otherwise now: with another number of threads, perhaps.
    pub(super) fn of_another_level(self) -> Self {
        let Self { of_level, of_both, held, .. } = Self::default();
        let of_slope = self.of_slope.max(0.1 * self.slope * self.slope).min(USUAL * USUAL);
        Self { of_slope, of_level, of_both, held, ..self }
    }

    /// The next passes stand behind `held` tokens. Until that is said they stand behind none.
    pub(super) fn stands_behind(&mut self, held: usize) {
        self.held = held as f64;
    }

    /// Tokens that stand before the next pass.
    pub(super) fn held(&self) -> f64 {
        self.held
    }

    /// Takes in a one-token pass that took so much `longer` than expected, as a share of what it takes with no text.
    pub(super) fn saw(&mut self, longer: f64) {
        let held = self.held;
        self.of_level += WANDERS * WANDERS;
        if self.of_level > UNSURE {
            // Their correlation stays what it is.
            self.of_both *= (UNSURE / self.of_level).sqrt();
            self.of_level = UNSURE;
        }
        self.of_slope = (self.of_slope + (CHANGES * self.slope).powi(2)).min(USUAL * USUAL);
        let [level, slope] = [self.of_level + held * self.of_both, self.of_both + held * self.of_slope];
        let all = level + held * slope + (VARIES * (1.0 + held * self.slope)).powi(2);
        let strange = STRANGE * all.sqrt();
        self.slope = (self.slope + longer.clamp(-strange, strange) * slope / all).clamp(0.0, MOST);
        self.of_level -= level * level / all;
        self.of_both -= level * slope / all;
        self.of_slope -= slope * slope / all;
    }

    /// A pass over `width` tokens, more than one, took so many times what the text was thought to add to it.
    pub(super) fn saw_wide(&mut self, width: usize, times: f64) {
        let [least, most] = ROWS;
        self.rows = ((width as f64 + self.rows) * times - width as f64).clamp(least, most);
    }

    /// What a text of `held` tokens adds to a pass over `width`, as a share of what a one-token pass takes with no text.
    pub(super) fn adds(&self, width: usize, held: f64) -> f64 {
        held * self.slope * if width > 1 { width as f64 + self.rows } else { 1.0 }
    }

    /// The same of a card, which reads what it knows of the text once for all tokens of a pass.
    pub(super) fn adds_at_once(&self, held: f64) -> f64 {
        held * self.slope
    }

    /// What each token that stands before adds to a one-token pass, as a share of what that takes with no text, and as how many tokens more a wide pass
    /// looks at it.
    pub(super) fn told(&self) -> (f64, f64) {
        (self.slope, self.rows)
    }

    pub(super) fn is_sound(&self) -> bool {
        let variances = [(self.of_slope, USUAL), (self.of_level, UNSURE)];
        (0.0..=MOST).contains(&self.slope)
            && (ROWS[0]..=ROWS[1]).contains(&self.rows)
            && variances.iter().all(|(variance, most)| (0.0..=most * most).contains(variance))
            && self.of_both * self.of_both <= self.of_slope * self.of_level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Noise;

    #[test]
    fn a_slower_computer_is_hardly_taken_for_a_longer_text() {
        let mut growth = Growth::default();
        growth.stands_behind(300);
        // Half as slow again from the first pass on; what is left of it the level takes.
        let mut level = 1.0;
        for _ in 0..200 {
            let longer = 1.5 - level * (1.0 + growth.adds_at_once(300.0));
            growth.saw(longer / level);
            level *= (1.5 / (level * (1.0 + growth.adds_at_once(300.0)))).powf(0.2);
        }
        assert!(growth.adds_at_once(300.0) < 0.2 && growth.is_sound(), "{growth:?}");
        assert!(growth.of_another_level().of_both.abs() < f64::EPSILON);
    }

    /// The slope, as a share of `slope`, and the level after texts of such lengths with so many one-token passes each, which vary by `noise`. The level
    /// follows as a cost curve does, sooner downwards.
    fn learned(texts: &[(usize, usize)], slope: f64, noise: f64, seed: u64) -> (f64, f64) {
        let (mut growth, mut level) = (Growth::default(), 1.0);
        for (text, (held, passes)) in texts.iter().enumerate() {
            growth.stands_behind(*held);
            for pass in 0..*passes {
                let took =
                    (1.0 + slope * *held as f64) * (noise * Noise::at(seed + 100 * text as u64, pass).normal(0)).exp();
                let held = *held as f64;
                growth.saw(took / level - 1.0 - growth.adds_at_once(held));
                let ratio = (took / (level * (1.0 + growth.adds_at_once(held)))).clamp(0.25, 2.0);
                level *= ratio.powf(if ratio < 0.9 { 0.5 } else { 0.2 });
            }
        }
        assert!(growth.is_sound(), "{growth:?}");
        (growth.slope * level / slope, level)
    }

    #[test]
    fn a_first_long_text_and_many_passes_behind_one_are_told_from_a_slower_computer() {
        let slope = 1.0 / 1600.0;
        for (texts, noise) in
            [(&[(8000, 60)][..], 0.05), (&[(2000, 1500)], 0.1), (&[(100, 50), (4000, 50), (300, 50)], 0.05)]
        {
            let each: Vec<(f64, f64)> = (0..20).map(|seed| learned(texts, slope, noise, seed)).collect();
            let [share, level] =
                [|of: &(f64, f64)| of.0, |of: &(f64, f64)| of.1].map(|of| each.iter().map(of).sum::<f64>() / 20.0);
            assert!((0.8..1.2).contains(&share) && (0.8..1.2).contains(&level), "{texts:?}: {share}, {level}");
        }
    }
}
