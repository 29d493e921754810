//! What an administrator has laid down holds in the terminal too.

use std::fs;
use std::net::TcpListener;

use crate::run::{Ran, Taki, finish};

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

#[test]
fn a_chat_runs_as_the_settings_have_it_and_as_is_laid_down_whatever_they_say() {
    let taki = Taki::with_models();
    let (rules, config) = (taki.home.path().join("policy.toml"), taki.home.path().join("config"));
    let run = |args: &[&str]| {
        let mut command = taki.command(args);
        command.env("TAKI_POLICY", &rules);
        finish(command, b"")
    };
    let chat = |more: &[&str]| {
        let ask = ["chat", "--once", "Name a river.", "--max-tokens", "4", "--json"];
        run(&[&ask[..], more].concat())
    };
    let mode = |ran: Ran| {
        let receipt = ran.good()["receipt"].clone();
        (receipt["exact"].as_bool().unwrap(), receipt["cascade"].as_bool().unwrap())
    };
    let needed = || {
        let listed = run(&["ladders", "list", "--json"]).good();
        let row = listed["ladders"].as_array().unwrap().iter().find(|row| row["id"] == "smollm2").unwrap();
        row["memory_bytes"].as_u64().unwrap()
    };
    fs::create_dir(&config).unwrap();
    fs::write(&rules, "").unwrap();
    let usually = needed();
    fs::write(config.join("settings.toml"), "exact = true\nspeedUp = false\ncontext = 256\n").unwrap();
    assert!(needed() < usually, "a short context needs less memory");
    assert_eq!(mode(chat(&[])), (true, false));
    assert_eq!(mode(chat(&["--exact=false", "--no-cascade=false"])), (false, true), "what is said counts");
    let long = "river ".repeat(500);
    let (code, sentence, _) = run(&["chat", "--once", &long, "--json"]).problem();
    assert!(code == "prompt_too_long" && sentence.contains("256"), "{sentence}");
    // The administrator's word goes before both.
    fs::write(&rules, "[settings]\nexact = true\nspeedUp = true\nthreads = 1\ngpuLayers = 0\n").unwrap();
    fs::write(config.join("settings.toml"), "speedUp = false\nthreads = 2\n").unwrap();
    assert_eq!(mode(chat(&["--threads", "1"])), (true, true));
    let learned = run(&["learned", "show", "--json"]).good();
    let ran = learned["learned"].as_array().unwrap().iter().find(|one| one["conditions"]["threads"] == 1);
    let ran = ran.unwrap_or_else(|| panic!("nothing ran on one thread: {learned}"));
    assert_eq!((&ran["conditions"]["exact"], &ran["conditions"]["gpu_layers"]), (&true.into(), &0.into()));
    assert_eq!(ran["lessons"]["threads"]["single"], 1);
    for option in [&["--exact=false"][..], &["--no-cascade"], &["--threads", "2"], &["--gpu-layers", "4"]] {
        let (code, sentence, _) = chat(option).problem();
        assert_eq!(code, "setting_locked", "{option:?}");
        assert!(sentence.contains(option[0].trim_end_matches("=false")), "{sentence}");
    }
    // A measurement is in the mode that it measures, and takes no more of the computer than is laid down.
    let suite = crate::run::suite(&taki);
    let bench = ["bench", "--suite", &suite, "--limit", "1", "--repeats", "1", "--max-tokens", "2", "--json"];
    assert_eq!(run(&[&bench[..], &["--threads", "2"]].concat()).code_of_problem(), "setting_locked");
    let measured = run(&bench).good();
    assert_eq!((&measured["threads"], &measured["exact"]), (&1.into(), &false.into()));
}

#[test]
fn a_computer_is_not_lent_where_that_is_forbidden_and_with_no_more_threads_than_are_laid_down() {
    let taki = Taki::bare();
    let rules = taki.home.path().join("policy.toml");
    // A port that is taken: what the rules do not end ends there.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let lend = |laid_down: &str| {
        fs::write(&rules, laid_down).unwrap();
        let mut command = taki.command(["rpc-server", "--port", &port, "--threads", "2"]);
        command.env("TAKI_POLICY", &rules);
        let ran = finish(command, b"");
        assert_eq!(ran.code, Some(1), "{ran:?}");
        ran.err
    };
    for (laid_down, said) in [
        ("lend = false\n", "does not let this computer compute for others"),
        ("[settings]\nthreads = 1\n", "has laid down the setting threads"),
        ("lend = true\n[settings]\nthreads = 2\n", "cannot be listened on"),
    ] {
        let err = lend(laid_down);
        assert!(err.contains(said), "{laid_down}: {err}");
    }
}
