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
    Branch, Breakers, Cascade, Clock, Constraint, Dry, LanguageModel, Logits, NgramTable, Personal, Request,
    ReviewRule, SamplerSettings, Sink, Step, Token, TokenMask, VocabId,
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

/// Where the ladder runs, and on what kind of text.
#[derive(Clone, Copy, PartialEq)]
enum Machine {
    /// Wide passes are cheap, and most of the text was there before.
    Flat,
    /// Two cores (the steps of `tests/data/two-cores.costs.json`), and nothing is there twice but by chance: all is weighed, and nothing pays.
    TwoCores,
}

impl Machine {
    fn curve(self, single: f64) -> CostCurve {
        let steps: &[(usize, f64)] = match self {
            Self::Flat => &[(1, 1.0), (8, 1.2), (16, 1.43), (32, 1.9)],
            Self::TwoCores => &[(1, 1.0), (2, 1.7), (3, 2.4), (4, 2.6), (6, 4.3), (8, 6.2), (16, 7.5), (32, 12.0)],
        };
        let mut curve = CostCurve::default();
        for (width, times) in steps {
            curve.measured(*width, single * times);
        }
        curve
    }
}

/// What is timed.
struct Row {
    name: &'static str,
    cascade: bool,
    /// Whether a model drafts, and not Max-Gram alone.
    drafts: bool,
    /// Tokens that stand before the answer.
    held: usize,
    rule: ReviewRule,
    /// Whether a grammar allows one token in eight.
    masked: bool,
    machine: Machine,
    sampler: SamplerSettings,
}

impl Row {
    fn new(name: &'static str, cascade: bool, sampler: SamplerSettings) -> Self {
        let (rule, machine) = (ReviewRule::Coupled, Machine::Flat);
        Self { name, cascade, drafts: true, held: 700, rule, masked: false, machine, sampler }
    }

    fn all() -> Vec<Self> {
        let greedy = SamplerSettings::greedy;
        let plain = |name, sampler| Self { drafts: false, ..Self::new(name, true, sampler) };
        let quiet = |name, sampler| Self { machine: Machine::TwoCores, ..plain(name, sampler) };
        let penalties = || SamplerSettings { penalty_last_n: 64, repeat_penalty: 1.1, ..drawn() };
        let dry = || SamplerSettings {
            dry: Dry {
                multiplier: 0.8,
                base: 1.75,
                allowed_length: 2,
                last_n: 1 << 16,
                breakers: Breakers::new(vec![vec![1]]),
            },
            ..drawn()
        };
        vec![
            Self::new("target alone, greedy", false, greedy()),
            Self::new("target alone, 0.8", false, drawn()),
            // What is most common where wide passes are dear: adaptive, and one token a review.
            quiet("Max-Gram, nothing pays, greedy", greedy()),
            quiet("Max-Gram, nothing pays, 0.8", drawn()),
            plain("Max-Gram, greedy", greedy()),
            plain("Max-Gram, 0.8", drawn()),
            Self { held: 32_000, ..plain("Max-Gram, 0.8, 32k before", drawn()) },
            Self::new("model and Max-Gram, greedy", true, greedy()),
            Self::new("model and Max-Gram, 0.8", true, drawn()),
            plain("Max-Gram, 0.8, penalties", penalties()),
            plain("Max-Gram, 0.8, DRY", dry()),
            Self { held: 32_000, ..plain("Max-Gram, 0.8, DRY, 32k before", dry()) },
            plain("Max-Gram, 0.8, typical", SamplerSettings { typical_p: 0.9, ..drawn() }),
            Self { masked: true, ..plain("Max-Gram, 0.8, a grammar's mask", drawn()) },
            Self { rule: ReviewRule::Block, ..Self::new("model and Max-Gram, 0.8, block", true, drawn()) },
        ]
    }
}

/// Allows every eighth token, the text's own among them.
struct Eighth(usize);

impl Constraint for Eighth {
    fn allow(&mut self, mask: &mut TokenMask) -> Result<bool, String> {
        mask.allow_words(&vec![0x0101_0101; self.0.div_ceil(32)]);
        Ok(false)
    }

    fn accept(&mut self, token: Token) -> bool {
        token.is_multiple_of(8)
    }

