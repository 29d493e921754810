//! Holding one ladder: reading its models, then answering until another one is wanted.

use std::cell::OnceCell;
use std::path::Path;
use std::time::{Duration, Instant};

use cascade::policy::{Adaptive, CostCurve, Knowledge};
use cascade::{Cascade, LanguageModel, Personal};
use protocol::ladder::{EngineSettings, Ladder, Rung};
use protocol::learned::Lessons;
use protocol::worker::{Command, Event, LeftOut, Loaded, PassTime};
use protocol::{Code, Problem};

use super::answer::{Answerer, CHUNK, StopWatch};
use super::inbox::Inbox;
use super::measure;
use super::memory::Memory;
use super::outbox::Outbox;
use super::shelf::{READING, Shelf, tokenizers_differ};
use super::table;
use super::threads;
use crate::branches;
use crate::exact::identical_widths;
use crate::llama::{Llama, LlamaRung};

/// Context length if neither the model nor the user asks for less: what a long letter with its answer needs.
const CONTEXT: u32 = 8192;

/// How long the passes of the target and of a draft are measured at the first load.
const MEASURE: [Duration; 2] = [Duration::from_millis(1200), Duration::from_millis(600)];

/// How Max-Gram is called on screen.
pub(super) const MAX_GRAM: &str = "Max-Gram";

/// Reads `ladder` and answers with it. Returns the command that ends this: another `Load` or `Quit`.
pub(super) fn ladder(
    llama: &Llama,
    ladder: &Ladder,
    settings: EngineSettings,
    known: Option<&Lessons>,
    inbox: &Inbox,
    outbox: &Outbox,
) -> Option<Command> {
    let began = Instant::now();
    let mut memory = Memory::of_this_computer();
    let shelf = match Shelf::read(llama, ladder, &mut memory, inbox, outbox) {
        Ok(shelf) => shelf,
        Err(problem) => return failed(inbox, outbox, problem),
    };
    let mut answerer = match shelf.answerer(llama, ladder, Running { settings, known }, &mut memory, inbox, outbox) {
        Ok(answerer) => answerer,
        Err(problem) => return failed(inbox, outbox, problem),
    };
    outbox.send(&Event::Learned(Box::new(answerer.lessons())));
    outbox.send(&Event::Loaded(Loaded { seconds: began.elapsed().as_secs_f64(), ..answerer.loaded(ladder) }));
    loop {
        match inbox.next() {
            Some(Command::Generate(ask)) => answerer.answer(&ask, inbox, outbox),
            Some(Command::Record(ask)) => answerer.record(&ask, inbox, outbox),
            Some(Command::Tokenize { id, text }) => answerer.tokenize(id, &text, outbox),
            Some(Command::Earlier { texts, anew }) => answerer.earlier(&texts, anew),
            Some(Command::Cancel) => {}
            other => return other,
        }
    }
}

fn failed(inbox: &Inbox, outbox: &Outbox, problem: Problem) -> Option<Command> {
    outbox.send(&Event::Failed { id: None, problem });
    inbox.next()
}

/// How a ladder is to be run.
#[derive(Clone, Copy)]
struct Running<'a> {
    settings: EngineSettings,
    /// What was learned of it before.
    known: Option<&'a Lessons>,
}

/// Tells how far trying out is.
struct Trying<'a> {
    outbox: &'a Outbox,
    done: usize,
    all: usize,
}

impl Trying<'_> {
    fn next(&mut self, rung: &str) {
        let share = self.done as f32 / self.all as f32;
        self.done += 1;
        self.outbox.send(&Event::Loading { rung: rung.to_owned(), fraction: READING + (1.0 - READING) * share });
    }
}

