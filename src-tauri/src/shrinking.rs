//! Making a smaller version of a model, while another engine answers.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::{Made, MadeFrom, RecipeModel, check_header};
use engine::{Engine, Launch};
use protocol::{Code, Mix, Problem};

use crate::app::Disk;

/// An engine of its own: the other one goes on answering.
pub(crate) struct Shrinking {
    engine: Engine,
    stop: AtomicBool,
}

impl Shrinking {
    pub(crate) fn new(launch: &Launch) -> Self {
        Self { engine: Engine::new(launch.clone()), stop: AtomicBool::new(false) }
    }

    /// Makes a version of the model with this id and takes it in; `on` is told the share that is done.
    ///
    /// # Errors
    /// [`Code::Busy`] while another one is made, [`Code::NoSuchModel`], [`Code::NotInstalled`], [`Code::Cancelled`], those of
    /// [`Call::requantize`](engine::Call::requantize) and of [`ModelStore::take_in`](catalog::ModelStore::take_in).
    pub(crate) fn make(
        &self,
        disk: &Disk,
        id: &str,
        mix: Mix,
        on: &mut dyn FnMut(f32),
    ) -> Result<RecipeModel, Problem> {
        let catalog = disk.catalog();
        let model = catalog.model(id)?;
        let path = disk.models.path_of(model).ok_or_else(|| Problem::new(Code::NotInstalled).with("ladder", id))?;
        let bytes = (check_header(&path)?.weights as f64 * mix.bits() / 8.0) as u64;
        let call = self.engine.begin()?;
        self.stop.store(false, Ordering::Release);
        let made = OnTheWay(disk.models.room_for(bytes)?);
        let written = call.requantize(&path, &made.0, mix, bytes, on);
        // It holds a worker that nobody needs any more.
        self.engine.stop();
        written?;
        let from = MadeFrom { sha256: model.sha256.clone(), mix: mix.name().to_owned() };
        let of = Made { from, name: &model.name };
        let taken = disk.models.take_in(&made.0, Some(of), &self.stop, &mut |_, _| {})?;
        disk.read_own();
        Ok(taken)
    }

    /// Stops what is being made.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.engine.cancel();
    }
}

/// A file that is only on the way.
struct OnTheWay(PathBuf);

impl Drop for OnTheWay {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
