//! Choosing threads anew when another program comes or goes.

use super::answer::Answerer;
use super::inbox::Inbox;
use super::memory::Memory;
use super::threads;

impl Answerer<'_> {
    /// Chooses threads anew if the passes of the latest answer were far from what is usual. Between two answers, while nobody
    /// waits; what the models have read goes along.
    ///
    /// With a core taken by another program, the thread on it holds up all others in every pass (measured: `docs/kernels.md`).
    pub(super) fn rethread(&mut self, inbox: &Inbox) {
        let (Some(usual), Some(single)) = (&mut self.usual, self.single) else { return };
        if inbox.is_waiting() || !usual.is_over(single.as_secs_f64()) {
            return;
        }
        let chosen = threads::fastest(self.weights, self.llama, self.widths.is_some());
        if chosen == self.threads {
            return;
        }
        let (llama, context) = (self.llama, self.context);
        let mut memory = Memory::of_this_computer();
        self.cascade.change_models(|model| {
            // For a moment there are two contexts.
            if memory.take(model.cache_bytes(context)).is_err() {
                return true;
            }
            let reopened = model.reopen(llama, chosen);
            reopened.inspect_err(|error| tracing::warn!(%error, "the number of threads stays")).unwrap_or(true)
        });
        tracing::info!(single = chosen.single, wide = chosen.wide, "threads chosen anew");
        self.threads = chosen;
    }
}
