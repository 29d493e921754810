//! A look at a GGUF file before llama.cpp sees it: every count, length and offset is checked against the file's size.
//!
//! llama.cpp ends the process on some malformed files. What passes here is at least consistent in itself; what does
//! not is refused with a reason. Only the metadata is read, never the weights.

mod bounded;
mod fault;
mod kind;
mod outline;
mod pairs;
mod sizes;
mod tensor_type;
mod tensors;
mod tokenizer;

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::ops::Range;
use std::path::Path;

use protocol::{Code, Mix, Problem};

use bounded::Bounded;
use fault::{Fault, Field};
pub use kind::Kind;
pub(crate) use outline::{Outline, Tensor};
use pairs::Pairs;
use sizes::Weights;
use tensors::{Described, Tensors, read_tensors};
pub use tokenizer::Tokenizer;

/// Longest key or text value that is looked at, in bytes. Longer values are stepped over.
const KEPT_TEXT: u64 = 4096;

/// What a GGUF file says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Model family as llama.cpp names it, for example `llama` or `qwen2`.
    pub architecture: String,
    /// What it is for.
    pub kind: Kind,
    /// Display name, if the file has one.
    pub name: Option<String>,
    /// Its licence, if the file says it: mostly an SPDX identifier in small letters.
    pub licence: Option<String>,
    /// The mix of tensor types that its maker names, for example `Q4_K_M`.
    pub mix: Option<&'static str>,
    /// Longest context the model was made for, in tokens.
    pub context_length: Option<u64>,
    /// Layers.
    pub layers: Option<u64>,
    /// Bytes of keys and values for each token of context, 16 bits each.
    pub cache_bytes: Option<u64>,
    /// How it splits text, if it brings a vocabulary.
    pub tokenizer: Option<Tokenizer>,
    /// Whether it brings layers that draft its next tokens by themselves (MTP), which Taki does not use.
    pub drafts_itself: bool,
    /// For a model in several files which of them this is, from 1, and how many there are.
    pub part: Option<(u64, u64)>,
    /// Whether it brings a chat template.
    pub chat_template: bool,
    /// Number of tensors.
    pub tensor_count: u64,
    /// Bytes of weights by tensor type, the largest share first, for example `[("Q4_K", 600_000_000), …]`.
    pub types: Vec<(&'static str, u64)>,
    /// Bytes of weights that a token needs: those of some experts only, and without tables that it needs one row of.
    pub reads: u64,
    /// How many numbers its tensors have.
    pub(crate) weights: Weights,
    /// Size of the file in bytes.
    pub file_bytes: u64,
}

impl Header {
    /// Bytes of its weights.
    pub fn weight_bytes(&self) -> u64 {
        sum(&self.types)
    }

    /// About how many bytes the file would have in another mix.
    pub fn bytes_as(&self, mix: Mix) -> u64 {
        // What stands before the weights stays as it is.
        self.file_bytes.saturating_sub(self.weight_bytes()).saturating_add(self.weights.bytes_as(mix) as u64)
    }
}

/// Reads and checks the header of the file at `path`.
///
/// # Errors
/// [`Code::ModelUnreadable`], [`Code::ModelEmpty`], [`Code::NotGguf`], [`Code::ModelTruncated`],
/// [`Code::ModelRefused`]. The last two name the field in their reason.
pub fn check_header(path: &Path) -> Result<Header, Problem> {
    let unreadable = |reason: &dyn std::fmt::Display| {
        Problem::new(Code::ModelUnreadable).with("path", path.display()).with("reason", reason)
    };
    let about = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !about.is_file() {
        return Err(unreadable(&"it is not a file"));
    }
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    read(BufReader::with_capacity(1 << 16, file), about.len()).map_err(|fault| fault.problem(&path.display()))
}

/// Reads and checks the header of a file of `bytes` that is called `name` as it comes in. Only steps forward are taken.
///
/// # Errors
/// As [`check_header`], but where it ends too early is not told: that says how much has come in, not what is wrong with the file.
pub(crate) fn check(from: impl BufRead + Seek, bytes: u64, name: &dyn std::fmt::Display) -> Result<Header, Problem> {
    read(from, bytes).map_err(|fault| match fault {
        Fault::Truncated(_) => Problem::new(Code::ModelTruncated).with("path", name),
        fault => fault.problem(name),
    })
}

