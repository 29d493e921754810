//! Playing a recorded answer through the cascade.

use std::cell::Cell;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use cascade::policy::{Adaptive, CostCurve};
use cascade::{
    Branch, Cascade, Clock, FixedPolicy, KError, LanguageModel, Logits, Meanwhile, Policy, Reading, Request,
    ReviewRule, SamplerSettings, Sink, Step, Token, VocabId,
};

use crate::costs::{Costs, SETTLING};
use crate::trace::Recorded;
use crate::weather::Weather;

/// How drafts are used.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// The target alone.
    Off,
    /// A K matrix as it stands, with what inner reviews may let pass (1 is nothing).
    Fixed {
        /// The matrix: one row and column for each draft and one for Max-Gram.
        k: Vec<Vec<u32>>,
        /// Inner lenience.
        lenience: f32,
    },
    /// The adaptive policy, told the costs.
    Adaptive,
}

/// What a recorded answer took.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Played {
    /// Tokens of the answer.
    pub tokens: usize,
    /// Time by the costs, reading the prompt not included.
    pub cost: f64,
    /// Passes by model, the target first, reading the prompt not included.
    pub passes: Vec<usize>,
    /// Tokens proposed to the target and, of these, kept, by rung (Max-Gram last).
    pub proposed: Vec<usize>,
    /// See `proposed`.
    pub accepted: Vec<usize>,
}

