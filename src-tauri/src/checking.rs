//! A trial of the ladder in use: how fast it is on this computer.

use std::sync::atomic::{AtomicBool, Ordering};

use engine::try_out;
use protocol::chat::LadderCheck;
use protocol::{Code, Problem};
use store::Check;

use crate::app::App;

/// Whether a trial is to end.
#[derive(Default)]
pub(crate) struct Checking {
    stop: AtomicBool,
}

impl App {
    /// Has the ladder in use answer a few questions with the cascade and without, and keeps what was found. Nothing of it is in any conversation.
    ///
    /// # Errors
    /// [`Code::Busy`] while an answer is written, [`Code::NothingLoaded`], [`Code::Cancelled`], those of [`try_out`].
    pub(crate) fn check(&self, on: &mut dyn FnMut(f32)) -> Result<LadderCheck, Problem> {
        self.checking.stop.store(false, Ordering::Release);
        let disk = self.disk()?;
        let ladder = self.engine.loaded().ok_or_else(|| Problem::new(Code::NothingLoaded))?.ladder;
        // Nothing else is answered, and no other ladder chosen, until it is over.
        let _answering = self.turns.answer()?;
        let mut answer = |ask: &engine::Ask| {
            let _counted = self.after_counting();
            let call = self.engine.begin().map_err(|_| Problem::new(Code::NothingLoaded))?;
            if self.checking.stop.load(Ordering::Acquire) || self.turns.is_stopped() {
                return Err(Problem::new(Code::Cancelled));
            }
            engine::answer_anew(call, ask)
        };
        let trial = try_out(&mut answer, on)?;
        disk.keep(self.engine.learned());
        let models = disk.catalog().hashes_of(&ladder);
        let check = Check { models, alone: trial.alone, cascade: trial.cascade, ratio: trial.ratio };
        store::keep_check(&disk.places, &ladder, &check)?;
        let found = self.ladders()?.into_iter().find(|card| card.id == ladder).and_then(|card| card.checked);
        found.ok_or_else(|| Problem::new(Code::Gone))
    }

    /// Ends a trial.
    pub(crate) fn stop_check(&self) {
        self.checking.stop.store(true, Ordering::Release);
        self.stop();
    }
}
