//! What changes scores before tokens are dropped: constraint, logit bias, penalties, DRY.

use super::settings::{Breakers, Dry, SamplerSettings};
use crate::constraint::TokenMask;
use crate::model::Token;

/// A row of scores on its way to the filters, with the buffers for it.
#[derive(Debug, Default)]
pub(super) struct Edited {
    pub(super) row: Vec<f32>,
    /// Tokens that the penalties look at, sorted.
    window: Vec<Token>,
    /// For each token of the window, counted from its end, how many tokens before it are the same as at the end.
    repeats: Vec<usize>,
    /// Tokens that would go on with a repetition, and of how many tokens.
    longest: Vec<(Token, usize)>,
}

impl Edited {
    /// Applies everything that changes scores to a copy of `row`.
    pub(super) fn of(&mut self, settings: &SamplerSettings, row: &[f32], mask: Option<&TokenMask>, history: &[Token]) {
        self.row.clear();
        self.row.extend_from_slice(row);
        if let Some(mask) = mask {
            mask.silence(&mut self.row);
        }
        for &(token, bias) in &settings.logit_bias {
            if let Some(score) = self.row.get_mut(token as usize) {
                *score += bias;
            }
        }
        if settings.penalises() {
            self.penalise(settings, history);
        }
        if settings.dry.acts() {
            self.dry(&settings.dry, history);
        }
    }

    fn penalise(&mut self, settings: &SamplerSettings, history: &[Token]) {
        self.window.clear();
        self.window.extend_from_slice(&history[history.len().saturating_sub(settings.penalty_last_n)..]);
        self.window.sort_unstable();
        for same in self.window.chunk_by(|a, b| a == b) {
            let Some(score) = self.row.get_mut(same[0] as usize) else { continue };
            // The sign rule keeps the penalty a penalty on both sides of zero (Keskar et al. 2019, as llama.cpp does).
            *score = if *score <= 0.0 { *score * settings.repeat_penalty } else { *score / settings.repeat_penalty };
            *score -= settings.frequency_penalty.mul_add(same.len() as f32, settings.presence_penalty);
        }
    }

    /// The window's tokens are looked at once each, whatever they are.
    fn dry(&mut self, dry: &Dry, history: &[Token]) {
        let window = &history[history.len().saturating_sub(dry.last_n)..];
        if window.len() <= dry.allowed_length {
            return;
        }
        let limit = since_breaker(&dry.breakers, window);
        if limit < dry.allowed_length {
            return;
        }
        common_with_end(window, &mut self.repeats);
        self.longest.clear();
        for back in 1..window.len() {
            let repeat = self.repeats[back].min(limit);
            if repeat >= dry.allowed_length {
                self.longest.push((window[window.len() - back], repeat));
            }
        }
        self.longest.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        self.longest.dedup_by_key(|(token, _)| *token);
        for &(token, repeat) in &self.longest {
            let Some(score) = self.row.get_mut(token as usize) else { continue };
            if dry.breakers.holds(token) {
                continue;
            }
            let power = (repeat - dry.allowed_length).min(i32::MAX as usize) as i32;
            let penalty = f64::from(dry.multiplier) * f64::from(dry.base).powi(power);
            // A score stays a finite number: the token is only the very last choice.
            *score -= penalty.min(f64::from(f32::MAX)) as f32;
        }
    }
}

/// How many tokens of `window` stand behind the last breaker in it; all of them if there is none.
fn since_breaker(breakers: &Breakers, window: &[Token]) -> usize {
    let last = (0..window.len()).rev().find_map(|start| Some(start + breakers.at(&window[start..])?));
    window.len() - last.unwrap_or(0)
}

