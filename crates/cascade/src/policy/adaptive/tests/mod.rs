//! The policy in made-up worlds where time passes only as their curves say.

mod times;

use std::time::Duration;

use super::*;
use crate::maxgram::Match;
use crate::policy::acceptance::OfModel;
use crate::policy::guard::KNOWN;
use crate::policy::{Foreseen, Proposal};
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
        curve.measured(width, of(width));
    }
    curve
}

#[test]
fn a_width_that_was_learned_too_short_excuses_no_pass() {
    let mut policy = Adaptive::new(vec![curve(|width| width as f64)]);
    policy.paces[0].cost = curve(|_| 1.0);
    let time = Duration::from_secs(16);
    policy.learn(&Reviewed { width: 16, drafted: true, time, round: time, ..Reviewed::lone(1.0) });
    assert!(policy.stands_aside(), "{policy:?}");
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
                ahead: 0,
                room,
                available: &available,
                behind: &[1, 2, 0],
                reviews: &[true, true],
                max_gram,
                answered: 0,
                held: 0,
            };
            match policy.next(&view) {
                Action::Step { rung, .. } => {
                    assert_eq!(rung, 1, "there is one model below the target");
                    let confidence = 0.9;
                    policy.learn(&Reviewed {
                        reviewer: 1,
                        own: Some(0),
                        foreseen: max_gram.map(|found| Foreseen { found, right: numbers.share() < self.copy_kept }),
                        ..lone(false, self.draft)
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
            proposals: &pending,
            kept,
            own: Some(0),
            drafted: !pending.is_empty(),
            width: pending.len() + 1,
            round: Duration::from_secs_f64(spent),
            foreseen: copied.map(|found| Foreseen { found, right: numbers.share() < self.copy_kept }),
            ..lone(false, time)
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
        ahead: 0,
        room: 9,
        available: &[false, true],
        behind: &[1, 0],
        reviews: &[true],
        max_gram: Some(Match::of_length(9)),
        answered: 3,
        held: 3,
    };
    assert_eq!(policy.next(&view), Action::Review);
}

/// A review of the target as it would be with nothing proposed and the cascade on or off.
fn lone(alone: bool, seconds: f64) -> Reviewed<'static> {
    Reviewed { alone, ..Reviewed::lone(seconds) }
}

fn view<'a>(available: &'a [bool], behind: &'a [usize], answered: usize) -> View<'a> {
    View {
        reviewer: 0,
        pending: &[],
        ahead: 0,
        room: 9,
        available,
        behind,
        reviews: &[true, true],
        max_gram: None,
        answered,
        held: answered,
    }
}

#[test]
fn one_held_up_review_is_forgiven_in_time() {
    let world = World { target: FLAT, draft: 0.001, draft_kept: 0.9, copy_kept: 0.3 };
    let (mut policy, mut numbers) = (world.policy(), Numbers(5, 0));
    world.speed_up(&mut policy, 500, &mut numbers);
    let draft = Proposal { asked: 1, writer: 1, backer: 1, confidence: 0.9, copied: None, second: None };
    let held_up = Reviewed { proposals: &[draft], kept: 1, width: 2, drafted: true, ..lone(false, 10.0) };
    policy.learn(&held_up);
    assert!(!policy.stands_aside(), "ten seconds for a pass: that was another program");
    policy.learn(&Reviewed { time: Duration::from_secs_f64(FLAT(2)), ..held_up });
    assert!(policy.stands_aside(), "ten seconds for drafting");
    world.speed_up(&mut policy, 400, &mut numbers);
    assert!(!policy.stands_aside());
    assert!(world.speed_up(&mut policy, 500, &mut numbers) > 2.5);
}

#[test]
fn what_a_draft_beside_the_target_holds_up_is_booked_and_says_nothing_of_a_single_token() {
    let mut policy = Adaptive::new(vec![curve(FLAT), curve(|_| 0.002)]);
    let (single, view) = (policy.single(), view(&[false, true, false], &[0, 1, 0], 5));
    let sure = Proposal { asked: 1, writer: 1, backer: 1, confidence: 0.95, copied: None, second: None };
    let said = View { pending: &[sure; 4], ahead: 4, ..view };
    assert!(policy.ahead(&view).tokens > 1 && policy.keep_ahead(&said) == 4);
    let held_up = Reviewed { ahead: true, ..lone(false, 1.5 * FLAT(1)) };
    (0..20).for_each(|_| policy.learn(&held_up));
    assert_eq!(policy.single(), single);
    assert!(policy.stands_aside(), "half a pass is lost each time");
    assert_eq!((policy.ahead(&view), policy.keep_ahead(&said)), (Ahead::default(), 0));
}

#[test]
fn answers_without_the_cascade_earn_nothing() {
    let mut policy = Adaptive::new(vec![curve(STEEP), curve(|_| 0.002)]);
    let untouched = policy.knowledge(&[curve(STEEP), curve(|_| 0.002)]);
    (0..500).for_each(|_| policy.learn(&lone(true, STEEP(1))));
    assert_eq!(policy.guard, Guard::new());
    assert_eq!(policy.knowledge(&[curve(STEEP), curve(|_| 0.002)]), untouched);
    assert_eq!(policy.single(), Some(STEEP(1)));
}

#[test]
fn behind_a_long_text_a_short_one_is_not_gambled_with() {
    let world = World { target: STEEP, draft: 0.006, draft_kept: 0.7, copy_kept: 0.02 };
    for seed in 0..20 {
        let mut policy = world.policy();
        // Each pass takes five times as long in the end, and the target works alone all the while.
        for held in 0..2000 {
            policy.next(&view(&[false, false, false], &[1, 1, 0], held));
            policy.learn(&lone(false, STEEP(1) * (1.0 + f64::from(held as u32) / 500.0)));
        }
        let [single, four] = [1, 4].map(|width| policy.paces[0].cost.at(width).unwrap());
        assert!(four / single > 0.7 * STEEP(4) / STEEP(1), "what is wider takes longer there too: {single} {four}");
        policy.next(&view(&[false, false, false], &[1, 1, 0], 0));
        let speed_up = world.speed_up(&mut policy, 300, &mut Numbers(seed, 0));
        assert!(speed_up > 0.95, "{speed_up}");
    }
}

#[test]
fn the_target_is_timed_alone_now_and_then() {
    let world = World { target: FLAT, draft: 0.001, draft_kept: 0.9, copy_kept: 0.3 };
    let (mut policy, mut numbers) = (world.policy(), Numbers(5, 0));
    let alone =
        (0..2000).filter(|_| world.round(&mut policy, &mut numbers).0 == 1 && policy.guard.since_single() == 0).count();
    assert!((12..60).contains(&alone), "{alone} of 2000");
}

#[test]
fn what_was_drafted_and_thrown_away_is_booked() {
    let mut policy = Adaptive::new(vec![curve(STEEP), curve(|_| 0.002)]);
    for _ in 0..6 {
        let round = Duration::from_secs_f64(STEEP(1) + 0.008);
        policy.learn(&Reviewed { drafted: true, round, ..lone(false, STEEP(1)) });
    }
    assert!(policy.stands_aside(), "a gap in the widths that hold must not cost for ever");
}

#[test]
fn what_one_answer_won_the_next_does_not_gamble_away() {
    let mut policy = Adaptive::new(vec![curve(STEEP), curve(|_| 0.002)]);
    for answered in 0..500 {
        policy.next(&view(&[false, false, false], &[1, 1, 0], answered));
        policy.learn(&lone(false, STEEP(1)));
    }
    assert!(policy.guard.room() > 7.0, "2% of 500 tokens, and no more than is remembered");
    policy.begin();
    assert!((policy.guard.room() - Guard::new().room()).abs() < 1e-12);
}

#[test]
fn an_unknown_draft_is_not_given_a_long_text_to_read() {
    let world = World { target: FLAT, draft: 0.001, draft_kept: 0.9, copy_kept: 0.3 };
    // Reading 2000 tokens takes it a tenth of a second, ten passes of the target.
    let (available, behind) = ([false, true, false], [1, 2000, 0]);
    let mut policy = world.policy();
    assert_eq!(policy.next(&view(&available, &behind, 0)), Action::Review);
    assert!(matches!(policy.next(&view(&available, &[1, 20, 0], 0)), Action::Step { rung: 1, .. }));
    world.speed_up(&mut policy, 300, &mut Numbers(2, 0));
    assert_eq!(policy.next(&view(&available, &behind, 0)), Action::Review, "not for the nine tokens that are left");
    let long = View { room: 400, ..view(&available, &behind, 0) };
    assert!(matches!(policy.next(&long), Action::Step { rung: 1, .. }), "now it is worth it");
}

#[test]
fn a_long_answer_lets_an_unknown_draft_read_its_text() {
    let world = World { target: FLAT, draft: 0.001, draft_kept: 0.9, copy_kept: 0.3 };
    let mut policy = world.policy();
    // Reading 1000 tokens takes it five passes of the target: that much may be lost once an answer has some two hundred tokens.
    let (available, behind) = ([false, true, false], [1, 1000, 0]);
    let mut alone = 0;
    while policy.next(&View { room: 400, ..view(&available, &behind, alone) }) == Action::Review {
        policy.learn(&lone(false, FLAT(1)));
        alone += 1;
        assert!(alone < 1000);
    }
    assert!((100..300).contains(&alone), "{alone}");
}

#[test]
fn what_drafts_bring_is_hoped_for_again_after_working_alone_and_after_a_restart() {
    let world = World { target: FLAT, draft: 0.001, draft_kept: 0.9, copy_kept: 0.3 };
    let (mut policy, mut numbers) = (world.policy(), Numbers(5, 0));
    world.speed_up(&mut policy, 1000, &mut numbers);
    let draft = Proposal { asked: 1, writer: 1, backer: 1, confidence: 0.9, copied: None, second: None };
    let lost = Duration::from_secs(10);
    policy.learn(&Reviewed { proposals: &[draft], width: 2, drafted: true, round: lost, ..lone(false, FLAT(2)) });
    assert!(policy.stands_aside());
    (0..150).for_each(|_| policy.learn(&lone(false, FLAT(1))));
    let known = policy.knowledge(&[]);
    let mut again = Adaptive::with_knowledge(vec![CostCurve::default(); 2], &known).unwrap();
    for policy in [&mut policy, &mut again] {
        policy.guard = Guard::knowing(policy.guard.judged());
        policy.begin();
        let room = policy.guard.room();
        assert!((room - Guard::new().room()).abs() < 1e-12, "as much as where drafts bring much: {room}");
    }
}

#[test]
fn what_a_draft_lets_pass_has_to_fit_into_what_may_be_lost_too() {
    // Sixteen tokens make the target's pass longer by three tokens' time, one by a fifth.
    let costs = |width: usize| if width == 1 { 1.0 } else { 1.0 + 0.2 * (width - 1) as f64 };
    let mut policy = Adaptive::new(vec![curve(costs), curve(|_| 0.05)]);
    policy.beliefs.learned_mut(0).models[1] = sure_model();
    let (available, behind) = ([false, true, true], [1, 1, 0]);
    let asked = |policy: &mut Adaptive| match policy.next(&View { room: 40, ..view(&available, &behind, 0) }) {
        Action::Step { rung: 1, tokens } => tokens,
        other => panic!("{other:?}"),
    };
    policy.guard = Guard::new();
    assert_eq!(asked(&mut policy), 8, "1.8 passes: 0.05 and eight times 0.2");
    policy.guard.book(&Reviewed { kept: 8, drafted: true, ..Reviewed::lone(1.0) }, 1.0, None, false);
    assert_eq!(asked(&mut policy), 16, "what was won may be lost");
}

/// A model whose tokens have nearly all been kept.
fn sure_model() -> OfModel {
    let mut model = OfModel::guess();
    let proposal = Proposal { asked: 1, writer: 1, backer: 1, confidence: 0.99, copied: None, second: None };
    (0..100).for_each(|_| model.saw(&proposal, 0.0, true));
    model
}

#[test]
fn a_model_that_there_is_no_room_for_takes_no_hope_away() {
    let world = World { target: FLAT, draft: 0.005, draft_kept: 0.9, copy_kept: 0.3 };
    let mut policy = world.policy();
    world.speed_up(&mut policy, 1000, &mut Numbers(5, 0));
    let before = policy.free.up().unwrap();
    // Nothing may be lost, though nothing has put it aside.
    policy.guard = Guard::knowing(KNOWN);
    policy.guard.book(
        &Reviewed { drafted: true, round: Duration::from_secs_f64(2.5), ..Reviewed::lone(1.0) },
        1.0,
        None,
        false,
    );
    assert!(!policy.stands_aside() && policy.guard.room() < 0.05, "{:?}", policy.guard);
    let (available, behind) = ([false, true, false], [1, 1, 0]);
    assert_eq!(policy.next(&view(&available, &behind, 0)), Action::Review);
    policy.learn(&lone(false, FLAT(1)));
    assert!(policy.stands_aside(), "the target worked alone because drafting may cost too much");
    assert!((policy.free.up().unwrap() - before).abs() < 1e-12);
}
