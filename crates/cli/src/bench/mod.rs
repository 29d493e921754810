//! How long answers take in several ways, side by side on real questions.

mod again;
mod config;
mod held;
mod peer;
mod predict;
mod report;
mod sample;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use engine::{Ask, Engine};
use protocol::ladder::{EngineSettings, Ladder};
use protocol::learned::Learned;
use protocol::worker::{Anew, Message, Speaker};
use protocol::{Code, Problem, RungRole, Sampling, bytes_in_words};
use serde::Serialize;
use serde_json::json;

use crate::args::Bench;
use crate::costs;
use crate::interrupt::stoppable;
use crate::output::Output;
use crate::setup::{self, Setup};
use crate::suite::{self, Limit, Question, answer};
use again::Suspect;
use config::{Config, Possible, Way};
use held::Reading;
use peer::{Fault, Group, Peer, Program, Wanted};
use report::{Csv, Material, Report};
use sample::{Measured, Table};

/// A question that another program did not answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Failure {
    config: String,
    /// Number of the question, from 1.
    question: usize,
    reason: String,
}

pub(crate) fn run(args: &Bench, output: &Output) -> Result<(), Problem> {
    let (sampling, repeats, again) = (args.drawing.sampling()?, args.repeats()?, args.again()?);
    if args.predict && sampling.temperature > 0.0 {
        return Err(Problem::new(Code::SettingInvalid)
            .with("name", "--predict")
            .with("value", sampling.temperature)
            .with("reason", "what models say is recorded with --temperature 0"));
    }
    let max_tokens = args.questions.max_tokens()?;
    let setup = Setup::new()?;
    let mut settings = args.running.measuring(args.exact, &setup.places.rules)?;
    let questions = suite::read(&args.questions.suite, Limit::OfEach(args.questions.limit()?))?;
    let program = args.peers.as_deref().map(Program::find).transpose()?;
    let csv = args.csv.as_deref().map(|path| Csv::open(path, &[&args.questions.suite])).transpose()?;
    let threads = settings.threads.unwrap_or_else(|| engine::cores().try_into().unwrap_or(1));
    // Whatever the engine would choose, and perhaps choose anew in the middle: all ways and programs get the same.
    settings.threads = Some(threads);
    let id = setup.chosen(args.running.ladder.as_deref(), output);
    let ladder = setup.ladder_fixed(&id, &args.running, &args.fixed)?;
    let possible = |drafts: usize, k| {
        let size = drafts + usize::from(ladder.max_gram);
        Config::all(&args.configs, Possible { drafts, size, k, server: program.is_some() })
    };
    // What cannot be is told before anything is loaded.
    possible(ladder.rungs.len() - 1, &ladder.k)?;
    held::fits_file(args.held, settings.context, &ladder.rungs[0].path)?;
    let (engine, loaded) = setup::engine(&ladder, settings, output)?;
    output.note(loaded.rungs.join(" ← "));
    held::fits(args.held, loaded.context.into())?;
    let drafts = loaded.rungs.len() - 1 - usize::from(ladder.max_gram);
    let configs = possible(drafts, &loaded.k)?;
    let group = Group::default();
    let peer = |config: &Config| match (&config.way, &program) {
        (Way::Server(kind), Some(program)) => {
            Some(Peer::new(program, kind, &ladder, loaded.context, threads, group.clone()))
        }
        _ => None,
    };
    let peers: Vec<_> = configs.iter().map(peer).collect();
    let course = Course { questions: &questions, configs: &configs, repeats, output, stopped: Arc::default() };
    let stop = {
        let (stopped, engine, group) = (Arc::clone(&course.stopped), engine.clone(), group.clone());
        move || {
            stopped.store(true, Ordering::Release);
            engine.cancel();
            group.close();
        }
    };
    let tokens_of = |messages: Vec<Message>| Ok(engine.record(&plain(messages, 0))?.prompt.len());
    let held = held::messages(&questions, args.held, tokens_of)?;
    let asking = Asking {
        engine: &engine,
        ladder: &ladder,
        settings,
        sampling: &sampling,
        max_tokens,
        held: &held,
        k: &loaded.k,
        cold: args.cold,
        known: RefCell::new(vec![None; questions.len()]),
    };
    let result = stoppable(stop.clone(), || asking.all(&course, again, peers));
    group.close();
    let Asked { table, suspects, prompts, reading, failures, refused, learned, stopped } = result?;
    let memory = engine.worker_bytes();
    // What it takes of a card is no memory of the engine's, and what was left out was foretold all the same.
    let is_whole = loaded.left_out.is_empty() && loaded.placed.iter().all(|placed| placed.layers == 0);
    let foretold = is_whole.then(|| catalog::foretold(&ladder, settings));

    let categories: Vec<&str> = questions.iter().map(|question| question.category.as_str()).collect();
    let costs = costs::of(&loaded, learned.as_ref());
    let (configs, prompts) = (&configs[..], &prompts[..]);
    let report = Report::of(Material { categories: &categories, configs, table: &table, prompts, costs: &costs });
    if report.rows.is_empty() {
        stopped?;
        return refused.map_or(Ok(()), Err);
    }
    report.print(output);
    if let Some(bytes) = memory {
        let beside = foretold.map(|bytes| format!(" ({} foretold)", bytes_in_words(bytes))).unwrap_or_default();
        output.note(format_args!("Taki's engine occupies {} of memory{beside}.", bytes_in_words(bytes)));
    }
    if again > 0 {
        again::print(&suspects, output);
    }
    if let Some(csv) = csv {
        csv.write(&report.rows)?;
    }
    let (mut predictions, mut stopped) = (Vec::new(), stopped);
    if args.predict && stopped.is_ok() {
        let lenience = ladder.lenience;
        let benched =
            predict::Benched { questions: &questions, configs, table: &table, drafts, lenience, costs: &costs };
        let predicted = stoppable(stop, || predict::predict(&asking, &engine, &benched, output));
        // What was measured is told whatever comes of this.
        stopped = predicted.map(|predicted| predictions = predicted);
    }
    output.json(&json!({
        "machine": { "system": std::env::consts::OS, "processor": std::env::consts::ARCH, "cores": engine::cores() },
        "ladder": id, "rungs": loaded.rungs, "threads": threads, "context": loaded.context, "repeats": repeats,
        "exact": args.exact, "cold": args.cold, "held": reading, "worker_bytes": memory, "foretold_bytes": foretold, "llama_server": program.map(|program| program.version),
        "rows": report.rows, "bounds": report.bounds, "against": report.against, "slower": suspects, "failed": failures,
        "predictions": predictions,
    }));
    // What was measured until it was stopped is told all the same.
    stopped
}

