//! Whatever is wrong has a code, a sentence and a next step, and loses nothing.

use std::fs;
use std::io::Read;

use catalog::Catalog;
use protocol::{Code, Language, Problem};

use crate::run::{Taki, ladder};

const ASK: [&str; 4] = ["chat", "--json", "--once", "Hello"];

#[test]
fn a_ladder_that_does_not_exist_is_said_so_in_both_languages() {
    let args = [&ASK[..], &["--ladder", "nope"]].concat();
    let (code, sentence, next) = Taki::bare().run(&args).problem();
    assert_eq!(code, "no_such_ladder");
    assert!(sentence.contains("nope") && next.contains("smollm2"), "{sentence} {next}");
    let japanese = Problem::new(Code::NoSuchLadder).with("name", "nope").sentence(Language::Japanese);
    let (_, sentence, _) = Taki::bare().in_japanese().run(&args).problem();
    assert_eq!(sentence, japanese);
}

#[test]
fn a_ladder_that_is_not_there_yet_says_how_to_fetch_it() {
    let (code, _, next) = Taki::bare().run(&ASK).problem();
    assert_eq!(code, "not_installed");
    assert!(next.contains("taki models fetch smollm2"), "{next}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written_is_no_success() {
    for args in [&["models", "list"][..], &["models", "list", "--json"], &["--help"], &["--version"]] {
        let mut command = Taki::bare().command(args);
        command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
        let ran = crate::run::finish(command, b"");
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("could not be written"), "{ran:?}");
    }
}

#[test]
#[cfg(unix)]
fn an_argument_that_is_no_text_is_said_so() {
    use std::os::unix::ffi::OsStrExt;
    let words = [b"chat".as_slice(), b"--json", b"--once", b"\xff\xfe"].map(std::ffi::OsStr::from_bytes);
    let ran = crate::run::finish(Taki::bare().command(words), b"");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.json()["error"]["code"], "wrong_use");
}

