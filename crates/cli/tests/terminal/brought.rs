//! Models that no list has: in several files, by an address, too large, hardly smaller than their target.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use crate::run::{Ran, Taki, finish};

pub(crate) fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes(), value.as_bytes()].concat()
}

pub(crate) fn pair(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&text(key), kind.to_le_bytes().as_slice(), value].concat()
}

/// A model file of tensors with so many numbers of four bytes, whole but for its weights, which are zeros.
pub(crate) fn gguf(name: &str, pairs: &[Vec<u8>], tensors: &[(&str, u64)]) -> Vec<u8> {
    let words = [8_u32.to_le_bytes().as_slice(), &2_u64.to_le_bytes(), &text("a"), &text("b")].concat();
    let of_model = [
        pair("general.architecture", 8, &text("llama")),
        pair("general.name", 8, &text(name)),
        pair("tokenizer.ggml.tokens", 9, &words),
    ];
    let pairs = if name.is_empty() { pairs.to_vec() } else { [&of_model[..], pairs].concat() };
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend([tensors.len() as u64, pairs.len() as u64].iter().flat_map(|count| count.to_le_bytes()));
    bytes.extend(pairs.concat());
    let mut offset = 0_u64;
    for (name, numbers) in tensors {
        bytes.extend(text(name));
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(numbers.to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        offset += (4 * numbers).next_multiple_of(32);
    }
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    bytes
}

pub(crate) fn write(path: &Path, header: &[u8], weights: u64) {
    fs::write(path, header).unwrap();
    File::options().write(true).open(path).unwrap().set_len(header.len() as u64 + weights).unwrap();
}

#[test]
fn files_of_a_ladder_that_is_refused_are_not_left_in_the_list() {
    let taki = Taki::bare();
    let at = |name: &str| taki.home.path().join(name);
    write(&at("big.gguf"), &gguf("Big", &[], &[("a.weight", 64)]), 256);
    write(&at("small.gguf"), &gguf("Small", &[], &[("a.weight", 32)]), 128);
    let [big, small] = ["big.gguf", "small.gguf"].map(|name| at(name).display().to_string());
    taki.run(&["models", "add", "--json", &big]).good();
    let refused = taki.run(&["ladders", "make", "X", &small, &big, "--json"]);
    assert_eq!(refused.problem().0, "draft_too_large", "{refused:?}");
    fs::write(at("bad.gguf"), "GGML").unwrap();
    let refused = taki.run(&["ladders", "make", "X", &small, at("bad.gguf").to_str().unwrap(), "--json"]);
    assert_eq!(refused.problem().0, "not_gguf", "{refused:?}");
    let listed = taki.run(&["models", "list", "--json"]).good().to_string();
    assert!(listed.contains("\"big\"") && !listed.contains("\"small\""), "{listed}");
}

#[test]
fn the_parts_of_a_model_come_in_as_one() {
    let taki = Taki::bare();
    let at = |part: u16| taki.home.path().join(format!("mine-{part:05}-of-00002.gguf"));
    let numbers =
        |part: u16| [pair("split.no", 2, &(part - 1).to_le_bytes()), pair("split.count", 2, &2_u16.to_le_bytes())];
    write(&at(1), &gguf("Mine", &numbers(1), &[("a.weight", 64)]), 256);
    let first = at(1).display().to_string();
    let reason = |ran: &Ran| ran.problem().1;
    let alone = reason(&taki.run(&["models", "add", "--json", &first]));
    assert!(alone.contains("mine-00002-of-00002.gguf is not beside it"), "{alone}");
    write(&at(2), &gguf("", &numbers(2), &[("b.weight", 32)]), 128);
    let second = at(2).display().to_string();
    let chat = reason(&taki.run(&["chat", "--json", "--once", "Hi", "--ladder", &first]));
    assert!(chat.contains("part 1 of 2") && chat.contains("taki models add"), "{chat}");
    assert!(reason(&taki.run(&["models", "add", "--json", &second])).contains("00001"));
    let added = taki.run(&["models", "add", "--json", &first, &second]).good()["added"].clone();
    assert_eq!(added.as_array().unwrap().len(), 1, "{added}");
    let whole = gguf("Mine", &[], &[("a.weight", 64), ("b.weight", 32)]).len() + 256 + 128;
    assert_eq!((&added[0]["id"], &added[0]["bytes"]), (&"mine".into(), &whole.into()));
}

/// A repository of files with the words that their addresses have, their contents and their hashes.
pub(crate) fn repository(files: Vec<(&'static str, Vec<u8>, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // Lives as long as the tests do.
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            let is_head = first.starts_with("HEAD");
            let Some((_, contents, hash)) = files.iter().find(|(word, ..)| first.contains(word)) else { continue };
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let (commit, size) = ("0123456789".repeat(4), contents.len());
            let told = format!("X-Repo-Commit: {commit}\r\nX-Linked-Size: {size}\r\nX-Linked-Etag: \"{hash}\"");
            let _ = write!(stream, "HTTP/1.1 200 OK\r\n{told}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(if is_head { &[] } else { contents });
        }
    });
    endpoint
}

