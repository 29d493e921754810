//! Playing a recorded answer through the cascade.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;

use cascade::policy::Adaptive;
use cascade::{Cascade, FixedPolicy, KError, Policy, Request, ReviewRule, SamplerSettings, Sink, Step};

use crate::costs::Costs;
use crate::replayed::{Meter, Replayed};
use crate::trace::Recorded;

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
        let meter = Meter::new(self.costs.weather, self.passes.clone());
        let replayed = |rung| Replayed::new(rung, question, self.costs, meter.clone());
        let mut ladder = Cascade::new(replayed(0));
        for rung in 1..=question.drafts.len() {
            // One vocabulary: it cannot be refused.
            let _ = ladder.add_draft(replayed(rung), self.lenience);
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
            cost: meter.counted(),
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
    use cascade::Token;

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
