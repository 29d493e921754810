//! What a forward pass costs, by its width.

use serde::{Deserialize, Serialize};

use super::growth::Growth;

/// Widest pass that has a place of its own; wider ones are reckoned from the last two known widths.
const WIDEST: usize = 64;

/// How much of a new time is believed.
const FRESH: f64 = 0.2;

/// A time this much shorter: as nothing but the work itself speeds a pass up, whatever made all of them long is over.
const SUDDEN: f64 = 0.9;

/// A time this much longer may be of a pass that something held up.
pub(super) const HELD_UP: f64 = 1.2;

/// How much of that is believed.
const OVER: f64 = 0.5;

/// Share of a change that concerns all widths alike: the text grew, the machine got hot, another program came. What is left tells
/// of this width alone.
const COMMON: f64 = 0.9;

/// The same of a pass over several tokens: there are few of them, and what was wrong of their width is to be told from what all have in common.
const COMMON_OF_WIDE: f64 = 0.45;

/// A time this many times longer is taken for this many: one pass that another program delayed must not turn the curve.
const OUTLIER: f64 = 2.0;

/// No less than this share of a time is a pass's own, whatever the text is thought to add.
const LEAST: f64 = 0.5;

/// From the first measured width on that is more than this many times the one before it, nothing is filled up.
const GAP: usize = 2;

/// A width that takes this many times what a narrower one does is not worth its filling up.
const STEP: f64 = 1.08;

/// Seconds of a pass over n tokens, T(n), measured and kept up to date.
///
/// That is of a text of no length: what stands before is looked at by every token of a pass ([`Self::stands_behind`]).
///
/// Kernels work in blocks, so T is a staircase: a measured width keeps its own time, and between two measured widths the
/// time rises in a straight line. It never falls with n: whatever else goes on in a computer only ever slows a pass, so where a wider
/// one was faster the narrower was held up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CostCurve {
    /// Seconds by width; index 0 is width 1. None where never measured.
    seconds: Vec<Option<f64>>,
    /// Whether each width goes its own way.
    #[serde(default)]
    apart: bool,
    /// Widths that passes are filled up to, in rising order; none where each is as wide as it has tokens.
    #[serde(default)]
    fills: Vec<usize>,
    /// What the text adds.
    #[serde(default)]
    growth: Growth,
}

impl CostCurve {
    /// From now on what one width takes says nothing of the others: on a graphics card passes of one width may be recorded, and others not.
    pub fn set_apart(&mut self) {
        self.apart = true;
    }

    /// Whether what one width takes says nothing of the others.
    pub fn is_apart(&self) -> bool {
        self.apart
    }

    /// From now on passes are filled up to the next of the measured widths of which each takes clearly longer than the one before it: few
    /// widths come often, and what is recorded of each of them is of use the longer.
    pub fn fill_up(&mut self) {
        let measured: Vec<(usize, f64)> = self.points().collect();
        // What lies in a wide gap may take much less than where it ends.
        let gap = measured.windows(2).position(|pair| pair[0].0 * GAP < pair[1].0);
        let mut wider = f64::INFINITY;
        self.fills.clear();
        for &(width, seconds) in measured[..gap.map_or(measured.len(), |last| last + 1)].iter().rev() {
            if width == 1 || wider > seconds * STEP {
                self.fills.insert(0, width);
                wider = seconds;
            } else {
                self.seconds[width - 1] = None;
            }
        }
    }

    /// Widths that passes are filled up to, in rising order; none where each is as wide as it has tokens.
    pub fn fills(&self) -> &[usize] {
        &self.fills
    }

    /// How wide a pass over `width` tokens really is.
    pub fn filled(&self, width: usize) -> usize {
        self.fills.iter().copied().find(|fill| *fill >= width).unwrap_or(width)
    }

    /// The next passes stand behind `held` tokens.
    pub(super) fn stands_behind(&mut self, held: usize) {
        self.growth.stands_behind(held);
    }

    /// What it learned of longer texts, `other` knows too.
    pub(super) fn teach_growth(&self, other: &mut Self) {
        other.growth = self.growth.of_another_level();
    }

    /// What a pass over `width` tokens took with no text, if that very width was measured.
    fn own(&self, width: usize) -> Option<f64> {
        *self.seconds.get(width - 1)?
    }