#[test]
fn a_model_comes_in_by_the_address_of_its_page() {
    let elsewhere = Taki::bare();
    let file = elsewhere.home.path().join("tiny.gguf");
    write(&file, &gguf("Tiny", &[], &[("a.weight", 64)]), 256);
    let known = elsewhere.run(&["models", "add", "--json", &file.display().to_string()]).good()["added"][0].clone();
    let endpoint = repository(vec![("", fs::read(&file).unwrap(), known["sha256"].as_str().unwrap().to_owned())]);
    let taki = Taki::bare();
    let rules = taki.home.path().join("policy.toml");
    let fetch = |address: &str| {
        let mut command = taki.command(["models", "fetch", "--json", address]);
        command.env("HF_ENDPOINT", &endpoint).env("TAKI_SOURCE", "huggingface");
        if rules.exists() {
            command.env("TAKI_POLICY", &rules);
        }
        finish(command, b"")
    };
    let page = format!("{endpoint}/maker/tiny/blob/main/tiny-F32.gguf");
    let fetched = fetch(&page).good();
    assert_eq!(fetched["name"], "tiny");
    assert_eq!(fs::read(fetched["paths"][0].as_str().unwrap()).unwrap(), fs::read(&file).unwrap());
    assert_eq!(fetch(&page).good(), fetched, "no second one");
    let recipe = taki.run(&["ladders", "show", "tiny"]).out;
    assert!(recipe.contains(&"0123456789".repeat(4)) && recipe.contains("tiny-F32.gguf"), "{recipe}");
    for other in ["https://example.org/some/page", "ftp://example.org/m.gguf", "https://huggingface.co/maker/tiny"] {
        assert_eq!(fetch(other).code_of_problem(), "address_unusable", "{other}");
    }
    fs::write(&rules, "ladders = [\"smollm2\"]\n").unwrap();
    assert_eq!(fetch(&page).code_of_problem(), "not_allowed");
}

#[test]
fn a_draft_that_never_fits_is_not_downloaded_with_a_ladder_that_was_brought() {
    let elsewhere = Taki::bare();
    let words = [8_u32.to_le_bytes().as_slice(), &2_u64.to_le_bytes(), &text("c"), &text("d")].concat();
    let others = [pair("general.architecture", 8, &text("llama")), pair("tokenizer.ggml.tokens", 9, &words)];
    let file = |id: &'static str, header: &[u8], weights: u64| {
        let path = elsewhere.home.path().join(format!("{id}.gguf"));
        write(&path, header, weights);
        let added = elsewhere.run(&["models", "add", "--json", path.to_str().unwrap()]).good()["added"][0].clone();
        let (bytes, hash) = (added["bytes"].as_u64().unwrap(), added["sha256"].as_str().unwrap().to_owned());
        let toml = format!(
            "[[model]]\nid = \"{id}\"\nname = \"{id}\"\nfile = \"{id}.gguf\"\nbytes = {bytes}\nsha256 = \"{hash}\"\n\
             [[model.source]]\nkind = \"hugging_face\"\nrepository = \"maker/{id}\"\nrevision = \"{}\"\n",
            "0123456789".repeat(4)
        );
        (toml, (id, fs::read(path).unwrap(), hash))
    };
    let (target, its_file) = file("target", &gguf("Target", &[], &[("a.weight", 64)]), 256);
    let (draft, other_file) = file("stranger", &gguf("", &others, &[("a.weight", 32)]), 128);
    let endpoint = repository(vec![its_file, other_file]);
    let taki = Taki::bare();
    let recipe = taki.home.path().join("brought.toml");
    let head = "taki_recipe = 1\nid = \"brought\"\nname = \"Brought\"\nrungs = [\"target\", \"stranger\"]\n";
    fs::write(&recipe, format!("{head}{target}{draft}")).unwrap();
    taki.run(&["ladders", "import", recipe.to_str().unwrap(), "--json"]).good();
    let mut command = taki.command(["models", "fetch", "brought", "--json"]);
    command.env("HF_ENDPOINT", &endpoint).env("TAKI_SOURCE", "huggingface");
    let ran = finish(command, b"");
    assert_eq!(ran.good()["paths"].as_array().unwrap().len(), 1, "{ran:?}");
    assert!(ran.err.contains("left out and not downloaded") && ran.err.contains("“stranger”"), "{ran:?}");
    let shown = taki.run(&["ladders", "show", "brought"]).out;
    assert!(shown.contains("rungs = [\"target\"]"), "{shown}");
    taki.run(&["ladders", "back", "brought", "--json"]).good();
    assert!(taki.run(&["ladders", "show", "brought"]).out.contains("rungs = [\"target\", \"stranger\"]"), "{shown}");
}

#[test]
fn what_does_not_fit_is_refused_before_anything_of_it_is_read() {
    let taki = Taki::bare();
    let path = taki.home.path().join("giant.gguf");
    // A file of a terabyte that takes no room: whoever read it would not come back.
    let numbers = 1_u64 << 38;
    write(&path, &gguf("Giant", &[], &[("a.weight", numbers)]), 4 * numbers);
    let told = taki.run(&["chat", "--json", "--once", "Hi", "--ladder", &path.display().to_string()]).problem();
    assert_eq!(told.0, "memory_short", "{told:?}");
}

#[test]
fn a_draft_that_reads_nearly_as_much_as_its_target_is_told() {
    let taki = Taki::bare();
    let file = |name: &str, numbers: u64| {
        let path = taki.home.path().join(format!("{name}.gguf"));
        write(&path, &gguf(name, &[], &[("a.weight", numbers)]), 4 * numbers);
        path.display().to_string()
    };
    let (target, near, small) = (file("target", 1000), file("near", 904), file("small", 104));
    let made = taki.run(&["ladders", "make", "Both", &target, &near, &small]);
    assert!(made.code == Some(0) && made.err.contains("near: It reads 90% of what target reads"), "{made:?}");
    assert!(!made.err.contains("small: It reads"), "{made:?}");
    let told = taki.run(&["models", "inspect", &target, &near, &small]).out;
    assert_eq!(told.matches("hardly be faster").count(), 1, "{told}");
    let rows = taki.run(&["models", "inspect", "--json", &target, &small]).good();
    assert_eq!(rows["models"][1]["reads_beside_first"], 0.104);
}
