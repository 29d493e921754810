//! Holding one ladder: reading its models, then answering until another one is wanted.

use std::cell::OnceCell;
use std::path::Path;
use std::time::{Duration, Instant};

use cascade::policy::CostCurve;
use cascade::{Cascade, LanguageModel, Personal};
use protocol::ladder::{CONTEXT, EngineSettings, Ladder, Rung};
use protocol::learned::{Lessons, Threads};
use protocol::worker::{Command, Event, LeftOut, Loaded};
use protocol::{Code, Problem};

use super::answer::{Answerer, CHUNK, StopWatch};
use super::computers;
use super::cut::Cut;
use super::heard::Heard;
use super::inbox::Inbox;
use super::kept::Kept;
use super::knowing::Knowing;
use super::measure;
use super::memory::Memory;
use super::outbox::Outbox;
use super::paces;
use super::placing::{self, Along, Placing};
use super::shelf::{Draft, READING, Shelf, tokenizers_differ};
use super::table;
use super::threads::{self, Patience, Usual};
use crate::branches;
use crate::exact::identical_widths;
use crate::llama::{Llama, LlamaError, LlamaRung, Mode, Weights};
use crate::member::Member;

/// How long the passes of the target and of a draft are measured at the first load.
pub(super) const MEASURE: [Duration; 2] = [Duration::from_millis(1200), Duration::from_millis(600)];

/// How Max-Gram is called on screen.
pub(super) const MAX_GRAM: &str = "Max-Gram";

/// Reads `ladder` and answers with it. Returns the command that ends this: another `Load` or `Quit`.
pub(super) fn ladder(
    llama: &Llama,
    ladder: &Ladder,
    settings: EngineSettings,
    (known, mut along): (Option<&Lessons>, Along),
    kept: &mut Kept,
    (inbox, outbox): (&Inbox, &Outbox),
) -> Option<Command> {
    let began = Instant::now();
    let mut cut = Cut::default();
    let mut heard = kept.heard.take();
    if settings.uses_devices() {
        computers::connect_again();
    }
    loop {
        let without_devices = EngineSettings { gpu_layers: Some(0), ..settings };
        let settings = if cut == Cut::All { without_devices } else { settings };
        let context = settings.context.unwrap_or(CONTEXT);
        kept.only_of(ladder);
        let placing = Placing::over(ladder, settings, context, cut, &along, &kept.on_devices());
        kept.only_there(ladder, &placing);
        let (filled, held) = (placing.filled(), placing.taken());
        outbox.send(&placing.event());
        let mut memory = Memory::of_this_computer();
        let known = known.filter(|known| known.on_devices == placing.uses_devices());
        let running = Running { settings, known };
        let read = Shelf::read(llama, ladder, placing, (&mut memory, kept), inbox, outbox);
        let problem = match read {
            Ok(shelf) => match shelf.answerer(llama, ladder, running, &mut memory, inbox, outbox) {
                Ok(mut answerer) => {
                    shelf.let_go_ahead(ladder, &mut answerer);
                    // Only a try gives the figures. Whoever asks for layers gets them.
                    let seconds = answerer.curves.first().and_then(|curve| curve.at(1));
                    let seconds = seconds.filter(|_| settings.gpu_layers.is_none());
                    let slower = |seconds| shelf.placing.slower_with(seconds, paces::processor_now);
                    if let Some(slower) = seconds.and_then(slower) {
                        along = along.without(slower);
                        kept.clear();
                        continue;
                    }
                    let is_short = |left_out: &LeftOut| left_out.problem.code == Code::MemoryShort;
                    if heard.is_some() && answerer.left_out.iter().any(is_short) {
                        // Reading once more costs seconds, a draft less all answers.
                        heard = None;
                        continue;
                    }
                    if let Some(heard) = heard {
                        heard.tell(&mut answerer.cascade, kept);
                    }
                    let next = serve(&mut answerer, (ladder, &held), began, inbox, outbox);
                    if let Some(Command::Load { ladder: next, settings, .. }) = &next {
                        kept.heard = Heard::of(&mut answerer.cascade, kept, (next, *settings));
                    }
                    return next;
                }
                Err(problem) => problem,
            },
            Err(problem) => problem,
        };
        if problem.code == Code::Cancelled {
            // For whatever is wanted in its place.
            kept.heard = heard;
            return failed(inbox, outbox, problem);
        }
        if problem.code == Code::MemoryShort && heard.take().is_some() {
            continue;
        }
        kept.clear();
        // A device that has less than it said: the next best place.
        if filled.is_empty() || problem.code != Code::ModelRefused {
            return failed(inbox, outbox, problem);
        }
        cut = cut.next(&filled);
        tracing::warn!(code = %problem.code, ?cut, "the models do not go where they were to go");
    }
}

