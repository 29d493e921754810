//! Calls that load a ladder.

use protocol::ladder::{EngineSettings, Ladder};
use protocol::learned::{Conditions, Learned, Lessons};
use protocol::worker::{Anew, Command, Event, Loaded};
use protocol::{Code, Problem};

use super::call::{Attempt, Call};
use super::conditions::conditions;
use super::engine::LoadProgress;
use super::lost::Lost;

/// How many times as long as in an answer other computers may say nothing while a ladder is loaded: a part of a file goes over the network.
const LOADING: u32 = 10;

/// A ladder, how to run it, and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) ladder: Ladder,
    pub(super) settings: EngineSettings,
    pub(super) conditions: Conditions,
    pub(super) known: Option<Box<Lessons>>,
    pub(super) lost: Lost,
}

impl Call<'_> {
    /// Loads `ladder` in place of what is loaded, with what was learned of it before under the same
    /// [`conditions`](super::conditions). What is known under others is ignored.
    ///
    /// # Errors
    /// [`Code::Cancelled`], [`Code::WorkerMissing`], [`Code::LadderInvalid`], [`Code::MemoryShort`] and what is wrong with
    /// the target's file; drafts that cannot be used are in [`Loaded::left_out`] instead. A worker
    /// that dies is replaced once, and as often as there are devices to do without.
    pub fn load(
        mut self,
        ladder: &Ladder,
        settings: EngineSettings,
        known: Option<Learned>,
        on: &mut dyn FnMut(LoadProgress),
    ) -> Result<Loaded, Problem> {
        self.take_other_workers();
        self.work.lost = None;
        let conditions = conditions(ladder, settings);
        // Figures of another computer or file would mislead.
        let known = known.filter(|learned| learned.conditions == conditions).map(|learned| Box::new(learned.lessons));
        self.work.wanted = Some(Wanted { ladder: ladder.clone(), settings, conditions, known, lost: Lost::default() });
        let mut reading = ladder.rungs.first().map(|rung| rung.path.clone()).unwrap_or_default();
        let mut on = |progress: LoadProgress| {
            if let Some(rung) = ladder.rungs.iter().find(|rung| rung.name == progress.rung) {
                reading.clone_from(&rung.path);
            }
            on(progress);
        };
        let mut has_died = false;
        let ended = loop {
            let ended = self.try_load(&mut on);
            if !matches!(ended, Attempt::Died) || self.cancelled() {
                break ended;
            }
            // Without what was lost it may do. Else something may have ended it that has nothing to do with it: only a file that does it again is blamed,
            // unless a device may be.
            if self.take_lost().is_some() || !std::mem::replace(&mut has_died, true) {
                continue;
            }
            self.lose_devices();
            if self.take_lost().is_none() {
                break ended;
            }
        };
        let loaded = match ended {
            Attempt::Done(result) => result,
            Attempt::Died if self.cancelled() => Err(Problem::new(Code::Cancelled)),
            Attempt::Died => Err(Problem::new(Code::ModelRefused)
                .with("path", reading.display())
                .with("reason", "the engine ended twice while it read the file")),
        };
        if loaded.is_err() {
            self.work.wanted = None;
        }
        // It is told with what is loaded.
        self.take_lost();
        loaded
    }

    /// Loads what is wanted.
    pub(super) fn try_load(&mut self, on: &mut dyn FnMut(LoadProgress)) -> Attempt<Loaded> {
        let Some(Wanted { ladder, mut settings, known, lost, .. }) = self.work.wanted.clone() else {
            return Attempt::Done(Err(Problem::new(Code::NothingLoaded)));
        };
        self.work.holds = false;
        // Reading files over a network takes its time.
        self.bear_silence_of_named(LOADING);
        {
            let mut view = self.inner.view();
            (view.loaded, view.placing, view.learned) = (None, None, None);
        }
        if lost.without_devices() {
            settings.gpu_layers = Some(0);
        }
        let inner = self.inner;
        let command = Command::Load { ladder, settings, known, without_others: lost.without_others() };
        let ended = self.converse(&command, &mut |event| match event {
            Event::Placing { devices, remote } => {
                inner.view().placing = Some((devices, remote));
                None
            }
            Event::Loading { rung, fraction } => {
                on(LoadProgress { rung, fraction });
                None
            }
            Event::Loaded(mut loaded) => {
                lost.tell(&mut loaded);
                Some(Ok(loaded))
            }
            Event::Failed { id: None, problem } => Some(Err(problem)),
            _ => None,
        });
        match &ended {
            Attempt::Done(Ok(loaded)) => {
                (self.work.holds, self.work.told) = (true, 0);
                // What its models have read may have come along.
                self.work.anew = if self.work.anew == Anew::All { Anew::All } else { Anew::Nothing };
                self.inner.view().loaded = Some(loaded.clone());
            }
            // Another ladder may be wanted at once, which has some of its models and goes on with the conversation.
            Attempt::Done(Err(problem)) if problem.code == Code::Cancelled => {}
            // Half-loaded weights go with their process.
            Attempt::Done(Err(_)) => self.drop_process(),
            Attempt::Died => {}
        }
        ended
    }
}
