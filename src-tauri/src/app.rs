use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use catalog::{Catalog, LadderEntry, ModelStore};
use engine::{Engine, Launch};
use protocol::chat::{LadderCard, Opening, Settings};
use protocol::{Code, Problem};
use store::{Places, Store};

use crate::engine_state::EngineWatch;

/// Everything the commands work on.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) state: EngineWatch,
    /// What needs the disk; why not, if the disk refused.
    disk: Result<Disk, Problem>,
    settings: Mutex<Settings>,
    /// One load or fetch at a time.
    pub(crate) loading: Mutex<()>,
    /// Set to stop the fetch in progress.
    pub(crate) cancel_fetch: AtomicBool,
    pub(crate) fetching: AtomicBool,
    answering: AtomicBool,
}

/// Folders and what lies in them.
pub(crate) struct Disk {
    pub(crate) places: Places,
    pub(crate) store: Store,
    pub(crate) catalog: Catalog,
    pub(crate) models: ModelStore,
    notices: Vec<Problem>,
}

impl App {
    /// Opens what is on disk. A disk that refuses is told to the window by every command instead of stopping the start.
    pub(crate) fn start() -> Self {
        let (disk, settings) = match Disk::open() {
            Ok((disk, settings)) => (Ok(disk), settings),
            Err(problem) => (Err(problem), Settings::default()),
        };
        // Where this program lies is only unknown on systems without a process table; the first load says so then.
        let launch = Launch::this_program().unwrap_or_else(|_| Launch::program("taki-app"));
        Self {
            engine: Engine::new(launch),
            state: EngineWatch::default(),
            disk,
            settings: Mutex::new(settings),
            loading: Mutex::default(),
            cancel_fetch: AtomicBool::new(false),
            fetching: AtomicBool::new(false),
            answering: AtomicBool::new(false),
        }
    }

    pub(crate) fn disk(&self) -> Result<&Disk, Problem> {
        self.disk.as_ref().map_err(Clone::clone)
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the settings, on disk first.
    pub(crate) fn change_settings(&self, settings: &Settings) -> Result<(), Problem> {
        store::save_settings(&self.disk()?.places, settings)?;
        self.settings().clone_from(settings);
        Ok(())
    }

    pub(crate) fn opening(&self) -> Result<Opening, Problem> {
        let disk = self.disk()?;
        let settings = self.settings().clone();
        Ok(Opening {
            conversation: disk.store.latest_conversation()?,
            ladders: disk.catalog.ladders().iter().map(|ladder| disk.card(ladder)).collect::<Result<_, _>>()?,
            ladder: settings.ladder.clone(),
            engine: self.state.state(),
            settings,
            notices: disk.notices.clone(),
        })
    }

    /// The right to answer; refused while an answer is being written.
    pub(crate) fn begin_answering(self: &Arc<Self>) -> Result<Answering, Problem> {
        if self.answering.swap(true, Ordering::AcqRel) {
            return Err(Problem::new(Code::Busy));
        }
        Ok(Answering(Arc::clone(self)))
    }

    pub(crate) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Acquire)
    }
}

/// Held while an answer is written.
pub(crate) struct Answering(Arc<App>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.store(false, Ordering::Release);
    }
}

impl Disk {
    fn open() -> Result<(Self, Settings), Problem> {
        let places = Places::find()?;
        let (store, mut notices) = Store::open(&places)?;
        let models = ModelStore::open(places.models.clone())?;
        let (settings, more) = store::load_settings(&places);
        notices.extend(more);
        Ok((Self { places, store, catalog: Catalog::builtin(), models, notices }, settings))
    }

    fn card(&self, ladder: &LadderEntry) -> Result<LadderCard, Problem> {
        let models = self.catalog.models_of(&ladder.id)?;
        let mut rungs: Vec<String> = models.iter().map(|model| model.name.clone()).collect();
        if ladder.max_gram {
            rungs.push("Max-Gram".to_owned());
        }
        let mut licences: Vec<String> = models.iter().map(|model| model.licence.spdx.clone()).collect();
        licences.sort();
        licences.dedup();
        Ok(LadderCard {
            id: ladder.id.clone(),
            name: ladder.name.clone(),
            rungs,
            licences,
            bytes: models.iter().map(|model| model.bytes).sum::<u64>() as f64,
            missing_bytes: self.models.ready(&self.catalog, &ladder.id)? as f64,
        })
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1000.0)
}
