//! How fast the processor and devices read weights: measured when it is asked first, then known for as long as the worker lives.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use protocol::worker::{Device, DeviceKind};

use crate::host::{cores, free_memory};
use crate::llama::{self, Pace};

/// About how fast they are where that cannot be measured, as there is no room: a processor, a graphics card, one that shares the processor's memory, and
/// another computer.
const PROCESSOR: Pace = Pace { speed: 30e9, least: 0.0 };
const CARD: Pace = Pace { speed: 300e9, least: 0.0 };
const INTEGRATED: Pace = Pace { speed: 45e9, least: 0.0 };
const REMOTE: Pace = Pace { speed: 33e9, least: 0.001 };

/// The processor's pace, on all cores.
pub(super) fn processor() -> Pace {
    static PACE: OnceLock<Pace> = OnceLock::new();
    *PACE.get_or_init(|| {
        let free = free_memory().unwrap_or(0);
        told("the processor", llama::pace_of_processor(free, cores())).unwrap_or(PROCESSOR)
    })
}

/// How many bytes the processor reads in a second just now: another program may be at work.
pub(super) fn processor_now() -> f64 {
    let measured = llama::pace_of_processor(free_memory().unwrap_or(0), cores());
    told("the processor, once more", measured).unwrap_or_else(processor).speed
}

/// The pace of `device`, which has this number of llama.cpp's.
pub(super) fn device(index: usize, device: &Device) -> Pace {
    static PACES: Mutex<Option<HashMap<usize, Pace>>> = Mutex::new(None);
    let mut paces = PACES.lock().unwrap_or_else(PoisonError::into_inner);
    *paces.get_or_insert_default().entry(index).or_insert_with(|| {
        told(&device.description, llama::pace(index, device.free)).unwrap_or(match device.kind {
            DeviceKind::Card => CARD,
            DeviceKind::Integrated => INTEGRATED,
            DeviceKind::Remote => REMOTE,
        })
    })
}

fn told(what: &str, pace: Option<Pace>) -> Option<Pace> {
    tracing::info!(what, ?pace, "measured how fast weights are read");
    pace
}
