use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::Path;

use protocol::Problem;

use super::All;
use crate::whole::unreadable;

/// Where everything lies in a file that is a part of a model.
#[derive(Debug)]
pub(crate) struct Outline {
    /// Which part it is, from 1, and how many there are.
    pub(crate) part: Option<(u64, u64)>,
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
    pub(crate) name: String,
    /// Its sizes, the length of a row first.
    pub(crate) sizes: Vec<u64>,
    /// Number of its type.
    pub(crate) kind: u32,
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
        let all = All::read(BufReader::with_capacity(1 << 16, file), bytes, &mut on_pair, &mut |described| {
            let (offset, bytes) = described.place;
            tensors.push(Tensor {
                name: described.name.to_owned(),
                sizes: described.sizes.to_vec(),
                kind: described.kind,
                place: offset..offset + bytes,
            });
        });
        let all = all.map_err(|fault| fault.problem(&path.display()))?;
        // All of them end inside the file.
        let start = all.end.next_multiple_of(all.alignment);
        for tensor in &mut tensors {
            tensor.place = tensor.place.start + start..tensor.place.end + start;
        }
        Ok(Self { part: all.pairs.part(), pairs, pair_count, tensors, alignment: all.alignment })
    }
}