    /// Seconds that the text adds to a pass over `width` tokens.
    fn added(&self, width: usize) -> f64 {
        self.added_behind(width, self.growth.held())
    }

    /// The same of a text of `held` tokens. A card reads what it knows of it once for all tokens of a pass.
    fn added_behind(&self, width: usize, held: f64) -> f64 {
        let single = self.own(1).unwrap_or_default();
        single * if self.apart { self.growth.adds_at_once(held) } else { self.growth.adds(width, held) }
    }

    /// What each token that stands before adds to a pass over one, as a share of what that takes with no text, and as how many tokens more than it
    /// has (fewer, where negative) a wider pass looks at it: as far as that was learned. None of a card, whose tokens look at it together.
    pub fn by_length(&self) -> Option<(f64, f64)> {
        (!self.apart).then(|| self.growth.told())
    }

    /// Seconds of a pass that reads the last `width` tokens of the text: less of it stands before them.
    pub(super) fn reading(&self, width: usize) -> Option<f64> {
        let before = (self.growth.held() - 0.5 * width as f64).max(0.0);
        Some(self.bare(width)? + self.added_behind(width, before))
    }

    /// T(`width`) in seconds by the steps of `steps`, which was measured with no text, where a token takes as long as it does now.
    pub(super) fn by_steps_of(&self, steps: &Self, width: usize) -> Option<f64> {
        let single = self.bare(1)?;
        Some(steps.bare(width)? / steps.bare(1)? * single + self.added(self.filled(width)))
    }

    /// From now on a pass over `width` tokens takes `seconds`: that was measured. Nonsense (zero width, no positive time) is ignored.
    pub fn measured(&mut self, width: usize, seconds: f64) {
        if width == 0 || width > WIDEST || !seconds.is_finite() || seconds <= 0.0 {
            return;
        }
        if self.seconds.len() < width {
            self.seconds.resize(width, None);
        }
        self.seconds[width - 1] = Some(seconds);
    }

    /// Takes in a pass over `width` tokens that took `seconds`, one of many. Nonsense is ignored.
    pub fn saw(&mut self, width: usize, seconds: f64) {
        if width == 0 || !seconds.is_finite() || seconds <= 0.0 {
            return;
        }
        let width = self.filled(width);
        if self.own(width).is_none() {
            // The first sight of a width may be of a pass that was held up.
            let bare = (seconds - self.added(width)).max(seconds * LEAST);
            return self.measured(width, self.bare(width).map_or(bare, |near| bare.min(near * OUTLIER)));
        }
        if let (1, Some(bare), Some(expected)) = (width, self.bare(1), self.at(1)) {
            self.growth.saw((seconds - expected) / bare);
        }
        let Some(bare) = self.own(width) else { return };
        let expected = bare + self.added(width);
        let ratio = (seconds / expected).clamp(1.0 / (OUTLIER * OUTLIER), OUTLIER);
        // Where each width goes its own way, single tokens are timed so seldom that each time says much, if nothing held it up.
        let is_seldom = self.apart && width == 1 && ratio < HELD_UP;
        let share = if ratio < SUDDEN || is_seldom { OVER } else { FRESH };
        // In logarithms: what goes up and comes down again leaves the steps between the widths where they were, however often it does.
        let common = match width {
            _ if self.apart => 0.0,
            1 => COMMON,
            // What the text adds to wide passes may be wrong of them alone.
            _ => COMMON_OF_WIDE * bare / expected,
        };
        self.seconds.iter_mut().flatten().for_each(|time| *time *= ratio.powf(common * share));
        // What is this width's alone is its own as far as its time is, and what the text adds to wide passes as far as that is.
        let (rest, own) = ((1.0 - common) * share, if width == 1 { 1.0 } else { bare / expected });
        let single = self.own(1).filter(|_| width > 1).unwrap_or_default();
        if let Some(time) = &mut self.seconds[width - 1] {
            *time = (*time * ratio.powf(rest * own)).max(single);
        }
        if width > 1 && !self.apart {
            self.growth.saw_wide(width, ratio.powf(rest * (1.0 - own)));
        }
    }

    /// Every measured width with its seconds, in rising order of width; the narrowest that is filled up to one, too.
    pub fn points(&self) -> impl Iterator<Item = (usize, f64)> {
        let known = self.seconds.iter().enumerate().filter_map(|(index, time)| Some((index + 1, (*time)?)));
        known.flat_map(|(width, seconds)| {
            let before = self.fills.iter().rev().find(|fill| **fill < width);
            let narrowest = before.map(|fill| fill + 1).filter(|from| *from < width && self.fills.contains(&width));
            narrowest.into_iter().chain([width]).map(move |width| (width, seconds))
        })
    }

