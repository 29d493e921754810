use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use catalog::{Catalog, ModelEntry, ModelStore, Recipes, SourceChoice};
use engine::{Call, Engine, Launch};
use protocol::chat::{EngineState, Opening, Settings};
use protocol::learned::Learned;
use protocol::{Code, Problem};
use store::{Alone, LearnedFolder, Places, Store, now_ms};

use crate::checking::Checking;
use crate::downloads::Downloads;
use crate::dragged::Dragged;
use crate::dropped::Dropped;
use crate::earlier::Given;
use crate::extract;
use crate::opened::Opened;
use crate::shrinking::Shrinking;
use crate::source::SourceFolder;
use crate::turns::{Answering, Turns};
use crate::updates::Updates;
use crate::watched::Watched;

/// Everything the commands work on.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) state: Watched<EngineState>,
    /// What is fetched while another ladder answers.
    pub(crate) downloads: Downloads,
    /// Files that come from the page.
    pub(crate) dropped: Dropped,
    /// Files that were let go over the window where the page is not told of them.
    pub(crate) dragged: Dragged,
    /// Files that come from the system.
    pub(crate) opened: Opened,
    /// A trial of the ladder in use.
    pub(crate) checking: Checking,
    /// What needs the disk, once the disk has given it.
    disk: OnceLock<Disk>,
    /// Why it has not, and one try at a time.
    refused: Mutex<Problem>,
    settings: Mutex<Settings>,
    pub(crate) turns: Turns,
    /// One choice at a time.
    pub(crate) choosing: Mutex<()>,
    /// One load or fetch at a time.
    pub(crate) loading: Mutex<()>,
    /// Held while tokens are counted.
    pub(crate) counting: Mutex<()>,
    /// The program is to end, whatever closing the window means.
    leaving: AtomicBool,
    /// What is made smaller.
    pub(crate) shrinking: Shrinking,
    /// What the engine was told of earlier chats.
    pub(crate) given: Given,
    /// Newer versions of this program.
    pub(crate) updates: Updates,
    /// The folder that models come from.
    pub(crate) source_folder: SourceFolder,
}

/// Folders and what lies in them.
pub(crate) struct Disk {
    pub(crate) places: Places,
    pub(crate) store: Store,
    /// With what is the user's own, as it was read last.
    catalog: RwLock<Arc<Catalog>>,
    pub(crate) models: ModelStore,
    pub(crate) recipes: Recipes,
    pub(crate) learned: LearnedFolder,
    /// One change of ladders and of their files at a time.
    changing: Mutex<()>,
    notices: Vec<Problem>,
    _alone: Alone,
}

impl App {
    /// Opens what is on disk. A disk that refuses is told to the window by every command instead of stopping the start.
    pub(crate) fn start() -> Self {
        // Where this program lies is only unknown on systems without a process table; the first load says so then.
        let launch = Launch::this_program().unwrap_or_else(|_| Launch::program("taki-app"));
        extract::prepare();
        let app = Self {
            engine: Engine::new(launch.clone()),
            state: Watched::new(EngineState::Empty),
            downloads: Downloads::default(),
            dropped: Dropped::default(),
            dragged: Dragged::default(),
            opened: Opened::default(),
            checking: Checking::default(),
            disk: OnceLock::new(),
            refused: Mutex::new(Problem::new(Code::Internal)),
            settings: Mutex::default(),
            turns: Turns::default(),
            choosing: Mutex::default(),
            loading: Mutex::default(),
            counting: Mutex::default(),
            leaving: AtomicBool::new(false),
            shrinking: Shrinking::new(&launch),
            given: Given::default(),
            updates: Updates::default(),
            source_folder: SourceFolder::default(),
        };
        let _ = app.open_disk();
        app
    }

