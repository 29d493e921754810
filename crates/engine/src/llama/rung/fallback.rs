//! Getting away from threads that wait for each other, in the middle of an answer.

use cascade::policy::CostCurve;
use protocol::learned::Threads;

use super::LlamaRung;
use crate::llama::Llama;
use crate::llama::hold_up::HoldUp;

/// How a model gets away from threads that wait for each other.
pub(super) struct Fallback<'m> {
    llama: &'m Llama,
    /// Whether so many bytes are free.
    has_room: fn(u64) -> bool,
    pub(super) hold_up: HoldUp,
    /// Whether the latest passes were that slow.
    pub(super) is_due: bool,
}

impl<'m> LlamaRung<'m> {
    /// Lets it take fewer threads in the middle of an answer when passes take many times what `curve` says, if the bytes for
    /// that are there.
    pub(crate) fn let_fall_back(&mut self, llama: &'m Llama, curve: CostCurve, has_room: fn(u64) -> bool) {
        match &mut self.fallback {
            Some(fallback) => fallback.hold_up.measured(curve),
            None => self.fallback = Some(Fallback { llama, has_room, hold_up: HoldUp::new(curve), is_due: false }),
        }
    }

    /// Takes half the threads. What is held goes along; if that does not work, everything stays.
    pub(super) fn fall_back(&mut self) {
        let Some(fallback) = &mut self.fallback else { return };
        let (llama, has_room) = (fallback.llama, fallback.has_room);
        fallback.is_due = false;
        let half = |threads: u16| (threads / 2).max(1);
        let fewer = Threads { single: half(self.threads.single), wide: half(self.threads.wide) };
        if fewer == self.threads || !has_room(self.reopening()) {
            return;
        }
        match self.reopen(llama, fewer) {
            Ok(()) => {
                tracing::info!(single = fewer.single, wide = fewer.wide, "passes are held up: fewer threads");
                if let Some(fallback) = &mut self.fallback {
                    fallback.hold_up.halved();
                }
            }
            Err(error) => tracing::warn!(%error, "passes are held up, and threads stay"),
        }
    }
}
