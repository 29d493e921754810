//! Model files: lists, fetching, checking.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use catalog::Catalog;
use serde_json::{Value, json};

use crate::brought::{gguf, pair, text};
use crate::run::{Taki, finish, ladder, qwen};

#[test]
fn the_lists_name_everything_of_the_catalogue() {
    let taki = Taki::bare();
    let models = taki.run(&["models", "list", "--json"]).good();
    let models = models["models"].as_array().unwrap();
    assert!(models.iter().any(|model| model["id"] == "smollm2-135m" && model["path"].is_null()), "{models:?}");
    let ladders = taki.run(&["ladders", "list", "--json"]).good();
    let ladders = ladders["ladders"].as_array().unwrap();
    assert!(ladders.iter().any(|ladder| ladder["id"] == "smollm2" && ladder["missing_bytes"].as_u64() > Some(0)));
    let words = taki.run(&["ladders", "list"]).out;
    assert!(words.contains("qwen-coder") && words.contains("to fetch"), "{words}");
}

#[test]
fn what_cannot_be_fetched_is_said_so() {
    let taki = Taki::bare();
    let (code, _, next) = taki.run(&["models", "fetch", "nope", "--json"]).problem();
    assert_eq!(code, "no_such_model");
    assert!(next.contains("smollm2"), "{next}");
    let empty = tempfile::tempdir().unwrap();
    let fetch = |source: &std::ffi::OsStr| {
        let mut command = taki.command(["models", "fetch", "smollm2", "--json"]);
        command.env("TAKI_SOURCE", source);
        finish(command, b"").code_of_problem()
    };
    assert_eq!(fetch(empty.path().as_os_str()), "not_in_source");
    assert_eq!(fetch("nowhere".as_ref()), "setting_invalid");
    let mut command = taki.command(["ladders", "list"]);
    command.env("TAKI_SOURCE", empty.path());
    let listed = finish(command, b"").out;
    let line = listed.lines().find(|line| line.starts_with("qwen-coder")).unwrap();
    assert!(line.contains("are missing, not all of it in the folder") && !line.contains("to fetch"), "{line}");
    assert_eq!(taki.run(&["models", "verify", "smollm2", "--json"]).code_of_problem(), "not_installed");
}

#[test]
fn a_fetched_model_is_whole_and_damage_is_found() {
    let from = ladder("smollm2").unwrap_or_else(|problem| panic!("{problem} Run `make models`.")).rungs[0].path.clone();
    let taki = Taki::bare();
    let mut command = taki.command(["models", "fetch", "smollm2", "--json"]);
    let source = tempfile::tempdir().unwrap();
    fs::copy(&from, source.path().join("SmolLM2-135M-Instruct.Q4_1.gguf")).unwrap();
    command.env("TAKI_SOURCE", source.path());
    let ran = finish(command, b"");
    let path = ran.good()["paths"][0].as_str().unwrap().to_owned();
    assert!(ran.err.contains("98 MB") && ran.err.contains("smollm2 is ready."), "{}", ran.err);
    assert!(!ran.err.contains('\r'), "a log has no rewritten lines: {}", ran.err);
    assert_eq!(taki.run(&["models", "verify", "smollm2", "--json"]).good()["whole"][0], "smollm2-135m");

    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(taki.run(&["models", "verify", "smollm2-135m", "--json"]).code_of_problem(), "model_damaged");
    let ran = taki.run(&["chat", "--json", "--once", "Hello"]);
    assert_eq!(ran.code_of_problem(), "not_installed", "the damaged file is out of the way");
}

