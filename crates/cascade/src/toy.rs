//! Toy models: tiny, deterministic and as badly behaved as asked, so that every property is testable in milliseconds.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use crate::model::{Branch, Clock, LanguageModel, Logits, Meanwhile, Token, VocabId};
use crate::request::{Sink, Step};

/// How a toy model misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Not at all.
    Sound,
    /// Every so many passes it errors, having read half of what it was given.
    Errs(usize),
    /// Returns NaN for everything.
    Nan,
    /// Returns rows that are wider than the vocabulary, the best token outside it.
    OutOfVocabulary,
    /// Returns no rows.
    NoRows,
    /// Cannot take tokens back, except all of them.
    NoRollBack,
    /// Says that it holds less than it was given.
    Forgets,
    /// Knows one token for each position, and none behind every third; nobody drafts for it.
    KnowsOne,
    /// Knows no token anywhere; nobody drafts for it.
    KnowsNone,
}

/// The only error of a toy model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the toy broke")]
pub struct Broke;

/// A model whose scores are a hash of the last three tokens: looks random, depends on context, needs no weights.
#[derive(Debug, Clone)]
pub struct Toy {
    vocab: VocabId,
    seed: u64,
    /// 0: its own mind; 1: exactly `other`'s; between: a mixture.
    agreement: f32,
    other: u64,
    habit: Habit,
    capacity: usize,
    /// Most tokens of a pass.
    widest: usize,
    held: Vec<Token>,
    scores: Vec<f32>,
    /// How sure it is of each row, if it knows only one token.
    sure: Vec<f32>,
    passes: usize,
    /// Most branches of a pass, and those of the last one with the index of the token they stood for.
    branches: usize,
    branched: Vec<Branch>,
    /// If it computes beside drafts: how often these may ask whether its pass is done until it is.
    beside: Option<usize>,
    /// How long it takes for each token of a pass, and on which clock.
    pace: Option<(Duration, Ticking)>,
}

impl Toy {
    /// A sound model over `size` tokens.
    pub fn new(size: usize, seed: u64) -> Self {
        Self {
            vocab: VocabId { hash: size as u64, size },
            seed,
            agreement: 0.0,
            other: 0,
            habit: Habit::Sound,
            capacity: 4096,
            widest: usize::MAX,
            held: Vec::new(),
            scores: Vec::new(),
            sure: Vec::new(),
            passes: 0,
            branches: 0,
            branched: Vec::new(),
            beside: None,
            pace: None,
        }
    }

    /// The same with the scores drawn towards those of the toy with seed `other`.
    #[must_use]
    pub fn like(mut self, other: u64, agreement: f32) -> Self {
        (self.other, self.agreement) = (other, agreement);
        self
    }

    /// The same with a habit.
    #[must_use]
    pub fn with_habit(mut self, habit: Habit) -> Self {
        self.habit = habit;
        self
    }

    /// The same holding at most `capacity` tokens.
    #[must_use]
    pub fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// The same reading at most `widest` tokens in a pass.
    #[must_use]
    pub fn with_widest(mut self, widest: usize) -> Self {
        self.widest = widest;
        self
    }

    /// The same scoring at most `branches` branches in a pass.
    #[must_use]
    pub fn with_branches(mut self, branches: usize) -> Self {
        self.branches = branches;
        self
    }

    /// The same computing at the same time as drafts, whose time then counts only as far as it is longer. Its pass is done when its time is
    /// over, or when it was asked `looks` times whether it is.
    #[must_use]
    pub fn with_beside(mut self, looks: usize) -> Self {
        self.beside = Some(looks);
        self
    }

    /// The same taking `each` on `clock` for every token of a pass.
    #[must_use]
    pub fn with_pace(mut self, each: Duration, clock: &Ticking) -> Self {
        self.pace = Some((each, clock.clone()));
        self
    }

    /// What it holds.
    pub fn held(&self) -> &[Token] {
        &self.held
    }

    /// Passes made.
    pub fn passes(&self) -> usize {
        self.passes
    }

    /// Scores behind the first `end` tokens that it holds, and behind `last` after them.
    fn score_row(&mut self, end: usize, last: Option<Token>, width: usize) {
        let before = last.iter().chain(self.held[..end].iter().rev()).take(3);
        let context = before.fold(17_u64, |hash, token| scramble(hash ^ u64::from(*token)));
        for token in 0..width {
            let score = match self.habit {
                Habit::Nan => f32::NAN,
                Habit::OutOfVocabulary if token == self.vocab.size => 99.0,
                _ => self.score(context, token),
            };
            self.scores.push(score);
        }
    }

    /// Leaves the best token of each row, or none.
    fn keep_one(&mut self, width: usize) {
        self.sure.clear();
        for row in self.scores.chunks_mut(width) {
            let best = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or_default();
            let known = self.habit == Habit::KnowsOne && !best.is_multiple_of(3);
            row.iter_mut()
                .enumerate()
                .filter(|(token, _)| !known || *token != best)
                .for_each(|(_, score)| *score = f32::NEG_INFINITY);
            self.sure.push(if known { 0.75 } else { 0.0 });
        }
    }

    fn score(&self, context: u64, token: usize) -> f32 {
        let raw = |seed: u64| (scramble(context ^ scramble(seed ^ (token as u64) << 20)) % 4096) as f32 / 512.0;
        raw(self.seed).mul_add(1.0 - self.agreement, raw(self.other) * self.agreement)
    }
}

