//! A look at a GGUF file before llama.cpp sees it: every count, length and offset is checked against the file's size.
//!
//! llama.cpp ends the process on some malformed files. What passes here is at least consistent in itself; what does
//! not is refused with a reason. Only the metadata is read, never the weights.

mod bounded;
mod tensor_type;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

use protocol::{Code, Problem};

use bounded::{Bounded, Fault};
use tensor_type::tensor_type;

/// Longest key or text value that is looked at, in bytes. Longer values are stepped over.
const KEPT_TEXT: u64 = 4096;
/// ggml's own limit for the name of a tensor, in bytes.
const LONGEST_TENSOR_NAME: usize = 63;
/// ggml's own limits for strings and arrays.
const LONGEST: u64 = 1 << 30;

/// What a GGUF file says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Model family as llama.cpp names it, for example `llama` or `qwen2`.
    pub architecture: String,
    /// Display name, if the file has one.
    pub name: Option<String>,
    /// Longest context the model was made for, in tokens.
    pub context_length: Option<u64>,
    /// Entries in its vocabulary.
    pub vocabulary: Option<u64>,
    /// Whether it brings a chat template.
    pub chat_template: bool,
    /// Number of tensors.
    pub tensor_count: u64,
    /// Bytes of weights by tensor type, the largest share first, for example `[("Q4_K", 600_000_000), …]`.
    pub types: Vec<(&'static str, u64)>,
    /// Size of the file in bytes.
    pub file_bytes: u64,
}

/// Reads and checks the header of the file at `path`.
///
/// # Errors
/// [`Code::ModelUnreadable`], [`Code::ModelEmpty`], [`Code::NotGguf`], [`Code::ModelTruncated`],
/// [`Code::ModelRefused`] with a reason.
pub fn check_header(path: &Path) -> Result<Header, Problem> {
    let problem = |code| Problem::new(code).with("path", path.display());
    let unreadable = |reason: &dyn std::fmt::Display| problem(Code::ModelUnreadable).with("reason", reason);
    let about = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !about.is_file() {
        return Err(unreadable(&"it is not a file"));
    }
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    if about.len() == 0 {
        return Err(problem(Code::ModelEmpty));
    }
    read(BufReader::with_capacity(1 << 16, file), about.len()).map_err(|fault| match fault {
        Fault::Truncated => problem(Code::ModelTruncated),
        Fault::Foreign => problem(Code::NotGguf),
        Fault::Refused(reason) => problem(Code::ModelRefused).with("reason", reason),
        Fault::Io(error) => unreadable(&error),
    })
}

fn refused<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(reason.into()))
}

fn read(from: impl BufRead + Seek, file_bytes: u64) -> Result<Header, Fault> {
    let mut from = Bounded::new(from, file_bytes);
    match from.magic() {
        Ok(magic) if magic == *b"GGUF" => {}
        Ok(_) | Err(Fault::Truncated) => return Err(Fault::Foreign),
        Err(fault) => return Err(fault),
    }
    match from.u32()? {
        2 | 3 => {}
        1 => return refused("it is in version 1 of GGUF, which is no longer in use"),
        version if version.swap_bytes() < 0x100 => return refused("it was made for big-endian computers"),
        version => return refused(format!("it is in version {version} of GGUF, which is too new")),
    }
    let tensor_count = from.u64()?;
    let pair_count = from.u64()?;
    // The least a key with its value and the least a tensor's description can take.
    from.room(pair_count, 8 + 4 + 1)?;
    from.room(tensor_count, 8 + 4 + 8 + 4 + 8)?;
    if tensor_count == 0 {
        return refused("it holds no weights");
    }
    let pairs = Pairs::read(&mut from, pair_count)?;
    let types = read_tensors(&mut from, tensor_count, pairs.alignment()?, file_bytes)?;
    Ok(Header {
        context_length: pairs.number(&format!("{}.context_length", pairs.architecture()?)),
        architecture: pairs.architecture()?.to_owned(),
        name: pairs.texts.get("general.name").filter(|name| !name.trim().is_empty()).cloned(),
        vocabulary: pairs.arrays.get("tokenizer.ggml.tokens").copied(),
        chat_template: pairs.has_template,
        tensor_count,
        types,
        file_bytes,
    })
}

/// What is kept of the key-value pairs.
#[derive(Default)]
struct Pairs {
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<String, u64>,
    arrays: BTreeMap<String, u64>,
    has_template: bool,
}

impl Pairs {
    fn read(from: &mut Bounded<impl BufRead + Seek>, count: u64) -> Result<Self, Fault> {
        let mut pairs = Self::default();
        let mut seen = HashSet::new();
        for _ in 0..count {
            let Some(key) = from.string(KEPT_TEXT)?.filter(|key| !key.is_empty()) else {
                return refused("a key in it is empty or far too long");
            };
            let key = String::from_utf8_lossy(&key).into_owned();
            pairs.value(from, &key)?;
            if !seen.insert(key) {
                return refused("it has the same key twice");
            }
        }
        Ok(pairs)
    }

