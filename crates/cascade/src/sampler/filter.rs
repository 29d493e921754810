//! What drops tokens: top-n-sigma, top-k, typical, top-p, min-p, XTC.

use super::settings::SamplerSettings;
use crate::glance::Glance;
use crate::model::Token;
use crate::random::Noise;
use crate::row::{PART, from};

/// The tokens that may still be drawn, with the buffers to choose among them.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Score and token, in no order that means anything.
    pub(super) left: Vec<(f32, Token)>,
    /// How far each candidate is from the expected surprise, its score, its token, its probability.
    surprises: Vec<(f64, f32, Token, f64)>,
    /// The highest score of each part of the row looked at last, as it stands and in another order.
    tops: Vec<f32>,
    floors: Vec<f32>,
}

fn falling(a: (f32, Token), b: (f32, Token)) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

impl Candidates {
    /// The best of `row`, which [`filter`](Self::filter) goes by afterwards.
    pub(super) fn look(&mut self, row: &[f32]) -> Glance {
        Glance::at(row, &mut self.tops)
    }

    /// Leaves what all filters keep of `row`, the one looked at last: at least one token if one has a finite score.
    pub(super) fn filter(&mut self, settings: &SamplerSettings, row: &[f32], noise: Noise) {
        self.left.clear();
        let most = settings.top_k;
        if most > 0 && settings.top_n_sigma <= 0.0 && most * PART <= row.len() {
            self.best_of(row, most);
        } else {
            self.all_of(row);
        }
        if settings.top_n_sigma > 0.0 {
            self.top_n_sigma(settings.top_n_sigma);
        }
        self.top_k(most);
        if settings.typical_p < 1.0 {
            self.typical(settings.typical_p);
        }
        self.top_p_and_min_p(settings.top_p, settings.min_p);
        if settings.crosses_out() && noise.coin() <= f64::from(settings.xtc_probability) {
            self.cross_out(settings.xtc_threshold);
        }
    }

    fn all_of(&mut self, row: &[f32]) {
        let finite = row.iter().enumerate().filter(|(_, l)| l.is_finite());
        self.left.extend(finite.map(|(token, l)| (*l, token as Token)));
    }

    /// All of `row` that may be among the `most` best, and few others: a vocabulary is long, and nearly all of it is far below.
    fn best_of(&mut self, row: &[f32], most: usize) {
        self.floors.clear();
        self.floors.extend_from_slice(&self.tops);
        let (_, floor, _) = self.floors.select_nth_unstable_by(most - 1, |a, b| b.total_cmp(a));
        from(row, &self.tops, *floor, |score, token| {
            if score.is_finite() {
                self.left.push((score, token));
            }
        });
    }

    /// Leaves the `most` best; all if that is 0.
    fn top_k(&mut self, most: usize) {
        if most > 0 && most < self.left.len() {
            self.left.select_nth_unstable_by(most - 1, |a, b| falling(*a, *b));
            self.left.truncate(most);
        }
    }

    fn best(&self) -> f32 {
        self.left.iter().fold(f32::NEG_INFINITY, |best, (l, _)| best.max(*l))
    }

    /// Sum of e^(score − best).
    fn total(&self, best: f32) -> f64 {
        self.left.iter().map(|(l, _)| f64::from(l - best).exp()).sum()
    }

    /// The variance is over all tokens with a finite score, divided by their number (Tang et al., arXiv 2411.07641).
    fn top_n_sigma(&mut self, n: f32) {
        let count = self.left.len() as f64;
        let mean = self.left.iter().map(|(l, _)| f64::from(*l)).sum::<f64>() / count;
        let variance = self.left.iter().map(|(l, _)| (f64::from(*l) - mean).powi(2)).sum::<f64>() / count;
        let floor = f64::from(self.best()) - f64::from(n) * variance.sqrt();
        self.left.retain(|(l, _)| f64::from(*l) >= floor);
    }

