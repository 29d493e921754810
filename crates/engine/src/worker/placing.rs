//! Where a ladder's models go on this computer.

#[cfg(test)]
mod tests;

use protocol::ladder::{CONTEXT, EngineSettings, Ladder, Rung};
use protocol::worker::{Device, DeviceKind, DeviceShare, Event, Hardware, LeftOut, Placed, RungShare};
use protocol::{Code, Problem};

use super::cut::Cut;
use super::memory::Memory;
use super::{computers, paces};
use crate::llama::{self, Mode, WIDEST, Weights};
use crate::place::{self, Need, Place, Processor, Room};

/// What is left of a device's memory to the screen and to other programs: so much, and this share of what is free.
const RESERVE: u64 = 384 << 20;
const SHARE: f64 = 0.05;

/// How many times as long as its weights are read a pass takes, about, so that it can be held against one that was measured. SmolLM2 takes 1.3 to 1.5 times
/// on two cores, larger models less.
const BESIDES: f64 = 1.3;

/// What has flash attention for all models of today, by llama.cpp's names.
const FLASH_ATTENTION: [&str; 4] = ["CUDA", "ROCm", "MTL", "RPC"];

/// How much of what another computer says is free may be taken.
const REMOTE_SHARE: f64 = 0.7;

/// What there is to compute with, with what is `held` of devices now, in bytes by their numbers, as free: the next ladder may have it.
pub(super) fn hardware(held: &[(usize, u64)]) -> Hardware {
    let left_out = computers::unusable();
    let modules = llama::modules();
    let files = modules.as_ref().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut module_files: Vec<String> = files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("ggml"))
        .collect();
    module_files.sort();
    let devices = free_again(computers::devices(), held).into_iter().map(|(_, device)| device).collect();
    let (processor, processor_module) = (llama::processor(), llama::processor_module());
    Hardware { processor, processor_module, devices, modules, module_files, left_out }
}

/// What each device would hold of `ladder` once what is `held` of them now is free again.
pub(super) fn foreseen(ladder: &Ladder, settings: EngineSettings, held: &[(usize, u64)]) -> Vec<DeviceShare> {
    let placing =
        Placing::over(ladder, settings, settings.context.unwrap_or(CONTEXT), Cut::Nothing, &Along::Asked, held);
    let taken = placing.taken();
    let bytes = |index: usize| taken.iter().find(|(of, _)| *of == index).map_or(0, |(_, bytes)| *bytes);
    let share = |(index, device): &(usize, Device)| DeviceShare {
        device: device.clone(),
        bytes: bytes(*index),
        rungs: placing.rungs_on(ladder, *index),
    };
    placing.devices.iter().map(share).collect()
}

/// The devices as they are once what is `held` of them, in bytes by their numbers, is free.
fn free_again(mut devices: Vec<(usize, Device)>, held: &[(usize, u64)]) -> Vec<(usize, Device)> {
    for (index, device) in &mut devices {
        let own = held.iter().filter(|(of, _)| of == index).map(|(_, bytes)| *bytes).fold(0, u64::saturating_add);
        device.free = device.free.saturating_add(own).min(device.total.max(device.free));
    }
    devices
}

/// What computes along with the processor.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Along {
    /// As much as helps.
    Asked,
    /// No other computer, as one was lost.
    Lost,
    /// No other computer, as it takes longer with them.
    Refused(Vec<LeftOut>),
    /// Nothing, as it takes longer with this computer's own devices, too.
    Nothing(Vec<LeftOut>),
}

impl Along {
    /// Without what would be `slower` as well: other computers, or else all devices.
    pub(super) fn without(self, slower: LeftOut) -> Self {
        let is_remote = slower.problem.code == Code::RemoteSlower;
        let mut all = match self {
            Self::Asked | Self::Lost => Vec::new(),
            Self::Refused(all) | Self::Nothing(all) => all,
        };
        all.push(slower);
        if is_remote { Self::Refused(all) } else { Self::Nothing(all) }
    }
}

