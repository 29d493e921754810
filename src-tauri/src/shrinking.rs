//! Making a smaller version of a model, or taking one in, while another engine answers.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use catalog::{Made, MadeFrom, RecipeModel, check_header};
use engine::{Agreement, Engine, Launch};
use protocol::ladder::{EngineSettings, Rung};
use protocol::{Code, Mix, Problem};

use crate::app::Disk;

/// Context in tokens of a comparison: the questions and answers are short.
const COMPARED: u32 = 1024;

/// An engine of its own: the other one goes on answering. One thing at a time.
pub(crate) struct Shrinking {
    engine: Engine,
    work: Mutex<()>,
    stop: AtomicBool,
}

impl Shrinking {
    pub(crate) fn new(launch: &Launch) -> Self {
        Self { engine: Engine::new(launch.clone()), work: Mutex::default(), stop: AtomicBool::new(false) }
    }

    /// The right to do something; a stop is for it from now on.
    ///
    /// # Errors
    /// [`Code::ModelsBusy`] while something else is done.
    pub(crate) fn begin(&self) -> Result<Work<'_>, Problem> {
        let held = match self.work.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Problem::new(Code::ModelsBusy)),
        };
        self.stop.store(false, Ordering::Release);
        Ok(Work { shrinking: self, _held: held })
    }

    /// Whether something is done.
    pub(crate) fn is_at_work(&self) -> bool {
        self.work.try_lock().is_err()
    }

    /// Stops what is done.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.engine.cancel();
    }
}

/// Something that is done to models.
pub(crate) struct Work<'s> {
    shrinking: &'s Shrinking,
    _held: MutexGuard<'s, ()>,
}

impl Work<'_> {
    /// Becomes true when it is to end.
    pub(crate) fn stopped(&self) -> &AtomicBool {
        &self.shrinking.stop
    }

    /// Makes a version of the model with this id and takes it in; `on` is told the share that is done.
    ///
    /// # Errors
    /// [`Code::NoSuchModel`], [`Code::NotInstalled`], [`Code::Cancelled`], those of [`Call::requantize`](engine::Call::requantize) and of
    /// [`ModelStore::take_in`](catalog::ModelStore::take_in).
    pub(crate) fn shrink(
        &self,
        disk: &Disk,
        id: &str,
        mix: Mix,
        on: &mut dyn FnMut(f32),
    ) -> Result<RecipeModel, Problem> {
        let catalog = disk.catalog();
        let model = catalog.model(id)?;
        let path = disk.models.path_of(model).ok_or_else(|| Problem::new(Code::NotInstalled).with("ladder", id))?;
        let bytes = check_header(&path)?.bytes_as(mix);
        let made = disk.models.room_for(bytes)?;
        let to = made.path();
        let written = self.shrinking.engine.begin()?.requantize(&path, &to, mix, bytes, on);
        // It holds a worker that nobody needs any more.
        self.shrinking.engine.stop();
        // llama.cpp does not tell that the disk is full.
        written.map_err(|problem| disk.models.room_for(bytes / 8).err().unwrap_or(problem))?;
        let from = MadeFrom { sha256: model.sha256.clone(), mix: mix.name().to_owned() };
        let of = Made { from, name: &model.name };
        let taken = disk.models.take_in(&to, Some(of), self.stopped(), &mut |_, _| {})?;
        disk.read_own();
        Ok(taken)
    }

    /// How a smaller version compares with the model with this id. `on` is told the share that is done.
    ///
    /// # Errors
    /// [`Code::NotInstalled`], [`Code::Cancelled`], [`Code::MemoryShort`], those of loading and recording.
    pub(crate) fn compare(
        &self,
        disk: &Disk,
        id: &str,
        made: &RecipeModel,
        on: &mut dyn FnMut(f32),
    ) -> Result<Agreement, Problem> {
        let catalog = disk.catalog();
        let original = catalog.model(id)?;
        let missing = || Problem::new(Code::NotInstalled).with("ladder", id);
        let rung = |name: &str, path: Option<PathBuf>| path.map(|path| Rung { name: name.to_owned(), path });
        let rungs = [rung(id, disk.models.path_of(original)), rung(&made.id, disk.models.file_of(&made.sha256))];
        let rungs = rungs.into_iter().collect::<Option<Vec<_>>>().ok_or_else(missing)?;
        let settings = EngineSettings { context: Some(COMPARED), ..EngineSettings::default() };
        // Both beside the ladder in use: where there is no room for that, nothing is compared.
        let (ladder, left_out) = catalog::to_fit(engine::versions(id, rungs), settings, engine::free_memory(), &[])?;
        if let Some(left) = left_out.into_iter().next() {
            return Err(left.problem);
        }
        let engine = &self.shrinking.engine;
        let stopped = || self.stopped().load(Ordering::Acquire);
        let cancelled = || Problem::new(Code::Cancelled);
        if stopped() {
            return Err(cancelled());
        }
        let loaded = engine.load(&ladder, settings, &mut |_| {})?;
        let mut record = |ask: &engine::Ask| if stopped() { Err(cancelled()) } else { engine.record(ask) };
        let compared = engine::compare(&loaded, &mut record, on);
        // It holds a worker that nobody needs any more.
        engine.stop();
        compared?.pop().ok_or_else(missing)
    }
}
