//! `prove` shows that the cascade changes nothing.

#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use serde_json::{Value, json};

use crate::run::{Taki, ladder, suite};

fn prove(taki: &Taki, ladder: &str, limit: usize, more: &[&str]) -> Value {
    let (suite, limit_text) = (suite(taki), limit.to_string());
    let args = ["prove", "--json", "--ladder", ladder, "--suite", &suite, "--limit", &limit_text, "--max-tokens", "24"];
    let ran = taki.run(&[&args[..], &["--context", "1024"], more].concat());
    let proof = ran.good();
    assert_eq!(proof["prompts"], json!(limit));
    assert_eq!(proof["identical"], json!(limit), "{ran:?}");
    assert_eq!(proof["first_difference"], Value::Null);
    assert!(proof["tokens"].as_u64().unwrap() > limit as u64, "{proof}");
    assert_eq!(ran.err.lines().filter(|line| line.contains("identical")).count(), limit, "{}", ran.err);
    proof
}

#[test]
fn smollm2_answers_the_same_greedy_and_sampled() {
    let taki = Taki::with_models();
    let greedy = prove(&taki, "smollm2", 2, &[]);
    assert!(greedy["drafted"].as_u64().unwrap() > 0, "nothing was drafted, so nothing is proven: {greedy}");
    assert!(greedy["target_passes"].as_u64().unwrap() > 0);
    let sum =
        |name: &str| greedy["drafters"].as_array().unwrap().iter().map(|of| of[name].as_u64().unwrap()).sum::<u64>();
    let [proposed, drafted] = ["proposed", "drafted"].map(|name| greedy[name].as_u64().unwrap());
    assert!(proposed > drafted, "the target never had to take anything back: {greedy}");
    assert_eq!((sum("proposed"), sum("accepted")), (proposed, drafted));
    assert!(greedy["exact_widths"].as_array().unwrap().len() > 1, "{greedy}");
    prove(&taki, "smollm2", 2, &["--temperature", "0.8", "--seed", "11"]);
}

#[test]
fn a_question_that_is_too_long_is_left_out_and_told() {
    let taki = Taki::with_models();
    let path = taki.home.path().join("suite.jsonl");
    let line = |text: &str| json!({ "category": "a", "turns": [text] }).to_string();
    let long = "river ".repeat(500);
    let prove = |questions: &[&str]| {
        std::fs::write(&path, questions.iter().map(|text| line(text)).collect::<Vec<_>>().join("\n")).unwrap();
        let args = ["prove", "--json", "--ladder", "smollm2", "--max-tokens", "4", "--context", "256", "--suite"];
        taki.run(&[&args[..], &[path.to_str().unwrap()]].concat())
    };
    let ran = prove(&["Hello", &long]);
    let proof = ran.good();
    assert_eq!([&proof["prompts"], &proof["identical"], &proof["too_long"]], [1, 1, 1], "{proof}");
    assert!(ran.err.contains("2/2: left out"), "{ran:?}");
    assert_eq!(prove(&[&long]).code_of_problem(), "prompt_too_long", "nothing is proven");
    // The file holds the long one alone now.
    let bench = ["bench", "--json", "--ladder", "smollm2", "--repeats", "1", "--context", "256", "--suite"];
    assert_eq!(taki.run(&[&bench[..], &[path.to_str().unwrap()]].concat()).code_of_problem(), "prompt_too_long");
}

#[cfg(unix)]
#[test]
fn the_script_proves_with_earlier_chats_and_a_table() {
    let taki = Taki::with_models();
    let (suite, out) = (suite(&taki), taki.home.path().join("proof"));
    let models = ladder("smollm2").unwrap().rungs[0].path.parent().unwrap().to_owned();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/prove.py");
    let mut command = Command::new("python3");
    command.arg(script).args(["--taki", env!("CARGO_BIN_EXE_taki"), "--ladder", "smollm2", "--max-tokens", "24"]);
    command.args(["--limit", "2", "--chats", "1", "--beside", "1", "--out"]).arg(&out);
    command.arg("--models").arg(models).arg(&suite);
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let proof = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(out.join(format!("{name}.json"))).unwrap()).unwrap()
    };
    for name in ["matrix-greedy", "matrix-temperature-0.8", "adaptive-greedy", "adaptive-temperature-0.8"] {
        let proof = proof(name);
        assert_eq!((&proof["prompts"], &proof["identical"]), (&json!(2), &json!(2)), "{name}: {proof}");
        assert_eq!(
            (&proof["earlier_chats"]["messages"], &proof["table"]),
            (&json!(2), &json!(true)),
            "{name}: {proof}"
        );
    }
    let (few, without) = (proof("few"), proof("few-without"));
    assert_eq!((&without["earlier_chats"]["messages"], &without["table"]), (&json!(0), &json!(false)), "{without}");
    let drafted = |proof: &Value| proof["drafted"].as_u64().unwrap();
    assert!(drafted(&few) > drafted(&without), "the question was answered in a chat: {few} {without}");
    let tables = |home: &str| out.join(home).join("models").join("tables").is_dir();
    assert!(tables("home") && !tables("bare"), "the table lies in the home that was made for it");
    let told = String::from_utf8(ran.stdout).unwrap();
    assert!(told.contains("| matrix, greedy | 2 | 2 |") && told.contains("without chats and table"), "{told}");
}

#[test]
fn qwen_answers_the_same() {
    // The engine's own tests play it at every run; this is the command, which knows no ladder from another.
    if std::env::var_os("FULL").is_none_or(|full| full != "1") {
        return;
    }
    let found = ladder("qwen-coder");
    assert!(found.is_ok(), "FULL=1 needs the qwen-coder ladder");
    let proof = prove(&Taki::with_models(), "qwen-coder", 1, &[]);
    assert!(proof["drafted"].as_u64().unwrap() > 0, "{proof}");
}