    fn typical(&mut self, most: f32) {
        let best = self.best();
        let total = self.total(best);
        let surprise = |l: f32| total.ln() - f64::from(l - best);
        let entropy: f64 = self.left.iter().map(|(l, _)| (-surprise(*l)).exp() * surprise(*l)).sum();
        self.surprises.clear();
        self.surprises.extend(self.left.iter().map(|&(l, token)| {
            let own = surprise(l);
            ((own - entropy).abs(), l, token, (-own).exp())
        }));
        self.surprises.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        let mut sum = 0.0;
        let kept = self.surprises.iter().position(|(.., p)| {
            sum += p;
            sum > f64::from(most)
        });
        self.left.clear();
        let kept = kept.map_or(self.surprises.len(), |last| last + 1);
        self.left.extend(self.surprises[..kept].iter().map(|(_, l, token, _)| (*l, *token)));
    }

    /// Each keeps a prefix of the tokens in falling order of score, so the shorter prefix decides; min-p goes first
    /// because that leaves less to sort, with top-p's probabilities still taken over all.
    fn top_p_and_min_p(&mut self, top_p: f32, min_p: f32) {
        if top_p >= 1.0 && min_p <= 0.0 {
            return;
        }
        let best = self.best();
        let total = if top_p < 1.0 { self.total(best) } else { 0.0 };
        if min_p > 0.0 {
            let floor = best + min_p.min(1.0).ln();
            self.left.retain(|(l, _)| *l >= floor);
        }
        if top_p < 1.0 {
            self.left.sort_unstable_by(|a, b| falling(*a, *b));
            let mut sum = 0.0;
            let kept = self.left.iter().position(|(l, _)| {
                sum += f64::from(l - best).exp();
                sum >= f64::from(top_p) * total
            });
            self.left.truncate(kept.map_or(self.left.len(), |last| last + 1).max(1));
        }
    }

