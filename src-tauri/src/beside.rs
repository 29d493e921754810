//! Fetching a ladder while another one answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use catalog::{FetchOptions, FetchProgress};
use protocol::chat::{Beside, FetchShare};
use protocol::{Code, Problem};

use crate::app::App;
use crate::watched::Watched;

/// How often is looked whether an answer is over.
const GLANCE: Duration = Duration::from_millis(100);

/// What is fetched beside: one ladder at a time.
pub(crate) struct Besides {
    pub(crate) state: Watched<Option<Beside>>,
    /// Stops the one at hand.
    stop: Mutex<Option<Arc<AtomicBool>>>,
}

impl Default for Besides {
    fn default() -> Self {
        Self { state: Watched::new(None), stop: Mutex::default() }
    }
}

impl Besides {
    /// Stops what is fetched; what is there already is kept.
    pub(crate) fn stop(&self) {
        if let Some(stop) = self.stop.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            stop.store(true, Ordering::Release);
        }
    }

    /// The right to fetch.
    ///
    /// # Errors
    /// [`Code::Busy`] while another ladder is fetched.
    fn begin(&self) -> Result<Fetching<'_>, Problem> {
        let mut stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        if stop.is_some() {
            return Err(Problem::new(Code::FetchBusy));
        }
        let own = Arc::new(AtomicBool::new(false));
        *stop = Some(Arc::clone(&own));
        Ok(Fetching { besides: self, stop: own })
    }
}

/// Held until it is fetched or cannot be.
struct Fetching<'a> {
    besides: &'a Besides,
    stop: Arc<AtomicBool>,
}

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        *self.besides.stop.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.besides.state.set(None);
    }
}

impl App {
    /// Fetches `ladder` while the one at hand goes on answering, and changes to it once it is here and no answer is written, unless
    /// somebody chose another one meanwhile.
    ///
    /// # Errors
    /// [`Code::FetchBusy`], [`Code::Cancelled`], those of [`catalog::fetch`] and of [`App::choose`].
    pub(crate) fn fetch_beside(self: &Arc<Self>, ladder: &str) -> Result<(), Problem> {
        let disk = self.disk()?;
        let name = disk.catalog().ladder(ladder)?.name.clone();
        let fetching = self.beside.begin()?;
        let before = self.settings().ladder.clone();
        let options = FetchOptions::from_env()?;
        let tell = |progress| self.beside.state.set(Some(Beside { name: name.clone(), progress }));
        let mut on = |progress: FetchProgress| {
            tell(Some(FetchShare {
                done_bytes: progress.done_bytes as f64,
                total_bytes: progress.total_bytes as f64,
                seconds_left: progress.seconds_left,
            }));
        };
        catalog::fetch(&disk.catalog(), &disk.models, ladder, &options, &fetching.stop, &mut on)?;
        tell(None);
        loop {
            if fetching.stop.load(Ordering::Acquire) {
                return Err(Problem::new(Code::Cancelled));
            }
            let mut settings = self.settings().clone();
            if settings.ladder != before {
                return Ok(());
            }
            // It may have been removed meanwhile.
            self.disk()?.catalog().ladder(ladder)?;
            ladder.clone_into(&mut settings.ladder);
            match self.choose(false, || self.change_settings(&settings)) {
                // In the middle of an answer nothing changes.
                Err(problem) if problem.code == Code::Busy => thread::sleep(GLANCE),
                chosen => return chosen,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ladder_at_a_time_is_fetched_beside() {
        let besides = Besides::default();
        besides.stop();
        let first = besides.begin().unwrap();
        assert!(!first.stop.load(Ordering::Acquire), "a stop was for none");
        besides.state.set(Some(Beside { name: "A".to_owned(), progress: None }));
        assert_eq!(besides.begin().map(|_| ()).unwrap_err().code, Code::FetchBusy);
        besides.stop();
        assert!(first.stop.load(Ordering::Acquire));
        drop(first);
        assert_eq!(besides.state.now(), None);
        drop(besides.begin().unwrap());
    }
}