/// Answers until another ladder is wanted. Of this one so many bytes are `held` by devices, by their numbers.
fn serve(
    answerer: &mut Answerer<'_>,
    (ladder, held): (&Ladder, &[(usize, u64)]),
    began: Instant,
    inbox: &Inbox,
    outbox: &Outbox,
) -> Option<Command> {
    answerer.tell_lessons(outbox);
    outbox.send(&Event::Loaded(Loaded { seconds: began.elapsed().as_secs_f64(), ..answerer.loaded(ladder) }));
    loop {
        match inbox.next() {
            Some(Command::Generate(ask)) => {
                let single = answerer.answer(&ask, inbox, outbox);
                answerer.rethread(single, inbox);
            }
            Some(Command::Record(ask)) => answerer.record(&ask, inbox, outbox),
            Some(Command::Tokenize { id, text }) => answerer.tokenize(id, &text, outbox),
            Some(Command::Earlier { texts, anew }) => answerer.earlier(&texts, anew),
            Some(Command::Look) => outbox.send(&Event::Looked(Box::new(placing::hardware(held)))),
            Some(Command::Foresee { ladder, settings }) => {
                outbox.send(&Event::Foreseen { devices: placing::foreseen(&ladder, settings, held) });
            }
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

/// The target at work.
struct Opened<'w> {
    target: LlamaRung<'w>,
    threads: Threads,
    /// What its passes take, if they take what they did when it ran last.
    curve: Option<CostCurve>,
}

fn refused(path: &Path, reason: String) -> Problem {
    Problem::new(Code::ModelRefused).with("path", path.display()).with("reason", reason)
}

/// Tells how far trying out is, and whether somebody stops it.
struct Trying<'a> {
    inbox: &'a Inbox,
    outbox: &'a Outbox,
    done: usize,
    all: usize,
}

impl Trying<'_> {
    fn next(&mut self, rung: &str) -> Result<(), Problem> {
        if self.inbox.cancelled() {
            return Err(Problem::new(Code::Cancelled));
        }
        let share = self.done as f32 / self.all as f32;
        self.done += 1;
        self.outbox.send(&Event::Loading { rung: rung.to_owned(), fraction: READING + (1.0 - READING) * share });
        Ok(())
    }
}

