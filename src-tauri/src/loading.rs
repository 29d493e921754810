//! Loading and fetching ladders, in threads of their own.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread;

use catalog::{FetchOptions, FetchProgress};
use protocol::chat::EngineState;
use protocol::ladder::EngineSettings;
use protocol::{Code, Problem};

use crate::app::App;

impl App {
    /// Loads the ladder of the settings if it is installed. Returns at once.
    pub(crate) fn load_chosen(self: &Arc<Self>) {
        // What is being loaded is no longer wanted.
        self.engine.cancel();
        let app = Arc::clone(self);
        thread::spawn(move || {
            let _one_at_a_time = app.loading.lock().unwrap_or_else(PoisonError::into_inner);
            app.load_now();
        });
    }

    /// Fetches what the ladder lacks, then loads it. Returns at once.
    pub(crate) fn fetch_and_load(self: &Arc<Self>, ladder: String) -> Result<(), Problem> {
        if self.fetching.swap(true, Ordering::AcqRel) {
            return Err(Problem::new(Code::Busy));
        }
        self.cancel_fetch.store(false, Ordering::Release);
        let app = Arc::clone(self);
        thread::spawn(move || {
            let _one_at_a_time = app.loading.lock().unwrap_or_else(PoisonError::into_inner);
            let fetched = app.fetch_now(&ladder);
            app.fetching.store(false, Ordering::Release);
            match fetched {
                Ok(()) => app.load_now(),
                Err(problem) if problem.code == Code::Cancelled => app.load_now(),
                Err(problem) => app.state.set(EngineState::Failed { problem }),
            }
        });
        Ok(())
    }

    fn fetch_now(&self, ladder: &str) -> Result<(), Problem> {
        let disk = self.disk()?;
        let options = FetchOptions::from_env()?;
        let name = ladder.to_owned();
        let mut on = |progress: FetchProgress| {
            self.state.set(EngineState::Fetching {
                ladder: name.clone(),
                done_bytes: progress.done_bytes as f64,
                total_bytes: progress.total_bytes as f64,
                seconds_left: progress.seconds_left,
            });
        };
        catalog::fetch(&disk.catalog, &disk.models, ladder, &options, &self.cancel_fetch, &mut on).map(|_| ())
    }

    fn load_now(&self) {
        let (id, exact) = {
            let settings = self.settings();
            (settings.ladder.clone(), settings.exact)
        };
        match self.try_load(&id, EngineSettings { exact, ..EngineSettings::default() }) {
            Ok(state) => self.state.set(state),
            Err(problem) if matches!(problem.code, Code::NotInstalled | Code::Cancelled) => {
                self.state.set(EngineState::Empty);
            }
            Err(problem) => self.state.set(EngineState::Failed { problem }),
        }
    }

    fn try_load(&self, id: &str, settings: EngineSettings) -> Result<EngineState, Problem> {
        let disk = self.disk()?;
        // Files that were changed since they were last read are read first, which takes seconds.
        if let (0, Some(first)) = (disk.models.ready(&disk.catalog, id)?, disk.catalog.models_of(id)?.first()) {
            self.state.set(EngineState::Loading { ladder: id.to_owned(), rung: first.name.clone(), fraction: 0.0 });
        }
        let ladder = catalog::resolve(&disk.catalog, &disk.models, id)?;
        let known = disk.learned.recall(&engine::conditions(&ladder, settings));
        let call = {
            let _counted = self.after_counting();
            self.engine.begin()?
        };
        let loaded = call.load(&ladder, settings, known, &mut |progress| {
            let (rung, fraction) = (progress.rung, progress.fraction);
            self.state.set(EngineState::Loading { ladder: id.to_owned(), rung, fraction });
        })?;
        disk.keep(self.engine.learned());
        Ok(EngineState::Ready { loaded })
    }
}
