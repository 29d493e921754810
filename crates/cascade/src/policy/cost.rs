//! What a forward pass costs, by its width.

use serde::{Deserialize, Serialize};

/// Widest pass that has a place of its own; wider ones are reckoned from the last two known widths.
const WIDEST: usize = 64;

/// How much of a new time is believed.
const FRESH: f64 = 0.2;

/// How much of it is taken as a change of the whole machine (heat, another program), for widths not seen since.
const DRIFT: f64 = 0.05;

/// A time this many times off is taken for this many: one pass that another program delayed must not turn the curve.
const OUTLIER: f64 = 2.0;

/// Seconds of a pass over n tokens, T(n), measured and kept up to date.
///
/// Kernels work in blocks, so T is a staircase: a measured width keeps its own time, and between two measured widths the
/// time rises in a straight line. It never falls with n: a wider pass that was faster only shows noise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CostCurve {
    /// Seconds by width; index 0 is width 1. None where never measured.
    seconds: Vec<Option<f64>>,
}

impl CostCurve {
    /// Takes in a pass over `width` tokens that took `seconds`. Nonsense (zero width, no positive time) is ignored.
    pub fn saw(&mut self, width: usize, seconds: f64) {
        if width == 0 || width > WIDEST || !seconds.is_finite() || seconds <= 0.0 {
            return;
        }
        if self.seconds.len() < width {
            self.seconds.resize(width, None);
        }
        let Some(before) = self.seconds[width - 1] else {
            self.seconds[width - 1] = Some(seconds);
            return;
        };
        let ratio = (seconds / before).clamp(1.0 / OUTLIER, OUTLIER);
        for (index, time) in self.seconds.iter_mut().enumerate() {
            let share = if index + 1 == width { FRESH } else { DRIFT };
            *time = time.map(|time| time * (1.0 + share * (ratio - 1.0)));
        }
    }

    /// Every measured width with its seconds, in rising order of width.
    pub fn points(&self) -> impl Iterator<Item = (usize, f64)> {
        self.seconds.iter().enumerate().filter_map(|(index, time)| Some((index + 1, (*time)?)))
    }

    /// Whether the figures can be used at all.
    pub(super) fn is_sound(&self) -> bool {
        self.seconds.len() <= WIDEST && self.seconds.iter().flatten().all(|time| *time > 0.0 && *time < 1e4)
    }

    /// T(`width`) in seconds; None while nothing is measured.
    pub fn at(&self, width: usize) -> Option<f64> {
        let width = width.max(1);
        let known = || self.points();
        let below = known().take_while(|(w, _)| *w <= width).fold(None, |best: Option<(usize, f64)>, (width, time)| {
            // The latest width rules those after it, with the longest time so far.
            Some((width, best.map_or(time, |(_, longest)| longest.max(time))))
        });
        let above = known().find(|(w, _)| *w >= width);
        match (below, above) {
            (Some((from, low)), Some((to, high))) if to > from => {
                let share = (width - from) as f64 / (to - from) as f64;
                Some(low + share * (high - low).max(0.0))
            }
            (Some((_, low)), Some(_)) => Some(low),
            (None, Some((_, high))) => Some(high),
            (Some((last, high)), None) => {
                // Beyond the last: each token costs what it cost on average up to there, after the fixed part.
                let first = known().next().map_or((last, high), |first| first);
                let slope = if last > first.0 { (high - first.1).max(0.0) / (last - first.0) as f64 } else { high };
                Some(high + slope * (width - last) as f64)
            }
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(usize, f64)]) -> CostCurve {
        let mut curve = CostCurve::default();
        for (width, seconds) in points {
            curve.saw(*width, *seconds);
        }
        curve
    }

    #[test]
    fn steps_are_kept_and_gaps_are_straight() {
        let curve = curve(&[(1, 1.0), (2, 1.1), (3, 2.0), (5, 3.0)]);
        let at: Vec<_> = (1..=7).map(|width| curve.at(width).unwrap()).collect();
        for (have, want) in at.iter().zip([1.0, 1.1, 2.0, 2.5, 3.0, 3.5, 4.0]) {
            assert!((have - want).abs() < 1e-9, "{at:?}");
        }
        assert_eq!(CostCurve::default().at(3), None);
    }

    #[test]
    fn it_never_falls() {
        let curve = curve(&[(1, 2.0), (2, 1.0), (4, 3.0)]);
        assert!((1..20).all(|width| curve.at(width) <= curve.at(width + 1)), "{curve:?}");
    }

    #[test]
    fn one_outlier_hardly_moves_it_and_a_lasting_change_does() {
        let mut curve = curve(&[(1, 1.0), (4, 2.0)]);
        curve.saw(1, 50.0);
        assert!(curve.at(1).unwrap() < 1.3, "{curve:?}");
        (0..100).for_each(|_| curve.saw(1, 3.0));
        assert!((curve.at(1).unwrap() - 3.0).abs() < 0.1, "{curve:?}");
        assert!(curve.at(4).unwrap() > 2.5, "a slower machine is slower at every width: {curve:?}");
    }

    #[test]
    fn nonsense_is_ignored() {
        let mut curve = curve(&[(2, 1.0)]);
        for (width, seconds) in [(0, 1.0), (2, f64::NAN), (2, -1.0), (2, 0.0), (9999, 1.0)] {
            curve.saw(width, seconds);
        }
        assert_eq!(curve.at(2), Some(1.0));
    }
}
