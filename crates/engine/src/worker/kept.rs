//! Models that stay read from one ladder to the next: what both have is not read again.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use protocol::ladder::Ladder;

use super::placing::Placing;
use crate::llama::Weights;
use crate::place::Place;

/// Models that were read and are with the processor alone: what goes to devices depends on what is free there, which is asked anew for every ladder.
#[derive(Default)]
pub(super) struct Kept {
    models: Vec<Model>,
}

/// A model that was read.
struct Model {
    file: Mark,
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
    /// Lets go of all that `ladder`, placed so, does not have: its memory is there for what is read now.
    pub(super) fn only(&mut self, ladder: &Ladder, placing: &Placing) {
        let processors = |at: usize| placing.place(at).layers == 0;
        let marks = ladder.rungs.iter().enumerate().filter(|(at, _)| processors(*at));
        let marks: Vec<_> = marks.filter_map(|(_, rung)| Mark::of(&rung.path)).collect();
        self.models.retain(|model| marks.contains(&model.file));
    }

    /// The model in this file, if it is here, is to be in this place and the file is still the same.
    pub(super) fn get(&self, path: &Path, place: &Place) -> Option<Rc<Weights>> {
        let mark = Mark::of(path).filter(|_| place.layers == 0)?;
        self.models.iter().find(|model| model.file == mark).map(|model| Rc::clone(&model.weights))
    }

    /// Keeps a model that was read from this file, if the processor has all of it.
    pub(super) fn keep(&mut self, path: &Path, weights: &Rc<Weights>) {
        let is_new = self.models.iter().all(|model| !Rc::ptr_eq(&model.weights, weights));
        if let Some(file) = Mark::of(path).filter(|_| is_new && weights.layers().0 == 0) {
            self.models.push(Model { file, weights: Rc::clone(weights) });
        }
    }

    /// Lets go of the model in this file unless it is in use.
    pub(super) fn drop_unused(&mut self, path: &Path) {
        self.models.retain(|model| model.file.path != path || Rc::strong_count(&model.weights) > 1);
    }

    /// Lets go of everything.
    pub(super) fn clear(&mut self) {
        self.models.clear();
    }
}
