//! Models that come in several files, as `llama-gguf-split` writes them, made one again.
//!
//! The first part has everything that is said of the model, each part some of its tensors. What is joined is what was split, byte for
//! byte: the pairs stay in their order, the tensors in theirs.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Code, Problem};
use sha2::Digest;

use crate::entry::Sha256;
use crate::header::{Outline, Tensor};
use crate::mark::Mark;
use crate::store::{ModelStore, unwritable};
use crate::whole::unreadable;

/// Bytes that are copied at a time.
const PIECE: usize = 1 << 20;

/// Most files of one model: the numbers in their names have five digits.
const MOST: u64 = 99_999;

/// The name of a model whose part a file of this name (without `.gguf`) is, with the part's number from 1 and how many there are; None
/// for any other name.
pub(crate) fn part_of(stem: &str) -> Option<(&str, u64, u64)> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (name, part) = rest.rsplit_once('-')?;
    let number = |digits: &str| {
        let five = digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
        five.then(|| digits.parse().ok()).flatten().filter(|number| (1..=MOST).contains(number))
    };
    Some((name, number(part)?, number(count)?)).filter(|(name, part, count)| !name.is_empty() && part <= count)
}

/// Where the first part of the model is of which `path` is a part, by its name; None for any other name.
pub fn first_part(path: &Path) -> Option<PathBuf> {
    let (name, _, count) = path.file_stem().and_then(|stem| stem.to_str()).and_then(part_of).filter(|of| of.2 > 1)?;
    let ending = path.extension()?.to_str()?;
    Some(path.with_file_name(format!("{name}-00001-of-{count:05}.{ending}")))
}

/// Those of `files` that stand for themselves: whoever names all parts of a model means one model, so that further parts come along with the first.
pub fn without_further_parts(files: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    let comes_along = |file: &PathBuf| first_part(file).is_some_and(|first| first != *file && files.contains(&first));
    files.iter().filter(move |file| !comes_along(file))
}

/// The parts of a model, looked at but not read.
pub(crate) struct Parts {
    parts: Vec<Part>,
    /// How large the whole will be, in bytes.
    pub(crate) bytes: u64,
}

struct Part {
    path: PathBuf,
    outline: Outline,
    /// How it looked before it was read.
    mark: Option<Mark>,
}

impl Parts {
    /// Those that lie beside `first`, which is the first of `count`.
    ///
    /// # Errors
    /// [`Code::FileUnusable`] for one that is missing or of another model; those of [`check_header`](crate::check_header).
    pub(crate) fn beside(first: &Path, count: u64) -> Result<Self, Problem> {
        let refused =
            |reason: String| Problem::new(Code::FileUnusable).with("path", first.display()).with("reason", reason);
        let stem = first.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let Some((name, 1, _)) = part_of(stem).filter(|(_, _, all)| *all == count) else {
            let ending = format!("-00001-of-{count:05}.gguf");
            return Err(refused(format!(
                "it is the first of {count} parts of a model; its name has to end with {ending} for the others to be found"
            )));
        };
        let ending = first.extension().and_then(|ending| ending.to_str()).unwrap_or("gguf");
        let mut parts = Vec::new();
        for part in 1..=count {
            let file = format!("{name}-{part:05}-of-{count:05}.{ending}");
            let path = first.with_file_name(&file);
            if !path.is_file() {
                return Err(refused(format!(
                    "it is the first of {count} parts of a model, and {file} is not beside it"
                )));
            }
            let mark = Mark::of_contents(&path);
            let outline = Outline::of(&path)?;
            if outline.part != Some((part, count)) {
                return Err(refused(format!(
                    "it is the first of {count} parts of a model, and {file} is not one of them"
                )));
            }
            parts.push(Part { path, outline, mark });
        }
        let mut parts = Self { parts, bytes: 0 };
        let (has, told) = (parts.tensors().count() as u64, parts.first().of_all);
        if let Some(told) = told.filter(|told| *told != has) {
            return Err(refused(format!(
                "its parts have {has} tensors together, not {told}: they are not of one model"
            )));
        }
        let data: u64 = parts.tensors().map(|tensor| parts.padded(tensor)).fold(0, u64::saturating_add);
        let pairs: u64 = parts.first().pairs.iter().map(length).sum();
        let described: u64 = parts.tensors().map(|tensor| length(&tensor.described) + OFFSET).sum();
        parts.bytes = (FRONT + pairs + described).next_multiple_of(parts.first().alignment).saturating_add(data);
        Ok(parts)
    }

