//! What may be handed on to whoever helps: figures and settings, nothing that somebody wrote.

use std::io::Write;
use std::path::Path;

use protocol::chat::Settings;
use protocol::{Code, Problem};
use serde_json::{Value, json};

use crate::setup::Setup;

/// Everything in one JSON object; `report` is what `taki doctor --json` says.
pub(super) fn bundle(setup: &Setup, report: &Value) -> Value {
    let (settings, _) = store::load_settings(&setup.places);
    // Other programs put a home folder's path, and with it the user's name, into errors.
    let whole = json!({
        "report": report,
        "settings": figures(settings),
        "learned": setup.learned().all(),
    });
    match store::Places::home() {
        Some(home) => without(whole, &home.to_string_lossy()),
        None => whole,
    }
}

/// Settings without instructions of one's own and without addresses, which may have a password in them.
fn figures(settings: Settings) -> Value {
    let of = |address: &str| if address.is_empty() { "" } else { "set" }.to_owned();
    let (mirror, proxy) = (of(&settings.mirror), of(&settings.proxy));
    let count = settings.presets.len();
    let mut told = json!(Settings { mirror, proxy, presets: Vec::new(), ..settings });
    told["presets"] = json!(count);
    told
}

/// The same with `~` for `home` in every text and name.
fn without(value: Value, home: &str) -> Value {
    let plain = |text: String| if home.len() > 1 { text.replace(home, "~") } else { text };
    match value {
        Value::String(text) => Value::String(plain(text)),
        Value::Array(all) => Value::Array(all.into_iter().map(|one| without(one, home)).collect()),
        Value::Object(all) => {
            Value::Object(all.into_iter().map(|(name, one)| (plain(name), without(one, home))).collect())
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

    #[test]
    fn nothing_that_was_written_and_no_address_is_in_it() {
        let presets = vec![Preset { name: "Secret name".into(), text: "secret text".into() }];
        let (mirror, proxy) = ("https://mirror.example".to_owned(), "http://me:password@proxy:8080".to_owned());
        let told = figures(Settings { presets, mirror, proxy, threads: Some(3), ..Settings::default() });
        assert_eq!((&told["presets"], &told["threads"], &told["proxy"]), (&json!(1), &json!(3), &json!("set")));
        let text = told.to_string();
        assert!(!text.contains("ecret") && !text.contains("password") && !text.contains("example"), "{text}");
    }

    #[test]
    fn the_users_name_goes_with_the_home_folder() {
        let told = without(json!({ "/home/ann/a": ["in /home/ann/b", 1] }), "/home/ann");
        assert_eq!(told, json!({ "~/a": ["in ~/b", 1] }));
    }
}
