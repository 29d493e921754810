//! A ladder of toys, everything that is asked of it, and how to run it.

use std::cell::Cell;
use std::ops::ControlFlow;

use cascade::toy::{Habit, Ticking, Toy};
use cascade::{
    Cascade, Constraint, Finish, FixedPolicy, Policy, Request, ReviewRule, RunError, SamplerSettings, Sink, Step, Token,
};
use proptest::prelude::*;

use crate::support::{Rule, Ruled, rule, sampler};

pub(crate) const TARGET: u64 = 1;

/// A ladder and everything that is asked of it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) vocab: usize,
    /// Agreement with the target, habit.
    pub(crate) drafts: Vec<(f32, Habit)>,
    pub(crate) max_gram: bool,
    pub(crate) k: Vec<Vec<u32>>,
    pub(crate) lenience: f32,
    pub(crate) sampler: SamplerSettings,
    pub(crate) rule: ReviewRule,
    pub(crate) prompt: Vec<Token>,
    pub(crate) max_tokens: usize,
    pub(crate) end_tokens: Vec<Token>,
    pub(crate) chunk: usize,
    pub(crate) widths: Option<Vec<usize>>,
    /// Most second choices that the target can look at.
    pub(crate) branches: usize,
    /// If drafts compute at the same time as the target: how often they can ask whether that is done.
    pub(crate) beside: Option<usize>,
    pub(crate) capacity: usize,
    /// Tokens that drafts can hold.
    pub(crate) draft_capacity: usize,
    pub(crate) law: Option<Rule>,
}

impl Case {
    pub(crate) fn ladder(&self) -> Cascade<Toy> {
        let target = Toy::new(self.vocab, TARGET).with_capacity(self.capacity).with_branches(self.branches);
        let target = match self.beside {
            Some(looks) => target.with_beside(looks),
            None => target,
        };
        let mut ladder = Cascade::new(target);
        ladder.set_max_gram(self.max_gram);
        for (index, (agreement, habit)) in (2..).zip(&self.drafts) {
            let draft = Toy::new(self.vocab, index).like(TARGET, *agreement).with_habit(*habit);
            let draft = draft.with_capacity(self.draft_capacity);
            ladder.add_draft(draft, self.lenience).unwrap();
        }
        ladder
    }

    pub(crate) fn policy(&self) -> FixedPolicy {
        FixedPolicy::new(&self.k).unwrap()
    }

    pub(crate) fn run(&self, ladder: &mut Cascade<Toy>, how: How<'_>) -> Result<Ran, RunError<cascade::toy::Broke>> {
        let looks = Cell::new(0);
        let constraint: &dyn Fn() -> Box<dyn Constraint> =
            &|| Box::new(Ruled::new(self.law.unwrap_or(Rule::Balanced), self.vocab));
        let request = Request {
            prompt: &self.prompt,
            shown: how.shown,
            max_tokens: self.max_tokens,
            sampler: &self.sampler,
            rule: self.rule,
            end_tokens: &self.end_tokens,
            constraint: self.law.map(|_| constraint),
            cascade: how.cascade,
            drafts_wait: false,
            fresh: how.fresh,
            chunk: self.chunk,
            widths: self.widths.as_deref(),
            cancelled: &|| {
                looks.set(looks.get() + 1);
                looks.get() > how.cancel_after
            },
        };
        let mut kept = Kept { tokens: how.shown.to_vec(), steps_left: how.steps };
        let mut own = self.policy();
        let policy: &mut dyn Policy = how.policy.map_or(&mut own as &mut dyn Policy, |given| given);
        let outcome = ladder.run(&request, policy, &Ticking::default(), &mut kept)?;
        assert_eq!(outcome.tokens, kept.tokens.len());
        let by_rung: usize = outcome.rungs.iter().map(|rung| rung.accepted).sum();
        assert_eq!(by_rung + how.shown.len(), kept.tokens.len(), "every token has one writer");
        let drafted = outcome.rungs[1..].iter().map(|rung| rung.proposed).sum();
        let (finish, passes, ahead) = (outcome.finish, outcome.target_passes, outcome.ahead);
        Ok(Ran { tokens: kept.tokens, finish, passes, drafted, ahead, left_out: outcome.left_out.len() })
    }

