//! Fetching ladders while another one answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use catalog::{FetchOptions, FetchProgress, ModelEntry};
use protocol::chat::{Download, DownloadState, FetchShare};
use protocol::{Code, Problem};
use store::Wanted;

use crate::app::App;
use crate::queue::{Queue, Then, Turn};
use crate::watched::Watched;

/// How often is looked whether something else is over.
pub(crate) const GLANCE: Duration = Duration::from_millis(100);

/// How long is waited for what is taken out to be gone: what has come in of a large file may have to reach the disk first.
const PATIENCE: Duration = Duration::from_secs(10);

/// The queue, and what tells the page and the disk of it.
pub(crate) struct Downloads {
    pub(crate) state: Watched<Vec<Download>>,
    inner: Mutex<Inner>,
    /// Something is to be done.
    news: Condvar,
    /// Held from a look at the queue until that is on disk: what is written last is what is so.
    keeping: Mutex<()>,
}

/// What became of a ladder that was to be used once it is whole.
enum Used {
    /// It answers.
    TookOver,
    /// Another one was chosen meanwhile, or it was taken out.
    NotWanted,
    /// The program ended first.
    Ending,
}

#[derive(Default)]
struct Inner {
    queue: Queue,
    /// Somebody works on the queue.
    at_work: bool,
    /// The ladder that is being fetched, or deleted after that, and how many were before it.
    at_hand: Option<(String, u64)>,
    turns: u64,
    /// The program ends.
    over: bool,
}

impl Default for Downloads {
    fn default() -> Self {
        Self {
            state: Watched::new(Vec::new()),
            inner: Mutex::default(),
            news: Condvar::new(),
            keeping: Mutex::default(),
        }
    }
}

/// How far something is that is fetched.
pub(crate) fn share_of(progress: &FetchProgress) -> FetchShare {
    FetchShare {
        done_bytes: progress.done_bytes as f64,
        total_bytes: progress.total_bytes as f64,
        seconds_left: progress.seconds_left,
    }
}

fn state_of(progress: &FetchProgress) -> DownloadState {
    match progress {
        FetchProgress { verifying: true, .. } => DownloadState::Checking,
        FetchProgress { interrupted: Some(reason), model, .. } => {
            let problem = Problem::new(Code::DownloadInterrupted).with("name", model);
            DownloadState::Interrupted { problem: problem.with("reason", reason) }
        }
        _ => DownloadState::Running,
    }
}

impl Downloads {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the queue and tells the page.
    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut inner = self.inner();
        let changed = change(&mut inner.queue);
        self.state.set(inner.queue.told());
        self.news.notify_all();
        changed
    }

    /// Waits until nobody fetches this ladder any more, or deletes what came in of it. False if the program ends first, or it takes too long.
    fn wait_for_end(&self, ladder: &str) -> bool {
        let inner = self.inner();
        let Some(turn) = inner.at_hand.clone().filter(|(at_hand, _)| at_hand == ladder) else { return !inner.over };
        let goes_on = |inner: &mut Inner| !inner.over && inner.at_hand.as_ref() == Some(&turn);
        let (inner, waited) =
            self.news.wait_timeout_while(inner, PATIENCE, goes_on).unwrap_or_else(PoisonError::into_inner);
        !inner.over && !waited.timed_out()
    }

    /// Ends what comes in, for now: the next start goes on with it.
    pub(crate) fn end(&self) {
        let mut inner = self.inner();
        inner.over = true;
        inner.queue.stop();
        self.news.notify_all();
    }
}

impl App {
    /// Puts a ladder into the queue, with `first` before all others. With `then_use` it answers once it is here and no answer is written, unless another one was chosen
    /// meanwhile.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`]; [`Code::FolderUnwritable`].
    pub(crate) fn download(self: &Arc<Self>, ladder: &str, then_use: bool, first: bool) -> Result<(), Problem> {
        let before = String::new();
        self.enqueue(&Wanted { ladder: ladder.to_owned(), then_use, paused: false, before, problem: None })?;
        if first {
            self.downloads.change(|queue| queue.put_first(ladder));
        }
        self.keep_queue()
    }

    /// Goes on with what was in the queue when the program ended.
    pub(crate) fn take_up_downloads(self: &Arc<Self>) {
        let Ok(disk) = self.disk() else { return };
        for wanted in store::wanted(&disk.places) {
            // What the catalogue does not know any more nobody can fetch.
            let _ = self.enqueue(&wanted);
        }
    }