    /// Opens what is on disk unless it is open. True if it was opened just now.
    pub(crate) fn open_disk(&self) -> Result<bool, Problem> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if self.disk.get().is_some() {
            return Ok(false);
        }
        match Disk::open() {
            Ok((disk, settings)) => {
                *self.settings() = settings;
                Ok(self.disk.set(disk).is_ok())
            }
            Err(problem) => {
                refused.clone_from(&problem);
                Err(problem)
            }
        }
    }

    pub(crate) fn disk(&self) -> Result<&Disk, Problem> {
        self.disk.get().ok_or_else(|| self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names of the settings that an administrator has laid down.
    pub(crate) fn locked(&self) -> Vec<String> {
        self.disk().map(|disk| disk.places.rules.locked()).unwrap_or_default()
    }

    /// Keeps the settings, on disk first. What the administrator has laid down stays.
    pub(crate) fn change_settings(&self, settings: &Settings) -> Result<(), Problem> {
        let places = &self.disk()?.places;
        let settings = places.rules.apply(settings.clone());
        store::save_settings(places, &settings)?;
        *self.settings() = settings;
        Ok(())
    }

    pub(crate) fn opening(&self) -> Result<Opening, Problem> {
        let disk = self.disk()?;
        let settings = self.settings().clone();
        Ok(Opening {
            conversation: self.counted(disk.store.last_opened(now_ms())?),
            conversations: disk.store.conversations()?,
            ladders: self.ladders()?,
            ladder: settings.ladder.clone(),
            engine: self.state.now(),
            settings,
            processors: thread::available_parallelism().map_or(1, |count| count.get() as u32),
            memory_bytes: engine::memory_of_this_computer().map(|bytes| bytes as f64),
            limits: extract::limits(),
            locked: disk.places.rules.locked(),
            notices: disk.notices.clone(),
        })
    }

    /// The right to answer, refused while the engine does something else, and what ends it. A stop is for this answer
    /// from now on.
    pub(crate) fn begin_answering(&self) -> Result<(Call<'_>, Answering), Problem> {
        let answering = self.turns.answer()?;
        let call = self.engine_for(&answering)?;
        Ok((call, answering))
    }

    /// The engine, for the answer whose turn it is.
    pub(crate) fn engine_for(&self, _turn: &Answering) -> Result<Call<'_>, Problem> {
        let _counted = self.after_counting();
        // Nobody else answers: what holds the engine is a model on its way.
        let call = self.engine.begin().map_err(|_| Problem::new(Code::NothingLoaded))?;
        // Asked with the engine in hand: a later stop cancels this call, an earlier one is seen here.
        if self.turns.is_stopped() {
            return Err(Problem::new(Code::Cancelled));
        }
        Ok(call)
    }

    /// Stops the answer in progress, or the one that waits for its turn.
    pub(crate) fn stop(&self) {
        if self.turns.stop() {
            self.engine.cancel();
        }
    }

    /// Stops the answer in progress, and waits until what is shown of it is kept. Whether there was one.
    pub(crate) fn end_answer(&self) -> bool {
        if !self.turns.is_answering() {
            return false;
        }
        self.stop();
        wait(OLD_ANSWER, || self.turns.is_answering());
        true
    }

    /// The next closing of the window ends the program.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Ends everything in progress; what is shown is on disk when this returns.
    pub(crate) fn end(&self) {
        // What is on its way is fetched no further and loads nothing any more.
        self.downloads.end();
        self.updates.stop();
        self.opened.stop();
        self.shrinking.stop();
        self.dropped.stop();
        drop(self.turns.choose());
        self.engine.stop();
        wait(LAST_WORDS, || {
            self.turns.is_answering() || self.loading.try_lock().is_err() || self.shrinking.is_at_work()
        });
    }
}

/// Waits while something goes on, but no longer than `patience`.
fn wait(patience: Duration, goes_on: impl Fn() -> bool) {
    let until = Instant::now() + patience;
    while goes_on() && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
}

/// How long the end of the program waits for the last text to reach the disk.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long a page that is drawn anew waits for the end of the answer that the one before it was shown: longer than a worker
/// that does not stop is waited for, and than a locked database usually is.
const OLD_ANSWER: Duration = Duration::from_secs(10);

impl Disk {
    fn open() -> Result<(Self, Settings), Problem> {
        Self::at(Places::find()?)
    }