/// Bytes of all types: whatever a header claims, they are added up.
fn sum(types: &[(&str, u64)]) -> u64 {
    types.iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
}

fn read(from: impl BufRead + Seek, file_bytes: u64) -> Result<Header, Fault> {
    let all = All::read(from, file_bytes, &mut |_, _| {}, &mut drop)?;
    let (pairs, tensors) = (all.pairs, all.tensors);
    let architecture = pairs.architecture()?.to_owned();
    let weights = sum(&tensors.types);
    let idle = match (pairs.own("expert_used_count"), pairs.own("expert_count")) {
        (Some(used), Some(count)) if used < count => tensors.experts as f64 * (1.0 - used as f64 / count as f64),
        _ => 0.0,
    };
    Ok(Header {
        kind: Kind::of(&architecture, pairs.own("pooling_type")),
        architecture,
        name: pairs.text("general.name"),
        licence: pairs.text("general.license"),
        mix: pairs.number("general.file_type").and_then(kind::mix),
        context_length: pairs.context_length()?,
        layers: pairs.layers()?,
        cache_bytes: pairs.cache_bytes(),
        tokenizer: pairs.tokenizer(),
        drafts_itself: pairs.own("nextn_predict_layers").is_some_and(|layers| layers > 0),
        part: pairs.part(),
        chat_template: pairs.has_template(),
        tensor_count: all.tensor_count,
        types: tensors.types,
        reads: weights.saturating_sub(tensors.tables).saturating_sub(idle as u64),
        weights: tensors.weights,
        file_bytes,
    })
}

/// What stands before the weights.
struct All {
    tensor_count: u64,
    pairs: Pairs,
    alignment: u64,
    tensors: Tensors,
    /// Where it ends.
    end: u64,
}

impl All {
    /// Reads and checks it; `on_pair` and `on_tensor` are told each pair and tensor.
    fn read(
        from: impl BufRead + Seek,
        file_bytes: u64,
        on_pair: &mut dyn FnMut(&str, Range<u64>),
        on_tensor: &mut dyn FnMut(Described),
    ) -> Result<Self, Fault> {
        if file_bytes == 0 {
            return Err(Fault::Empty);
        }
        let mut from = Bounded::new(from, file_bytes);
        match from.magic() {
            Ok(magic) if magic == *b"GGUF" => {}
            Ok(_) | Err(Fault::Truncated(_)) => return Err(Fault::Foreign),
            Err(fault) => return Err(fault),
        }
        from.enter(Field::Version);
        match from.u32()? {
            2 | 3 => {}
            1 => return from.refused("version 1 is no longer in use"),
            version if version.swap_bytes() < 0x100 => return from.refused("it was made for big-endian computers"),
            version => return from.refused(format!("version {version} is too new")),
        }
        from.enter(Field::TensorCount);
        let tensor_count = from.u64()?;
        from.enter(Field::KeyCount);
        let pair_count = from.u64()?;
        // The least a key with its value and the least a tensor's description can take.
        from.enter(Field::Keys(pair_count));
        from.room(pair_count, 8 + 4 + 1)?;
        from.enter(Field::Tensors(tensor_count));
        from.room(tensor_count, 8 + 4 + 8 + 4 + 8)?;
        let pairs = Pairs::read(&mut from, pair_count, on_pair)?;
        // The first of several files may tell what the model is and no more.
        if tensor_count == 0 && pairs.part().is_none() {
            from.enter(Field::TensorCount);
            return from.refused("it holds no weights");
        }
        let alignment = pairs.alignment()?;
        let tensors = read_tensors(&mut from, tensor_count, alignment, file_bytes, on_tensor)?;
        Ok(Self { tensor_count, pairs, alignment, tensors, end: from.at() })
    }
}

#[cfg(test)]
mod tests;
