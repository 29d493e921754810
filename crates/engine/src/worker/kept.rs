//! Models that stay read from one ladder to the next: what both have is not read again.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use protocol::ladder::{CacheType, Ladder};

use super::heard::Heard;
use super::placing::Placing;
use crate::llama::{self, WIDEST, Weights};
use crate::place::Place;

/// Models that were read, and what they had read.
#[derive(Default)]
pub(super) struct Kept {
    models: Vec<Model>,
    /// What its models had read.
    pub(super) heard: Option<Heard>,
}

/// A model that was read.
struct Model {
    file: Mark,
    place: Place,
    weights: Rc<Weights>,
}

/// A file as it was when it was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    path: PathBuf,
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Mark {
    pub(super) fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok()?;
        Some(Self { path: path.to_owned(), bytes: about.len(), changed: about.modified().ok() })
    }
}

impl Kept {
    /// Lets go of all that `ladder` does not have: its memory is there for what is read now.
    pub(super) fn only_of(&mut self, ladder: &Ladder) {
        let wanted: Vec<_> = ladder.rungs.iter().filter_map(|rung| Mark::of(&rung.path)).collect();
        self.models.retain(|model| wanted.contains(&model.file));
    }

    /// Lets go of what does not stay where it is.
    pub(super) fn only_there(&mut self, ladder: &Ladder, placing: &Placing) {
        let wanted = ladder.rungs.iter().enumerate();
        let wanted: Vec<_> = wanted.filter_map(|(at, rung)| Some((Mark::of(&rung.path)?, placing.place(at)))).collect();
        self.models.retain(|model| wanted.iter().any(|(file, place)| model.file == *file && model.place == *place));
    }

    /// Bytes of weights that devices hold, by their numbers: what the next ladder finds taken, and may have. (Contexts are gone by then.)
    pub(super) fn on_devices(&self) -> Vec<(usize, u64)> {
        let mut held = Vec::new();
        for model in &self.models {
            if let Some(need) = llama::need(&model.file.path, 0, CacheType::F16, WIDEST, false) {
                held.extend(model.place.weights(&need));
            }
        }
        held
    }

    /// The model in this file, if it is here, in this place, and the file is still the same.
    pub(super) fn get(&self, path: &Path, place: &Place) -> Option<Rc<Weights>> {
        let mark = Mark::of(path)?;
        let model = self.models.iter().find(|model| model.file == mark && model.place == *place);
        model.map(|model| Rc::clone(&model.weights))
    }

    /// Keeps a model that was read from this file to this place.
    pub(super) fn keep(&mut self, path: &Path, place: Place, weights: &Rc<Weights>) {
        let is_new = self.models.iter().all(|model| !Rc::ptr_eq(&model.weights, weights));
        if let Some(file) = Mark::of(path).filter(|_| is_new) {
            self.models.push(Model { file, place, weights: Rc::clone(weights) });
        }
    }

    /// The file that these weights were read from, as it was then.
    pub(super) fn file_of(&self, weights: &Weights) -> Option<&Mark> {
        self.models.iter().find(|model| std::ptr::eq(&raw const *model.weights, weights)).map(|model| &model.file)
    }

    /// Lets go of the model in this file unless it is in use.
    pub(super) fn drop_unused(&mut self, path: &Path) {
        self.models.retain(|model| model.file.path != path || Rc::strong_count(&model.weights) > 1);
    }

    /// Lets go of everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
