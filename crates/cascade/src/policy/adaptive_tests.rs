//! The policy in made-up worlds where time passes only as their curves say.

use std::time::Duration;

use super::*;
use crate::maxgram::Match;
use crate::policy::Foreseen;
use crate::random::Noise;

/// Numbers between 0 and 1, the same for the same seed.
struct Numbers(u64, usize);

impl Numbers {
    fn share(&mut self) -> f64 {
        self.1 += 1;
        (-(-Noise::at(self.0, self.1).gumbel(0)).exp()).exp()
    }
}

/// A world with a target, one draft model and Max-Gram.
struct World {
    /// Seconds of the target's pass by width.
    target: fn(usize) -> f64,
    /// Seconds of the draft's one-token pass.
    draft: f64,
    /// Share of the draft's tokens that are kept.
    draft_kept: f64,
    /// Share of Max-Gram's tokens that are kept, at a match of 4.
    copy_kept: f64,
}

fn curve(of: impl Fn(usize) -> f64) -> CostCurve {
    let mut curve = CostCurve::default();
    for width in [1, 2, 4, 8, 16] {
        curve.saw(width, of(width));
    }
    curve
}

impl World {
    fn policy(&self) -> Adaptive {
        let draft = self.draft;
        Adaptive::new(vec![curve(self.target), curve(|width| draft * (1.0 + 0.05 * (width - 1) as f64))])
    }

    /// Lets the policy write `tokens` tokens; gives how much faster that was than the target alone.
    fn speed_up(&self, policy: &mut Adaptive, tokens: usize, numbers: &mut Numbers) -> f64 {
        let (mut written, mut seconds) = (0, 0.0);
        while written < tokens {
            let round = self.round(policy, numbers);
            written += round.0;
            seconds += round.1;
        }
        (self.target)(1) * written as f64 / seconds
    }

    /// One review by the target: tokens and seconds.
    fn round(&self, policy: &mut Adaptive, numbers: &mut Numbers) -> (usize, f64) {
        let copied = (numbers.share() < 0.5).then(|| Match::of_length(4));
        let mut pending = Vec::new();
        let mut spent = 0.0;
        loop {
            let max_gram = if pending.is_empty() { copied } else { None };
            let available = [false, true, copied.is_some()];
            let room = 40 - pending.len();
            let view = View {
                reviewer: 0,
                pending: &pending,
                room,
                available: &available,
                behind: &[1, 2, 0],
                max_gram,
                answered: 0,
            };
            match policy.next(&view) {
                Action::Step { rung, .. } => {
                    assert_eq!(rung, 1, "there is one model below the target");
                    let (time, confidence) = (Duration::from_secs_f64(self.draft), 0.9);
                    policy.learn(&Reviewed {
                        reviewer: 1,
                        proposals: &[],
                        kept: 0,
                        own: None,
                        branched: false,
                        width: 1,
                        time,
                        round: time,
                        foreseen: max_gram.map(|found| Foreseen { found, right: numbers.share() < self.copy_kept }),
                    });
                    pending.push(Proposal { asked: 1, writer: 1, backer: 1, confidence, copied: None, second: None });
                    spent += self.draft;
                }
                Action::Draft { tokens, .. } => pending.extend(std::iter::repeat_n(
                    Proposal {
                        asked: 2,
                        writer: 2,
                        backer: 2,
                        confidence: 1.0,
                        copied: Some(Match::of_length(4)),
                        second: None,
                    },
                    tokens,
                )),
                Action::Review => break,
            }
            if pending.len() >= 40 {
                break;
            }
        }
        let share = |proposal: &Proposal| if proposal.writer == 1 { self.draft_kept } else { self.copy_kept };
        let kept = pending.iter().take_while(|proposal| numbers.share() < share(proposal)).count();
        let time = (self.target)(pending.len() + 1);
        spent += time;
        policy.learn(&Reviewed {
            reviewer: 0,
            proposals: &pending,
            kept,
            own: None,
            branched: false,
            width: pending.len() + 1,
            time: Duration::from_secs_f64(time),
            round: Duration::from_secs_f64(spent),
            foreseen: copied.map(|found| Foreseen { found, right: numbers.share() < self.copy_kept }),
        });
        (kept + 1, spent)
    }
}