/// The devices that there are, and where the models go.
#[derive(Debug, Default)]
pub(super) struct Placing {
    devices: Vec<(usize, Device)>,
    /// What may be taken of them.
    rooms: Vec<Room>,
    needs: Vec<Need>,
    places: Vec<Place>,
    processor: Processor,
    /// Where the target would be without other computers, or without devices where none of them has a part in it; None where there is no room for it
    /// then, or nothing to do without.
    without: Option<Place>,
    /// Other computers that were to compute along and do not.
    left_out: Vec<LeftOut>,
}

impl Placing {
    /// For `ladder` in what is free, less the `cut`, once what is `held` of devices now, in bytes by their numbers, is free again. With what computes
    /// `along`.
    pub(super) fn over(
        ladder: &Ladder,
        settings: EngineSettings,
        context: u32,
        cut: Cut,
        along: &Along,
        held: &[(usize, u64)],
    ) -> Self {
        let mut left_out = Vec::new();
        let mut devices = Vec::new();
        // Every bit as the target alone computes it: cards choose their sums by the width of a pass, and a lost one would leave the rest to others.
        if settings.uses_devices() {
            left_out = computers::unusable();
            devices = computers::devices();
        }
        if let Along::Refused(slower) | Along::Nothing(slower) = along {
            left_out.extend(slower.iter().cloned());
        }
        match along {
            Along::Asked => {}
            Along::Lost | Along::Refused(_) => devices.retain(|(_, device)| device.kind != DeviceKind::Remote),
            Along::Nothing(_) => devices.clear(),
        }
        let devices = free_again(devices, held);
        let mut placing = Self { devices, left_out, ..Self::default() };
        placing.places = vec![Place::default(); ladder.rungs.len()];
        if placing.devices.is_empty() {
            return placing;
        }
        let group = |at: usize| {
            let (_, device) = &placing.devices[at];
            placing.devices.iter().position(|(_, other)| are_of_one(device, other)).unwrap_or(at)
        };
        placing.rooms = (0..placing.devices.len()).map(|at| room(&placing.devices[at], group(at), cut)).collect();
        placing.processor = Processor { free: Memory::of_this_computer().left(), speed: paces::processor().speed };
        let cache = Mode::from(settings).cache;
        // Others may lack it for one model or another.
        let may_lack = |device: &Device| !FLASH_ATTENTION.contains(&device.backend.as_str());
        let whole_scores = placing.devices.iter().any(|(_, device)| may_lack(device));
        let found = ladder.rungs.iter().map(|rung| llama::need(&rung.path, context, cache, WIDEST, whole_scores));
        // A file that says too little, or is none, stays with the processor: too much for any device.
        let unknown =
            Need { layers: 1, layer: u64::MAX / 8, output: u64::MAX / 8, passes: u64::MAX / 8, ..Need::default() };
        placing.needs = found.map(|need| need.unwrap_or(unknown)).collect();
        let layers = settings.gpu_layers.map(u32::from);
        let movable = if settings.drafts_on_processor { placing.needs.len().min(1) } else { placing.needs.len() };
        placing.places = placing.over_rooms(&placing.rooms, movable, layers);
        if layers.is_none() {
            placing.compare(movable);
        }
        placing
    }

    /// Places over these rooms for so many of the models, the others with the processor.
    fn over_rooms(&self, rooms: &[Room], movable: usize, layers: Option<u32>) -> Vec<Place> {
        let mut places = place::places(&self.needs[..movable], rooms, self.processor, layers);
        places.resize(self.needs.len(), Place::default());
        places
    }

