//! `bench` and `lab` with the real default model.

use std::path::Path;

use serde_json::{Value, json};

use crate::run::{Taki, suite};

#[test]
fn bench_measures_every_way_and_counts() {
    let taki = Taki::with_models();
    let suite = suite(&taki);
    let args = ["bench", "--json", "--ladder", "smollm2", "--suite", &suite, "--limit", "1", "--max-tokens", "12"];
    let more =
        ["--repeats", "1", "--context", "1024", "--configs", "adaptive,max-gram-3", "--held", "200", "--again", "2"];
    let measured = taki.run(&[&args[..], &more].concat());
    let measured = measured.good();
    let held = measured["held"]["tokens"].as_u64().unwrap();
    assert!((150..300).contains(&held) && measured["held"]["seconds"].as_f64().unwrap() > 0.0, "{measured}");
    assert!(measured["worker_bytes"].as_u64().unwrap() > 50 << 20, "its weights are 98 MB: {measured}");
    assert_eq!(measured["slower"], json!([]), "answers of 12 tokens are too short to be asked again");
    let rows = measured["rows"].as_array().unwrap();
    let names: Vec<_> = rows.iter().filter(|row| row["category"] == "all").map(|row| &row["config"]).collect();
    assert_eq!(names, ["off", "adaptive", "max-gram-3"]);
    for row in rows {
        assert!(row["tokens"].as_u64().unwrap() > 0 && row["tokens_per_second"].as_f64().unwrap() > 0.0, "{row}");
        let [proposed, draft_passes] = ["proposed", "draft_passes"].map(|name| row[name].as_u64().unwrap());
        assert_eq!(draft_passes, 0, "the ladder has no draft model: {row}");
        if row["config"] == "max-gram-3" {
            // What is not kept of them costs the target passes of its own.
            assert!(row["target_passes"].as_u64().unwrap() + proposed >= row["tokens"].as_u64().unwrap(), "{row}");
        }
        if row["config"] == "off" {
            assert_eq!(proposed, 0, "{row}");
            // The pass over the prompt draws the first token.
            assert!(row["target_passes"].as_u64() >= row["tokens"].as_u64(), "{row}");
            assert!((row["ratio_to_off"].as_f64().unwrap() - 1.0).abs() < 1e-9);
            assert_eq!((&row["same_as_off"], &row["of_ceiling"]), (&json!(1.0), &Value::Null));
        }
    }
}

#[test]
fn a_bench_ends_with_one_object_of_the_documented_shape() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/copying.jsonl");
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("rows.csv");
    let args = ["bench", "--json", "--ladder", "smollm2", "--configs", "off,adaptive", "--limit", "1"];
    let more = ["--repeats", "1", "--max-tokens", "8", "--context", "1024"];
    let files = ["--suite", suite.to_str().unwrap(), "--csv", csv.to_str().unwrap()];
    let measured = Taki::with_models().run(&[&args[..], &more, &files].concat()).good();
    for (name, kind) in [("system", "linux"), ("processor", "x86_64")] {
        assert!(measured["machine"][name].is_string(), "such as {kind}: {measured}");
    }
    assert_eq!((&measured["ladder"], &measured["llama_server"]), (&json!("smollm2"), &Value::Null));
    assert_eq!((&measured["failed"], &measured["against"]), (&json!([]), &json!([])));
    let rows = measured["rows"].as_array().unwrap();
    let names: Vec<_> =
        rows.iter().map(|row| [&row["category"], &row["config"]].map(|v| v.as_str().unwrap())).collect();
    let categories = ["code_edit", "rewrite", "quote", "all"];
    assert_eq!(names, categories.iter().flat_map(|c| [[*c, "off"], [*c, "adaptive"]]).collect::<Vec<_>>());
    for row in rows {
        let [low, ratio, high, same] = ["low", "ratio_to_off", "high", "same_as_off"].map(|name| row[name].as_f64());
        // The three of all categories together have an interval, one question has none.
        assert_eq!((low.is_some(), high.is_some()), (row["category"] == "all", row["category"] == "all"), "{row}");
        assert!(low <= ratio && (high.is_none() || ratio <= high) && (0.0..=1.0).contains(&same.unwrap()), "{row}");
        let counts = ["prompts", "tokens", "target_passes"].map(|name| row[name].as_u64().unwrap());
        assert!(counts.iter().all(|count| *count > 0), "{row}");
    }
    for bounds in measured["bounds"].as_array().unwrap() {
        let [ceiling, free, limit] = ["ceiling", "free_draft", "copy_limit"].map(|name| bounds[name].as_f64().unwrap());
        assert!(1.0 <= free && free <= ceiling + 1e-9 && 1.0 - 1e-9 <= limit, "{bounds}");
    }
    let lines = std::fs::read_to_string(csv).unwrap();
    assert_eq!(lines.lines().count(), rows.len() + 1, "{lines}");
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_is_loaded() {
    let taki = Taki::with_models();
    let suite = suite(&taki);
    for (name, value, said) in [
        ("--configs", "X", "known are off, adaptive"),
        ("--configs", "", "with --peers llama-server/none"),
        ("--configs", "adaptive,speculative-4", "no draft model"),
        ("--configs", "max-gram-999", "N from 1 to 64"),
        ("--configs", "llama-server/none", "needs --peers"),
        ("--held", "99999", "a question and its answer need"),
    ] {
        let ran = taki.run(&["bench", "--json", "--ladder", "smollm2", "--suite", &suite, name, value]);
        let (code, sentence, next) = ran.problem();
        assert_eq!(code, "setting_invalid", "{name} {value}");
        assert!(sentence.contains(said) && next.contains(name), "{sentence} {next}");
        // Behind the load it says what the ladder is made of.
        assert!(!ran.err.contains(" ← "), "{name} {value}: {}", ran.err);
    }
}

