//! Ladders and models of one's own.

use std::fs;

use serde_json::{Value, json};

use crate::run::{Taki, ladder, qwen};

/// A small ladder: the default model with a smaller version of itself, made here.
fn made(taki: &Taki) -> Value {
    let args = ["models", "shrink", "smollm2-135m", "--to", "q4_0,Q2_K", "--ladder", "Small and smaller", "--json"];
    taki.run(&args).good()
}

#[test]
fn a_ladder_can_be_called_by_its_name() {
    let taki = Taki::bare();
    let id =
        taki.run(&["ladders", "copy", "smollm2", "仕事用", "--json"]).good()["ladder"].as_str().unwrap().to_owned();
    assert_ne!(id, "仕事用");
    assert_eq!(taki.run(&["ladders", "show", "仕事用", "--json"]).good()["recipe"]["name"], "仕事用");
    assert_eq!(taki.run(&["chat", "--ladder", "仕事用", "--once", "x", "--json"]).code_of_problem(), "not_installed");
    assert_eq!(taki.run(&["ladders", "remove", "仕事用", "--json"]).good()["removed"], *id);
    assert_eq!(taki.run(&["ladders", "removed", "--json"]).good()["removed"][0]["ladder"], *id);
    assert_eq!(taki.run(&["ladders", "back", "仕事用", "--json"]).good()["ladder"], *id);
    // Of two of one name neither is meant.
    taki.run(&["ladders", "copy", "smollm2", "仕事用", "--json"]).good();
    assert_eq!(taki.run(&["ladders", "show", "仕事用", "--json"]).code_of_problem(), "no_such_ladder");
}

#[test]
fn smaller_versions_are_made_and_draft_in_a_ladder_that_answers_the_same() {
    let taki = Taki::with_own_models();
    let made = made(&taki);
    let sizes: Vec<u64> =
        made["made"].as_array().unwrap().iter().map(|model| model["bytes"].as_u64().unwrap()).collect();
    let whole = made["original"]["bytes"].as_u64().unwrap();
    assert!(sizes.len() == 2 && sizes[1] < sizes[0] && sizes[0] < whole, "{made}");
    for probe in made["probes"].as_array().unwrap() {
        // A model of 135 million loses much of itself at two bits; three say the same mostly.
        assert!(probe["agreement"].as_f64().unwrap() > 0.1 && probe["tokens"].as_u64().unwrap() > 60, "{made}");
    }
    assert!(fs::read_dir(taki.home.path().join("models/staging")).unwrap().count() == 0, "nothing is left behind");
    let listed = taki.run(&["ladders", "list", "--json"]).good();
    let own: Vec<_> = listed["ladders"].as_array().unwrap().iter().filter(|row| row["own"] == json!(true)).collect();
    assert_eq!((own.len(), own[0]["id"].as_str()), (1, Some("small-and-smaller")));
    assert_eq!(own[0]["rungs"].as_array().unwrap().len(), 4, "the model, two drafts, Max-Gram: {listed}");
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/questions.jsonl");
    let proof = taki
        .run(&[
            "prove",
            "--ladder",
            "small-and-smaller",
            "--suite",
            suite,
            "--limit",
            "2",
            "--max-tokens",
            "24",
            "--json",
        ])
        .good();
    assert_eq!((proof["identical"].as_u64(), proof["prompts"].as_u64()), (Some(2), Some(2)), "{proof}");

    let removed = taki.run(&["ladders", "remove", "small-and-smaller", "--with-files", "--json"]).good();
    let deleted = |row: &Value| made["made"].as_array().unwrap().iter().any(|model| model["sha256"] == row["sha256"]);
    let rows = removed["deleted"].as_array().unwrap();
    assert!(rows.len() == 2 && rows.iter().all(deleted), "what came with the program stays: {removed}");
    let back = taki.run(&["ladders", "back", "small-and-smaller", "--json"]).good();
    assert_eq!(back["ladder"], "small-and-smaller", "the ladder comes back, its files do not");
    // The files are nowhere, but what they were made of is here.
    let chat = taki.run(&["chat", "--once", "Hi", "--ladder", "small-and-smaller", "--json"]);
    assert_eq!(chat.problem().0, "not_installed", "{chat:?}");
    let listed = taki.run(&["ladders", "list"]).out;
    assert!(listed.contains("to fetch or make") && listed.contains("taki models fetch small-and-smaller"), "{listed}");
    let handed = taki.home.path().join("handed.taki.toml");
    taki.run(&["ladders", "export", "small-and-smaller", handed.to_str().unwrap(), "--json"]).good();
    let fetched = taki.run(&["models", "fetch", "small-and-smaller", "--json"]);
    assert!(fetched.err.contains("is made from SmolLM2 135M here"), "{fetched:?}");
    assert_eq!(fetched.good()["paths"].as_array().unwrap().len(), 3);
    let verified = taki.run(&["models", "verify", "small-and-smaller", "--json"]).good();
    assert_eq!(verified["whole"].as_array().unwrap().len(), 3, "byte for byte what it was");

    // Somebody else, who has what it was made of and nothing of the rest.
    let other = Taki::with_own_models();
    let imported = other.run(&["ladders", "import", handed.to_str().unwrap(), "--json"]);
    assert!(imported.err.contains("is made here, from SmolLM2 135M to Q2_K"), "{imported:?}");
    let id = imported.good()["ladder"].as_str().unwrap().to_owned();
    other.run(&["models", "fetch", &id, "--json"]).good();
    let answer = other.run(&["chat", "--once", "Hi", "--max-tokens", "4", "--ladder", &id, "--json"]).good();
    assert!(!answer["answer"].as_str().unwrap().is_empty(), "{answer}");
}