    /// Finds out where the target would be without what it is on, and leaves out other computers that have no part as they would only slow it down.
    fn compare(&mut self, movable: usize) {
        let (remote, own): (Vec<Room>, Vec<Room>) = self.rooms.iter().copied().partition(|room| room.is_remote);
        let Some(there) = self.places.first() else { return };
        let uses = |rooms: &[Room]| rooms.iter().any(|room| there.has(room.index));
        let without = if uses(&remote) {
            self.over_rooms(&own, movable, None).into_iter().next()
        } else {
            uses(&own).then(Place::default)
        };
        let target = &self.needs[0];
        self.without = without.filter(|place| target.on_processor(place.layers()) <= self.processor.free);
        let seconds = |place: &Place| place::seconds(target, &self.rooms, self.processor, place);
        let with = self.places.first().map_or(f64::INFINITY, seconds);
        for room in remote.iter().filter(|room| self.places.iter().all(|place| !place.has(room.index))) {
            let there = seconds(&Place { parts: vec![(room.index, target.all())] });
            if there > with
                && let Some((_, device)) = self.devices.iter().find(|(index, _)| *index == room.index)
                && self.left_out.iter().all(|left| left.rung != device.description)
            {
                self.left_out.push(slower(&device.description, true, there, with));
            }
        }
    }

    /// Bytes that the models take of each device, by its number.
    pub(super) fn taken(&self) -> Vec<(usize, u64)> {
        place::taken(&self.needs, &self.places)
    }

    /// What share of its free memory is taken of each device that is used, by its number.
    pub(super) fn filled(&self) -> Vec<(usize, f64)> {
        let free = |index: usize| self.devices.iter().find(|(of, _)| *of == index).map_or(0, |(_, device)| device.free);
        self.taken().into_iter().map(|(index, bytes)| (index, bytes as f64 / free(index).max(1) as f64)).collect()
    }

    /// The models that have layers on the device with this number, the target first.
    fn rungs_on(&self, ladder: &Ladder, device: usize) -> Vec<RungShare> {
        let placed = ladder.rungs.iter().zip(self.needs.iter().zip(&self.places));
        let there = placed.filter(|(_, (_, place))| place.has(device));
        let share = |(rung, (need, place)): (&Rung, (&Need, &Place))| RungShare {
            rung: rung.name.clone(),
            layers: place.layers_on(device),
            of: need.all(),
        };
        there.map(share).collect()
    }

    /// Other computers that were to compute along and do not.
    pub(super) fn left_out(&self) -> Vec<LeftOut> {
        self.left_out.clone()
    }

    /// What is wrong with what the target is on, where a token takes it so many `seconds`: it would take less without other computers that are a part of it,
    /// or else without any device. `now` measures how many bytes the processor reads in a second.
    pub(super) fn slower_with(&self, seconds: f64, now: impl FnOnce() -> f64) -> Option<LeftOut> {
        let place = self.without.as_ref()?;
        let reckoned = |speed: f64| {
            BESIDES * place::seconds(&self.needs[0], &self.rooms, Processor { speed, ..self.processor }, place)
        };
        if seconds <= reckoned(self.processor.speed) {
            return None;
        }
        // Another program may be at work by now, and would be in the way there, too.
        let without = reckoned(now().min(self.processor.speed));
        if seconds <= without {
            return None;
        }
        let used = self.devices_of(0);
        let remote = used.clone().any(|device| device.kind == DeviceKind::Remote);
        let meant = used.filter(|device| !remote || device.kind == DeviceKind::Remote);
        let mut named: Vec<&str> = meant.map(|device| device.description.as_str()).collect();
        named.dedup();
        Some(slower(&named.join(", "), remote, seconds, without))
    }

    /// The devices that have layers of the ladder's model in this place.
    fn devices_of(&self, place: usize) -> impl Iterator<Item = &Device> + Clone {
        let place = self.places.get(place);
        self.devices
            .iter()
            .filter(move |(index, _)| place.is_some_and(|place| place.has(*index)))
            .map(|(_, device)| device)
    }

    /// Whether the ladder's models in these places compute on nothing that the other computes on.
    pub(super) fn are_apart(&self, places: [usize; 2], weights: [&Weights; 2]) -> bool {
        // A draft that its device refused stayed with the processor, wherever it was to go; and some cards compute with the processor's memory.
        let on = |index: usize| self.devices_of(places[index]).filter(move |_| weights[index].layers().0 > 0);
        let is_processors = |index: usize| {
            let is_integrated = on(index).any(|device| device.kind == DeviceKind::Integrated);
            is_integrated || !weights[index].is_on_devices()
        };
        let same = |one: &Device, other: &Device| std::ptr::eq(one, other) || are_of_one(one, other);
        let shares = on(0).any(|device| on(1).any(|other| same(device, other)));
        !(shares || is_processors(0) && is_processors(1))
    }

