//! Where a ladder's models go on this computer.

use std::sync::OnceLock;

use protocol::ladder::{EngineSettings, Ladder};
use protocol::worker::{Device, DeviceKind, Hardware, LeftOut, Placed};

use crate::llama::{self, Mode, WIDEST, Weights};
use crate::place::{self, Need, Place, Room};

/// What is left of a device's memory to the screen and to other programs: so much, and this share of what is free.
const RESERVE: u64 = 384 << 20;
const SHARE: f64 = 0.05;

/// About how many bytes a graphics card reads in a second, one that shares the processor's memory, and one behind a connection, which
/// costs more time than reading does.
const CARD: f64 = 300e9;
const INTEGRATED: f64 = 60e9;
const REMOTE: f64 = 20e9;

/// Names other computers that compute along, as in `127.0.0.1:50052,127.0.0.1:50053`.
pub(crate) const WORKERS: &str = "TAKI_WORKERS";

/// What there is to compute with.
pub(super) fn hardware() -> Hardware {
    let left_out = connected().to_vec();
    let modules = llama::modules();
    let files = modules.as_ref().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut module_files: Vec<String> = files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("ggml"))
        .collect();
    module_files.sort();
    let devices = llama::devices().into_iter().map(|(_, device)| device).collect();
    Hardware { processor: llama::processor(), devices, modules, module_files, left_out }
}

/// Connects to the other computers that were named, once. Those that cannot be used.
pub(super) fn connected() -> &'static [LeftOut] {
    static LEFT_OUT: OnceLock<Vec<LeftOut>> = OnceLock::new();
    LEFT_OUT.get_or_init(|| {
        let named = std::env::var(WORKERS).unwrap_or_default();
        let mut addresses: Vec<&str> = named.split(',').map(str::trim).filter(|address| !address.is_empty()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let added = addresses.into_iter().map(|address| (address, llama::add_remote(address)));
        added.filter_map(|(address, added)| Some(LeftOut { rung: address.to_owned(), problem: added.err()? })).collect()
    })
}

/// The devices that there are, and where the models go.
#[derive(Debug)]
pub(super) struct Placing {
    devices: Vec<(usize, Device)>,
    needs: Vec<Need>,
    places: Vec<Place>,
    /// Whether devices were to be used at all.
    asks: bool,
}

impl Placing {
    /// For `ladder` with at most this `share` of what is free: less where all of it proved too much.
    pub(super) fn of(ladder: &Ladder, settings: EngineSettings, context: u32, share: f64) -> Self {
        let asks = settings.gpu_layers != Some(0);
        let devices = if asks {
            connected();
            llama::devices()
        } else {
            Vec::new()
        };
        let rooms: Vec<Room> = devices.iter().map(|(index, device)| room(*index, device, share)).collect();
        if rooms.is_empty() {
            return Self { devices, needs: Vec::new(), places: vec![Place::default(); ladder.rungs.len()], asks };
        }
        let cache = Mode::from(settings).cache;
        let found = ladder.rungs.iter().map(|rung| llama::need(&rung.path, context, cache, WIDEST));
        // A file that says too little, or is none, stays with the processor: too much for any device.
        let unknown = Need { layers: 1, layer: u64::MAX / 8, output: u64::MAX / 8, table: 0, passes: u64::MAX / 8 };
        let needs: Vec<Need> = found.map(|need| need.unwrap_or(unknown)).collect();
        let places = place::places(&needs, &rooms, settings.gpu_layers.map(u32::from));
        Self { devices, needs, places, asks }
    }

    /// Other computers that were to compute along and cannot.
    pub(super) fn unreached(&self) -> Vec<LeftOut> {
        if self.asks { connected().to_vec() } else { Vec::new() }
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
        let devices = self.devices.iter().filter(|(index, _)| used.contains(index));
        let devices = devices.map(|(_, device)| device.description.clone()).collect();
        Placed { rung: rung.to_owned(), layers, of, devices }
    }
}

fn room(index: usize, device: &Device, share: f64) -> Room {
    let free = device.free.saturating_sub(RESERVE) as f64 * (1.0 - SHARE) * share;
    let speed = match device.kind {
        DeviceKind::Card => CARD,
        DeviceKind::Integrated => INTEGRATED,
        DeviceKind::Remote => REMOTE,
    };
    Room { index, free: free as u64, speed }
}