#[test]
fn bad_files_keep_no_other_out_and_each_is_told() {
    let taki = Taki::with_own_models();
    let at = |name: &str| taki.home.path().join(name).to_str().unwrap().to_owned();
    let model = taki.run(&["models", "list", "--json"]).good()["models"][0]["path"].as_str().unwrap().to_owned();
    fs::write(at("bad.gguf"), "GGML").unwrap();
    fs::write(at("worse.gguf"), "").unwrap();
    let added = taki.run(&["models", "add", &at("bad.gguf"), &model, &at("worse.gguf")]);
    assert!(added.code == Some(1) && added.out.contains("is in the list as smollm2-135m"), "{added:?}");
    assert!(added.err.contains("bad.gguf") && added.err.contains("worse.gguf"), "{added:?}");
}

#[test]
fn what_earlier_versions_need_is_said_when_its_file_is_deleted_and_versions_say_when_they_were() {
    let taki = Taki::with_own_models();
    taki.run(&["ladders", "copy", "smollm2", "Mine", "--json"]).good();
    taki.run(&["ladders", "remove", "mine", "--json"]).good();
    let versions = taki.run(&["ladders", "versions", "mine"]).out;
    assert!(versions.contains("until 20") && versions.contains("  Mine: "), "{versions}");
    let removed = taki.run(&["models", "remove", "smollm2-135m"]);
    assert!(removed.code == Some(0) && removed.err.contains("have it: mine."), "{removed:?}");
}

#[test]
fn a_file_stays_that_the_window_answers_with_or_that_a_ladder_nobody_can_read_may_need() {
    let taki = Taki::with_own_models();
    let at = |name: &str| taki.home.path().join(name);
    let remove = ["models", "remove", "smollm2-135m", "--json"];
    fs::create_dir_all(at("config")).unwrap();
    fs::write(at("config/settings.toml"), "ladder = \"smollm2\"\n").unwrap();
    assert_eq!(taki.run(&remove).code_of_problem(), "model_in_use");
    fs::write(at("config/settings.toml"), "ladder = \"qwen-coder\"\n").unwrap();
    fs::create_dir_all(at("data/ladders")).unwrap();
    fs::write(at("data/ladders/ladder-bad.toml"), "rungs = 3").unwrap();
    let (code, sentence, _) = taki.run(&remove).problem();
    assert!(code == "ladder_unread" && sentence.contains("ladder-bad.toml"), "{code}: {sentence}");
    taki.run(&["ladders", "remove", "bad", "--json"]).good();
    assert_eq!(taki.run(&remove).good()["removed"], "smollm2-135m");
}

#[test]
fn of_a_ladder_its_target_is_made_smaller_and_the_mixes_are_listed() {
    let taki = Taki::with_own_models();
    let made = taki.run(&["models", "shrink", "smollm2", "--to", "Q2_K", "--no-probe"]);
    assert!(made.code == Some(0) && made.err.contains("its target smollm2-135m"), "{made:?}");
    let unknown = taki.run(&["models", "shrink", "smollm", "--to", "Q2_K"]).err;
    assert!(unknown.contains("smollm2-135m") && unknown.contains("qwen-coder"), "{unknown}");
    let help = taki.run(&["models", "shrink", "--help"]).out;
    assert!(protocol::Mix::ALL.iter().all(|mix| help.contains(&format!("\n  {:<7} ", mix.name()))), "{help}");
}

