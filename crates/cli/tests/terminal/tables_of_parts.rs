//! `scripts/never-slower.py`, which makes tables of many a `bench --json`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// A row of one question: its speed and pace against the target alone, and how long the answer was.
fn row(category: &str, config: &str, ratio: f64, pace: Option<f64>, tokens: u32) -> Value {
    json!({
        "category": category, "config": config, "prompts": 1, "tokens_per_second": 10.0 * ratio, "ratio_to_off": ratio,
        "low": null, "high": null, "pace_to_off": pace, "tokens": tokens, "same_as_off": 1.0,
    })
}

/// What the script prints of parts with these adaptive rows, one question each; the target's own answers have 64 tokens.
fn table(rows: impl IntoIterator<Item = Value>, slower: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (part, mut adaptive) in rows.into_iter().enumerate() {
        let category = adaptive["category"].as_str().unwrap().to_owned();
        let off = row(&category, "off", 1.0, Some(1.0), 64);
        let mut all = adaptive.clone();
        all["category"] = json!("all");
        adaptive["prompts"] = json!(1);
        let slower = if part == 0 { slower.clone() } else { json!([]) };
        let measured = json!({ "rows": [off, adaptive, all], "slower": slower });
        fs::write(folder.path().join(format!("part-{part:03}.json")), measured.to_string()).unwrap();
    }
    let suite = folder.path().join("suite.jsonl");
    fs::write(&suite, "").unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/never-slower.py");
    let mut command = Command::new("python3");
    command.arg(script).args(["--table", "--ladder", "any", "--out"]).arg(folder.path()).arg(suite);
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

fn cells<'t>(table: &'t str, category: &str) -> Vec<&'t str> {
    let line = table.lines().find(|line| line.starts_with(&format!("| {category} |"))).unwrap();
    line.trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn pace_is_told_beside_speed_and_answers_of_another_length_have_no_say_in_it() {
    let rows = [
        row("a", "adaptive", 1.0, Some(1.0), 64),
        row("a", "adaptive", 1.1, Some(1.21), 64),
        row("a", "adaptive", 1.0, Some(7.0), 32),
        row("b", "adaptive", 0.9, None, 1),
    ];
    let slower = json!([
        { "category": "b", "at_first": 0.9, "ratio": 0.95, "low": null, "high": null },
        { "category": "a", "at_first": 0.9, "ratio": 0.95, "low": 0.94, "high": 0.96 },
        { "category": "a", "at_first": 0.9, "ratio": null, "low": null, "high": null },
    ]);
    let told = table(rows, &slower);
    let head = told.lines().next().unwrap();
    assert!(head.contains("by pace") && told.contains("1 of them lie below 0.97"), "{told}");
    let a = cells(&told, "a");
    assert_eq!((a[1], a[2], a[4]), ("3", "1.032", "1.000"), "{told}");
    assert!(a[3].contains(" to "), "three questions have an interval: {told}");
    assert_eq!(a[6..11], ["2", "1.100", "–", "1.105", "1.000"], "{told}");
    assert_eq!(cells(&told, "b")[6..11], ["0", "–", "–", "–", "–"], "{told}");
}

#[test]
fn an_answer_that_was_held_up_moves_the_mean_but_not_that_of_the_middle() {
    // In one of 20 questions the target alone was held up.
    let rows = (0..20).map(|at| row("a", "adaptive", if at == 7 { 8.0 } else { 1.0 }, Some(1.0), 64));
    let told = table(rows, &json!([]));
    assert_eq!(cells(&told, "all")[2], "1.110", "{told}");
    assert!(told.contains("The middle 90% of all questions: 1.000 to off, 1.000 by pace."), "{told}");
}
