//! Which layers of which model go to which device: decided before anything is read.
//!
//! Nothing has been measured then. What decides is how many bytes a pass reads from which memory, as passes over few tokens wait
//! for nothing else, and never more than is free.

/// What a model needs, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Need {
    /// Its layers.
    pub(crate) layers: u32,
    /// Weights, keys and values of one of them.
    pub(crate) layer: u64,
    /// What makes scores of what the last one gives: llama.cpp counts it as one more layer, and gives it away first.
    pub(crate) output: u64,
    /// Where tokens are looked up; it stays with the processor.
    pub(crate) table: u64,
    /// What its passes need besides, wherever the output is.
    pub(crate) passes: u64,
}

impl Need {
    /// Bytes on devices if so many layers, from the last on and the output first, are there.
    pub(crate) fn on_devices(&self, layers: u32) -> u64 {
        let inner = u64::from(layers.min(self.all()).saturating_sub(1)).saturating_mul(self.layer);
        if layers == 0 { 0 } else { self.passes.saturating_add(self.output).saturating_add(inner) }
    }

    /// Bytes with the processor then.
    pub(crate) fn on_processor(&self, layers: u32) -> u64 {
        let output = if layers == 0 { self.output } else { 0 };
        let inner = u64::from(self.all() - layers.clamp(1, self.all())).saturating_mul(self.layer);
        self.table.saturating_add(output).saturating_add(inner)
    }

    /// All of its layers with the output.
    pub(crate) fn all(&self) -> u32 {
        self.layers.saturating_add(1)
    }
}

/// A device with what may be taken of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Room {
    /// llama.cpp's number of it.
    pub(crate) index: usize,
    /// Free bytes, what is left to others taken off.
    pub(crate) free: u64,
    /// About how many bytes it reads in a second.
    pub(crate) speed: f64,
}

/// Where a model goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// How many layers are on devices, from the last on, the output counted as one. None of them: the processor has all.
    pub(crate) layers: u32,
    /// llama.cpp's numbers of the devices; layers are shared out by the memory that is free.
    pub(crate) devices: Vec<usize>,
}

/// About how many bytes the processor reads in a second.
pub(crate) const PROCESSOR: f64 = 30e9;

/// Tokens that a draft is taken to propose, and how likely each is taken to be right, as long as nothing is known of it.
const DRAFTED: i32 = 3;
const RIGHT: f64 = 0.7;

/// Places for a ladder's models, the target first. With `layers` so many of the target's are put on devices, if they fit; without, as
/// many as answers are soonest with.
pub(crate) fn places(needs: &[Need], rooms: &[Room], layers: Option<u32>) -> Vec<Place> {
    let Some(target) = needs.first() else { return Vec::new() };
    if rooms.is_empty() || layers == Some(0) {
        return vec![Place::default(); needs.len()];
    }
    let wanted = layers.unwrap_or(u32::MAX).min(target.all());
    let first = |order: &[usize], rooms: &[Room]| {
        let mut left: Vec<Room> = rooms.to_vec();
        let mut places = vec![Place::default(); needs.len()];
        for &at in order {
            places[at] = if at == 0 { shared(target, &mut left, wanted) } else { whole(&needs[at], &mut left) };
        }
        places
    };
    let target_first: Vec<usize> = (0..needs.len()).collect();
    // Drafts are small and run more often: they may be worth more layers of the target than they take.
    let drafts_first: Vec<usize> = (1..needs.len()).chain([0]).collect();
    if layers.is_some() {
        return first(&target_first, rooms);
    }
    // The fastest device alone, then with the next one, …: what is slow is only used where that helps.
    let mut rooms = rooms.to_vec();
    rooms.sort_by(|one, other| other.speed.total_cmp(&one.speed));
    let mut best = vec![Place::default(); needs.len()];
    for count in 1..=rooms.len() {
        for order in [&target_first, &drafts_first] {
            let other = first(order, &rooms[..count]);
            if speed(needs, &rooms, &other) > speed(needs, &rooms, &best) * CLEARLY {
                best = other;
            }
        }
    }
    best
}

/// Another way must be so much faster by reckoning: less is not known that well.
const CLEARLY: f64 = 1.01;

