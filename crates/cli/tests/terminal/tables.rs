//! N-gram tables, counted, shown and erased.

use std::fs;

use crate::run::Taki;

/// Taki with this computer's models in a folder of its own, so that nobody else's table is touched.
fn taki() -> Taki {
    let taki = Taki::with_own_models();
    fs::write(
        taki.home.path().join("notes.txt"),
        "The river runs to the sea. The river runs to the hills.\n".repeat(9),
    )
    .unwrap();
    taki
}

#[test]
fn a_table_is_counted_used_shown_and_erased() {
    let taki = taki();
    let file = taki.home.path().join("notes.txt");
    let file = file.to_str().unwrap();
    let shown = || taki.run(&["table", "show", "--json"]).good()["tables"].clone();
    assert_eq!(shown(), serde_json::json!([]));
    let built = taki.run(&["table", "build", "--json", "--ladder", "smollm2", file, file]).good()["table"].clone();
    let count = |name: &str| built[name].as_u64().unwrap();
    assert!(
        count("contexts") > 10 && count("tokens") > 200 && count("bytes") == 24 + 16 * count("contexts"),
        "{built}"
    );
    assert_eq!((&shown()[0]["contexts"], &shown()[0]["ladder"]), (&built["contexts"], &"smollm2".into()));
    let chat = ["chat", "--once", "Hello", "--max-tokens", "4", "--ladder", "smollm2", "--json"];
    let quiet = taki.run(&chat);
    assert!(quiet.code == Some(0) && !quiet.err.contains("table"), "{quiet:?}");
    let place = shown()[0]["path"].as_str().unwrap().to_owned();
    fs::write(&place, b"TAKIGRAM").unwrap();
    let told = taki.run(&chat);
    assert!(told.code == Some(0) && told.err.contains(&place), "an answer all the same, and a word about it: {told:?}");
    for model in fs::read_dir(taki.home.path().join("models")).unwrap() {
        // It was counted for a model that need not be here any more.
        let model = model.unwrap().path();
        if model.is_file() {
            fs::remove_file(model).unwrap();
        }
    }
    assert_eq!(taki.run(&["table", "erase", "--ladder", "smollm2", "--json"]).good()["erased"], 1);
    assert_eq!(
        (shown(), taki.run(&["table", "erase", "--json"]).good()["erased"].as_u64()),
        (serde_json::json!([]), Some(0))
    );
}

#[test]
fn text_that_cannot_be_counted_is_refused() {
    let taki = taki();
    let write = |name: &str, bytes: &[u8]| {
        let path = taki.home.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for file in [
        write("binary", b"\xff\xfe\x00"),
        write("short", b"once"),
        write("nul", &[0; 4096]),
        "/dev/zero".to_owned(),
        "/no/such/file".to_owned(),
    ] {
        let ran = taki.run(&["table", "build", "--json", "--ladder", "smollm2", &file]);
        assert_eq!(ran.code_of_problem(), "file_unusable", "{file}");
    }
    assert_eq!(taki.run(&["table", "show", "--json"]).good()["tables"], serde_json::json!([]));
}
