//! Models whose conditional distributions are known, policies that look at everything, and chi-square.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use crate::model::{Clock, LanguageModel, Logits, Token, VocabId};
use crate::policy::{Action, Adaptive, CostCurve, Policy, Reviewed, View};
use crate::random::Noise;
use crate::request::{Request, Sink, Step};
use crate::rule::{ReviewRule, Rule};
use crate::run::Run;
use crate::{Cascade, SamplerSettings};

/// Answers are made of groups of so many tokens, and no group depends on another.
const GROUP: usize = 3;

/// How often each answer was seen, or its probability, by [`key`].
pub(super) type Table<T> = BTreeMap<u32, T>;

/// A short answer as a number.
fn key(tokens: &[Token]) -> u32 {
    tokens.iter().fold(1, |key, token| key * 16 + token)
}

/// The models of a ladder: each has a row of scores for every beginning of a group.
#[derive(Clone)]
pub(super) struct World {
    pub(super) vocab: usize,
    /// By model, then by beginning.
    pub(super) scores: Vec<Rc<Vec<Vec<f32>>>>,
    pub(super) prompt: Vec<Token>,
    pub(super) max_gram: bool,
    pub(super) end_tokens: Vec<Token>,
    pub(super) widths: Option<Vec<usize>>,
    /// A draft that knows one token for each position, and for some none.
    pub(super) knows_one: Option<usize>,
}

/// Seconds of a pass: of the target, then of the drafts.
const COSTS: [f64; 3] = [0.010, 0.0015, 0.0004];

impl World {
    /// A target and a draft for each of `agreements`, with scores of their own to a share of 1 − agreement.
    pub(super) fn new(vocab: usize, agreements: &[f32]) -> Self {
        let own = |seed, row, token| Noise::at(seed, row).gumbel(token as Token) as f32;
        let rows = (0..GROUP as u32).map(|length| vocab.pow(length)).sum();
        let model = |seed, agreement: f32| {
            let score = |row, token| own(0, row, token) * agreement + own(seed, row, token) * (1.0 - agreement);
            Rc::new((0..rows).map(|row| (0..vocab).map(|token| score(row, token)).collect()).collect())
        };
        let scores = std::iter::once(1.0).chain(agreements.iter().copied()).zip(0..).map(|(a, seed)| model(seed, a));
        Self {
            vocab,
            scores: scores.collect(),
            prompt: vec![1, 2, 0, 3, 1, 2],
            max_gram: true,
            end_tokens: Vec::new(),
            widths: None,
            knows_one: None,
        }
    }

    /// A target and a draft that draw every token from the same two distributions.
    pub(super) fn constant(target: &[f32], draft: &[f32]) -> Self {
        let mut world = Self::new(target.len(), &[0.0]);
        let rows = world.scores[0].len();
        let same = |p: &[f32]| Rc::new(vec![p.iter().map(|p| p.ln()).collect::<Vec<_>>(); rows]);
        world.scores = vec![same(target), same(draft)];
        (world.max_gram, world.prompt) = (false, vec![0]);
        world
    }

    pub(super) fn models(&self) -> usize {
        self.scores.len()
    }

    /// The adaptive policy, knowing what passes cost here.
    pub(super) fn adaptive(&self) -> Adaptive {
        let curve = |cost| {
            let mut curve = CostCurve::default();
            for width in [1, 2, 4, 8, 16] {
                curve.measured(width, cost);
            }
            curve
        };
        Adaptive::new(COSTS[..self.scores.len()].iter().map(|cost| curve(*cost)).collect())
    }

    /// Probability of every first group, worked out from the definitions.
    pub(super) fn exact(&self, settings: &SamplerSettings) -> Table<f64> {
        let mut table = Table::new();
        let mut open = vec![(Vec::new(), 1.0)];
        while let Some((answer, probability)) = open.pop() {
            let ended = answer.last().is_some_and(|last| self.end_tokens.contains(last));
            if ended || answer.len() == GROUP {
                table.insert(key(&answer), probability);
                continue;
            }
            let history: Vec<Token> = self.prompt.iter().chain(&answer).copied().collect();
            let row = &self.scores[0][beginning(&answer, self.vocab)];
            for (token, share) in processed(settings, row, &history).into_iter().enumerate() {
                if share > 0.0 {
                    let answer = answer.iter().copied().chain([token as Token]).collect();
                    open.push((answer, probability * share));
                }
            }
        }
        table
    }

