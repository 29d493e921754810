//! A model of which is known what it says and what its passes cost.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use cascade::policy::CostCurve;
use cascade::{Branch, Clock, LanguageModel, Logits, Meanwhile, Reading, Token, VocabId};

use crate::costs::{Costs, SETTLING};
use crate::trace::Recorded;
use crate::weather::Weather;

/// The time that the passes so far took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    read: Rc<Cell<Times>>,
    weather: Weather,
    /// How many passes there were, of all answers.
    passes: Rc<Cell<usize>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    /// As a policy sees it.
    seen: f64,
    /// As it is counted.
    counted: f64,
}

impl Meter {
    pub(crate) fn new(weather: Weather, passes: Rc<Cell<usize>>) -> Self {
        Self { read: Rc::default(), weather, passes }
    }

    /// By the costs alone, whatever the weather.
    pub(crate) fn counted(&self) -> f64 {
        self.read.get().counted
    }

    /// A pass that should take `cost`.
    fn add(&self, cost: f64) {
        let passes = self.passes.replace(self.passes.get() + 1);
        let Times { seen, counted } = self.read.get();
        self.read.set(Times { seen: seen + cost * self.weather.of(passes), counted: counted + cost });
    }
}

impl Clock for Meter {
    fn now(&self) -> Duration {
        Duration::from_secs_f64(self.read.get().seen)
    }
}

/// Branches that the played target looks at in one pass at most.
const BRANCHES: usize = 8;

/// Tokens of no meaning behind the real ones.
const STRANGE: usize = 256;

/// A model that says what was recorded for a position.
///
/// That is exact up to the first token that differs from the target's. What a draft says behind it is thrown away by the
/// review in any case, and costs what it would have cost; but it must not tell what the draft would say in the right place,
/// or drafters that learn from it would look ahead. So behind that token a draft is as sure as recorded of tokens without meaning.
pub(crate) struct Replayed<'t> {
    said: Said<'t>,
    answer: &'t [Token],
    /// Where what it holds first differs from the answer.
    astray: Option<usize>,
    /// Tokens without meaning that it has said: none follows from those before it.
    strange: u64,
    prompt: usize,
    vocab: VocabId,
    held: usize,
    /// Where the branches of the last pass stand.
    taken: Vec<usize>,
    curve: CostCurve,
    /// The rung, and what all cost.
    rung: usize,
    costs: &'t Costs,
    /// How many one-token passes there were since a wider one.
    singles: u32,
    meter: Meter,
    scores: Vec<f32>,
}

enum Said<'t> {
    Target,
    Draft(&'t [Vec<(Token, u32)>]),
}

impl<'t> Replayed<'t> {
    /// The target if `rung` is 0, else the draft of that number.
    pub(crate) fn new(rung: usize, question: &'t Recorded, costs: &'t Costs, meter: Meter) -> Self {
        let said = rung.checked_sub(1).map_or(Said::Target, |draft| Said::Draft(&question.drafts[draft]));
        Self {
            said,
            answer: &question.answer,
            astray: None,
            strange: 0,
            prompt: question.prompt.len(),
            vocab: VocabId { hash: 0, size: question.size as usize + 1 + STRANGE },
            held: 0,
            taken: Vec::new(),
            curve: costs.curve(rung),
            rung,
            costs,
            singles: SETTLING,
            meter,
            scores: Vec::new(),
        }
    }

    /// Has a draft hold the first `tokens` tokens of the text.
    pub(crate) fn has_read(&mut self, tokens: usize) -> Option<Reading> {
        matches!(self.said, Said::Draft(_)).then(|| {
            self.held = tokens;
            Reading::of(tokens)
        })
    }

