//! The promise on toy models: whatever ladder, settings, accidents and interruptions, the answer is the target's own.

#![allow(clippy::unwrap_used)]

mod support;

use std::cell::Cell;
use std::ops::ControlFlow;

use cascade::policy::{Action, Adaptive, CostCurve, Reviewed, View};
use cascade::toy::{Habit, Ticking, Toy};
use cascade::{
    Cascade, Constraint, Finish, FixedPolicy, NgramTable, Personal, Policy, Request, ReviewRule, RunError,
    SamplerSettings, Sink, Step, Token,
};
use proptest::prelude::*;
use support::{Rule, Ruled, rule, sampler};

const TARGET: u64 = 1;

/// A ladder and everything that is asked of it.
#[derive(Debug, Clone)]
struct Case {
    vocab: usize,
    /// Agreement with the target, habit.
    drafts: Vec<(f32, Habit)>,
    max_gram: bool,
    k: Vec<Vec<u32>>,
    lenience: f32,
    sampler: SamplerSettings,
    rule: ReviewRule,
    prompt: Vec<Token>,
    max_tokens: usize,
    end_tokens: Vec<Token>,
    chunk: usize,
    widths: Option<Vec<usize>>,
    /// Most second choices that the target can look at.
    branches: usize,
    capacity: usize,
    law: Option<Rule>,
}

impl Case {
    fn ladder(&self) -> Cascade<Toy> {
        let target = Toy::new(self.vocab, TARGET).with_capacity(self.capacity).with_branches(self.branches);
        let mut ladder = Cascade::new(target);
        ladder.set_max_gram(self.max_gram);
        for (index, (agreement, habit)) in (2..).zip(&self.drafts) {
            let draft = Toy::new(self.vocab, index).like(TARGET, *agreement).with_habit(*habit);
            ladder.add_draft(draft, self.lenience).unwrap();
        }
        ladder
    }

    fn policy(&self) -> FixedPolicy {
        FixedPolicy::new(&self.k).unwrap()
    }

    fn run(&self, ladder: &mut Cascade<Toy>, how: How<'_>) -> Result<Ran, RunError<cascade::toy::Broke>> {
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
        Ok(Ran { tokens: kept.tokens, finish: outcome.finish, passes: outcome.target_passes, drafted })
    }

    fn alone(&self) -> Ran {
        self.run(&mut self.ladder(), How { cascade: false, ..How::default() }).unwrap()
    }
}

struct How<'a> {
    cascade: bool,
    fresh: bool,
    shown: &'a [Token],
    cancel_after: usize,
    steps: usize,
    policy: Option<&'a mut dyn Policy>,
}

impl Default for How<'_> {
    fn default() -> Self {
        Self { cascade: true, fresh: false, shown: &[], cancel_after: usize::MAX, steps: usize::MAX, policy: None }
    }
}

#[derive(Debug, PartialEq)]
struct Ran {
    tokens: Vec<Token>,
    finish: Finish,
    passes: usize,
    /// Tokens that came before the target.
    drafted: usize,
}

struct Kept {
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

fn habit() -> impl Strategy<Value = Habit> + Clone {
    prop_oneof![
        Just(Habit::Sound),
        (1_usize..6).prop_map(Habit::Errs),
        Just(Habit::Nan),
        Just(Habit::OutOfVocabulary),
        Just(Habit::NoRows),
        Just(Habit::NoRollBack),
        Just(Habit::Forgets),
    ]
}

fn case(habits: impl Strategy<Value = Habit> + Clone + 'static) -> impl Strategy<Value = Case> {
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
            (prop::option::of(prop::collection::vec(1_usize..7, 0..3)), 0_usize..4),
            prop_oneof![Just(4096_usize), 31_usize..60],
        );
        (ladder, sampler(), text, prop::option::of(rule())).prop_map(move |(ladder, sampler, text, law)| {
            let (drafts, mut k, lenience) = ladder;
            k.iter_mut().enumerate().for_each(|(row, entries)| entries[..row].fill(0));
            let (prompt, max_tokens, end_tokens, chunk, (widths, branches), capacity) = text;
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
                capacity,
                law,
            }
        })
    })
}

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
                curve.saw(*width, *seconds);
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
        if let Ok(ran) = small.run(&mut ladder, How::default()) {
            prop_assert_eq!(ran.tokens, small.alone().tokens);
        }
    }
}

fn plain(k: Vec<Vec<u32>>, drafts: Vec<(f32, Habit)>, max_gram: bool) -> Case {
    Case {
        vocab: 32,
        drafts,
        max_gram,
        k,
        lenience: 1.0,
        sampler: SamplerSettings::greedy(),
        rule: ReviewRule::Coupled,
        prompt: vec![1, 2, 3],
        max_tokens: 60,
        end_tokens: Vec::new(),
        chunk: 64,
        widths: None,
        branches: 0,
        capacity: 4096,
        law: None,
    }
}

#[test]
fn a_perfect_draft_saves_the_passes_that_it_should() {
    for n in 1..6_usize {
        let case = plain(vec![vec![n as u32]], vec![(1.0, Habit::Sound)], false);
        let ran = case.run(&mut case.ladder(), How::default()).unwrap();
        // The pass that reads the prompt draws one token, every later one its whole draft and a bonus.
        assert_eq!(ran.passes, 1 + 59_usize.div_ceil(n + 1), "drafts of {n}");
    }
}

