//! With every sampler and with schemas and grammars the answer is the target's own, and of the asked shape.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use engine::{Ask, Engine};
use protocol::worker::Format;
use protocol::{Code, FinishReason, LogitBias, Sampling};
use serde_json::Value;
use support::{Answer, answer, ask, engine, exact, greedy, ladder, load, sampled};

const PEOPLE: &str = r#"{"type":"array","minItems":2,"maxItems":2,"items":{"type":"object","properties":{
    "name":{"type":"string","maxLength":8},"age":{"type":"integer","minimum":1,"maximum":99},
    "likes":{"enum":["tea","coffee","water"]}},"required":["name","age","likes"],"additionalProperties":false}}"#;

const PROMPT: &str = "Tell me again and again about the rain and the river.";

/// One for all tests, one test at a time: loading it in exact mode takes as long as a test.
fn loaded() -> MutexGuard<'static, Engine> {
    static ENGINE: LazyLock<Mutex<Engine>> = LazyLock::new(|| {
        let engine = engine();
        load(&engine, &ladder("smollm2"), exact());
        Mutex::new(engine)
    });
    ENGINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks with the cascade off and on; returns the answer and how many of its tokens were drafted.
fn same_answer(engine: &Engine, ask: &Ask) -> (Answer, u32) {
    let alone = answer(engine, &Ask { cascade: false, ..ask.clone() });
    let cascade = answer(engine, &Ask { cascade: true, ..ask.clone() });
    assert_eq!(alone.tokens, cascade.tokens, "{ask:?}");
    assert_eq!((&alone.text, alone.receipt.finish), (&cascade.text, cascade.receipt.finish));
    let drafted = cascade.receipt.rungs[1..].iter().map(|rung| rung.accepted).sum();
    (cascade, drafted)
}

#[test]
fn with_every_sampler_the_cascade_answers_as_the_target_alone() {
    let engine = loaded();
    let warm = sampled(7);
    let dry = Sampling { dry_multiplier: 0.8, dry_breakers: vec!["\n".to_owned(), "and then".to_owned()], ..greedy() };
    let penalties = Sampling { repeat_penalty: 1.2, frequency_penalty: 0.2, presence_penalty: 0.1, ..warm.clone() };
    let xtc = Sampling { xtc_probability: 0.5, xtc_threshold: 0.1, top_k: 0, min_p: 0.0, ..warm.clone() };
    let samplings = [
        Sampling {
            logit_bias: vec![LogitBias { token: 30, bias: 4.0 }, LogitBias { token: 28, bias: -9.0 }],
            ..greedy()
        },
        penalties,
        Sampling { temperature: 0.8, seed: 3, ..dry.clone() },
        dry,
        Sampling { top_n_sigma: 1.0, top_k: 0, ..warm.clone() },
        Sampling { typical_p: 0.6, ..warm },
        Sampling { typical_p: 0.3, ..greedy() },
        Sampling { temperature: 0.0, ..xtc.clone() },
        xtc,
    ];
    let plain = answer(&engine, &ask(PROMPT, 16, &greedy(), false)).tokens;
    let other = samplings.iter().filter(|sampling| {
        let (answer, _) = same_answer(&engine, &ask(PROMPT, 16, sampling, true));
        answer.tokens != plain
    });
    let other = other.count();
    assert!(other > 5, "the settings reach the model: {other} answers differ from the plain one");
}

#[test]
fn with_a_schema_the_answer_is_json_of_it_and_the_targets_own() {
    let engine = loaded();
    let format = Some(Format::JsonSchema(PEOPLE.to_owned()));
    let mut drafted = 0;
    for (question, sampling) in [
        ("List two people with their age and what they like to drink, as JSON.", greedy()),
        ("Who sits at the table? Answer in JSON.", Sampling { typical_p: 0.7, ..sampled(2) }),
        ("Say hello.", Sampling { repeat_penalty: 1.1, dry_multiplier: 0.5, ..sampled(3) }),
    ] {
        let (answer, copied) =
            same_answer(&engine, &Ask { format: format.clone(), ..ask(question, 120, &sampling, true) });
        drafted += copied;
        assert_eq!(answer.receipt.finish, FinishReason::End, "{}", answer.text);
        let value: Value =
            serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {}", answer.text));
        let people = value.as_array().unwrap();
        assert_eq!(people.len(), 2);
        for person in people {
            assert_eq!(person.as_object().unwrap().len(), 3);
            assert!(person["name"].as_str().unwrap().chars().count() <= 8);
            assert!((1..=99).contains(&person["age"].as_u64().unwrap()));
            assert!(["tea", "coffee", "water"].contains(&person["likes"].as_str().unwrap()));
        }
    }
    assert!(drafted > 0, "keys that come again are copied");
}

#[test]
fn with_a_grammar_the_answer_is_of_it_and_a_bad_one_is_told_and_forgotten() {
    let engine = loaded();
    let with = |format: Format| Ask { format: Some(format), ..ask("Is water wet?", 12, &greedy(), true) };
    let grammar = |text: &str| with(Format::Grammar(text.to_owned()));
    let (yes, _) = same_answer(&engine, &grammar("start: (\"yes\" | \"no\") \", \" /[a-z]{3,9}/ \"!\""));
    let (first, rest) = yes.text.split_once(", ").unwrap();
    assert!(["yes", "no"].contains(&first) && rest.ends_with('!'), "{}", yes.text);
    for bad in [
        grammar("begin: \"a\""),
        with(Format::JsonSchema("{\"type\":".to_owned())),
        with(Format::JsonSchema("{\"$ref\":\"https://example.com\"}".to_owned())),
    ] {
        assert_eq!(engine.answer(&bad, &mut |_| {}).unwrap_err().code, Code::GrammarInvalid);
    }
    let bias = Sampling { logit_bias: vec![LogitBias { token: u32::MAX, bias: 1.0 }], ..greedy() };
    let problem = engine.answer(&ask("Hello", 4, &bias, true), &mut |_| {}).unwrap_err();
    assert_eq!(problem.code, Code::SettingInvalid);
    assert_eq!(same_answer(&engine, &grammar("start: \"ok\"")).0.text, "ok");
}
