//! Loading ladders, in threads of their own.

use std::cmp::Reverse;
use std::sync::{Arc, PoisonError};
use std::thread;

use protocol::chat::{DeviceMemory, EngineState, LadderCard, MemoryShare, Settings};
use protocol::ladder::{EngineSettings, Rung};
use protocol::worker::{DeviceKind, DeviceShare, Loaded};
use protocol::{Code, Problem};

use crate::app::App;
use crate::turns::Choice;

impl App {
    /// Chooses, one after the other: `settle` keeps the choice, then the ladder of the settings is loaded. Returns at once. A
    /// choice that could not be kept leads back to what is kept.
    ///
    /// # Errors
    /// [`Code::Busy`] while an answer is written; those of `settle`.
    pub(crate) fn choose<T>(self: &Arc<Self>, settle: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
        let _one_at_a_time = self.choosing.lock().unwrap_or_else(PoisonError::into_inner);
        self.choose_now(settle)
    }

    /// Changes from the ladder `before` to `ladder`; false where another one is chosen by now, or it was removed.
    ///
    /// # Errors
    /// As [`Self::choose`] and [`Self::change_settings`].
    pub(crate) fn change_over(self: &Arc<Self>, before: &str, ladder: &str) -> Result<bool, Problem> {
        let _one_at_a_time = self.choosing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut settings = self.settings().clone();
        if settings.ladder != before || self.disk()?.catalog().ladder(ladder).is_err() {
            return Ok(false);
        }
        ladder.clone_into(&mut settings.ladder);
        self.choose_now(|| self.change_settings(&settings)).map(|()| true)
    }

    /// Whether a ladder fits into memory once what is loaded gives back its own, as the settings have it run.
    ///
    /// # Errors
    /// [`Code::MemoryShort`], those of [`catalog::resolve`].
    pub(crate) fn would_fit(&self, ladder: &str) -> Result<(), Problem> {
        let disk = self.disk()?;
        let ladder = catalog::resolve(&disk.catalog(), &disk.models, ladder)?;
        let settings = running(&self.settings());
        catalog::to_fit(ladder, settings, self.room(settings), &[]).map(|_| ())
    }

    /// Where the memory of a ladder of these models goes, as the settings have it run.
    ///
    /// # Errors
    /// [`Code::NoSuchModel`].
    pub(crate) fn memory_of(&self, models: &[String]) -> Result<MemoryShare, Problem> {
        let disk = self.disk()?;
        let catalog = disk.catalog();
        let mut models = models.iter().map(|id| catalog.model(id)).collect::<Result<Vec<_>, _>>()?;
        // As they are kept, in whatever order they were picked: so what was learned of them is found.
        if let Some(drafts) = models.get_mut(1..) {
            drafts.sort_by_key(|draft| Reverse(draft.bytes));
        }
        let settings = self.settings().clone();
        let share = disk.share(&models, &settings, self.free_memory(), self.cards(running(&settings)));
        // What is not here yet nobody can place.
        let devices = disk.rungs(&models).map(|rungs| self.on_devices(rungs, running(&settings))).unwrap_or_default();
        Ok(MemoryShare { devices, ..share })
    }

    /// What devices would hold of a ladder of these rungs. Nothing where there are none, or the engine does something else.
    fn on_devices(&self, rungs: Vec<Rung>, settings: EngineSettings) -> Vec<DeviceMemory> {
        if self.cards(settings) == 0 {
            return Vec::new();
        }
        // It must not make the engine look busy to what a person asks for.
        let Ok(_counting) = self.counting.try_lock() else { return Vec::new() };
        let Ok(mut call) = self.engine.begin() else { return Vec::new() };
        let foreseen = call.foresee(&engine::versions("foreseen", rungs), settings);
        let foreseen = foreseen.inspect_err(|problem| tracing::warn!(%problem, "what devices would hold is not known"));
        let own = foreseen.unwrap_or_default().into_iter().filter(|share| share.device.kind != DeviceKind::Integrated);
        own.map(|DeviceShare { device, bytes, .. }| DeviceMemory {
            name: device.description,
            bytes: bytes as f64,
            total: device.total as f64,
            free: device.free as f64,
        })
        .collect()
    }

    /// Memory that a ladder run so may take, the cards' own added: what really fits where, the engine sees.
    fn room(&self, settings: EngineSettings) -> Option<u64> {
        self.free_memory().map(|free| free.saturating_add(self.cards(settings)))
    }

    /// Bytes that devices have free for a ladder run so, as they were asked last.
    fn cards(&self, settings: EngineSettings) -> u64 {
        if settings.uses_devices() { self.engine.device_memory() } else { 0 }
    }

    /// Asks the engine what devices there are besides the processor, by name. None if it does something else, or must do without.
    ///
    /// # Errors
    /// As [`Call::hardware`](engine::Call::hardware).
    pub(crate) fn devices(&self) -> Result<Option<Vec<String>>, Problem> {
        if !running(&self.settings()).uses_devices() {
            return Ok(None);
        }
        // It must not make the engine look busy to what a person asks for.
        let Ok(_counting) = self.counting.try_lock() else { return Ok(None) };
        let Ok(mut call) = self.engine.begin() else { return Ok(None) };
        let found = call.hardware();
        let rests = !call.holds();
        drop(call);
        if rests {
            // It holds a worker that nobody needs yet.
            self.engine.stop();
        }
        Ok(Some(found?.devices.into_iter().map(|device| device.description).collect()))
    }

    /// Every ladder, run as the settings say, and how it fits with what devices have free.
    pub(crate) fn ladders(&self) -> Result<Vec<LadderCard>, Problem> {
        let settings = self.settings().clone();
        self.disk()?.cards(&settings, &self.source_now(), self.cards(running(&settings)))
    }

