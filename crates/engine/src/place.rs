//! Which layers of which model go to which device: decided before anything is read.
//!
//! What decides is how many bytes a pass reads from which memory, as passes over few tokens wait for nothing else, and never more than is
//! free.

mod choose;
#[cfg(test)]
mod tests;

pub(crate) use choose::{places, seconds};

/// What a model needs, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Need {
    /// Its layers.
    pub(crate) layers: u32,
    /// Weights, keys and values of one of them.
    pub(crate) layer: u64,
    /// What a pass over one token reads of these: of a mixture of experts only those that are asked.
    pub(crate) read: u64,
    /// What makes scores of what the last one gives: llama.cpp counts it as one more layer, and gives it away first.
    pub(crate) output: u64,
    /// Where tokens are looked up; it stays with the processor.
    pub(crate) table: u64,
    /// Whether the same table makes the scores: with the processor it is there once, and on a device once more.
    pub(crate) is_shared: bool,
    /// What its passes need besides, on every device that takes part.
    pub(crate) passes: u64,
}

impl Need {
    /// Bytes of so many layers, the output counted as one if it is among them; without what passes need.
    fn of(&self, layers: u32, has_output: bool) -> u64 {
        self.sum(self.layer, layers, has_output)
    }

    /// What a pass over one token reads of them.
    fn read_of(&self, layers: u32, has_output: bool) -> u64 {
        self.sum(self.read, layers, has_output)
    }

    fn sum(&self, layer: u64, layers: u32, has_output: bool) -> u64 {
        let inner = u64::from(layers.saturating_sub(u32::from(has_output))).saturating_mul(layer);
        inner.saturating_add(if has_output { self.output } else { 0 })
    }

    /// Bytes with the processor if so many layers, from the last on and the output first, are on devices.
    pub(crate) fn on_processor(&self, layers: u32) -> u64 {
        let table = if layers == 0 && self.is_shared { 0 } else { self.table };
        table.saturating_add(self.of(self.all().saturating_sub(layers), layers == 0))
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
    /// How many bytes it reads in a second, and how many seconds a pass takes it at least: the way there and back.
    pub(crate) speed: f64,
    pub(crate) least: f64,
    /// Whether its memory is the processor's.
    pub(crate) is_shared: bool,
    /// Whether it is another computer's; devices of one computer have one number there, and compute one after the other.
    pub(crate) is_remote: bool,
    pub(crate) computer: usize,
}

/// The processor with what may be taken of its memory.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Processor {
    /// Free bytes, what is left to others taken off.
    pub(crate) free: u64,
    /// How many bytes it reads in a second.
    pub(crate) speed: f64,
}

/// Where a model goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// llama.cpp's numbers of devices with how many layers each has, in the order of layers: the last of them has the output, which is counted as one,
    /// and the processor those before. None: the processor has all.
    pub(crate) parts: Vec<(usize, u32)>,
}

impl Place {
    /// How many layers are on devices, from the last on, the output counted as one.
    pub(crate) fn layers(&self) -> u32 {
        self.parts.iter().map(|(_, layers)| *layers).fold(0, u32::saturating_add)
    }

    /// llama.cpp's numbers of the devices.
    pub(crate) fn devices(&self) -> impl Iterator<Item = usize> + '_ {
        self.parts.iter().map(|(device, _)| *device)
    }

    /// How many layers are on this one.
    pub(crate) fn layers_on(&self, device: usize) -> u32 {
        self.parts.iter().filter(|(other, _)| *other == device).map(|(_, layers)| *layers).fold(0, u32::saturating_add)
    }

    pub(crate) fn has(&self, device: usize) -> bool {
        self.devices().any(|other| other == device)
    }

    /// Bytes of each device that a model placed so takes, by its number; without what passes need.
    pub(crate) fn weights(&self, need: &Need) -> impl Iterator<Item = (usize, u64)> {
        let last = self.parts.len().saturating_sub(1);
        self.parts.iter().enumerate().map(move |(at, (device, layers))| (*device, need.of(*layers, at == last)))
    }
}

/// Bytes that models placed so take of each device, by its number.
pub(crate) fn taken(needs: &[Need], places: &[Place]) -> Vec<(usize, u64)> {
    let mut all: Vec<(usize, u64)> = Vec::new();
    for (need, place) in needs.iter().zip(places) {
        for (device, weights) in place.weights(need) {
            let bytes = weights.saturating_add(need.passes);
            match all.iter_mut().find(|(other, _)| *other == device) {
                Some((_, taken)) => *taken = taken.saturating_add(bytes),
                None => all.push((device, bytes)),
            }
        }
    }
    all
}