impl Played {
    /// Adds another answer's figures.
    pub fn add(&mut self, other: &Self) {
        fn sum(to: &mut Vec<usize>, from: &[usize]) {
            to.resize(to.len().max(from.len()), 0);
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
        self.tokens += other.tokens;
        self.cost += other.cost;
        sum(&mut self.passes, &other.passes);
        sum(&mut self.proposed, &other.proposed);
        sum(&mut self.accepted, &other.accepted);
    }
}

/// The time that the passes so far took.
#[derive(Debug, Clone, Default)]
struct Meter {
    read: Rc<Cell<Times>>,
    weather: Weather,
    /// How many passes there were.
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
struct Replayed<'t> {
    said: Said<'t>,
    answer: &'t [Token],
    /// Where what it holds first differs from the answer.
    astray: Option<usize>,
    /// Tokens without meaning that it has said: none follows from those before it.
    strange: u64,
    prompt: usize,
    /// Whether reading the prompt costs it anything.
    pays_prompt: bool,
    vocab: VocabId,
    held: usize,
    /// Where the branches of the last pass stand.
    taken: Vec<usize>,
    curve: CostCurve,
    /// What each token of a pass takes more for each that stands before it.
    each_held: f64,
    /// What a one-token pass takes more behind a wider one, and how many there were since.
    settling: f64,
    singles: u32,
    /// Whether drafts compute while it does.
    beside: bool,
    meter: Meter,
    scores: Vec<f32>,
}

enum Said<'t> {
    Target,
    Draft(&'t [Vec<(Token, u32)>]),
}

impl Replayed<'_> {
    /// Has a draft hold the first `tokens` tokens of the text.
    fn has_read(&mut self, tokens: usize) -> Option<Reading> {
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
        let pays = self.pays_prompt;
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
            cost += self.each_held * (width + beside) as f64 * looked_at;
            if width + beside > 1 {
                self.singles = 0;
            } else if self.singles < SETTLING {
                self.singles += 1;
                cost += self.settling;
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
        self.beside
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

struct Silent;

impl Sink for Silent {
    fn reading(&mut self, _: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn step(&mut self, _: &Step<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// A way of using drafts, with what it has learned from the answers so far.
pub(crate) struct Player<'c> {
    costs: &'c Costs,
    policy: Box<dyn Policy>,
    lenience: f32,
    cascade: bool,
    /// How many there were so far, of all answers.
    passes: Rc<Cell<usize>>,
}

impl<'c> Player<'c> {
    pub(crate) fn new(costs: &'c Costs, drafts: usize, plan: &Plan) -> Result<Self, KError> {
        let adaptive = || Box::new(Adaptive::new((0..=drafts).map(|rung| costs.curve(rung)).collect()));
        let (policy, lenience): (Box<dyn Policy>, f32) = match plan {
            Plan::Fixed { k, lenience } => (Box::new(FixedPolicy::new(k)?), *lenience),
            Plan::Off | Plan::Adaptive => (adaptive(), 1.0),
        };
        Ok(Self { costs, policy, lenience, cascade: *plan != Plan::Off, passes: Rc::default() })
    }

    pub(crate) fn play(&mut self, question: &Recorded) -> Played {
        let meter = Meter { weather: self.costs.weather, passes: self.passes.clone(), ..Meter::default() };
        let size = question.size as usize + 1 + STRANGE;
        let replayed = |rung: usize, said| Replayed {
            said,
            answer: &question.answer,
            astray: None,
            strange: 0,
            prompt: question.prompt.len(),
            pays_prompt: rung > 0 && self.costs.drafts_read,
            vocab: VocabId { hash: 0, size },
            held: 0,
            taken: Vec::new(),
            curve: self.costs.curve(rung),
            each_held: self.costs.held(rung),
            settling: self.costs.settling(rung),
            singles: SETTLING,
            beside: rung == 0 && self.costs.beside,
            meter: meter.clone(),
            scores: Vec::new(),
        };
        let mut ladder = Cascade::new(replayed(0, Said::Target));
        for (index, rows) in question.drafts.iter().enumerate() {
            // One vocabulary: it cannot be refused.
            let _ = ladder.add_draft(replayed(index + 1, Said::Draft(rows)), self.lenience);
        }
        if !self.costs.drafts_read {
            // Nobody is to reckon with a reading that nobody pays.
            let read = question.prompt.len().saturating_sub(1);
            ladder.take_over(question.prompt.clone(), |model| model.has_read(read));
        }
        let request = Request {
            prompt: &question.prompt,
            shown: &[],
            max_tokens: if question.ended { usize::MAX } else { question.answer.len() },
            sampler: &SamplerSettings::greedy(),
            rule: ReviewRule::Coupled,
            end_tokens: &[question.size],
            constraint: None,
            cascade: self.cascade,
            drafts_wait: false,
            fresh: true,
            chunk: usize::MAX,
            widths: None,
            cancelled: &|| false,
        };
        let Ok(outcome) = ladder.run(&request, self.policy.as_mut(), &meter, &mut Silent) else {
            // A loaded trace has a prompt, scores and known tokens: nothing is left to refuse.
            // Never a cheap one all the same.
            return Played { cost: f64::INFINITY, ..Played::default() };
        };
        debug_assert_eq!(outcome.tokens, question.answer.len(), "the recorded answer comes out again");
        Played {
            tokens: outcome.tokens,
            cost: meter.read.get().counted,
            passes: outcome.rungs[..=question.drafts.len()].iter().map(|rung| rung.passes).collect(),
            proposed: outcome.rungs.iter().map(|rung| rung.proposed).collect(),
            accepted: outcome.rungs.iter().map(|rung| rung.accepted).collect(),
        }
    }
}

/// Plays `questions` one after another; what the policy learns from one it knows in the next.
///
/// # Errors
/// The plan's K matrix makes no sense.
pub fn play<'t>(
    questions: impl IntoIterator<Item = &'t Recorded>,
    costs: &Costs,
    drafts: usize,
    plan: &Plan,
) -> Result<Vec<Played>, KError> {
    let mut player = Player::new(costs, drafts, plan)?;
    Ok(questions.into_iter().map(|question| player.play(question)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer of `length` tokens that the draft knows but for every `wrong`th.
    fn question(length: u32, wrong: u32) -> Recorded {
        let answer: Vec<Token> = (0..length).map(|i| 10 + i).collect();
        let row = |position: u32| match position {
            p if p >= length => vec![(5_000, 0.0)],
            p if p % wrong == wrong - 1 => vec![(4_000, 0.0), (10 + p, -1.0)],
            p => vec![(10 + p, 0.0), (4_000, -2.0)],
        };
        let drafts = vec![(0..=length).map(row).map(|row| row.into_iter().collect()).collect()];
        Recorded::new("toy".to_owned(), &[1, 2, 3], &answer, true, &drafts, &|token| token == 5_000)
    }

    fn fixed(k: &[[u32; 2]; 2]) -> Plan {
        Plan::Fixed { k: k.iter().map(|row| row.to_vec()).collect(), lenience: 1.0 }
    }

    #[test]
    fn the_target_alone_costs_a_pass_a_token_and_the_end() {
        let costs = Costs::by_call(&[1.0, 0.1]);
        let played = &play([&question(20, 4)], &costs, 1, &Plan::Off).unwrap()[0];
        // The first token comes with the prompt; the last pass draws the end.
        assert_eq!((played.tokens, played.passes[0]), (20, 20));
        assert!((played.cost - 20.0).abs() < 1e-9);
    }

    #[test]
    fn speculative_decoding_costs_what_can_be_counted_by_hand() {
        let costs = Costs::by_call(&[1.0, 0.1]);
        let played = &play([&question(20, 4)], &costs, 1, &fixed(&[[3, 0], [0, 0]])).unwrap()[0];
        // Wrong at 3, 7, 11, 15, 19. The first token comes alone; then drafts 1 2 3: two kept and the target's own third;
        // drafts 4 5 6 are kept and 7 is the target's; and so on to 16 17 18 with 19; last the end, drafted by itself.
        assert_eq!(played.passes[0], 6);
        assert_eq!(played.accepted, [6, 14, 0]);
        // The draft's first pass reads the prompt too, so it is not counted among its passes; its token is not free.
        assert!((played.cost - (6.0 + 0.1 * (played.passes[1] + 1) as f64)).abs() < 1e-9, "{played:?}");
    }

    #[test]
    fn beside_the_target_a_draft_costs_what_it_takes_longer() {
        let played = |draft: f64, beside: bool| {
            let costs = Costs { beside, ..Costs::by_call(&[1.0, draft]) };
            play([&question(40, 100)], &costs, 1, &fixed(&[[3, 0], [0, 0]])).unwrap().remove(0)
        };
        let (alone, beside, slow) = (played(0.1, false), played(0.1, true), played(0.4, true));
        // The prompt's pass draws one token, ten reviews four each, the last of them the end. Only for the first has nothing been said ahead.
        assert_eq!((alone.passes[0], beside.passes[0], beside.tokens), (10, 10, 40));
        assert!((alone.cost - (10.0 + 0.1 * (alone.passes[1] + 1) as f64)).abs() < 1e-9, "{alone:?}");
        assert!((beside.cost - (10.0 + 0.3)).abs() < 1e-9, "{beside:?}");
        // A draft's pass that has begun is waited for, and what it had no time for is drafted behind.
        assert!(slow.cost < played(0.4, false).cost, "{slow:?}");
    }

    #[test]
    fn where_the_second_choice_is_right_less_has_to_be_drafted() {
        let costs = Costs {
            about: String::new(),
            models: vec![vec![(1, 1.0), (64, 1.1)], vec![(1, 0.2), (64, 0.3)]],
            ..Costs::default()
        };
        let played = |second_is_right: bool| {
            let mut question = question(600, 3);
            let other = question.size - 1;
            for row in question.drafts[0].iter_mut().filter(|row| row.len() > 1 && row[1].1 == 1000) {
                row[1].0 = if second_is_right { row[1].0 } else { other };
            }
            play([&question], &costs, 1, &Plan::Adaptive).unwrap().remove(0)
        };
        let (right, wrong) = (played(true), played(false));
        // Every third token of the draft is wrong. A pass wins three tokens either way: two drafted ones and the target's own,
        // or one drafted, the second choice and the target's own behind that.
        // One in 64 is the target alone.
        assert!(right.passes[0] <= 204 && wrong.passes[0] <= 205, "{right:?} {wrong:?}");
        assert!(right.passes[1] < 450 && wrong.passes[1] > 550, "{right:?} {wrong:?}");
        assert!(right.cost < 0.9 * wrong.cost, "{right:?} {wrong:?}");
    }

    #[test]
    fn drafts_end_even_where_every_pass_costs_the_same() {
        let answer: Vec<Token> = (0..200).map(|i| i % 7).collect();
        let question = Recorded::new("toy".to_owned(), &[1, 2, 3], &answer, true, &[], &|_| false);
        let played = &play([&question], &Costs::by_call(&[1.0]), 0, &Plan::Adaptive).unwrap()[0];
        assert!(played.tokens == 200 && played.cost < 40.0, "{played:?}");
    }

    #[test]
    fn a_dear_draft_is_left_alone_by_the_adaptive_policy_and_a_cheap_one_is_used() {
        let questions: Vec<_> = (0..20).map(|_| question(60, 10)).collect();
        let cost = |draft: f64, plan: &Plan| -> f64 {
            play(&questions, &Costs::by_call(&[1.0, draft]), 1, plan).unwrap().iter().map(|p| p.cost).sum()
        };
        let off = cost(0.1, &Plan::Off);
        assert!(cost(2.0, &Plan::Adaptive) < 1.04 * off);
        assert!(cost(0.02, &Plan::Adaptive) < 0.35 * off, "{} of {off}", cost(0.02, &Plan::Adaptive));
    }
}
