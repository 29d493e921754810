//! What may be handed on to whoever helps: figures and settings, nothing that somebody wrote.

use std::io::Write;
use std::path::Path;

use protocol::chat::Settings;
use protocol::learned::Learned;
use protocol::{Code, Problem};
use serde_json::{Value, json};

use crate::setup::Setup;

/// Everything in one JSON object; `report` is what `taki doctor --json` says.
pub(super) fn bundle(setup: &Setup, settings: Settings, report: &Value) -> Value {
    let known = |ladder: &str| catalog::Catalog::builtin().ladders().iter().any(|known| known.id == ladder);
    // Errors and advice name folders, and with them the user, and addresses.
    let mut hidden = vec![
        (setup.places.data.to_string_lossy().into_owned(), "~"),
        (setup.places.models.to_string_lossy().into_owned(), "~"),
    ];
    hidden.extend(
        ["HOME", "USERPROFILE", "TAKI_HOME"]
            .into_iter()
            .filter_map(std::env::var_os)
            .map(|home| (home.to_string_lossy().into_owned(), "~")),
    );
    let named = std::env::var("TAKI_WORKERS").unwrap_or_default();
    let workers = settings.workers.iter().map(String::as_str).chain(named.split(',').map(str::trim));
    hidden.extend(workers.map(|address| (address.to_owned(), "[address]")));
    if !known(&settings.ladder) {
        hidden.push((settings.ladder.clone(), OWN));
    }
    // What contains another one goes first.
    hidden.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    let mut report = report.clone();
    hide_remote(&mut report["engine"]);
    hide_names(&mut report["foreseen"]);
    let learned = setup.learned().all().into_iter().map(|learned| plain(learned, &known));
    let ladder = if known(&settings.ladder) { settings.ladder.clone() } else { OWN.to_owned() };
    report["ladder"] = json!(ladder);
    let whole = json!({
        "report": report,
        "settings": figures(Settings { ladder, ..settings }),
        "learned": learned.collect::<Vec<_>>(),
    });
    without(whole, &hidden)
}

/// In place of what somebody named.
const OWN: &str = "one of my own";

/// The same without names of ladders and files that somebody made. Files of the model store are called by their hash.
fn plain(mut learned: Learned, known: &dyn Fn(&str) -> bool) -> Learned {
    if !known(&learned.ladder) {
        OWN.clone_into(&mut learned.ladder);
    }
    for file in &mut learned.conditions.files {
        let stem = file.name.trim_end_matches(".gguf");
        if stem.len() != 64 || !stem.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            OWN.clone_into(&mut file.name);
        }
    }
    learned
}

/// Other computers without their addresses.
fn hide_remote(engine: &mut Value) {
    hide_names(&mut engine["devices"]);
    for left in engine["left_out"].as_array_mut().into_iter().flatten() {
        left["rung"] = json!("another computer");
        left["problem"]["details"] = json!({});
    }
}

/// Devices, where those of other computers are called by their addresses, without these.
fn hide_names(devices: &mut Value) {
    for device in devices.as_array_mut().into_iter().flatten() {
        if device["kind"] == "remote" {
            device["description"] = json!("another computer");
        }
    }
}

/// Settings without instructions of one's own, and without addresses and paths, which may have a password or a name in them.
fn figures(settings: Settings) -> Value {
    let of = |address: &str| if address.is_empty() { "" } else { "set" }.to_owned();
    let (source, mirror, proxy) = (of(&settings.source), of(&settings.mirror), of(&settings.proxy));
    let updates = of(&settings.updates);
    let (presets, workers) = (settings.presets.len(), settings.workers.len());
    let (no_presets, no_workers) = (Vec::new(), Vec::new());
    let mut told =
        json!(Settings { source, mirror, proxy, updates, presets: no_presets, workers: no_workers, ..settings });
    told["presets"] = json!(presets);
    told["workers"] = json!(workers);
    told
}