#[test]
fn models_come_from_the_folder_of_the_settings_and_over_a_damaged_part() {
    let from = ladder("smollm2").unwrap_or_else(|problem| panic!("{problem} Run `make models`.")).rungs[0].path.clone();
    let taki = Taki::bare();
    let at = |name: &str| taki.home.path().join(name);
    let (stick, rules) = (at("stick"), at("policy.toml"));
    fs::create_dir(at("config")).unwrap();
    fs::write(at("config/settings.toml"), format!("source = {stick:?}\n")).unwrap();
    let fetch = |variable: &str, value: &Path| {
        let mut command = taki.command(["models", "fetch", "smollm2", "--json"]);
        command.env(variable, value);
        finish(command, b"")
    };
    fs::write(&rules, "").unwrap();
    let (code, sentence, _) = fetch("TAKI_POLICY", &rules).problem();
    assert!(code == "source_missing" && sentence.contains(stick.to_str().unwrap()), "{sentence}");
    fs::create_dir(&stick).unwrap();
    fs::copy(&from, stick.join(from.file_name().unwrap())).unwrap();
    fs::write(&rules, "[settings]\nsource = \"/no/such/stick\"\n").unwrap();
    assert_eq!(fetch("TAKI_POLICY", &rules).code_of_problem(), "source_missing", "the administrator's goes before it");
    fs::create_dir(at("empty")).unwrap();
    assert_eq!(fetch("TAKI_SOURCE", &at("empty")).code_of_problem(), "not_in_source", "and so does the environment's");
    // As long as it should be, and none of it right.
    let part = at("models/staging").join(from.with_extension("part").file_name().unwrap());
    fs::File::create(part).unwrap().set_len(fs::metadata(&from).unwrap().len()).unwrap();
    let ran = taki.run(&["models", "fetch", "smollm2", "--json"]);
    ran.good();
    assert_eq!(ran.err.matches("was damaged: all of it is fetched once more.").count(), 1, "{}", ran.err);
}

#[test]
fn what_is_half_downloaded_is_told() {
    let taki = Taki::bare();
    let folder = taki.run(&["models", "list", "--json"]).good()["folder"].as_str().unwrap().to_owned();
    let catalog = Catalog::builtin();
    let hash = catalog.model("smollm2-135m").unwrap().sha256.as_str();
    let staging = Path::new(&folder).join("staging");
    fs::create_dir(&staging).unwrap();
    fs::File::create(staging.join(format!("{hash}.part"))).unwrap().set_len(30_000_000).unwrap();
    for (list, id, told) in [
        ("models", "smollm2-135m", "not installed, 30 MB of 98 MB are here"),
        ("ladders", "smollm2", "98 MB to fetch, 30 MB of it are here"),
    ] {
        let words = taki.run(&[list, "list"]).out;
        assert_eq!(words.matches(" are here").count(), 1, "{words}");
        assert!(words.lines().any(|line| line.starts_with(id) && line.contains(told)), "{words}");
        let rows = taki.run(&[list, "list", "--json"]).good()[list].clone();
        let partial = |row: &Value| row["partial_bytes"].as_u64().unwrap_or(0);
        let here: Vec<_> = rows.as_array().unwrap().iter().filter(|row| partial(row) > 0).collect();
        assert!(here.len() == 1 && here[0]["id"] == id && partial(here[0]) == 30_000_000, "{here:?}");
    }
}

#[test]
fn what_is_not_whole_of_a_model_is_told_and_can_be_removed() {
    let taki = Taki::bare();
    let folder = taki.run(&["models", "list", "--json"]).good()["folder"].as_str().unwrap().to_owned();
    let catalog = Catalog::builtin();
    let hash = catalog.model("smollm2-135m").unwrap().sha256.as_str();
    let remove = ["models", "remove", "smollm2-135m", "--json"];
    assert_eq!(taki.run(&remove).code_of_problem(), "model_not_here");
    let folder = Path::new(&folder);
    let (bad, part) = (folder.join(format!("quarantine/{hash}.gguf")), folder.join(format!("staging/{hash}.part")));
    for (path, bytes) in [(&bad, 98_000_000), (&part, 30_000_000), (&part.with_extension("lock"), 0)] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(path).unwrap().set_len(bytes).unwrap();
    }
    // A ladder of one's own that has it needs nothing of that.
    taki.run(&["ladders", "copy", "smollm2", "Mine", "--json"]).good();
    let listed = taki.run(&["models", "list"]).out;
    assert!(listed.contains("30 MB of 98 MB are here, a wrong file of 98 MB is set aside\n"), "{listed}");
    let anew = "98 MB to fetch, 30 MB of it are here, once more, for what was here before was damaged";
    let said = || taki.run(&["ladders", "list"]).out.contains(anew);
    assert!(said());
    let removed = taki.run(&remove).good();
    assert_eq!((&removed["removed"], &removed["not_whole_bytes"]), (&json!("smollm2-135m"), &json!(128_000_000)));
    assert!(!bad.exists() && !part.exists() && !said());
    assert_eq!(taki.run(&remove).code_of_problem(), "model_not_here");
}

