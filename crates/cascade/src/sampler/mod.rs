//! Draws tokens from scores, in llama.cpp's order: what changes scores, what drops tokens, temperature and draw.

mod edit;
mod filter;
mod settings;

pub use settings::{Breakers, Dry, SamplerSettings};

use crate::constraint::TokenMask;
use crate::glance::Glance;
use crate::model::Token;
use crate::policy::Second;
use crate::random::Noise;
use crate::rule::Odds;
use edit::Edited;
use filter::Candidates;

/// The token drawn at one position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pick {
    /// The token.
    pub(crate) token: Token,
    /// Its score plus noise, the largest of all; comparable with [`Sampler::value_of`] at the same position.
    value: f64,
    /// Probability of the best token against the second best alone, 0.5 to 1: cheap to know and a fair guide.
    pub(crate) confidence: f32,
}

/// Draws tokens; keeps its buffers between draws so that a warm sampler does not allocate.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    edited: Edited,
    candidates: Candidates,
    last: Last,
}

/// From what the last draw was made: what [`Sampler::value_of`] needs.
#[derive(Debug, Clone, Copy, Default)]
enum Last {
    /// The best of the row itself.
    #[default]
    Row,
    /// The best of the edited row.
    Edited,
    /// The best of the candidates.
    Candidates,
    /// One of the candidates, drawn with this noise at this temperature.
    Drawn(Noise, f32),
}

impl Sampler {
    /// Draws the token behind `history`, which is the answer's token number `position`, among those of `mask`.
    ///
    /// `None` if no score is a finite number (NaN counts as −∞, and so does what `mask` refuses).
    pub(crate) fn pick(
        &mut self,
        settings: &SamplerSettings,
        row: &[f32],
        mask: Option<&TokenMask>,
        history: &[Token],
        position: usize,
    ) -> Option<Pick> {
        self.pick_and_glance(settings, row, mask, history, position).0
    }

    /// The same, with the best of the row as the model gave it.
    pub(crate) fn pick_and_glance(
        &mut self,
        settings: &SamplerSettings,
        row: &[f32],
        mask: Option<&TokenMask>,
        history: &[Token],
        position: usize,
    ) -> (Option<Pick>, Glance) {
        let Self { edited, candidates, last } = self;
        let glance = candidates.look(row);
        *last = Last::Row;
        let (mut row, mut seen) = (row, glance);
        if mask.is_some() || settings.edits() {
            edited.of(settings, row, mask, history);
            (*last, row) = (Last::Edited, &edited.row);
            seen = candidates.look(row);
        }
        (draw(settings, (row, &seen), position, candidates, last), glance)
    }

    /// Whether `token` comes within a factor `lenience` of the last pick: ℓ(x)+g(x) ≥ max − ln(lenience).
    ///
    /// `row` is the row of that pick. For greedy drawing ℓ is the plain score, so this compares probabilities: p(x) ≥ p(best)/lenience.
    pub(crate) fn lets_pass(&self, pick: &Pick, token: Token, row: &[f32], lenience: f32) -> bool {
        if token == pick.token {
            return true;
        }
        if lenience <= 1.0 {
            return false;
        }
        self.value_of(token, row).is_some_and(|value| value >= pick.value - f64::from(lenience).ln())
    }

    /// What was likeliest to be drawn in place of `first`, the last pick or what was let pass for it, among the row's best.
    pub(crate) fn second(&self, glance: &Glance, first: Token, row: &[f32]) -> Option<Second> {
        let others = glance.tokens().filter(|token| *token != first);
        let (_, token) =
            others.filter_map(|token| Some((self.value_of(token, row)?, token))).max_by(|a, b| a.0.total_cmp(&b.0))?;
        let rest = (1.0 - glance.share(first)).max(f32::MIN_POSITIVE);
        Some(Second { token, confidence: (glance.share(token) / rest).min(1.0) })
    }

    fn value_of(&self, token: Token, row: &[f32]) -> Option<f64> {
        let score = match self.last {
            Last::Row => row.get(token as usize).copied(),
            Last::Edited => self.edited.row.get(token as usize).copied(),
            Last::Candidates | Last::Drawn(..) => {
                self.candidates.left.iter().find(|(_, candidate)| *candidate == token).map(|(score, _)| *score)
            }
        };
        score.filter(|score| score.is_finite()).map(|score| self.last.value(score, token))
    }
}

impl Sampler {
    /// What [`pick`](Self::pick) draws from, for the rules that need to know it; not for greedy drawing.
    pub(crate) fn odds(
        &mut self,
        settings: &SamplerSettings,
        row: &[f32],
        history: &[Token],
        position: usize,
    ) -> Option<Odds> {
        let sure = self.pick(settings, row, None, history, position)?.confidence;
        let left = &self.candidates.left;
        let best = left.iter().fold(f32::NEG_INFINITY, |best, (score, _)| best.max(*score));
        let weight = |score: f32| ((score - best) / settings.temperature).exp();
        Odds::new(left.iter().map(|(score, token)| (*token, weight(*score))), sure)
    }
}