    /// XTC, "exclude top choices": drops all but the least likely of the tokens with at least this probability.
    fn cross_out(&mut self, threshold: f32) {
        let best = self.best();
        let floor = f64::from(threshold) * self.total(best);
        let likely = |(l, _): &(f32, Token)| f64::from(l - best).exp() >= floor;
        let Some(&least) = self.left.iter().filter(|c| likely(c)).max_by(|a, b| falling(**a, **b)) else { return };
        self.left.retain(|c| !likely(c) || *c == least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::LN_2;

    fn kept(settings: &SamplerSettings, row: &[f32]) -> Vec<Token> {
        let mut candidates = Candidates::default();
        candidates.look(row);
        candidates.filter(settings, row, Noise::at(settings.seed, 0));
        let mut kept: Vec<Token> = candidates.left.iter().map(|c| c.1).collect();
        kept.sort_unstable();
        kept
    }

    /// Probabilities 0.5, 0.25, 0.125, 0.125.
    fn halves() -> [f32; 4] {
        [3.0_f32, 2.0, 1.0, 1.0].map(|x| x * LN_2)
    }

    #[test]
    fn each_prefix_filter_keeps_what_its_definition_says() {
        let (row, base) = (halves(), SamplerSettings::greedy());
        assert_eq!(kept(&base, &row), [0, 1, 2, 3]);
        assert_eq!(kept(&SamplerSettings { top_k: 2, ..base.clone() }, &row), [0, 1]);
        assert_eq!(kept(&SamplerSettings { top_p: 0.6, ..base.clone() }, &row), [0, 1]);
        assert_eq!(kept(&SamplerSettings { top_p: 0.0, ..base.clone() }, &row), [0], "one token always stays");
        assert_eq!(kept(&SamplerSettings { min_p: 0.4, ..base.clone() }, &row), [0, 1]);
        // Over top-k's two tokens the first has 2/3 of the probability: top-p 0.6 keeps it alone.
        assert_eq!(kept(&SamplerSettings { top_k: 2, top_p: 0.6, ..base }, &row), [0]);
    }

    #[test]
    fn a_long_rows_best_are_found_without_the_rest_and_lower_ids_go_first() {
        // Scores 0 to 96, each of them about ten times.
        let row: Vec<f32> = (0..1000).map(|token| (token * 37 % 97) as f32).collect();
        for top_k in [1, 3, 10, 15] {
            let mut sorted: Vec<(f32, Token)> = row.iter().copied().zip(0..).collect();
            sorted.sort_by(|a, b| falling(*a, *b));
            let mut wanted: Vec<Token> = sorted[..top_k].iter().map(|(_, token)| *token).collect();
            wanted.sort_unstable();
            assert_eq!(kept(&SamplerSettings { top_k, ..SamplerSettings::greedy() }, &row), wanted, "{top_k}");
        }
        let mut silenced = vec![f32::NEG_INFINITY; 1000];
        (silenced[7], silenced[900]) = (1.0, 2.0);
        assert_eq!(kept(&SamplerSettings { top_k: 5, ..SamplerSettings::greedy() }, &silenced), [7, 900]);
    }

    #[test]
    fn top_n_sigma_counts_standard_deviations_from_the_best() {
        // Mean 4, deviations 4, 0, −2, −2: the standard deviation is √6 ≈ 2.449. Refused tokens do not count.
        let row = [8.0, 4.0, 2.0, 2.0, f32::NEG_INFINITY];
        let n = |n: f32| kept(&SamplerSettings { top_n_sigma: n, ..SamplerSettings::greedy() }, &row);
        assert_eq!(n(1.0), [0], "4 < 8 − 2.449");
        assert_eq!(n(1.7), [0, 1], "4 ≥ 8 − 4.164");
        assert_eq!(n(2.5), [0, 1, 2, 3], "2 ≥ 8 − 6.124");
        assert_eq!(n(0.0), [0, 1, 2, 3]);
        assert_eq!(kept(&SamplerSettings { top_n_sigma: 1.0, ..SamplerSettings::greedy() }, &[5.0, 5.0]), [0, 1]);
    }

    #[test]
    fn typical_keeps_what_is_as_surprising_as_expected() {
        // Surprises 1, 2, 3, 3 bits; entropy 1.75: distances 0.75, 0.25, 1.25, 1.25.
        let typical = |p: f32| kept(&SamplerSettings { typical_p: p, ..SamplerSettings::greedy() }, &halves());
        assert_eq!(typical(0.2), [1], "the likeliest token is not the most typical");
        assert_eq!(typical(0.3), [0, 1]);
        assert_eq!(typical(0.7), [0, 1], "0.75 > 0.7");
        assert_eq!(typical(0.8), [0, 1, 2], "the lower id on a tie");
        assert_eq!(typical(1.0), [0, 1, 2, 3]);
        // Then top-p counts over what typical left, here 2/3 and 1/3.
        assert_eq!(kept(&SamplerSettings { typical_p: 0.7, top_p: 0.6, ..SamplerSettings::greedy() }, &halves()), [0]);
        // And min-p compares with the best that is left.
        let both = SamplerSettings { typical_p: 0.2, min_p: 0.9, ..SamplerSettings::greedy() };
        assert_eq!(kept(&both, &halves()), [1]);
    }

    #[test]
    fn xtc_leaves_the_least_likely_of_the_likely() {
        let xtc = |threshold: f32| SamplerSettings {
            xtc_probability: 1.0,
            xtc_threshold: threshold,
            ..SamplerSettings::greedy()
        };
        assert_eq!(kept(&xtc(0.2), &halves()), [1, 2, 3]);
        assert_eq!(kept(&xtc(0.1), &halves()), [3], "all four are likely; the last of the order stays");
        assert_eq!(kept(&xtc(0.4), &halves()), [0, 1, 2, 3], "only one is likely");
        assert_eq!(kept(&xtc(0.51), &halves()), [0, 1, 2, 3], "off");
        assert_eq!(kept(&SamplerSettings { xtc_probability: 0.0, ..xtc(0.2) }, &halves()), [0, 1, 2, 3]);
        // Top-k comes first: of 2/3 and 1/3 the second stays.
        assert_eq!(kept(&SamplerSettings { top_k: 2, ..xtc(0.3) }, &halves()), [1]);
    }

    #[test]
    fn xtc_acts_as_often_as_asked_and_its_coin_belongs_to_the_position() {
        let settings =
            SamplerSettings { xtc_probability: 0.3, xtc_threshold: 0.2, seed: 5, ..SamplerSettings::greedy() };
        let acts = |position: usize| {
            let mut candidates = Candidates::default();
            candidates.look(&halves());
            candidates.filter(&settings, &halves(), Noise::at(settings.seed, position));
            candidates.left.len() == 3
        };
        let n = 20_000;
        let often = (0..n).filter(|position| acts(*position)).count() as f64;
        // Standard deviation √(n·0.3·0.7) ≈ 65; the seed is fixed.
        assert!((often - 0.3 * f64::from(n as u32)).abs() < 4.0 * 65.0, "{often}");
        assert!((0..100).all(|position| acts(position) == acts(position)));
    }
}
