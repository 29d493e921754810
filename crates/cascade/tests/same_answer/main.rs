//! The promise on toy models: whatever ladder, settings, accidents and interruptions, the answer is the target's own.

#![allow(clippy::unwrap_used)]

mod case;
mod known;
#[path = "../support/mod.rs"]
mod support;

use cascade::policy::{Action, Adaptive, Ahead, CostCurve, Reviewed, View};
use cascade::toy::{Habit, Toy};
use cascade::{Cascade, Finish, FixedPolicy, NgramTable, Personal, Policy, ReviewRule, SamplerSettings};
use case::{Case, How, TARGET, case, habit};
use proptest::prelude::*;
use support::{Rule, rule};

fn review_rule() -> impl Strategy<Value = ReviewRule> {
    prop_oneof![Just(ReviewRule::Coupled), Just(ReviewRule::Rejection), Just(ReviewRule::Block)]
}

/// Does whatever its numbers say.
struct Wild(u64);

impl Policy for Wild {
    fn next(&mut self, _: &View<'_>) -> Action {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = (self.0 >> 33) as usize;
        if number.is_multiple_of(4) {
            Action::Review
        } else {
            let (rung, tokens) = (number % 7, number / 7 % 9);
            if (number / 63).is_multiple_of(2) { Action::Draft { rung, tokens } } else { Action::Step { rung, tokens } }
        }
    }

    fn learn(&mut self, _: &Reviewed<'_>) {}

    fn ahead(&mut self, _: &View<'_>) -> Ahead {
        let number = self.0 as usize;
        Ahead { tokens: number % 6, read: number / 6 % 4 }
    }

    fn keep_ahead(&mut self, view: &View<'_>) -> usize {
        // All and more now and then.
        self.0 as usize / 24 % (view.pending.len() + 2)
    }

    fn branches(&mut self, view: &View<'_>, most: usize, chosen: &mut Vec<usize>) {
        // Too many, twice the same, past the end: whatever comes.
        chosen.extend((0..most + 2).map(|index| (index * 7 + self.0 as usize % 5) % (view.pending.len() + 2)));
    }
}

/// A matrix that has the target look at every second choice.
struct Branching(FixedPolicy);

impl Policy for Branching {
    fn next(&mut self, view: &View<'_>) -> Action {
        self.0.next(view)
    }

    fn learn(&mut self, reviewed: &Reviewed<'_>) {
        self.0.learn(reviewed);
    }