    /// Draws `runs` answers of `groups` groups and counts the groups.
    pub(super) fn draw(
        &self,
        rule: Option<&dyn Rule>,
        policy: &mut dyn Policy,
        settings: &SamplerSettings,
        (runs, groups): (usize, usize),
    ) -> Seen {
        let clock = Passed::default();
        let mut seen = Seen::default();
        for seed in 0..runs as u64 {
            let table = |rung: usize| Known {
                vocab: VocabId { hash: 0, size: self.vocab },
                rows: self.scores[rung].clone(),
                start: self.prompt.len(),
                held: Vec::new(),
                scores: Vec::new(),
                knows_one: self.knows_one == Some(rung),
                sure: Vec::new(),
                clock: clock.clone(),
                cost: Duration::from_secs_f64(COSTS[rung]),
            };
            let mut ladder = Cascade::new(table(0));
            ladder.set_max_gram(self.max_gram);
            (1..self.scores.len()).for_each(|rung| ladder.add_draft(table(rung), 4.0).unwrap());
            let request = Request {
                prompt: &self.prompt,
                shown: &[],
                max_tokens: groups * GROUP,
                sampler: &SamplerSettings { seed, ..settings.clone() },
                rule: ReviewRule::Coupled,
                constraint: None,
                end_tokens: &self.end_tokens,
                cascade: true,
                drafts_wait: false,
                fresh: true,
                // In short answers already the first token is to be drafted for: the prompt's last token is read apart.
                chunk: if groups < 10 { 1 } else { 64 },
                widths: self.widths.as_deref(),
                cancelled: &|| false,
            };
            seen.answer.clear();
            let mut run = Run::prepare(&mut ladder, &request, policy, &clock).unwrap();
            run.rule = rule;
            let outcome = run.answer(&mut seen).unwrap();
            for group in seen.answer.chunks(GROUP) {
                let ended = group.len() < GROUP;
                let mut group = group.to_vec();
                group.extend(self.end_tokens.iter().filter(|_| ended));
                *seen.groups.entry(key(&group)).or_default() += 1;
            }
            if seen.answer.is_empty() {
                *seen.groups.entry(key(&self.end_tokens)).or_default() += 1;
            }
            seen.accepted.resize(outcome.rungs.len(), 0);
            seen.accepted.iter_mut().zip(&outcome.rungs).for_each(|(sum, rung)| *sum += rung.accepted);
        }
        seen
    }
}

/// What came out of many runs.
#[derive(Default)]
pub(super) struct Seen {
    answer: Vec<Token>,
    pub(super) groups: Table<u64>,
    /// Tokens that stand in answers, by rung.
    pub(super) accepted: Vec<usize>,
    /// By number of tokens proposed to the target: reviews, and proposals kept in them.
    pub(super) reviews: BTreeMap<usize, (u64, u64)>,
}

impl Seen {
    /// Tokens that were drawn, those that end an answer among them.
    pub(super) fn drawn(&self) -> u64 {
        // Four bits of its key for each token of a group.
        self.groups.iter().map(|(key, count)| u64::from(key.ilog2() / 4) * count).sum()
    }
}

impl Sink for Seen {
    fn reading(&mut self, _: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn step(&mut self, step: &Step<'_>) -> ControlFlow<()> {
        self.answer.extend_from_slice(step.tokens);
        let entry = self.reviews.entry(step.proposed).or_default();
        entry.0 += 1;
        entry.1 += step.writers.iter().filter(|writer| **writer > 0).count() as u64;
        ControlFlow::Continue(())
    }
}

/// Where the row for what stands in a group so far is kept.
fn beginning(group: &[Token], vocab: usize) -> usize {
    let shorter: usize = (0..group.len() as u32).map(|length| vocab.pow(length)).sum();
    shorter + group.iter().fold(0, |index, token| index * vocab + *token as usize)
}

/// The sampler's definition, step by step: penalties, top-k, top-p, min-p, temperature.
fn processed(settings: &SamplerSettings, row: &[f32], history: &[Token]) -> Vec<f64> {
    let window = &history[history.len() - settings.penalty_last_n.min(history.len())..];
    let score = |token: usize| {
        let score = f64::from(row[token]);
        let count = window.iter().filter(|seen| **seen as usize == token).count() as f64;
        if count.abs() < 0.5 {
            return score;
        }
        let repeat = f64::from(settings.repeat_penalty);
        let score = if score > 0.0 { score / repeat } else { score * repeat };
        score - count * f64::from(settings.frequency_penalty) - f64::from(settings.presence_penalty)
    };
    let mut best: Vec<(usize, f64)> = (0..row.len()).map(|token| (token, score(token))).collect();
    best.sort_by(|a, b| b.1.total_cmp(&a.1));
    if settings.top_k > 0 {
        best.truncate(settings.top_k);
    }
    let top = best[0].1;
    let total: f64 = best.iter().map(|(_, score)| (score - top).exp()).sum();
    let (mut sum, mut shares) = (0.0, vec![0.0; row.len()]);
    for (token, score) in best {
        let likelihood = (score - top).exp();
        if sum < f64::from(settings.top_p) * total && likelihood >= f64::from(settings.min_p) {
            shares[token] = ((score - top) / f64::from(settings.temperature)).exp();
        }
        sum += likelihood;
    }
    let total: f64 = shares.iter().sum();
    shares.into_iter().map(|share| share / total).collect()
}

/// Chi-square of what was seen and its degrees of freedom; outcomes that are expected fewer than five times count as one.
///
/// Infinite if something was seen that cannot be.
pub(super) fn chi_square(seen: &Table<u64>, exact: &Table<f64>) -> (f64, f64) {
    if seen.keys().any(|outcome| !exact.contains_key(outcome)) {
        return (f64::INFINITY, 1.0);
    }
    let draws: f64 = seen.values().map(|count| *count as f64).sum();
    let (mut chi, mut cells, mut rest) = (0.0, 0.0, (0.0, 0.0));
    for (outcome, probability) in exact {
        let (count, expected) = (seen.get(outcome).map_or(0.0, |count| *count as f64), probability * draws);
        if expected < 5.0 {
            rest = (rest.0 + count, rest.1 + expected);
        } else {
            chi += (count - expected).powi(2) / expected;
            cells += 1.0;
        }
    }
    if rest.1 >= 5.0 {
        chi += (rest.0 - rest.1).powi(2) / rest.1;
        cells += 1.0;
    }
    (chi, cells - 1.0)
}

/// What chi-square exceeds with probability 0.001 (Wilson and Hilferty 1931; within 0.3% from 10 degrees of freedom on).
pub(super) fn critical(freedom: f64) -> f64 {
    let part = 2.0 / (9.0 * freedom);
    freedom * (1.0 - part + 3.090_232 * part.sqrt()).powi(3)
}

/// A model that looks its scores up.
struct Known {
    vocab: VocabId,
    rows: Rc<Vec<Vec<f32>>>,
    /// Tokens of the prompt.
    start: usize,
    held: Vec<Token>,
    scores: Vec<f32>,
    knows_one: bool,
    /// How sure it is of that token, row by row.
    sure: Vec<f32>,
    clock: Passed,
    cost: Duration,
}

impl LanguageModel for Known {
    type Error = Infallible;

