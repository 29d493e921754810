use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use protocol::ladder::{EngineSettings, Ladder};
use protocol::learned::Learned;
use protocol::worker::{Loaded, Record};
use protocol::{Code, Problem, Receipt};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::answer::{Answering, Ask};
use super::call::{Call, Work};
use super::launch::Launch;
use super::process::Line;

/// How far loading is.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadProgress {
    /// Display name of the rung being read.
    pub rung: String,
    /// Share of the whole ladder read, 0 to 1.
    pub fraction: f32,
}

/// The engine: starts a worker when one is needed, another when it dies. A cheap handle; all calls block.
///
/// One thing at a time: a second load or answer while one runs is refused with [`Code::Busy`].
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) launch: Launch,
    work: Mutex<Work>,
    /// What others may look at while the work is locked.
    view: Mutex<View>,
    /// Other computers that are to compute along.
    pub(super) workers: Mutex<Option<Vec<String>>>,
    /// How long they may say nothing in the middle of an answer.
    pub(super) silence: Mutex<Duration>,
}

/// How long other computers may say nothing in the middle of an answer, unless that is set: longer than any pass that anybody would wait for.
const SILENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) line: Option<Line>,
    pub(super) pid: Option<u32>,
    pub(super) loaded: Option<Loaded>,
    /// The devices that it was placed on, and whether one of them is another computer's; None as long as that is not decided.
    pub(super) placing: Option<(Vec<String>, bool)>,
    /// What is known of it by now, with what it holds for.
    pub(super) learned: Option<Learned>,
    /// Bytes of devices' own memory that were free, or held by what is loaded, when that was asked last.
    pub(super) device_memory: Option<u64>,
    /// Someone cancelled the call in progress.
    pub(super) cancelled: bool,
}

impl Engine {
    /// An engine without a worker: the first call starts one.
    pub fn new(launch: Launch) -> Self {
        Self {
            inner: Arc::new(Inner {
                launch,
                work: Mutex::default(),
                view: Mutex::default(),
                workers: Mutex::default(),
                silence: Mutex::new(SILENCE),
            }),
        }
    }

    /// Has other computers compute along from the next load on, each named as in `127.0.0.1:50052`: the near end of a tunnel to what
    /// [`serve_rpc`](crate::serve_rpc) lends there. None leaves it to the environment (`TAKI_WORKERS`); an empty list is no computer at all.
    pub fn compute_with(&self, workers: Option<Vec<String>>) {
        *self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner) = workers;
    }

    /// Has answers go on without other computers once these say nothing for `silence`: somebody may have pulled a cable. It is half a minute
    /// unless that is set; this computer's own devices have four times as long.
    pub fn bear_silence(&self, silence: Duration) {
        *self.inner.silence.lock().unwrap_or_else(PoisonError::into_inner) = silence;
    }

    /// The right to the next call. From now on [`Self::cancel`] is for it, whatever is done before the call is made.
    ///
    /// # Errors
    /// [`Code::Busy`].
    pub fn begin(&self) -> Result<Call<'_>, Problem> {
        let work = match self.inner.work.try_lock() {
            Ok(work) => work,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Problem::new(Code::Busy)),
        };
        self.inner.view().cancelled = false;
        Ok(Call { inner: &self.inner, work })
    }

    /// Loads `ladder` in place of what is loaded.
    ///
    /// # Errors
    /// As [`Call::load`], and [`Code::Busy`].
    pub fn load(
        &self,
        ladder: &Ladder,
        settings: EngineSettings,
        on: &mut dyn FnMut(LoadProgress),
    ) -> Result<Loaded, Problem> {
        self.begin()?.load(ladder, settings, None, on)
    }

    /// Produces an answer, whatever happens to workers meanwhile.
    ///
    /// # Errors
    /// As [`Call::answer`], and [`Code::Busy`].
    pub fn answer(&self, ask: &Ask, on: &mut dyn FnMut(Answering)) -> Result<Receipt, Problem> {
        self.begin()?.answer(ask, on)
    }

    /// What the target answers, and what every draft would have said at each place of it; with `max_tokens` 0 only the
    /// tokens of the prompt.
    ///
    /// # Errors
    /// As [`Call::record`], and [`Code::Busy`].
    pub fn record(&self, ask: &Ask) -> Result<Record, Problem> {
        self.begin()?.record(ask)
    }

    /// Stops the call in progress, if there is one.
    pub fn cancel(&self) {
        // Said while nobody else can begin: it is for this call or for none.
        let mut view = self.inner.view();
        view.cancelled = true;
        if let Some(line) = &view.line {
            line.cancel();
        }
    }

    /// What is loaded.
    pub fn loaded(&self) -> Option<Loaded> {
        self.inner.view().loaded.clone()
    }

    /// What was measured and learned of the loaded ladder so far, for [`Call::load`].
    pub fn learned(&self) -> Option<Learned> {
        self.inner.view().learned.clone()
    }

    /// The running worker's process id.
    pub fn worker_pid(&self) -> Option<u32> {
        self.inner.view().pid
    }

    /// Memory that the running worker occupies, in bytes: resident, what it has read of its model files included.
    pub fn worker_bytes(&self) -> Option<u64> {
        let pid = Pid::from_u32(self.worker_pid()?);
        let (only, wanted) = (ProcessesToUpdate::Some(&[pid]), ProcessRefreshKind::nothing().with_memory());
        let mut system = System::new().ok()?;
        system.refresh_processes_specifics(only, true, wanted);
        system.process(pid).map(sysinfo::Process::memory)
    }

    /// Ends the worker, after cancelling what it does. The next call starts another.
    pub fn stop(&self) {
        self.cancel();
        let work = self.inner.work.lock().unwrap_or_else(PoisonError::into_inner);
        Call { inner: &self.inner, work }.end();
    }
}

impl Inner {
    pub(super) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
