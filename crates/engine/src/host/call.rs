use std::path::Path;
use std::sync::{MutexGuard, PoisonError};
use std::time::Instant;

use protocol::learned::{Learned, Lessons};
use protocol::worker::{Anew, Command, Event, Record};
use protocol::{Code, FinishReason, Mix, Problem, Receipt, bytes_in_words};

use super::answer::{Answering, Ask, Progress, Turn};
use super::engine::Inner;
use super::load::Wanted;
use super::process::{Line, Process};
use super::repeats::Repeats;

/// No token of a vocabulary is longer than this, so that a text of more bytes per token of context cannot fit.
const LONGEST_TOKEN: usize = 256;

/// About how many English words and Japanese characters a token holds, to give an idea of the limit.
const WORDS_PER_TOKEN: f64 = 0.75;
const CHARACTERS_PER_TOKEN: f64 = 0.6;

/// The right to one call of the [`Engine`](super::Engine); nobody else gets it before this is dropped.
#[derive(Debug)]
pub struct Call<'e> {
    pub(super) inner: &'e Inner,
    pub(super) work: MutexGuard<'e, Work>,
}

/// What calls leave to the next one.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) process: Option<Process>,
    /// What to load again after a restart.
    pub(super) wanted: Option<Wanted>,
    /// Whether the running worker holds it.
    pub(super) holds: bool,
    last_id: u32,
    /// What was said in earlier chats, and how much of it the worker has.
    pub(super) earlier: Vec<String>,
    pub(super) told: usize,
    /// What it first has to forget.
    pub(super) anew: Anew,
    /// Other computers that the running worker was told of.
    pub(super) workers: Option<Vec<String>>,
    /// A device was lost, which nobody was told yet.
    pub(super) lost: Option<String>,
}

/// How a try with one worker ended.
pub(super) enum Attempt<T> {
    Done(Result<T, Problem>),
    Died,
}