    fn roll_back(&mut self, _: usize) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "| vocabulary | what | µs a review, median | mean | tokens a review | of the time of its passes | all of it, of all passes |"
    );
    println!("|---|---|---|---|---|---|---|");
    // What a one-token pass takes behind no text, and more for each token of it: SmolLM2 135M and Qwen 1.5B on two cores.
    for (size, bare, each) in [(49_152, 0.0062, 3.9e-6), (151_936, 0.055, 5e-6)] {
        let mut next = numbers(size as u64);
        // Seven tokens of eight stood there 600 tokens before.
        let mut text: Vec<Token> = Vec::new();
        for at in 0..40_000_usize {
            let before = at.checked_sub(600).filter(|_| at % 64 < 56).map(|before| text[before]);
            text.push(before.unwrap_or_else(|| (next() % 3000) as Token * 8));
        }
        let text = Rc::new(text);
        let mut other = numbers(size as u64 + 1);
        let new: Rc<Vec<Token>> = Rc::new((0..40_000).map(|_| (other() % 3000) as Token * 8).collect());
        // Twelve uniform numbers make a bell: most tokens far below the best.
        let noise: Vec<f32> = (0..size + 64)
            .map(|_| (0..12).map(|_| (next() % 4096) as f32 / 4096.0).sum::<f32>().mul_add(2.0, -12.0))
            .collect();
        let noise = Rc::new(noise);
        for row in Row::all() {
            let (times, pass) = (Times::default(), bare + each * row.held as f64);
            let text = if row.machine == Machine::Flat { &text } else { &new };
            let model = |wrong, cost: f64| Scripted {
                vocab: VocabId { hash: 1, size },
                text: Rc::clone(text),
                wrong,
                noise: Rc::clone(&noise),
                curve: row.machine.curve(cost),
                times: times.clone(),
                held: Vec::new(),
                branched: Vec::new(),
                scores: Vec::new(),
            };
            let mut ladder = Cascade::new(model(usize::MAX, pass));
            let mut curves = vec![row.machine.curve(pass)];
            if row.drafts {
                ladder.add_draft(model(6, 0.15 * pass), 1.0)?;
                curves.push(row.machine.curve(0.15 * pass));
            }
            if let Some(max_gram) = ladder.max_gram_mut() {
                let earlier: Vec<Token> = (0..Personal::MOST).map(|_| (next() % 3000) as Token * 8).collect();
                max_gram.set_personal(Personal::with_tokens(Personal::MOST, &earlier), size);
                let table = NgramTable::count(1, &earlier);
                max_gram.set_table(Some(table), &VocabId { hash: 1, size })?;
            }
            let mask = || Box::new(Eighth(size)) as Box<dyn Constraint>;
            let request = Request {
                prompt: &text[..row.held],
                shown: &[],
                max_tokens: ANSWER,
                sampler: &row.sampler,
                rule: row.rule,
                end_tokens: &[],
                constraint: if row.masked { Some(&mask) } else { None },
                cascade: row.cascade,
                drafts_wait: false,
                fresh: true,
                chunk: 512,
                widths: None,
                cancelled: &|| false,
            };
            let mut policy = Adaptive::new(curves);
            let (began, inside, each) = (Instant::now(), Duration::ZERO, Vec::new());
            let mut between = Between { times: times.clone(), began, inside, played: 0.0, each, tokens: 0 };
            ladder.run(&request, &mut policy, &times, &mut between)?;
            // The first has the prompt in it.
            let each = &between.each[1..];
            let tokens = between.tokens as f64 / between.each.len() as f64;
            // Medians: a busy machine delays some passes, not most. What comes now and then is in the mean.
            let median = |of: fn(&(f64, f64)) -> f64| {
                let mut each: Vec<f64> = each.iter().map(of).collect();
                each.sort_by(f64::total_cmp);
                each[each.len() / 2]
            };
            let all: f64 = each.iter().map(|each| each.0).sum();
            // What each took over its share of the passes' time is that time.
            let passed: f64 = each.iter().map(|each| each.0 / each.1).sum();
            println!(
                "| {size} | {} | {:.0} | {:.0} | {tokens:.1} | {:.2}% | {:.2}% |",
                row.name,
                median(|each| each.0) * 1e6,
                all / each.len() as f64 * 1e6,
                median(|each| each.1) * 100.0,
                all / passed * 100.0,
            );
        }
    }
    Ok(())
}

/// The window's settings for a livelier answer.
fn drawn() -> SamplerSettings {
    SamplerSettings { temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.05, seed: 3, ..SamplerSettings::greedy() }
}
