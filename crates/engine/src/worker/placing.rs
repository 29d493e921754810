//! Where a ladder's models go on this computer.

use protocol::ladder::{EngineSettings, Ladder};
use protocol::worker::Placed;

use crate::llama::{self, Device, Mode, WIDEST, Weights};
use crate::place::{self, Need, Place, Room};

/// What is left of a device's memory to the screen and to other programs: so much, and this share of what is free.
const RESERVE: u64 = 384 << 20;
const SHARE: f64 = 0.05;

/// About how many bytes a graphics card reads in a second, one that shares the processor's memory, and one behind a connection, which
/// costs more time than reading does.
const CARD: f64 = 300e9;
const INTEGRATED: f64 = 60e9;
const REMOTE: f64 = 20e9;

/// The devices that there are, and where the models go.
#[derive(Debug)]
pub(super) struct Placing {
    devices: Vec<Device>,
    needs: Vec<Need>,
    places: Vec<Place>,
}

impl Placing {
    /// For `ladder` with at most this `share` of what is free: less where all of it proved too much.
    pub(super) fn of(ladder: &Ladder, settings: EngineSettings, context: u32, share: f64) -> Self {
        let devices = if settings.gpu_layers == Some(0) { Vec::new() } else { llama::devices() };
        let rooms: Vec<Room> = devices.iter().map(|device| room(device, share)).collect();
        if rooms.is_empty() {
            return Self { devices, needs: Vec::new(), places: vec![Place::default(); ladder.rungs.len()] };
        }
        let cache = Mode::from(settings).cache;
        let found = ladder.rungs.iter().map(|rung| llama::need(&rung.path, context, cache, WIDEST));
        // A file that says too little, or is none, stays with the processor: too much for any device.
        let unknown = Need { layers: 1, layer: u64::MAX / 8, output: u64::MAX / 8, table: 0, passes: u64::MAX / 8 };
        let needs: Vec<Need> = found.map(|need| need.unwrap_or(unknown)).collect();
        let places = place::places(&needs, &rooms, settings.gpu_layers.map(u32::from));
        Self { devices, needs, places }
    }

    /// Of the ladder's model in this place.
    pub(super) fn place(&self, rung: usize) -> Place {
        self.places.get(rung).cloned().unwrap_or_default()
    }

    /// Bytes that this model takes of the processor's memory, keys and values included; None if nothing of it is on devices.
    pub(super) fn on_processor(&self, rung: usize) -> Option<u64> {
        let layers = self.places.get(rung)?.layers;
        (layers > 0).then(|| self.needs[rung].on_processor(layers))
    }

    /// Whether anything is on a device.
    pub(super) fn uses_devices(&self) -> bool {
        self.places.iter().any(|place| place.layers > 0)
    }

    /// Where `weights` are, of the model called `rung` in this place.
    pub(super) fn told(&self, place: usize, rung: &str, weights: &Weights) -> Placed {
        let (layers, of) = weights.layers();
        let used = self.places.get(place).map(|place| place.devices.as_slice()).unwrap_or_default();
        let devices = self.devices.iter().filter(|device| used.contains(&device.index));
        let devices = devices.map(|device| device.called()).collect();
        Placed { rung: rung.to_owned(), layers, of, devices }
    }
}

fn room(device: &Device, share: f64) -> Room {
    let free = device.free.saturating_sub(RESERVE) as f64 * (1.0 - SHARE) * share;
    let speed = match device {
        Device { is_remote: true, .. } => REMOTE,
        Device { is_integrated: true, .. } => INTEGRATED,
        _ => CARD,
    };
    Room { index: device.index, free: free as u64, speed }
}
