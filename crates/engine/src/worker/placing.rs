//! Where a ladder's models go on this computer.

use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use protocol::Problem;
use protocol::ladder::{EngineSettings, Ladder};
use protocol::worker::{Device, DeviceKind, DeviceShare, Hardware, LeftOut, Placed};

use super::hold::CONTEXT;
use crate::llama::{self, Mode, WIDEST, Weights};
use crate::place::{self, Need, PROCESSOR, Place, Room};

/// What is left of a device's memory to the screen and to other programs: so much, and this share of what is free.
const RESERVE: u64 = 384 << 20;
const SHARE: f64 = 0.05;

/// How much of what another computer says is free may be taken.
const REMOTE_SHARE: f64 = 0.7;

/// About how many bytes a graphics card reads in a second, and one that shares the processor's memory. Another computer's is taken for a
/// little faster than the processor: whoever names it wants it tried, and what it really is gets measured.
const CARD: f64 = 300e9;
const INTEGRATED: f64 = 1.5 * PROCESSOR;
const REMOTE: f64 = 1.1 * PROCESSOR;

/// Names other computers that compute along, as in `127.0.0.1:50052,127.0.0.1:50053`.
pub(crate) const WORKERS: &str = "TAKI_WORKERS";

/// What there is to compute with, with what is `held` of devices now, in bytes by their numbers, as free: the next ladder may have it.
pub(super) fn hardware(held: &[(usize, u64)]) -> Hardware {
    let left_out = unusable();
    let modules = llama::modules();
    let files = modules.as_ref().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut module_files: Vec<String> = files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("ggml"))
        .collect();
    module_files.sort();
    let devices = free_again(llama::devices(), held).into_iter().map(|(_, device)| device).collect();
    let (processor, processor_module) = (llama::processor(), llama::processor_module());
    Hardware { processor, processor_module, devices, modules, module_files, left_out }
}

/// What each device would hold of `ladder` once what is `held` of them now is free again.
pub(super) fn foreseen(ladder: &Ladder, settings: EngineSettings, held: &[(usize, u64)]) -> Vec<DeviceShare> {
    let placing = Placing::over(ladder, settings, settings.context.unwrap_or(CONTEXT), 1.0, None, held);
    let taken = placing.taken();
    let bytes = |index: usize| taken.iter().find(|(of, _)| *of == index).map_or(0, |(_, bytes)| *bytes);
    placing.devices.into_iter().map(|(index, device)| DeviceShare { device, bytes: bytes(index) }).collect()
}

/// The devices as they are once what is `held` of them, in bytes by their numbers, is free.
fn free_again(mut devices: Vec<(usize, Device)>, held: &[(usize, u64)]) -> Vec<(usize, Device)> {
    for (index, device) in &mut devices {
        let own = held.iter().filter(|(of, _)| of == index).map(|(_, bytes)| *bytes).fold(0, u64::saturating_add);
        device.free = device.free.saturating_add(own).min(device.total.max(device.free));
    }
    devices
}

/// The other computers that were named and cannot be used. Connects to them when that is asked first.
pub(super) fn unusable() -> Vec<LeftOut> {
    remotes(|remotes| {
        let left = remotes.all.iter().filter_map(|(address, added)| Some((address, added.as_ref().err()?)));
        left.map(|(address, problem)| LeftOut { rung: address.clone(), problem: problem.clone() }).collect()
    })
}

/// Tries again to connect to those that could not be reached: a cable may be in again, and a program run there. Not what was tried a moment
/// ago.
pub(super) fn connect_again() {
    remotes(|remotes| {
        if remotes.tried.elapsed() < MOMENT {
            return;
        }
        let lost = remotes.all.extract_if(.., |(_, added)| added.is_err()).map(|(address, _)| address).collect();
        remotes.all.extend(connect(lost));
        remotes.tried = Instant::now();
    });
}

/// So soon nobody has mended anything.
const MOMENT: Duration = Duration::from_secs(10);

/// What came of connecting to addresses.
struct Remotes {
    all: Vec<(String, Result<(), Problem>)>,
    tried: Instant,
}

