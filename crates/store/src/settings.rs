use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

use protocol::chat::Settings;
use protocol::{Code, Problem};

use crate::places::{Places, free_name, keep};

const FILE: &str = "settings.toml";

/// The user's choices as far as the administrator's rules leave them open; the standard ones if there are none yet. A file that
/// cannot be understood is set aside, which the second value says.
pub fn load_settings(places: &Places) -> (Settings, Vec<Problem>) {
    let path = places.config.join(FILE);
    let read = read(&path);
    let notices = if read.is_err() { vec![set_aside(&path)] } else { Vec::new() };
    (places.rules.apply(read.ok().flatten().unwrap_or_default()), notices)
}

/// The same for whoever tells nobody of it: a file that cannot be understood stays where it is.
pub fn peek_settings(places: &Places) -> Settings {
    places.rules.apply(read(&places.config.join(FILE)).ok().flatten().unwrap_or_default())
}

/// The ladder that was chosen in the window; None as long as nothing was chosen there.
pub fn chosen_ladder(places: &Places) -> Option<String> {
    let chosen = read(&places.config.join(FILE)).ok().flatten();
    chosen.map(|settings| places.rules.apply(settings).ladder)
}

/// What stands in the file; None if there is none.
///
/// # Errors
/// It cannot be read or understood.
fn read(path: &Path) -> Result<Option<Settings>, ()> {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes).map_err(drop)?;
            toml::from_str(&text).map(Some).map_err(drop)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(_) => Err(()),
    }
}

fn set_aside(path: &Path) -> Problem {
    let kept = free_name(path, SystemTime::now(), &[]);
    let kept = if fs::rename(path, &kept).is_ok() { kept } else { path.to_owned() };
    Problem::new(Code::SettingsSetAside).with("path", path.display()).with("kept", kept.display())
}

/// Writes the user's choices: either all of them are on disk afterwards or the old ones still are.
///
/// # Errors
/// [`Code::FolderUnwritable`].
pub fn save_settings(places: &Places, settings: &Settings) -> Result<(), Problem> {
    let text = toml::to_string(settings).map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
    keep(&places.config.join(FILE), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::chat::{Preset, Theme, UiLanguage};

    #[test]
    fn choices_survive_and_a_damaged_file_is_kept_aside() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        assert_eq!(load_settings(&places), (Settings::default(), Vec::new()));
        assert_eq!(chosen_ladder(&places), None);
        let mine = Settings {
            ladder: "qwen-coder".to_owned(),
            speed_up: false,
            exact: true,
            threads: Some(3),
            gpu_layers: Some(12),
            workers: vec!["127.0.0.1:50052".to_owned()],
            context: Some(4096),
            cache: protocol::ladder::CacheType::Q8,
            earlier_chats: false,
            source: "/media/stick/models".to_owned(),
            mirror: "https://mirror.example".to_owned(),
            proxy: "http://proxy:8080".to_owned(),
            updates: "https://updates.example/latest.json".to_owned(),
            updates_daily: true,
            notify: false,
            background: true,
            policy: protocol::chat::Policy::Matrix,
            language: UiLanguage::Ja,
            theme: Theme::Dark,
            zoom: 1.25,
            sidebar: false,
            presets: vec![Preset {
                name: "丁寧に".to_owned(), text: "次の文を\n丁寧に \"書き直す\"".to_owned()
            }],
        };
        save_settings(&places, &mine).unwrap();
        assert_eq!(chosen_ladder(&places).as_deref(), Some("qwen-coder"));
        assert_eq!(load_settings(&places), (mine, Vec::new()));
        for (round, damage) in [&b"ladder = 7"[..], b"\xff\xfe", b"{"].into_iter().enumerate() {
            fs::write(places.config.join(FILE), damage).unwrap();
            assert_eq!((peek_settings(&places), places.config.join(FILE).is_file()), (Settings::default(), true));
            let (settings, notices) = load_settings(&places);
            assert_eq!(settings, Settings::default());
            assert_eq!(notices[0].code, Code::SettingsSetAside);
            assert_eq!(fs::read(&notices[0].details["kept"]).unwrap(), damage, "round {round}: nothing is overwritten");
        }
        fs::write(places.config.join(FILE), "theme = \"dark\"\nfuture = 1\n").unwrap();
        let (settings, notices) = load_settings(&places);
        assert_eq!((settings.theme, notices.len()), (Theme::Dark, 0), "choices of a newer version are no damage");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_said_so() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config"), b"").unwrap();
        let problem = save_settings(&Places::below(folder.path()), &Settings::default()).unwrap_err();
        assert_eq!(problem.code, Code::FolderUnwritable);
    }
}
