//! The distribution of what comes out, held against the exact one.
//!
//! α = 0.001 was fixed before the first run. The seeds are 0, 1, 2, … in every case, so each test holds always or never.

mod world;

use world::{Nosy, Seen, World, chi_square, critical};

use super::{Block, Draft, Judged, Rejection, Rule};
use crate::SamplerSettings;
use crate::policy::{FixedPolicy, Policy};

/// Answers, and groups of three tokens in each, for every distribution: 1,020,000 tokens. A rule that is nearly right is found out only by as many.
const LONG: (usize, usize) = (340, 1000);

/// As many tokens in short answers: the adaptive policy thinks only as far as the answer can go.
const SHORT: (usize, usize) = (68_000, 5);

/// No distribution is judged by fewer tokens.
const MILLION: u64 = 1_000_000;

/// The rules by name; coupled sampling is none of its own.
const RULES: [(&str, Option<&dyn Rule>); 3] =
    [("coupled", None), ("rejection", Some(&Rejection)), ("block", Some(&Block))];

/// A ladder, who drafts how much in it, and how tokens are drawn.
struct Case {
    name: &'static str,
    world: World,
    policy: Box<dyn Policy>,
    settings: SamplerSettings,
    draws: (usize, usize),
}

fn plain() -> SamplerSettings {
    SamplerSettings { temperature: 1.0, ..SamplerSettings::greedy() }
}

fn fixed(k: &[Vec<u32>]) -> FixedPolicy {
    FixedPolicy::new(k).unwrap()
}

/// Plain speculative decoding, four tokens at a time.
fn speculative() -> Case {
    let world = World { max_gram: false, ..World::new(6, &[0.5]) };
    Case { name: "speculative", world, policy: Box::new(fixed(&[vec![4]])), settings: plain(), draws: LONG }
}

fn cases() -> [Case; 4] {
    let cascade = World::new(6, &[0.7, 0.4]);
    let k = [vec![2, 1, 1], vec![0, 2, 1], vec![0, 0, 2]];
    let small = World::new(7, &[0.6]);
    [
        speculative(),
        Case {
            name: "cascade",
            world: cascade.clone(),
            policy: Box::new(fixed(&k)),
            settings: SamplerSettings { temperature: 0.7, top_p: 0.9, ..plain() },
            draws: LONG,
        },
        Case { name: "adaptive", policy: Box::new(small.adaptive()), world: small, settings: plain(), draws: SHORT },
        Case {
            name: "nosy",
            world: cascade,
            policy: Box::new(Nosy::default()),
            settings: SamplerSettings { temperature: 1.6, top_k: 5, min_p: 0.05, ..plain() },
            draws: LONG,
        },
    ]
}

impl Case {
    /// Chi-square of `rule` and what it may be by chance.
    fn try_out(&mut self, rule: Option<&dyn Rule>) -> (f64, f64, Seen) {
        let seen = self.world.draw(rule, self.policy.as_mut(), &self.settings, self.draws);
        let (chi, freedom) = chi_square(&seen.groups, &self.world.exact(&self.settings));
        (chi, critical(freedom), seen)
    }
}

fn holds((rule_name, rule): (&str, Option<&dyn Rule>)) {
    for mut case in cases() {
        let (chi, critical, seen) = case.try_out(rule);
        let name = case.name;
        println!(
            "{rule_name}, {name}: chi-square {chi:.1}, critical {critical:.1}, tokens by rung {:?}",
            seen.accepted
        );
        assert!(seen.drawn() >= MILLION, "{rule_name}, {name}: {}", seen.drawn());
        assert!(chi < critical, "{rule_name}, {name}: {chi} against {critical}");
        let models = case.world.models();
        assert!(
            seen.accepted[..models].iter().all(|tokens| *tokens > 1000),
            "every model had a say: {:?}",
            seen.accepted
        );
    }
}

#[test]
fn coupled_sampling_draws_what_the_target_would() {
    holds(RULES[0]);
}

#[test]
fn rejection_sampling_draws_what_the_target_would() {
    holds(RULES[1]);
}

#[test]
fn block_verification_draws_what_the_target_would() {
    holds(RULES[2]);
}

#[test]
fn a_draft_that_knows_one_token_or_none_is_reviewed_as_a_copy_is() {
    let k = [vec![2, 1, 1], vec![0, 2, 1], vec![0, 0, 2]];
    // Below a draft that draws, and above one.
    for knows_one in [2, 1] {
        let world = World { knows_one: Some(knows_one), ..World::new(6, &[0.7, 0.5]) };
        for (name, rule) in RULES {
            let seen = world.draw(rule, &mut fixed(&k), &plain(), LONG);
            let (chi, freedom) = chi_square(&seen.groups, &world.exact(&plain()));
            assert!(seen.drawn() >= MILLION, "{name}, {knows_one}: {}", seen.drawn());
            assert!(chi < critical(freedom), "{name}, {knows_one}: {chi} against {}", critical(freedom));
            assert!(seen.accepted[..3].iter().all(|tokens| *tokens > 1000), "{name}, {knows_one}: {:?}", seen.accepted);
        }
    }
}

