//! Loading and fetching ladders, in threads of their own.

use std::sync::{Arc, PoisonError};
use std::thread;

use catalog::{FetchOptions, FetchProgress};
use protocol::chat::EngineState;
use protocol::ladder::EngineSettings;
use protocol::{Code, Problem};

use crate::app::App;
use crate::turns::Choice;

impl App {
    /// Loads the ladder of the settings, for `choice`, if it is installed. Returns at once.
    pub(crate) fn load_chosen(self: &Arc<Self>, choice: Choice) {
        // What is being loaded is no longer wanted.
        self.engine.cancel();
        // Told before anything is done: whoever sends a message from now on waits for this ladder.
        self.announce();
        let app = Arc::clone(self);
        thread::spawn(move || {
            let _one_at_a_time = app.loading.lock().unwrap_or_else(PoisonError::into_inner);
            app.load_now(&choice);
        });
    }

    /// Fetches what the ladder of the settings lacks, for `choice`, then loads it. Returns at once.
    pub(crate) fn fetch_and_load(self: &Arc<Self>, choice: Choice) {
        self.engine.cancel();
        let app = Arc::clone(self);
        thread::spawn(move || {
            let _one_at_a_time = app.loading.lock().unwrap_or_else(PoisonError::into_inner);
            match app.fetch_now(&choice) {
                Ok(()) => app.load_now(&choice),
                Err(problem) if problem.code == Code::Cancelled => app.load_now(&choice),
                Err(problem) => app.tell(&choice, EngineState::Failed { problem }),
            }
        });
    }

    /// Tells how `choice` stands, unless something else was chosen since.
    fn tell(&self, choice: &Choice, state: EngineState) {
        if choice.is_latest() {
            self.state.set(state);
        }
    }

    /// Tells that the ladder of the settings is on its way, if its files are there.
    fn announce(&self) {
        let id = self.settings().ladder.clone();
        let Ok(disk) = self.disk() else { return };
        if let (Ok(0), Some(rung)) = (disk.models.ready(&disk.catalog, &id), disk.target(&id)) {
            self.state.set(EngineState::Loading { ladder: id, rung, fraction: 0.0 });
        }
    }

    fn fetch_now(&self, choice: &Choice) -> Result<(), Problem> {
        let disk = self.disk()?;
        let options = FetchOptions::from_env()?;
        let ladder = self.settings().ladder.clone();
        let mut on = |progress: FetchProgress| {
            let state = EngineState::Fetching {
                ladder: ladder.clone(),
                done_bytes: progress.done_bytes as f64,
                total_bytes: progress.total_bytes as f64,
                seconds_left: progress.seconds_left,
            };
            self.tell(choice, state);
        };
        catalog::fetch(&disk.catalog, &disk.models, &ladder, &options, choice.stop(), &mut on).map(|_| ())
    }

    fn load_now(&self, choice: &Choice) {
        let (id, exact) = {
            let settings = self.settings();
            (settings.ladder.clone(), settings.exact)
        };
        let state = match self.try_load(choice, &id, EngineSettings { exact, ..EngineSettings::default() }) {
            Ok(state) => state,
            Err(problem) if matches!(problem.code, Code::NotInstalled | Code::Cancelled) => EngineState::Empty,
            Err(problem) => EngineState::Failed { problem },
        };
        self.tell(choice, state);
    }

    fn try_load(&self, choice: &Choice, id: &str, settings: EngineSettings) -> Result<EngineState, Problem> {
        if !choice.is_latest() {
            return Err(Problem::new(Code::Cancelled));
        }
        let disk = self.disk()?;
        // Files that were changed since they were last read are read first, which takes seconds.
        self.announce();
        let ladder = catalog::resolve(&disk.catalog, &disk.models, id)?;
        let known = disk.learned.recall(&engine::conditions(&ladder, settings));
        let call = {
            let _counted = self.after_counting();
            self.engine.begin()?
        };
        // Asked with the engine in hand: a choice that comes later cancels this call, one that came before is seen here.
        if !choice.is_latest() {
            return Err(Problem::new(Code::Cancelled));
        }
        let loaded = call.load(&ladder, settings, known, &mut |progress| {
            let (rung, fraction) = (progress.rung, progress.fraction);
            self.tell(choice, EngineState::Loading { ladder: id.to_owned(), rung, fraction });
        })?;
        disk.keep(self.engine.learned());
        // Read while nobody waits yet.
        self.tell_earlier_now();
        Ok(EngineState::Ready { loaded })
    }
}