/// For each n how many tokens in front of the last n of `window` are the same as at its end (the Z-function of the
/// reversed window; Gusfield 1997). Linear in the window.
fn common_with_end(window: &[Token], out: &mut Vec<usize>) {
    let n = window.len();
    let at = |index: usize| window[n - 1 - index];
    out.clear();
    out.resize(n, 0);
    // The part that is known to be the same as the beginning: from `left` up to `right`.
    let (mut left, mut right) = (0, 0);
    for index in 1..n {
        let mut same = if index < right { out[index - left].min(right - index) } else { 0 };
        while index + same < n && at(same) == at(index + same) {
            same += 1;
        }
        if index + same > right {
            (left, right) = (index, index + same);
        }
        out[index] = same;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(settings: &SamplerSettings, row: &[f32], history: &[Token]) -> Vec<f32> {
        let mut edited = Edited::default();
        edited.of(settings, row, None, history);
        edited.row
    }

    #[test]
    fn penalties_follow_the_window_and_the_sign() {
        let settings = SamplerSettings {
            penalty_last_n: 2,
            repeat_penalty: 2.0,
            frequency_penalty: 0.25,
            presence_penalty: 0.5,
            ..SamplerSettings::greedy()
        };
        let out = edited(&settings, &[4.0, -1.0, 7.0], &[2, 0, 1]);
        assert_eq!(out, [1.25, -2.75, 7.0], "token 2 has left the window");
    }

    #[test]
    fn a_bias_is_added_before_penalties_and_unknown_tokens_are_passed_over() {
        let settings = SamplerSettings {
            logit_bias: vec![(1, 3.0), (9, 5.0), (0, f32::NEG_INFINITY)],
            penalty_last_n: 4,
            repeat_penalty: 2.0,
            ..SamplerSettings::greedy()
        };
        // Token 1: (−1 + 3) / 2; before the bias the penalty would have made it −2 + 3.
        assert_eq!(edited(&settings, &[4.0, -1.0], &[1]), [f32::NEG_INFINITY, 1.0]);
    }

    #[test]
    fn what_a_constraint_refuses_stays_refused_whatever_its_bias() {
        let mut mask = TokenMask::new(3);
        mask.allow(1);
        let mut out = Edited::default();
        let settings = SamplerSettings { logit_bias: vec![(0, 100.0)], ..SamplerSettings::greedy() };
        out.of(&settings, &[1.0, 2.0, 3.0], Some(&mask), &[]);
        assert_eq!(out.row, [f32::NEG_INFINITY, 2.0, f32::NEG_INFINITY]);
    }

    fn with_dry(dry: Dry) -> SamplerSettings {
        SamplerSettings { dry, ..SamplerSettings::greedy() }
    }

    #[test]
    fn dry_takes_more_from_longer_repetitions() {
        let dry = Dry { multiplier: 0.5, base: 2.0, allowed_length: 1, ..Dry::default() };
        // a b c c b c y a b c: behind `a b c` came c (3 tokens), behind `c` came b (1), behind `b c` came y (2).
        let history = [0, 1, 2, 2, 1, 2, 4, 0, 1, 2];
        let out = edited(&with_dry(dry.clone()), &[0.0; 5], &history);
        assert_eq!(out, [0.0, -0.5, -2.0, 0.0, -1.0]);
        let longer = Dry { allowed_length: 3, ..dry.clone() };
        assert_eq!(edited(&with_dry(longer), &[0.0; 5], &history), [0.0, 0.0, -0.5, 0.0, 0.0]);
        // In the last 4 tokens nothing comes back.
        let short = Dry { last_n: 4, ..dry };
        assert_eq!(edited(&with_dry(short), &[0.0; 5], &history), [0.0; 5]);
    }

    #[test]
    fn no_repetition_reaches_across_a_breaker_and_breakers_are_free() {
        let dry = Dry { multiplier: 1.0, base: 2.0, allowed_length: 1, ..Dry::default() };
        let history = [0, 1, 2, 3, 0, 1, 2];
        assert_eq!(edited(&with_dry(dry.clone()), &[0.0; 4], &history), [0.0, 0.0, 0.0, -4.0]);
        let behind = |breakers: Vec<Vec<Token>>| {
            let breakers = Breakers::new(breakers);
            edited(&with_dry(Dry { breakers, ..dry.clone() }), &[0.0; 4], &history)[3]
        };
        assert!((behind(vec![vec![0]]) - -2.0).abs() < 1e-6, "two tokens stand behind the breaker");
        assert!((behind(vec![vec![0, 1]]) - -1.0).abs() < 1e-6, "one token stands behind the pair");
        assert!(behind(vec![vec![1, 2]]).abs() < 1e-6, "nothing stands behind it");
        assert!(behind(vec![vec![3]]).abs() < 1e-6, "the token itself is a breaker");
        assert!((behind(vec![Vec::new(), vec![2, 9]]) - -4.0).abs() < 1e-6, "neither is there");
    }

    #[test]
    fn dry_stays_finite_and_off_when_its_numbers_say_so() {
        let same = vec![1; 4000];
        let dry = Dry { multiplier: 1.0, base: 2.0, allowed_length: 1, ..Dry::default() };
        let out = edited(&with_dry(dry.clone()), &[0.0; 2], &same);
        assert!(out[1].is_finite() && out[1] < -1e30, "{out:?}");
        let flat = edited(&with_dry(Dry { base: 1.0, ..dry.clone() }), &[0.0; 2], &same);
        assert_eq!(flat, [0.0, -1.0]);
        for off in [Dry { multiplier: 0.0, ..dry.clone() }, Dry { base: 0.5, ..dry.clone() }, Dry { last_n: 0, ..dry }]
        {
            assert_eq!(edited(&with_dry(off), &[0.0; 2], &same), [0.0, 0.0]);
        }
    }

    #[test]
    fn repetitions_are_counted_as_by_hand() {
        let mut out = Vec::new();
        for window in [&[0_u32, 1, 2, 2, 1, 2, 4, 0, 1, 2][..], &[7; 12], &[1, 2, 1, 2, 1, 1, 2, 1, 2, 1], &[3], &[]] {
            common_with_end(window, &mut out);
            for back in 1..window.len() {
                let front = &window[..window.len() - back];
                let same = front.iter().rev().zip(window.iter().rev()).take_while(|(a, b)| a == b).count();
                assert_eq!(out[back], same, "{window:?} {back}");
            }
        }
    }
}