impl Shelf {
    /// Opens the target on the threads that were asked for, or on the fastest.
    fn open_target<'w>(
        &'w self,
        llama: &Llama,
        context: u32,
        Running { settings, known: found }: Running<'_>,
        known: &Knowing,
    ) -> Result<Opened<'w>, String> {
        let open = |threads| {
            let opened = self.target.context(llama, context, threads, Mode::from(settings));
            opened.map_err(|error| error.to_string())
        };
        let fastest = || threads::fastest(&self.target, llama, Mode::from(settings)).0;
        let mut threads = match (settings.threads, found) {
            _ if self.target.is_on_devices() => threads::ON_DEVICES,
            (Some(threads), _) => threads::fixed(threads),
            (None, Some(found)) => threads::checked(found.threads),
            (None, None) => fastest(),
        };
        let mut target = open(threads)?;
        let curve = known.still(&mut target, 0, self.target.is_on_devices()).map_err(|error| error.to_string())?;
        if curve.is_none() && settings.threads.is_none() && found.is_some() && !self.target.is_on_devices() {
            // With another program at work, or without the one that was, another count may be the fastest.
            threads = fastest();
            drop(target);
            target = open(threads)?;
        }
        Ok(Opened { target, threads, curve })
    }

    fn answerer<'w>(
        &'w self,
        llama: &'w Llama,
        ladder: &Ladder,
        Running { settings, known }: Running<'_>,
        memory: &mut Memory,
        inbox: &Inbox,
        outbox: &Outbox,
    ) -> Result<Answerer<'w>, Problem> {
        let context = settings.context.unwrap_or(CONTEXT).min(self.target.trained_context().max(1));
        let mut trying = Trying { inbox, outbox, done: 0, all: 3 + self.drafts.len() };
        let Rung { name, path } = &ladder.rungs[0];
        trying.next(name)?;
        let mode = Mode::from(settings);
        if self.target.layers().0 == 0 {
            memory.take(self.target.cache_bytes(context, mode))?;
        }
        let found = known;
        let known = Knowing::of(known, ladder);
        let opened = self.open_target(llama, context, Running { settings, known: found }, &known);
        let Opened { mut target, threads, curve } = opened.map_err(|reason| refused(path, reason))?;
        let rolls_back = can_roll_back(&mut target).map_err(|error| refused(path, error.to_string()))?;
        if rolls_back && !settings.exact {
            target.let_branch(true);
            let holds = branches::hold(&mut target).map_err(|error| refused(path, error.to_string()))?;
            target.let_branch(holds);
        }
        trying.next(name)?;
        let widths =
            allowed_widths(&mut target, settings, rolls_back).map_err(|error| refused(path, error.to_string()))?;
        let mut matrix = self.policy.clone();
        let mut left_out = self.left_out.clone();
        let mut names = vec![ladder.rungs[0].name.clone()];
        trying.next(name)?;
        let curve = curve
            .map_or_else(|| measure::curve(&mut target, MEASURE[0], self.target.is_on_devices()), Ok)
            .map_err(|error| refused(path, error.to_string()))?;
        // Passes over the prompt must always be the same ones where bits count.
        let chunk = if settings.exact { CHUNK } else { measure::chunk(&curve, self.target.is_on_devices()) };
        // What is filled in is taken back.
        target.fill_up(if rolls_back { curve.fills() } else { &[] });
        let mut curves = vec![curve];
        let mut cascade = Cascade::new(Member::sharing(target));
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
        for Draft { rung, weights, tokens } in &self.drafts {
            trying.next(&rung.name)?;
            let bytes = if weights.layers().0 == 0 { weights.cache_bytes(context, mode) } else { 0 };
            let threads = self.threads_of(weights, settings, threads);
            let room = if rolls_back { memory.take(bytes) } else { Err(target_cannot_roll_back(rung)) };
            let opened = room.and_then(|()| draft(weights.context(llama, context, threads, mode), rung));
            let added = opened.and_then(|mut model| {
                tokens.translate(&mut model, &self.target);
                // What is known is numbered as in the whole ladder, whatever is left out this time.
                let place = ladder.rungs.iter().position(|of_ladder| of_ladder == rung).unwrap_or(usize::MAX);
                let curve = known.curve(&mut model, place, MEASURE[1], weights.is_on_devices());
                let curve = curve.inspect(|curve| model.fill_up(curve.fills()));
                let curve = curve.map_err(|error| refused(&rung.path, error.to_string()))?;
                // By text a pass takes what it takes in the draft's own tokens; how many there are to one of the target's is seen on the way.
                let member = tokens.member(model, &self.target);
                cascade.add_draft(member, ladder.lenience).map_err(|_| tokenizers_differ(rung))?;
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
        // Other threads are had by another context, for which a device may have no room.
        let may_change = settings.threads.is_none() && !settings.exact && !self.placing.uses_devices();
        let is_whole = curves.len() == ladder.rungs.len();
        let usual = curves[0].at(1).filter(|_| may_change).map(Usual::new);
        let mut answerer = Answerer {
            llama,
            weights: &self.target,
            cascade,
            policy: known.policy(curves.clone()),
            curves,
            matrix: matrix.k().to_vec(),
            translated: self.translated(&names),
            placed: self.placed(ladder, &names),
            names,
            left_out,
            context,
            mode,
            widths,
            chunk,
            rolls_back,
            watch: StopWatch::default(),
            read_bytes: self.read_bytes,
            is_whole,
            threads,
            patience: Patience::new(),
            usual,
            spellings: OnceCell::new(),
            shapes: OnceCell::new(),
        };
        answerer.let_fall_back();
        Ok(answerer)
    }
}

impl Shelf {
    /// Threads of a draft beside a target on `threads`.
    fn threads_of(&self, draft: &Weights, settings: EngineSettings, threads: Threads) -> Threads {
        match (draft.is_on_devices(), self.target.is_on_devices()) {
            (true, _) => threads::ON_DEVICES,
            // Beside a target on a device it has all cores to itself.
            (false, true) => settings.threads.map_or_else(threads::all_cores, threads::fixed),
            (false, false) => threads,
        }
    }
}

/// Widths of a pass that keep every bit; None if that is not asked for. A model that takes no tokens back reviews nothing.
fn allowed_widths(
    target: &mut LlamaRung<'_>,
    settings: EngineSettings,
    rolls_back: bool,
) -> Result<Option<Vec<usize>>, LlamaError> {
    match (settings.exact, rolls_back) {
        (false, _) => Ok(None),
        (true, false) => Ok(Some(vec![1])),
        (true, true) => identical_widths(target).map(Some),
    }
}

fn draft<'w>(opened: Result<LlamaRung<'w>, impl std::fmt::Display>, rung: &Rung) -> Result<LlamaRung<'w>, Problem> {
    let mut model = opened.map_err(|error| refused(&rung.path, error.to_string()))?;
    match can_roll_back(&mut model) {
        Ok(true) => Ok(model),
        Ok(false) => Err(Problem::new(Code::DraftCannotRollBack).with("rung", &rung.name)),
        Err(error) => Err(refused(&rung.path, error.to_string())),
    }
}

fn target_cannot_roll_back(draft: &Rung) -> Problem {
    Problem::new(Code::TargetCannotRollBack).with("rung", &draft.name)
}

/// Tries it: recurrent and hybrid models refuse, and nothing else says so for sure.
fn can_roll_back<M: LanguageModel>(model: &mut M) -> Result<bool, M::Error> {
    model.extend(&[0, 0, 0], 1)?;
    let can = model.truncate(2).is_ok();
    model.truncate(0)?;
    Ok(can)
}
