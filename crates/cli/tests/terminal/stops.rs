//! The program is told to stop, to end, or that its terminal is gone.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command};

use serde_json::{Value, json};

use crate::run::{Taki, tell};

pub(crate) const LONG: &str = "Write a very long story about a river, with many chapters.";

/// One question, with a log that tells how far it is.
struct Asking {
    child: Child,
    log: BufReader<ChildStderr>,
}

/// What it left.
struct Left {
    code: Option<i32>,
    out: String,
}

impl Asking {
    fn begin(taki: &Taki, more: &[&str]) -> Self {
        Self::of(taki.command([&["chat", "--once", LONG, "--max-tokens", "2000"], more].concat()))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.env("TAKI_LOG", "engine=info,taki=debug").env("NO_COLOR", "1").spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// The next line of the log that has `part` in it.
    fn line(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "no {part} was logged");
            if line.contains(part) {
                return line;
            }
        }
    }

    fn end(mut self) -> Left {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        Left { code: self.child.wait().unwrap().code(), out }
    }
}

impl Left {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {:?}", self.out))
    }
}

/// Whether whoever runs the tests wants them to outlive a terminal: that is inherited.
fn hang_up_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_none_or(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}

#[test]
fn what_was_answered_so_far_is_printed_whatever_stops_it() {
    let taki = Taki::with_models();
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        if signal == "HUP" && hang_up_is_ignored() {
            continue;
        }
        let mut asking = Asking::begin(&taki, &["--json"]);
        asking.line("the answer goes on");
        tell(asking.child.id(), signal);
        let left = asking.end();
        let answer = left.json();
        assert_eq!((left.code, &answer["receipt"]["finish"]), (Some(code), &json!("stopped")), "{signal}: {answer}");
        // An engine that is too busy to stop in time tells no number.
        let tokens = answer["receipt"]["tokens"].as_u64().unwrap_or(1);
        assert!((1..2000).contains(&tokens) && answer["answer"] != "", "{answer}");
    }
}

#[test]
fn without_json_the_words_so_far_end_with_their_line() {
    let mut asking = Asking::begin(&Taki::with_models(), &[]);
    asking.line("the answer goes on");
    tell(asking.child.id(), "TERM");
    let receipt = asking.line("tokens per pass");
    assert!(receipt.contains("; stopped"), "{receipt}");
    let left = asking.end();
    assert!(left.code == Some(143) && left.out.len() > 1 && left.out.ends_with('\n'), "{:?}: {}", left.code, left.out);
}

#[test]
fn stopped_before_the_first_word_there_is_an_empty_answer() {
    let mut asking = Asking::begin(&Taki::with_models(), &["--json"]);
    asking.line("worker started");
    tell(asking.child.id(), "INT");
    let left = asking.end();
    assert_eq!((left.code, left.json()), (Some(130), json!({ "answer": "", "receipt": uncounted() })));
}

#[test]
fn an_engine_that_does_not_stop_takes_no_words_with_it_and_a_second_ctrl_c_does_not_wait() {
    let taki = Taki::with_models();
    let held = || {
        let mut asking = Asking::begin(&taki, &["--json"]);
        let started = asking.line("worker started");
        let worker: String = started.split("pid=").nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect();
        asking.line("the answer goes on");
        tell(worker.parse().unwrap(), "STOP");
        asking
    };
    let asking = held();
    tell(asking.child.id(), "INT");
    let left = asking.end();
    let answer = left.json();
    assert_eq!((left.code, &answer["receipt"]), (Some(130), &uncounted()), "{answer}");
    assert_ne!(answer["answer"], "");
    let mut asking = held();
    while asking.child.try_wait().unwrap().is_none() {
        tell(asking.child.id(), "INT");
    }
    let left = asking.end();
    assert_eq!((left.code, left.out.as_str()), (Some(130), ""));
}