    fn value(&mut self, from: &mut Bounded<impl BufRead + Seek>, key: &str) -> Result<(), Fault> {
        match from.u32()? {
            4 => {
                let number = from.u32()?;
                self.numbers.insert(key.to_owned(), u64::from(number));
            }
            10 => {
                let number = from.u64()?;
                self.numbers.insert(key.to_owned(), number);
            }
            TEXT => {
                self.has_template |= key == "tokenizer.chat_template";
                if let Some(text) = from.string(KEPT_TEXT)? {
                    self.texts.insert(key.to_owned(), String::from_utf8_lossy(&text).into_owned());
                }
            }
            ARRAY => {
                let (kind, count) = (from.u32()?, from.u64()?);
                if count > LONGEST {
                    return refused(format!("it claims a list of {count} values"));
                }
                if kind == TEXT {
                    from.room(count, 8)?;
                    for _ in 0..count {
                        from.string(0)?;
                    }
                } else {
                    let size = value_size(kind)?;
                    from.room(count, size)?;
                    from.skip(count * size)?;
                }
                self.arrays.insert(key.to_owned(), count);
            }
            kind => from.skip(value_size(kind)?)?,
        }
        Ok(())
    }

    fn architecture(&self) -> Result<&str, Fault> {
        match self.texts.get("general.architecture") {
            Some(name) if !name.is_empty() && name.len() <= 64 => Ok(name),
            _ => refused("it does not say what kind of model it is"),
        }
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.numbers.get(key).copied()
    }

    fn alignment(&self) -> Result<u64, Fault> {
        match self.number("general.alignment").unwrap_or(32) {
            bytes if bytes.is_power_of_two() && bytes <= 1 << 20 => Ok(bytes),
            bytes => refused(format!("its weights are aligned to {bytes} bytes")),
        }
    }
}

const TEXT: u32 = 8;
const ARRAY: u32 = 9;

/// Size of a value of fixed size.
fn value_size(kind: u32) -> Result<u64, Fault> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => refused(format!("it has a value of the unknown kind {kind}")),
    }
}

/// Checks that every tensor lies inside the file, one behind the other as ggml wants them, and adds up their types.
fn read_tensors(
    from: &mut Bounded<impl BufRead + Seek>,
    count: u64,
    alignment: u64,
    file_bytes: u64,
) -> Result<Vec<(&'static str, u64)>, Fault> {
    let mut names = HashSet::new();
    let mut types: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut next = 0_u64;
    // The last tensor need not be padded.
    let mut data_end = 0_u64;
    for _ in 0..count {
        let Some(name) = from.string(KEPT_TEXT)?.filter(|name| name.len() <= LONGEST_TENSOR_NAME) else {
            return refused("the name of a tensor is too long");
        };
        let name = String::from_utf8_lossy(&name).into_owned();
        let dimensions = from.u32()?;
        if dimensions > 4 {
            return refused(format!("the tensor “{name}” has {dimensions} dimensions"));
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
                None => return refused(format!("the tensor “{name}” claims an impossible size")),
            };
        }
        let (kind, offset) = (from.u32()?, from.u64()?);
        let Some(kind) = tensor_type(kind) else {
            return refused(format!("the tensor “{name}” is of the unknown type {kind}"));
        };
        if !row.is_multiple_of(kind.weights) {
            return refused(format!("the rows of the tensor “{name}” do not fit its type {}", kind.name));
        }
        if offset != next {
            return refused(format!("the tensor “{name}” is not where it should be"));
        }
        let bytes = (weights / kind.weights).checked_mul(kind.bytes);
        let end = bytes.and_then(|bytes| offset.checked_add(bytes));
        let padded = end.and_then(|end| end.checked_next_multiple_of(alignment));
        let (Some(bytes), Some(end), Some(padded)) = (bytes, end, padded) else {
            return refused(format!("the tensor “{name}” claims an impossible size"));
        };
        (next, data_end) = (padded, end);
        *types.entry(kind.name).or_default() += bytes;
        if !names.insert(name) {
            return refused("it has the same tensor twice");
        }
    }
    let start = from.at().checked_next_multiple_of(alignment);
    match start.and_then(|start| start.checked_add(data_end)) {
        Some(end) if end <= file_bytes => {}
        Some(end) if end < 1 << 50 => return Err(Fault::Truncated),
        _ => return refused("its weights claim an impossible size"),
    }
    let mut types: Vec<_> = types.into_iter().collect();
    types.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    Ok(types)
}

#[cfg(test)]
mod tests;
