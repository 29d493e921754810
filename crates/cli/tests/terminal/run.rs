//! A run of the program.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use catalog::{Catalog, ModelStore, resolve};
use serde_json::Value;
use tempfile::TempDir;

/// The program with a home folder of its own.
pub(crate) struct Taki {
    pub(crate) home: TempDir,
    models: Option<PathBuf>,
    language: &'static str,
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Taki {
    /// Without any model.
    pub(crate) fn bare() -> Self {
        Self { home: tempfile::tempdir().unwrap(), models: None, language: "C.UTF-8" }
    }

    /// With this computer's models, and what was learned of the default ladder: measuring it for every test would take long.
    pub(crate) fn with_models() -> Self {
        static LEARNED: LazyLock<PathBuf> = LazyLock::new(learn);
        let taki = Self::knowing_nothing();
        copy(&LEARNED, &taki.learned());
        taki
    }

    /// With this computer's models, as at a first start.
    pub(crate) fn knowing_nothing() -> Self {
        let models = folder_of_models();
        if let Err(problem) = ladder("smollm2") {
            panic!("{problem} Run `make models`.");
        }
        Self { models: Some(models), ..Self::bare() }
    }

    /// The same, the default ladder's files linked into a folder of its own.
    pub(crate) fn with_own_models() -> Self {
        let mut taki = Self::with_models();
        let own = taki.home.path().join("models");
        fs::create_dir(&own).unwrap();
        for rung in ladder("smollm2").unwrap().rungs {
            let place = own.join(rung.path.file_name().unwrap());
            fs::hard_link(&rung.path, &place).or_else(|_| fs::copy(&rung.path, &place).map(|_| ())).unwrap();
        }
        taki.models = Some(own);
        taki
    }

    fn learned(&self) -> PathBuf {
        self.home.path().join("data").join("learned")
    }

    pub(crate) fn in_japanese(mut self) -> Self {
        self.language = "ja_JP.UTF-8";
        self
    }

    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.command_of(Command::new(env!("CARGO_BIN_EXE_taki")), args)
    }

    /// The program as a shell starts it behind `script`.
    #[cfg(unix)]
    pub(crate) fn command_behind(&self, script: &str, args: &[&str]) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{script}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_taki")]);
        self.command_of(shell, args)
    }

    fn command_of<S: AsRef<OsStr>>(&self, mut command: Command, args: impl IntoIterator<Item = S>) -> Command {
        command.args(args).env("TAKI_HOME", self.home.path()).env("LANG", self.language);
        for name in [
            "LC_ALL",
            "LC_MESSAGES",
            "TAKI_MODELS",
            "TAKI_SOURCE",
            "HF_ENDPOINT",
            "TAKI_LOG",
            "TAKI_LLAMA_SERVER",
            "TAKI_POLICY",
        ] {
            command.env_remove(name);
        }
        if let Some(models) = &self.models {
            command.env("TAKI_MODELS", models);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, b"")
    }

    /// Runs with `input` on standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &[u8]) -> Ran {
        finish(self.command(args), input)
    }
}

/// Measures the default ladder in both modes. Gives where that is kept.
fn learn() -> PathBuf {
    let taki = Taki::knowing_nothing();
    for mode in [&[][..], &["--exact"]] {
        let args = [&["chat", "--once", "Hello", "--max-tokens", "1", "--ladder", "smollm2", "--json"], mode].concat();
        taki.run(&args).good();
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("learned");
    // That of an earlier run of the tests may be another program's.
    let _ = fs::remove_dir_all(&kept);
    copy(&taki.learned(), &kept);
    kept
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

pub(crate) fn finish(mut command: Command, input: &[u8]) -> Ran {
    let mut child = command.spawn().unwrap();
    // A program that ends before it reads is judged by what it says.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Ran {
    /// The JSON object on the last line of standard output.
    pub(crate) fn json(&self) -> Value {
        let last = self.out.lines().last().unwrap_or_else(|| panic!("nothing was printed: {self:?}"));
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON of a run that went well.
    pub(crate) fn good(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.json()
    }

    /// The error of a run that failed; it has a sentence and a next step, both without gaps.
    pub(crate) fn problem(&self) -> (String, String, String) {
        assert_eq!(self.code, Some(1), "{self:?}");
        let error = &self.json()["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("no {name}: {self:?}")).to_owned();
        let (code, sentence, next) = (text("code"), text("sentence"), text("next_step"));
        for words in [&sentence, &next] {
            assert!(!words.is_empty() && !words.contains(['{', '}']), "{self:?}");
        }
        (code, sentence, next)
    }

    pub(crate) fn code_of_problem(&self) -> String {
        self.problem().0
    }
}

/// Sends `signal` to a process.
#[cfg(unix)]
pub(crate) fn tell(process: u32, signal: &str) {
    let status = Command::new("kill").args(["-s", signal, &process.to_string()]).status().unwrap();
    assert!(status.success());
}

fn folder_of_models() -> PathBuf {
    store::Places::find().unwrap().models
}

/// A ladder of the catalogue with this computer's files.
pub(crate) fn ladder(id: &str) -> Result<protocol::ladder::Ladder, protocol::Problem> {
    resolve(&Catalog::builtin(), &ModelStore::open(folder_of_models()).unwrap(), id)
}

/// Says what could not be tried here; `make test` says it once more at its end.
#[allow(clippy::print_stderr, reason = "whoever runs one test reads it there")]
pub(crate) fn not_tested(what: &str) {
    eprintln!("not tested: {what}");
    if let Some(list) = std::env::var_os("TAKI_NOT_TESTED") {
        let list = OpenOptions::new().create(true).append(true).open(list);
        list.and_then(|mut list| writeln!(list, "{what}")).unwrap();
    }
}

/// The Qwen ladder if its files are here; they must be with `FULL=1`.
pub(crate) fn qwen() -> Option<protocol::ladder::Ladder> {
    let found = ladder("qwen-coder");
    if std::env::var_os("FULL").is_some_and(|full| full == "1") {
        return Some(found.expect("FULL=1 needs the qwen-coder ladder"));
    }
    if found.is_err() {
        not_tested("the larger ladder, whose files are not here (make models LADDER=qwen-coder)");
    }
    found.ok()
}

/// The shortest questions of real people, of different kinds: reading long ones takes most of the time and shows no more.
pub(crate) fn suite(taki: &Taki) -> String {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/questions.jsonl");
    let all = fs::read_to_string(all).unwrap();
    let mut lines: Vec<&str> = all.lines().collect();
    lines.sort_by_key(|line| line.len());
    let kind = |line: &str| serde_json::from_str::<Value>(line).unwrap()["category"].as_str().unwrap().to_owned();
    let mut kinds = Vec::new();
    lines.retain(|line| {
        let new = kinds.len() < 4 && !kinds.contains(&kind(line));
        kinds.extend(new.then(|| kind(line)));
        new
    });
    let path = taki.home.path().join("questions.jsonl");
    fs::write(&path, lines.join("\n")).unwrap();
    path.to_str().unwrap().to_owned()
}
