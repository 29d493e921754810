//! Where the weights lie, and of what types they are.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, Seek};
use std::rc::Rc;

use super::bounded::Bounded;
use super::fault::{Fault, Field};
use super::sizes::Weights;
use super::tensor_type::tensor_type;

/// ggml's own limit for the name of a tensor, in bytes.
const LONGEST_TENSOR_NAME: u64 = 63;

/// What all tensors come to.
pub(super) struct Tensors {
    /// Bytes by type, the largest share first.
    pub(super) types: Vec<(&'static str, u64)>,
    /// How many numbers they have.
    pub(super) weights: Weights,
}

/// Checks that every tensor lies inside the file, one behind the other as ggml wants them, and adds up their types.
pub(super) fn read_tensors(
    from: &mut Bounded<impl BufRead + Seek>,
    count: u64,
    alignment: u64,
    file_bytes: u64,
) -> Result<Tensors, Fault> {
    let mut names = HashSet::new();
    let mut types: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut all_weights = Weights::default();
    let mut next = 0_u64;
    // The last tensor need not be padded.
    let mut data_end = 0_u64;
    for number in 1..=count {
        from.enter(Field::TensorName(number));
        let Some(name) = from.text(LONGEST_TENSOR_NAME)? else {
            return from.refused("it is too long");
        };
        let name: Rc<str> = name.into();
        from.enter(Field::Tensor(name.clone()));
        let dimensions = from.u32()?;
        if dimensions > 4 {
            return from.refused(format!("it has {dimensions} dimensions"));
        }
        let mut weights = 1_u64;
        let mut row = 1_u64;
        for dimension in 0..dimensions {
            let size = from.u64()?;
            if dimension == 0 {
                row = size;
            }
            // ggml counts in signed numbers.
            weights = match weights.checked_mul(size).filter(|n| i64::try_from(*n).is_ok()) {
                Some(weights) => weights,
                None => return from.refused("it claims an impossible size"),
            };
        }
        let (kind, offset) = (from.u32()?, from.u64()?);
        let Some(kind) = tensor_type(kind) else {
            return from.refused(format!("it is of the unknown type {kind}"));
        };
        if !row.is_multiple_of(kind.weights) {
            return from.refused(format!("its rows do not fit its type {}", kind.name));
        }
        if offset != next {
            return from.refused("it is not where it should be");
        }
        let bytes = (weights / kind.weights).checked_mul(kind.bytes);
        let end = bytes.and_then(|bytes| offset.checked_add(bytes));
        let padded = end.and_then(|end| end.checked_next_multiple_of(alignment));
        let (Some(bytes), Some(end), Some(padded)) = (bytes, end, padded) else {
            return from.refused("it claims an impossible size");
        };
        (next, data_end) = (padded, end);
        *types.entry(kind.name).or_default() += bytes;
        all_weights.add(&name, dimensions, row, weights);
        if !names.insert(name) {
            return from.refused("it stands there twice");
        }
    }
    from.enter(Field::Weights);
    let start = from.at().checked_next_multiple_of(alignment);
    match start.and_then(|start| start.checked_add(data_end)) {
        Some(end) if end <= file_bytes => {}
        Some(end) if end < 1 << 50 => return Err(from.truncated()),
        _ => return from.refused("they claim an impossible size"),
    }
    let mut types: Vec<_> = types.into_iter().collect();
    types.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    Ok(Tensors { types, weights: all_weights })
}
