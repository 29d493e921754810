//! Devices besides the processor, as far as they concern calls.

use std::sync::PoisonError;

use protocol::ladder::{EngineSettings, Ladder};
use protocol::worker::{Command, DeviceKind, DeviceShare, Event, Hardware, LeftOut, Loaded};
use protocol::{Code, Problem};

use super::call::Call;
use super::engine::Engine;
use super::process::Process;

/// How everything besides the processor is called where it is left out.
const DEVICES: &str = "GPU";

impl Engine {
    /// What there is to compute with, as the engine sees it.
    ///
    /// # Errors
    /// As [`Call::hardware`], and [`Code::Busy`].
    pub fn hardware(&self) -> Result<Hardware, Problem> {
        self.begin()?.hardware()
    }

    /// Bytes of devices' own memory that a ladder may take, in all, as they were when that was asked last; nothing before ([`Call::device_memory`]).
    pub fn device_memory(&self) -> u64 {
        self.inner.view().device_memory.unwrap_or(0)
    }
}

fn own_memory(hardware: &Hardware) -> u64 {
    let own = hardware.devices.iter().filter(|device| device.kind != DeviceKind::Integrated);
    own.map(|device| device.free).fold(0, u64::saturating_add)
}

impl Call<'_> {
    /// What there is to compute with, as the engine sees it.
    ///
    /// # Errors
    /// [`Code::WorkerMissing`], [`Code::WorkerGaveUp`]; a worker that dies is not replaced.
    pub fn hardware(&mut self) -> Result<Hardware, Problem> {
        self.take_other_workers();
        let looked = self.converse(&Command::Look, &mut |event| match event {
            Event::Looked(hardware) => Some(Ok(*hardware)),
            Event::Failed { id: None, problem } => Some(Err(problem)),
            _ => None,
        });
        let hardware = self.once(looked)?;
        self.inner.view().device_memory = Some(own_memory(&hardware));
        Ok(hardware)
    }

    /// What each device would hold of `ladder` if it were loaded now in place of the one that is.
    ///
    /// # Errors
    /// As [`Call::hardware`].
    pub fn foresee(&mut self, ladder: &Ladder, settings: EngineSettings) -> Result<Vec<DeviceShare>, Problem> {
        self.take_other_workers();
        let command = Command::Foresee { ladder: ladder.clone(), settings };
        let foreseen = self.converse(&command, &mut |event| match event {
            Event::Foreseen { devices } => Some(Ok(devices)),
            Event::Failed { id: None, problem } => Some(Err(problem)),
            _ => None,
        });
        self.once(foreseen)
    }

    /// Bytes of devices' own memory, in all, that are free once what is loaded gives back its own. Nothing if that cannot be asked.
    pub fn device_memory(&mut self) -> u64 {
        self.hardware().map_or(0, |hardware| own_memory(&hardware))
    }

    /// Ends a worker that was told of other computers than are to compute along now: it connects to them once.
    pub(super) fn take_other_workers(&mut self) {
        if self.work.workers != *self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner) {
            self.drop_process();
            self.inner.view().device_memory = None;
        }
    }

    /// An answer does not wait for ever for other computers that have layers of a model.
    pub(super) fn bear_silence(&mut self) {
        let waits = |loaded: &Loaded| loaded.placed.iter().any(|placed| placed.remote);
        let remote = self.inner.view().loaded.as_ref().is_some_and(waits);
        let silence = *self.inner.silence.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = &mut self.work.process {
            process.may_be_silent(remote.then_some(silence));
        }
    }

    /// A device that fails ends the worker by an abort: the next one computes with the processor alone, until a ladder is loaded anew. One that
    /// nothing was placed on has no part in it.
    pub(super) fn leave_devices(&mut self) {
        if !self.work.process.as_ref().is_some_and(Process::has_aborted) {
            return;
        }
        let view = self.inner.view();
        let used = match &view.loaded {
            Some(loaded) => {
                let mut devices: Vec<&str> =
                    loaded.placed.iter().flat_map(|placed| &placed.devices).map(String::as_str).collect();
                devices.sort_unstable();
                devices.dedup();
                (!devices.is_empty()).then(|| devices.join(", "))
            }
            // In the middle of loading nobody knows yet; without a device it is none's fault.
            None => view.device_memory.is_none_or(|bytes| bytes > 0).then(|| DEVICES.to_owned()),
        };
        drop(view);
        let Some(wanted) = &mut self.work.wanted else { return };
        if used.is_some() && wanted.settings.gpu_layers != Some(0) {
            tracing::warn!("the engine goes on without devices");
            wanted.settings.gpu_layers = Some(0);
            wanted.conditions.gpu_layers = Some(0);
            wanted.lost.clone_from(&used);
            self.work.lost = used;
        }
    }

    /// The device that was lost since that was asked last.
    pub(super) fn take_lost(&mut self) -> Option<String> {
        self.work.lost.take()
    }
}

/// What is told of a device that is done without, as it was lost.
pub(super) fn lost_device(device: &str) -> LeftOut {
    LeftOut { rung: device.to_owned(), problem: Problem::new(Code::DeviceLost).with("device", device) }
}
