//! What passes take, where that is not the same from one to the next.

use super::*;

/// A copy of a token costs a tenth of a pass and is right in this share.
fn gaining(kept: f64) -> World {
    World { target: |width| 0.010 + 0.001 * (width - 1) as f64, draft: 0.1, draft_kept: 0.0, copy_kept: kept }
}

/// Passes that vary by about so much, as a world's clock sees them.
fn varied(seconds: f64, spread: f64, numbers: &mut Numbers) -> f64 {
    // The sum of three has a standard deviation of a half.
    let sum: f64 = (0..3).map(|_| numbers.share()).sum();
    seconds * (1.0 + 2.0 * spread * (sum - 1.5))
}

#[test]
fn passes_that_vary_are_no_loss() {
    let (world, mut policy) = (gaining(1.0), gaining(1.0).policy());
    let mut numbers = Numbers(3, 0);
    // One token is worth one pass, whatever it takes: nothing is won and nothing is lost.
    let mut behind = Vec::new();
    for _ in 0..2000 {
        let time = varied((world.target)(1), 0.15, &mut numbers);
        policy.learn(&lone(false, time));
        policy.guard = Guard::new();
        let time = varied((world.target)(1), 0.15, &mut numbers);
        policy.learn(&Reviewed { drafted: true, ..lone(false, time) });
        behind.push(Guard::new().room() - policy.guard.room());
    }
    let mean = behind[200..].iter().sum::<f64>() / 1800.0;
    // It may spend a share of every token besides.
    assert!((-0.03..0.01).contains(&mean), "{mean} of a pass for a review that is worth one");
}

#[test]
fn where_each_width_goes_its_own_way_a_single_token_is_timed_though_all_reviews_draft() {
    let world = World { target: FLAT, draft: 0.001, draft_kept: 0.9, copy_kept: 0.3 };
    let mut policy = world.policy();
    policy.paces[0].cost.set_apart();
    policy.begin();
    // Since it was measured the computer has become half as slow again.
    let slower = World { target: |width| 1.5 * FLAT(width), ..world };
    slower.speed_up(&mut policy, 3000, &mut Numbers(4, 0));
    let single = policy.single().unwrap();
    assert!((single / (1.5 * FLAT(1)) - 1.0).abs() < 0.2, "{single}");
    slower.speed_up(&mut policy, 6000, &mut Numbers(5, 0));
    let single = policy.single().unwrap();
    assert!((single / (1.5 * FLAT(1)) - 1.0).abs() < 0.15, "{single}");
}

#[test]
fn behind_a_text_of_another_length_a_single_token_is_timed_first() {
    let (available, behind) = ([false, true, false], [1, 1, 0]);
    let mut policy = Adaptive::new(vec![curve(FLAT), curve(|_| 0.001)]);
    let asks = |policy: &mut Adaptive, held| policy.next(&View { held, ..view(&available, &behind, 0) });
    assert!(matches!(asks(&mut policy, 900), Action::Step { rung: 1, .. }));
    // Where widths tell nothing of each other, the first two behind a prompt tell nothing either.
    for (held, singles) in [(5000, 1), (200, 3)] {
        for _ in 0..singles {
            assert_eq!(asks(&mut policy, held), Action::Review);
            policy.learn(&Reviewed { held, ..lone(false, FLAT(1)) });
        }
        assert!(matches!(asks(&mut policy, held + 3), Action::Step { rung: 1, .. }), "{held}");
        policy.paces[0].cost.set_apart();
        policy.begin();
    }
}

#[test]
fn what_a_long_text_adds_is_added_for_each_token_of_a_pass() {
    let mut policy = Adaptive::new(vec![curve(STEEP)]);
    // 5 µs for each pair of tokens: 4000 tokens make a pass three times as long.
    let takes = |width: usize, held: usize| STEEP(width) + 5e-6 * (width * held) as f64;
    for _ in 0..3 {
        for held in [100, 4000] {
            (0..100).for_each(|_| policy.learn(&Reviewed { held, ..lone(false, takes(1, held)) }));
        }
    }
    for (held, width) in [(4000, 1), (4000, 4), (200, 4), (2000, 8)] {
        policy.stand_behind(held);
        let (is, expected) = (policy.paces[0].cost.at(width).unwrap(), takes(width, held));
        assert!((is / expected - 1.0).abs() < 0.1, "{width} tokens behind {held}: {is} for {expected}");
    }
    let known = policy.knowledge(&[curve(STEEP)]);
    let mut again = Adaptive::with_knowledge(vec![curve(STEEP)], &known).unwrap();
    again.stand_behind(4000);
    let (is, expected) = (again.paces[0].cost.at(4).unwrap(), takes(4, 4000));
    assert!((is / expected - 1.0).abs() < 0.1, "what a text adds is kept: {is} for {expected}");
}

#[test]
fn what_a_text_adds_to_wide_passes_is_learned_apart_and_spoils_no_short_one() {
    // Wide passes look at the text as if they had half a token less, or more, or one more, in passes that vary.
    for more in [-0.5, 0.5, 1.0] {
        let mut policy = Adaptive::new(vec![curve(STEEP)]);
        let takes = |width: usize, held: usize| {
            let rows = width as f64 + if width > 1 { more } else { 0.0 };
            STEEP(width) + 4e-6 * rows * held as f64
        };
        let mut numbers = Numbers(6, 0);
        for held in [6000, 300, 6000, 200] {
            for review in 0..400 {
                let width = if review % 64 == 0 { 1 } else { [2, 4, 8][review % 3] };
                let time = varied(takes(width, held), 0.05, &mut numbers);
                policy.learn(&Reviewed { held, width, drafted: width > 1, ..lone(false, time) });
            }
        }
        for (held, width) in [(200, 1), (200, 2), (200, 4), (200, 8), (6000, 1), (6000, 2), (6000, 4)] {
            policy.stand_behind(held);
            let (is, expected) = (policy.paces[0].cost.at(width).unwrap(), takes(width, held));
            assert!((is / expected - 1.0).abs() < 0.15, "{more}: {width} tokens behind {held}: {is} for {expected}");
        }
        assert!((policy.paces[0].usual.is() - 1.0).abs() < 0.1, "{:?}", policy.paces[0].usual);
    }
}

#[test]
fn a_draft_that_knows_nothing_is_not_asked_for_long_and_the_next_answer_asks_it_again() {
    let (available, behind) = ([false, true, false], [1, 1, 0]);
    let mut policy = Adaptive::new(vec![curve(FLAT), curve(|_| 0.001)]);
    let mut asked = 0;
    for _ in 0..200 {
        let drafted = policy.next(&view(&available, &behind, 0)) != Action::Review;
        let mut round = Duration::from_secs_f64(FLAT(1));
        if drafted {
            asked += 1;
            policy.learn(&Reviewed { reviewer: 1, ..lone(false, 0.001) });
            round += Duration::from_millis(1);
        }
        policy.learn(&Reviewed { own: Some(0), drafted, round, ..lone(false, FLAT(1)) });
    }
    assert!((2..40).contains(&asked), "{asked} of 200, a tenth of a pass each");
    policy.begin();
    assert!(matches!(policy.next(&view(&available, &behind, 0)), Action::Step { rung: 1, .. }));
}