    /// Whether the figures can be used at all.
    pub(super) fn is_sound(&self) -> bool {
        let timed = |fill: &usize| fill.checked_sub(1).and_then(|index| *self.seconds.get(index)?).is_some();
        let rising = self.fills.is_sorted_by(|narrow, wide| narrow < wide);
        rising
            && self.fills.iter().all(timed)
            && self.seconds.len() <= WIDEST
            && self.seconds.iter().flatten().all(|time| *time > 0.0 && *time < 1e4)
            && self.growth.is_sound()
    }

    /// T(`width`) in seconds, behind as long a text as there is; None while nothing is measured.
    pub fn at(&self, width: usize) -> Option<f64> {
        let width = self.filled(width.max(1));
        Some(self.bare(width)? + self.added(width))
    }

    /// The same with no text.
    fn bare(&self, width: usize) -> Option<f64> {
        let width = self.filled(width.max(1));
        // Widths with their times.
        let mut below: Option<(usize, f64)> = None;
        let mut above: Option<(usize, f64)> = None;
        // From the widest down, with the shortest time so far.
        let mut shortest = f64::INFINITY;
        for (index, time) in self.seconds.iter().enumerate().rev() {
            let Some(time) = *time else { continue };
            shortest = shortest.min(time);
            if index + 1 > width {
                above = Some((index + 1, shortest));
            } else {
                below = Some((index + 1, shortest));
                break;
            }
        }
        // What a single token takes is what all else is compared with: it stands as it was measured, and nothing takes less.
        let single = self.own(1);
        let bounded = |time: f64| single.map_or(time, |single| time.max(single));
        Some(match (below, above) {
            _ if width == 1 && single.is_some() => single?,
            (Some((from, low)), Some((to, high))) => {
                let share = (width - from) as f64 / (to - from) as f64;
                let (low, high) = (bounded(low), bounded(high));
                low + share * (high - low)
            }
            (None, Some((_, high))) => high,
            (Some((last, high)), None) if last == width => bounded(high),
            (Some((last, high)), None) => {
                // Beyond the last: each token costs what it cost on average up to there, after the fixed part.
                let (from, low) = self.points().next()?;
                let slope = if last > from { (high - low).max(0.0) / (last - from) as f64 } else { high };
                bounded(high) + slope * (width - last) as f64
            }
            (None, None) => return None,
        })
    }
}