    /// Writes the whole to `to` in `store`, telling after each piece how many bytes are done, and gives its hash.
    ///
    /// # Errors
    /// [`Code::ModelUnreadable`]; [`Code::DiskFull`], [`Code::FolderUnwritable`]; [`Code::Cancelled`] when `cancel` becomes true.
    pub(crate) fn write(
        &self,
        store: &ModelStore,
        to: &Path,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(u64),
    ) -> Result<Sha256, Problem> {
        let file = File::create_new(to).map_err(|error| unwritable(store.root(), &error))?;
        let (bytes, hash, buffer) = (self.bytes, sha2::Sha256::new(), vec![0; PIECE]);
        let mut whole = Whole { file, store, bytes, hash, done: 0, buffer, cancel, on };
        let (tensors, pairs) = (self.tensors().count() as u64, self.first().pair_count);
        whole
            .put(&[b"GGUF".as_slice(), &3_u32.to_le_bytes(), &tensors.to_le_bytes(), &pairs.to_le_bytes()].concat())?;
        whole.copy(&self.parts[0].path, &self.first().pairs, |_| Ok(()))?;
        let mut offset = 0_u64;
        for Part { path, outline, .. } in &self.parts {
            let mut sizes = outline.tensors.iter().map(|tensor| self.padded(tensor));
            whole.copy(path, outline.tensors.iter().map(|tensor| &tensor.described), |whole| {
                let put = whole.put(&offset.to_le_bytes());
                offset += sizes.next().unwrap_or(0);
                put
            })?;
        }
        let alignment = self.first().alignment;
        whole.pad(alignment)?;
        for Part { path, outline, mark } in &self.parts {
            whole.copy(path, outline.tensors.iter().map(|tensor| &tensor.place), |whole| whole.pad(alignment))?;
            if Mark::of_contents(path) != *mark {
                return Err(unreadable(path, &io::Error::other("it was changed while it was read")));
            }
        }
        whole.file.sync_all().map_err(|error| whole.unwritten(&error))?;
        Ok(Sha256::of(&whole.hash.finalize()))
    }

    fn first(&self) -> &Outline {
        &self.parts[0].outline
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.parts.iter().flat_map(|part| &part.outline.tensors)
    }

    /// Bytes of a tensor with what comes before the next one.
    fn padded(&self, tensor: &Tensor) -> u64 {
        length(&tensor.place).next_multiple_of(self.first().alignment)
    }
}

/// Bytes before the pairs: the format's name and version, and how many tensors and pairs there are.
const FRONT: u64 = 4 + 4 + 8 + 8;

/// Bytes of a tensor's place in its description.
const OFFSET: u64 = 8;

fn length(place: &Range<u64>) -> u64 {
    place.end - place.start
}

/// A file on its way.
struct Whole<'a> {
    file: File,
    store: &'a ModelStore,
    /// How large it will be.
    bytes: u64,
    hash: sha2::Sha256,
    done: u64,
    buffer: Vec<u8>,
    cancel: &'a AtomicBool,
    on: &'a mut dyn FnMut(u64),
}