impl LanguageModel for Toy {
    type Error = Broke;

    fn vocab(&self) -> &VocabId {
        &self.vocab
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn len(&self) -> usize {
        self.held.len() - usize::from(self.habit == Habit::Forgets && !self.held.is_empty())
    }

    fn truncate(&mut self, len: usize) -> Result<(), Broke> {
        if self.habit == Habit::NoRollBack && len > 0 && len < self.held.len() {
            return Err(Broke);
        }
        self.held.truncate(len);
        Ok(())
    }

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, Broke> {
        self.extend_with(tokens, rows, &[])
    }

    fn reviews(&self) -> bool {
        !matches!(self.habit, Habit::KnowsOne | Habit::KnowsNone)
    }

    fn branches(&self) -> usize {
        self.branches
    }

    fn extend_with(&mut self, tokens: &[Token], rows: usize, branches: &[Branch]) -> Result<Logits<'_>, Broke> {
        assert!(branches.len() <= self.branches, "no more than it can");
        assert!(branches.iter().all(|branch| branch.at < tokens.len() && tokens[branch.at] != branch.token));
        assert!(!tokens.is_empty() && rows <= tokens.len(), "the caller keeps the contract");
        assert!(tokens.iter().all(|t| (*t as usize) < self.vocab.size), "only tokens of the vocabulary are read");
        if tokens.len() > self.widest || self.held.len() + tokens.len() + branches.len() > self.capacity {
            return Err(Broke);
        }
        if self.habit == Habit::Forgets {
            self.held.truncate(self.len());
        }
        self.passes += 1;
        if let Some((each, clock)) = &self.pace {
            clock.pass(each.saturating_mul(tokens.len() as u32));
        }
        if let Habit::Errs(every) = self.habit
            && self.passes.is_multiple_of(every)
        {
            self.held.extend_from_slice(&tokens[..tokens.len() / 2]);
            return Err(Broke);
        }
        let start = self.held.len();
        self.branched.clear();
        self.branched.extend(branches.iter().map(|branch| Branch { at: start + branch.at, ..*branch }));
        self.held.extend_from_slice(tokens);
        let width = self.vocab.size + usize::from(self.habit == Habit::OutOfVocabulary);
        let rows = if self.habit == Habit::NoRows { 0 } else { rows };
        self.scores.clear();
        for end in self.held.len() - rows + 1..=self.held.len() {
            self.score_row(end, None, width);
        }
        for index in 0..branches.len() {
            let Branch { at, token } = self.branched[index];
            self.score_row(at, Some(token), width);
        }
        if matches!(self.habit, Habit::KnowsOne | Habit::KnowsNone) {
            self.keep_one(width);
            return Ok(Logits::of_one(&self.scores, width, &self.sure));
        }
        Ok(Logits::new(&self.scores, width))
    }

    fn computes_beside(&self) -> bool {
        self.beside.is_some()
    }

    fn extend_beside(
        &mut self,
        tokens: &[Token],
        rows: usize,
        branches: &[Branch],
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Logits<'_>, Broke> {
        let pace = self.pace.clone();
        let time = pace.as_ref().map_or(Duration::MAX, |(each, _)| each.saturating_mul(tokens.len() as u32));
        let now = || pace.as_ref().map_or(Duration::ZERO, |(_, clock)| clock.time.get());
        let (began, looks) = (now(), Cell::new(self.beside.unwrap_or_default()));
        meanwhile(&|| {
            looks.set(looks.get().saturating_sub(1));
            looks.get() == 0 || now().saturating_sub(began) >= time
        });
        if let Some((_, clock)) = &pace {
            // Its own time, which `extend_with` adds, went by as well.
            clock.time.set(began.max(now().saturating_sub(time)));
        }
        let is_timed = pace.is_some();
        let logits = self.extend_with(tokens, rows, branches)?;
        Ok(if is_timed { logits.lasting(time) } else { logits })
    }

    fn take(&mut self, index: usize) -> Result<(), Broke> {
        let Branch { at, token } = self.branched[index];
        if self.habit == Habit::NoRollBack {
            return Err(Broke);
        }
        self.held.truncate(at);
        self.held.push(token);
        Ok(())
    }
}

fn scramble(x: u64) -> u64 {
    let x = (x ^ (x >> 31)).wrapping_mul(0x7FB5_D329_728E_A185);
    (x ^ (x >> 27)).wrapping_mul(0x81DA_DEF4_BC2D_D44D) ^ (x >> 33)
}

/// A clock that moves a millisecond at every look, and as far as it is told. Its copies show the same time.
#[derive(Debug, Clone, Default)]
pub struct Ticking {
    time: Rc<Cell<Duration>>,
}

impl Ticking {
    /// Lets `time` pass.
    pub fn pass(&self, time: Duration) {
        self.time.set(self.time.get() + time);
    }
}

impl Clock for Ticking {
    fn now(&self) -> Duration {
        self.pass(Duration::from_millis(1));
        self.time.get()
    }
}

/// Keeps the tokens of an answer.
#[derive(Debug, Clone, Default)]
pub struct Kept(pub Vec<Token>);

impl Sink for Kept {
    fn reading(&mut self, _: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn step(&mut self, step: &Step<'_>) -> ControlFlow<()> {
        self.0.extend_from_slice(step.tokens);
        ControlFlow::Continue(())
    }
}
