//! After warm-up an answer allocates nothing for its tokens, beyond what Max-Gram keeps of the text.

#![allow(clippy::unwrap_used)]

use cascade::policy::{Adaptive, CostCurve, FixedPolicy};
use cascade::toy::{Kept, Toy};
use cascade::{Cascade, Clock, Policy, Request, ReviewRule, SamplerSettings};
use std::cell::Cell;
use std::time::Duration;

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

/// Every pass takes the same, however wide it is.
struct Flat(Cell<u32>);

impl Clock for Flat {
    fn now(&self) -> Duration {
        self.0.set(self.0.get() + 1);
        Duration::from_millis(10) * self.0.get()
    }
}

/// Blocks allocated while a ladder of two models and Max-Gram answers with `tokens` tokens, and how many of them the target did not write.
fn answer(tokens: usize, sampler: &SamplerSettings, policy: &mut dyn Policy) -> (u64, usize) {
    let clock = Flat(Cell::new(0));
    // With so few tokens the text soon goes in circles: there is something to copy.
    let mut ladder = Cascade::new(Toy::new(8, 1));
    ladder.add_draft(Toy::new(8, 2).like(1, 0.97), 1.0).unwrap();
    let request = Request {
        prompt: &[1, 2, 3],
        shown: &[],
        max_tokens: tokens,
        sampler,
        rule: ReviewRule::Coupled,
        end_tokens: &[],
        constraint: None,
        cascade: true,
        drafts_wait: false,
        fresh: false,
        chunk: 64,
        widths: None,
        cancelled: &|| false,
    };
    let mut kept = Kept(Vec::with_capacity(tokens));
    let before = dhat::HeapStats::get().total_blocks;
    let outcome = ladder.run(&request, policy, &clock, &mut kept).unwrap();
    let blocks = dhat::HeapStats::get().total_blocks - before;
    assert_eq!(kept.0.len(), tokens);
    (blocks, outcome.rungs[1..].iter().map(|rung| rung.accepted).sum())
}

#[test]
fn what_an_answer_allocates_does_not_grow_with_its_tokens() {
    let _counting = dhat::Profiler::builder().testing().build();
    let mut curve = CostCurve::default();
    for width in [1, 8, 32] {
        curve.measured(width, 0.01);
    }
    let adaptive = || Adaptive::new(vec![curve.clone(), curve.clone()]);
    let fixed = || FixedPolicy::new(&[vec![3, 2], vec![0, 2]]).unwrap();
    let drawn = SamplerSettings { temperature: 0.8, top_k: 4, top_p: 0.95, ..SamplerSettings::greedy() };
    for sampler in [SamplerSettings::greedy(), drawn] {
        for is_fixed in [false, true] {
            let [(short, _), (long, drafted)] = [600, 1200].map(|tokens| {
                if is_fixed {
                    answer(tokens, &sampler, &mut fixed())
                } else {
                    answer(tokens, &sampler, &mut adaptive())
                }
            });
            assert!(drafted > 15, "the cascade is at work: {drafted}");
            // New text takes room in Max-Gram's automaton, what repeats hardly any.
            let most = if sampler.temperature > 0.0 { 2 * 600 } else { 60 };
            assert!(long - short < most, "{short} blocks for 600 tokens, {long} for 1200");
        }
    }
}