fn plain(messages: Vec<Message>, max_tokens: u32) -> Ask {
    Ask { max_tokens: Some(max_tokens), ..Ask::plain(messages) }
}

/// Who is asked for what.
struct Asking<'a> {
    engine: &'a Engine,
    ladder: &'a Ladder,
    settings: EngineSettings,
    sampling: &'a Sampling,
    max_tokens: u32,
    /// What stands before every question.
    held: &'a [Message],
    /// The ladder's K matrix.
    k: &'a [Vec<u32>],
    /// Whether every answer begins with nothing learned.
    cold: bool,
    /// What was known before the first answer to each question.
    known: RefCell<Vec<Option<Learned>>>,
}

/// What came of it.
struct Asked {
    table: Table,
    /// What seemed slower and was asked again.
    suspects: Vec<Suspect>,
    /// Tokens of each prompt.
    prompts: Vec<Vec<u32>>,
    /// What reading the text before them took, if there is one.
    reading: Option<Reading>,
    failures: Vec<Failure>,
    /// Why we did not answer one of the questions.
    refused: Option<Problem>,
    /// What answers taught of the ladder.
    learned: Option<Learned>,
    /// What ended it early.
    stopped: Result<(), Problem>,
}

impl Asking<'_> {
    /// Everything in the order of `course`, then what seemed slower `again` times; `peers` has the other program of each way that
    /// needs one.
    fn all(&self, course: &Course<'_>, again: u32, mut peers: Vec<Option<Peer>>) -> Result<Asked, Problem> {
        let prompt = |text: &str| self.engine.record(&self.ask(text, 0, 0));
        let before = prompt(".")?;
        let prompts = course.questions.iter().map(|question| Ok(prompt(&question.text)?.prompt));
        let prompts: Vec<Vec<u32>> = prompts.collect::<Result<_, Problem>>()?;
        let reading = self.read_held(course.output)?;
        let mut failures = Vec::new();
        let mut refused = None;
        let mut measure = |question: usize, way: usize| {
            let text = &course.questions[question].text;
            let Some(peer) = &mut peers[way] else {
                return match self.ours(text, question, &course.configs[way].way) {
                    // One question that is too long is no reason to lose all others.
                    Err(problem) if matches!(problem.code, Code::PromptTooLong | Code::TextTooLong) => {
                        let sentence = problem.sentence(course.output.language);
                        refused = Some(problem);
                        Ok(Err(Fault::Refused(sentence)))
                    }
                    answered => answered.map(Ok),
                };
            };
            let sampling = self.ask(text, question, self.max_tokens).sampling;
            let keeps = !self.held.is_empty();
            let wanted = |prompt, max_tokens| Wanted {
                prompt,
                max_tokens,
                sampling: &sampling,
                end_tokens: &before.end_tokens,
                keeps,
            };
            Ok(peer.answer(wanted(&before.prompt, 1), wanted(&prompts[question], self.max_tokens)))
        };
        let (table, mut stopped) = course.run(&mut failures, &mut measure);
        // Whoever is asked again has to forget it.
        let learned = self.engine.learned();
        let mut suspects = Vec::new();
        if stopped.is_ok() {
            let mut anew = |question: usize| self.know_as_before(question);
            stopped = again::ask(course, &table, again, &mut suspects, &mut anew, &mut measure);
        }
        Ok(Asked { table, suspects, prompts, reading, failures, refused, learned, stopped })
    }

    /// Has the policy know what it knew before the first answer to a question: what that taught, and what it lost, is nothing that a person's question
    /// finds.
    fn know_as_before(&self, question: usize) -> Result<(), Problem> {
        let known = self.known.borrow()[question].clone();
        self.engine.begin()?.load(self.ladder, self.settings, known, &mut |_| {})?;
        if !self.held.is_empty() {
            answer(self.engine, &self.ask(".", question, 1))?;
        }
        Ok(())
    }

    fn ask(&self, text: &str, question: usize, max_tokens: u32) -> Ask {
        let mut sampling = self.sampling.clone();
        sampling.seed = sampling.seed.wrapping_add(question as u32);
        let mut messages = self.held.to_vec();
        messages.push(Message { speaker: Speaker::User, text: text.to_owned() });
        Ask { sampling, ..plain(messages, max_tokens) }
    }

    /// Has every model read what stands before every question, so that no answer's time has it.
    fn read_held(&self, output: &Output) -> Result<Option<Reading>, Problem> {
        if self.held.is_empty() {
            return Ok(None);
        }
        let (_, receipt) = answer(self.engine, &self.ask(".", 0, 1))?;
        // Drafts read when they draft.
        let drafting = Ask { cascade: true, k: Some(self.k.to_vec()), ..self.ask(".", 0, 8) };
        answer(self.engine, &drafting)?;
        let reading = Reading { tokens: receipt.prompt_tokens, seconds: receipt.first_token_seconds };
        output.note(format_args!("{} tokens read in {:.1} s", reading.tokens, reading.seconds));
        Ok(Some(reading))
    }

    /// Answers with nothing left of earlier answers: who answered a question before would know what to draft, and a common beginning
    /// of two prompts would not have to be read. llama-server is allowed neither.
    fn ours(&self, text: &str, question: usize, way: &Way) -> Result<Measured, Problem> {
        let held = !self.held.is_empty();
        self.engine.begin()?.forget(if held { Anew::Drafts } else { Anew::All });
        if held {
            // Back to what is held alone.
            answer(self.engine, &self.ask(".", question, 1))?;
        } else {
            // Forgetting is over once something else is answered; no answer's time has it.
            self.engine.record(&self.ask(text, question, 0))?;
        }
        let mut ask = self.ask(text, question, self.max_tokens);
        if let Way::Ours { cascade, k, waits, in_line } = way {
            (ask.cascade, ask.k, ask.unlearned) = (*cascade, k.clone(), self.cold);
            (ask.drafts_wait, ask.in_line) = (*waits, *in_line);
        }
        if let Some(first @ None) = self.known.borrow_mut().get_mut(question) {
            *first = self.engine.learned();
        }
        let (tokens, receipt) = answer(self.engine, &ask)?;
        let drafters = receipt.rungs.iter().filter(|rung| rung.role != RungRole::Target);
        let (proposed, passes) =
            drafters.fold((0, 0), |(proposed, passes), rung| (proposed + rung.proposed, passes + rung.passes));
        Ok(Measured {
            seconds: receipt.seconds,
            writing: receipt.seconds - receipt.first_token_seconds,
            tokens,
            target_passes: receipt.target_passes,
            proposed,
            draft_passes: Some(passes),
        })
    }
}