#[test]
fn no_result_is_written_over_what_it_is_made_of() {
    let taki = Taki::with_models();
    let suite = suite(&taki);
    let questions = std::fs::read_to_string(&suite).unwrap();
    let nowhere = taki.home.path().display().to_string();
    for args in [
        ["lab", "record", "--json", "--suite", &suite, "--out", &suite],
        ["lab", "record", "--json", "--suite", &suite, "--out", &nowhere],
        ["bench", "--json", "--limit=1", "--suite", &suite, "--csv", &suite],
    ] {
        assert_eq!(taki.run(&args).code_of_problem(), "file_unusable", "{args:?}");
    }
    assert_eq!(std::fs::read_to_string(&suite).unwrap(), questions);
}

#[test]
fn a_recorded_trace_can_be_played_through() {
    let taki = Taki::with_models();
    let suite = suite(&taki);
    let trace = taki.home.path().join("trace").display().to_string();
    let args = ["lab", "record", "--json", "--ladder", "smollm2", "--suite", &suite, "--limit", "1"];
    let recorded = taki.run(&[&args[..], &["--max-tokens", "24", "--context", "1024", "--out", &trace]].concat());
    let recorded = recorded.good();
    assert_eq!(recorded["rungs"].as_array().unwrap().len(), 1, "Max-Gram is no model: {recorded}");
    let played = taki.run(&["lab", "swi", "--json", "--trace", &trace, "--coefficients", "1"]);
    let played = played.good();
    for plan in played["plans"].as_array().unwrap() {
        assert_eq!(plan["tokens"], recorded["tokens"], "every plan writes the recorded answers: {plan}");
        // Where a pass costs the same whatever its width, copying cannot lose.
        assert!(plan["improvement"].as_f64().unwrap() > 0.99, "{plan}");
    }
    let ladder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/qwen-coder.trace.gz");
    let costs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/two-cores.costs.json");
    let what_if = ["lab", "swi", "--trace", ladder, "--costs", costs];
    let ran = taki.run(&[&what_if[..], &["--json", "--k", "2,0;0,0"]].concat());
    let all = &ran.good();
    let plan = |of: &Value, name: &str| of["plans"].as_array().unwrap().iter().find(|p| p["name"] == name).cloned();
    let (given, best) = (plan(all, "given").unwrap(), plan(all, "speculative").unwrap());
    let speed = |plan: &Value| plan["tokens_per_second"].as_f64().unwrap();
    assert!(given["k"] == json!([[2, 0], [0, 0]]) && 0.0 < speed(&given) && speed(&given) <= speed(&best), "{given}");
    let alone = taki.run(&[&what_if[..], &["--json", "--models", "1"]].concat());
    let alone = &alone.good();
    assert_eq!((&alone["rungs"][0], alone["rungs"].as_array().unwrap().len()), (&all["rungs"][0], 1));
    assert!(plan(alone, "given").is_none() && speed(&plan(alone, "adaptive").unwrap()) > 0.0, "{alone}");
    for (name, value, said) in [
        ("--k", "2", "2 rows of 2 numbers, as in 4,4;0,4"),
        ("--models", "9", "the trace has 2 of them"),
        ("--models", "0", "at least one"),
    ] {
        let (code, sentence, next) = taki.run(&[&what_if[..], &["--json", name, value]].concat()).problem();
        assert_eq!(code, "setting_invalid", "{name} {value}");
        assert!(sentence.contains(said) && next.contains(name), "{sentence} {next}");
    }
    let told = taki.run(&what_if);
    assert!(told.out.contains("tokens/s") && told.out.contains("the target kept"), "{told:?}");
    for bad in ["1,-1", "0", "1e18", "1e-300", "inf", "NaN"] {
        let ran = taki.run(&["lab", "swi", "--json", "--trace", &trace, &format!("--coefficients={bad}")]);
        assert_eq!(ran.code_of_problem(), "setting_invalid", "{bad}");
    }
    let absurd = taki.home.path().join("absurd.json");
    std::fs::write(&absurd, r#"{"models":[[[1,1e308],[8,1e308]]]}"#).unwrap();
    let ran = taki.run(&["lab", "swi", "--json", "--trace", &trace, "--costs", absurd.to_str().unwrap()]);
    assert_eq!(ran.code_of_problem(), "file_unusable");
    std::fs::write(&trace, "no trace").unwrap();
    assert_eq!(taki.run(&["lab", "swi", "--json", "--trace", &trace]).code_of_problem(), "file_unusable");
}

#[test]
fn costs_rise_with_the_width() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("costs.json");
    let path = out.display().to_string();
    let taki = Taki::with_models();
    let told = taki.run(&["lab", "costs", "--json", "--ladder", "smollm2", "--context", "1024", "--out", &path]).good();
    let costs: Value = serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap();
    assert_eq!((&told["drafts_read"], &told["models"]), (&costs["drafts_read"], &costs["models"]));
    assert_eq!(told["drafts_read"], json!(true));
    // Of texts it says what was learned here, if something was.
    for name in ["held", "rows"] {
        let learned = costs.get(name).cloned().unwrap_or_else(|| json!([]));
        assert_eq!(told[name], learned, "{costs}");
        assert!([0, 1].contains(&learned.as_array().unwrap().len()), "{learned}");
    }
    let target = costs["models"][0].as_array().unwrap();
    assert_eq!(target[0][0], json!(1));
    assert!(target.iter().all(|point| point[1].as_f64().unwrap() > 0.0), "{costs}");
}
