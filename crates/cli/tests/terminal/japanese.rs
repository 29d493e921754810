//! What is printed is in Japanese where the system is, and nothing of it in English; JSON is the same everywhere.

use std::fs;

use catalog::Catalog;
use serde_json::{Value, json};

use crate::brought::{gguf, pair, repository, text, write};
use crate::run::{Ran, Taki, finish};

/// Units, and names that are the same in every language.
const SAME: [&str; 9] = ["bytes", "kB", "MB", "GB", "Max-Gram", "Hugging Face", "Taki", "Ctrl+C", "Enter"];

/// What the list has names for, with `own`; the longest first.
fn names(own: &[&str]) -> Vec<String> {
    let catalog = Catalog::builtin();
    let models = catalog.models().iter().flat_map(|model| [&model.id, &model.name, &model.licence.spdx]);
    let offers = catalog.offers().flat_map(|offer| [&offer.id, &offer.name, &offer.licence.spdx]);
    let ladders =
        catalog.ladders().iter().chain(catalog.offered_ladders()).flat_map(|ladder| [&ladder.id, &ladder.name]);
    let mut names: Vec<String> = models.chain(offers).chain(ladders).cloned().collect();
    names.extend(own.iter().chain(&SAME).map(|name| (*name).to_owned()));
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names
}

/// The words of a line that stand there in English: no names, commands, options, files or addresses.
fn english(line: &str, names: &[String]) -> Vec<String> {
    let mut line = line.to_owned();
    // A command ends where it is quoted, or with the line.
    while let Some(at) = line.find("taki ") {
        let end = line[at..].find('」').map_or(line.len(), |end| at + end);
        line.replace_range(at..end, "");
    }
    for name in names {
        line = line.replace(name, "");
    }
    let is_hash = |word: &str| word.len() == 12 && word.chars().all(|c| c.is_ascii_hexdigit());
    let is_file = |word: &str| word.contains('/') || word.starts_with("--");
    let words =
        line.split([' ', '（', '）', '：', '「', '」', '、', '。']).filter(|word| !is_hash(word) && !is_file(word));
    let letters = |word: &str| word.split(|c: char| !c.is_ascii_alphabetic()).map(str::to_owned).collect::<Vec<_>>();
    words.flat_map(letters).filter(|letters| letters.len() > 1).collect()
}

/// Everything that a run which went well told is Japanese.
fn is_japanese(args: &[&str], ran: &Ran, own: &[&str]) {
    assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
    let names = names(own);
    let mut told = 0;
    for line in ran.out.lines().chain(ran.err.lines()).filter(|line| !line.is_empty()) {
        assert!(english(line, &names).is_empty(), "{args:?}: {line}: {:?}", english(line, &names));
        told += 1;
    }
    assert!(told > 0, "{args:?}: {ran:?}");
}

/// JSON without what is another one at each moment and in each home.
fn even(json: Value, home: &str) -> Value {
    match json {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(key, _)| !key.ends_with("_ms"));
            // Whoever reads Japanese is to have a model that writes it.
            let fields = fields.filter(|(key, _)| key != "suggested");
            Value::Object(fields.map(|(key, value)| (key, even(value, home))).collect())
        }
        Value::Array(values) => values.into_iter().map(|value| even(value, home)).collect(),
        Value::String(text) => json!(text.replace(home, "HOME")),
        value => value,
    }
}

/// Does the same in Japanese, in Japanese as JSON and in English as JSON. `HOME` in an argument is the home folder.
fn alike(homes: [&Taki; 3], command: &str, own: &[&str]) {
    let [told, as_json] = [&[][..], &["--json"]];
    let [japanese, json, english] = [(homes[0], told), (homes[1], as_json), (homes[2], as_json)].map(|(taki, more)| {
        let home = taki.home.path().to_str().unwrap();
        let args: Vec<_> = command.split(' ').map(|word| word.replace("HOME", home)).collect();
        let args: Vec<_> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        (taki.run(&args), home)
    });
    is_japanese(&[command], &japanese.0, own);
    let [json, english] = [json, english].map(|(ran, home)| even(ran.good(), home));
    assert_eq!(json, english, "{command}");
}