    fn enqueue(self: &Arc<Self>, wanted: &Wanted) -> Result<(), Problem> {
        let catalog = self.disk()?.catalog();
        let name = match catalog.offered(&wanted.ladder) {
            Some(offered) => offered.name.clone(),
            None => catalog.ladder(&wanted.ladder)?.name.clone(),
        };
        let before = self.settings().ladder.clone();
        // Nothing of an offered one can be here.
        let begun = catalog::begun(&catalog, &self.disk()?.models, &wanted.ladder).ok().filter(|(there, _)| *there > 0);
        let share = |(there, all): (u64, u64)| FetchShare {
            done_bytes: there as f64,
            total_bytes: all as f64,
            seconds_left: None,
        };
        self.downloads.change(|queue| queue.add(wanted, &name, &before, begun.map(share)));
        let mut inner = self.downloads.inner();
        if !inner.at_work {
            inner.at_work = true;
            let app = Arc::clone(self);
            thread::spawn(move || app.work_off());
        }
        Ok(())
    }

    pub(crate) fn pause_download(&self, ladder: &str) -> Result<(), Problem> {
        self.downloads.change(|queue| queue.pause(ladder));
        self.keep_queue()
    }

    pub(crate) fn resume_download(&self, ladder: &str) -> Result<(), Problem> {
        self.downloads.change(|queue| queue.resume(ladder));
        self.keep_queue()
    }

    /// Takes a ladder out of the queue and deletes what came in of it. When this returns, that is gone, unless it is wanted again by then or the disk
    /// takes very long: then whoever fetches it deletes it.
    pub(crate) fn drop_download(&self, ladder: &str) -> Result<(), Problem> {
        if !self.downloads.change(|queue| queue.remove(ladder)) {
            return Ok(());
        }
        self.keep_queue()?;
        if self.downloads.wait_for_end(ladder) && !self.downloads.inner().queue.has(ladder) {
            let missing = self.disk()?.missing(ladder, &self.source());
            self.discard(ladder, &missing)?;
        }
        Ok(())
    }

    /// Deletes what came in of a ladder that was taken out, of which these models were `missing`.
    fn discard(&self, ladder: &str, missing: &[ModelEntry]) -> Result<(), Problem> {
        let others = self.downloads.inner().queue.others(ladder);
        self.disk()?.discard(ladder, missing, &others, &self.source())
    }

    /// Keeps the queue where nobody waits for that.
    fn note_queue(&self) {
        if let Err(problem) = self.keep_queue() {
            tracing::warn!(%problem, "the queue of downloads could not be kept");
        }
    }

    fn keep_queue(&self) -> Result<(), Problem> {
        let _last = self.downloads.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.downloads.inner().queue.kept();
        store::keep_wanted(&self.disk()?.places, &kept)
    }

    /// Fetches what is in the queue, one ladder after the other, until the program ends.
    fn work_off(self: &Arc<Self>) {
        loop {
            let turn = {
                let mut inner = self.downloads.inner();
                loop {
                    if inner.over {
                        return;
                    }
                    if let Some(turn) = inner.queue.next() {
                        inner.turns += 1;
                        inner.at_hand = Some((turn.ladder.clone(), inner.turns));
                        break turn;
                    }
                    inner = self.downloads.news.wait(inner).unwrap_or_else(PoisonError::into_inner);
                }
            };
            self.downloads.change(|_| ());
            // Asked before: when it has ended, the ladder may be none any more.
            let mut missing = Vec::new();
            let fetched = self.fetch_turn(&turn, &mut missing);
            let then = self.downloads.change(|queue| queue.ended(&turn, fetched));
            self.note_queue();
            match then {
                Then::Nothing => {}
                Then::Discard => {
                    if let Err(problem) = self.discard(&turn.ladder, &missing) {
                        tracing::warn!(%problem, "what was taken out could not be deleted");
                    }
                }
                Then::Use { before } => {
                    // Others need not wait for the end of an answer.
                    let app = Arc::clone(self);
                    thread::spawn(move || {
                        match app.use_fetched(&turn, &before) {
                            Ok(Used::TookOver) => app.downloads.change(|queue| queue.used(&turn, &before)),
                            Ok(Used::NotWanted) => drop(app.downloads.change(|queue| queue.remove(&turn.ladder))),
                            // The next start asks again.
                            Ok(Used::Ending) => return,
                            Err(problem) => app.downloads.change(|queue| queue.fail(&turn, problem)),
                        }
                        app.note_queue();
                    });
                }
            }
            self.downloads.inner().at_hand = None;
            self.downloads.news.notify_all();
        }
    }

    /// Fetches a ladder, telling which models of it are `missing` once that is known.
    fn fetch_turn(&self, turn: &Turn, missing: &mut Vec<ModelEntry>) -> Result<(), Problem> {
        let disk = self.disk()?;
        let mut on = |progress: FetchProgress| {
            self.downloads.change(|queue| queue.goes_on(turn, share_of(&progress), state_of(&progress), progress.anew));
        };
        let left_out = self.settle(&turn.ladder, &turn.stop, &mut on)?;
        *missing = disk.missing(&turn.ladder, &self.source());
        self.downloads.change(|queue| queue.leave_out(turn, left_out));
        let options = self.fetch_options()?;
        let fetched = catalog::fetch(&disk.catalog(), &disk.models, &turn.ladder, &options, &turn.stop, &mut on);
        if let Err(problem) = fetched {
            let _one_at_a_time = disk.changing();
            if disk.recipes.doubt(&turn.ladder, &problem)? {
                disk.read_own();
            }
            return Err(problem);
        }
        self.make_turn(turn)
    }

