//! What an administrator has laid down for everyone on a computer.

mod key;
mod place;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{env, fs};

use protocol::chat::Settings;
use protocol::ladder::EngineSettings;
use protocol::{Code, Problem};
use serde::Deserialize;

/// Name of the file, in a folder that only administrators can write.
const FILE: &str = "policy.toml";

/// Names another file, for trying rules out. Where the system's own is there, that one holds.
const VARIABLE: &str = "TAKI_POLICY";

/// Largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The administrator's rules; none where there is no such file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    written: Written,
    /// The file that they stand in; None where there is none.
    pub path: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    settings: toml::Table,
    ladders: Option<Vec<String>>,
    models: Option<PathBuf>,
    lend: Option<bool>,
    #[serde(rename = "updateKey")]
    update_key: Option<String>,
}

impl Rules {
    /// The rules of this computer.
    ///
    /// # Errors
    /// [`Code::RulesUnreadable`]: whatever stands in the file, it was meant to hold, so nothing is done without it; or others than administrators
    /// could have written it, for everybody here.
    pub fn find() -> Result<Self, Problem> {
        let laid_down = place::folder().join(FILE);
        if let Some(doubt) = place::doubt(&laid_down) {
            return Err(unreadable(&laid_down, &doubt));
        }
        // What a person tries out holds for nobody else.
        let tried = env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let missing = tried.as_ref().is_some_and(|path| !path.exists()).then(|| tried.clone()).flatten();
        match (Self::first_of([Some(laid_down), tried])?, missing) {
            // Whoever tries rules out wants to see them hold.
            (Self { path: None, .. }, Some(missing)) => Err(unreadable(&missing, &"there is no such file")),
            (rules, _) => Ok(rules),
        }
    }

