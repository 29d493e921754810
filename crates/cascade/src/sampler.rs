use crate::model::Token;
use crate::random::Noise;
use crate::rule::Odds;

/// How a token is drawn from scores. Applied in this order: penalties, top-k, top-p, min-p, temperature, draw.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplerSettings {
    /// How many of the last tokens the penalties look at; 0 looks at none.
    pub penalty_last_n: usize,
    /// Divides positive and multiplies negative scores of tokens seen in the window; 1 changes nothing.
    pub repeat_penalty: f32,
    /// Subtracted once per occurrence in the window.
    pub frequency_penalty: f32,
    /// Subtracted once if the token occurs in the window.
    pub presence_penalty: f32,
    /// Keep this many best tokens; 0 keeps all.
    pub top_k: usize,
    /// Keep the smallest set of best tokens with at least this probability; 1 or more keeps all.
    pub top_p: f32,
    /// Drop tokens below this share of the best one's probability; 0 drops none.
    pub min_p: f32,
    /// 0 or less is greedy: always the best token.
    pub temperature: f32,
    /// Seed of the noise.
    pub seed: u64,
}

impl SamplerSettings {
    /// Always the likeliest token.
    pub fn greedy() -> Self {
        Self {
            penalty_last_n: 0,
            repeat_penalty: 1.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            temperature: 0.0,
            seed: 0,
        }
    }

    fn penalises(&self) -> bool {
        let same = |a: f32, b: f32| (a - b).abs() < f32::EPSILON;
        self.penalty_last_n > 0
            && !(same(self.repeat_penalty, 1.0)
                && same(self.frequency_penalty, 0.0)
                && same(self.presence_penalty, 0.0))
    }
}

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
    penalised: Vec<f32>,
    candidates: Vec<(f32, Token)>,
    counts: Vec<(Token, u32)>,
    /// Greedy or not, and the noise of the last draw: what [`Sampler::value_of`] needs.
    noise: Option<(Noise, f32)>,
    /// Whether the last draw was from `penalised` rather than the row itself.
    from_penalised: bool,
}