/// Gives the answer to a question in one of the ways, both by index; a [`Fault`] costs that answer only.
type Measure<'a> = dyn FnMut(usize, usize) -> Result<Result<Measured, Fault>, Problem> + 'a;

/// In what order questions are asked.
struct Course<'a> {
    questions: &'a [Question],
    configs: &'a [Config],
    repeats: u32,
    output: &'a Output,
    /// Set by Ctrl+C.
    stopped: Arc<AtomicBool>,
}

impl Course<'_> {
    /// Asks every question in every way; with what ended that early, if something did. A way that fails with a [`Fault`] costs that
    /// answer only.
    fn run(&self, failures: &mut Vec<Failure>, measure: &mut Measure<'_>) -> (Table, Result<(), Problem>) {
        let mut table = Table::new(self.questions.len(), self.configs.len());
        let done = self.fill(&mut table, failures, measure);
        (table, done)
    }

    fn fill(&self, table: &mut Table, failures: &mut Vec<Failure>, measure: &mut Measure<'_>) -> Result<(), Problem> {
        let (ways, first) = (self.configs.len(), first_round(self.questions));
        let mut lost = vec![false; ways];
        let began = Instant::now();
        for question in 0..self.questions.len() {
            for repeat in 0..self.repeats as usize {
                for way in order(ways, first + question * self.repeats as usize + repeat) {
                    if lost[way] {
                        continue;
                    }
                    match self.ask(measure, question, way)? {
                        Ok(measured) => table.add(question, way, measured),
                        Err(fault) => {
                            lost[way] = matches!(fault, Fault::Lost(_));
                            let (Fault::Refused(reason) | Fault::Lost(reason)) = fault;
                            let failure =
                                Failure { config: self.configs[way].name.clone(), question: question + 1, reason };
                            self.output.note(failure.sentence(lost[way]));
                            failures.push(failure);
                        }
                    }
                }
            }
            self.tell(table, question, began);
        }
        Ok(())
    }

    /// One answer, unless Ctrl+C came meanwhile.
    fn ask(&self, measure: &mut Measure<'_>, question: usize, way: usize) -> Result<Result<Measured, Fault>, Problem> {
        let measured = measure(question, way);
        if self.stopped.load(Ordering::Acquire) { Err(Problem::new(Code::Cancelled)) } else { measured }
    }

    /// How far it is.
    fn tell(&self, table: &Table, question: usize, began: Instant) {
        let time = |way| {
            table.typical(question, way).map_or_else(|| "–".to_owned(), |answer| format!("{:.2} s", answer.seconds))
        };
        let each = self.configs.iter().enumerate().map(|(way, config)| format!("{} {}", config.name, time(way)));
        let (done, all) = (question + 1, self.questions.len());
        let left = began.elapsed().as_secs_f64() / done as f64 * (all - done) as f64 / 60.0;
        self.output
            .note(format_args!("{done:>3}/{all}: {}; about {left:.0} min left", each.collect::<Vec<_>>().join(", ")));
    }
}

/// In what order the ways answer in a round: a design that is balanced for what is left of the one before (Williams 1949). In as many rounds as there
/// are ways each is once in every place and, of an even number, once behind every other one; of an odd number that takes twice as many.
fn order(ways: usize, round: usize) -> Vec<usize> {
    let turns = (0..ways).map(|turn| if turn % 2 == 1 { turn.div_ceil(2) } else { (ways - turn / 2) % ways });
    let mut order: Vec<usize> = turns.map(|turn| (turn + round) % ways).collect();
    if ways % 2 == 1 && (round / ways) % 2 == 1 {
        order.reverse();
    }
    order
}

/// In which round of the design a suite begins: suites of fewer questions than it has rounds are to begin in all of them.
fn first_round(questions: &[Question]) -> usize {
    let text = questions.first().map(|question| question.text.as_str()).unwrap_or_default();
    text.bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 1024
}

impl Failure {
    fn sentence(&self, lost: bool) -> String {
        let Self { config, question, reason } = self;
        let then = if lost { "It is not asked any more." } else { "The question is left out for it." };
        let reason = reason.trim_end_matches(['.', '。']);
        format!("{config} did not answer question {question}: {reason}. {then}")
    }
}

#[cfg(test)]
mod tests;