#[test]
fn a_file_that_no_list_has_is_made_smaller() {
    let taki = Taki::with_own_models();
    let model = taki.run(&["models", "list", "--json"]).good()["models"][0]["path"].as_str().unwrap().to_owned();
    let mut bytes = fs::read(model).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let file = taki.home.path().join("mine.gguf");
    fs::write(&file, bytes).unwrap();
    let made = taki.run(&["models", "shrink", file.to_str().unwrap(), "--to", "Q2_K", "--no-probe", "--json"]).good();
    assert_eq!((&made["original"]["id"], made["made"].as_array().unwrap().len()), (&json!("mine"), 1), "{made}");
}

#[test]
fn dates_in_fields_of_a_newer_version_are_shown_as_they_are_written() {
    let taki = Taki::bare();
    let recipe = taki.home.path().join("newer.toml");
    let file = recipe.to_str().unwrap();
    taki.run(&["ladders", "export", "smollm2", file, "--json"]).good();
    let text = fs::read_to_string(file).unwrap();
    let text = text.replacen("name = \"SmolLM2 135M\"", "name = \"Newer\"\nmade = 2026-11-27", 1);
    fs::write(file, text).unwrap();
    let id = taki.run(&["ladders", "import", file, "--json"]).good()["ladder"].as_str().unwrap().to_owned();
    assert_eq!(taki.run(&["ladders", "show", &id, "--json"]).good()["recipe"]["made"], "2026-11-27");
}

#[test]
fn a_ladder_is_made_changed_taken_back_handed_on_and_removed() {
    let taki = Taki::with_own_models();
    let home = taki.home.path().to_owned();
    let at = |name: &str| home.join(name).to_str().unwrap().to_owned();
    // A file of one's own, of a name that no store could have.
    let model = taki.run(&["models", "list", "--json"]).good()["models"][0]["path"].as_str().unwrap().to_owned();
    fs::create_dir(home.join("usb")).unwrap();
    fs::copy(model, at("usb/My Model.gguf")).unwrap();
    let made = taki.run(&["ladders", "make", "Mine 滝", &at("usb/My Model.gguf"), "--json"]).good();
    assert_eq!((made["ladder"].as_str(), made["models"][0]["id"].as_str()), (Some("mine"), Some("smollm2-135m")));
    let listed = taki.run(&["ladders", "list", "--json"]).good();
    let row = listed["ladders"].as_array().unwrap().iter().find(|row| row["id"] == "mine").unwrap();
    assert!(made["memory_bytes"].as_u64() > Some(98_000_000) && made["memory_bytes"] == row["memory_bytes"], "{made}");
    assert!(made["fits"].is_string() && made["fits"] == row["fits"], "{made}");
    taki.run(&["ladders", "change", "mine", "--name", "Ours", "--k", "3", "--json"]).good();
    let shown = taki.run(&["ladders", "show", "mine", "--json"]).good()["recipe"].clone();
    assert_eq!((&shown["name"], &shown["k"]), (&json!("Ours"), &json!([[3]])));
    let versions = taki.run(&["ladders", "versions", "mine", "--json"]).good()["versions"].clone();
    assert_eq!(versions[0]["name"], "Mine 滝");
    taki.run(&["ladders", "back", "mine", "--json"]).good();
    assert_eq!(taki.run(&["ladders", "show", "mine", "--json"]).good()["recipe"]["name"], "Mine 滝");

    taki.run(&["ladders", "export", "mine", &at("out.toml"), "--with-models", "--json"]).good();
    assert_eq!(taki.run(&["ladders", "export", "mine", &at("out.toml"), "--json"]).code_of_problem(), "file_unusable");
    let other = Taki::bare();
    let came = other.run(&["ladders", "import", &at("out.toml"), "--json"]).good();
    assert_eq!(
        (came["ladder"].as_str(), came["missing_bytes"].as_u64()),
        (Some("mine"), Some(0)),
        "its model lay beside it"
    );
    let again = other.run(&["ladders", "import", &at("out.toml")]);
    assert!(again.code == Some(0) && again.out.contains("is in the list already as mine."), "{again:?}");
    let text = fs::read_to_string(at("out.toml")).unwrap();
    fs::write(at("other.toml"), text.replace("name = \"Mine", "name = \"Theirs")).unwrap();
    let another = other.run(&["ladders", "import", &at("other.toml"), "--json"]).good();
    assert_eq!((&another["ladder"], &another["already"]), (&json!("mine-2"), &json!(false)), "it has another name");
    let chat = ["chat", "--once", "Hello", "--max-tokens", "4", "--ladder", "mine", "--json"];
    assert_eq!(other.run(&chat).good()["receipt"]["tokens"], 4);

    // What comes with the program can be copied and handed on too.
    assert_eq!(taki.run(&["ladders", "copy", "smollm2", "SmolLM2 135M", "--json"]).good()["ladder"], "smollm2-135m");
    assert_eq!(taki.run(&["ladders", "copy", "smollm2", " ", "--json"]).code_of_problem(), "name_empty");
    taki.run(&["ladders", "export", "qwen-coder", &at("qwen.toml"), "--json"]).good();
    taki.run(&["ladders", "remove", "smollm2-135m", "--json"]).good();

    assert_eq!(taki.run(&["models", "remove", "smollm2-135m", "--json"]).code_of_problem(), "model_in_use");
    taki.run(&["ladders", "remove", "mine", "--json"]).good();
    assert_eq!(taki.run(&["ladders", "show", "mine", "--json"]).code_of_problem(), "no_such_ladder");
    taki.run(&["ladders", "back", "mine", "--json"]).good();
    assert_eq!(taki.run(&["ladders", "show", "mine", "--json"]).good()["recipe"]["name"], "Mine 滝");
}

