//! Devices besides the processor, as far as they concern calls.

use std::sync::PoisonError;

use protocol::Problem;
use protocol::ladder::{EngineSettings, Ladder};
use protocol::worker::{Command, DeviceKind, DeviceShare, Event, Hardware};

use super::call::Call;
use super::engine::Engine;

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
        self.bear_silence_of_named(1);
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
        self.bear_silence_of_named(1);
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
}