impl Whole<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(Problem::new(Code::Cancelled));
        }
        self.file.write_all(bytes).map_err(|error| self.unwritten(&error))?;
        self.hash.update(bytes);
        self.done += bytes.len() as u64;
        (self.on)(self.done);
        Ok(())
    }

    fn unwritten(&self, error: &io::Error) -> Problem {
        self.store.unwritten(self.bytes.saturating_sub(self.done), error)
    }

    fn pad(&mut self, alignment: u64) -> Result<(), Problem> {
        let missing = self.done.next_multiple_of(alignment) - self.done;
        if missing == 0 { Ok(()) } else { self.put(&vec![0; missing as usize]) }
    }

    /// Copies these places of the file `path`; `behind` puts what comes behind each.
    fn copy<'p>(
        &mut self,
        path: &Path,
        places: impl IntoIterator<Item = &'p Range<u64>>,
        mut behind: impl FnMut(&mut Self) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let failed = |error: io::Error| unreadable(path, &error);
        let mut from = File::open(path).map_err(failed)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        for place in places {
            from.seek(SeekFrom::Start(place.start)).map_err(failed)?;
            let mut left = length(place);
            while left > 0 {
                let piece = &mut buffer[..left.min(PIECE as u64) as usize];
                from.read_exact(piece).map_err(failed)?;
                self.put(piece)?;
                left -= piece.len() as u64;
            }
            behind(self)?;
        }
        self.buffer = buffer;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::recipe::RecipeModel;
    use crate::sample::{Gguf, Numbers, pair};

    /// A model of five tensors.
    fn whole() -> Gguf {
        let mut gguf = Gguf::small();
        let mut offset = 64 + 128;
        for at in 0..3_u64 {
            gguf.tensors.push((format!("blk.{at}.ffn_norm.weight"), vec![8 + at], 0, offset));
            offset += (4 * (8 + at)).next_multiple_of(32);
        }
        gguf.data = offset as usize;
        gguf
    }

    /// Its file, with weights that differ, and with nothing between them.
    fn bytes(gguf: &Gguf, weights: &[u8]) -> Vec<u8> {
        let mut bytes = gguf.header();
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        [bytes, weights.to_vec()].concat()
    }

    fn weights(gguf: &Gguf) -> Vec<u8> {
        let mut weights = Numbers(3).bytes(gguf.data);
        weights[60..64].fill(0);
        let end = |tensor: &(String, Vec<u64>, u32, u64)| (tensor.3 + 4 * tensor.1[0]) as usize;
        for tensor in &gguf.tensors[2..] {
            weights[end(tensor)..end(tensor).next_multiple_of(32)].fill(0);
        }
        weights
    }

    /// The same in three files, as they are split: the second has no more than numbers in front of its tensors.
    fn split(folder: &Path) -> PathBuf {
        let gguf = whole();
        let weights = weights(&gguf);
        let numbers = |part: u16| {
            let tensors = pair("split.tensors.count", 5, &5_i32.to_le_bytes());
            [pair("split.no", 2, &part.to_le_bytes()), tensors, pair("split.count", 2, &3_u16.to_le_bytes())]
        };
        for (part, tensors) in [(0_u16, 0..2), (1, 2..4), (2, 4..5)] {
            let start = gguf.tensors[tensors.start].3;
            let end = gguf.tensors.get(tensors.end).map_or(gguf.data as u64, |next| next.3);
            let own =
                gguf.tensors[tensors].iter().cloned().map(|tensor| (tensor.0, tensor.1, tensor.2, tensor.3 - start));
            let pairs = if part == 0 { gguf.pairs.clone() } else { Vec::new() };
            let part_of =
                Gguf { pairs: [pairs, numbers(part).to_vec()].concat(), tensors: own.collect(), ..Gguf::small() };
            let contents = bytes(&part_of, &weights[start as usize..end as usize]);
            fs::write(folder.join(format!("My Model-{:05}-of-00003.gguf", part + 1)), contents).unwrap();
        }
        folder.join("My Model-00001-of-00003.gguf")
    }

    fn take(store: &ModelStore, path: &Path) -> Result<RecipeModel, Problem> {
        store.take_in(path, None, &AtomicBool::new(false), &mut |_, _| {})
    }

    fn folders() -> (tempfile::TempDir, ModelStore, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let first = split(folder.path());
        (folder, store, first)
    }

    #[test]
    fn parts_are_joined_to_what_was_split() {
        let (_folder, store, first) = folders();
        let mut told = Vec::new();
        let model =
            store.take_in(&first, None, &AtomicBool::new(false), &mut |done, all| told.push((done, all))).unwrap();
        let (gguf, file) = (whole(), store.file_of(&model.sha256).unwrap());
        assert_eq!(fs::read(file).unwrap(), bytes(&gguf, &weights(&gguf)));
        assert_eq!((model.id.as_str(), model.file.as_str()), ("my-model", "my-model.gguf"));
        assert_eq!(told.last(), Some(&(model.bytes, model.bytes)));
        assert_eq!(fs::read_dir(store.staging()).unwrap().count(), 0);
        assert_eq!(take(&store, &first).unwrap(), model);
    }

    #[test]
    fn parts_that_are_missing_or_of_another_model_are_named() {
        let (folder, store, first) = folders();
        let third = folder.path().join("My Model-00003-of-00003.gguf");
        let reason = |path: &Path| {
            let problem = take(&store, path).unwrap_err();
            assert!(matches!(problem.code, Code::FileUnusable | Code::ModelRefused), "{problem:?}");
            assert!(problem.details.contains_key("reason_ja"), "{problem:?}");
            problem.details["reason"].clone()
        };
        assert_eq!(take(&store, &third).unwrap_err().code, Code::FurtherPart);
        let renamed = folder.path().join("renamed.gguf");
        fs::copy(&first, &renamed).unwrap();
        assert!(reason(&renamed).contains("-00001-of-00003.gguf"));
        let kept = fs::read(&third).unwrap();
        fs::copy(folder.path().join("My Model-00002-of-00003.gguf"), &third).unwrap();
        assert!(reason(&first).contains("My Model-00003-of-00003.gguf is not one of them"));
        let five = b"split.tensors.count";
        let mut lying = fs::read(&first).unwrap();
        let at = lying.windows(five.len()).position(|text| text == five).unwrap() + five.len() + 4;
        lying[at] = 6;
        fs::write(&third, &kept).unwrap();
        let honest = fs::read(&first).unwrap();
        fs::write(&first, lying).unwrap();
        assert!(reason(&first).contains("5 tensors together, not 6"));
        fs::write(&first, honest).unwrap();
        fs::write(&third, &kept[..kept.len() - 40]).unwrap();
        assert_eq!(take(&store, &first).unwrap_err().code, Code::ModelTruncated);
        fs::remove_file(&third).unwrap();
        assert!(reason(&first).contains("My Model-00003-of-00003.gguf is not beside it"));
        fs::write(&third, kept).unwrap();
        let stopped = store.take_in(&first, None, &AtomicBool::new(true), &mut |_, _| {}).unwrap_err();
        assert_eq!((stopped.code, fs::read_dir(store.staging()).unwrap().count()), (Code::Cancelled, 0));
        assert!(take(&store, &first).is_ok());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_fills_up_while_parts_are_joined_is_said_to_be_full() {
        let (_folder, store, _) = folders();
        let file = File::options().write(true).open("/dev/full").unwrap();
        let (cancel, mut on) = (AtomicBool::new(false), |_| {});
        let (hash, buffer) = (sha2::Sha256::new(), Vec::new());
        let mut whole = Whole { file, store: &store, bytes: 7, hash, done: 0, buffer, cancel: &cancel, on: &mut on };
        let problem = whole.put(b"GGUF").unwrap_err();
        assert_eq!((problem.code, problem.details["size"].as_str()), (Code::DiskFull, "7 bytes"));
        assert_eq!(problem.details["path"], store.root().display().to_string());
    }

    #[test]
    fn a_part_is_known_by_its_name() {
        assert_eq!(part_of("a-00002-of-00003"), Some(("a", 2, 3)));
        for other in ["a", "a-00004-of-00003", "a-1-of-3", "-00001-of-00003", "a-00000-of-00003", "a-0000x-of-00003"] {
            assert_eq!(part_of(other), None, "{other}");
        }
        let is_part = |file: &str| first_part(Path::new(file)).is_some();
        assert!(is_part("a-00001-of-00003.gguf") && !is_part("a-00001-of-00001.gguf") && !is_part("a.gguf"));
    }
}