#[cfg(test)]
impl CostCurve {
    /// Of passes that were measured: their widths with their seconds.
    pub(super) fn of(points: &[(usize, f64)]) -> Self {
        let mut curve = Self::default();
        for (width, seconds) in points {
            curve.measured(*width, *seconds);
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Noise;

    #[test]
    fn steps_are_kept_and_gaps_are_straight() {
        let curve = CostCurve::of(&[(1, 1.0), (2, 1.1), (3, 2.0), (5, 3.0)]);
        let at: Vec<_> = (1..=7).map(|width| curve.at(width).unwrap()).collect();
        for (have, want) in at.iter().zip([1.0, 1.1, 2.0, 2.5, 3.0, 3.5, 4.0]) {
            assert!((have - want).abs() < 1e-9, "{at:?}");
        }
        assert_eq!(CostCurve::default().at(3), None);
    }

    #[test]
    fn passes_are_filled_up_where_that_costs_nothing() {
        let mut curve =
            CostCurve::of(&[(1, 1.0), (2, 1.2), (3, 1.21), (4, 1.25), (8, 1.6), (12, 2.0), (16, 2.1), (64, 4.9)]);
        curve.fill_up();
        assert_eq!(curve.fills(), [1, 4, 8, 16]);
        let at: Vec<_> = [1, 2, 4, 5, 9, 16].map(|width| curve.at(width).unwrap()).to_vec();
        assert_eq!(at, [1.0, 1.25, 1.25, 1.6, 2.1, 2.1]);
        assert!((curve.at(40).unwrap() - 3.5).abs() < 1e-9, "in a wide gap nothing is filled up: {curve:?}");
        let points: Vec<_> = curve.points().map(|(width, _)| width).collect();
        assert_eq!(points, [1, 2, 4, 5, 8, 9, 16, 64]);
        (0..50).for_each(|_| curve.saw(3, 1.5));
        assert!((curve.at(2).unwrap() - 1.5).abs() < 0.01, "what one width took, all take that are filled up to it");
        assert!(curve.at(65).unwrap() > 4.9 && curve.is_sound());
        let again: CostCurve = serde_json::from_str(&serde_json::to_string(&curve).unwrap()).unwrap();
        assert_eq!(again, curve);
    }

    #[test]
    fn what_a_text_adds_is_told_once_it_was_learned() {
        let mut curve = CostCurve::of(&[(1, 0.006), (4, 0.016)]);
        assert_eq!(curve.by_length(), Some((0.0, 0.0)));
        let slope = 1.0 / 1600.0;
        curve.stands_behind(4000);
        for pass in 0..400 {
            let longer = |rows: f64| 0.006 * slope * rows * 4000.0;
            let (width, seconds) = if pass % 8 == 0 { (4, 0.016 + longer(6.0)) } else { (1, 0.006 + longer(1.0)) };
            curve.saw(width, seconds);
        }
        let (share, rows) = curve.by_length().unwrap();
        let single = curve.bare(1).unwrap();
        assert!((0.8..1.25).contains(&(share * single / (slope * 0.006))), "{share} of {single}: {curve:?}");
        let wide = curve.bare(4).unwrap() + share * single * (4.0 + rows) * 4000.0;
        assert!((wide / (0.016 + 0.006 * slope * 6.0 * 4000.0) - 1.0).abs() < 0.1, "{wide}: {curve:?}");
        curve.set_apart();
        assert_eq!(curve.by_length(), None);
    }

    #[test]
    fn it_never_falls() {
        let curve = CostCurve::of(&[(1, 2.0), (2, 1.0), (4, 3.0)]);
        assert!((1..20).all(|width| curve.at(width) <= curve.at(width + 1)), "{curve:?}");
    }

    #[test]
    fn one_outlier_hardly_moves_it_and_a_lasting_change_does() {
        let mut curve = CostCurve::of(&[(1, 1.0), (4, 2.0)]);
        curve.saw(1, 50.0);
        assert!(curve.at(1).unwrap() < 1.3, "{curve:?}");
        (0..100).for_each(|_| curve.saw(1, 3.0));
        assert!((curve.at(1).unwrap() - 3.0).abs() < 0.1, "{curve:?}");
        assert!(curve.at(4).unwrap() > 4.0, "a slower machine is slower at every width: {curve:?}");
    }

    #[test]
    fn passes_of_one_width_that_are_held_up_now_and_then_leave_the_steps_where_they_were() {
        let mut curve = CostCurve::of(&[(1, 1.0), (2, 1.9), (8, 5.0)]);
        for pass in 0..10_000 {
            let noise = |tag| Noise::at(11, pass).uniform(tag);
            let held_up = if noise(0) < 0.05 { 1.5 + 4.5 * noise(1) } else { 1.0 };
            curve.saw(1, held_up * (0.95 + 0.1 * noise(2)));
        }
        let single = curve.at(1).unwrap();
        for (width, times) in [(2, 1.9), (8, 5.0)] {
            let now = curve.at(width).unwrap() / single;
            assert!((now / times - 1.0).abs() < 0.05, "width {width}: {now} times one token, not {times}");
        }
    }

    #[test]
    fn a_first_sight_that_was_held_up_bars_nothing() {
        let mut curve = CostCurve::of(&[(1, 1.0), (4, 2.0), (8, 4.0)]);
        curve.saw(6, 80.0);
        assert_eq!(curve.at(6), Some(4.0), "no more than a wider pass takes");
        assert_eq!(curve.at(8), Some(4.0));
        curve.saw(12, 80.0);
        assert!(curve.at(12).unwrap() < 12.0, "{curve:?}");
    }

    #[test]
    fn nonsense_is_ignored() {
        let mut curve = CostCurve::of(&[(2, 1.0)]);
        for (width, seconds) in [(0, 1.0), (2, f64::NAN), (2, -1.0), (2, 0.0), (9999, 1.0)] {
            curve.saw(width, seconds);
            curve.measured(width, seconds);
        }
        assert_eq!(curve.at(2), Some(1.0));
    }
}
