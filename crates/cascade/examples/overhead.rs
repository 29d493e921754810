//! What everything but the models' passes costs, by size of vocabulary: policy, Max-Gram, drawing, reviewing and bookkeeping.
//! `cargo run --release -p cascade --example overhead`.
#![allow(clippy::print_stdout)]

use std::cell::Cell;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::{Duration, Instant};

use cascade::policy::{Adaptive, CostCurve};
use cascade::{
    Branch, Cascade, Clock, LanguageModel, Logits, NgramTable, Personal, Request, ReviewRule, SamplerSettings, Sink,
    Step, Token, VocabId,
};

/// Tokens of the answer.
const ANSWER: usize = 1500;

/// Time that passes only as passes cost it, and the real time spent inside the models.
#[derive(Clone, Default)]
struct Times {
    played: Rc<Cell<f64>>,
    inside: Rc<Cell<Duration>>,
}

impl Clock for Times {
    fn now(&self) -> Duration {
        Duration::from_secs_f64(self.played.get())
    }
}

/// A model that says a known text, wrong at every `wrong`th place; its scores are spread as a real model's are.
struct Scripted {
    vocab: VocabId,
    text: Rc<Vec<Token>>,
    wrong: usize,
    noise: Rc<Vec<f32>>,
    curve: CostCurve,
    times: Times,
    held: Vec<Token>,
    branched: Vec<Branch>,
    scores: Vec<f32>,
}

impl Scripted {
    fn row(&mut self, end: usize) {
        let start = self.scores.len();
        self.scores.extend_from_slice(&self.noise[end % 64..][..self.vocab.size]);
        let right = self.text[end % self.text.len()] as usize;
        let other = (right + 1) % self.vocab.size;
        let (first, second) = if end.is_multiple_of(self.wrong) { (other, right) } else { (right, other) };
        self.scores[start + first] = 14.0 + (end % 3) as f32;
        self.scores[start + second] = 13.0;
    }
}

impl LanguageModel for Scripted {
    type Error = Infallible;

    fn vocab(&self) -> &VocabId {
        &self.vocab
    }

    fn capacity(&self) -> usize {
        1 << 20
    }

    fn len(&self) -> usize {
        self.held.len()
    }

    fn truncate(&mut self, len: usize) -> Result<(), Infallible> {
        self.held.truncate(len);
        Ok(())
    }

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, Infallible> {
        self.extend_with(tokens, rows, &[])
    }

    fn branches(&self) -> usize {
        8
    }

    fn extend_with(&mut self, tokens: &[Token], rows: usize, branches: &[Branch]) -> Result<Logits<'_>, Infallible> {
        let began = Instant::now();
        let start = self.held.len();
        self.held.extend_from_slice(tokens);
        self.scores.clear();
        for end in self.held.len() - rows + 1..=self.held.len() {
            self.row(end);
        }
        self.branched.clear();
        for branch in branches {
            self.branched.push(Branch { at: start + branch.at, ..*branch });
            self.row(start + branch.at + 1);
        }
        let cost = self.curve.at(tokens.len() + branches.len()).unwrap_or(0.0);
        self.times.played.set(self.times.played.get() + cost);
        self.times.inside.set(self.times.inside.get() + began.elapsed());
        Ok(Logits::new(&self.scores, self.vocab.size))
    }

    fn take(&mut self, index: usize) -> Result<(), Infallible> {
        let Branch { at, token } = self.branched[index];
        self.held.truncate(at);
        self.held.push(token);
        Ok(())
    }
}

/// Real time between two reviews of the target, the models' own left out.
struct Between {
    times: Times,
    began: Instant,
    inside: Duration,
    played: f64,
    /// For each review the real time, and that as a share of the time that the passes for it would have taken.
    each: Vec<(f64, f64)>,
    tokens: usize,
}

