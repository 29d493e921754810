//! Real models and a real worker for the tests.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use catalog::{Catalog, ModelStore, resolve};
use engine::{Answering, Ask, Engine, Launch, conditions};
use protocol::ladder::{EngineSettings, Ladder, Rung};
use protocol::learned::Learned;
use protocol::worker::{Loaded, Message, Speaker};
use protocol::{Code, Mix, Receipt, Sampling};

/// An engine whose worker is this crate's own binary.
pub fn engine() -> Engine {
    Engine::new(Launch::program(env!("CARGO_BIN_EXE_engine-worker")))
}

/// Loads `ladder`. What these tests learned of it before is known: nothing is measured twice.
pub fn load(engine: &Engine, ladder: &Ladder, settings: EngineSettings) -> Loaded {
    static LEARNED: Mutex<Vec<Learned>> = Mutex::new(Vec::new());
    let conditions = conditions(ladder, settings);
    let known = LEARNED.lock().expect("a whole list").iter().find(|known| known.conditions == conditions).cloned();
    let loaded = engine.begin().and_then(|call| call.load(ladder, settings, known.clone(), &mut |_| {}));
    let loaded = loaded.unwrap_or_else(|problem| panic!("{problem}"));
    if known.is_none() {
        LEARNED.lock().expect("a whole list").extend(engine.learned());
    }
    loaded
}

/// An engine with `ladder` loaded.
pub fn loaded(ladder: &Ladder, settings: EngineSettings) -> Engine {
    let engine = engine();
    load(&engine, ladder, settings);
    engine
}

pub fn models() -> ModelStore {
    let folder = store::Places::find().expect("a home folder").models;
    ModelStore::open(folder).expect("the models' folder")
}

/// A ladder of the catalogue; the test fails if it must be there and is not.
pub fn ladder(id: &str) -> Ladder {
    resolve(&Catalog::builtin(), &models(), id).unwrap_or_else(|problem| panic!("{problem} Run `make models`."))
}

/// Whether everything is to be tested, however long it takes.
pub fn full() -> bool {
    std::env::var_os("FULL").is_some_and(|full| full == "1")
}

/// Says what could not be tried here; `make test` says it once more at its end.
#[allow(clippy::print_stderr, reason = "whoever runs one test reads it there")]
pub fn not_tested(what: &str) {
    eprintln!("not tested: {what}");
    if let Some(list) = std::env::var_os("TAKI_NOT_TESTED") {
        let list = OpenOptions::new().create(true).append(true).open(list);
        list.and_then(|mut list| writeln!(list, "{what}")).expect("the list of what was not tested");
    }
}

/// The Qwen ladder if its files are there; it must be with `FULL=1`.
pub fn qwen() -> Option<Ladder> {
    let found = resolve(&Catalog::builtin(), &models(), "qwen-coder");
    if full() {
        return Some(found.expect("FULL=1 needs the qwen-coder ladder"));
    }
    if found.is_err() {
        not_tested("the larger ladder, whose files are not here (make models LADDER=qwen-coder)");
    }
    found.ok()
}

/// Qwen2.5 Coder 0.5B with SmolLM2, whose tokens are others, drafting by text. None without the Qwen ladder's files.
pub fn qwen_by_text() -> Option<Ladder> {
    let mut rungs = qwen()?.rungs.split_off(1);
    rungs.extend(ladder("smollm2").rungs);
    let k = vec![vec![4, 2], vec![0, 0]];
    Some(Ladder { id: "by-text".to_owned(), rungs, max_gram: true, k, lenience: 1.0, table: None, by_text: true })
}

/// SmolLM2 with a smaller version of itself as draft, requantized once into the test's temporary folder.
pub fn smollm2_with_draft(folder: &Path) -> Ladder {
    let mut ladder = ladder("smollm2");
    let small = folder.join("smollm2-small.gguf");
    let made =
        engine().begin().and_then(|call| call.requantize(&ladder.rungs[0].path, &small, Mix::Q4_0, 0, &mut |_| {}));
    made.unwrap_or_else(|problem| panic!("{problem}"));
    ladder.rungs.push(Rung { name: "SmolLM2 small".to_owned(), path: small });
    ladder.k = vec![vec![3, 2], vec![0, 2]];
    ladder
}

/// Questions of real people, first turns.
pub fn questions() -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Line {
        turns: Vec<String>,
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/questions.jsonl");
    let text = std::fs::read_to_string(path).expect("the questions");
    text.lines().map(|line| serde_json::from_str::<Line>(line).expect("a question").turns.remove(0)).collect()
}

pub fn ask(prompt: &str, max_tokens: u32, sampling: &Sampling, cascade: bool) -> Ask {
    let messages = vec![Message { speaker: Speaker::User, text: prompt.to_owned() }];
    Ask { max_tokens: Some(max_tokens), sampling: sampling.clone(), cascade, ..Ask::plain(messages) }
}

/// An answer with all that came along.
pub struct Answer {
    pub text: String,
    pub tokens: Vec<u32>,
    pub receipt: Receipt,
}

pub fn answer(engine: &Engine, ask: &Ask) -> Answer {
    let (mut text, mut tokens) = (String::new(), Vec::new());
    let receipt = engine
        .answer(ask, &mut |event| {
            if let Answering::Text { text: more, tokens: new, .. } = event {
                text.push_str(&more);
                tokens.extend(new);
            }
        })
        .unwrap_or_else(|problem| panic!("{problem}"));
    Answer { text, tokens, receipt }
}

pub fn exact() -> EngineSettings {
    EngineSettings { exact: true, context: Some(2048), ..EngineSettings::default() }
}

pub fn fast() -> EngineSettings {
    EngineSettings { context: Some(2048), ..EngineSettings::default() }
}

pub fn greedy() -> Sampling {
    Sampling::default()
}

pub fn sampled(seed: u32) -> Sampling {
    Sampling { temperature: 0.8, seed, ..Sampling::default() }
}

/// What was left out, by name, and why.
pub fn left_out(loaded: &Loaded) -> Vec<(&str, Code)> {
    loaded.left_out.iter().map(|left| (left.rung.as_str(), left.problem.code)).collect()
}
