//! Earlier chats: fewer passes, the same answers, and nothing left of what was deleted.

#![allow(clippy::unwrap_used)]

mod support;

use std::process::Command;

use engine::{Ask, Engine};
use support::{Answer, answer, ask, engine, exact, greedy, ladder, load, sampled};

const FIRST: &str = "Write a short letter to Mr. Tanaka that moves our meeting from Monday to Friday.";
const SIMILAR: &str = "Write a short letter to Mr. Tanaka that moves our meeting from Monday to Thursday.";
const TOKENS: u32 = 40;

fn asked(engine: &Engine, ask: &Ask, texts: &[&str], anew: bool) -> Answer {
    let mut call = engine.begin().unwrap();
    call.earlier(texts.iter().map(|text| (*text).to_owned()).collect(), anew);
    drop(call);
    answer(engine, ask)
}

/// Passes of the target, tokens that Max-Gram proposed and that were accepted.
fn counts(answer: &Answer) -> [u32; 3] {
    let (receipt, max_gram) = (&answer.receipt, answer.receipt.rungs.last().unwrap());
    assert_eq!(receipt.tokens, TOKENS);
    [receipt.target_passes, max_gram.proposed, max_gram.accepted]
}

#[test]
fn a_similar_question_takes_fewer_passes_and_after_deletion_as_many_as_if_nothing_had_been() {
    let ladder = ladder("smollm2");
    let engine = engine();
    load(&engine, &ladder, exact());
    for sampling in [greedy(), sampled(3)] {
        // By the ladder's K matrix, so that no clock has a say in the counts.
        let with_k = |prompt| Ask { k: Some(ladder.k.clone()), ..ask(prompt, TOKENS, &sampling, true) };
        let first = asked(&engine, &with_k(FIRST), &[], true);
        let texts = [FIRST, first.text.as_str()];
        let without = asked(&engine, &with_k(SIMILAR), &[], true);
        let with = asked(&engine, &with_k(SIMILAR), &texts, false);
        let deleted = asked(&engine, &with_k(SIMILAR), &[], false);
        let ([passes, _, accepted], [fewer, _, more]) = (counts(&without), counts(&with));
        assert!(fewer < passes && more > accepted, "{:?} without, {:?} with", counts(&without), counts(&with));
        assert_eq!(counts(&deleted), counts(&without), "as if it had never been");
        let alone = answer(&engine, &ask(SIMILAR, TOKENS, &sampling, false));
        for same in [&without, &with, &deleted] {
            assert_eq!((&same.tokens, &same.text), (&alone.tokens, &alone.text));
        }
    }
    let with_k = |prompt| Ask { k: Some(ladder.k.clone()), ..ask(prompt, TOKENS, &greedy(), true) };
    let first = answer(&engine, &with_k(FIRST));
    let texts = [FIRST, first.text.as_str()];
    let with = asked(&engine, &with_k(SIMILAR), &texts, true);
    let status = Command::new("kill").args(["-9", &engine.worker_pid().unwrap().to_string()]).status();
    assert!(status.unwrap().success());
    let replaced = asked(&engine, &with_k(SIMILAR), &texts, false);
    assert_eq!(counts(&replaced), counts(&with), "another worker is told all of it");
}