impl Sink for Between {
    fn reading(&mut self, _: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn step(&mut self, step: &Step<'_>) -> ControlFlow<()> {
        let inside = self.times.inside.get().saturating_sub(self.inside);
        let real = self.began.elapsed().saturating_sub(inside).as_secs_f64();
        self.each.push((real, real / (self.times.played.get() - self.played)));
        self.tokens += step.tokens.len();
        (self.began, self.inside, self.played) = (Instant::now(), self.times.inside.get(), self.times.played.get());
        ControlFlow::Continue(())
    }
}

fn numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

fn curve(single: f64) -> CostCurve {
    let mut curve = CostCurve::default();
    for (width, times) in [(1, 1.0), (8, 1.2), (16, 1.43), (32, 1.9)] {
        curve.measured(width, single * times);
    }
    curve
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (size, pass) in [(49_152, 0.008), (151_936, 0.055)] {
        let mut next = numbers(size as u64);
        let text: Rc<Vec<Token>> = Rc::new((0..4096).map(|_| (next() % 3000) as Token).collect());
        // Twelve uniform numbers make a bell: most tokens far below the best.
        let noise: Vec<f32> = (0..size + 64)
            .map(|_| (0..12).map(|_| (next() % 4096) as f32 / 4096.0).sum::<f32>().mul_add(2.0, -12.0))
            .collect();
        let noise = Rc::new(noise);
        for (name, cascade, sampler) in [
            ("target alone, greedy", false, SamplerSettings::greedy()),
            ("cascade, greedy", true, SamplerSettings::greedy()),
            ("target alone, temperature 0.8", false, drawn()),
            ("cascade, temperature 0.8", true, drawn()),
        ] {
            let times = Times::default();
            let model = |wrong, cost: f64| Scripted {
                vocab: VocabId { hash: 1, size },
                text: Rc::clone(&text),
                wrong,
                noise: Rc::clone(&noise),
                curve: curve(cost),
                times: times.clone(),
                held: Vec::new(),
                branched: Vec::new(),
                scores: Vec::new(),
            };
            let mut ladder = Cascade::new(model(usize::MAX, pass));
            ladder.add_draft(model(6, 0.15 * pass), 1.0)?;
            if let Some(max_gram) = ladder.max_gram_mut() {
                let earlier: Vec<Token> = (0..Personal::MOST).map(|_| (next() % 3000) as Token).collect();
                max_gram.set_personal(Personal::with_tokens(Personal::MOST, &earlier), size);
                let table = NgramTable::count(1, &earlier);
                max_gram.set_table(Some(table), &VocabId { hash: 1, size })?;
            }
            let request = Request {
                prompt: &text[..512],
                shown: &[],
                max_tokens: ANSWER,
                sampler: &sampler,
                rule: ReviewRule::Coupled,
                end_tokens: &[],
                constraint: None,
                cascade,
                drafts_wait: false,
                fresh: true,
                chunk: 512,
                widths: None,
                cancelled: &|| false,
            };
            let mut policy = Adaptive::new(vec![curve(pass), curve(0.15 * pass)]);
            let (began, inside, each) = (Instant::now(), Duration::ZERO, Vec::new());
            let mut between = Between { times: times.clone(), began, inside, played: 0.0, each, tokens: 0 };
            ladder.run(&request, &mut policy, &times, &mut between)?;
            // Medians: a busy machine delays some passes, not most.
            let passes = between.each.len();
            let tokens = between.tokens as f64 / passes as f64;
            let median = |of: fn(&(f64, f64)) -> f64| {
                let mut each: Vec<f64> = between.each.iter().map(of).collect();
                each.sort_by(f64::total_cmp);
                each[passes / 2]
            };
            println!(
                "vocabulary {size}, {name}: {:.0} µs a review ({tokens:.1} tokens), {:.2}% of its passes",
                median(|each| each.0) * 1e6,
                median(|each| each.1) * 100.0,
            );
        }
    }
    Ok(())
}

/// The window's settings for a livelier answer.
fn drawn() -> SamplerSettings {
    SamplerSettings { temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.05, seed: 3, ..SamplerSettings::greedy() }
}
