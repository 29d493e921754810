//! Models that stay read from one ladder to the next: what both have is not read again.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use protocol::ladder::Ladder;

use super::placing::Placing;
use crate::llama::Weights;
use crate::place::Place;

/// Models that were read, and what devices hold for them.
#[derive(Default)]
pub(super) struct Kept {
    models: Vec<Model>,
    /// Bytes of devices that the ladder took, by their numbers.
    held: Vec<(usize, u64)>,
}

/// A model that was read.
struct Model {
    file: Mark,
    place: Place,
    weights: Rc<Weights>,
}

/// A file as it was when it was read.
#[derive(PartialEq)]
struct Mark {
    path: PathBuf,
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Mark {
    fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok()?;
        Some(Self { path: path.to_owned(), bytes: about.len(), changed: about.modified().ok() })
    }
}

impl Kept {
    /// Bytes of devices that are free again once all of this is gone, by their numbers.
    pub(super) fn held(&self) -> &[(usize, u64)] {
        &self.held
    }

    /// Lets go of all that `ladder`, placed so, does not have: its memory is there for what is read now.
    pub(super) fn only(&mut self, ladder: &Ladder, placing: &Placing) {
        let wanted = |model: &Model| {
            let same_place = |(at, _): &(usize, _)| placing.place(*at) == model.place;
            ladder
                .rungs
                .iter()
                .enumerate()
                .filter(same_place)
                .any(|(_, rung)| Mark::of(&rung.path).as_ref() == Some(&model.file))
        };
        self.models.retain(wanted);
        self.held.clear();
    }

    /// The model in this file, if it is here in this place and the file is still the same.
    pub(super) fn get(&self, path: &Path, place: &Place) -> Option<Rc<Weights>> {
        let mark = Mark::of(path)?;
        let same = |model: &&Model| model.file == mark && model.place == *place;
        self.models.iter().find(same).map(|model| Rc::clone(&model.weights))
    }

    /// Keeps a model that was read from this file to this place. One that the processor and devices share is read anew each time: how many of its layers
    /// go where depends on all others.
    pub(super) fn keep(&mut self, path: &Path, place: &Place, weights: &Rc<Weights>) {
        let (on_devices, _) = weights.layers();
        let is_new = self.models.iter().all(|model| !Rc::ptr_eq(&model.weights, weights));
        let is_whole = on_devices == 0 || weights.is_on_devices();
        if let Some(file) = Mark::of(path).filter(|_| is_new && is_whole) {
            self.models.push(Model { file, place: place.clone(), weights: Rc::clone(weights) });
        }
    }

    /// Notes what devices hold for the ladder whose models these are.
    pub(super) fn note_held(&mut self, held: Vec<(usize, u64)>) {
        self.held = held;
    }

    /// Lets go of everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
