//! Holding one ladder: reading its models, then answering until another one is wanted.

use std::cell::{Cell, OnceCell};
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cascade::policy::{Adaptive, CostCurve};
use cascade::{Cascade, FixedPolicy, LanguageModel};
use protocol::ladder::{EngineSettings, Ladder, Rung};
use protocol::learned::Lessons;
use protocol::worker::{Command, Event, LeftOut, Loaded, PassTime};
use protocol::{Code, Problem};

use super::answer::{Answerer, StopWatch};
use super::inbox::Inbox;
use super::measure;
use super::memory::Memory;
use super::outbox::Outbox;
use super::threads;
use crate::exact::identical_widths;
use crate::llama::{Llama, LlamaRung, Weights};

/// Context length if neither the model nor the user asks for less: what a long letter with its answer needs.
const CONTEXT: u32 = 8192;

/// Smallest step of progress that is worth a frame.
const STEP: f32 = 0.01;

/// How long the passes of one model are measured at load.
const MEASURE: Duration = Duration::from_millis(400);

/// How Max-Gram is called on screen.
pub(super) const MAX_GRAM: &str = "Max-Gram";

/// Reads `ladder` and answers with it. Returns the command that ends this: another `Load`, `Quit` or the end of the pipe.
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
    let mut answerer = match shelf.answerer(llama, ladder, Running { settings, known }, &mut memory, inbox) {
        Ok(answerer) => answerer,
        Err(problem) => return failed(inbox, outbox, problem),
    };
    outbox.send(&Event::Learned(Box::new(answerer.lessons())));
    outbox.send(&Event::Loaded(Loaded { seconds: began.elapsed().as_secs_f64(), ..answerer.loaded(ladder) }));
    loop {
        match inbox.next() {
            Some(Command::Generate(ask)) => answerer.answer(&ask, inbox, outbox),
            Some(Command::Record(ask)) => answerer.record(&ask, inbox, outbox),
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

/// The weights of a ladder, as far as they could be used.
struct Shelf {
    target: Weights,
    drafts: Vec<(Rung, Weights)>,
    left_out: Vec<LeftOut>,
    policy: FixedPolicy,
}

impl Shelf {
    fn read(
        llama: &Llama,
        ladder: &Ladder,
        memory: &mut Memory,
        inbox: &Inbox,
        outbox: &Outbox,
    ) -> Result<Self, Problem> {
        let invalid = |reason: String| Problem::new(Code::LadderInvalid).with("reason", reason);
        let mut policy = FixedPolicy::new(&ladder.k).map_err(|error| invalid(error.to_string()))?;
        let Some((first, rest)) = ladder.rungs.split_first() else {
            return Err(invalid("it has no target".to_owned()));
        };
        let bottom = usize::from(ladder.max_gram);
        if ladder.k.len() != rest.len() + bottom {
            return Err(invalid(format!(
                "its K matrix has {} rows for {} drafters",
                ladder.k.len(),
                rest.len() + bottom
            )));
        }
        let mut meter = Meter::new(ladder, outbox);
        memory.take_file(&first.path)?;
        let target = meter.read(llama, first, inbox)?;
        let (mut drafts, mut left_out) = (Vec::new(), Vec::new());
        let mut above = target.bytes();
        for (index, rung) in rest.iter().enumerate() {
            let read = memory
                .take_file(&rung.path)
                .and_then(|()| meter.read(llama, rung, inbox))
                .and_then(|weights| fits(weights, &target, above, rung));
            match read {
                Ok(weights) => {
                    above = weights.bytes();
                    drafts.push((rung.clone(), weights));
                }
                Err(problem) if problem.code == Code::Cancelled => return Err(problem),
                Err(problem) => {
                    // A draft costs speed at most: the ladder goes on without it.
                    policy = policy.without(index + 1 - left_out.len());
                    left_out.push(LeftOut { rung: rung.name.clone(), problem });
                }
            }
        }
        Ok(Self { target, drafts, left_out, policy })
    }

    fn answerer(
        &self,
        llama: &Llama,
        ladder: &Ladder,
        Running { settings, known }: Running<'_>,
        memory: &mut Memory,
        inbox: &Inbox,
    ) -> Result<Answerer<'_>, Problem> {
        let context = settings.context.unwrap_or(CONTEXT).min(self.target.trained_context().max(1));
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
        let widths = if settings.exact {
            Some(identical_widths(&mut target).map_err(|error| refused(path, error.to_string()))?)
        } else {
            None
        };
        let mut matrix = self.policy.clone();
        let mut left_out = self.left_out.clone();
        let mut names = vec![ladder.rungs[0].name.clone()];
        let curve = measure::curve(&mut target, MEASURE);
        let mut curves = vec![curve.map_err(|error| refused(path, error.to_string()))?];
        let mut cascade = Cascade::new(target);
        cascade.set_max_gram(ladder.max_gram);
        for (rung, weights) in &self.drafts {
            if inbox.cancelled() {
                return Err(Problem::new(Code::Cancelled));
            }
            let opened = memory
                .take(weights.cache_bytes(context))
                .and_then(|()| draft(weights.context(llama, context, threads, settings.exact), rung));
            let added = opened.and_then(|mut model| {
                let curve = measure::curve(&mut model, MEASURE);
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
            policy: policy(curves, known),
            matrix: matrix.k().to_vec(),
            names,
            left_out,
            context,
            widths,
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

/// The adaptive policy with what was learned before, as far as it can be used.
fn policy(curves: Vec<CostCurve>, known: Option<&Lessons>) -> Adaptive {
    let fresh = Adaptive::new(curves.clone());
    let Some(known) = known.filter(|known| !known.policy.is_null()) else { return fresh };
    let found = serde_json::from_value(known.policy.clone()).map_err(|error| error.to_string());
    match found.and_then(|known| Adaptive::with_knowledge(curves, &known).map_err(|error| error.to_string())) {
        Ok(knowing) => knowing,
        Err(reason) => {
            tracing::warn!(reason, "what was learned cannot be used");
            fresh
        }
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

fn tokenizers_differ(rung: &Rung) -> Problem {
    Problem::new(Code::TokenizersDiffer).with("rung", &rung.name)
}

/// Whether a draft can work for this target at all.
fn fits(weights: Weights, target: &Weights, above: u64, rung: &Rung) -> Result<Weights, Problem> {
    if weights.vocab() != target.vocab() {
        return Err(tokenizers_differ(rung));
    }
    if weights.bytes() >= above {
        return Err(Problem::new(Code::DraftTooLarge).with("rung", &rung.name));
    }
    Ok(weights)
}

/// Tells how much of the whole ladder is read.
struct Meter<'a> {
    outbox: &'a Outbox,
    /// Bytes of the files read so far, and of all.
    done: u64,
    total: u64,
}

impl<'a> Meter<'a> {
    fn new(ladder: &Ladder, outbox: &'a Outbox) -> Self {
        let total = ladder.rungs.iter().map(|rung| size_of(&rung.path)).sum::<u64>().max(1);
        Self { outbox, done: 0, total }
    }

    fn read(&mut self, llama: &Llama, rung: &Rung, inbox: &Inbox) -> Result<Weights, Problem> {
        let bytes = size_of(&rung.path);
        let (start, share) = (self.done as f32 / self.total as f32, bytes as f32 / self.total as f32);
        let (outbox, cancel, name) = (self.outbox.clone(), inbox.cancel_flag(), rung.name.clone());
        let last = Rc::new(Cell::new(f32::NEG_INFINITY));
        let progress = move |fraction: f32| {
            let fraction = (start + share * fraction).clamp(0.0, 1.0);
            if fraction - last.get() >= STEP {
                last.set(fraction);
                outbox.send(&Event::Loading { rung: name.clone(), fraction });
            }
            !cancel.load(Ordering::Acquire)
        };
        // Even a file that is refused at once was begun: the parent must know which one ended the worker.
        self.outbox.send(&Event::Loading { rung: rung.name.clone(), fraction: start.min(1.0) });
        let weights = llama.read(&rung.path, progress);
        self.done += bytes;
        weights
    }
}

fn size_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |about| about.len())
}
