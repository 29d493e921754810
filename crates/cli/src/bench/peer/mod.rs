//! llama-server, measured beside our engine on the same files, threads and prompts.
//!
//! It runs with its own defaults but for: one answer at a time, like ours; no memory of earlier prompts, as every prompt is to
//! be read here; and no messages below errors, which only cost it time.

mod group;
mod line;
#[cfg(test)]
pub(super) mod toy;

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use protocol::ladder::Ladder;
use protocol::{Code, Problem};

pub(crate) use group::Group;
pub(super) use line::{Fault, Wanted};

use super::sample::Measured;
use group::Place;
use line::Line;

/// How long reading the model may take.
const STARTING: Duration = Duration::from_secs(300);

/// How long an answer may take.
const ANSWERING: Duration = Duration::from_secs(900);

/// How often a server that starts is asked whether it is ready.
const GLANCE: Duration = Duration::from_millis(20);

/// Ways of drafting that remember the text of earlier requests: they would know an answer when it is asked for again.
const REMEMBERING: [&str; 2] = ["ngram-mod", "ngram-cache"];

/// A llama-server that can be started.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Program {
    path: PathBuf,
    /// What it says of itself.
    pub(super) version: String,
}

impl Program {
    /// The program at `path`, which must name its version as llama-server does.
    pub(super) fn find(path: &Path) -> Result<Self, Problem> {
        let unusable =
            |reason: String| Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason);
        let mut asking = command(path);
        // Which of the two it takes has changed over time.
        let asked =
            asking.arg("--version").stdout(Stdio::piped()).output().map_err(|error| unusable(error.to_string()))?;
        let said = [asked.stdout, asked.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let version = said.lines().find_map(|line| line.strip_prefix("version: "));
        match version {
            Some(version) => Ok(Self { path: path.to_owned(), version: version.trim().to_owned() }),
            None => Err(unusable("it is no llama-server: it does not tell its version".to_owned())),
        }
    }
}

/// `path` without settings from the environment, which would not be told in the report.
fn command(path: &Path) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LLAMA_ARG_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// One llama-server with its way of drafting.
#[derive(Debug)]
pub(super) struct Peer {
    program: PathBuf,
    options: Vec<OsString>,
    /// Whether it has to be started anew for every answer.
    remembers: bool,
    group: Group,
    running: Option<Running>,
    /// Why it is not asked any more.
    lost: Option<String>,
}

#[derive(Debug)]
struct Running {
    line: Line,
    /// None for one that somebody else started.
    child: Option<(Place, LastWords)>,
    /// Whether it was asked a question.
    used: bool,
}

impl Peer {
    /// Drafts with `speculation` for the models of `ladder`; starts with the first question.
    pub(super) fn new(
        program: &Program,
        speculation: &'static str,
        ladder: &Ladder,
        context: u32,
        threads: u16,
        group: Group,
    ) -> Self {
        let mut options: Vec<OsString> = Vec::new();
        let mut option = |name: &str, value: OsString| options.extend([OsString::from(name), value]);
        for (name, rung) in ["--model", "--spec-draft-model"].into_iter().zip(&ladder.rungs) {
            if name == "--model" || speculation.starts_with("draft-") {
                option(name, rung.path.clone().into());
            }
        }
        let threads = threads.to_string();
        for (name, value) in [
            ("--spec-type", speculation),
            ("--ctx-size", &context.to_string()),
            ("--threads", &threads),
            ("--threads-batch", &threads),
            ("--parallel", "1"),
            ("--cache-ram", "0"),
            ("--log-verbosity", "1"),
            ("--host", "127.0.0.1"),
        ] {
            option(name, value.into());
        }
        options.extend(["--offline", "--no-ui"].map(OsString::from));
        let remembers = REMEMBERING.contains(&speculation);
        Self { program: program.path.clone(), options, remembers, group, running: None, lost: None }
    }

    /// A server that runs already and has `patience` for each reply.
    #[cfg(test)]
    pub(super) fn running(address: SocketAddr, patience: Duration) -> Self {
        let line = Line::new(address, patience).unwrap();
        let running = Some(Running { line, child: None, used: false });
        let (program, options, group) = (PathBuf::new(), Vec::new(), Group::default());
        Self { program, options, remembers: false, group, running, lost: None }
    }

    /// Answers as the engine is asked to: `before` first, so that the prompt has to be read, then what is wanted.
    pub(super) fn answer(&mut self, before: Wanted<'_>, wanted: Wanted<'_>) -> Result<Measured, Fault> {
        if let Some(reason) = &self.lost {
            return Err(Fault::Lost(reason.clone()));
        }
        let answered = self.try_answer(before, wanted);
        match answered {
            Err(Fault::Lost(reason)) => {
                let words = self.end();
                let reason = if words.is_empty() { reason } else { format!("{reason}: {words}") };
                self.lost = Some(reason.clone());
                Err(Fault::Lost(reason))
            }
            other => other,
        }
    }

    fn try_answer(&mut self, before: Wanted<'_>, wanted: Wanted<'_>) -> Result<Measured, Fault> {
        if self.remembers && self.running.as_ref().is_some_and(|running| running.used && running.child.is_some()) {
            self.end();
        }
        let running = if let Some(running) = &mut self.running {
            running
        } else {
            let running = self.running.insert(start(&self.program, &self.options, &self.group)?);
            wait(running, &self.group)?;
            running
        };
        running.line.answer(before)?;
        running.used = true;
        running.line.answer(wanted)
    }

    /// Ends the server. What it said last.
    fn end(&mut self) -> String {
        let Some((place, last_words)) = self.running.take().and_then(|running| running.child) else {
            return String::new();
        };
        self.group.end(place);
        last_words.get()
    }
}

fn start(program: &Path, options: &[OsString], group: &Group) -> Result<Running, Fault> {
    let failed = |error: std::io::Error| Fault::Lost(format!("it cannot be started: {error}"));
    let address = free_address().map_err(failed)?;
    let mut command = command(program);
    command.args(options).arg("--port").arg(address.port().to_string());
    let child = group.start(&mut command, LastWords::of).map_err(failed)?;
    Ok(Running { line: Line::new(address, ANSWERING)?, child: Some(child), used: false })
}

/// Waits until the server is ready.
fn wait(running: &Running, group: &Group) -> Result<(), Fault> {
    let began = Instant::now();
    while !running.line.ready() {
        if running.child.as_ref().is_some_and(|(place, _)| !group.runs(*place)) {
            return Err(Fault::Lost("it ended while it started".to_owned()));
        }
        if began.elapsed() > STARTING {
            return Err(Fault::Lost("it did not become ready".to_owned()));
        }
        thread::sleep(GLANCE);
    }
    Ok(())
}

/// A port of this computer that nobody uses at the moment.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// The last line a server wrote to standard error.
#[derive(Debug)]
struct LastWords(Receiver<String>);

impl LastWords {
    /// Reads what `child` says until it ends; a full pipe would stop it.
    fn of(child: &mut Child) -> Self {
        let (sender, receiver) = channel();
        if let Some(said) = child.stderr.take() {
            thread::spawn(move || {
                let lines = BufReader::new(said).split(b'\n').map_while(Result::ok);
                let texts = lines.map(|line| String::from_utf8_lossy(&line).trim().to_owned());
                // Nobody waits for it after a good end.
                let _ = sender.send(texts.filter(|text| !text.is_empty()).last().unwrap_or_default());
            });
        }
        Self(receiver)
    }

    /// What it was, once the server has ended; nothing if something else keeps its pipe open.
    fn get(&self) -> String {
        self.0.recv_timeout(Duration::from_secs(1)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