/// As many layers of `need` as fit, up to `wanted`, over all devices.
fn shared(need: &Need, left: &mut [Room], wanted: u32) -> Place {
    // Each device that takes part has passes of its own; layers do not divide, so that one of each is lost.
    let lost = if left.len() > 1 { need.layer } else { 0 };
    let usable = |room: &Room| room.free.saturating_sub(need.passes.saturating_add(lost));
    let free: u64 = left.iter().map(usable).fold(0, u64::saturating_add);
    if free <= need.output {
        return Place::default();
    }
    let fitting = 1 + ((free - need.output) / need.layer.max(1)).min(u64::from(need.layers)) as u32;
    let layers = fitting.min(wanted);
    // The output alone is not worth the way there and back.
    if layers < 2 {
        return Place::default();
    }
    let mut devices = Vec::new();
    let taken = need.output.saturating_add(u64::from(layers - 1).saturating_mul(need.layer));
    for room in left.iter_mut().filter(|room| usable(room) > 0) {
        devices.push(room.index);
        // llama.cpp shares by what is free, in whole layers.
        let share = usable(room) as f64 / free as f64;
        room.free =
            room.free.saturating_sub(need.passes).saturating_sub(lost).saturating_sub((taken as f64 * share) as u64);
    }
    Place { layers, devices }
}

/// All of `need` on the device with the most room, or nothing of it.
fn whole(need: &Need, left: &mut [Room]) -> Place {
    let bytes = need.on_devices(need.all());
    let Some(room) = left.iter_mut().max_by_key(|room| room.free).filter(|room| room.free >= bytes) else {
        return Place::default();
    };
    room.free -= bytes;
    Place { layers: need.all(), devices: vec![room.index] }
}

/// Bytes that models placed so take of each device, by its number; of a model on several, each has as much as it has room, as llama.cpp shares it out.
pub(crate) fn taken(needs: &[Need], rooms: &[Room], places: &[Place]) -> Vec<(usize, u64)> {
    let of = |room: &Room| {
        let one = |(need, place): (&Need, &Place)| {
            let all = rooms
                .iter()
                .filter(|room| place.devices.contains(&room.index))
                .map(|room| room.free as f64)
                .sum::<f64>();
            let share = if place.devices.contains(&room.index) { room.free as f64 / all.max(1.0) } else { 0.0 };
            (need.on_devices(place.layers) as f64 * share) as u64
        };
        (room.index, needs.iter().zip(places).map(one).fold(0, u64::saturating_add))
    };
    rooms.iter().map(of).collect()
}

/// Tokens in a second that a ladder placed so would write, by its target alone or with its first draft, whichever is more.
fn speed(needs: &[Need], rooms: &[Room], places: &[Place]) -> f64 {
    let single = |at: usize| seconds(&needs[at], rooms, &places[at]);
    let alone = 1.0 / single(0);
    if needs.len() < 2 {
        return alone;
    }
    // A review of a few tokens takes little more than one where it is a device's, and half as long again with a processor of several cores.
    let need = &needs[0];
    let on_processor = need.on_processor(places[0].layers).saturating_sub(need.table) as f64 / PROCESSOR;
    let review = single(0) + 0.5 * on_processor;
    let tokens = (1.0 - RIGHT.powi(DRAFTED + 1)) / (1.0 - RIGHT);
    alone.max(tokens / (review + f64::from(DRAFTED) * single(1)))
}