    fn branches(&mut self, view: &View<'_>, most: usize, chosen: &mut Vec<usize>) {
        chosen.extend(0..view.pending.len().min(most));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_cascade_answers_as_the_target_alone(case in case(Just(Habit::Sound))) {
        let (alone, cascade) = (case.alone(), case.run(&mut case.ladder(), How::default()).unwrap());
        prop_assert_eq!(&cascade.tokens, &alone.tokens);
        prop_assert_eq!(cascade.finish, alone.finish);
        prop_assert!(cascade.passes <= alone.passes);
    }

    #[test]
    fn drafts_that_err_lie_or_forget_change_nothing(case in case(habit())) {
        let cascade = case.run(&mut case.ladder(), How::default()).unwrap();
        prop_assert_eq!(cascade.tokens, case.alone().tokens);
    }

    #[test]
    fn no_policy_can_change_the_answer(case in case(habit()), seed in any::<u64>()) {
        let mut wild = Wild(seed);
        let cascade = case.run(&mut case.ladder(), How { policy: Some(&mut wild), ..How::default() }).unwrap();
        prop_assert_eq!(cascade.tokens, case.alone().tokens);
    }

    #[test]
    fn the_adaptive_policy_changes_nothing_whatever_it_believes_of_costs(
        case in case(habit()), times in prop::collection::vec((1_usize..20, 0.001_f64..1.0), 0..8),
    ) {
        let curves = (0..=case.drafts.len()).map(|skip| {
            let mut curve = CostCurve::default();
            for (width, seconds) in times.iter().skip(skip) {
                curve.measured(*width, *seconds);
            }
            curve
        });
        let mut policy = Adaptive::new(curves.collect());
        let (mut ladder, alone) = (case.ladder(), case.alone());
        for _ in 0..3 {
            let how = How { policy: Some(&mut policy), ..How::default() };
            prop_assert_eq!(&case.run(&mut ladder, how).unwrap().tokens, &alone.tokens);
        }
    }

    #[test]
    fn without_temperature_every_rule_is_the_same(case in case(habit()), rule in review_rule(), seed in any::<u64>()) {
        let sampler = SamplerSettings { temperature: 0.0, ..case.sampler };
        let case = Case { sampler, rule, ..case };
        let (mut wild, alone) = (Wild(seed), case.alone());
        let cascade = case.run(&mut case.ladder(), How { policy: Some(&mut wild), ..How::default() }).unwrap();
        prop_assert_eq!(cascade.tokens, alone.tokens);
    }

    #[test]
    fn under_every_rule_nothing_but_the_target_ends_a_run(case in case(habit()), rule in review_rule(), seed in any::<u64>()) {
        let case = Case { rule, ..case };
        let (mut wild, mut ladder) = (Wild(seed), case.ladder());
        for _ in 0..2 {
            let ran = case.run(&mut ladder, How { policy: Some(&mut wild), ..How::default() }).unwrap();
            prop_assert!(!ran.tokens.iter().any(|token| case.end_tokens.contains(token)));
            if ran.finish == Finish::Length {
                prop_assert_eq!(ran.tokens.len(), case.max_tokens);
            }
        }
    }

    #[test]
    fn what_was_learned_from_other_answers_changes_nothing(
        case in case(habit()), others in prop::collection::vec((prop::collection::vec(0_u32..6, 1..20), any::<u64>()), 1..4),
    ) {
        let mut ladder = case.ladder();
        for (prompt, seed) in others {
            let other = Case { prompt, ..case.clone() };
            let ran = other.run(&mut ladder, How { policy: Some(&mut Wild(seed)), ..How::default() }).unwrap();
            prop_assert_eq!(ran.tokens, other.alone().tokens);
        }
        let again = case.run(&mut ladder, How::default()).unwrap();
        prop_assert_eq!(again.tokens, case.alone().tokens);
    }

    #[test]
    fn second_choices_save_passes_and_change_nothing(case in case(Just(Habit::Sound))) {
        let (case, alone) = (Case { branches: 8, ..case.clone() }, case.alone());
        let mut policy = Branching(case.policy());
        let ran = case.run(&mut case.ladder(), How { policy: Some(&mut policy), ..How::default() }).unwrap();
        prop_assert_eq!((&ran.tokens, ran.finish), (&alone.tokens, alone.finish));
        prop_assert!(ran.passes <= alone.passes);
    }

    #[test]
    fn earlier_chats_and_tables_change_nothing(
        case in case(habit()), texts in prop::collection::vec(prop::collection::vec(0_u32..9, 0..40), 0..5), seed in any::<u64>(),
    ) {
        let case = Case { max_gram: true, ..case };
        // The matrix has a place for Max-Gram whether or not the case had one.
        let mut policy = Wild(seed);
        let (mut ladder, alone) = (case.ladder(), case.alone());
        let vocab = cascade::LanguageModel::vocab(ladder.target()).clone();
        let max_gram = ladder.max_gram_mut().unwrap();
        max_gram.set_personal(Personal::with_tokens(100, &texts.concat()), vocab.size);
        for text in &texts {
            max_gram.add_personal(text);
        }
        max_gram.set_table(Some(NgramTable::count(vocab.hash, &texts.concat())), &vocab).ok();
        let ran = case.run(&mut ladder, How { policy: Some(&mut policy), ..How::default() }).unwrap();
        prop_assert_eq!(ran.tokens, alone.tokens);
    }

    #[test]
    fn a_run_stopped_anywhere_leaves_the_ladder_usable(
        case in case(habit()), cancel_after in 0_usize..40, steps in 1_usize..20, fresh in any::<bool>(),
    ) {
        let (mut ladder, alone) = (case.ladder(), case.alone());
        for how in [How { cancel_after, ..How::default() }, How { steps, ..How::default() }] {
            let stopped = case.run(&mut ladder, how).unwrap();
            prop_assert!(alone.tokens.starts_with(&stopped.tokens));
        }
        let again = case.run(&mut ladder, How { fresh, ..How::default() }).unwrap();
        prop_assert_eq!(again.tokens, alone.tokens);
    }

    #[test]
    fn an_answer_goes_on_behind_what_was_shown(case in case(Just(Habit::Sound)), cut in 0.0_f64..1.0) {
        let alone = case.alone();
        let shown = &alone.tokens[..(alone.tokens.len() as f64 * cut) as usize];
        let resumed = case.run(&mut case.ladder(), How { shown, ..How::default() }).unwrap();
        prop_assert_eq!(resumed.tokens, alone.tokens);
    }

    #[test]
    fn under_a_constraint_the_cascade_answers_as_the_target_alone_and_every_prefix_is_allowed(
        case in case(habit()), rule in rule(), wild in any::<u64>(), cut in 0.0_f64..1.0,
    ) {
        let case = Case { law: Some(rule), ..case };
        let alone = case.alone();
        for (index, token) in alone.tokens.iter().enumerate() {
            prop_assert!(rule.allows(case.vocab, &alone.tokens[..index], *token), "{:?} at {}", alone.tokens, index);
        }
        if alone.finish == Finish::End {
            prop_assert!(rule.may_end(case.vocab, &alone.tokens));
        }
        let cascade = case.run(&mut case.ladder(), How::default()).unwrap();
        prop_assert_eq!((&cascade.tokens, cascade.finish), (&alone.tokens, alone.finish));
        prop_assert!(cascade.passes <= alone.passes);
        let mut policy = Wild(wild);
        let wild = case.run(&mut case.ladder(), How { policy: Some(&mut policy), ..How::default() }).unwrap();
        prop_assert_eq!((&wild.tokens, wild.finish), (&alone.tokens, alone.finish));
        let shown = &alone.tokens[..(alone.tokens.len() as f64 * cut) as usize];
        let resumed = case.run(&mut case.ladder(), How { shown, ..How::default() }).unwrap();
        prop_assert_eq!((&resumed.tokens, resumed.finish), (&alone.tokens, alone.finish));
    }

    #[test]
    fn a_constraint_that_breaks_ends_the_run_at_the_same_place_whatever_was_drafted(case in case(habit())) {
        let case = Case { law: Some(Rule::Breaking), ..case };
        let out = |cascade: bool| {
            let ran = case.run(&mut case.ladder(), How { cascade, ..How::default() });
            ran.map(|ran| (ran.tokens, ran.finish)).map_err(|error| error.to_string())
        };
        prop_assert_eq!(out(true), out(false));
    }

    #[test]
    fn a_target_that_fails_is_an_error_and_no_panic(case in case(Just(Habit::Sound)), habit in habit()) {
        let mut ladder = Cascade::new(Toy::new(case.vocab, TARGET).with_habit(habit).with_capacity(case.capacity).with_branches(2));
        let small = Case { drafts: Vec::new(), max_gram: true, k: vec![vec![4]], ..case };
        let ran = small.run(&mut ladder, How::default());
        if habit == Habit::KnowsOne {
            // It is no target: where it knows no token there are no scores.
            return Ok(());
        }
        if let Ok(ran) = ran {
            prop_assert_eq!(ran.tokens, small.alone().tokens);
        }
    }
}