    /// Those in the first of these files that is there.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn first_of(paths: impl IntoIterator<Item = Option<PathBuf>>) -> Result<Self, Problem> {
        for path in paths.into_iter().flatten() {
            match fs::metadata(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(&path, &error)),
                Ok(about) if about.len() > LARGEST => return Err(unreadable(&path, &"it is larger than 1 MB")),
                Ok(_) => {
                    let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
                    return Self::parse(&text, path.clone()).map_err(|reason| unreadable(&path, &reason));
                }
            }
        }
        Ok(Self::default())
    }

    fn parse(text: &str, path: PathBuf) -> Result<Self, String> {
        let written: Written = toml::from_str(text).map_err(|error| error.to_string())?;
        let known = serde_json::to_value(Settings::default()).map_err(|error| error.to_string())?;
        // A misspelt one would hold nobody to anything.
        if let Some(key) = written.settings.keys().find(|key| known.get(key.as_str()).is_none()) {
            return Err(format!("there is no setting “{key}”"));
        }
        if written.ladders.as_ref().is_some_and(Vec::is_empty) {
            return Err("“ladders” names none".to_owned());
        }
        // Otherwise it would show at the first update, to somebody who can do nothing about it.
        if written.update_key.as_deref().is_some_and(|written| !key::is_key(written)) {
            return Err("“updateKey” is not the line of a .pub file that tauri signer made".to_owned());
        }
        let rules = Self { written, path: Some(path) };
        let held = rules.held(&Settings::default())?;
        if let Some(key) = rules.places(&held).find(|(_, place)| place.is_relative()).map(|(key, _)| key) {
            return Err(format!("“{key}” is not the whole path of a folder"));
        }
        let addresses = [("mirror", &held.mirror), ("proxy", &held.proxy)];
        let is_one = |address: &str| ["https://", "http://"].iter().any(|start| address.starts_with(start));
        if let Some((key, _)) = addresses.iter().find(|(_, address)| !address.is_empty() && !is_one(address)) {
            return Err(format!("“{key}” is not an address that starts with https://"));
        }
        let chosen = held.ladder;
        match &rules.written.ladders {
            Some(ladders) if rules.written.settings.contains_key("ladder") && !ladders.contains(&chosen) => {
                Err(format!("“{chosen}” is the ladder of the settings, but “ladders” does not name it"))
            }
            _ => Ok(rules),
        }
    }

    /// The folders that they name, each with the name of its line.
    fn places<'a>(&'a self, held: &'a Settings) -> impl Iterator<Item = (&'static str, &'a Path)> {
        let models = self.models().map(|models| ("models", models));
        let source = (!held.source.is_empty()).then_some(("source", Path::new(&held.source)));
        let is_folder = |from: &&String| !from.is_empty() && *from != "off" && !from.contains("://");
        let updates = Some(&held.updates).filter(is_folder).map(|from| ("updates", Path::new(from)));
        models.into_iter().chain(source).chain(updates)
    }

    /// What a person has chosen, as far as the rules leave that open.
    #[must_use]
    pub fn apply(&self, chosen: Settings) -> Settings {
        let mut settings = self.held(&chosen).unwrap_or(chosen);
        if let Some(ladders) = self.written.ladders.as_ref().filter(|ladders| !ladders.contains(&settings.ladder)) {
            settings.ladder = ladders.first().cloned().unwrap_or_default();
        }
        settings
    }

    fn held(&self, chosen: &Settings) -> Result<Settings, String> {
        let mut table = toml::Table::try_from(chosen).map_err(|error| error.to_string())?;
        table.extend(self.written.settings.clone());
        table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }

    /// The settings that nobody can change, as the settings file calls them.
    pub fn locked(&self) -> Vec<String> {
        self.written.settings.keys().cloned().collect()
    }

    /// Whether nobody can change the setting of this name.
    pub fn lock(&self, name: &str) -> bool {
        self.written.settings.contains_key(name)
    }

    /// That `option` of the command line can say otherwise of the setting `name`.
    ///
    /// # Errors
    /// [`Code::SettingLocked`].
    pub fn leaves_open(&self, name: &str, option: &str) -> Result<(), Problem> {
        let locked = |path: &Path| {
            let problem = Problem::new(Code::SettingLocked).with("name", option);
            problem.with("setting", name).with("path", path.display())
        };
        self.path.as_deref().filter(|_| self.lock(name)).map_or(Ok(()), |path| Err(locked(path)))
    }

    /// How a measurement that would run as in `usual` has to: within what is laid down of threads, graphics cards and memory, which others on this
    /// computer may need. Whether it is exact is the measurement's own: nobody is given its answers.
    #[must_use]
    pub fn limit(&self, usual: EngineSettings) -> EngineSettings {
        let held = self.apply(Settings::default()).running();
        let least = |usual: Option<u32>, held: Option<u32>| usual.zip(held).map(|(usual, held)| usual.min(held));
        EngineSettings {
            threads: if self.lock("threads") { held.threads } else { usual.threads },
            gpu_layers: if self.lock("gpuLayers") { held.gpu_layers } else { usual.gpu_layers },
            context: least(usual.context, held.context).or(held.context).or(usual.context),
            cache: if self.lock("cache") { held.cache } else { usual.cache },
            ..usual
        }
    }

    /// The other computers that compute along by these `settings`: None leaves that to the environment.
    pub fn workers(&self, settings: &Settings) -> Option<Vec<String>> {
        let is_said = self.lock("workers") || !settings.workers.is_empty();
        is_said.then(|| settings.workers.clone())
    }

    /// The ladders that may be used, and the file that says so; None for all.
    pub fn ladders(&self) -> Option<(&[String], &Path)> {
        self.written.ladders.as_deref().zip(self.path.as_deref())
    }

    /// The folder of model files, in place of a person's own.
    pub fn models(&self) -> Option<&Path> {
        self.written.models.as_deref()
    }

    /// That the file of the model called `name` can be deleted: in a folder that is shared out others may use it.
    ///
    /// # Errors
    /// [`Code::ModelsShared`].
    pub fn let_go(&self, name: &str) -> Result<(), Problem> {
        let shared = |path: &Path| Problem::new(Code::ModelsShared).with("name", name).with("path", path.display());
        self.models().and(self.path.as_deref()).map_or(Ok(()), |path| Err(shared(path)))
    }

    /// That this computer can compute for another one's Taki (`taki rpc-server`).
    ///
    /// # Errors
    /// [`Code::LendingForbidden`].
    pub fn let_lend(&self) -> Result<(), Problem> {
        let forbidden = |path: &Path| Problem::new(Code::LendingForbidden).with("path", path.display());
        let path = self.path.as_deref().filter(|_| self.written.lend == Some(false));
        path.map_or(Ok(()), |path| Err(forbidden(path)))
    }

    /// The key that updates have to be signed with, in place of the one that was built in.
    pub fn update_key(&self) -> Option<&str> {
        self.written.update_key.as_deref()
    }
}

fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::RulesUnreadable).with("path", path.display()).with("reason", reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::chat::Theme;

    fn parse(text: &str) -> Result<Rules, String> {
        Rules::parse(text, PathBuf::from("/etc/taki/policy.toml"))
    }

    #[test]
    fn rules_hold_over_what_was_chosen_and_leave_the_rest() {
        let rules = parse(&format!(
            "ladders = [\"qwen-coder\", \"smollm2\"]\nmodels = \"/srv/models\"\n\
             updateKey = \"{}\"\n[settings]\nupdates = \"off\"\nearlierChats = false\nmirror = \"https://models.example\"\nthreads = 2\n",
            key::MADE
        ))
        .unwrap();
        let mine = Settings { threads: Some(7), theme: Theme::Dark, ladder: "other".to_owned(), ..Settings::default() };
        let held = rules.apply(mine.clone());
        assert_eq!((held.threads, held.earlier_chats, held.theme), (Some(2), false, Theme::Dark));
        assert_eq!((held.mirror.as_str(), held.ladder.as_str()), ("https://models.example", "qwen-coder"));
        assert_eq!(rules.locked(), ["earlierChats", "mirror", "threads", "updates"]);
        assert_eq!((rules.models(), rules.update_key()), (Some(Path::new("/srv/models")), Some(key::MADE)));
        assert_eq!(held.updates, "off");
        let stays = rules.let_go("SmolLM2").unwrap_err();
        assert_eq!((stays.code, stays.details["path"].as_str()), (Code::ModelsShared, "/etc/taki/policy.toml"));
        assert_eq!(parse("ladders = [\"smollm2\"]").unwrap().let_go("SmolLM2"), Ok(()), "it is one's own folder");
        assert_eq!(Rules::default().apply(mine.clone()), mine);
    }

    #[test]
    fn what_is_laid_down_cannot_be_said_otherwise_and_measurements_keep_within_it() {
        let rules = parse("[settings]\nthreads = 2\ngpuLayers = 0\ncontext = 1024\nexact = true\n").unwrap();
        let refused = rules.leaves_open("threads", "--threads").unwrap_err();
        let detail = |name: &str| refused.details[name].as_str();
        assert_eq!(refused.code, Code::SettingLocked);
        assert_eq!((detail("name"), detail("setting")), ("--threads", "threads"));
        assert_eq!(detail("path"), "/etc/taki/policy.toml");
        assert_eq!(rules.leaves_open("cache", "--kv"), Ok(()));
        assert_eq!(Rules::default().leaves_open("threads", "--threads"), Ok(()));
        let usual = EngineSettings { context: Some(512), threads: Some(8), ..EngineSettings::default() };
        let limited = rules.limit(usual);
        assert_eq!((limited.threads, limited.gpu_layers, limited.exact), (Some(2), Some(0), false));
        assert_eq!(limited.context, Some(512), "less than is laid down is within it");
        assert_eq!(rules.limit(EngineSettings::default()).context, Some(1024));
        assert_eq!(Rules::default().limit(usual), usual);
    }

    #[test]
    fn a_computer_computes_for_others_and_with_others_unless_that_is_forbidden() {
        let kept = parse("lend = false\n[settings]\nworkers = []\n").unwrap();
        assert_eq!(kept.let_lend().unwrap_err().code, Code::LendingForbidden);
        for open in ["", "lend = true\n"] {
            assert_eq!(parse(open).unwrap().let_lend(), Ok(()), "{open}");
        }
        let mine = Settings { workers: vec!["127.0.0.1:50052".to_owned()], ..Settings::default() };
        assert_eq!(kept.workers(&kept.apply(mine.clone())), Some(Vec::new()), "not those of the environment either");
        assert_eq!(Rules::default().workers(&mine), Some(mine.workers));
    }

    #[test]
    fn what_cannot_hold_is_refused_with_the_reason() {
        for (text, reason) in [
            ("[settings]\nthread = 2\n", "there is no setting “thread”"),
            ("[settings]\nthreads = \"two\"\n", "invalid type"),
            ("[setting]\nthreads = 2\n", "unknown field"),
            ("ladders = []\n", "names none"),
            ("ladders = [\"a\"]\n[settings]\nladder = \"b\"\n", "does not name it"),
            ("models = \"models\"\n", "“models” is not the whole path"),
            ("[settings]\nsource = \"files\"\n", "“source” is not the whole path"),
            ("[settings]\nupdates = \"on\"\n", "“updates” is not the whole path"),
            ("[settings]\nmirror = \"models.example\"\n", "“mirror” is not an address"),
            ("[settings]\nproxy = \"ftp://proxy\"\n", "“proxy” is not an address"),
            ("updateKey = \"k\"\n", "“updateKey” is not the line of a .pub file"),
            ("updateKey = \"\"\n", "“updateKey” is not the line of a .pub file"),
            ("ladders = [", ""),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }

    #[test]
    fn the_first_file_that_is_there_holds_and_one_that_cannot_be_read_lets_nothing_begin() {
        let folder = tempfile::tempdir().unwrap();
        let (system, tried) = (folder.path().join("system.toml"), folder.path().join("tried.toml"));
        let find = || Rules::first_of([Some(system.clone()), None, Some(tried.clone())]);
        assert_eq!(find(), Ok(Rules::default()));
        fs::write(&tried, "[settings]\nexact = true\n").unwrap();
        assert_eq!(find().unwrap().locked(), ["exact"]);
        fs::write(&system, "").unwrap();
        assert_eq!((find().unwrap().locked().len(), find().unwrap().path), (0, Some(system.clone())));
        fs::write(&system, b"\xff").unwrap();
        assert_eq!(find().unwrap_err().code, Code::RulesUnreadable);
    }
}
