//! A probability learned from one figure.

use serde::{Deserialize, Serialize};

/// Every new observation leaves this much of what was known: about the latest thousand count.
const KEEP: f64 = 0.999;

/// Certainty is bounded so that one surprise stays finite: logits of 0.0005 and 0.9995.
const SUREST: f64 = 7.6;

/// Logistic regression on one figure, learned observation by observation.
///
/// One step of Newton's method on the log-posterior for each observation, as in an extended Kalman filter (Fahrmeir 1992),
/// the information of older ones fading exponentially but never below what the first guess is worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Forecast {
    /// Intercept and slope of the log-odds.
    weights: [f64; 2],
    /// Information about them: the upper triangle of a symmetric matrix.
    known: [f64; 3],
    /// What the first guess is worth; kept as a floor.
    floor: [f64; 2],
}

/// Log-odds of a probability.
pub(super) fn log_odds(probability: f64) -> f64 {
    let odds = probability / (1.0 - probability);
    if odds > 0.0 { odds.ln().clamp(-SUREST, SUREST) } else { -SUREST }
}

/// The probability of log-odds.
pub(super) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

impl Forecast {
    /// Guesses log-odds of `intercept + slope · figure`, each worth so much information.
    pub(super) fn guess(intercept: f64, slope: f64, floor: [f64; 2]) -> Self {
        Self { weights: [intercept, slope], known: [floor[0], 0.0, floor[1]], floor }
    }

    /// Log-odds at `figure`.
    pub(super) fn at(&self, figure: f64) -> f64 {
        (self.weights[0] + self.weights[1] * figure).clamp(-SUREST, SUREST)
    }

    /// Takes in what happened at `figure`; `shift` was added to the log-odds for other reasons.
    pub(super) fn saw(&mut self, figure: f64, shift: f64, happened: bool) {
        let expected = probability(self.at(figure) + shift);
        let weight = (expected * (1.0 - expected)).max(1e-3);
        let [a, b, c] = self.known.map(|known| known * KEEP);
        let a = a.max(self.floor[0]) + weight;
        let b = b + weight * figure;
        let c = c.max(self.floor[1]) + weight * figure * figure;
        self.known = [a, b, c];
        let determinant = a * c - b * b;
        if determinant <= 1e-9 {
            return;
        }
        let error = f64::from(u8::from(happened)) - expected;
        self.weights[0] += (c - b * figure) / determinant * error;
        self.weights[1] += (a * figure - b) / determinant * error;
    }

    /// Whether the figures can be used at all.
    pub(super) fn is_sound(&self) -> bool {
        let [a, b, c] = self.known;
        let small = self.weights.iter().chain(&self.known).chain(&self.floor).all(|figure| figure.abs() < 1e6);
        small && self.floor.iter().all(|floor| *floor > 0.0) && a > 0.0 && c > 0.0 && a * c > b * b
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Noise;

    #[test]
    fn it_finds_the_curve_that_made_the_observations_and_follows_a_change() {
        let mut forecast = Forecast::guess(0.0, 1.0, [4.0, 4.0]);
        let share = |index: usize| (-(-Noise::at(5, index).gumbel(0)).exp()).exp();
        let run = |forecast: &mut Forecast, truth: fn(f64) -> f64, seed: usize| {
            for index in 0..4000 {
                let figure = share(seed + 2 * index) * 6.0 - 3.0;
                forecast.saw(figure, 0.0, share(seed + 2 * index + 1) < probability(truth(figure)));
            }
        };
        run(&mut forecast, |figure| 0.5 + 0.8 * figure, 0);
        assert!((forecast.weights[0] - 0.5).abs() < 0.25 && (forecast.weights[1] - 0.8).abs() < 0.25, "{forecast:?}");
        run(&mut forecast, |figure| -1.0 + 0.3 * figure, 100_000);
        assert!((forecast.weights[0] + 1.0).abs() < 0.25 && (forecast.weights[1] - 0.3).abs() < 0.25, "{forecast:?}");
    }

    #[test]
    fn it_stays_finite_whatever_happens() {
        let mut forecast = Forecast::guess(0.0, 1.0, [1.0, 1.0]);
        for index in 0..10_000_u32 {
            forecast.saw(log_odds(f64::from(index % 3) / 2.0), 0.0, index % 7 == 0);
            assert!(forecast.is_sound(), "{forecast:?}");
        }
        assert!(probability(forecast.at(log_odds(1.0))) < 1.0);
    }
}