#[test]
fn where_the_second_choice_is_right_a_pass_wins_the_token_behind_it() {
    let mut saved = 0;
    for (seed, temperature) in [(0, 0.0), (1, 0.7), (2, 0.7)] {
        let sampler = SamplerSettings { temperature, seed, ..SamplerSettings::greedy() };
        let k = vec![vec![4, 0], vec![0, 2]];
        let case = Case { sampler, branches: 8, max_tokens: 400, ..plain(k, vec![(0.6, Habit::Sound)], true) };
        let without = case.run(&mut case.ladder(), How::default()).unwrap();
        let mut ladder = case.ladder();
        let mut policy = Branching(case.policy());
        let with = case.run(&mut ladder, How { policy: Some(&mut policy), ..How::default() }).unwrap();
        assert_eq!(with.tokens, without.tokens);
        saved += without.passes - with.passes;
        // What was won stays with the target: no pass but those counted, and the one that read the prompt.
        assert_eq!(ladder.target().passes(), with.passes, "nothing is read twice");
    }
    assert!(saved > 40, "{saved} passes saved");
}

#[test]
fn where_only_the_end_is_allowed_the_answer_ends_and_where_nothing_is_it_says_so() {
    for (rule, finish) in [(Rule::Rising, Finish::End), (Rule::DeadEnd, Finish::NothingAllowed)] {
        for end_tokens in [Vec::new(), vec![0]] {
            let ends = !end_tokens.is_empty();
            let k = vec![vec![3, 2], vec![0, 2]];
            let case = Case { law: Some(rule), end_tokens, ..plain(k, vec![(0.9, Habit::Sound)], true) };
            let (alone, cascade) = (case.alone(), case.run(&mut case.ladder(), How::default()).unwrap());
            assert_eq!((&cascade.tokens, cascade.finish), (&alone.tokens, finish), "{rule:?}");
            assert!(ends || alone.tokens.last() == Some(&31), "without an end token it goes to the top: {alone:?}");
            assert_eq!(alone.finish, finish);
        }
    }
}

#[test]
fn copies_that_the_constraint_refuses_never_come_before_the_target() {
    let falling = (0..32).rev().collect::<Vec<Token>>().repeat(2);
    let case = Case { prompt: falling, max_tokens: 8, ..plain(vec![vec![4]], Vec::new(), true) };
    let drafted = |rule| Case { law: rule, ..case.clone() }.run(&mut case.ladder(), How::default()).unwrap().drafted;
    assert!(drafted(None) > 0, "every token has a successor to copy");
    assert_eq!(drafted(Some(Rule::Rising)), 0, "and all of them fall");
}

#[test]
fn a_constraint_pays_for_forced_tokens_with_drafts_that_are_right() {
    // A draft that never agrees by itself agrees wherever the constraint leaves one token.
    let case =
        Case { vocab: 2, law: Some(Rule::Alternating), ..plain(vec![vec![3]], vec![(0.0, Habit::Sound)], false) };
    let case = Case { prompt: vec![1, 0], ..case };
    let ran = case.run(&mut case.ladder(), How::default()).unwrap();
    assert_eq!(ran.tokens, [0, 1].repeat(30));
    assert_eq!(ran.passes, 1 + 59_usize.div_ceil(4));
}

#[test]
fn sampled_tokens_follow_the_targets_distribution() {
    let case = plain(vec![vec![2, 1], vec![0, 1]], vec![(0.5, Habit::Sound)], true);
    let counts = |cascade: bool| {
        let mut counts = vec![0_u32; case.vocab];
        for seed in 0..2000 {
            let sampler = SamplerSettings { temperature: 1.0, seed, ..SamplerSettings::greedy() };
            let one = Case { sampler, max_tokens: 2, ..case.clone() };
            let ran = one.run(&mut one.ladder(), How { cascade, ..How::default() }).unwrap();
            counts[ran.tokens[0] as usize] += 1;
        }
        counts
    };
    let drawn = counts(true);
    assert_eq!(drawn, counts(false));
    // The toy's own scores behind the prompt, as probabilities.
    let mut toy = Toy::new(case.vocab, TARGET);
    let logits = cascade::LanguageModel::extend(&mut toy, &case.prompt, 1).unwrap();
    let weights: Vec<f64> = logits.row(0).unwrap().iter().map(|score| f64::from(*score).exp()).collect();
    let total: f64 = weights.iter().sum();
    let (mut chi, mut cells) = (0.0, 0);
    let mut rest = (0.0, 0.0);
    for (count, weight) in drawn.iter().zip(&weights) {
        let expected = weight / total * 2000.0;
        if expected < 5.0 {
            rest = (rest.0 + f64::from(*count), rest.1 + expected);
        } else {
            chi += (f64::from(*count) - expected).powi(2) / expected;
            cells += 1;
        }
    }
    if rest.1 > 0.0 {
        chi += (rest.0 - rest.1).powi(2) / rest.1;
    }
    // Seeds are fixed, so this holds always or never; three standard deviations above the mean of chi-square.
    let freedom = f64::from(cells);
    assert!(cells > 3 && chi < freedom + 3.0 * (2.0 * freedom).sqrt(), "chi-square {chi} over {cells} cells");
}