/// A graphics card: reviews of any width cost the same.
const FLAT: fn(usize) -> f64 = |width| 0.010 + 0.0001 * width as f64;
/// A small processor: every token of a review costs nearly a whole pass.
const STEEP: fn(usize) -> f64 = |width| 0.010 + 0.008 * (width - 1) as f64;

#[test]
fn where_drafts_are_good_and_reviews_cheap_it_is_much_faster() {
    let world = World { target: FLAT, draft: 0.001, draft_kept: 0.9, copy_kept: 0.3 };
    let speed_up = world.speed_up(&mut world.policy(), 2000, &mut Numbers(1, 0));
    assert!(speed_up > 3.0, "{speed_up}");
}

#[test]
fn where_nothing_helps_it_loses_no_more_than_its_budget() {
    for (target, draft, kept) in [(STEEP, 0.006, 0.7), (STEEP, 0.002, 0.1), (FLAT, 0.012, 0.8), (FLAT, 0.005, 0.05)] {
        let world = World { target, draft, draft_kept: kept, copy_kept: 0.02 };
        for seed in 0..20 {
            let speed_up = world.speed_up(&mut world.policy(), 300, &mut Numbers(seed, 0));
            assert!(speed_up > 0.96, "{speed_up} with a draft of {draft} s that is right in {kept}");
        }
    }
}

#[test]
fn free_copies_are_used_even_where_reviews_are_dear() {
    let world = World { target: STEEP, draft: 0.006, draft_kept: 0.6, copy_kept: 0.97 };
    let speed_up = world.speed_up(&mut world.policy(), 2000, &mut Numbers(1, 0));
    assert!(speed_up > 1.03, "{speed_up}");
}

#[test]
fn a_change_of_the_text_is_noticed_both_ways() {
    let bad = World { target: FLAT, draft: 0.004, draft_kept: 0.05, copy_kept: 0.05 };
    let good = World { draft_kept: 0.95, copy_kept: 0.95, ..bad };
    let (mut policy, mut numbers) = (bad.policy(), Numbers(3, 0));
    bad.speed_up(&mut policy, 1000, &mut numbers);
    good.speed_up(&mut policy, 1000, &mut numbers);
    let speed_up = good.speed_up(&mut policy, 500, &mut numbers);
    assert!(speed_up > 1.5, "{speed_up}");
    bad.speed_up(&mut policy, 300, &mut numbers);
    let speed_up = bad.speed_up(&mut policy, 500, &mut numbers);
    assert!(speed_up > 0.96, "{speed_up}");
}

#[test]
fn it_comes_close_to_the_best_fixed_length_without_knowing_anything() {
    let world = World { target: FLAT, draft: 0.002, draft_kept: 0.8, copy_kept: 0.0 };
    // The best of plain speculative decoding, from its formula (Leviathan et al. 2023, equation 1 over the costs).
    let best = (1..30)
        .map(|k| {
            let tokens = (1.0 - 0.8_f64.powi(k + 1)) / (1.0 - 0.8);
            tokens * FLAT(1) / (0.002 * f64::from(k) + FLAT(k as usize + 1))
        })
        .fold(0.0, f64::max);
    let speed_up = world.speed_up(&mut world.policy(), 5000, &mut Numbers(7, 0));
    assert!(speed_up > 0.93 * best, "{speed_up} where {best} can be had");
}

#[test]
fn without_a_measured_pace_the_target_works_alone() {
    let mut policy = Adaptive::new(vec![CostCurve::default()]);
    let view = View {
        reviewer: 0,
        pending: &[],
        room: 9,
        available: &[false, true],
        behind: &[1, 0],
        max_gram: Some(Match::of_length(9)),
        answered: 3,
    };
    assert_eq!(policy.next(&view), Action::Review);
}
