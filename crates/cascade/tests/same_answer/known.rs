//! Cases whose outcome is known beforehand.

use cascade::policy::Line;
use cascade::toy::{Habit, Toy};
use cascade::{Finish, ReviewRule, SamplerSettings, Token};

use crate::Branching;
use crate::case::{Case, How, TARGET};
use crate::support::Rule;

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
        beside: None,
        capacity: 4096,
        draft_capacity: 4096,
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
fn a_perfect_draft_beside_the_target_has_everything_said_when_the_target_asks() {
    for n in 1..6_usize {
        let case = plain(vec![vec![n as u32]], vec![(1.0, Habit::Sound)], false);
        let without = case.run(&mut case.ladder(), How::default()).unwrap();
        let beside = |looks: usize| {
            let case = Case { beside: Some(looks), ..case.clone() };
            let mut ladder = case.ladder();
            let ran = case.run(&mut ladder, How::default()).unwrap();
            let read_by_target = ladder.target().passes();
            assert_eq!((&ran.tokens, ran.passes, read_by_target), (&without.tokens, without.passes, ran.passes));
            (ran, ladder.draft_mut(0).unwrap().passes())
        };
        let (ran, passes) = beside(100);
        // For the first review it drafts while the target waits; for all others it has.
        assert_eq!(ran.ahead, ran.drafted - n, "drafts of {n}");
        // What it took the target's own tokens to be is a pass each, and nothing is read twice.
        assert!(passes <= ran.drafted + ran.passes, "{passes} passes for {} tokens", ran.drafted);
        // A target that is done at once leaves no time for anything.
        assert_eq!(beside(1).0.ahead, 0);
        // And one that leaves time for two passes has one token from them, behind the target's own.
        assert!(beside(3).0.ahead > 0);
    }
}

#[test]
fn a_draft_that_holds_less_than_the_text_does_not_go_ahead_and_is_not_taken_for_broken() {
    let prompt: Vec<Token> = (0..30).map(|token| token % 7).collect();
    for draft_capacity in [20, 40] {
        let case = plain(vec![vec![3]], vec![(1.0, Habit::Sound)], false);
        let case = Case { prompt: prompt.clone(), draft_capacity, beside: Some(100), ..case };
        let ran = case.run(&mut case.ladder(), How::default()).unwrap();
        assert_eq!((&ran.tokens, ran.left_out), (&case.alone().tokens, 0), "{draft_capacity}");
        assert_eq!(ran.ahead > 0, draft_capacity > prompt.len(), "{draft_capacity}");
    }
}

#[test]
fn what_a_poor_draft_says_ahead_changes_nothing_and_is_forgotten() {
    let (mut taken, mut drafted) = (0, 0);
    for (seed, agreement) in [(0, 0.7), (1, 0.85), (2, 0.95)] {
        let sampler = SamplerSettings { temperature: 0.7, seed, ..SamplerSettings::greedy() };
        let k = vec![vec![3, 2], vec![0, 2]];
        let case =
            Case { sampler, beside: Some(9), max_tokens: 300, ..plain(k, vec![(agreement, Habit::Sound)], true) };
        let mut ladder = case.ladder();
        let ran = case.run(&mut ladder, How::default()).unwrap();
        assert_eq!(ran.tokens, case.alone().tokens);
        (taken, drafted) = (taken + ran.ahead, drafted + ran.drafted);
        assert_eq!(ladder.target().passes(), ran.passes);
    }
    assert!(taken > 20 && drafted > taken, "{taken} of {drafted}");
}

#[test]
fn where_the_second_choice_is_right_a_pass_wins_the_token_behind_it() {
    let mut saved = 0;
    for (seed, temperature) in [(0, 0.0), (1, 0.7), (2, 0.7)] {
        let sampler = SamplerSettings { temperature, seed, ..SamplerSettings::greedy() };
        let k = vec![vec![4, 0], vec![0, 2]];
        let case = Case { sampler, branches: 8, max_tokens: 400, ..plain(k, vec![(0.6, Habit::Sound)], true) };
        let without = case.run(&mut case.ladder(), How::default()).unwrap();
        let mut policy = Branching(case.policy());
        let mut line = Line::of(&mut policy);
        let in_line = case.run(&mut case.ladder(), How { policy: Some(&mut line), ..How::default() }).unwrap();
        assert_eq!(
            (&in_line.tokens, in_line.passes),
            (&without.tokens, without.passes),
            "no second choice is looked at"
        );
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
