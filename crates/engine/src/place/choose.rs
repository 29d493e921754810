//! Which of all places answers are soonest with.

use super::{Need, Place, Processor, Room};

/// Tokens that a draft is taken to propose, and how likely each is taken to be right, as long as nothing is known of it.
const DRAFTED: i32 = 3;
const RIGHT: f64 = 0.7;

/// Another way must be so much faster by reckoning: less is not known that well.
const CLEARLY: f64 = 1.01;

/// More devices than this are not tried one by one.
const MOST: usize = 16;

/// Places for a ladder's models, the target first. With `layers` so many of the target's are put on devices, if they fit; without, as
/// many as answers are soonest with, of what fits into all memories if anything does.
pub(crate) fn places(needs: &[Need], rooms: &[Room], processor: Processor, layers: Option<u32>) -> Vec<Place> {
    let Some(target) = needs.first() else { return Vec::new() };
    let nowhere = vec![Place::default(); needs.len()];
    if rooms.is_empty() || layers == Some(0) {
        return nowhere;
    }
    let mut rooms = rooms.to_vec();
    rooms.sort_by(|one, other| other.speed.total_cmp(&one.speed).then(other.free.cmp(&one.free)));
    rooms.truncate(MOST);
    let wanted = layers.unwrap_or(u32::MAX).min(target.all());
    let all: Vec<usize> = rooms.iter().map(|room| room.index).collect();
    if layers.is_some() {
        return Way { target: &all, draft: Some(all[0]), drafts_first: false, evenly: true }
            .places(needs, &rooms, wanted);
    }
    // What is slow is only used where that helps: the fastest device alone, then with the next one, …; or one of the others alone.
    let sets = (0..=all.len()).map(|count| &all[..count]).chain((1..all.len()).map(|at| &all[at..=at]));
    // Drafts are small and run more often: they may be worth more layers of the target than they take, or a device of their own.
    let ways = sets.flat_map(|target| {
        let drafts = std::iter::once(None).chain(all.iter().copied().map(Some));
        drafts
            .flat_map(move |draft| [false, true].map(|drafts_first| Way { target, draft, drafts_first, evenly: false }))
    });
    let (mut best, mut worth) = (nowhere, None);
    for way in ways {
        let found = way.places(needs, &rooms, wanted);
        let found_worth = Worth::of(needs, &rooms, processor, &found);
        if worth.as_ref().is_none_or(|worth| found_worth.is_clearly_better_than(worth)) {
            (best, worth) = (found, Some(found_worth));
        }
    }
    best
}

/// Seconds of a one-token pass, by the bytes that it reads.
pub(crate) fn seconds(need: &Need, rooms: &[Room], processor: Processor, place: &Place) -> f64 {
    let last = place.parts.len().saturating_sub(1);
    let on_devices = place.parts.iter().enumerate().map(|(at, (device, layers))| {
        let room = rooms.iter().find(|room| room.index == *device);
        room.map_or(f64::INFINITY, |room| room.least + need.read_of(*layers, at == last) as f64 / room.speed)
    });
    on_devices.sum::<f64>() + on_processor(need, processor, place)
}

fn on_processor(need: &Need, processor: Processor, place: &Place) -> f64 {
    let layers = place.layers();
    need.read_of(need.all().saturating_sub(layers), layers == 0) as f64 / processor.speed
}

/// One way of sharing out.
struct Way<'a> {
    /// Devices that the target may go to, the fastest first.
    target: &'a [usize],
    /// The device that drafts go to, if there is room for all of one; else to the fastest that has room. None: they stay with the processor.
    draft: Option<usize>,
    /// Whether drafts are given room before the target.
    drafts_first: bool,
    /// Whether the target is shared out by what fits where: first over this computer's devices, what is left over other computers. Whoever asks for a
    /// number of layers expects that of llama.cpp.
    evenly: bool,
}

impl Way<'_> {
    fn places(&self, needs: &[Need], rooms: &[Room], wanted: u32) -> Vec<Place> {
        let mut left = rooms.to_vec();
        let mut places = vec![Place::default(); needs.len()];
        let target = std::iter::once(0).filter(|_| !self.drafts_first);
        let behind = std::iter::once(0).filter(|_| self.drafts_first);
        for at in target.chain(1..needs.len()).chain(behind) {
            places[at] = match self.draft {
                _ if at == 0 => self.shared(&needs[0], &mut left, wanted),
                Some(draft) => whole(&needs[at], &mut left, draft),
                None => Place::default(),
            };
        }
        places
    }

    /// As many layers of `need` as fit, up to `wanted`: as many as it can hold to the fastest device, which gets the output, then to the next.
    fn shared(&self, need: &Need, left: &mut [Room], wanted: u32) -> Place {
        let (mut parts, mut given) = (Vec::new(), 0);
        let (own, others): (Vec<usize>, Vec<usize>) =
            (0..left.len()).filter(|at| self.target.contains(&left[*at].index)).partition(|at| !left[*at].is_remote);
        let groups = if self.evenly {
            vec![own, others]
        } else {
            [own, others].concat().into_iter().map(|at| vec![at]).collect()
        };
        for group in groups {
            let mut fitting = Vec::new();
            for at in group {
                let is_first = given == 0 && fitting.is_empty();
                let layers = fitting_in(need, &left[at], is_first);
                // The output alone is not worth the way there and back.
                if layers > u32::from(is_first) {
                    fitting.push((at, layers));
                }
            }
            for (at, layers) in evenly(&fitting, wanted - given) {
                let is_first = given == 0;
                left[at].free -= need.of(layers, is_first).saturating_add(need.passes);
                given += layers;
                parts.insert(0, (left[at].index, layers));
            }
        }
        Place { parts: if given < 2 { Vec::new() } else { parts } }
    }
}