#[test]
fn short_answers_with_penalties_an_end_and_widths_have_the_targets_distribution() {
    let settings = SamplerSettings {
        penalty_last_n: 4,
        repeat_penalty: 1.3,
        frequency_penalty: 0.2,
        presence_penalty: 0.1,
        ..plain()
    };
    // Widths that would cut drafts of two to one: under the independent rules they must not bind.
    let world = World { end_tokens: vec![1], widths: Some(vec![2, 4]), ..World::new(5, &[0.6]) };
    for (name, rule) in RULES {
        let seen = world.draw(rule, &mut Nosy::default(), &settings, (380_000, 1));
        assert!(seen.drawn() >= MILLION, "{name}: {}", seen.drawn());
        let (chi, freedom) = chi_square(&seen.groups, &world.exact(&settings));
        println!("{name}: chi-square {chi:.1} of {freedom}, tokens by rung {:?}", seen.accepted);
        assert!(chi < critical(freedom), "{name}: {chi} against {}", critical(freedom));
    }
}

/// Accepts with (p/q)².
struct Squared;

impl Rule for Squared {
    fn judge(&self, draft: &mut Draft<'_>) -> Judged {
        for (index, &token) in draft.tokens.iter().enumerate() {
            let (coin, q) = (draft.coin(index), draft.odds[index].of(token));
            if draft.row(index).is_none_or(|p| coin >= (p.of(token) / q).powi(2)) {
                return Judged { kept: index, scale: 1.0 };
            }
        }
        Judged { kept: draft.tokens.len(), scale: 1.0 }
    }
}

/// Recovers from (scale·p − q)₊ with a scale that is so many times too large; from p itself where that is huge.
struct Scaled(&'static dyn Rule, f64);

impl Rule for Scaled {
    fn judge(&self, draft: &mut Draft<'_>) -> Judged {
        let judged = self.0.judge(draft);
        Judged { scale: judged.scale * self.1, ..judged }
    }
}

/// The block rule with what rejection sampling leaves.
struct Mixed;

impl Rule for Mixed {
    fn judge(&self, draft: &mut Draft<'_>) -> Judged {
        Judged { scale: 1.0, ..Block.judge(draft) }
    }
}

/// Drops the last token of a draft if it is one of the first half of the vocabulary, as if it had not been drawn.
struct Cutting;

impl Rule for Cutting {
    fn judge(&self, draft: &mut Draft<'_>) -> Judged {
        let Some((last, before)) = draft.tokens.split_last() else { return Rejection.judge(draft) };
        if *last >= 3 {
            return Rejection.judge(draft);
        }
        draft.tokens = before;
        let judged = Rejection.judge(draft);
        // Behind all that was left of the draft stands a bonus token, drawn from p itself.
        Judged { scale: if judged.kept == before.len() { 1e12 } else { 1.0 }, ..judged }
    }
}

#[test]
fn wrong_rules_are_found_out() {
    let wrong: [(&str, &dyn Rule); 5] = [
        ("accepts with (p/q)²", &Squared),
        ("recovers from p", &Scaled(&Rejection, 1e12)),
        ("recovers from what is a tenth too large", &Scaled(&Rejection, 1.1)),
        ("recovers from (p − q)₊ after the block rule", &Mixed),
        ("drops a token because of what it is", &Cutting),
    ];
    for (name, rule) in wrong {
        let (chi, critical, _) = speculative().try_out(Some(rule));
        println!("{name}: chi-square {chi:.1}, critical {critical:.1}");
        assert!(chi > critical, "{name}: {chi} against {critical}");
    }
}

/// Reviews of full drafts of `most` tokens, and the proposals kept in them.
fn kept(world: &World, rule: &dyn Rule, most: u32, groups: usize) -> (f64, f64) {
    let seen = world.draw(Some(rule), &mut fixed(&[vec![most]]), &plain(), (groups / 1000, 1000));
    let (reviews, kept) = seen.reviews[&(most as usize)];
    (reviews as f64, kept as f64)
}

#[test]
fn mean_lengths_are_those_of_the_papers_example() {
    // Section 2 of arXiv 2403.10444: 10/9 accepted tokens by token, 11/9 by block.
    let world = World::constant(&[1.0 / 3.0, 2.0 / 3.0], &[2.0 / 3.0, 1.0 / 3.0]);
    for (rule, mean) in [(&Rejection as &dyn Rule, 10.0 / 9.0), (&Block, 11.0 / 9.0)] {
        let (reviews, kept) = kept(&world, rule, 2, 200_000);
        // The standard deviation of a length between 0 and 2 is at most 1; four standard errors.
        assert!((kept / reviews - mean).abs() < 4.0 / reviews.sqrt(), "{} of {mean} in {reviews}", kept / reviews);
    }
}

#[test]
fn the_block_rule_keeps_more_than_rejection() {
    for (agreement, most) in [(0.3, 3), (0.6, 3), (0.6, 6), (0.9, 6)] {
        let world = World { max_gram: false, ..World::new(6, &[agreement]) };
        let [rejection, block] = [&Rejection as &dyn Rule, &Block].map(|rule| kept(&world, rule, most, 100_000));
        println!(
            "agreement {agreement}, {most} tokens: rejection {}/{} = {:.3}, block {}/{} = {:.3}",
            rejection.1,
            rejection.0,
            rejection.1 / rejection.0,
            block.1,
            block.0,
            block.1 / block.0
        );
        assert!(block.1 / block.0 > rejection.1 / rejection.0, "{rejection:?} {block:?}");
    }
}