impl Sampler {
    /// Draws the token behind `history`, which is the answer's token number `position`.
    ///
    /// `None` if no score is a finite number (NaN counts as −∞).
    pub(crate) fn pick(
        &mut self,
        settings: &SamplerSettings,
        row: &[f32],
        history: &[Token],
        position: usize,
    ) -> Option<Pick> {
        let mut penalised = std::mem::take(&mut self.penalised);
        self.from_penalised = settings.penalises();
        let row = if self.from_penalised {
            self.penalise(settings, row, history, &mut penalised);
            penalised.as_slice()
        } else {
            row
        };
        let pick = self.draw(settings, row, position);
        self.penalised = penalised;
        pick
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

    fn value_of(&self, token: Token, row: &[f32]) -> Option<f64> {
        match self.noise {
            None => (if self.from_penalised { &self.penalised } else { row })
                .get(token as usize)
                .filter(|l| l.is_finite())
                .map(|l| f64::from(*l)),
            Some((noise, temperature)) => self
                .candidates
                .iter()
                .find(|(_, candidate)| *candidate == token)
                .map(|(l, _)| f64::from(*l) / f64::from(temperature) + noise.gumbel(token)),
        }
    }

    fn draw(&mut self, settings: &SamplerSettings, row: &[f32], position: usize) -> Option<Pick> {
        let (best, confidence) = best_two(row)?;
        if settings.temperature <= 0.0 {
            self.noise = None;
            return Some(Pick { token: best.1, value: f64::from(best.0), confidence });
        }
        self.filter(settings, row, best.0);
        let noise = Noise::at(settings.seed, position);
        self.noise = Some((noise, settings.temperature));
        let inverse = 1.0 / f64::from(settings.temperature);
        let mut pick: Option<Pick> = None;
        for &(score, token) in &self.candidates {
            let value = f64::from(score) * inverse + noise.gumbel(token);
            if pick.is_none_or(|p| value > p.value) {
                pick = Some(Pick { token, value, confidence });
            }
        }
        pick
    }

    /// Leaves in `candidates` what top-k, top-p and min-p keep.
    ///
    /// Each keeps a prefix of the tokens in falling order of score, so the shortest prefix decides and their order does
    /// not matter once top-p's probabilities are taken over top-k's set.
    fn filter(&mut self, settings: &SamplerSettings, row: &[f32], best: f32) {
        let candidates = &mut self.candidates;
        candidates.clear();
        let finite = row.iter().enumerate().filter(|(_, l)| l.is_finite());
        candidates.extend(finite.map(|(token, l)| (*l, token as Token)));
        let falling = |a: &(f32, Token), b: &(f32, Token)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if settings.top_k > 0 && settings.top_k < candidates.len() {
            candidates.select_nth_unstable_by(settings.top_k - 1, falling);
            candidates.truncate(settings.top_k);
        }
        let total: f64 =
            if settings.top_p < 1.0 { candidates.iter().map(|(l, _)| f64::from(l - best).exp()).sum() } else { 0.0 };
        if settings.min_p > 0.0 {
            let floor = best + settings.min_p.min(1.0).ln();
            candidates.retain(|(l, _)| *l >= floor);
        }
        if settings.top_p < 1.0 {
            candidates.sort_unstable_by(falling);
            let mut sum = 0.0;
            let kept = candidates
                .iter()
                .position(|(l, _)| {
                    sum += f64::from(l - best).exp();
                    sum >= f64::from(settings.top_p) * total
                })
                .map_or(candidates.len(), |last| last + 1);
            candidates.truncate(kept.max(1));
        }
    }

    fn penalise(&mut self, settings: &SamplerSettings, row: &[f32], history: &[Token], out: &mut Vec<f32>) {
        out.clear();
        out.extend_from_slice(row);
        self.counts.clear();
        for &token in &history[history.len().saturating_sub(settings.penalty_last_n)..] {
            match self.counts.iter_mut().find(|(seen, _)| *seen == token) {
                Some((_, count)) => *count += 1,
                None => self.counts.push((token, 1)),
            }
        }
        for &(token, count) in &self.counts {
            let Some(score) = out.get_mut(token as usize) else { continue };
            // The sign rule keeps the penalty a penalty on both sides of zero (Keskar et al. 2019, as llama.cpp does).
            *score = if *score <= 0.0 { *score * settings.repeat_penalty } else { *score / settings.repeat_penalty };
            *score -= settings.frequency_penalty.mul_add(count as f32, settings.presence_penalty);
        }
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
        let sure = self.pick(settings, row, history, position)?.confidence;
        let best = self.candidates.iter().fold(f32::NEG_INFINITY, |best, (score, _)| best.max(*score));
        let weight = |score: f32| ((score - best) / settings.temperature).exp();
        Odds::new(self.candidates.iter().map(|(score, token)| (*token, weight(*score))), sure)
    }
}

/// The best token with its score, and its probability against the second best alone. Ties go to the lower id.
fn best_two(row: &[f32]) -> Option<((f32, Token), f32)> {
    let (mut best, mut second) = ((f32::NEG_INFINITY, 0), f32::NEG_INFINITY);
    for (token, &score) in row.iter().enumerate() {
        if score > best.0 {
            second = best.0;
            best = (score, token as Token);
        } else if score > second {
            second = score;
        }
    }
    // +∞ is as broken as NaN: nothing can be compared with it.
    best.0.is_finite().then(|| (best, 1.0 / (1.0 + (second - best.0).exp())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(seed: u64) -> SamplerSettings {
        SamplerSettings { temperature: 1.0, seed, ..SamplerSettings::greedy() }
    }

    fn kept(settings: &SamplerSettings, row: &[f32]) -> Vec<Token> {
        let mut sampler = Sampler::default();
        sampler.pick(settings, row, &[], 0).unwrap();
        let mut kept: Vec<Token> = sampler.candidates.iter().map(|c| c.1).collect();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn greedy_takes_the_best_and_the_lower_id_on_a_tie() {
        let pick = Sampler::default().pick(&SamplerSettings::greedy(), &[0.0, 3.0, 3.0, f32::NAN], &[], 0).unwrap();
        assert_eq!(pick.token, 1);
        assert!((pick.confidence - 0.5).abs() < 1e-6);
    }

    #[test]
    fn rows_without_a_finite_score_give_nothing() {
        for row in [&[][..], &[f32::NAN, f32::NAN], &[f32::NEG_INFINITY], &[f32::INFINITY, 0.0]] {
            assert_eq!(Sampler::default().pick(&SamplerSettings::greedy(), row, &[], 0), None);
            assert_eq!(Sampler::default().pick(&sampled(1), row, &[], 0), None);
        }
    }

    #[test]
    fn each_filter_keeps_what_its_definition_says() {
        // Probabilities 0.5, 0.25, 0.125, 0.125.
        let row = [3.0_f32, 2.0, 1.0, 1.0].map(|x| x * std::f32::consts::LN_2);
        let base = sampled(0);
        assert_eq!(kept(&base, &row), [0, 1, 2, 3]);
        assert_eq!(kept(&SamplerSettings { top_k: 2, ..base.clone() }, &row), [0, 1]);
        assert_eq!(kept(&SamplerSettings { top_p: 0.6, ..base.clone() }, &row), [0, 1]);
        assert_eq!(kept(&SamplerSettings { top_p: 0.0, ..base.clone() }, &row), [0], "one token always stays");
        assert_eq!(kept(&SamplerSettings { min_p: 0.4, ..base.clone() }, &row), [0, 1]);
        // Over top-k's two tokens the first has 2/3 of the probability: top-p 0.6 keeps it alone.
        assert_eq!(kept(&SamplerSettings { top_k: 2, top_p: 0.6, ..base }, &row), [0]);
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
        let mut out = Vec::new();
        Sampler::default().penalise(&settings, &[4.0, -1.0, 7.0], &[2, 0, 1], &mut out);
        assert_eq!(out, [1.25, -2.75, 7.0], "token 2 has left the window");
    }

    #[test]
    fn draws_have_the_distribution_of_the_scores() {
        let weights = [0.5_f64, 0.3, 0.15, 0.05];
        let row = weights.map(|w| w.ln() as f32);
        let (mut sampler, settings, n) = (Sampler::default(), sampled(42), 200_000);
        let mut seen = [0_u32; 4];
        for position in 0..n {
            seen[sampler.pick(&settings, &row, &[], position).unwrap().token as usize] += 1;
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
        let pick = sampler.pick(&SamplerSettings::greedy(), &row, &[], 0).unwrap();
        assert!(!sampler.lets_pass(&pick, 1, &row, 1.0));
        assert!(sampler.lets_pass(&pick, 1, &row, 2.0), "e^0.5 < 2");
        assert!(!sampler.lets_pass(&pick, 2, &row, 2.0), "e^2 > 2");
        assert!(!sampler.lets_pass(&pick, 9, &row, 1e9), "not a token");
    }
}
