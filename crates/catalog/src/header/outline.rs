use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::ops::Range;
use std::path::Path;

use protocol::Problem;

use super::All;
use super::fault::Fault;
use crate::whole::unreadable;

/// Where everything lies in a file that is a part of a model.
#[derive(Debug)]
pub(crate) struct Outline {
    /// Which part it is, from 1, and how many there are.
    pub(crate) part: Option<(u64, u64)>,
    /// How many tensors all parts have, if it says so.
    pub(crate) of_all: Option<u64>,
    /// Where the pairs are that tell of the model, without those that tell of its parts; what lies side by side is one place.
    pub(crate) pairs: Vec<Range<u64>>,
    /// How many these are.
    pub(crate) pair_count: u64,
    pub(crate) tensors: Vec<Tensor>,
    /// Every tensor begins at a multiple of so many bytes.
    pub(crate) alignment: u64,
}

/// A tensor of such a file.
#[derive(Debug)]
pub(crate) struct Tensor {
    /// Where its name, sizes and type stand, without the place that follows them.
    pub(crate) described: Range<u64>,
    /// Where its bytes lie in the file.
    pub(crate) place: Range<u64>,
}

impl Outline {
    /// Of the file at `path`, which is checked as far as a part can be.
    ///
    /// # Errors
    /// Those of [`check_header`](super::check_header).
    pub(crate) fn of(path: &Path) -> Result<Self, Problem> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let bytes = file.metadata().map_err(|error| unreadable(path, &error))?.len();
        Self::read(BufReader::with_capacity(1 << 16, file), bytes).map_err(|fault| fault.problem(&path.display()))
    }

    /// The same of what is read from `from`, a file of so many bytes.
    pub(super) fn read(from: impl BufRead + Seek, bytes: u64) -> Result<Self, Fault> {
        let (mut pairs, mut pair_count, mut tensors) = (Vec::<Range<u64>>::new(), 0, Vec::new());
        let mut on_pair = |key: &str, place: Range<u64>| {
            if key.starts_with("split.") {
                return;
            }
            pair_count += 1;
            match pairs.last_mut() {
                Some(last) if last.end == place.start => last.end = place.end,
                _ => pairs.push(place),
            }
        };
        let all = All::read(from, bytes, &mut on_pair, &mut |found| {
            // Each takes as much of the file as of memory.
            tensors.reserve_exact(if tensors.is_empty() { found.of as usize } else { 0 });
            let (offset, bytes) = found.place;
            tensors.push(Tensor { described: found.text, place: offset..offset + bytes });
        })?;
        // All of them end inside the file.
        let start = all.end.next_multiple_of(all.alignment);
        for tensor in &mut tensors {
            tensor.place = tensor.place.start + start..tensor.place.end + start;
        }
        let of_all = all.pairs.number("split.tensors.count");
        Ok(Self { part: all.pairs.part(), of_all, pairs, pair_count, tensors, alignment: all.alignment })
    }
}
