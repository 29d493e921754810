//! A draft that hangs is left out; one that only has much to read is not.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use cascade::policy::{Action, Reviewed, View};
use cascade::toy::{Kept, Ticking, Toy};
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
}

/// 100 tokens with a target that takes 5 ms a token and a draft that takes `each`.
fn answer(each: Duration, from: usize, cascade: bool) -> (Vec<Token>, Outcome) {
    let clock = Ticking::default();
    let mut ladder = Cascade::new(Toy::new(30, 1).with_pace(Duration::from_millis(5), &clock));
    ladder.set_max_gram(false);
    ladder.add_draft(Toy::new(30, 2).like(1, 0.9).with_pace(each, &clock), 1.0).unwrap();
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
    let outcome = ladder.run(&request, &mut From(from), &clock, &mut kept).unwrap();
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
