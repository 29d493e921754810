//! Where the weights lie, and of what types they are.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, Seek};
use std::ops::Range;
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
    /// Bytes of experts, of which a token needs only some.
    pub(super) experts: u64,
    /// Bytes of tables of which a token needs only its own row.
    pub(super) tables: u64,
}

/// A tensor as the file describes it.
pub(super) struct Described {
    /// How many tensors there are.
    pub(super) of: u64,
    /// Where its name, sizes and type stand in the file.
    pub(super) text: Range<u64>,
    /// Where it begins behind the header, and how many bytes it has.
    pub(super) place: (u64, u64),
}

/// Checks that every tensor lies inside the file, one behind the other as ggml wants them, and adds up their types. `on` is told each.
pub(super) fn read_tensors(
    from: &mut Bounded<impl BufRead + Seek>,
    count: u64,
    alignment: u64,
    file_bytes: u64,
    on: &mut dyn FnMut(Described),
) -> Result<Tensors, Fault> {
    let mut names = HashSet::new();
    let (mut experts, mut tables, mut embedding, mut has_output) = (0_u64, 0_u64, 0_u64, false);
    let mut types: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut all_weights = Weights::default();
    let mut next = 0_u64;
    // The last tensor need not be padded.
    let mut data_end = 0_u64;
    for number in 1..=count {
        from.enter(Field::TensorName(number));
        let begins = from.at();
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
        let kind = from.u32()?;
        let described = begins..from.at();
        let offset = from.u64()?;
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
        match &*name {
            "token_embd.weight" => embedding = bytes,
            "per_layer_token_embd.weight" => tables = bytes,
            "output.weight" => has_output = true,
            name if name.contains("_exps.") => experts += bytes,
            _ => {}
        }
        on(Described { of: count, text: described, place: (offset, bytes) });
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
    // Where there is no output of its own, the table makes scores as well, from all its rows.
    let tables = tables.saturating_add(if has_output { embedding } else { 0 });
    Ok(Tensors { types, weights: all_weights, experts, tables })
}
