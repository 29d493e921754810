//! The promise: in exact mode the answer with the cascade is the target's own, token for token, greedy and sampled.

#![allow(clippy::unwrap_used)]

mod support;

use engine::{Ask, Engine};
use protocol::ladder::Ladder;
use protocol::{Code, ReviewRule, Sampling};
use support::{
    answer, ask, engine, exact, full, greedy, ladder, load, not_tested, questions, qwen, sampled, smollm2_with_draft,
};

/// Answers every question alone, with the ladder's matrix and, if asked for, with the adaptive policy; returns drafted tokens that were accepted with the
/// matrix, by rung.
fn same_answers(engine: &Engine, asked: Asked<'_>, sampling: impl Fn(u32) -> Sampling) -> Vec<u32> {
    let (mut accepted, mut adaptive) = (Vec::new(), 0);
    for (index, question) in (0..).zip(asked.questions) {
        let (sampling, tokens) = (sampling(index), asked.tokens);
        let alone = answer(engine, &ask(question, tokens, &sampling, false));
        assert_eq!(
            alone.receipt.target_passes as usize,
            alone.tokens.len() + usize::from(alone.tokens.len() < tokens as usize)
        );
        let matrix = engine.loaded().map(|loaded| loaded.k);
        for k in [matrix, None].into_iter().take(1 + usize::from(asked.adaptive)) {
            let by_rung = &mut accepted;
            let cascade = answer(engine, &Ask { k: k.clone(), ..ask(question, tokens, &sampling, true) });
            assert_eq!(alone.tokens, cascade.tokens, "question {index} with {k:?}: {question}");
            assert_eq!(alone.text, cascade.text);
            assert!(alone.receipt.exact && cascade.receipt.exact);
            assert!(cascade.receipt.target_passes <= alone.receipt.target_passes);
            let rungs = &cascade.receipt.rungs;
            assert_eq!(rungs.iter().map(|rung| rung.accepted).sum::<u32>() as usize, cascade.tokens.len());
            if k.is_some() {
                by_rung.resize(rungs.len(), 0);
                by_rung.iter_mut().zip(rungs).for_each(|(sum, rung)| *sum += rung.accepted);
            } else {
                adaptive += rungs.iter().skip(1).map(|rung| rung.proposed).sum::<u32>();
            }
        }
    }
    // It goes by what passes took when they were measured: here exact mode looks at three tokens at once at most.
    if asked.adaptive && adaptive == 0 {
        not_tested(
            "exact mode with the adaptive policy: by what passes take here nothing pays, and nothing was drafted",
        );
    }
    accepted
}

/// Twenty real questions. Reading takes most of the time: the short ones will do.
fn twenty() -> Vec<String> {
    let mut questions = questions();
    questions.sort_by_key(String::len);
    questions.truncate(20);
    questions
}

#[derive(Clone, Copy)]
struct Asked<'a> {
    questions: &'a [String],
    tokens: u32,
    adaptive: bool,
}

fn loaded(ladder: &Ladder) -> Engine {
    let engine = engine();
    let loaded = load(&engine, ladder, exact());
    assert_eq!(loaded.left_out, []);
    assert!(loaded.exact_widths.len() > 1, "no review is wider than one token: {loaded:?}");
    engine
}

fn both_ways(ladder: &Ladder, asked: Asked<'_>) {
    let engine = loaded(ladder);
    let accepted = same_answers(&engine, asked, |_| greedy());
    assert!(accepted.iter().all(|count| *count > 0), "every rung wrote something: {accepted:?}");
    same_answers(&engine, asked, sampled);
}

#[test]
fn smollm2_with_max_gram_answers_as_alone() {
    both_ways(&ladder("smollm2"), Asked { questions: &twenty(), tokens: 12, adaptive: true });
}

#[test]
fn exact_mode_takes_no_rule_that_gives_another_answer() {
    let engine = loaded(&ladder("smollm2"));
    let ask = Ask { review_rule: ReviewRule::Block, ..ask("Hello.", 4, &sampled(1), true) };
    let problem = engine.answer(&ask, &mut |_| {}).unwrap_err();
    assert_eq!(problem.code, Code::SettingInvalid, "{problem:?}");
}

#[test]
fn smollm2_with_a_requantized_draft_and_max_gram_answers_as_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ladder = smollm2_with_draft(folder.path());
    both_ways(&ladder, Asked { questions: &twenty(), tokens: 10, adaptive: false });
}

#[test]
fn qwen_with_its_draft_and_max_gram_answers_as_alone() {
    let Some(ladder) = qwen() else { return };
    let questions = twenty();
    let asked = |questions| Asked { questions, tokens: 10, adaptive: false };
    if full() {
        return both_ways(&ladder, asked(&questions));
    }
    // It reads ten times as slowly as the small one: each question one way only.
    let (greedily, drawn) = questions.split_at(questions.len() / 2);
    let engine = loaded(&ladder);
    let accepted = same_answers(&engine, asked(greedily), |_| greedy());
    assert!(accepted.iter().all(|count| *count > 0), "every rung wrote something: {accepted:?}");
    same_answers(&engine, asked(drawn), sampled);
}