/// The receipt of an answer that nobody could count.
fn uncounted() -> Value {
    json!({
        "seconds": null, "tokens": null, "target_passes": null, "tokens_per_pass": null, "rungs": [], "finish": "stopped"
    })
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_shall_outlive_its_terminal_does() {
    let taki = Taki::with_models();
    let args = ["chat", "--json", "--once", LONG, "--max-tokens", "100"];
    let mut asking = Asking::of(taki.command_behind("trap '' HUP", &args));
    asking.line("the answer goes on");
    tell(asking.child.id(), "HUP");
    let left = asking.end();
    let answer = left.json();
    assert_eq!(left.code, Some(0), "{answer}");
    assert_ne!(answer["receipt"]["finish"], "stopped");
}

#[test]
fn what_was_recorded_before_it_was_stopped_can_be_played_through() {
    let taki = Taki::with_models();
    let home = taki.home.path();
    let [suite, out] = ["suite.jsonl", "trace"].map(|name| home.join(name).display().to_string());
    let line = |id: u32, text: &str| format!("{}\n", json!({ "question_id": id, "category": "a", "turns": [text] }));
    std::fs::write(&suite, line(1, "Say hello.") + &line(2, LONG)).unwrap();
    // The first is asked for as many tokens as the second, and ends by itself.
    let args = ["lab", "record", "--ladder", "smollm2", "--suite", &suite, "--max-tokens", "1500", "--out", &out];
    let mut asking = Asking::of(taki.command(args));
    asking.line("a question was recorded");
    tell(asking.child.id(), "INT");
    let said = asking.line("of 2 questions were recorded");
    assert!(said.starts_with("1 of 2") && said.contains("trace.part"), "{said}");
    assert_eq!(asking.end().code, Some(130));
    assert!(!Path::new(&out).exists());
    let part = format!("{out}.part");
    taki.run(&["lab", "swi", "--json", "--trace", &part, "--coefficients", "1"]).good();
}

#[test]
fn ctrl_c_stops_the_answer_and_without_one_the_program() {
    let taki = Taki::with_models();
    let mut child = taki.command(["chat", "--max-tokens", "2000"]).env("TAKI_LOG", "taki=debug").spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line_with = |wanted: &str| {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "no line with {wanted:?} came");
        }
        line
    };
    for _ in 0..2 {
        writeln!(input, "{LONG}").unwrap();
        line_with("the answer goes on");
        tell(child.id(), "INT");
        let stopped = line_with("tokens per pass");
        assert!(stopped.contains("; stopped"), "{stopped}");
    }
    // Right behind the one that stopped the answer it is taken for the same.
    let code = loop {
        tell(child.id(), "INT");
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
    };
    assert_eq!(code, Some(130));
}

#[test]
fn who_stops_making_smaller_versions_has_none_that_is_half_written() {
    let taki = Taki::with_own_models();
    let models = taki.home.path().join("models");
    let files = |folder: &str, ends: &str| {
        let found = std::fs::read_dir(models.join(folder)).into_iter().flatten();
        found.filter(|entry| entry.as_ref().unwrap().path().to_string_lossy().ends_with(ends)).count()
    };
    let before = files("", ".gguf");
    let args = ["models", "shrink", "smollm2-135m", "--to", "Q4_0,Q3_K_S,Q2_K", "--json"];
    let mut child = taki.command(args).spawn().unwrap();
    wait_until_written(&mut child, &models);
    tell(child.id(), "INT");
    let left = child.wait_with_output().unwrap();
    assert_eq!(left.status.code(), Some(130), "{}", String::from_utf8_lossy(&left.stderr));
    assert_eq!((files("", ".gguf"), files("staging", "")), (before, 0), "nothing of it is left");
    // What was stopped can be begun anew.
    let made = taki.run(&["models", "shrink", "smollm2-135m", "--to", "Q2_K", "--json"]).good();
    assert_eq!(made["made"].as_array().unwrap().len(), 1, "{made}");
}

#[test]
#[cfg(target_os = "linux")]
fn who_stops_a_check_of_a_file_leaves_it_where_it_is() {
    let taki = Taki::bare();
    let model = catalog::Catalog::builtin().model("qwen2.5-coder-1.5b").unwrap().clone();
    // Of nothing but zeros: read to its end it would be found damaged.
    let folder = taki.home.path().join("models");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{}.gguf", model.sha256));
    std::fs::File::create(&path).unwrap().set_len(model.bytes).unwrap();
    let mut child = taki.command(["models", "verify", "qwen2.5-coder-1.5b", "--json"]).spawn().unwrap();
    // Once it reads, it listens.
    let open = format!("/proc/{}/fd", child.id());
    let reads = || {
        let mut files = std::fs::read_dir(&open).into_iter().flatten().flatten();
        files.any(|file| std::fs::read_link(file.path()).is_ok_and(|file| file == path))
    };
    while !reads() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it read anything");
        std::thread::yield_now();
    }
    tell(child.id(), "INT");
    let left = child.wait_with_output().unwrap();
    assert_eq!(left.status.code(), Some(130), "{}", String::from_utf8_lossy(&left.stderr));
    assert!(path.is_file(), "nobody knows yet that it is damaged");
}

#[test]
fn what_is_left_of_one_that_was_killed_goes_with_the_next_command() {
    let taki = Taki::with_own_models();
    let models = taki.home.path().join("models");
    let mut child = taki.command(["models", "shrink", "smollm2-135m", "--to", "Q4_0", "--json"]).spawn().unwrap();
    wait_until_written(&mut child, &models);
    // So that it is not finished meanwhile.
    tell(child.id(), "STOP");
    let places = || std::fs::read_dir(models.join("staging")).unwrap().count();
    taki.run(&["models", "list", "--json"]).good();
    assert_ne!(places(), 0, "somebody works there");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_ne!(places(), 0, "it could not clear up");
    taki.run(&["models", "list", "--json"]).good();
    assert_eq!(places(), 0);
}

/// Waits until there is something of a smaller version in `models`: whoever writes it listens then.
fn wait_until_written(child: &mut Child, models: &Path) {
    let begun = || {
        let places = std::fs::read_dir(models.join("staging")).into_iter().flatten().flatten();
        let files = places.flat_map(|place| std::fs::read_dir(place.path()).into_iter().flatten().flatten());
        files.filter_map(|file| file.metadata().ok()).any(|file| file.len() > 0)
    };
    while !begun() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it wrote anything");
        std::thread::yield_now();
    }
}
