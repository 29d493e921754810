//! `scripts/never-slower.py`, which makes tables of many a `bench --json`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// A `taki` whose answers come at the speed that stands in their question, and that notes how it was called. As of the real one, there are no rows
/// of all categories together where there is only one.
const TOY: &str = r#"#!/usr/bin/env python3
import json, sys
with open(sys.argv[0] + ".calls", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\n")
questions = [json.loads(line) for line in open(sys.argv[sys.argv.index("--suite") + 1])]
categories = list(dict.fromkeys(question["category"] for question in questions))
tokens = int(sys.argv[sys.argv.index("--max-tokens") + 1])
rows = []
for category in categories + (["all"] if len(categories) > 1 else []):
    ratios = [question["ratio"] for question in questions if category in ("all", question["category"])]
    for config, ratio in (("off", 1.0), ("adaptive", sum(ratios) / len(ratios))):
        low, high = (ratio - 0.01, ratio + 0.01) if len(ratios) > 2 else (None, None)
        rows.append({"category": category, "config": config, "prompts": len(ratios), "tokens_per_second": 10 * ratio,
                     "ratio_to_off": ratio, "low": low, "high": high, "pace_to_off": ratio, "same_as_off": 1.0, "tokens": tokens,
                     "target_passes": tokens, "proposed": 0, "draft_passes": 0})
slower = [{"question": at + 1, "category": question["category"], "config": "adaptive", "at_first": 0.9,
           "ratio": question["ratio"], "low": None, "high": None}
          for at, question in enumerate(questions) if question["ratio"] < 0.985]
print(json.dumps({"rows": rows, "slower": slower}))
"#;

/// A row of one question: its speed and pace against the target alone, and how long the answer was.
fn row(category: &str, config: &str, ratio: f64, pace: Option<f64>, tokens: u32) -> Value {
    json!({
        "category": category, "config": config, "prompts": 1, "tokens_per_second": 10.0 * ratio, "ratio_to_off": ratio,
        "low": null, "high": null, "pace_to_off": pace, "tokens": tokens, "target_passes": 64, "same_as_off": 1.0,
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
        { "category": "b", "config": "adaptive", "at_first": 0.9, "ratio": 0.95, "low": null, "high": null },
        { "category": "a", "config": "adaptive", "at_first": 0.9, "ratio": 0.95, "low": 0.94, "high": 0.96 },
        { "category": "a", "config": "adaptive", "at_first": 0.9, "ratio": null, "low": null, "high": null },
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

#[test]
fn what_was_the_same_work_is_told_apart_and_so_is_how_little_can_be_found() {
    let drafted = |ratio: f64, proposed: u32, draft_passes: u32, tokens: u32| {
        let mut row = row("a", "adaptive", ratio, Some(ratio), tokens);
        (row["proposed"], row["draft_passes"]) = (json!(proposed), json!(draft_passes));
        row
    };
    // As of a program that did not tell what was proposed.
    let of_before = row("a", "adaptive", 1.3, Some(1.3), 64);
    let rows = [
        drafted(1.0, 0, 0, 64),
        drafted(1.0, 0, 0, 64),
        drafted(1.21, 0, 0, 64),
        drafted(0.9, 0, 3, 64),
        drafted(0.9, 5, 0, 64),
        drafted(0.9, 5, 0, 32),
        of_before,
    ];
    let asked_again = |low: f64, high: f64| json!({ "category": "a", "config": "adaptive", "at_first": 0.9, "ratio": 0.97, "low": low, "high": high });
    let slower = json!([
        asked_again(0.97 / 1.01, 0.97 * 1.01),
        asked_again(0.97 / 1.1, 0.97 * 1.1),
        asked_again(0.97 / 1.5, 0.97 * 1.5)
    ]);
    let told = table(rows, &slower);
    let [all, same, other] =
        ["all long answers", "nothing proposed: the same work", "something proposed"].map(|name| cells(&told, name));
    assert_eq!(all[1], "7", "{told}");
    assert_eq!((same[1], same[2], same[4]), ("3", "1.066", "11.0%"), "{told}");
    assert_eq!(
        (other[1], other[2], other[5]),
        ("3", "0.900", "0.900"),
        "what a draft said in vain took its time: {told}"
    );
    assert_eq!(other[6], "–", "an answer of another length has no say in the pace: {told}");
    assert!(told.contains("further than 10.0% to either side: of such an answer only a mean below 0.882"), "{told}");
}

#[test]
fn the_slowest_answers_are_told_as_asked_each_time_with_nothing_learned() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("taki"), TOY).unwrap();
    fs::set_permissions(place("taki"), fs::Permissions::from_mode(0o755)).unwrap();
    let question = |category: &str, ratio: f64| json!({ "category": category, "ratio": ratio }).to_string();
    fs::write(place("suite.jsonl"), [question("a", 0.95), question("a", 0.9), question("b", 1.0)].join("\n")).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/never-slower.py");
    let run = |more: &[&str]| {
        let mut command = Command::new("python3");
        command.arg(&script).arg("--taki").arg(place("taki")).args(["--ladder", "any", "--max-tokens", "512"]);
        command.args(["--times", "5", "--out"]).arg(place("out")).args(more).arg(place("suite.jsonl"));
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        let calls = fs::read_to_string(place("taki.calls")).unwrap();
        assert!(calls.lines().all(|call| call.contains(" --max-tokens 512 ")), "{calls}");
        let cold = calls.lines().filter(|call| call.contains(" --cold ")).count();
        (String::from_utf8(ran.stdout).unwrap(), cold, calls.lines().count())
    };
    let [slowest, other] =
        ["* a: before 0.900, then 0.900 (0.890 to 0.910)", "* a: before 0.950, then 0.950 (0.940 to 0.960)"];
    let (told, cold, calls) = run(&["--worst", "1"]);
    assert!(told.contains(slowest) && !told.contains(other), "{told}");
    assert_eq!(cells(&told, "all long answers")[1..3], ["3", "0.949"], "{told}");
    assert_eq!((cold, calls), (1, 3), "two parts, whose questions may learn of each other");
    let (told, cold, calls) = run(&["--worst", "1"]);
    assert!(told.contains(slowest) && (cold, calls) == (1, 3), "it is there already: {told}");
    // Of another part alone another question is the slowest.
    let parts = [place("out/part-000.json"), place("out/part-001.json")];
    let has_slowest = parts.iter().find(|part| fs::read_to_string(part).unwrap().contains(r#""ratio": 0.9,"#)).unwrap();
    fs::remove_file(has_slowest).unwrap();
    let (told, cold, calls) = run(&["--worst", "1", "--minutes", "0"]);
    assert!(told.contains(other) && !told.contains(slowest), "{told}");
    assert_eq!((cold, calls), (2, 4));
}