#[test]
fn without_json_a_problem_goes_to_standard_error() {
    let ran = Taki::bare().run(&["chat", "--once", "Hello", "--ladder", "nope"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    let known = Catalog::builtin().ladder("nope").unwrap_err();
    let words = format!("{}\n{}\n", known.sentence(Language::English), known.next_step(Language::English));
    assert_eq!(ran.err, words);
    assert!(words.contains("smollm2, qwen-coder, "), "{words}");
}

#[test]
fn files_that_are_no_models_are_told_apart_and_left_alone() {
    let taki = Taki::bare();
    let file = |name: &str| taki.home.path().join(name);
    let mut random = vec![0; 4096];
    fs::File::open(env!("CARGO_BIN_EXE_taki")).unwrap().read_exact(&mut random).unwrap();
    let cut = [&b"GGUF"[..], &3_u32.to_le_bytes(), &200_u64.to_le_bytes(), &30_u64.to_le_bytes()].concat();
    let hollow = [&b"GGUF"[..], &3_u32.to_le_bytes(), &[0; 16]].concat();
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("empty.gguf", Vec::new(), "model_empty"),
        ("random.gguf", random, "not_gguf"),
        ("cut.gguf", cut, "model_truncated"),
        ("hollow.gguf", hollow, "model_refused"),
    ];
    for (name, bytes, code) in cases {
        let path = file(name);
        fs::write(&path, &bytes).unwrap();
        let (found, sentence, _) = taki.run(&[&ASK[..], &["--ladder", path.to_str().unwrap()]].concat()).problem();
        assert_eq!(found, code, "{name}");
        assert!(sentence.contains(name), "{sentence}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "a person's own file is not touched");
    }
    let missing = file("missing.gguf");
    let found = taki.run(&[&ASK[..], &["--ladder", missing.to_str().unwrap()]].concat()).code_of_problem();
    assert_eq!(found, "model_unreadable");
}

#[test]
fn a_model_larger_than_the_memory_is_refused_with_the_numbers() {
    let taki = Taki::bare();
    let path = taki.home.path().join("huge.gguf");
    // One tensor of 1,000,000 × 1,000,000 numbers; keys and values, of which it says nothing, as is usual for that size.
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let side = 1_000_000_u64.to_le_bytes();
    let header = [
        &b"GGUF"[..],
        &3_u32.to_le_bytes(),
        &1_u64.to_le_bytes(),
        &1_u64.to_le_bytes(),
        &text("general.architecture"),
        &8_u32.to_le_bytes(),
        &text("llama"),
        &text("token_embd.weight"),
        &2_u32.to_le_bytes(),
        &side,
        &side,
        &0_u32.to_le_bytes(),
        &0_u64.to_le_bytes(),
    ]
    .concat();
    fs::write(&path, header).unwrap();
    // Sparse: it takes no space on the disk.
    fs::File::options().write(true).open(&path).unwrap().set_len(4_000_000_001_024).unwrap();
    let (code, sentence, _) = taki.run(&[&ASK[..], &["--ladder", path.to_str().unwrap()]].concat()).problem();
    assert_eq!(code, "memory_short");
    assert!(sentence.contains("4.5 TB") && sentence.contains("GB is free"), "{sentence}");
}

#[test]
fn a_folder_that_cannot_be_written_is_said_so() {
    let taki = Taki::bare();
    let file = taki.home.path().join("file");
    fs::write(&file, b"kept").unwrap();
    for args in [&ASK[..], &["models", "list", "--json"], &["ladders", "list", "--json"]] {
        let mut command = taki.command(args);
        command.env("TAKI_HOME", &file);
        assert_eq!(crate::run::finish(command, b"").code_of_problem(), "folder_unwritable", "{args:?}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"kept");
}

#[test]
fn settings_that_make_no_sense_are_refused_before_anything_is_loaded() {
    for (name, value) in [
        ("--temperature", "-1"),
        ("--temperature", "9"),
        ("--temperature", "NaN"),
        ("--max-tokens", "0"),
        ("--context", "10"),
        ("--threads", "0"),
        ("--threads", "513"),
        ("--review-rule", "lottery"),
        ("--repeat-penalty", "0"),
        ("--frequency-penalty", "101"),
        ("--presence-penalty", "-101"),
        ("--dry-multiplier", "-1"),
        ("--dry-base", "0.5"),
        ("--top-n-sigma", "NaN"),
        ("--typical", "1.5"),
        ("--top-p", "-0.1"),
        ("--min-p", "2"),
        ("--xtc-probability", "inf"),
        ("--xtc-threshold", "1.01"),
        ("--logit-bias", "42"),
        ("--logit-bias", "-1=3"),
        ("--logit-bias", "7=NaN"),
        ("--logit-bias", "7=-101"),
    ] {
        let (code, sentence, _) = Taki::bare().run(&[&ASK[..], &[name, value]].concat()).problem();
        assert_eq!(code, "setting_invalid", "{name} {value}");
        assert!(sentence.contains(name) && sentence.contains(value), "{sentence}");
    }
    let ran = Taki::bare().run(&[&ASK[..], &["--exact", "--review-rule", "block"]].concat());
    assert_eq!(ran.code_of_problem(), "setting_invalid", "exact mode is for the target's own answer");
    let taki = Taki::bare();
    let suite = crate::run::suite(&taki);
    for name in ["--limit", "--max-tokens"] {
        let ran = taki.run(&["prove", "--json", "--suite", &suite, name, "0"]);
        assert_eq!(ran.code_of_problem(), "setting_invalid", "a proof of nothing is none: {name}");
    }
}

#[test]
fn a_schema_or_grammar_that_cannot_be_read_names_the_file() {
    let taki = Taki::bare();
    let path = taki.home.path().join("shape");
    let ask = |flag: &str| taki.run(&[&ASK[..], &[flag, path.to_str().unwrap()]].concat()).problem();
    for bytes in [None, Some(vec![0xff, 0xfe]), Some(vec![b' '; 300 * 1024])] {
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        for flag in ["--json-schema", "--grammar"] {
            let (code, sentence, _) = ask(flag);
            assert_eq!(code, "file_unusable");
            assert!(sentence.contains("shape"), "{sentence}");
        }
    }
    let both = ["--json-schema", "x", "--grammar", "y"];
    assert_eq!(taki.run(&[&ASK[..], &both].concat()).code, Some(2), "one answer cannot have two shapes");
}

#[test]
fn an_empty_question_is_no_question() {
    for (once, input) in [("", ""), ("  \n", ""), ("-", ""), ("-", " \n ")] {
        let ran = Taki::bare().run_with(&["chat", "--json", "--once", once], input.as_bytes());
        assert_eq!(ran.code_of_problem(), "message_empty", "{once:?} {input:?}");
    }
}

#[test]
fn a_suite_that_cannot_be_used_names_the_line() {
    let taki = Taki::bare();
    let path = taki.home.path().join("suite.jsonl");
    let prove = || taki.run(&["prove", "--json", "--suite", path.to_str().unwrap()]).problem();
    assert_eq!(prove().0, "suite_unreadable", "there is no such file");
    let good = "{\"turns\": [\"Hello\"]}\n";
    for (text, part) in [
        (String::new(), "no questions"),
        (format!("{good}\nnot json\n"), "line 3"),
        (format!("{good}{{\"turns\": []}}\n"), "line 2"),
        (format!("{good}{{\"turn\": [\"x\"]}}\n"), "line 2"),
        (format!("{good}{{\"turns\": [7]}}\n"), "line 2"),
    ] {
        fs::write(&path, &text).unwrap();
        let (code, sentence, _) = prove();
        assert_eq!(code, "suite_unreadable");
        assert!(sentence.contains(part), "{text:?}: {sentence}");
    }
    fs::write(&path, b"\xff\xfe\n").unwrap();
    assert_eq!(prove().0, "suite_unreadable", "it is no text");
}

#[test]
fn a_peer_that_is_no_llama_server_is_refused_before_anything_is_measured() {
    let taki = Taki::bare();
    let suite = crate::run::suite(&taki);
    let bench = |path: &str| taki.run(&["bench", "--json", "--suite", &suite, "--peers", path]).problem();
    for path in ["/nowhere/llama-server", env!("CARGO_BIN_EXE_taki")] {
        let (code, sentence, _) = bench(path);
        assert_eq!(code, "file_unusable");
        assert!(sentence.contains(path), "{sentence}");
    }
    let nowhere = taki.run(&["bench", "--json", "--suite", &suite, "--csv", "/nowhere/rows.csv"]);
    assert_eq!(nowhere.code_of_problem(), "file_unusable");
}

#[test]
fn a_damaged_settings_file_is_set_aside_and_said_so() {
    let taki = Taki::bare();
    let folder = taki.home.path().join("config");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("settings.toml"), b"ladder = [").unwrap();
    let ran = taki.run(&ASK);
    assert_eq!(ran.code_of_problem(), "not_installed", "the standard ladder is chosen");
    let said = Problem::new(Code::SettingsSetAside).with("path", folder.join("settings.toml").display());
    assert!(ran.err.contains(&said.sentence(Language::English)), "{}", ran.err);
    let kept: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(kept, [b"ladder = ["]);
}

#[test]
fn wrong_use_ends_with_status_2_and_help_with_0() {
    let taki = Taki::bare();
    for args in [&["prove"][..], &["chat", "--temperature", "warm"], &["dance"], &[]] {
        let ran = taki.run(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(ran.err.contains("--help"), "{args:?}: {ran:?}");
    }
    for args in
        [&["chat", "--json", "--once", "x", "--max-tokens", "many"][..], &["prove", "--json"], &["chat", "--json"]]
    {
        let ran = taki.run(args);
        assert_eq!((ran.code, ran.json()["error"]["code"].as_str()), (Some(2), Some("wrong_use")), "{ran:?}");
    }
    for (args, reason) in [
        (&["chat", "--seed", "-1"][..], "--seed <SEED> cannot be “-1”: it must be a whole number from 0 to 4294967295"),
        (&["chat", "--context=-1"], "cannot be “-1”: it must be a whole number from 0 to 4294967295"),
        (&["chat", "--temperature", "hot"], "cannot be “hot”: it must be a number"),
        (&["chats", "show", "abc"], "<CONVERSATION> cannot be “abc”"),
        (&["chat", "--onec", "x"], "there is no “--onec” here, but there is --once"),
        (&["model"], "there is no command “model”, but there is models"),
        (&["chat", "--grammar", "a", "--json-schema", "b", "--once", "x"], "do not go together"),
        (&["chat", "--once"], "--once <PROMPT> needs a value"),
        (&["prove", "--suite", "x", "--policy", "none"], "only one of: matrix, adaptive"),
    ] {
        let ran = taki.run(args);
        let said = Problem::new(Code::WrongUse).with("reason", "@").sentence(Language::English);
        let (before, after) = said.split_once('@').unwrap();
        let line = ran.err.lines().next().unwrap_or_default();
        assert!(line.starts_with(before) && line.ends_with(after) && line.contains(reason), "{args:?}: {line}");
        assert_eq!((ran.code, ran.err.lines().count()), (Some(2), 2), "{args:?}: {ran:?}");
    }
    let sentence = taki.run(&["chat", "--json"]).json()["error"]["sentence"].as_str().unwrap().to_owned();
    assert!(sentence.contains("--once <PROMPT> is missing"), "{sentence}");
    let japanese = Taki::bare().in_japanese().run(&["chats", "show", "abc"]);
    assert!(
        japanese.err.contains("<CONVERSATION> に「abc」は使えません（0 以上の整数を指定してください）"),
        "{japanese:?}"
    );
    let help = taki.run(&["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.out.contains("prove") && !help.out.contains("worker"), "{}", help.out);
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let taki = Taki::bare();
    for args in [&["ladders", "list"][..], &["models", "list", "--json"], &["--help"]] {
        let mut command = taki.command(args);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer);
        let ran = crate::run::finish(command, b"");
        assert!(ran.code.is_some_and(|code| code < 2), "{args:?}: {ran:?}");
        assert!(!ran.err.contains("panicked"), "{args:?}: {ran:?}");
    }
}

#[test]
fn a_ladder_can_be_put_together_from_files_and_what_does_not_go_with_it_is_told() {
    let taki = Taki::with_models();
    let model = ladder("smollm2").unwrap().rungs[0].path.display().to_string();
    let ask = ["chat", "--json", "--once", "Hello", "--max-tokens", "4", "--ladder", &model];
    let with = |more: &[&str]| taki.run(&[&ask[..], more].concat());
    // The same model as its own draft: it takes as long as what it is to save.
    let twice = with(&["--draft", &model]);
    assert_eq!(twice.code, Some(0), "{twice:?}");
    assert_eq!(twice.json()["receipt"]["rungs"].as_array().map(Vec::len), Some(2), "{twice:?}");
    assert!(twice.err.contains("is not smaller than the model it should help"), "{twice:?}");
    for (file, code) in
        [(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "not_gguf"), ("nowhere.gguf", "model_unreadable")]
    {
        assert_eq!(with(&["--draft", file]).code_of_problem(), code);
    }
    let suite = crate::run::suite(&taki);
    for (k, said) in [("4;x", "whole numbers"), ("4,4;0,4", "one drafter, Max-Gram"), ("100000", "above 64")] {
        for command in ["prove", "bench"] {
            let args =
                [command, "--json", "--suite", &suite, "--limit=1", "--max-tokens=2", "--ladder", &model, "--k", k];
            let ran = taki.run(&args);
            let (found, sentence, next) = ran.problem();
            assert_eq!(found, "setting_invalid", "{command} {k}");
            assert!(sentence.contains(said) && next.contains("--k"), "{command}: {sentence} {next}");
            assert!(!ran.err.contains(" ← "), "nothing of the model is needed for that: {}", ran.err);
        }
    }
}
