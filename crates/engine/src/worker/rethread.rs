//! Choosing threads anew when another program comes or goes.

use std::time::Duration;

use protocol::learned::Threads;

use super::answer::Answerer;
use super::hold::MEASURE;
use super::inbox::Inbox;
use super::memory::Memory;
use super::threads::Patience;
use super::{measure, threads};

impl Answerer<'_> {
    /// Chooses threads anew if another program came or went, as the one-token passes of the latest answer, of `single` each, make
    /// one think, or if models took fewer in the middle of it. Between two answers, while nobody waits; what the models have read goes along.
    ///
    /// With a core taken by another program, the thread on it holds up all others in every pass (measured: `docs/kernels.md`).
    pub(super) fn rethread(&mut self, single: Option<Duration>, inbox: &Inbox) {
        let Some(usual) = &mut self.usual else { return };
        // Asked first: what is seen is noted, and would be old behind the next answer.
        if inbox.is_waiting() {
            return;
        }
        let is_over = single.is_some_and(|single| usual.is_over(single.as_secs_f64()));
        let now = self.cascade.target().llama().threads();
        if now != self.threads || now.single < threads::all_cores().single {
            return self.go_back(now, inbox);
        }
        if !is_over {
            return;
        }
        // A long text slows passes too. Without one only other programs do.
        let Some(empty) = threads::single(self.weights, self.llama, now, self.mode) else { return };
        if !usual.is_other(empty) || inbox.is_waiting() {
            return;
        }
        let (chosen, empty) = threads::fastest(self.weights, self.llama, self.mode);
        if let Some(empty) = empty {
            usual.set(empty);
        }
        if chosen != now {
            self.move_to(chosen, inbox);
        }
    }

    /// From fewer threads than there are cores to one for each, now and then, if that is faster: whoever had the other cores may be gone.
    fn go_back(&mut self, now: Threads, inbox: &Inbox) {
        // What a draft fell to in the middle of an answer, all models do.
        let mut is_mixed = false;
        self.cascade.change_models(|model| is_mixed |= model.llama().threads() != now);
        if now == self.threads && !is_mixed && !self.patience.is_over() {
            return;
        }
        let all = threads::all_cores();
        if threads::is_faster(self.weights, self.llama, now, all, self.mode) {
            self.patience = Patience::new();
            self.move_to(all, inbox);
        } else {
            self.patience.grow();
            self.move_to(now, inbox);
        }
    }

    /// Lets all models compute on `chosen` threads. Where there is no room for that, or somebody begins to wait, some stay on theirs.
    fn move_to(&mut self, chosen: Threads, inbox: &Inbox) {
        let (llama, mut moved) = (self.llama, false);
        self.cascade.change_models(|member| {
            let model = member.llama_mut();
            if model.threads() == chosen || inbox.is_waiting() {
                return;
            }
            let room = Memory::of_this_computer().take(model.reopening()).map_err(|problem| problem.to_string());
            match room.and_then(|()| model.reopen(llama, chosen).map_err(|error| error.to_string())) {
                Ok(()) => moved = true,
                Err(reason) => tracing::warn!(reason, "a model stays on its threads"),
            }
        });
        self.threads = self.cascade.target().llama().threads();
        if moved {
            tracing::info!(single = chosen.single, wide = chosen.wide, "threads chosen anew");
            self.measure_anew(inbox);
        }
    }

    /// Other threads, other costs: reviews above all. What is not measured because somebody begins to wait is learned on the way.
    fn measure_anew(&mut self, inbox: &Inbox) {
        let (llama, chosen, mode) = (self.llama, self.threads, self.mode);
        let mut curves = Vec::new();
        self.cascade.change_models(|model| {
            let budget = MEASURE[usize::from(!curves.is_empty())];
            let small = || model.llama().weights().context(llama, threads::CAPACITY, chosen, mode).ok();
            let small = if inbox.is_waiting() { None } else { small() };
            curves.push(small.and_then(|mut small| measure::curve(&mut small, budget, false).ok()));
        });
        if let Some(Some(curve)) = curves.first() {
            self.chunk = measure::chunk(curve, self.weights.is_on_devices());
        }
        for (rung, curve) in curves.into_iter().enumerate() {
            if let Some(curve) = curve {
                self.policy.set_curve(rung, curve.clone());
                self.curves[rung] = curve;
            }
        }
        // Beside other programs that compute, what was measured is what they leave: models that fell back go by what they know.
        if chosen == threads::all_cores() {
            self.let_fall_back();
        }
    }

    /// Lets the models take fewer threads by themselves, in the middle of an answer, where their number may change.
    pub(super) fn let_fall_back(&mut self) {
        if self.usual.is_none() {
            return;
        }
        let (llama, mut curves) = (self.llama, self.curves.iter());
        self.cascade.change_models(|model| {
            if let Some(curve) = curves.next() {
                model
                    .llama_mut()
                    .let_fall_back(llama, curve.clone(), |bytes| Memory::of_this_computer().take(bytes).is_ok());
            }
        });
    }
}