    /// Makes of what has come in what nobody offers.
    fn make_turn(&self, turn: &Turn) -> Result<(), Problem> {
        let disk = self.disk()?;
        let remakes = disk.catalog().remakes(&disk.models, &turn.ladder)?;
        if remakes.is_empty() {
            return Ok(());
        }
        let work = self.shrinking.begin_next(&turn.stop)?;
        let bytes: u64 = remakes.iter().map(|remake| remake.model.bytes).sum();
        let mut on = |share: f32| {
            let done_bytes = (f64::from(share) * bytes as f64).round();
            let share = FetchShare { done_bytes, total_bytes: bytes as f64, seconds_left: None };
            // What makes them has a stop of its own.
            let wanted = self.downloads.change(|queue| queue.makes(turn, share));
            if !wanted || turn.stop.load(Ordering::Acquire) {
                self.shrinking.stop();
            }
        };
        on(0.0);
        work.remake(disk, &turn.ladder, &remakes, &mut on)
    }

    /// Changes to a ladder that is whole once no answer is written, unless another one than `before` was chosen meanwhile.
    fn use_fetched(self: &Arc<Self>, turn: &Turn, before: &str) -> Result<Used, Problem> {
        // What does not fit must not take the place of what answers.
        self.would_fit(&turn.ladder)?;
        loop {
            if self.downloads.inner().over {
                return Ok(Used::Ending);
            }
            if turn.stop.load(Ordering::Acquire) {
                return Ok(Used::NotWanted);
            }
            match self.change_over(before, &turn.ladder) {
                // In the middle of an answer nothing changes.
                Err(problem) if problem.code == Code::Busy => thread::sleep(GLANCE),
                Ok(true) => return Ok(Used::TookOver),
                Ok(false) => return Ok(Used::NotWanted),
                Err(problem) => return Err(problem),
            }
        }
    }

    /// Makes an offered ladder a known one, unless it is stopped meanwhile: its files' facts are asked for where they lie. Any other stays what it is, but for drafts
    /// that are not here and never go with its target. Gives why drafts are left out, if any are; `on` is told how far the reading of files in a folder is.
    ///
    /// # Errors
    /// [`Code::NoSuchLadder`], [`Code::Cancelled`], those of [`catalog::settle`] and [`Self::fetch_options`], [`Code::FolderUnwritable`].
    fn settle(
        &self,
        ladder: &str,
        stop: &AtomicBool,
        on: &mut dyn FnMut(FetchProgress),
    ) -> Result<Vec<Problem>, Problem> {
        let disk = self.disk()?;
        let catalog = disk.catalog();
        let options = self.fetch_options()?;
        if catalog.offered(ladder).is_none() {
            let misfits = catalog::misfits(&catalog, &disk.models, ladder, &options, stop)?;
            if !misfits.is_empty() {
                let _one_at_a_time = disk.changing();
                disk.models.leave_out(&disk.recipes, ladder, &misfits)?;
                disk.read_own();
            }
            return Ok(misfits.into_iter().map(|misfit| misfit.problem).collect());
        }
        let settled = catalog::settle(&catalog, &disk.models, ladder, &options, stop, on)?;
        if stop.load(Ordering::Acquire) {
            return Err(Problem::new(Code::Cancelled));
        }
        let _one_at_a_time = disk.changing();
        disk.recipes.settle(&settled.recipe)?;
        disk.read_own();
        Ok(settled.left_out)
    }

    /// How things are fetched, as environment, settings and keyring have it.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`].
    pub(crate) fn fetch_options(&self) -> Result<FetchOptions, Problem> {
        let settings = self.settings().clone();
        // A keyring that cannot be used keeps nobody from what is open to all.
        let token = store::token().unwrap_or_else(|problem| {
            tracing::debug!(%problem, "no token from the keyring");
            None
        });
        FetchOptions::with(&settings, token.as_deref().unwrap_or_default(), &self.locked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_one_out_waits_for_the_end_of_its_turn_only() {
        let downloads = Arc::new(Downloads::default());
        assert!(downloads.wait_for_end("a"), "nobody fetches it");
        downloads.inner().at_hand = Some(("a".to_owned(), 1));
        assert!(downloads.wait_for_end("b"), "another one is fetched");
        let other = Arc::clone(&downloads);
        let waiting = thread::spawn(move || other.wait_for_end("a"));
        // Wanted again: the next turn is not the one that is waited for.
        downloads.inner().at_hand = Some(("a".to_owned(), 2));
        downloads.news.notify_all();
        downloads.inner().at_hand = None;
        downloads.news.notify_all();
        assert!(waiting.join().unwrap());
        downloads.inner().at_hand = Some(("a".to_owned(), 3));
        downloads.end();
        assert!(!downloads.wait_for_end("a"), "the program ends");
    }
}
