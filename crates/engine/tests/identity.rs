//! The promise: in exact mode the answer with the cascade is the target's own, token for token, greedy and sampled.

#![allow(clippy::unwrap_used)]

mod support;

use engine::{Ask, Engine};
use protocol::ladder::Ladder;
use protocol::{Code, ReviewRule, Sampling};
use support::{answer, ask, engine, exact, greedy, ladder, questions, qwen, sampled, smollm2_with_draft};

/// Answers every question in both ways; returns drafted tokens that were accepted, by rung.
fn same_answers(engine: &Engine, questions: &[String], tokens: u32, sampling: impl Fn(u32) -> Sampling) -> Vec<u32> {
    let mut accepted = Vec::new();
    for (index, question) in (0..).zip(questions) {
        let sampling = sampling(index);
        let alone = answer(engine, &ask(question, tokens, &sampling, false));
        let cascade = answer(engine, &ask(question, tokens, &sampling, true));
        assert_eq!(alone.tokens, cascade.tokens, "question {index}: {question}");
        assert_eq!(alone.text, cascade.text);
        assert!(alone.receipt.exact && cascade.receipt.exact);
        assert_eq!(
            alone.receipt.target_passes as usize,
            alone.tokens.len() + usize::from(alone.tokens.len() < tokens as usize)
        );
        assert!(cascade.receipt.target_passes <= alone.receipt.target_passes);
        let rungs = &cascade.receipt.rungs;
        assert_eq!(rungs.iter().map(|rung| rung.accepted).sum::<u32>() as usize, cascade.tokens.len());
        accepted.resize(rungs.len(), 0);
        accepted.iter_mut().zip(rungs).for_each(|(sum, rung)| *sum += rung.accepted);
    }
    accepted
}

fn both_ways(ladder: &Ladder, questions: &[String], tokens: u32) {
    let engine = engine();
    let loaded = engine.load(ladder, exact(), &mut |_| {}).unwrap();
    assert_eq!(loaded.left_out, []);
    assert!(loaded.exact_widths.len() > 1, "no review is wider than one token: {loaded:?}");
    let accepted = same_answers(&engine, questions, tokens, |_| greedy());
    assert!(accepted.iter().all(|count| *count > 0), "every rung wrote something: {accepted:?}");
    same_answers(&engine, questions, tokens, sampled);
}

#[test]
fn smollm2_with_max_gram_answers_as_alone() {
    both_ways(&ladder("smollm2"), &questions(), 24);
}

#[test]
fn exact_mode_takes_no_rule_that_gives_another_answer() {
    let engine = engine();
    engine.load(&ladder("smollm2"), exact(), &mut |_| {}).unwrap();
    let ask = Ask { review_rule: ReviewRule::Block, ..ask("Hello.", 4, &sampled(1), true) };
    let problem = engine.answer(&ask, &mut |_| {}).unwrap_err();
    assert_eq!(problem.code, Code::SettingInvalid, "{problem:?}");
}

#[test]
fn smollm2_with_a_requantized_draft_and_max_gram_answers_as_alone() {
    let folder = tempfile::tempdir().unwrap();
    both_ways(&smollm2_with_draft(folder.path()), &questions()[..20], 16);
}

#[test]
fn qwen_with_its_draft_and_max_gram_answers_as_alone() {
    let Some(ladder) = qwen() else { return };
    let few = if std::env::var_os("FULL").is_some() { 20 } else { 2 };
    both_ways(&ladder, &questions()[..few], 20);
}
