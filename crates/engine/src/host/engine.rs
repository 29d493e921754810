use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use protocol::ladder::{EngineSettings, Ladder};
use protocol::worker::{Command, Event, Loaded, Record};
use protocol::{Code, Problem, Receipt};

use super::answer::{Answering, Ask, Progress, Turn};
use super::launch::Launch;
use super::process::{Line, Process};

/// How far loading is.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadProgress {
    /// Display name of the rung being read.
    pub rung: String,
    /// Share of the whole ladder read, 0 to 1.
    pub fraction: f32,
}

/// The engine: starts a worker when one is needed, another when it dies. A cheap handle; all calls block.
///
/// One thing at a time: a second load or answer while one runs is refused with [`Code::Busy`].
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    launch: Launch,
    work: Mutex<Work>,
    /// What others may look at while the work is locked.
    view: Mutex<View>,
}

/// Belongs to the call in progress.
#[derive(Debug, Default)]
struct Work {
    process: Option<Process>,
    /// The ladder to load again after a restart.
    wanted: Option<(Ladder, EngineSettings)>,
    /// Whether the running worker holds it.
    holds: bool,
    last_id: u32,
}

#[derive(Debug, Default)]
struct View {
    line: Option<Line>,
    pid: Option<u32>,
    loaded: Option<Loaded>,
    /// Someone cancelled the call in progress.
    cancelled: bool,
}

impl Engine {
    /// An engine without a worker: the first call starts one.
    pub fn new(launch: Launch) -> Self {
        Self { inner: Arc::new(Inner { launch, work: Mutex::default(), view: Mutex::default() }) }
    }

    /// Loads `ladder` in place of what is loaded.
    ///
    /// # Errors
    /// [`Code::Busy`], [`Code::Cancelled`], [`Code::WorkerMissing`], [`Code::LadderInvalid`] and what is wrong with the
    /// target's file; drafts that cannot be used are in [`Loaded::left_out`] instead.
    pub fn load(
        &self,
        ladder: &Ladder,
        settings: EngineSettings,
        on: &mut dyn FnMut(LoadProgress),
    ) -> Result<Loaded, Problem> {
        let mut work = self.begin()?;
        work.wanted = Some((ladder.clone(), settings));
        let loaded = self.inner.load(&mut work, on);
        if loaded.is_err() {
            work.wanted = None;
        }
        loaded
    }

    /// Produces an answer, whatever happens to workers meanwhile.
    ///
    /// # Errors
    /// [`Code::Busy`], [`Code::NothingLoaded`], [`Code::PromptTooLong`], [`Code::TemplateFailed`],
    /// [`Code::WorkerGaveUp`], and [`Code::Cancelled`] if the worker had to be killed to stop. What `on` was given
    /// stays valid.
    pub fn answer(&self, ask: &Ask, on: &mut dyn FnMut(Answering)) -> Result<Receipt, Problem> {
        let mut work = self.begin()?;
        self.inner.answer(&mut work, ask, on)
    }

    /// What the target answers, and what every draft would have said at each place of it; with `max_tokens` 0 only the
    /// tokens of the prompt.
    ///
    /// # Errors
    /// As [`Self::answer`]; a worker that dies is not replaced.
    pub fn record(&self, ask: &Ask) -> Result<Record, Problem> {
        let mut work = self.begin()?;
        self.inner.record(&mut work, ask)
    }

    /// Stops the call in progress, if there is one.
    pub fn cancel(&self) {
        let line = {
            let mut view = self.inner.view();
            view.cancelled = true;
            view.line.clone()
        };
        if let Some(line) = line {
            line.cancel();
        }
    }

    /// What is loaded.
    pub fn loaded(&self) -> Option<Loaded> {
        self.inner.view().loaded.clone()
    }

    /// The running worker's process id.
    pub fn worker_pid(&self) -> Option<u32> {
        self.inner.view().pid
    }

    /// Ends the worker, after cancelling what it does. The next call starts another.
    pub fn stop(&self) {
        self.cancel();
        let mut work = self.inner.work.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.drop_process(&mut work);
        work.wanted = None;
        self.inner.view().loaded = None;
    }

    fn begin(&self) -> Result<MutexGuard<'_, Work>, Problem> {
        let work = match self.inner.work.try_lock() {
            Ok(work) => work,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Problem::new(Code::Busy)),
        };
        self.inner.view().cancelled = false;
        Ok(work)
    }
}

impl Inner {
    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancelled(&self) -> bool {
        self.view().cancelled
    }