/// Seconds of a one-token pass, by the bytes that it reads.
fn seconds(need: &Need, rooms: &[Room], place: &Place) -> f64 {
    let on_processor = need.on_processor(place.layers).saturating_sub(need.table) as f64 / PROCESSOR;
    let used = rooms.iter().filter(|room| place.devices.contains(&room.index));
    let speed = used.map(|room| room.speed).fold(f64::INFINITY, f64::min);
    let there = need.on_devices(place.layers).saturating_sub(if place.layers == 0 { 0 } else { need.passes }) as f64;
    on_processor + if place.layers == 0 { 0.0 } else { there / speed }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1 << 30;

    fn need(gigabytes: u64, layers: u32) -> Need {
        Need { layers, layer: gigabytes * GB / u64::from(layers), output: GB / 4, table: GB / 4, passes: GB / 4 }
    }

    fn room(index: usize, gigabytes: u64) -> Room {
        Room { index, free: gigabytes * GB, speed: 300e9 }
    }

    #[test]
    fn everything_goes_to_a_card_that_has_room_for_it() {
        let (target, draft) = (need(4, 32), need(1, 16));
        let places = places(&[target, draft], &[room(1, 24)], None);
        assert_eq!(places, [Place { layers: 33, devices: vec![1] }, Place { layers: 17, devices: vec![1] }]);
        assert_eq!(target.on_processor(33), target.table, "only tokens are looked up there");
    }

    #[test]
    fn without_devices_or_when_it_is_wished_the_processor_has_all() {
        let needs = [need(4, 32), need(1, 16)];
        let alone = vec![Place::default(); 2];
        assert_eq!(places(&needs, &[], None), alone);
        assert_eq!(places(&needs, &[room(0, 24)], Some(0)), alone);
        assert_eq!(needs[0].on_processor(0), 4 * GB + GB / 2);
        assert!(places(&[], &[room(0, 24)], None).is_empty());
    }

    #[test]
    fn nothing_goes_past_what_is_free() {
        for free in 0..12 {
            for order in [vec![need(4, 32), need(1, 16)], vec![need(7, 28), need(2, 24), need(1, 12)]] {
                let rooms = [room(0, free)];
                let placed = places(&order, &rooms, None);
                let taken: u64 = order.iter().zip(&placed).map(|(need, place)| need.on_devices(place.layers)).sum();
                assert!(taken <= free * GB, "{free} GB: {placed:?} takes {taken}");
            }
        }
    }

    #[test]
    fn a_draft_goes_before_layers_of_a_target_that_does_not_fit() {
        // Half of the target at most: the draft, which runs thrice as often, is worth more there.
        let placed = places(&[need(8, 32), need(1, 16)], &[room(0, 6)], None);
        assert_eq!(placed[1].layers, 17);
        assert!(placed[0].layers > 8 && placed[0].layers < 33, "{placed:?}");
        // A draft that takes nearly all of the card is not.
        let placed = places(&[need(8, 32), need(5, 16)], &[room(0, 6)], None);
        assert_eq!(placed[1], Place::default());
        assert!(placed[0].layers > 16);
    }

    #[test]
    fn as_many_layers_as_were_asked_for_if_they_fit() {
        let placed = |layers| places(&[need(4, 32)], &[room(0, 3)], Some(layers));
        assert_eq!(placed(5)[0].layers, 5);
        let most = placed(33)[0].layers;
        assert!(most > 15 && most < 33, "{most}");
        assert_eq!(placed(1)[0], Place::default(), "the output alone is not worth the way");
    }

    #[test]
    fn what_is_slow_is_used_only_where_that_helps() {
        let slow = |gigabytes| Room { index: 9, free: gigabytes * GB, speed: 1.1 * PROCESSOR };
        let needs = [need(4, 32), need(1, 16)];
        let fits = places(&needs, &[slow(64), room(0, 24)], None);
        assert!(fits.iter().all(|place| place.devices == [0]), "the card has room for all of it: {fits:?}");
        let tried = places(&needs, &[slow(64)], None);
        assert!(
            tried.iter().all(|place| place.devices == [9]),
            "better than the processor, as far as anybody knows: {tried:?}"
        );
        let useless = Room { speed: 0.5 * PROCESSOR, ..slow(64) };
        assert_eq!(places(&needs, &[useless], None), vec![Place::default(); 2]);
    }

    #[test]
    fn a_file_that_says_too_much_goes_nowhere_and_adds_up_to_nothing_absurd() {
        let absurd = Need { layers: u32::MAX, layer: u64::MAX, output: u64::MAX, table: u64::MAX, passes: u64::MAX };
        let placed = places(&[absurd, need(1, 16)], &[room(0, 24), room(1, 24)], None);
        assert_eq!((placed[0].layers, absurd.on_processor(0)), (0, u64::MAX));
        assert_eq!(absurd.on_devices(5), u64::MAX);
    }

    #[test]
    fn what_is_taken_of_devices_is_what_was_placed_there() {
        let needs = [need(8, 32), need(1, 16)];
        let rooms = [room(0, 6), room(1, 3), room(2, 0)];
        let placed = places(&needs, &rooms, None);
        let bytes = taken(&needs, &rooms, &placed);
        let all: u64 = needs.iter().zip(&placed).map(|(need, place)| need.on_devices(place.layers)).sum();
        let sum: u64 = bytes.iter().map(|(_, bytes)| bytes).sum();
        assert!(sum.abs_diff(all) < 4, "{bytes:?} of {all}");
        assert!(bytes[0].1 > bytes[1].1 && bytes[2] == (2, 0), "{bytes:?}");
        assert_eq!(taken(&needs, &rooms, &[Place::default(), Place::default()])[0], (0, 0));
        assert_eq!(taken(&[], &rooms, &[Place::default()])[0], (0, 0));
    }

    #[test]
    fn two_cards_share_a_target_and_a_draft_takes_the_emptier_one() {
        let placed = places(&[need(8, 32), need(1, 16)], &[room(0, 6), room(1, 6)], None);
        assert_eq!(placed[0], Place { layers: 33, devices: vec![0, 1] });
        assert_eq!(placed[1].devices.len(), 1);
    }
}