#[test]
fn ladders_and_models_are_told_of_in_japanese_and_in_the_same_json() {
    let homes = [Taki::bare().in_japanese(), Taki::bare().in_japanese(), Taki::bare()];
    for taki in &homes {
        let at = |name: &str| taki.home.path().join(name);
        for (name, numbers) in [("big", 1000), ("near", 904), ("small", 104)] {
            write(&at(&format!("{name}.gguf")), &gguf(name, &[], &[("a.weight", numbers)]), 4 * numbers);
        }
        let words = [8_u32.to_le_bytes().as_slice(), &2_u64.to_le_bytes(), &text("c"), &text("d")].concat();
        let others = [pair("general.architecture", 8, &text("llama")), pair("tokenizer.ggml.tokens", 9, &words)];
        write(&at("other.gguf"), &gguf("", &others, &[("a.weight", 104)]), 416);
    }
    // What a recipe says of itself is told as it is written; that of a copy is English.
    let own = [
        "Mine",
        "Ours",
        "Both",
        "mine",
        "both",
        "near",
        "small",
        "big",
        "A tiny assistant that starts at once on any computer",
    ];
    for command in [
        "ladders list",
        "models list",
        "ladders removed",
        "ladders copy smollm2 Mine",
        "ladders versions mine",
        "ladders change mine --name Ours",
        "ladders change mine --name Ours",
        "ladders versions mine",
        "ladders back mine",
        "ladders export mine HOME/out.toml",
        "ladders import HOME/out.toml",
        "ladders remove mine",
        "ladders removed",
        "ladders back mine",
        "models inspect HOME/big.gguf HOME/near.gguf HOME/small.gguf HOME/other.gguf",
        "models add HOME/big.gguf",
        "ladders make Both HOME/big.gguf HOME/near.gguf HOME/small.gguf",
        "models list",
        "ladders list",
        "models verify both",
        "ladders export both HOME/both/out.toml --with-models",
        "ladders remove both --with-files",
        "ladders back both",
        "ladders list",
        "ladders remove both",
    ] {
        for taki in &homes {
            fs::create_dir_all(taki.home.path().join("both")).unwrap();
        }
        alike([&homes[0], &homes[1], &homes[2]], command, &[&own[..], &["llama"]].concat());
    }
    // It differs by language which one suits, so there is no JSON to compare.
    is_japanese(&["ladders suggest"], &homes[0].run(&["ladders", "suggest"]), &own);
}

#[test]
fn what_is_not_whole_and_what_is_fetched_is_told_in_japanese() {
    let elsewhere = Taki::bare();
    let file = elsewhere.home.path().join("tiny.gguf");
    write(&file, &gguf("Tiny", &[], &[("a.weight", 64)]), 256);
    let known = elsewhere.run(&["models", "add", "--json", file.to_str().unwrap()]).good()["added"][0].clone();
    let endpoint = repository(vec![("", fs::read(&file).unwrap(), known["sha256"].as_str().unwrap().to_owned())]);
    let homes = [Taki::bare().in_japanese(), Taki::bare().in_japanese(), Taki::bare()];
    let hash = Catalog::builtin().model("smollm2-135m").unwrap().sha256.as_str().to_owned();
    for taki in &homes {
        let models = taki.run(&["models", "list", "--json"]).good()["folder"].as_str().unwrap().to_owned();
        for (place, bytes) in [("quarantine/HASH.gguf", 98_000_000), ("staging/HASH.part", 30_000_000)] {
            let path = std::path::Path::new(&models).join(place.replace("HASH", &hash));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::File::create(path).unwrap().set_len(bytes).unwrap();
        }
    }
    for command in ["models list", "ladders list", "models remove smollm2-135m"] {
        alike([&homes[0], &homes[1], &homes[2]], command, &[]);
    }
    let page = format!("{endpoint}/maker/tiny/blob/main/tiny-F32.gguf");
    let fetch = |taki: &Taki, more: &[&str]| {
        let mut command = taki.command([&["models", "fetch", page.as_str()], more].concat());
        command.env("HF_ENDPOINT", &endpoint).env("TAKI_SOURCE", "huggingface");
        finish(command, b"")
    };
    let told = fetch(&homes[0], &[]);
    assert!(told.err.contains("ダウンロードしています…") && told.err.contains("の準備ができました"), "{told:?}");
    is_japanese(&["models", "fetch"], &told, &["Tiny", "tiny", endpoint.trim_start_matches("http://")]);
    let [json, english] =
        [&homes[1], &homes[2]].map(|taki| even(fetch(taki, &["--json"]).good(), taki.home.path().to_str().unwrap()));
    assert_eq!(json, english);
}

#[test]
fn a_chat_and_smaller_versions_are_told_of_in_japanese() {
    let taki = Taki::with_own_models().in_japanese();
    let chat = ["chat", "--once", "Hello", "--max-tokens", "4", "--ladder", "smollm2"];
    let ran = taki.run(&chat);
    assert!(ran.err.contains("トークン") && ran.err.contains("--max-tokens の上限に到達"), "{ran:?}");
    is_japanese(&chat, &Ran { out: String::new(), ..ran }, &[]);
    let talk = ["chat", "--ladder", "smollm2"];
    is_japanese(&talk, &taki.run_with(&talk, b"/help\n/new\n"), &["/new", "/quit"]);
    let shrink = ["models", "shrink", "smollm2", "--to", "Q2_K", "--no-probe"];
    is_japanese(&shrink, &taki.run(&shrink), &["smollm2-135m-q2-k"]);
    for command in ["models inspect smollm2-135m smollm2-135m", "models verify smollm2", "chats list"] {
        let args: Vec<_> = command.split(' ').collect();
        is_japanese(&args, &taki.run(&args), &["Smollm2 135M 8k Lc100K Mix1 Ep2", "llama", "apache-2.0"]);
    }
}
