//! Making a smaller version of a model, or taking one in, while another engine answers.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread;

use catalog::{MadeFrom, ModelEntry, RecipeModel, Remake, check_header};
use engine::{Comparison, Engine, Launch};
use protocol::ladder::{EngineSettings, Rung};
use protocol::worker::LeftOut;
use protocol::{Code, Mix, Problem};

use crate::app::Disk;
use crate::downloads::GLANCE;

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

    /// The same as soon as nothing else is done: what gigabytes have come in for is not refused because somebody adds or makes something meanwhile.
    ///
    /// # Errors
    /// [`Code::Cancelled`] when `stop` becomes true first.
    pub(crate) fn begin_next(&self, stop: &AtomicBool) -> Result<Work<'_>, Problem> {
        loop {
            if stop.load(Ordering::Acquire) {
                return Err(Problem::new(Code::Cancelled));
            }
            match self.begin() {
                Err(problem) if problem.code == Code::ModelsBusy => thread::sleep(GLANCE),
                begun => return begun,
            }
        }
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
    /// [`Code::NoSuchModel`], [`ModelEntry::missing`], [`Code::Cancelled`], those of [`Call::requantize`](engine::Call::requantize) and of
    /// [`ModelStore::take_in`](catalog::ModelStore::take_in).
    fn shrink(&self, disk: &Disk, id: &str, mix: Mix, on: &mut dyn FnMut(f32)) -> Result<RecipeModel, Problem> {
        let (model, path) = original(disk, id)?;
        // What is made tells of what.
        disk.models.assure(&model, self.stopped())?;
        let bytes = check_header(&path)?.bytes_as(mix);
        let made = disk.models.room_for(bytes)?;
        let to = made.path();
        let call = self.shrinking.engine.begin()?;
        // A stop until now met an engine that did nothing.
        self.go_on()?;
        let written = call.requantize(&path, &to, mix, bytes, on);
        // It holds a worker that nobody needs any more.
        self.shrinking.engine.stop();
        written.map_err(|problem| disk.models.unmade(bytes, problem))?;
        let ModelEntry { name, sha256, .. } = model;
        let from = MadeFrom::new(name, sha256, mix.name());
        let taken = disk.models.take_in(&to, Some(from), self.stopped(), &mut |_, _| {})?;
        disk.read_own();
        Ok(taken)
    }

    /// Makes what a ladder lacks and nobody offers, and has it use that; `on` is told the share of all of it that is done.
    ///
    /// # Errors
    /// Those of [`shrink`](Self::shrink) and of [`Recipes::take_remade`](catalog::Recipes::take_remade).
    pub(crate) fn remake(
        &self,
        disk: &Disk,
        ladder: &str,
        remakes: &[Remake],
        on: &mut dyn FnMut(f32),
    ) -> Result<(), Problem> {
        let all = remakes.len() as f32;
        for (at, Remake { model, original, mix }) in remakes.iter().enumerate() {
            // By its file: ids are given anew by what is here.
            let id =
                disk.catalog().models().iter().find(|known| known.sha256 == original.sha256).map(|it| it.id.clone());
            let id = id.ok_or_else(|| original.missing(ladder))?;
            let made = self.shrink(disk, &id, *mix, &mut |share| on((at as f32 + share) / all))?;
            let _one_at_a_time = disk.changing();
            if disk.recipes.take_remade(ladder, model, &made)? {
                disk.read_own();
            }
        }
        Ok(())
    }

    /// Makes versions of the model with this id to these mixes, one after the other, as far as there is room for all of them; `on` is told which one is written and
    /// the share of it that is done. What is made stays whatever comes after it, and why there are no more is told beside it, the largest first.
    ///
    /// # Errors
    /// Those of [`shrink`](Self::shrink) for the first one; [`Code::DiskFull`] before anything is written.
    pub(crate) fn shrink_all(
        &self,
        disk: &Disk,
        id: &str,
        mixes: &[Mix],
        on: &mut dyn FnMut(usize, f32),
    ) -> Result<(Vec<RecipeModel>, Option<Problem>), Problem> {
        let (_, path) = original(disk, id)?;
        let header = check_header(&path)?;
        drop(disk.models.room_for(mixes.iter().map(|mix| header.bytes_as(*mix)).fold(0, u64::saturating_add))?);
        let (mut made, mut ended) = (Vec::<RecipeModel>::new(), None);
        for (at, mix) in mixes.iter().enumerate() {
            let made_now = self.go_on().and_then(|()| self.shrink(disk, id, *mix, &mut |share| on(at, share)));
            match made_now {
                // Two mixes may come to the same file.
                Ok(model) if made.iter().all(|other| other.sha256 != model.sha256) => made.push(model),
                Ok(_) => {}
                Err(problem) if made.is_empty() => return Err(problem),
                Err(problem) => {
                    ended = Some(problem);
                    break;
                }
            }
        }
        made.sort_by_key(|model| std::cmp::Reverse(model.bytes));
        Ok((made, ended))
    }

    /// How smaller versions compare with the model with this id, as many at once as there is memory for beside the ladder in use. `on` is told the share that is
    /// done. What was found out before something went wrong is told beside it.
    pub(crate) fn compare(
        &self,
        disk: &Disk,
        id: &str,
        made: &[RecipeModel],
        on: &mut dyn FnMut(f32),
    ) -> (Comparison, Option<Problem>) {
        let mut found = Comparison { pace: None, versions: Vec::new() };
        let mut left = made.to_vec();
        while !left.is_empty() {
            let done = (made.len() - left.len()) as f32;
            let all = made.len().max(1) as f32;
            let mut share = |share: f32, count: usize| on((done + share * count as f32) / all);
            match self.compare_some(disk, id, &left, &mut share) {
                Ok(some) => {
                    let before = left.len();
                    left.retain(|model| some.versions.iter().all(|version| version.rung != model.id));
                    found.pace = found.pace.or(some.pace);
                    found.versions.extend(some.versions);
                    if left.len() == before {
                        return (found, Some(Problem::new(Code::Internal).with("reason", "nothing was compared")));
                    }
                }
                Err(problem) => return (found, Some(problem)),
            }
        }
        (found, None)
    }

    /// The same for those of them that fit into memory together: one at least. `on` is told how many these are.
    fn compare_some(
        &self,
        disk: &Disk,
        id: &str,
        made: &[RecipeModel],
        on: &mut dyn FnMut(f32, usize),
    ) -> Result<Comparison, Problem> {
        let missing = || Problem::new(Code::ModelNotHere).with("name", id);
        let (_, path) = original(disk, id)?;
        let rung = |model: &RecipeModel| {
            disk.models
                .file_of(&model.sha256)
                .map(|path| Rung { name: model.id.clone(), path })
                .ok_or_else(|| model.entry().not_here())
        };
        let first = Ok(Rung { name: id.to_owned(), path });
        let rungs = std::iter::once(first).chain(made.iter().map(rung)).collect::<Result<Vec<_>, _>>()?;
        let usual = EngineSettings { context: Some(COMPARED), ..EngineSettings::default() };
        let settings = disk.places.rules.limit(usual);
        let (ladder, left_out) = catalog::to_fit(engine::versions(id, rungs), settings, engine::free_memory(), &[])?;
        let nothing_fits =
            |left_out: Vec<LeftOut>| left_out.into_iter().next().map_or_else(missing, |left| left.problem);
        if ladder.rungs.len() < 2 {
            return Err(nothing_fits(left_out));
        }
        self.go_on()?;
        let engine = &self.shrinking.engine;
        // One that is stopped keeps what it has read for whatever is wanted in its place: here that is nothing.
        let loaded = engine.load(&ladder, settings, &mut |_| {}).inspect_err(|_| engine.stop())?;
        let count = loaded.pass_times.len().saturating_sub(1);
        let mut record = |ask: &engine::Ask| self.go_on().and_then(|()| engine.record(ask));
        let compared = engine::compare(&loaded, &mut record, &mut |share| on(share, count));
        // It holds a worker that nobody needs any more.
        engine.stop();
        if count == 0 { Err(nothing_fits(loaded.left_out)) } else { compared }
    }

    /// # Errors
    /// [`Code::Cancelled`] once it is to end.
    fn go_on(&self) -> Result<(), Problem> {
        let stopped = self.stopped().load(Ordering::Acquire);
        if stopped { Err(Problem::new(Code::Cancelled)) } else { Ok(()) }
    }
}

/// The model with this id, and its file.
fn original(disk: &Disk, id: &str) -> Result<(ModelEntry, PathBuf), Problem> {
    let model = disk.catalog().model(id)?.clone();
    let path = disk.models.path_of(&model).ok_or_else(|| model.missing(id))?;
    Ok((model, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_come_in_waits_until_something_else_is_done_and_can_be_stopped() {
        let shrinking = Shrinking::new(&Launch::program("none"));
        let (go, stop) = (AtomicBool::new(false), AtomicBool::new(true));
        thread::scope(|scope| {
            let other = shrinking.begin().unwrap();
            assert_eq!(shrinking.begin().err().map(|problem| problem.code), Some(Code::ModelsBusy));
            assert_eq!(shrinking.begin_next(&stop).err().map(|problem| problem.code), Some(Code::Cancelled));
            let next = scope.spawn(|| shrinking.begin_next(&go).is_ok());
            thread::sleep(2 * GLANCE);
            assert!(!next.is_finished(), "it waits");
            assert!(!other.stopped().load(Ordering::Acquire), "nobody stopped what goes on");
            drop(other);
            assert!(next.join().unwrap());
        });
    }
}
