//! Real answers of the default ladder.

use std::io::Read;

use serde_json::Value;

use crate::run::Taki;

pub(crate) const QUESTION: &str = "Name three rivers and repeat their names twice.";

fn once(taki: &Taki, more: &[&str]) -> Value {
    let args = ["chat", "--json", "--once", QUESTION, "--max-tokens", "32", "--context", "1024"];
    taki.run(&[&args[..], more].concat()).good()
}

#[test]
fn an_answer_comes_with_its_receipt() {
    let answer = once(&Taki::with_models(), &["--exact"]);
    assert!(!answer["answer"].as_str().unwrap().trim().is_empty(), "{answer}");
    let receipt = &answer["receipt"];
    let count = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("no count: {receipt}"));
    let (tokens, passes) = (count(&receipt["tokens"]), count(&receipt["target_passes"]));
    assert!((1..=32).contains(&tokens) && passes > 0, "{receipt}");
    let per_pass = receipt["tokens_per_pass"].as_f64().unwrap();
    assert!((per_pass - tokens as f64 / passes as f64).abs() < 1e-9, "{receipt}");
    let (all, first) = (receipt["seconds"].as_f64().unwrap(), receipt["first_token_seconds"].as_f64().unwrap());
    assert!(0.0 < first && first <= all, "{receipt}");
    let rungs = receipt["rungs"].as_array().unwrap();
    assert_eq!(rungs.iter().map(|rung| rung["role"].as_str().unwrap()).collect::<Vec<_>>(), ["target", "max_gram"]);
    assert_eq!(rungs.iter().map(|rung| count(&rung["tokens"])).sum::<u64>(), tokens, "{receipt}");
    for rung in rungs {
        assert!(rung["name"].is_string() && count(&rung["accepted"]) <= count(&rung["proposed"]), "{receipt}");
    }
}

#[test]
fn the_cascade_does_not_change_the_answer_and_a_seed_repeats_it() {
    let taki = Taki::with_models();
    for drawing in [&[][..], &["--temperature", "0.8", "--seed", "5"]] {
        let with = once(&taki, &[&["--exact"], drawing].concat());
        let without = once(&taki, &[&["--exact", "--no-cascade"], drawing].concat());
        assert_eq!(with["answer"], without["answer"], "{drawing:?}");
        assert_eq!((&with["receipt"]["cascade"], &without["receipt"]["cascade"]), (&true.into(), &false.into()));
        let alone = &without["receipt"]["rungs"];
        assert!(alone.as_array().unwrap().iter().skip(1).all(|rung| rung["proposed"] == 0), "{alone}");
    }
    let seed = |seed| once(&taki, &["--exact", "--temperature", "1.5", "--seed", seed])["answer"].clone();
    let one = seed("1");
    assert_ne!(one, seed("2"), "the seed has no effect");
    assert_eq!(one, seed("1"));
}

#[test]
fn a_review_rule_can_be_chosen() {
    let taki = Taki::with_models();
    for rule in ["rejection", "block"] {
        let answer = once(&taki, &["--temperature", "0.8", "--review-rule", rule]);
        assert!(!answer["answer"].as_str().unwrap().trim().is_empty(), "{answer}");
        assert_eq!(answer["receipt"]["cascade"], true, "{answer}");
    }
}

#[test]
fn a_question_may_come_from_standard_input_and_a_model_from_a_file() {
    let taki = Taki::with_models();
    let args = ["chat", "--json", "--once", "-", "--max-tokens", "32", "--context", "1024", "--exact"];
    let piped = taki.run_with(&args, QUESTION.as_bytes()).good();
    assert_eq!(piped["answer"], once(&taki, &["--exact"])["answer"]);
    let path = crate::run::ladder("smollm2").unwrap().rungs[0].path.clone();
    let file = once(&taki, &["--exact", "--ladder", path.to_str().unwrap()]);
    assert_eq!(piped["answer"], file["answer"]);
}