#[test]
fn what_nobody_offers_is_not_counted_as_to_be_downloaded() {
    let taki = Taki::bare();
    let recipe = taki.home.path().join("mixed.toml");
    let file = recipe.to_str().unwrap();
    taki.run(&["ladders", "export", "smollm2", file, "--json"]).good();
    // Its target is offered, a draft was made somewhere else.
    let text = fs::read_to_string(file).unwrap().replace("name = \"SmolLM2\"", "name = \"Mixed\"");
    let text = text.replace("rungs = [\"smollm2-135m\"]", "rungs = [\"smollm2-135m\", \"own\"]");
    let k = text.lines().find(|line| line.starts_with("k = ")).unwrap();
    let hash = "a".repeat(64);
    let own = format!(
        "\n[[model]]\nid = \"own\"\nname = \"Own\"\nfile = \"own.gguf\"\nbytes = 1000000\nsha256 = \"{hash}\"\n"
    );
    fs::write(file, text.replace(k, "k = [[4, 4], [0, 4]]") + &own).unwrap();
    let came = taki.run(&["ladders", "import", file, "--json"]);
    let told = came.good();
    assert_eq!(told["missing_bytes"], 98_362_432, "{told}");
    assert_eq!((told["lost"].as_array().map(Vec::len), &told["lost"][0]["sha256"]), (Some(1), &json!(hash)), "{told}");
    assert!(came.err.contains("98 MB of models are not here yet"), "{came:?}");

    // The same where its draft lies in a place that this version does not know.
    let newer = fs::read_to_string(file).unwrap().replace(&hash, &"b".repeat(64));
    fs::write(file, newer + "[[model.source]]\nkind = \"torrent\"\npeers = 3\n").unwrap();
    let came = taki.run(&["ladders", "import", file, "--json"]);
    assert_eq!(came.good()["missing_bytes"], 98_362_432, "{came:?}");
    assert!(came.err.contains("only a newer version of Taki knows"), "{came:?}");
    let id = came.good()["ladder"].as_str().unwrap().to_owned();
    assert_eq!(taki.run(&["models", "fetch", &id, "--json"]).code_of_problem(), "source_unknown");
    let shown = taki.run(&["ladders", "show", &id]).out;
    assert!(shown.contains("kind = \"torrent\"\npeers = 3"), "it is handed on as it came: {shown}");
}