    fn fill(&mut self, position: usize) {
        let start = self.scores.len();
        self.scores.resize(start + self.vocab.size, f32::NEG_INFINITY);
        let row = &mut self.scores[start..];
        let end = row.len() - 1 - STRANGE;
        let astray = self.astray.is_some_and(|at| at < self.prompt + position);
        match self.said {
            Said::Target => row[self.answer.get(position).map_or(end, |token| *token as usize)] = 0.0,
            Said::Draft(rows) => match rows.get(position) {
                Some(best) => {
                    for (token, below) in best {
                        let mut token = *token as usize;
                        if astray && token != end {
                            self.strange += 1;
                            // Fibonacci hashing (Knuth, volume 3, 6.4) of the count, scattered by its square.
                            let count = self.strange.wrapping_mul(self.strange | 1);
                            token = end + 1 + (count.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize % STRANGE;
                        }
                        row[token] = -(*below as f32) / 1000.0;
                    }
                }
                None => row[end] = 0.0,
            },
        }
    }

    /// One pass over `tokens` and as many besides as `beside`; leaves the last `rows` rows.
    fn read(&mut self, tokens: &[Token], rows: usize, beside: usize) {
        // What both ways have to read is not what is compared.
        let pays = self.rung > 0 && self.costs.drafts_read;
        let new = tokens.len() - self.prompt.saturating_sub(self.held).min(tokens.len());
        if self.astray.is_none() {
            let known = |at: usize| at.checked_sub(self.prompt).map(|position| self.answer.get(position));
            let wrong = |(index, token): (usize, &Token)| {
                let at = self.held + index;
                known(at).is_some_and(|known| known != Some(token)).then_some(at)
            };
            self.astray = tokens.iter().enumerate().find_map(wrong);
        }
        let before = self.held;
        self.held += tokens.len();
        let width = if pays { tokens.len() } else { new.max(1) };
        if pays || new > 0 {
            let mut cost = self.curve.at(width + beside).unwrap_or(0.0);
            // Each token of a pass looks at those before it in the pass, too.
            let looked_at = before as f64 + 0.5 * (width + beside) as f64;
            cost += self.costs.held(self.rung, width + beside) * looked_at;
            if width + beside > 1 {
                self.singles = 0;
            } else if self.singles < SETTLING {
                self.singles += 1;
                cost += self.costs.settling(self.rung);
            }
            self.meter.add(cost);
        }
        self.scores.clear();
        for position in self.held - rows..self.held {
            self.fill((position + 1).saturating_sub(self.prompt));
        }
    }
}

impl LanguageModel for Replayed<'_> {
    type Error = Infallible;

    fn vocab(&self) -> &VocabId {
        &self.vocab
    }

    fn capacity(&self) -> usize {
        usize::MAX / 2
    }

    fn len(&self) -> usize {
        self.held
    }

    fn truncate(&mut self, len: usize) -> Result<(), Infallible> {
        self.held = self.held.min(len);
        self.astray = self.astray.filter(|at| *at < self.held);
        Ok(())
    }

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, Infallible> {
        self.read(tokens, rows, 0);
        Ok(Logits::new(&self.scores, self.vocab.size))
    }

    fn branches(&self) -> usize {
        if matches!(self.said, Said::Target) { BRANCHES } else { 0 }
    }

    fn extend_with(&mut self, tokens: &[Token], rows: usize, branches: &[Branch]) -> Result<Logits<'_>, Infallible> {
        let start = self.held;
        self.taken.clear();
        self.taken.extend(branches.iter().map(|branch| start + branch.at));
        self.read(tokens, rows, branches.len());
        for branch in branches {
            // Behind a branch that is not the answer's token nothing is asked.
            self.fill((start + branch.at + 1).saturating_sub(self.prompt));
        }
        Ok(Logits::new(&self.scores, self.vocab.size))
    }

    fn computes_beside(&self) -> bool {
        self.rung == 0 && self.costs.beside
    }

    fn extend_beside(
        &mut self,
        tokens: &[Token],
        rows: usize,
        branches: &[Branch],
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Logits<'_>, Infallible> {
        let (meter, began) = (self.meter.clone(), self.meter.read.get());
        self.extend_with(tokens, rows, branches)?;
        let done = meter.read.replace(began);
        meanwhile(&|| meter.read.get().seen >= done.seen);
        let gone = meter.read.get();
        meter.read.set(Times { seen: gone.seen.max(done.seen), counted: gone.counted.max(done.counted) });
        Ok(Logits::new(&self.scores, self.vocab.size).lasting(Duration::from_secs_f64(done.seen - began.seen)))
    }

    fn take(&mut self, index: usize) -> Result<(), Infallible> {
        self.held = self.taken[index] + 1;
        self.astray = self.astray.filter(|at| *at < self.taken[index]);
        Ok(())
    }
}