/// How many layers of `need` the room can hold, the output among them if it is the `first` one.
fn fitting_in(need: &Need, room: &Room, is_first: bool) -> u32 {
    let output = if is_first { need.output } else { 0 };
    let free = room.free.checked_sub(need.passes).and_then(|free| free.checked_sub(output));
    free.map_or(0, |free| {
        u32::try_from(free / need.layer.max(1)).unwrap_or(u32::MAX).saturating_add(u32::from(is_first))
    })
}

/// Shares `wanted` layers out over places by how many fit into each; the first has what does not divide.
fn evenly(fitting: &[(usize, u32)], wanted: u32) -> Vec<(usize, u32)> {
    let all: u64 = fitting.iter().map(|(_, layers)| u64::from(*layers)).sum();
    let mut left = u32::try_from(all).unwrap_or(u32::MAX).min(wanted);
    let wanted = u64::from(left);
    let mut shares: Vec<(usize, u32, u32)> = Vec::new();
    for (at, layers) in fitting.iter().skip(1) {
        let share = u32::try_from(wanted * u64::from(*layers) / all.max(1)).unwrap_or(left).min(left);
        left -= share;
        shares.push((*at, share, layers - share));
    }
    if let Some((at, layers)) = fitting.first() {
        let share = left.min(*layers);
        left -= share;
        shares.insert(0, (*at, share, layers - share));
    }
    for (_, share, room) in &mut shares {
        let more = left.min(*room);
        (*share, left) = (*share + more, left - more);
    }
    shares.into_iter().filter(|(_, share, _)| *share > 0).map(|(at, share, _)| (at, share)).collect()
}

/// All of `need` on the device `wished`, or on the fastest one that has room for it, or nothing of it.
fn whole(need: &Need, left: &mut [Room], wished: usize) -> Place {
    let bytes = need.of(need.all(), true).saturating_add(need.passes);
    let has_room = |room: &&mut Room| room.free >= bytes;
    let is_wished = left.iter().any(|room| room.index == wished && room.free >= bytes);
    let found = left.iter_mut().filter(|room| !is_wished || room.index == wished).find(has_room);
    found.map_or_else(Place::default, |room| {
        room.free -= bytes;
        Place { parts: vec![(room.index, need.all())] }
    })
}

/// What a way is worth.
struct Worth {
    /// Bytes of the target that there is no room for.
    lacking: u64,
    /// Tokens in a second, by its target alone or with its first draft, whichever is more.
    speed: f64,
}

impl Worth {
    fn of(needs: &[Need], rooms: &[Room], processor: Processor, places: &[Place]) -> Self {
        let taken = |at: usize| {
            let is_shared = |device: usize| rooms.iter().any(|room| room.index == device && room.is_shared);
            let there = places[at].weights(&needs[at]).filter(|(device, _)| is_shared(*device));
            let there = there.map(|(_, bytes)| bytes.saturating_add(needs[at].passes));
            there.fold(needs[at].on_processor(places[at].layers()), u64::saturating_add)
        };
        let single = |at: usize| seconds(&needs[at], rooms, processor, &places[at]);
        let target = taken(0);
        let (lacking, left) = (target.saturating_sub(processor.free), processor.free.saturating_sub(target));
        let alone = 1.0 / single(0);
        // A draft that there is no room for is left out.
        if needs.len() < 2 || taken(1) > left {
            return Self { lacking, speed: alone };
        }
        // A review of a few tokens takes little more than one where it is a device's, and half as long again with a processor of several cores.
        let review = single(0) + 0.5 * on_processor(&needs[0], processor, &places[0]);
        let drafting = f64::from(DRAFTED) * single(1);
        let tokens = (1.0 - RIGHT.powi(DRAFTED + 1)) / (1.0 - RIGHT);
        // What was said ahead while the target looked holds where all of it was right, the target's own token too.
        let ahead = if are_apart(needs, rooms, places) { RIGHT.powi(DRAFTED + 1) * drafting.min(review) } else { 0.0 };
        Self { lacking, speed: alone.max(tokens / (review + drafting - ahead)) }
    }

    fn is_clearly_better_than(&self, other: &Self) -> bool {
        if self.lacking != other.lacking {
            return self.lacking < other.lacking;
        }
        self.speed > CLEARLY * other.speed
    }
}

/// Whether target and first draft compute on nothing together.
fn are_apart(needs: &[Need], rooms: &[Room], places: &[Place]) -> bool {
    let on = |at: usize| rooms.iter().filter(move |room| places[at].has(room.index));
    let is_processors = |at: usize| places[at].layers() < needs[at].all() || on(at).any(|room| room.is_shared);
    let meet = on(0).any(|one| on(1).any(|other| one.computer == other.computer));
    !(meet || is_processors(0) && is_processors(1))
}