#[test]
fn drafting_by_text_is_asked_for_and_told() {
    // Where the larger ladder is here.
    let Some(qwen) = qwen() else { return };
    let taki = Taki::with_models();
    let make = ["ladders", "make", "By text", "qwen2.5-coder-0.5b", "smollm2-135m"];
    assert_eq!(taki.run(&[&make[..], &["--json"]].concat()).code_of_problem(), "tokenizers_differ");
    let told = "drafts by text, which is slower";
    let kept = taki.run(&[&make[..], &["--by-text"]].concat());
    assert!(kept.code == Some(0) && kept.err.contains(told), "{kept:?}");
    let shown = taki.run(&["ladders", "show", "by-text"]);
    assert!(shown.out.contains("by_text = true") && shown.err.contains(told), "{shown:?}");
    let args = ["--once", "Hello", "--max-tokens", "4"];
    let asked = taki.run(&[&["chat", "--ladder", "by-text"][..], &args].concat());
    assert!(asked.code == Some(0) && asked.err.contains(told), "{asked:?}");
    taki.run(&["ladders", "change", "by-text", "--by-text", "no", "--json"]).good();
    let shown = taki.run(&["ladders", "show", "by-text"]);
    assert!(!shown.out.contains("by_text") && !shown.err.contains(told), "{shown:?}");
    // Files of one's own.
    let [target, draft] =
        [&qwen.rungs[1].path, &ladder("smollm2").unwrap().rungs[0].path].map(|path| path.to_str().unwrap().to_owned());
    let files = ["chat", "--ladder", &target, "--draft", &draft];
    let strict = taki.run(&[&files[..], &args].concat());
    assert!(strict.code == Some(0) && strict.err.contains("--by-text"), "the hint says how: {strict:?}");
    let let_be = taki.run(&[&files[..], &["--by-text"], &args].concat());
    assert!(let_be.code == Some(0) && let_be.err.contains(told), "{let_be:?}");
}

#[test]
fn the_memory_of_a_ladder_is_foretold() {
    let taki = Taki::with_models();
    let listed = taki.run(&["ladders", "list", "--json"]).good();
    let foretold = listed["ladders"][0]["memory_bytes"].as_f64().unwrap();
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/questions.jsonl");
    let args =
        ["bench", "--ladder", "smollm2", "--suite", suite, "--limit", "1", "--max-tokens", "4", "--repeats", "1"];
    let bench = taki.run(&[args.as_slice(), &["--context", "8192", "--json"]].concat()).good();
    let used = bench["worker_bytes"].as_f64().unwrap();
    assert!((foretold / used - 1.0).abs() < 0.1, "{foretold} foretold, {used} used");
    assert_eq!(bench["foretold_bytes"].as_f64(), Some(foretold), "it is the same wherever it is told");
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let taki = Taki::with_own_models();
    let at = |name: &str| taki.home.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("bad.toml"), "rungs = 3").unwrap();
    fs::write(at("bad.gguf"), "GGML").unwrap();
    for (args, code) in [
        (vec!["ladders", "remove", "smollm2"], "ladder_stays"),
        (vec!["ladders", "change", "smollm2", "--name", "X"], "ladder_built_in"),
        (vec!["ladders", "show", "../../etc/passwd"], "no_such_ladder"),
        (vec!["ladders", "back", "smollm2"], "never_changed"),
        (vec!["ladders", "back", "none-of-these"], "no_such_ladder"),
        (vec!["ladders", "make", "", "smollm2-135m"], "name_empty"),
        (vec!["ladders", "make", &"long ".repeat(17), "smollm2-135m"], "name_too_long"),
        (vec!["ladders", "export", "smollm2", &at("none/out.toml")], "folder_missing"),
        (vec!["ladders", "make", "Two", "smollm2-135m", "smollm2-135m"], "draft_too_large"),
        (vec!["ladders", "make", "X", "no-such-model"], "no_such_model"),
        (vec!["ladders", "make", "X", "qwen3-0.6b"], "model_not_here"),
        (vec!["ladders", "make", "X", "./no-such.gguf"], "model_unreadable"),
        (vec!["ladders", "make", "X", &at("bad.gguf")], "not_gguf"),
        (vec!["ladders", "import", &at("bad.toml")], "file_unusable"),
        (vec!["ladders", "import", &at("none.toml")], "file_unusable"),
        (vec!["models", "add", &at("bad.gguf")], "not_gguf"),
        (vec!["models", "shrink", "smollm2-135m", "--to", "Q9"], "setting_invalid"),
        (vec!["models", "shrink", "smollm", "--to", "Q2_K"], "no_such_model"),
        (vec!["models", "remove", "no-such-model"], "no_such_model"),
    ] {
        let ran = taki.run(&[args.clone(), vec!["--json"]].concat());
        assert_eq!(ran.code_of_problem(), code, "{args:?}");
    }
    let listed = taki.run(&["ladders", "list", "--json"]).good()["ladders"].clone();
    assert!(listed.as_array().unwrap().iter().all(|ladder| ladder["own"] == false), "none of it became a ladder");
}
