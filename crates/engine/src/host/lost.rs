//! Devices that fail or cannot be reached any more, and how long they are waited for.

use std::sync::PoisonError;
use std::time::Duration;

use protocol::worker::{LeftOut, Loaded};
use protocol::{Code, Problem};

use super::call::Call;
use super::process::Process;
use crate::worker::named_in_environment;

/// How many times as long as other computers this one's own devices may say nothing in an answer: two minutes, as no pass takes.
const CARDS: u32 = 4;

/// What was lost since a ladder was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Lost {
    /// Devices by name.
    devices: Vec<String>,
    /// What the next worker does without.
    without: Without,
}

/// What a worker does without. What cannot be reached any more is not there when the next one looks, and a card of which others took the memory has
/// less of it then: so nothing is done without before that has been tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Without {
    #[default]
    Unlost,
    Nothing,
    Others,
    Devices,
}

impl Lost {
    pub(super) fn without_others(&self) -> bool {
        self.without == Without::Others
    }

    pub(super) fn without_devices(&self) -> bool {
        self.without == Without::Devices
    }

    /// Tells in `loaded` what has no part in it any more, unless it is told there already.
    pub(super) fn tell(&self, loaded: &mut Loaded) {
        for device in &self.devices {
            let is_used = loaded.placed.iter().any(|placed| placed.devices.contains(device));
            if !is_used && loaded.left_out.iter().all(|left| left.rung != *device) {
                let problem = Problem::new(Code::DeviceLost).with("device", device);
                loaded.left_out.push(LeftOut { rung: device.clone(), problem });
            }
        }
    }

    /// What to say where there is no room without what was lost; from now on it is looked for again.
    pub(super) fn needed(&mut self, short: Problem) -> Problem {
        if self.devices.is_empty() {
            return short;
        }
        self.without = Without::Unlost;
        let needed = Problem::new(Code::DeviceNeeded).with("device", self.devices.join(", "));
        let detail = |name: &str| short.details.get(name).cloned().unwrap_or_default();
        needed.with("need", detail("need")).with("free", detail("free"))
    }
}

impl Call<'_> {
    /// A device that fails ends the worker by an abort, and another computer that falls silent by our doing: then the next one places the ladder
    /// anew. One that nothing was placed on has no part in it.
    pub(super) fn leave_devices(&mut self) {
        if self.work.process.as_ref().is_some_and(Process::has_aborted) {
            self.lose_devices();
        }
    }

    /// Takes what the ladder was placed on, if anything, for lost ([`Self::take_lost`]).
    pub(super) fn lose_devices(&mut self) {
        let (devices, remote) = match self.inner.view().placing.clone() {
            Some(placing) => placing,
            // It has not come so far: only those that are waited for can have kept it.
            None if self.work.process.as_ref().is_some_and(Process::was_silent) => (self.named(), true),
            None => return,
        };
        // What hangs in this computer itself would hang again; another computer may be reached once more.
        let hangs = !remote && self.work.process.as_ref().is_some_and(Process::was_silent);
        let Some(wanted) = &mut self.work.wanted else { return };
        if devices.is_empty() || wanted.lost.without_devices() {
            return;
        }
        let lost = &mut wanted.lost;
        lost.without = match lost.without {
            Without::Unlost if !hangs => Without::Nothing,
            Without::Nothing if remote => Without::Others,
            _ => Without::Devices,
        };
        tracing::warn!(?devices, without = ?lost.without, "the engine goes on as far as it can");
        if lost.without_devices() {
            wanted.conditions.gpu_layers = Some(0);
        }
        let names = devices.join(", ");
        for device in devices {
            if !lost.devices.contains(&device) {
                lost.devices.push(device);
            }
        }
        self.work.lost = Some(names);
    }

    /// The devices that were lost since that was asked last.
    pub(super) fn take_lost(&mut self) -> Option<String> {
        self.work.lost.take()
    }

    /// An answer does not wait for ever for what has layers of a model.
    pub(super) fn bear_silence(&mut self) {
        let placing = self.inner.view().placing.clone().filter(|(devices, _)| !devices.is_empty());
        let times = placing.map(|(_, remote)| if remote { 1 } else { CARDS });
        let silence = times.map(|times| self.silence().saturating_mul(times));
        self.may_be_silent(silence);
    }

    /// Nothing else waits for ever for other computers that are named: `times` as long as an answer does.
    pub(super) fn bear_silence_of_named(&mut self, times: u32) {
        let silence = (!self.named().is_empty()).then(|| self.silence().saturating_mul(times));
        self.may_be_silent(silence);
    }

    fn may_be_silent(&mut self, silence: Option<Duration>) {
        // Whatever is said next meets the same problem, and tells it.
        if let Ok(process) = self.process() {
            process.may_be_silent(silence);
        }
    }

    fn silence(&self) -> Duration {
        *self.inner.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Other computers that are to compute along.
    fn named(&self) -> Vec<String> {
        let workers = self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        workers.unwrap_or_else(named_in_environment)
    }
}
