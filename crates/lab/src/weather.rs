//! What makes passes take other times than they should.

use cascade::Noise;
use serde::{Deserialize, Serialize};

/// So many passes in a row are beside another program, or not.
const STRETCH: usize = 200;

/// How often they are.
const OFTEN: f64 = 0.25;

/// A policy sees passes take as long as this makes them; what is counted is what they should take.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Weather {
    /// How much passes vary from one to the next: the standard deviation of their logarithms.
    pub noise: f64,
    /// By how much of itself a pass takes longer beside another program, which is there a quarter of the time, some hundred passes in a row.
    pub busy: f64,
    /// Another number, another weather of the same kind.
    pub seed: u64,
}

impl Weather {
    /// Whether such weather can be.
    pub(crate) fn is_sound(&self) -> bool {
        (0.0..=0.5).contains(&self.noise) && (0.0..=10.0).contains(&self.busy)
    }

    /// How many times as long as it should pass number `pass` takes; without another program 1 on average.
    pub(crate) fn of(&self, pass: usize) -> f64 {
        let is_busy = self.busy > 0.0 && Noise::at(self.seed, pass / STRETCH).uniform(1) < OFTEN;
        let own = if self.noise > 0.0 {
            (self.noise * Noise::at(self.seed, pass).normal(0) - 0.5 * self.noise * self.noise).exp()
        } else {
            1.0
        };
        own * if is_busy { 1.0 + self.busy } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_take_what_they_should_on_average_and_longer_beside_another_program() {
        let mean = |weather: Weather| (0..100_000).map(|pass| weather.of(pass)).sum::<f64>() / 100_000.0;
        assert!((mean(Weather { noise: 0.2, ..Weather::default() }) - 1.0).abs() < 0.005);
        let busy = mean(Weather { busy: 0.4, seed: 3, ..Weather::default() });
        assert!((busy - 1.1).abs() < 0.02, "{busy}");
        assert!(Weather::default().of(7).to_bits() == 1.0_f64.to_bits() && Weather::default().is_sound());
        assert!(!Weather { noise: 0.6, ..Weather::default() }.is_sound());
    }
}