/// The same with something else in place of what is `hidden`, in every text and name.
fn without(value: Value, hidden: &[(String, &str)]) -> Value {
    let plain = |text: String| {
        let meant = hidden.iter().filter(|(text, _)| text.len() > 1);
        meant.fold(text, |text, (what, instead)| text.replace(what.as_str(), instead))
    };
    match value {
        Value::String(text) => Value::String(plain(text)),
        Value::Array(all) => Value::Array(all.into_iter().map(|one| without(one, hidden)).collect()),
        Value::Object(all) => {
            Value::Object(all.into_iter().map(|(name, one)| (plain(name), without(one, hidden))).collect())
        }
        other => other,
    }
}

/// Writes it to a new file.
pub(super) fn write(path: &Path, bundle: &Value) -> Result<(), Problem> {
    let unusable = |error: &dyn std::fmt::Display| {
        Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", error)
    };
    let mut file = std::fs::File::create_new(path).map_err(|error| unusable(&error))?;
    let text = serde_json::to_string_pretty(bundle).map_err(|error| unusable(&error))?;
    writeln!(file, "{text}").map_err(|error| unusable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::chat::Preset;
    use protocol::learned::FileMark;

    #[test]
    fn nothing_that_was_written_and_no_address_is_in_it() {
        let presets = vec![Preset { name: "Secret name".into(), text: "secret text".into() }];
        let (mirror, proxy) = ("https://mirror.example".to_owned(), "http://me:password@proxy:8080".to_owned());
        let told = figures(Settings {
            presets,
            source: "/media/example/stick".to_owned(),
            mirror,
            proxy,
            updates: "https://updates.example/latest.json".to_owned(),
            threads: Some(3),
            workers: vec!["files.example:50052".to_owned()],
            ..Settings::default()
        });
        assert_eq!((&told["presets"], &told["threads"], &told["proxy"]), (&json!(1), &json!(3), &json!("set")));
        let text = told.to_string();
        assert!(!text.contains("ecret") && !text.contains("password") && !text.contains("example"), "{text}");
    }

    #[test]
    fn other_computers_and_names_of_ones_own_stay_here() {
        let left = json!([{ "rung": "10.1.2.3:5", "problem": { "code": "remote_unusable", "details": { "address": "10.1.2.3:5" } } }]);
        let mut engine = json!({ "devices": [{ "kind": "remote", "description": "10.1.2.3:5" }, { "kind": "card", "description": "A card" }], "left_out": left });
        hide_remote(&mut engine);
        let text = engine.to_string();
        assert!(!text.contains("10.1") && text.contains("A card") && text.contains("remote_unusable"), "{text}");
        let mut learned: Learned = serde_json::from_value(json!({
            "ladder": "smollm2",
            "conditions": { "program": "p", "processor": "c", "files": [], "exact": false, "threads": null },
            "lessons": { "threads": { "single": 1, "wide": 1 }, "policy": null },
        }))
        .unwrap();
        learned.conditions.files = ["b".repeat(64) + ".gguf", "layoffs.gguf".to_owned()]
            .map(|name| FileMark { name, bytes: 1, modified: 0 })
            .to_vec();
        let told = plain(learned.clone(), &|ladder| ladder == "smollm2");
        assert_eq!((told.ladder.as_str(), told.conditions.files[0].name.len()), ("smollm2", 69));
        assert_eq!(told.conditions.files[1].name, OWN);
        assert_eq!(plain(learned, &|_| false).ladder, OWN);
    }

    #[test]
    fn the_users_name_goes_with_the_home_folder() {
        let hidden = [("/home/ann".to_owned(), "~"), ("/".to_owned(), "never")];
        let told = without(json!({ "/home/ann/a": ["in /home/ann/b", 1] }), &hidden);
        assert_eq!(told, json!({ "~/a": ["in ~/b", 1] }));
    }
}