fn remotes<T>(look: impl FnOnce(&mut Remotes) -> T) -> T {
    static REMOTES: Mutex<Option<Remotes>> = Mutex::new(None);
    let mut remotes = REMOTES.lock().unwrap_or_else(PoisonError::into_inner);
    look(remotes.get_or_insert_with(|| {
        let named = std::env::var(WORKERS).unwrap_or_default();
        let mut addresses: Vec<String> =
            named.split(',').map(str::trim).filter(|address| !address.is_empty()).map(str::to_owned).collect();
        addresses.sort_unstable();
        addresses.dedup();
        Remotes { all: connect(addresses), tried: Instant::now() }
    }))
}

/// Connects to `addresses`. Those that are not there are waited for at the same time, and one that answers is taken at once: it might serve somebody
/// else a moment later.
fn connect(addresses: Vec<String>) -> Vec<(String, Result<(), Problem>)> {
    let (told, reached) = mpsc::channel();
    for address in addresses {
        let told = told.clone();
        std::thread::spawn(move || {
            let reached = llama::reach_remote(&address);
            // Nobody listens any more only where the worker ends.
            let _ = told.send((address, reached));
        });
    }
    drop(told);
    let added = reached.into_iter().map(|(address, reached)| {
        let added = reached.and_then(|reached| llama::add_remote(&address, reached));
        (address, added)
    });
    added.collect()
}

/// The devices that there are, and where the models go.
#[derive(Debug)]
pub(super) struct Placing {
    devices: Vec<(usize, Device)>,
    /// What may be taken of them.
    rooms: Vec<Room>,
    needs: Vec<Need>,
    places: Vec<Place>,
    /// Other computers that were to compute along and do not.
    left_out: Vec<LeftOut>,
}

impl Placing {
    /// For `ladder` with at most this `share` of what is free, once what is `held` of devices now, in bytes by their numbers, is free again: less where all of
    /// it proved too much. Without other computers where one was `refused`.
    pub(super) fn over(
        ladder: &Ladder,
        settings: EngineSettings,
        context: u32,
        share: f64,
        refused: Option<LeftOut>,
        held: &[(usize, u64)],
    ) -> Self {
        let mut left_out = Vec::new();
        let mut devices = Vec::new();
        // Every bit as the target alone computes it: cards choose their sums by the width of a pass, and a lost one would leave the rest to others.
        if settings.uses_devices() {
            left_out = unusable();
            devices = llama::devices();
        }
        if let Some(refused) = refused {
            left_out.push(refused);
            devices.retain(|(_, device)| device.kind != DeviceKind::Remote);
        }
        let devices = free_again(devices, held);
        let rooms: Vec<Room> = devices.iter().map(|(index, device)| room(*index, device, share)).collect();
        if rooms.is_empty() {
            let places = vec![Place::default(); ladder.rungs.len()];
            return Self { devices, rooms, needs: Vec::new(), places, left_out };
        }
        let cache = Mode::from(settings).cache;
        let found = ladder.rungs.iter().map(|rung| llama::need(&rung.path, context, cache, WIDEST));
        // A file that says too little, or is none, stays with the processor: too much for any device.
        let unknown = Need { layers: 1, layer: u64::MAX / 8, output: u64::MAX / 8, table: 0, passes: u64::MAX / 8 };
        let needs: Vec<Need> = found.map(|need| need.unwrap_or(unknown)).collect();
        let movable = if settings.drafts_on_processor { needs.len().min(1) } else { needs.len() };
        let mut places = place::places(&needs[..movable], &rooms, settings.gpu_layers.map(u32::from));
        places.resize(needs.len(), Place::default());
        Self { devices, rooms, needs, places, left_out }
    }

    /// Bytes that the models take of each device, by its number.
    pub(super) fn taken(&self) -> Vec<(usize, u64)> {
        place::taken(&self.needs, &self.rooms, &self.places)
    }

    /// Other computers that were to compute along and do not.
    pub(super) fn left_out(&self) -> Vec<LeftOut> {
        self.left_out.clone()
    }

