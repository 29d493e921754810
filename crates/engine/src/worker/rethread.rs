//! Choosing threads anew when another program comes or goes.

use std::time::Duration;

use super::answer::Answerer;
use super::hold::MEASURE;
use super::inbox::Inbox;
use super::memory::Memory;
use super::{measure, threads};

impl Answerer<'_> {
    /// Chooses threads anew if another program came or went, as the one-token passes of the latest answer, of `single` each, make
    /// one think. Between two answers, while nobody waits; what the models have read goes along.
    ///
    /// With a core taken by another program, the thread on it holds up all others in every pass (measured: `docs/kernels.md`).
    pub(super) fn rethread(&mut self, single: Option<Duration>, inbox: &Inbox) {
        let (Some(usual), Some(single)) = (&mut self.usual, single) else { return };
        if inbox.is_waiting() || !usual.is_over(single.as_secs_f64()) {
            return;
        }
        // A long text slows passes too. Without one only other programs do.
        let Some(now) = threads::single(self.weights, self.llama, self.threads) else { return };
        if !usual.is_other(now) || inbox.is_waiting() {
            return;
        }
        let (chosen, now) = threads::fastest(self.weights, self.llama, false);
        if let Some(now) = now {
            usual.set(now);
        }
        if chosen == self.threads {
            return;
        }
        let (llama, context) = (self.llama, self.context);
        let mut all = true;
        self.cascade.change_models(|model| {
            // For a moment there are two contexts, and a copy of what is held.
            let room = Memory::of_this_computer().take(2 * model.weights().cache_bytes(context));
            match room
                .map_err(|problem| problem.to_string())
                .and_then(|()| model.reopen(llama, chosen).map_err(|error| error.to_string()))
            {
                Ok(held) => held,
                Err(reason) => {
                    tracing::warn!(reason, "a model stays on its threads");
                    all = false;
                    true
                }
            }
        });
        if all {
            tracing::info!(single = chosen.single, wide = chosen.wide, "threads chosen anew");
            self.threads = chosen;
            self.measure_anew();
        }
    }

    /// Other threads, other costs: reviews above all.
    fn measure_anew(&mut self) {
        let (llama, chosen) = (self.llama, self.threads);
        let mut curves = Vec::new();
        self.cascade.change_models(|model| {
            let budget = MEASURE[usize::from(!curves.is_empty())];
            let small = model.weights().context(llama, threads::CAPACITY, chosen, false).ok();
            curves.push(small.and_then(|mut small| measure::curve(&mut small, budget).ok()));
            true
        });
        if let Some(Some(curve)) = curves.first() {
            self.chunk = measure::chunk(curve);
        }
        for (rung, curve) in curves.into_iter().enumerate() {
            if let Some(curve) = curve {
                self.policy.set_curve(rung, curve.clone());
                self.curves[rung] = curve;
            }
        }
    }
}