/// A repository that has another file, none, and trouble.
fn repository() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // Lives as long as the tests do.
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let commit = first.split('/').nth(4).unwrap_or_default();
            let answer = match () {
                () if first.contains("SmolLM2-135M") => {
                    let tag = "a".repeat(64);
                    format!("200 OK\r\nX-Repo-Commit: {commit}\r\nX-Linked-Size: 5\r\nX-Linked-Etag: \"{tag}\"")
                }
                () if first.contains("1.5b") => "404 Not Found".to_owned(),
                () => "503 Service Unavailable".to_owned(),
            };
            let _ = write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    endpoint
}

#[test]
fn what_differs_from_the_list_is_told_apart_from_what_could_not_be_asked_about() {
    let taki = Taki::bare();
    let endpoint = repository();
    let check = |args: &[&str]| {
        let mut command = taki.command([&["models", "check"], args].concat());
        command.env("HF_ENDPOINT", &endpoint);
        finish(command, b"")
    };
    let ran = check(&["smollm2", "qwen-coder", "--json"]);
    let found: Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!((&found["unasked"], &found["differ"]), (&1.into(), &2.into()), "{found}");
    let state =
        |id: &str| found["models"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap()["state"].clone();
    let states = ["smollm2-135m", "qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"].map(state);
    assert_eq!(states, ["differs", "differs", "unasked"]);
    let (code, sentence, next) = ran.problem();
    assert!(code == "list_differs" && sentence.starts_with("2 of 3 files") && next.contains("Update Taki"), "{ran:?}");
    assert!(ran.err.contains("1 of 3 files could not be looked up") && ran.err.contains("connection"), "{ran:?}");
    let unasked = check(&["qwen2.5-coder-0.5b", "--json"]).problem();
    assert_eq!(unasked.0, "look_up_failed", "nothing differs as far as anybody knows: {unasked:?}");
    let differs = check(&["qwen2.5-coder-1.5b"]);
    assert!(differs.code == Some(1) && !differs.err.contains("connection"), "it is not the connection: {differs:?}");
}

/// A repository of files that are as large as the list says, of which it gives the beginnings only. The 1B model has other words than all others.
fn beginnings() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let words = [8_u32.to_le_bytes().as_slice(), &2_u64.to_le_bytes(), &text("c"), &text("d")].concat();
    let others = [pair("general.architecture", 8, &text("llama")), pair("tokenizer.ggml.tokens", 9, &words)];
    // Lives as long as the tests do.
    thread::spawn(move || {
        let catalog = Catalog::builtin();
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let Some(offer) = catalog.offers().find(|offer| first.contains(&offer.file)) else { continue };
            let size = offer.about_bytes;
            if first.starts_with("HEAD") {
                let (commit, tag) = ("0123456789".repeat(4), "a".repeat(64));
                let told = format!("X-Repo-Commit: {commit}\r\nX-Linked-Size: {size}\r\nX-Linked-Etag: \"{tag}\"");
                let _ = write!(stream, "HTTP/1.1 200 OK\r\n{told}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                continue;
            }
            let tensors = [("a.weight", size / 8)];
            let header = if first.contains("3.2-1B") { gguf("", &others, &tensors) } else { gguf("It", &[], &tensors) };
            let span = format!("Content-Length: {size}\r\nContent-Range: bytes 0-{}/{size}", size - 1);
            let _ = write!(stream, "HTTP/1.1 206 Partial Content\r\n{span}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(&header);
        }
    });
    endpoint
}

#[test]
fn a_draft_of_the_list_that_does_not_go_with_its_target_is_found() {
    let taki = Taki::bare();
    let endpoint = beginnings();
    let check = |ladder: &str| {
        let mut command = taki.command(["models", "check", ladder, "--json"]);
        command.env("HF_ENDPOINT", &endpoint);
        finish(command, b"")
    };
    let good = check("sarashina2.2-3b").good();
    assert_eq!((&good["unasked"], &good["differ"]), (&0.into(), &0.into()), "{good}");
    let pair = json!({ "ladder": "sarashina2.2-3b", "draft": "sarashina2.2-0.5b", "fits": true, "problem": null });
    assert_eq!(good["pairs"], json!([pair]));
    let bad = check("llama-3.2-3b");
    let found: Value = serde_json::from_str(bad.out.lines().next().unwrap()).unwrap();
    assert!(found["differ"] == 0 && found["pairs"][0]["fits"] == false, "{found}");
    assert_eq!(bad.problem().0, "tokenizers_differ");
    assert!(bad.problem().1.contains("llama-3.2-1b"), "{bad:?}");
}

#[test]
fn a_model_is_told_by_its_header() {
    let taki = Taki::with_models();
    let looked = taki.run(&["models", "inspect", "--json", "smollm2-135m", "smollm2-135m"]);
    let models = &looked.good()["models"];
    assert_eq!(
        (&models[0]["architecture"], &models[0]["mix"], &models[0]["kind"]),
        (&"llama".into(), &"Q4_1".into(), &"writes".into())
    );
    assert_eq!((&models[0]["layers"], &models[0]["context"]), (&30.into(), &8192.into()));
    // 3 heads of 64 figures of 2 bytes for keys and for values, in each of 30 layers.
    assert_eq!(models[0]["cache_bytes_per_token"], 2 * 3 * 2 * 64 * 30);
    assert_eq!(
        (&models[1]["drafts_for_first"], &models[1]["problem"]["code"]),
        (&false.into(), &"draft_too_large".into())
    );
    let told = taki.run(&["models", "inspect", "smollm2-135m"]).out;
    assert!(["llama Q4_1", "writes text", "licence: apache-2.0"].iter().all(|what| told.contains(what)), "{told}");
    assert_eq!(taki.run(&["models", "inspect", "--json", "/none.gguf"]).code_of_problem(), "model_unreadable");
    let some = taki.run(&["models", "inspect", "/none.gguf", "smollm2-135m"]);
    assert!(some.code == Some(1) && some.out.contains("llama") && some.err.contains("/none.gguf"), "{some:?}");
    let plain = taki.run(&["models", "inspect", "--json", "http://models.example/m.gguf"]);
    assert_eq!(plain.code_of_problem(), "address_unusable");
}

#[test]
fn a_model_that_is_not_here_is_looked_at_where_it_is_to_come_from() {
    let taki = Taki::bare();
    let folder = taki.home.path().join("stick");
    fs::create_dir(&folder).unwrap();
    let catalog = Catalog::builtin();
    let (known, offer) = (catalog.model("qwen2.5-coder-0.5b").unwrap(), catalog.offers().next().unwrap());
    let inspect = |source: &str, id: &str, endpoint: &str| {
        let mut command = taki.command(["models", "inspect", "--json", id]);
        command.env("TAKI_SOURCE", source).env("HF_ENDPOINT", endpoint);
        finish(command, b"")
    };
    let source = folder.to_str().unwrap();
    for (id, file) in [(&known.id, &known.file), (&offer.id, &offer.file)] {
        // Nobody answers there.
        let look = || inspect(source, id, "http://127.0.0.1:1");
        let (code, sentence, next) = look().problem();
        assert!(code == "not_in_source" && sentence.contains(source) && next.contains(file), "{sentence} {next}");
        fs::write(folder.join(file), [gguf("It", &[], &[("a.weight", 8)]), vec![0; 32]].concat()).unwrap();
        assert_eq!(look().good()["models"][0]["architecture"], "llama", "{id}");
    }
    let offered = inspect("", &offer.id, &beginnings()).good();
    assert_eq!(offered["models"][0]["bytes"], offer.about_bytes, "{offered}");
}

#[test]
fn a_draft_is_told_from_a_stranger() {
    // Where the larger ladder is here.
    if qwen().is_none() {
        return;
    }
    let taki = Taki::with_models();
    let of = ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b", "smollm2-135m"];
    let looked = taki.run(&[&["models", "inspect", "--json"][..], &of].concat());
    let looked = looked.good();
    let verdict =
        |at: usize| (looked["models"][at]["drafts_for_first"].clone(), looked["models"][at]["problem"]["code"].clone());
    assert_eq!(verdict(1), (true.into(), Value::Null));
    assert_eq!(verdict(2), (false.into(), "tokenizers_differ".into()));
    let by_text = [1, 2].map(|at: usize| looked["models"][at]["drafts_by_text"].clone());
    assert_eq!(by_text, [false, true], "only where somebody asks for it");
}