#[test]
fn a_question_longer_than_the_context_is_refused_with_figures() {
    let long = "river ".repeat(500);
    let ran = Taki::with_models().run(&["chat", "--json", "--once", &long, "--context", "256"]);
    let (code, sentence, _) = ran.problem();
    assert_eq!(code, "prompt_too_long");
    assert!(sentence.contains("256"), "{sentence}");
}

#[test]
fn a_truncated_copy_of_a_real_model_is_recognised() {
    let taki = Taki::with_models();
    let whole = std::fs::File::open(&crate::run::ladder("smollm2").unwrap().rungs[0].path).unwrap();
    let path = taki.home.path().join("half.gguf");
    std::io::copy(&mut whole.take(50_000_000), &mut std::fs::File::create(&path).unwrap()).unwrap();
    let ran = taki.run(&["chat", "--json", "--once", QUESTION, "--ladder", path.to_str().unwrap()]);
    assert_eq!(ran.code_of_problem(), "model_truncated");
}

#[test]
fn what_was_learned_is_kept_shown_and_erased() {
    let taki = Taki::knowing_nothing();
    let learned = |what: &str| taki.run(&["learned", what, "--json"]).good();
    assert_eq!(learned("show")["learned"], serde_json::json!([]));
    once(&taki, &[]);
    let shown = learned("show")["learned"].clone();
    assert_eq!(shown[0]["ladder"], "smollm2");
    assert!(shown[0]["lessons"]["threads"]["single"].as_u64().unwrap() > 0, "{shown}");
    assert!(!shown.to_string().contains("river"), "no word of what was said");
    let told = taki.run(&["learned", "show"]).out;
    assert!(
        ["target (", "1 token ", "8 tokens ", "behind 4 matching tokens"].iter().all(|what| told.contains(what)),
        "{told}"
    );
    once(&taki, &[]);
    assert_eq!(learned("show")["learned"].as_array().unwrap().len(), 1, "the same record goes on");
    assert_eq!(learned("erase"), serde_json::json!({ "erased": 1 }));
    assert_eq!(learned("show")["learned"], serde_json::json!([]));
}

#[test]
fn drafts_copy_from_the_conversations_of_the_window_unless_told_otherwise() {
    let taki = Taki::with_models();
    let messages = |shown: Value| shown["earlier_chats"]["messages"].as_u64().unwrap();
    let shown = || messages(taki.run(&["learned", "show", "--json"]).good());
    assert_eq!(shown(), 0);
    assert!(!taki.home.path().join("data/taki.sqlite3").exists(), "looking makes no file");
    {
        let (store, _) = store::Store::open(&store::Places::below(taki.home.path())).unwrap();
        let id = store.new_conversation(1.0).unwrap().id;
        store.add_question(id, None, QUESTION, 2.0).unwrap();
    }
    assert_eq!((shown(), messages(once(&taki, &[])), messages(once(&taki, &["--no-earlier-chats"]))), (1, 1, 0));
    taki.run(&["learned", "erase", "--json"]).good();
    assert_eq!((shown(), messages(once(&taki, &[]))), (0, 0), "what was erased is not copied from");
    assert_eq!(taki.run(&["chats", "list", "--json"]).good()["conversations"].as_array().unwrap().len(), 1);
}

#[test]
fn a_fault_in_a_grammar_is_told_in_plain_words_with_its_place() {
    let taki = Taki::with_models();
    let path = taki.home.path().join("shape.lark");
    for (grammar, said) in [
        ("# Taki\nstart: \"a\" §\n", "line 2, column 12: nothing in a grammar is written like this"),
        ("# Taki\nstart ::= x\n", "line 2, column 8: Expected token"),
    ] {
        std::fs::write(&path, grammar).unwrap();
        let args = ["chat", "--json", "--ladder", "smollm2", "--once", "Hi", "--context", "1024", "--grammar"];
        let (code, sentence, _) = taki.run(&[&args[..], &[path.to_str().unwrap()]].concat()).problem();
        assert_eq!(code, "grammar_invalid");
        assert!(sentence.contains(said) && !sentence.contains(" | "), "{sentence}");
    }
}
