//! A draft that hangs is left out; one that only has much to read is not.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use cascade::policy::{Action, Adaptive, Ahead, CostCurve, Reviewed, View};
use cascade::toy::{Habit, Kept, Ticking, Toy};
use cascade::{Cascade, Outcome, Policy, Request, ReviewRule, SamplerSettings, Token};

/// Has the draft propose three tokens before every review of the target from token `from` of the answer on.
struct From(usize);

impl Policy for From {
    fn next(&mut self, view: &View<'_>) -> Action {
        if view.reviewer == 0 && view.answered >= self.0 && view.pending.len() < 3 {
            Action::Draft { rung: 1, tokens: 3 - view.pending.len() }
        } else {
            Action::Review
        }
    }

    fn learn(&mut self, _: &Reviewed<'_>) {}

    fn ahead(&mut self, _: &View<'_>) -> Ahead {
        Ahead { tokens: 4, read: 64 }
    }
}

/// 100 tokens with a target that takes 5 ms a token and a draft that takes `each`.
fn answer(each: Duration, from: usize, cascade: bool) -> (Vec<Token>, Outcome) {
    let clock = Ticking::default();
    let target = Toy::new(30, 1).with_pace(Duration::from_millis(5), &clock);
    run(target, each, &mut From(from), cascade, &clock)
}

/// 100 tokens of `target` with a draft that takes `each`.
fn run(target: Toy, each: Duration, policy: &mut dyn Policy, cascade: bool, clock: &Ticking) -> (Vec<Token>, Outcome) {
    with_draft(target, Toy::new(30, 2).like(1, 0.9).with_pace(each, clock), policy, cascade, clock)
}

/// 100 tokens of `target` with `draft`.
fn with_draft(
    target: Toy,
    draft: Toy,
    policy: &mut dyn Policy,
    cascade: bool,
    clock: &Ticking,
) -> (Vec<Token>, Outcome) {
    let mut ladder = Cascade::new(target);
    ladder.set_max_gram(false);
    ladder.add_draft(draft, 1.0).unwrap();
    let sampler = SamplerSettings::greedy();
    let request = Request {
        prompt: &[1, 2, 3],
        shown: &[],
        max_tokens: 100,
        sampler: &sampler,
        rule: ReviewRule::Coupled,
        end_tokens: &[],
        constraint: None,
        cascade,
        drafts_wait: false,
        fresh: false,
        chunk: 64,
        widths: None,
        cancelled: &|| false,
    };
    let mut kept = Kept::default();
    let outcome = ladder.run(&request, policy, clock, &mut kept).unwrap();
    (kept.0, outcome)
}

#[test]
fn a_draft_that_hangs_is_left_out_and_the_answer_is_the_same() {
    let (alone, _) = answer(Duration::from_millis(1), 0, false);
    let (tokens, outcome) = answer(Duration::from_secs(20), 0, true);
    assert_eq!(tokens, alone);
    assert_eq!(outcome.left_out.iter().map(|(rung, _)| *rung).collect::<Vec<_>>(), [1]);
    assert!(outcome.rungs[1].passes <= 3, "one draft is waited for, none after it: {outcome:?}");
}

#[test]
fn a_draft_that_catches_up_is_not_taken_for_one_that_hangs() {
    let (alone, _) = answer(Duration::from_millis(1), 0, false);
    // Idle for 60 tokens, then it reads them in one pass of 0.6 s.
    let (tokens, outcome) = answer(Duration::from_millis(10), 60, true);
    assert_eq!(tokens, alone);
    assert!(outcome.left_out.is_empty(), "{:?}", outcome.left_out);
    assert!(outcome.rungs[1].accepted > 0);
}

#[test]
fn a_draft_that_hangs_while_it_goes_ahead_is_left_out_too() {
    let clock = Ticking::default();
    let target = Toy::new(30, 1).with_pace(Duration::from_millis(5), &clock).with_beside(usize::MAX);
    // It never drafts but ahead.
    let (tokens, outcome) = run(target, Duration::from_secs(20), &mut From(usize::MAX), true, &clock);
    assert_eq!(tokens, answer(Duration::from_millis(1), 0, false).0);
    assert_eq!((outcome.left_out.len(), outcome.rungs[1].passes), (1, 1), "one pass is waited for: {outcome:?}");
}

#[test]
fn a_draft_that_takes_ten_times_what_was_measured_costs_little_and_says_nothing_of_the_target() {
    let [target, draft] = [Duration::from_millis(200), Duration::from_millis(600)];
    let seconds = |cascade: bool| {
        let clock = Ticking::default();
        let toy = Toy::new(30, 1).with_pace(target, &clock).with_beside(usize::MAX);
        let curves = [0.2, 0.06].map(|single| {
            let mut curve = CostCurve::default();
            (1..=16).for_each(|width| curve.measured(width, single * width as f64));
            curve
        });
        let mut policy = Adaptive::new(curves.into());
        let (_, outcome) = run(toy, draft, &mut policy, cascade, &clock);
        (outcome.total.as_secs_f64(), policy.single().unwrap())
    };
    let (alone, ahead) = (seconds(false), seconds(true));
    // One pass of two tokens is waited for: 1.2 s beside 0.2.
    assert!(ahead.0 > alone.0 + 0.9 && ahead.0 < alone.0 + 1.2, "{ahead:?}, alone {alone:?}");
    assert!((ahead.1 / alone.1 - 1.0).abs() < 0.02, "{ahead:?}, alone {alone:?}");
}

#[test]
fn a_draft_that_knows_nothing_is_booked_and_left_alone() {
    let clock = Ticking::default();
    let pace = |seconds: f64| Duration::from_secs_f64(seconds);
    // As on a card: reviews of any width take the same, a token of the draft a seventh of that.
    let curve = |single: f64| {
        let mut curve = CostCurve::default();
        for width in [1, 16] {
            curve.measured(width, single);
        }
        curve
    };
    let mut policy = Adaptive::new(vec![curve(1.0), curve(0.15)]);
    let mut seconds = |cascade: bool| {
        let target = Toy::new(30, 1).with_pace(pace(1.0), &clock);
        let draft = Toy::new(30, 2).with_habit(Habit::KnowsNone).with_pace(pace(0.15), &clock);
        let (_, outcome) = with_draft(target, draft, &mut policy, cascade, &clock);
        (outcome.total.as_secs_f64(), outcome.rungs[1].passes)
    };
    let (alone, with) = (seconds(false), seconds(true));
    assert!(with.1 > 0, "it is asked");
    // Its first pass reads the prompt, three tokens, too.
    assert!(with.0 < 1.03 * alone.0, "{with:?}, alone {alone:?}");
}