    /// The running worker, or a new one.
    fn process<'w>(&self, work: &'w mut Work) -> Result<&'w mut Process, Problem> {
        if work.process.is_none() {
            let process = Process::start(&self.launch)?;
            let mut view = self.view();
            (view.line, view.pid) = (Some(process.line().clone()), Some(process.pid()));
            drop(view);
            work.holds = false;
            work.process = Some(process);
        }
        work.process.as_mut().ok_or_else(|| Problem::new(Code::NothingLoaded))
    }

    fn drop_process(&self, work: &mut Work) {
        let mut view = self.view();
        (view.line, view.pid) = (None, None);
        drop(view);
        work.holds = false;
        work.process = None;
    }

    /// Loads what is wanted.
    fn load(&self, work: &mut Work, on: &mut dyn FnMut(LoadProgress)) -> Result<Loaded, Problem> {
        let Some((ladder, settings)) = work.wanted.clone() else {
            return Err(Problem::new(Code::NothingLoaded));
        };
        work.holds = false;
        self.view().loaded = None;
        let mut path = ladder.rungs.first().map(|rung| rung.path.clone()).unwrap_or_default();
        let process = self.process(work)?;
        process.begin();
        let load = Command::Load { ladder: ladder.clone(), settings };
        // A worker that died meanwhile is noticed by the first read.
        let _ = process.line().say(&load);
        self.repeat_cancel(process);
        let result = loop {
            match process.next() {
                Some(Event::Loading { rung, fraction }) => {
                    if let Some(reading) = ladder.rungs.iter().find(|known| known.name == rung) {
                        path.clone_from(&reading.path);
                    }
                    on(LoadProgress { rung, fraction });
                }
                Some(Event::Loaded(loaded)) => break Ok(loaded),
                Some(Event::Failed { id: None, problem }) => break Err(problem),
                Some(_) => {}
                None if self.cancelled() => break Err(Problem::new(Code::Cancelled)),
                None => {
                    break Err(Problem::new(Code::ModelRefused)
                        .with("path", path.display())
                        .with("reason", "the engine ended while it read the file"));
                }
            }
        };
        match result {
            Ok(loaded) => {
                work.holds = true;
                self.view().loaded = Some(loaded.clone());
                Ok(loaded)
            }
            Err(problem) => {
                // Half-loaded weights go with their process.
                self.drop_process(work);
                Err(problem)
            }
        }
    }

    fn answer(&self, work: &mut Work, ask: &Ask, on: &mut dyn FnMut(Answering)) -> Result<Receipt, Problem> {
        let began = Instant::now();
        let mut first = None;
        let mut progress = Progress::new(ask);
        let mut restarted = false;
        loop {
            match self.attempt(work, &mut progress, &mut |event| {
                if matches!(event, Answering::Text { .. }) {
                    first.get_or_insert_with(|| began.elapsed());
                }
                on(event);
            }) {
                Attempt::Done(Ok(mut receipt)) => {
                    if restarted {
                        // Only this side saw the whole of it; an estimate for the target alone would mix two workers.
                        receipt.seconds = began.elapsed().as_secs_f64();
                        receipt.first_token_seconds = first.map_or(receipt.seconds, |first| first.as_secs_f64());
                        (receipt.alone_seconds, receipt.speed_up) = (None, None);
                    }
                    return Ok(*receipt);
                }
                Attempt::Done(Err(problem)) => return Err(problem),
                Attempt::Died => {
                    self.drop_process(work);
                    if self.cancelled() {
                        return Err(Problem::new(Code::Cancelled));
                    }
                    restarted = true;
                    on(Answering::Resuming(progress.died()?));
                }
            }
        }
    }

    fn record(&self, work: &mut Work, ask: &Ask) -> Result<Record, Problem> {
        let id = self.next_request(work)?;
        let process = self.process(work)?;
        process.begin();
        let _ = process.line().say(&Command::Record(Progress::new(ask).request(id)));
        self.repeat_cancel(process);
        loop {
            match process.next() {
                Some(Event::Recorded { id: of, record }) if of == id => return Ok(*record),
                Some(Event::Failed { id: Some(of), problem }) if of == id => return Err(problem),
                Some(_) => {}
                None => break,
            }
        }
        self.drop_process(work);
        Err(Problem::new(if self.cancelled() { Code::Cancelled } else { Code::WorkerGaveUp }))
    }

    /// A number for the next request, with the ladder loaded.
    fn next_request(&self, work: &mut Work) -> Result<u32, Problem> {
        if !work.holds || work.process.is_none() {
            self.load(work, &mut |_| {})?;
        }
        work.last_id = work.last_id.wrapping_add(1);
        Ok(work.last_id)
    }

    fn attempt(&self, work: &mut Work, progress: &mut Progress<'_>, on: &mut dyn FnMut(Answering)) -> Attempt {
        let id = match self.next_request(work) {
            Ok(id) => id,
            Err(problem) => return Attempt::Done(Err(problem)),
        };
        let process = match self.process(work) {
            Ok(process) => process,
            Err(problem) => return Attempt::Done(Err(problem)),
        };
        process.begin();
        let _ = process.line().say(&Command::Generate(progress.request(id)));
        self.repeat_cancel(process);
        loop {
            match process.next() {
                None => return Attempt::Died,
                Some(event) => {
                    if let Turn::Done(result) = progress.take(id, event, on) {
                        return Attempt::Done(result);
                    }
                }
            }
        }
    }

    /// A cancel that came before the command would otherwise be taken for an older one.
    fn repeat_cancel(&self, process: &Process) {
        if self.cancelled() {
            process.line().cancel();
        }
    }
}

enum Attempt {
    Done(Result<Box<Receipt>, Problem>),
    Died,
}