    /// The other computers that have layers of the target, if nothing else of this one has but the processor.
    pub(super) fn only_remote(&self) -> Option<String> {
        let has_card = self.devices.iter().any(|(_, device)| device.kind != DeviceKind::Remote);
        self.devices_of(0).find(|_| !has_card).map(|device| device.description.clone())
    }

    /// The devices that have layers of the ladder's model in this place.
    fn devices_of(&self, place: usize) -> impl Iterator<Item = &Device> + Clone {
        let used = self.places.get(place).map(|place| place.devices.as_slice()).unwrap_or_default();
        self.devices.iter().filter(|(index, _)| used.contains(index)).map(|(_, device)| device)
    }

    /// Whether the ladder's models in these places compute on nothing that the other computes on.
    pub(super) fn are_apart(&self, places: [usize; 2], weights: [&Weights; 2]) -> bool {
        // A draft that its device refused stayed with the processor, wherever it was to go; and some cards compute with the processor's memory.
        let on = |index: usize| self.devices_of(places[index]).filter(move |_| weights[index].layers().0 > 0);
        let is_processors = |index: usize| {
            let is_integrated = on(index).any(|device| device.kind == DeviceKind::Integrated);
            is_integrated || !weights[index].is_on_devices()
        };
        // One other computer does one thing after the other, however many devices it lends.
        let same = |one: &Device, other: &Device| {
            let is_remote = one.kind == DeviceKind::Remote && other.kind == DeviceKind::Remote;
            std::ptr::eq(one, other) || is_remote && one.description == other.description
        };
        let shares = on(0).any(|device| on(1).any(|other| same(device, other)));
        !(shares || is_processors(0) && is_processors(1))
    }

    /// Of the ladder's model in this place.
    pub(super) fn place(&self, rung: usize) -> Place {
        self.places.get(rung).cloned().unwrap_or_default()
    }

    /// Bytes that this model takes of the processor's memory, keys and values included; None if nothing of it is on devices.
    pub(super) fn on_processor(&self, rung: usize) -> Option<u64> {
        let layers = self.places.get(rung)?.layers;
        // What shares the processor's memory takes it there, too.
        let is_integrated = self.devices_of(rung).any(|device| device.kind == DeviceKind::Integrated);
        let shared = if is_integrated { self.needs[rung].on_devices(layers) } else { 0 };
        (layers > 0).then(|| shared.saturating_add(self.needs[rung].on_processor(layers)))
    }

    /// Whether this model can stay where it is for the next ladder: with the processor alone, or wholly on one device with memory of its own. Of
    /// one that is divided nobody knows how much is where, and what shares the processor's memory is reckoned with it.
    pub(super) fn may_stay(&self, rung: usize) -> bool {
        let Some(place) = self.places.get(rung).filter(|place| place.layers > 0) else { return true };
        let is_apart = self.devices_of(rung).all(|device| device.kind != DeviceKind::Integrated);
        is_apart && place.devices.len() == 1 && self.needs.get(rung).is_some_and(|need| need.all() <= place.layers)
    }

    /// Whether anything is on a device.
    pub(super) fn uses_devices(&self) -> bool {
        self.places.iter().any(|place| place.layers > 0)
    }

    /// Where `weights` are, of the model called `rung` in this place.
    pub(super) fn told(&self, place: usize, rung: &str, weights: &Weights) -> Placed {
        let (layers, of) = weights.layers();
        // A draft that its device refused stayed with the processor, wherever it was to go.
        let used = self.devices_of(place).filter(|_| layers > 0);
        let remote = used.clone().any(|device| device.kind == DeviceKind::Remote);
        let devices = used.map(|device| device.description.clone()).collect();
        Placed { rung: rung.to_owned(), layers, of, devices, remote }
    }
}

fn room(index: usize, device: &Device, share: f64) -> Room {
    // What another computer calls free may be all that it has.
    let left = if device.kind == DeviceKind::Remote { REMOTE_SHARE } else { 1.0 - SHARE };
    let free = device.free.saturating_sub(RESERVE) as f64 * left * share;
    let speed = match device.kind {
        DeviceKind::Card => CARD,
        DeviceKind::Integrated => INTEGRATED,
        DeviceKind::Remote => REMOTE,
    };
    Room { index, free: free as u64, speed }
}