impl Call<'_> {
    /// Produces an answer, whatever happens to workers meanwhile.
    ///
    /// # Errors
    /// [`Code::NothingLoaded`], [`Code::PromptTooLong`], [`Code::TemplateFailed`], [`Code::WorkerGaveUp`], [`Code::DeviceNeeded`], and
    /// [`Code::Cancelled`] if the worker had to be killed to stop. What `on` was given stays valid.
    pub fn answer(mut self, ask: &Ask, on: &mut dyn FnMut(Answering)) -> Result<Receipt, Problem> {
        self.fits(ask)?;
        // What was lost before has been told.
        self.take_lost();
        let began = Instant::now();
        let mut first = None;
        let (mut repeats, mut circles, inner) = (Repeats::new(), false, self.inner);
        let mut progress = Progress::new(ask);
        // An estimate for the target alone would mix two workers, or know nothing of a load.
        let mut restarted = !self.holds();
        loop {
            match self.attempt(&mut progress, &mut |event| {
                if let Answering::Text { tokens, .. } = &event {
                    first.get_or_insert_with(|| began.elapsed());
                    if ask.ends_repeats && !circles && repeats.take(tokens) {
                        circles = true;
                        inner.view().line.iter().for_each(Line::cancel);
                    }
                }
                on(event);
            }) {
                Attempt::Done(Ok(mut receipt)) => {
                    // As whoever waits sees it: with the way through the pipe, and what the worker still had to take in.
                    receipt.seconds = began.elapsed().as_secs_f64();
                    receipt.first_token_seconds = first.map_or(receipt.seconds, |first| first.as_secs_f64());
                    let alone = receipt.alone_seconds.filter(|_| !restarted);
                    receipt.alone_seconds = alone;
                    if circles && receipt.finish == FinishReason::Stopped && !self.cancelled() {
                        receipt.finish = FinishReason::Repeats;
                    }
                    receipt.speed_up = alone.filter(|_| receipt.seconds > 0.0).map(|alone| alone / receipt.seconds);
                    return Ok(*receipt);
                }
                Attempt::Done(Err(problem)) if problem.code == Code::MemoryShort => {
                    return Err(match &mut self.work.wanted {
                        Some(wanted) => wanted.lost.needed(problem),
                        None => problem,
                    });
                }
                Attempt::Done(Err(problem)) => return Err(problem),
                Attempt::Died => {
                    if self.cancelled() {
                        return Err(Problem::new(Code::Cancelled));
                    }
                    restarted = true;
                    let mut lost = self.take_lost();
                    if lost.is_none() && progress.is_fruitless() {
                        // Twice in a row: a driver that crashes does not say so.
                        self.lose_devices();
                        lost = self.take_lost();
                    }
                    on(Answering::Resuming(progress.died(lost)?));
                }
            }
        }
    }

    /// What the target answers, and what every draft would have said at each place of it.
    ///
    /// # Errors
    /// As [`Self::answer`]; a worker that dies is replaced once.
    pub fn record(&mut self, ask: &Ask) -> Result<Record, Problem> {
        self.fits(ask)?;
        let mut recorded = self.try_record(ask);
        if matches!(recorded, Attempt::Died) && !self.cancelled() {
            recorded = self.try_record(ask);
        }
        self.once(recorded)
    }

    fn try_record(&mut self, ask: &Ask) -> Attempt<Record> {
        self.ask(|id| Command::Record(Progress::new(ask).request(id)), &mut |id, event| match event {
            Event::Recorded { id: of, record } if of == id => Some(Ok(*record)),
            Event::Failed { id: Some(of), problem } if of == id => Some(Err(problem)),
            _ => None,
        })
    }

    /// The target's tokens of `text`, in which nothing is markup, and the hash of the vocabulary that they belong to.
    ///
    /// # Errors
    /// [`Code::NothingLoaded`], [`Code::Cancelled`], [`Code::WorkerGaveUp`]; a worker that dies is not replaced.
    pub fn tokenize(&mut self, text: &str) -> Result<(Vec<u32>, u64), Problem> {
        let text = text.to_owned();
        let tokens = self.ask(|id| Command::Tokenize { id, text }, &mut |id, event| match event {
            Event::Tokens { id: of, tokens, vocabulary } if of == id => Some(Ok((tokens, vocabulary))),
            Event::Failed { id: Some(of), problem } if of == id => Some(Err(problem)),
            _ => None,
        });
        // It takes too short to be stopped: whoever wanted that wants no more of them.
        self.once(tokens)
            .and_then(|tokens| if self.cancelled() { Err(Problem::new(Code::Cancelled)) } else { Ok(tokens) })
    }

    /// What came of something that no other worker is asked for.
    pub(super) fn once<T>(&self, attempt: Attempt<T>) -> Result<T, Problem> {
        match attempt {
            Attempt::Done(result) => result,
            Attempt::Died => Err(Problem::new(if self.cancelled() { Code::Cancelled } else { Code::WorkerGaveUp })),
        }
    }

    /// Writes the model in the file `from` anew as `mix`, to the file `to`, of which it will have about `bytes`. `on` is told about the share
    /// that is done. What is loaded goes; what is left of an unfinished file is the caller's.
    ///
    /// # Errors
    /// [`Code::ModelRefused`], [`Code::Cancelled`], [`Code::WorkerMissing`].
    pub fn requantize(
        mut self,
        from: &Path,
        to: &Path,
        mix: Mix,
        bytes: u64,
        on: &mut dyn FnMut(f32),
    ) -> Result<(), Problem> {
        self.work.wanted = None;
        self.work.holds = false;
        self.inner.view().loaded = None;
        let command = Command::Requantize { from: from.to_owned(), to: to.to_owned(), mix, bytes };
        let ended = self.converse(&command, &mut |event| match event {
            Event::Requantizing { fraction } => {
                on(fraction);
                None
            }
            Event::Requantized => Some(Ok(())),
            Event::Failed { id: None, problem } => Some(Err(problem)),
            _ => None,
        });
        match ended {
            Attempt::Done(result) => result,
            Attempt::Died if self.cancelled() => Err(Problem::new(Code::Cancelled)),
            Attempt::Died => Err(Problem::new(Code::ModelRefused)
                .with("path", from.display())
                .with("reason", "the engine ended while it wrote the file anew")),
        }
    }

    /// Whether the worker runs and holds the ladder, so that nothing has to be loaded first.
    pub fn holds(&self) -> bool {
        self.work.holds && self.work.process.is_some()
    }

    /// Ends the worker; nothing is loaded any more.
    pub(super) fn end(mut self) {
        self.drop_process();
        self.work.wanted = None;
        self.inner.view().loaded = None;
    }

    pub(super) fn cancelled(&self) -> bool {
        self.inner.view().cancelled
    }

    /// Refuses a text that no context could hold before it is sent anywhere.
    fn fits(&self, ask: &Ask) -> Result<(), Problem> {
        let bytes = ask.messages.iter().map(|message| message.text.len()).sum::<usize>() + ask.begun.len();
        match self.inner.view().loaded.as_ref().map(|loaded| loaded.context) {
            Some(context) if bytes > LONGEST_TOKEN.saturating_mul(context as usize) => {
                let about = |per_token: f64| (f64::from(context) * per_token / 100.0).round() * 100.0;
                Err(Problem::new(Code::TextTooLong)
                    .with("size", bytes_in_words(bytes as u64))
                    .with("context", context)
                    .with("words", about(WORDS_PER_TOKEN))
                    .with("characters", about(CHARACTERS_PER_TOKEN)))
            }
            _ => Ok(()),
        }
    }

    /// The running worker, or a new one.
    pub(super) fn process(&mut self) -> Result<&mut Process, Problem> {
        let work = &mut *self.work;
        if work.process.is_none() {
            let workers = self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let process = Process::start(&self.inner.launch, workers.as_deref())?;
            work.workers = workers;
            let mut view = self.inner.view();
            (view.line, view.pid) = (Some(process.line().clone()), Some(process.pid()));
            drop(view);
            work.holds = false;
            work.process = Some(process);
        }
        work.process.as_mut().ok_or_else(|| Problem::new(Code::NothingLoaded))
    }

    pub(super) fn drop_process(&mut self) {
        let mut view = self.inner.view();
        (view.line, view.pid) = (None, None);
        drop(view);
        self.work.holds = false;
        self.work.process = None;
    }

    /// Says `command` to the worker and hands its events to `take` until that is satisfied.
    pub(super) fn converse<T>(
        &mut self,
        command: &Command,
        take: &mut dyn FnMut(Event) -> Option<Result<T, Problem>>,
    ) -> Attempt<T> {
        let process = match self.process() {
            Ok(process) => process,
            Err(problem) => return Attempt::Done(Err(problem)),
        };
        process.begin();
        if let Err(problem) = process.line().ask(command) {
            return Attempt::Done(Err(problem));
        }
        if self.cancelled() {
            // Coming before the command, it would be taken for an older one's.
            self.inner.view().line.iter().for_each(super::process::Line::cancel);
        }
        loop {
            match self.work.process.as_mut().and_then(Process::next) {
                Some(Event::Learned(lessons)) => self.learn(lessons),
                Some(event) => {
                    if let Some(result) = take(event) {
                        return Attempt::Done(result);
                    }
                }
                None => {
                    self.leave_devices();
                    self.drop_process();
                    return Attempt::Died;
                }
            }
        }
    }

    /// Keeps what the worker found out, for the next one and for whoever asks.
    fn learn(&mut self, mut lessons: Box<Lessons>) {
        let Some(wanted) = &mut self.work.wanted else { return };
        let before = wanted.known.as_ref().filter(|known| known.on_devices == lessons.on_devices);
        let ever = before.and_then(|known| known.fastest).into_iter().chain(lessons.fastest);
        lessons.fastest = ever.min_by(f64::total_cmp);
        self.inner.view().learned = Some(Learned {
            ladder: wanted.ladder.id.clone(),
            conditions: wanted.conditions.clone(),
            lessons: (*lessons).clone(),
        });
        wanted.known = Some(lessons);
    }

    /// Says the command of a request number, with the ladder loaded, and hands events to `take`.
    fn ask<T>(
        &mut self,
        command: impl FnOnce(u32) -> Command,
        take: &mut dyn FnMut(u32, Event) -> Option<Result<T, Problem>>,
    ) -> Attempt<T> {
        if !self.holds() {
            match self.try_load(&mut |_| {}) {
                Attempt::Done(Ok(_)) => {}
                Attempt::Done(Err(problem)) => return Attempt::Done(Err(problem)),
                Attempt::Died => return Attempt::Died,
            }
        }
        self.bear_silence();
        self.tell_earlier();
        self.work.last_id = self.work.last_id.wrapping_add(1);
        let id = self.work.last_id;
        let ended = self.converse(&command(id), &mut |event| take(id, event));
        if !matches!(&ended, Attempt::Done(Err(problem)) if problem.code == Code::DeviceLost) {
            return ended;
        }
        // Where no abort comes of it, the worker says so. It has no use of that device any more, and another one may have.
        self.lose_devices();
        self.drop_process();
        Attempt::Died
    }

    fn attempt(&mut self, progress: &mut Progress<'_>, on: &mut dyn FnMut(Answering)) -> Attempt<Box<Receipt>> {
        let request = progress.request(0);
        self.ask(|id| Command::Generate(protocol::worker::Generate { id, ..request }), &mut |id, event| match progress
            .take(id, event, on)
        {
            Turn::Done(result) => Some(result),
            Turn::GoesOn => None,
        })
    }
}
