//! A draft whose tokens are others: in exact mode the answer is the target's own, and it helps where it can.
//!
//! Needs the files of the Qwen ladder; without them nothing is tested, unless `FULL=1`.

#![allow(clippy::unwrap_used)]

mod support;

use engine::{Ask, Engine};
use protocol::ladder::{EngineSettings, Ladder};
use protocol::worker::{Format, Translation};
use protocol::{Code, FinishReason, ReviewRule, Sampling};
use support::{Answer, answer, ask, engine, exact, fast, greedy, load, qwen_by_text, sampled};

const TOKENS: u32 = 32;

const PROMPTS: [&str; 5] = [
    "Write two sentences about rivers.",
    "日本の山について二文で書いてください。",
    "Write a Python function that adds the numbers of a list.",
    "Repeat this exactly: I like 🦊 and 👩‍💻 and café ☕!",
    "Repeat these lines:\r\n- one apple\r\n- two pears\r\n- three plums",
];

/// The prompt's answer alone and with the ladder's matrix and the adaptive policy, which must be the same; gives that with the matrix.
fn same(engine: &Engine, ask: &Ask, k: &[Vec<u32>]) -> Answer {
    let alone = answer(engine, &Ask { cascade: false, ..ask.clone() });
    let [matrix, adaptive] = [Some(k.to_vec()), None].map(|k| answer(engine, &Ask { k, ..ask.clone() }));
    for with in [&matrix, &adaptive] {
        assert_eq!((&with.tokens, &with.text), (&alone.tokens, &alone.text), "{:?}", ask.messages);
        assert_eq!(with.receipt.finish, alone.receipt.finish);
    }
    assert!(matrix.receipt.target_passes <= alone.receipt.target_passes);
    matrix
}

fn loaded(ladder: &Ladder, settings: EngineSettings) -> Engine {
    let engine = engine();
    let loaded = load(&engine, ladder, settings);
    assert_eq!(loaded.left_out, []);
    let told: Vec<_> = loaded.translated.iter().map(|told| (told.rung.as_str(), told.how)).collect();
    assert_eq!(told, [(ladder.rungs[1].name.as_str(), Translation::ByText)]);
    engine
}

#[test]
fn answers_are_the_targets_own_in_every_script() {
    let Some(ladder) = qwen_by_text() else { return };
    let engine = loaded(&ladder, exact());
    for sampling in [|_| greedy(), sampled as fn(u32) -> Sampling] {
        let mut counts = [0, 0];
        for (seed, prompt) in (0..).zip(PROMPTS) {
            let matrix = same(&engine, &ask(prompt, TOKENS, &sampling(seed), true), &ladder.k);
            let by_text = &matrix.receipt.rungs[1];
            println!("{prompt:?}: {} of {} kept, {} passes", by_text.accepted, by_text.proposed, by_text.passes);
            assert_eq!(matrix.receipt.left_out, [""; 0]);
            counts[0] += by_text.proposed;
            counts[1] += by_text.accepted;
        }
        assert!(counts[0] > 40 && counts[1] > 15, "proposed and kept: {counts:?}");
    }
}

#[test]
fn a_schema_and_other_rules_go_with_it() {
    let Some(ladder) = qwen_by_text() else { return };
    let engine = loaded(&ladder, fast());
    let schema = r#"{"type":"object","properties":{"city":{"type":"string"},"people":{"type":"integer"}},"required":["city","people"]}"#;
    let format = Some(Format::JsonSchema(schema.to_owned()));
    let asked = Ask { format, k: Some(ladder.k.clone()), ..ask("Tell a city as JSON.", 60, &greedy(), true) };
    let shaped = answer(&engine, &asked);
    assert!(shaped.text.trim_start().starts_with('{') && shaped.receipt.left_out.is_empty(), "{}", shaped.text);
    for review_rule in [ReviewRule::Rejection, ReviewRule::Block] {
        let asked = Ask { review_rule, k: Some(ladder.k.clone()), ..ask(PROMPTS[0], TOKENS, &sampled(3), true) };
        let drawn = answer(&engine, &asked);
        assert!(drawn.receipt.rungs[1].accepted > 0 && drawn.receipt.left_out.is_empty(), "{:?}", drawn.receipt);
    }
}

#[test]
fn where_the_draft_has_no_more_room_the_target_goes_on() {
    let Some(ladder) = qwen_by_text() else { return };
    // Japanese takes more of the draft's tokens than of the target's.
    let engine = loaded(&ladder, EngineSettings { context: Some(160), ..exact() });
    let prompt = format!("{}\n続けてください。", "山の水は川になり、川は海に流れます。".repeat(5));
    let with = same(&engine, &ask(&prompt, 12, &greedy(), true), &ladder.k);
    assert_eq!(with.receipt.left_out, [ladder.rungs[1].name.as_str()], "{:?}", with.receipt);
    // And to the end of the target's own context.
    let asked = Ask { max_tokens: None, ..ask("Count from 1 to 500.", 0, &greedy(), true) };
    let with = same(&engine, &asked, &ladder.k);
    assert_eq!(with.receipt.finish, FinishReason::ContextFull);
    assert!(with.receipt.rungs[1].accepted > 0);
}

#[test]
fn nobody_drafts_by_text_who_was_not_let() {
    let Some(ladder) = qwen_by_text() else { return };
    let name = ladder.rungs[1].name.clone();
    let strict = Ladder { by_text: false, ..ladder };
    let loaded = engine().load(&strict, fast(), &mut |_| {}).unwrap();
    let codes: Vec<_> = loaded.left_out.iter().map(|left| (left.rung.clone(), left.problem.code)).collect();
    assert_eq!((codes, loaded.translated.len()), (vec![(name, Code::TokenizersDiffer)], 0));
}