    pub(crate) fn alone(&self) -> Ran {
        self.run(&mut self.ladder(), How { cascade: false, ..How::default() }).unwrap()
    }
}

pub(crate) struct How<'a> {
    pub(crate) cascade: bool,
    pub(crate) fresh: bool,
    pub(crate) shown: &'a [Token],
    pub(crate) cancel_after: usize,
    pub(crate) steps: usize,
    pub(crate) policy: Option<&'a mut dyn Policy>,
}

impl Default for How<'_> {
    fn default() -> Self {
        Self { cascade: true, fresh: false, shown: &[], cancel_after: usize::MAX, steps: usize::MAX, policy: None }
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Ran {
    pub(crate) tokens: Vec<Token>,
    pub(crate) finish: Finish,
    pub(crate) passes: usize,
    /// Tokens that came before the target.
    pub(crate) drafted: usize,
    /// Of these, how many a draft had said while the target looked at the text before.
    pub(crate) ahead: usize,
    /// Drafts that failed.
    pub(crate) left_out: usize,
}

pub(crate) struct Kept {
    tokens: Vec<Token>,
    steps_left: usize,
}

impl Sink for Kept {
    fn reading(&mut self, _: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn step(&mut self, step: &Step<'_>) -> ControlFlow<()> {
        assert_eq!(step.tokens.len(), step.writers.len());
        self.tokens.extend_from_slice(step.tokens);
        self.steps_left -= 1;
        if self.steps_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

pub(crate) fn habit() -> impl Strategy<Value = Habit> + Clone {
    prop_oneof![
        Just(Habit::Sound),
        (1_usize..6).prop_map(Habit::Errs),
        Just(Habit::Nan),
        Just(Habit::OutOfVocabulary),
        Just(Habit::NoRows),
        Just(Habit::NoRollBack),
        Just(Habit::Forgets),
        Just(Habit::KnowsOne),
        Just(Habit::KnowsNone),
    ]
}

pub(crate) fn case(habits: impl Strategy<Value = Habit> + Clone + 'static) -> impl Strategy<Value = Case> {
    (6_usize..40, 0_usize..4, any::<bool>()).prop_flat_map(move |(vocab, drafts, max_gram)| {
        let rungs = drafts + usize::from(max_gram);
        let token = 0..vocab as Token;
        let ladder = (
            prop::collection::vec((prop_oneof![Just(1.0_f32), 0.0_f32..1.0], habits.clone()), drafts),
            prop::collection::vec(prop::collection::vec(0_u32..6, rungs), rungs),
            1.0_f32..8.0,
        );
        let text = (
            prop::collection::vec(token.clone(), 1..30),
            1_usize..40,
            prop::collection::vec(token, 0..2),
            1_usize..9,
            (prop::option::of(prop::collection::vec(1_usize..7, 0..3)), 0_usize..4, prop::option::of(1_usize..9)),
            (prop_oneof![Just(4096_usize), 31_usize..60], prop_oneof![3 => Just(4096_usize), 1 => 10_usize..60]),
        );
        (ladder, sampler(), text, prop::option::of(rule())).prop_map(move |(ladder, sampler, text, law)| {
            let (drafts, mut k, lenience) = ladder;
            k.iter_mut().enumerate().for_each(|(row, entries)| entries[..row].fill(0));
            let (prompt, max_tokens, end_tokens, chunk, (widths, branches, beside), (capacity, draft_capacity)) = text;
            Case {
                vocab,
                drafts,
                max_gram,
                k,
                lenience,
                sampler,
                rule: ReviewRule::Coupled,
                prompt,
                max_tokens,
                end_tokens,
                chunk,
                widths,
                branches,
                beside,
                capacity,
                draft_capacity,
                law,
            }
        })
    })
}