impl Shelf {
    fn answerer(
        &self,
        llama: &Llama,
        ladder: &Ladder,
        Running { settings, known }: Running<'_>,
        memory: &mut Memory,
        inbox: &Inbox,
        outbox: &Outbox,
    ) -> Result<Answerer<'_>, Problem> {
        let context = settings.context.unwrap_or(CONTEXT).min(self.target.trained_context().max(1));
        let mut trying = Trying { outbox, done: 0, all: 3 + self.drafts.len() };
        let name = &ladder.rungs[0].name;
        trying.next(name);
        let threads = match (settings.threads, known) {
            (Some(threads), _) => threads::fixed(threads),
            (None, Some(known)) => threads::checked(known.threads),
            (None, None) => threads::fastest(&self.target, llama, settings.exact),
        };
        let refused = |path: &Path, reason: String| {
            Problem::new(Code::ModelRefused).with("path", path.display()).with("reason", reason)
        };
        let path = &ladder.rungs[0].path;
        memory.take(self.target.cache_bytes(context))?;
        let mut target = self
            .target
            .context(llama, context, threads, settings.exact)
            .map_err(|error| refused(path, error.to_string()))?;
        let rolls_back = can_roll_back(&mut target).map_err(|error| refused(path, error.to_string()))?;
        if rolls_back && !settings.exact {
            target.let_branch(true);
            let holds = branches::hold(&mut target).map_err(|error| refused(path, error.to_string()))?;
            target.let_branch(holds);
        }
        trying.next(name);
        let widths = if settings.exact {
            Some(identical_widths(&mut target).map_err(|error| refused(path, error.to_string()))?)
        } else {
            None
        };
        let mut matrix = self.policy.clone();
        let mut left_out = self.left_out.clone();
        let mut names = vec![ladder.rungs[0].name.clone()];
        trying.next(name);
        let known = Knowing::of(known, ladder);
        let curve = known.curve(&mut target, 0, MEASURE[0]).map_err(|error| refused(path, error.to_string()))?;
        // Passes over the prompt must always be the same ones where bits count.
        let chunk = if settings.exact { CHUNK } else { measure::chunk(&curve) };
        let mut curves = vec![curve];
        let mut cascade = Cascade::new(target);
        cascade.set_max_gram(ladder.max_gram);
        let size = cascade.target().vocab().size;
        if let Some(max_gram) = cascade.max_gram_mut() {
            max_gram.set_personal(Personal::new(Personal::MOST), size);
        }
        if let (Some(path), true) = (&ladder.table, ladder.max_gram)
            && let Err(problem) = table::load(path, &mut cascade)
        {
            left_out.push(LeftOut { rung: table::TABLE.to_owned(), problem });
        }
        for (rung, weights) in &self.drafts {
            if inbox.cancelled() {
                return Err(Problem::new(Code::Cancelled));
            }
            trying.next(&rung.name);
            let opened = memory
                .take(weights.cache_bytes(context))
                .and_then(|()| draft(weights.context(llama, context, threads, settings.exact), rung));
            let added = opened.and_then(|mut model| {
                let curve = known.curve(&mut model, names.len(), MEASURE[1]);
                let curve = curve.map_err(|error| refused(&rung.path, error.to_string()))?;
                cascade.add_draft(model, ladder.lenience).map_err(|_| tokenizers_differ(rung))?;
                curves.push(curve);
                Ok(())
            });
            match added {
                Ok(()) => names.push(rung.name.clone()),
                Err(problem) => {
                    matrix = matrix.without(names.len());
                    left_out.push(LeftOut { rung: rung.name.clone(), problem });
                }
            }
        }
        if ladder.max_gram {
            names.push(MAX_GRAM.to_owned());
        }
        let pass_times = curves.iter().map(pass_times).collect();
        Ok(Answerer {
            weights: &self.target,
            cascade,
            policy: known.policy(curves),
            matrix: matrix.k().to_vec(),
            names,
            left_out,
            context,
            widths,
            chunk,
            rolls_back,
            watch: StopWatch::default(),
            single: None,
            threads,
            pass_times,
            spellings: OnceCell::new(),
            shapes: OnceCell::new(),
        })
    }
}

/// What the policy knew when this ladder ran last, if that can be used.
struct Knowing(Option<Knowledge>);

impl Knowing {
    fn of(known: Option<&Lessons>, ladder: &Ladder) -> Self {
        let Some(known) = known.filter(|known| !known.policy.is_null()) else { return Self(None) };
        let found = serde_json::from_value(known.policy.clone()).map_err(|error| error.to_string());
        let checked = found.and_then(|known: Knowledge| {
            known.check(ladder.rungs.len()).map(|()| known).map_err(|error| error.to_string())
        });
        Self(checked.inspect_err(|reason| tracing::warn!(reason, "what was learned cannot be used")).ok())
    }

    /// What passes of `model`, rung `rung` of the ladder, take: as they did if the computer is as it was, or measured.
    fn curve<M: LanguageModel>(&self, model: &mut M, rung: usize, budget: Duration) -> Result<CostCurve, M::Error> {
        if let Some(before) = self.0.as_ref().and_then(|known| known.curve(rung))
            && measure::is_still(model, before)?
        {
            return Ok(before.clone());
        }
        measure::curve(model, budget)
    }

    fn policy(&self, curves: Vec<CostCurve>) -> Adaptive {
        // One that had to leave a rung out this time knows nothing of the shorter ladder.
        let knowing = self.0.as_ref().and_then(|known| Adaptive::with_knowledge(curves.clone(), known).ok());
        knowing.unwrap_or_else(|| Adaptive::new(curves))
    }
}

fn pass_times(curve: &CostCurve) -> Vec<PassTime> {
    curve.points().map(|(width, seconds)| PassTime { width: width as u32, seconds }).collect()
}

fn draft<'w>(opened: Result<LlamaRung<'w>, impl std::fmt::Display>, rung: &Rung) -> Result<LlamaRung<'w>, Problem> {
    let refused = |error: &dyn std::fmt::Display| {
        Problem::new(Code::ModelRefused).with("path", rung.path.display()).with("reason", error)
    };
    let mut model = opened.map_err(|error| refused(&error))?;
    match can_roll_back(&mut model) {
        Ok(true) => Ok(model),
        Ok(false) => Err(Problem::new(Code::CannotRollBack).with("rung", &rung.name)),
        Err(error) => Err(refused(&error)),
    }
}

/// Tries it: recurrent and hybrid models refuse, and nothing else says so for sure.
fn can_roll_back<M: LanguageModel>(model: &mut M) -> Result<bool, M::Error> {
    model.extend(&[0, 0, 0], 1)?;
    let can = model.truncate(2).is_ok();
    model.truncate(0)?;
    Ok(can)
}
