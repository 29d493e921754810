//! What is told of a computer, and handed on.

use std::fs;

use store::{Places, Store};

use crate::run::Taki;

/// A conversation in the home of `taki`, with its instructions, an answer and what was not sent yet.
fn talk(taki: &Taki) {
    let (store, _) = Store::open(&Places::below(taki.home.path())).unwrap();
    let id = store.new_conversation(1.0).unwrap().id;
    store.set_system(id, "Keep every secret.").unwrap();
    let question = store.add_question(id, None, "Where did I bury the secret letters?", 2.0).unwrap();
    let answer = store.begin_answer(question, 3.0).unwrap();
    store.checkpoint(answer, "The secret letters lie below the old oak.").unwrap();
    store.save_unsent(id, "And the other secret?").unwrap();
}

#[test]
fn the_computer_is_told_and_nothing_that_anybody_wrote_is_handed_on() {
    let taki = Taki::with_models();
    let settings = "ladder = \"secret-plans\"\nthreads = 2\nproxy = \"http://me:secret@proxy:1\"\nworkers = [\"127.0.0.1:9\"]\n\
        [[presets]]\nname = \"Secret\"\ntext = \"secret words\"\n";
    let config = taki.home.path().join("config").join("settings.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, settings).unwrap();
    talk(&taki);
    let shown = taki.run(&["chats", "show", "1", "--json"]).good().to_string();
    assert!(shown.contains("bury the secret letters"), "what is not to be handed on is there: {shown}");
    let place = taki.home.path().join("for-help.json");
    let told = taki.run(&["doctor", "--json", "--bundle", place.to_str().unwrap()]).good();
    assert!(told["machine"]["cores"].as_u64().unwrap() >= 1 && told["machine"]["memory"].as_u64().unwrap() > 0);
    assert!(!told["engine"]["processor"].as_array().unwrap().is_empty(), "{told}");
    let module = told["engine"]["processor_module"]["file"].as_str().unwrap_or_default();
    assert!(!cfg!(unix) || module.contains("ggml-cpu"), "{told}");
    // Only a package has several to choose from; then the chosen one is as good as any, and told of with the others.
    let rated = told["engine"]["processor_module"]["rated"].as_array().cloned().unwrap_or_default();
    let score = |name: &str| rated.iter().find(|other| other["file"] == name).and_then(|other| other["score"].as_u64());
    assert_eq!(score(module), rated.first().and_then(|best| best["score"].as_u64()), "{told}");
    assert!(!cfg!(unix) || rated.is_empty() != cfg!(feature = "dynamic-backends"), "{told}");
    assert_eq!(told["engine"]["left_out"][0]["rung"], "127.0.0.1:9");
    assert_eq!(told["threads"], 2);
    let bundle = fs::read_to_string(&place).unwrap();
    let home = taki.home.path().to_str().unwrap();
    for word in ["ecret", "old oak", "bury", "127.0.0.1:9", home] {
        assert!(!bundle.contains(word), "{word} is in it: {bundle}");
    }
    assert!(bundle.contains("\"learned\"") && bundle.contains("\"presets\": 1"), "{bundle}");
    let again = taki.run(&["doctor", "--bundle", place.to_str().unwrap()]);
    assert_eq!(again.code, Some(1), "a file that is there stays as it is");
    assert_eq!(fs::read_to_string(&place).unwrap(), bundle);
    assert!(again.out.contains("Processor") && again.err.contains("for-help.json"), "{again:?}");
}

#[test]
fn what_is_chosen_and_used_is_told_in_the_systems_language_and_to_programs_in_one() {
    let [english, japanese] = [Taki::with_models(), Taki::with_models().in_japanese()];
    let told = english.run(&["doctor"]);
    assert!(told.code == Some(0) && told.out.contains("  computed by"), "{told:?}");
    let built =
        if cfg!(feature = "dynamic-backends") { "none of them uses more of it" } else { "no modules to choose from" };
    assert!(!cfg!(unix) || told.out.contains(built), "{told:?}");
    assert!(told.out.contains("threads for single words"), "they were tried when the ladder was learned: {told:?}");
    let told = japanese.run(&["doctor"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    for name in ["システム", "プロセッサー", "  使う機能", "メモリ", "画面", "グラフィック", "カード用", "使うもの"]
    {
        assert!(told.out.lines().any(|line| line.starts_with(name)), "{name}: {told:?}");
    }
    for words in [" cores", " free", "looked for", "fast mode", " threads", "could be better"] {
        assert!(!told.out.contains(words), "{words}: {told:?}");
    }
    let [english, japanese] = [&english, &japanese].map(|taki| taki.run(&["doctor", "--json"]).good());
    for taken in ["ladder", "exact", "threads_found"] {
        assert_eq!(english[taken], japanese[taken], "{taken}");
    }
    assert!(english["threads_found"]["single"].as_u64().unwrap() >= 1, "{english}");
    let advice = japanese["advice"].as_array().unwrap();
    assert!(advice.iter().all(|line| !line.as_str().unwrap().contains('。')), "{advice:?}");
}