    pub(crate) fn at(places: Places) -> Result<(Self, Settings), Problem> {
        let alone = Alone::with(&places)?;
        let (store, mut notices) = Store::open(&places)?;
        let models = ModelStore::open(places.models.clone())?;
        let (settings, more) = store::load_settings(&places);
        notices.extend(more);
        let learned = LearnedFolder::of(&places);
        let recipes = Recipes::of(places.ladders());
        let (catalog, unread) = Catalog::here(&models, &recipes, places.rules.ladders());
        notices.extend(unread);
        let catalog = RwLock::new(Arc::new(catalog));
        Ok((
            Self {
                places,
                store,
                catalog,
                models,
                recipes,
                learned,
                changing: Mutex::default(),
                notices,
                _alone: alone,
            },
            settings,
        ))
    }

    /// Every ladder and model there is.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The right to change ladders and their files.
    pub(crate) fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the user's own ladders and models again: they have changed.
    pub(crate) fn read_own(&self) {
        let (catalog, unread) = Catalog::here(&self.models, &self.recipes, self.places.rules.ladders());
        for problem in unread {
            tracing::warn!(%problem, "a ladder or model of the user's own is left out");
        }
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
    }

    /// Keeps what the engine learned. It can be learned anew: a disk that refuses is only noted.
    pub(crate) fn keep(&self, learned: Option<Learned>) {
        if let Some(Err(problem)) = learned.map(|learned| self.learned.keep(&learned)) {
            tracing::warn!(code = %problem.code, "what was learned could not be kept");
        }
    }

    /// Display name of the target of a ladder of the catalogue.
    pub(crate) fn target(&self, ladder: &str) -> Option<String> {
        self.catalog().models_of(ladder).ok()?.first().map(|model| model.name.clone())
    }

    /// The models of a ladder that are not here, and those that they are made of, as far as these have to come from `source`.
    pub(crate) fn missing(&self, ladder: &str, source: &SourceChoice) -> Vec<ModelEntry> {
        let catalog = self.catalog();
        let mut all: Vec<_> = catalog.models_of(ladder).unwrap_or_default().into_iter().cloned().collect();
        for model in self.needed(&catalog, ladder, source) {
            // Of what needs no making it is the same.
            if !all.contains(&model) {
                all.push(model);
            }
        }
        all.retain(|model| self.models.path_of(model).is_none());
        all
    }

    /// What a ladder is made of, wherever that comes from.
    fn needed(&self, catalog: &Catalog, ladder: &str, source: &SourceChoice) -> Vec<ModelEntry> {
        catalog.needed(&self.models, ladder, source).unwrap_or_default()
    }

    /// Deletes what came in of a ladder that nobody wants any more, of which these models were missing, but for what `others` want. An offered one of
    /// which nothing is here is only offered again.
    pub(crate) fn discard(
        &self,
        ladder: &str,
        missing: &[ModelEntry],
        others: &[String],
        source: &SourceChoice,
    ) -> Result<(), Problem> {
        let _one_at_a_time = self.changing();
        let catalog = self.catalog();
        let wanted: Vec<_> = others.iter().flat_map(|other| self.needed(&catalog, other, source)).collect();
        // Of one that was removed meanwhile, a file that has just become whole belongs to nothing. In a folder that is shared out others may have it.
        let is_left = |model: &ModelEntry| {
            self.places.rules.models().is_none() && self.models.is_left_of(&self.recipes, ladder, model)
        };
        let mut refused = Ok(());
        for model in missing.iter().filter(|model| wanted.iter().all(|other| other.sha256 != model.sha256)) {
            if self.models.path_of(model).is_none() {
                catalog::discard(&self.models, &model.sha256);
            } else if is_left(model) {
                // One that cannot be deleted keeps nothing else; the last of them is told at the end.
                refused = self.models.remove(&model.sha256).and(refused);
            }
        }
        let is_here = |model: &&ModelEntry| self.models.path_of(model).is_some();
        let none_here = catalog.models_of(ladder).is_ok_and(|models| !models.iter().any(is_here));
        if none_here && Catalog::builtin().offered(ladder).is_some() && self.recipes.has(ladder) {
            refused = self.recipes.remove(ladder).and(refused);
        }
        self.read_own();
        refused
    }
}
