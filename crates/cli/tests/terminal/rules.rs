//! What an administrator has laid down holds in the terminal too.

use std::fs;

use crate::run::{Taki, finish};

#[test]
fn only_what_the_rules_allow_is_listed_and_used() {
    let taki = Taki::with_models();
    let rules = taki.home.path().join("policy.toml");
    let run = |args: &[&str]| {
        let mut command = taki.command(args);
        command.env("TAKI_POLICY", &rules);
        finish(command, b"")
    };
    fs::write(&rules, "ladders = [\"smollm2\"]\n[settings]\nthreads = 1\n").unwrap();
    let listed = run(&["ladders", "list", "--json"]).good();
    let ids: Vec<_> = listed["ladders"].as_array().unwrap().iter().map(|ladder| &ladder["id"]).collect();
    assert_eq!(ids, ["smollm2"]);
    let told = run(&["doctor", "--json"]).good();
    assert_eq!((&told["threads"], &told["locked"][0]), (&1.into(), &"threads".into()));
    assert_eq!(run(&["chat", "--once", "Hi", "--ladder", "qwen-coder", "--json"]).problem().0, "no_such_ladder");
    for other in [
        &["chat", "--once", "Hi", "--ladder", "./mine.gguf", "--json"][..],
        &["models", "add", "mine.gguf", "--json"],
        &["ladders", "make", "Mine", "smollm2-135m", "--json"],
        &["ladders", "import", "mine.toml", "--json"],
    ] {
        assert_eq!(run(other).problem().0, "not_allowed", "{other:?}");
    }
    // A folder of all, of which everybody needs what is in it.
    let shared = Taki::with_own_models();
    let models = shared.home.path().join("models");
    fs::write(&rules, format!("models = {models:?}\n")).unwrap();
    assert_eq!(run(&["models", "remove", "smollm2-135m", "--json"]).problem().0, "models_shared");
    assert_eq!(shared.run(&["models", "remove", "smollm2-135m"]).code, Some(0), "it was there, and is one's own now");
    fs::write(&rules, "[settings]\nthread = 1\n").unwrap();
    let refused = run(&["ladders", "list"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("there is no setting “thread”"), "{refused:?}");
}