/// Draws from `row`, which `candidates` looked at last, and tells `last` how.
fn draw(
    settings: &SamplerSettings,
    (row, glance): (&[f32], &Glance),
    position: usize,
    candidates: &mut Candidates,
    last: &mut Last,
) -> Option<Pick> {
    let (best, confidence) = glance.best_two()?;
    let greedy = settings.temperature <= 0.0;
    if greedy && !settings.may_drop_the_best() {
        return Some(Pick { token: best.1, value: f64::from(best.0), confidence });
    }
    let noise = Noise::at(settings.seed, position);
    candidates.filter(settings, row, noise);
    *last = if greedy { Last::Candidates } else { Last::Drawn(noise, settings.temperature) };
    let mut pick: Option<Pick> = None;
    for &(score, token) in &candidates.left {
        let value = last.value(score, token);
        // The lower id on a tie, whatever order the filters left.
        if pick.is_none_or(|p| value > p.value || (value >= p.value && token < p.token)) {
            pick = Some(Pick { token, value, confidence });
        }
    }
    pick
}

impl Last {
    fn value(self, score: f32, token: Token) -> f64 {
        match self {
            Self::Drawn(noise, temperature) => f64::from(score) / f64::from(temperature) + noise.gumbel(token),
            _ => f64::from(score),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(seed: u64) -> SamplerSettings {
        SamplerSettings { temperature: 1.0, seed, ..SamplerSettings::greedy() }
    }

    #[test]
    fn greedy_takes_the_best_and_the_lower_id_on_a_tie() {
        let pick =
            Sampler::default().pick(&SamplerSettings::greedy(), &[0.0, 3.0, 3.0, f32::NAN], None, &[], 0).unwrap();
        assert_eq!(pick.token, 1);
        assert!((pick.confidence - 0.5).abs() < 1e-6);
    }

    #[test]
    fn rows_without_a_finite_score_give_nothing() {
        for row in [&[][..], &[f32::NAN, f32::NAN], &[f32::NEG_INFINITY], &[f32::INFINITY, 0.0]] {
            assert_eq!(Sampler::default().pick(&SamplerSettings::greedy(), row, None, &[], 0), None);
            assert_eq!(Sampler::default().pick(&sampled(1), row, None, &[], 0), None);
        }
    }

    #[test]
    fn greedy_takes_the_best_that_is_left() {
        // Typical's order is 1, 0, …: at 0.2 the likeliest token is gone.
        let row = [3.0_f32, 2.0, 1.0, 1.0].map(|x| x * std::f32::consts::LN_2);
        let settings = SamplerSettings { typical_p: 0.2, ..SamplerSettings::greedy() };
        let mut sampler = Sampler::default();
        let pick = sampler.pick(&settings, &row, None, &[], 0).unwrap();
        assert_eq!(pick.token, 1);
        assert!(!sampler.lets_pass(&pick, 0, &row, 1e9), "what was dropped never passes");
        let crossed = SamplerSettings { xtc_probability: 1.0, xtc_threshold: 0.2, ..SamplerSettings::greedy() };
        assert_eq!(sampler.pick(&crossed, &row, None, &[], 0).unwrap().token, 1);
    }

    #[test]
    fn a_mask_leaves_nothing_else_to_draw() {
        let mut mask = TokenMask::new(3);
        mask.allow(2);
        for settings in [SamplerSettings::greedy(), sampled(3)] {
            let mut sampler = Sampler::default();
            let pick = sampler.pick(&settings, &[9.0, 8.0, 0.0], Some(&mask), &[], 0).unwrap();
            assert_eq!((pick.token, pick.confidence), (2, 1.0));
            assert!(!sampler.lets_pass(&pick, 0, &[9.0, 8.0, 0.0], 1e9));
            assert_eq!(sampler.pick(&settings, &[1.0; 3], Some(&TokenMask::new(3)), &[], 0), None);
        }
    }

    #[test]
    fn draws_have_the_distribution_of_the_scores() {
        let weights = [0.5_f64, 0.3, 0.15, 0.05];
        let row = weights.map(|w| w.ln() as f32);
        let (mut sampler, settings, n) = (Sampler::default(), sampled(42), 200_000);
        let mut seen = [0_u32; 4];
        for position in 0..n {
            seen[sampler.pick(&settings, &row, None, &[], position).unwrap().token as usize] += 1;
        }
        let chi: f64 =
            weights.iter().zip(seen).map(|(w, s)| (f64::from(s) - w * n as f64).powi(2) / (w * n as f64)).sum();
        // 3 degrees of freedom, α = 0.001 fixed in advance; the seed is fixed, so this cannot flicker.
        assert!(chi < 16.27, "chi-square {chi}, seen {seen:?}");
    }

    #[test]
    fn lenience_lets_near_misses_pass_and_nothing_at_one() {
        let row = [2.0_f32, 1.5, 0.0];
        let mut sampler = Sampler::default();
        let pick = sampler.pick(&SamplerSettings::greedy(), &row, None, &[], 0).unwrap();
        assert!(!sampler.lets_pass(&pick, 1, &row, 1.0));
        assert!(sampler.lets_pass(&pick, 1, &row, 2.0), "e^0.5 < 2");
        assert!(!sampler.lets_pass(&pick, 2, &row, 2.0), "e^2 > 2");
        assert!(!sampler.lets_pass(&pick, 9, &row, 1e9), "not a token");
    }
}