    /// Of the ladder's model in this place.
    pub(super) fn place(&self, rung: usize) -> Place {
        self.places.get(rung).cloned().unwrap_or_default()
    }

    /// Bytes that this model takes of the processor's memory, keys and values included; None if nothing of it is on devices.
    pub(super) fn on_processor(&self, rung: usize) -> Option<u64> {
        let place = self.places.get(rung).filter(|place| place.layers() > 0)?;
        let need = &self.needs[rung];
        // What shares the processor's memory takes it there, too.
        let is_shared = |device: usize| self.rooms.iter().any(|room| room.index == device && room.is_shared);
        let shared = place.weights(need).filter(|(device, _)| is_shared(*device));
        let shared = shared.map(|(_, bytes)| bytes.saturating_add(need.passes)).fold(0, u64::saturating_add);
        Some(shared.saturating_add(need.on_processor(place.layers())))
    }

    /// Whether this model can stay where it is for the next ladder: with the processor alone, or wholly on one device with memory of its own. Of
    /// one that is divided nobody knows how much is where, and what shares the processor's memory is reckoned with it.
    pub(super) fn may_stay(&self, rung: usize) -> bool {
        let Some(place) = self.places.get(rung).filter(|place| place.layers() > 0) else { return true };
        let is_apart = self.devices_of(rung).all(|device| device.kind != DeviceKind::Integrated);
        is_apart && place.parts.len() == 1 && self.needs.get(rung).is_some_and(|need| need.all() <= place.layers())
    }

    /// What is told of it before anything is read.
    pub(super) fn event(&self) -> Event {
        let used = self.devices.iter().filter(|(index, _)| self.places.iter().any(|place| place.has(*index)));
        let remote = used.clone().any(|(_, device)| device.kind == DeviceKind::Remote);
        Event::Placing { devices: used.map(|(_, device)| device.description.clone()).collect(), remote }
    }

    /// Whether anything is on a device.
    pub(super) fn uses_devices(&self) -> bool {
        self.places.iter().any(|place| place.layers() > 0)
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

/// Whether both are another computer's, and the same one's: it does one thing after the other, however many devices it lends.
fn are_of_one(one: &Device, other: &Device) -> bool {
    let both_remote = one.kind == DeviceKind::Remote && other.kind == DeviceKind::Remote;
    both_remote && one.description == other.description
}

/// `device` with what may be taken of it, less the `cut`; devices of one `computer` compute one after the other.
fn room((index, device): &(usize, Device), computer: usize, cut: Cut) -> Room {
    // What another computer calls free may be all that it has.
    let left = if device.kind == DeviceKind::Remote { REMOTE_SHARE } else { 1.0 - SHARE };
    let free = (device.free.saturating_sub(RESERVE) as f64 * left * cut.share(*index)) as u64;
    let llama::Pace { speed, least } = paces::device(*index, device);
    let (is_shared, is_remote) = (device.kind == DeviceKind::Integrated, device.kind == DeviceKind::Remote);
    Room { index: *index, free, speed, least, is_shared, is_remote, computer }
}

/// What is called so, a `remote` computer or a device of this one, would have a token take so many seconds `with` it, and so many `without`.
fn slower(name: &str, remote: bool, with: f64, without: f64) -> LeftOut {
    let milliseconds = |seconds: f64| format!("{:.1}", 1000.0 * seconds);
    let problem = if remote {
        Problem::new(Code::RemoteSlower).with("address", name)
    } else {
        Problem::new(Code::DeviceSlower).with("device", name)
    };
    let problem = problem.with("with", milliseconds(with)).with("without", milliseconds(without));
    LeftOut { rung: name.to_owned(), problem }
}