    /// Memory that is free once what is loaded gives back its own.
    pub(crate) fn free_memory(&self) -> Option<u64> {
        engine::free_memory().map(|free| free.saturating_add(self.engine.worker_bytes().unwrap_or(0)))
    }

    fn choose_now<T>(self: &Arc<Self>, settle: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
        let choice = self.turns.choose()?;
        let settled = settle();
        // What is being loaded is no longer wanted.
        self.engine.cancel();
        self.load_chosen(choice);
        settled
    }

    /// Keeps settings, with the ladder that is in use if they name none, and loads it anew if it has to run differently. Whether earlier chats are wanted has changed, if it
    /// says so.
    ///
    /// # Errors
    /// As [`Self::choose`] and [`Self::change_settings`].
    pub(crate) fn change(self: &Arc<Self>, mut settings: Settings) -> Result<bool, Problem> {
        let _one_at_a_time = self.choosing.lock().unwrap_or_else(PoisonError::into_inner);
        if settings.ladder.is_empty() {
            settings.ladder.clone_from(&self.settings().ladder);
        }
        let settings = &settings;
        let (reload, earlier) = {
            let now = self.settings();
            let reload =
                now.ladder != settings.ladder || now.workers != settings.workers || running(&now) != running(settings);
            (reload, now.earlier_chats != settings.earlier_chats)
        };
        if reload {
            self.choose_now(|| self.change_settings(settings))?;
        } else {
            self.change_settings(settings)?;
        }
        Ok(earlier)
    }

    /// Loads the ladder of the settings, for `choice`, if it is installed. Returns at once.
    fn load_chosen(self: &Arc<Self>, choice: Choice) {
        // Told before anything is done: whoever sends a message from now on waits for this ladder.
        self.announce(&choice);
        let app = Arc::clone(self);
        thread::spawn(move || {
            let _one_at_a_time = app.loading.lock().unwrap_or_else(PoisonError::into_inner);
            app.load_now(&choice);
        });
    }

    /// Tells how `choice` stands, unless something else was chosen since.
    fn tell(&self, choice: &Choice, state: EngineState) {
        choice.if_latest(|| self.state.set(state));
    }

    /// Tells where the models are now, and what is done without: a card may have been lost in the middle of an answer, or another computer.
    pub(crate) fn tell_places(&self) {
        let Some(now) = self.engine.loaded() else { return };
        self.state.change(|state| match state {
            EngineState::Ready { loaded } if loaded.ladder == now.ladder && loaded.placed != now.placed => {
                Some(EngineState::Ready {
                    loaded: Loaded { placed: now.placed, left_out: now.left_out, ..loaded.clone() },
                })
            }
            _ => None,
        });
    }

    /// Tells that the ladder of the settings is on its way, if its files are there.
    fn announce(&self, choice: &Choice) {
        let id = self.settings().ladder.clone();
        let Ok(disk) = self.disk() else { return };
        if let (Ok(0), Some(rung)) = (disk.models.ready(&disk.catalog(), &id), disk.target(&id)) {
            self.tell(choice, EngineState::Loading { ladder: id, rung, fraction: 0.0 });
        }
    }

    fn load_now(&self, choice: &Choice) {
        let (id, settings) = {
            let settings = self.settings();
            let rules = self.disk().map(|disk| disk.places.rules.clone()).unwrap_or_default();
            self.engine.compute_with(rules.workers(&settings));
            (settings.ladder.clone(), running(&settings))
        };
        let state = match self.try_load(choice, &id, settings) {
            Ok(state) => state,
            Err(problem) if matches!(problem.code, Code::NotInstalled | Code::Cancelled) => EngineState::Empty,
            Err(problem) => EngineState::Failed { problem },
        };
        if state == EngineState::Empty && choice.is_latest() {
            // Nothing takes the place of what was read so far.
            self.engine.stop();
        }
        self.tell(choice, state);
    }

    fn try_load(&self, choice: &Choice, id: &str, settings: EngineSettings) -> Result<EngineState, Problem> {
        if !choice.is_latest() {
            return Err(Problem::new(Code::Cancelled));
        }
        let disk = self.disk()?;
        // Files that were changed since they were last read are read first, which takes seconds.
        self.announce(choice);
        let ladder = catalog::resolve(&disk.catalog(), &disk.models, id)?;
        let known = disk.learned.recall(&engine::conditions(&ladder, settings));
        let mut call = {
            let _counted = self.after_counting();
            self.engine.begin()?
        };
        // Asked with the engine in hand: a choice that comes later cancels this call, one that came before is seen here.
        if !choice.is_latest() {
            return Err(Problem::new(Code::Cancelled));
        }
        if settings.uses_devices() {
            // What others take of it changes.
            call.device_memory();
        }
        // What is loaded now goes first: its memory is this one's.
        let free = self.room(settings);
        let uses = known.as_ref().map(engine::uses).unwrap_or_default();
        let (ladder, left_out) = catalog::to_fit(ladder, settings, free, &uses)?;
        let known =
            if left_out.is_empty() { known } else { disk.learned.recall(&engine::conditions(&ladder, settings)) };
        let mut loaded = call.load(&ladder, settings, known, &mut |progress| {
            let (rung, fraction) = (progress.rung, progress.fraction);
            self.tell(choice, EngineState::Loading { ladder: id.to_owned(), rung, fraction });
        })?;
        loaded.left_out.extend(left_out);
        disk.keep(self.engine.learned());
        // Read while nobody waits yet.
        self.tell_earlier_now();
        Ok(EngineState::Ready { loaded })
    }
}

/// How the engine is to run.
pub(crate) fn running(settings: &Settings) -> EngineSettings {
    settings.running()
}