    fn vocab(&self) -> &VocabId {
        &self.vocab
    }

    fn capacity(&self) -> usize {
        usize::MAX
    }

    fn len(&self) -> usize {
        self.held.len()
    }

    fn truncate(&mut self, len: usize) -> Result<(), Infallible> {
        self.held.truncate(len);
        Ok(())
    }

    fn reviews(&self) -> bool {
        !self.knows_one
    }

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, Infallible> {
        self.held.extend_from_slice(tokens);
        self.clock.0.set(self.clock.0.get() + self.cost);
        self.scores.clear();
        for end in self.held.len() - rows + 1..=self.held.len() {
            let from = end - end.saturating_sub(self.start) % GROUP;
            self.scores.extend_from_slice(&self.rows[beginning(&self.held[from..end], self.vocab.size)]);
        }
        if self.knows_one {
            self.sure.clear();
            for row in self.scores.chunks_mut(self.vocab.size) {
                let best = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or_default();
                let known = best > 0;
                row.fill(f32::NEG_INFINITY);
                row[best] = if known { 0.0 } else { f32::NEG_INFINITY };
                self.sure.push(0.5);
            }
            return Ok(Logits::of_one(&self.scores, self.vocab.size, &self.sure));
        }
        Ok(Logits::new(&self.scores, self.vocab.size))
    }
}

/// Time that passes only in passes.
#[derive(Clone, Default)]
struct Passed(Rc<Cell<Duration>>);

impl Clock for Passed {
    fn now(&self) -> Duration {
        self.0.get()
    }
}

/// Lets everything it can see decide where a draft ends and who drafts: the most that a policy may do.
#[derive(Default)]
pub(super) struct Nosy(u64);

impl Policy for Nosy {
    fn next(&mut self, view: &View<'_>) -> Action {
        let mut hasher = DefaultHasher::new();
        (self.0, view.reviewer, view.room, view.answered).hash(&mut hasher);
        for proposal in view.pending {
            (proposal.writer, proposal.backer, proposal.copied.map(|copy| copy.length), proposal.confidence.to_bits())
                .hash(&mut hasher);
        }
        view.max_gram.map(|found| (found.length, found.count)).hash(&mut hasher);
        let number = hasher.finish() as usize;
        let below = view.available.len() - 1 - view.reviewer;
        let (rung, tokens) = (view.reviewer + 1 + number / 8 % below.max(1), 1 + number / 64 % 3);
        match number % 8 {
            0..3 if !view.pending.is_empty() => Action::Review,
            3..5 => Action::Step { rung, tokens },
            _ => Action::Draft { rung, tokens },
        }
    }

    fn learn(&mut self, reviewed: &Reviewed<'_>) {
        let mut hasher = DefaultHasher::new();
        let right = reviewed.foreseen.map(|foreseen| (foreseen.found.length, foreseen.right));
        (self.0, reviewed.kept, reviewed.proposals.len(), right).hash(&mut hasher);
        self.0 = hasher.finish();
    }
}
