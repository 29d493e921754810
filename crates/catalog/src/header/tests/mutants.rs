//! Headers with a few bytes changed, removed or doubled. `TAKI_MUTATIONS` says how many.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use super::super::{Fault, Header, Outline, read};
use super::fields::named;
use crate::sample::{Gguf, Numbers, pair, text};

/// How many are looked at where nothing else is said.
const USUAL: usize = 400;

/// What may be allocated beyond the size of the file, in bytes: of each pair and tensor its name is kept, in tables that have some room.
const TABLES: u64 = 8 << 10;

/// Numbers that programs stumble over.
const EXTREMES: [u64; 10] =
    [0, 1, 0x7f, 0xff, u32::MAX as u64, i64::MAX as u64, u64::MAX, u64::MAX - 31, 1 << 32, 1 << 63];

/// A reader that knows how much was read.
struct Counted<'a> {
    from: Cursor<&'a [u8]>,
    bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.from.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.bytes += count as u64;
        self.from.consume(count);
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.from.seek(to)
    }
}

/// A file whose header, of so many bytes, was changed in one to three places.
fn mutant(whole: &[u8], header: usize, seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed);
    let mut mutant = whole.to_vec();
    for _ in 0..=numbers.below(3) {
        if mutant.is_empty() {
            break;
        }
        let at = numbers.below(header.min(mutant.len()));
        let piece = at..(at + 1 + numbers.below(40)).min(mutant.len());
        match numbers.below(6) {
            0 => mutant[at] ^= 1 << numbers.below(8),
            1 => mutant[at] = numbers.next() as u8,
            2 => {
                let value = EXTREMES[numbers.below(EXTREMES.len())].to_le_bytes();
                let width = [1, 2, 4, 8][numbers.below(4)].min(mutant.len() - at);
                mutant[at..at + width].copy_from_slice(&value[..width]);
            }
            3 => drop(mutant.drain(piece)),
            4 => {
                let doubled = mutant[piece].to_vec();
                mutant.splice(at..at, doubled);
            }
            _ if numbers.below(8) == 0 => mutant.truncate(at.max(1)),
            _ => mutant.swap(at, piece.end - 1),
        }
    }
    mutant
}

/// What comes of a look at a file, or what is wrong with how it was looked at.
fn check(file: &[u8]) -> Result<Looked, String> {
    let mut from = Counted { from: Cursor::new(file), bytes: 0 };
    let mut found: Option<Result<Header, Fault>> = None;
    let taken = allocation_counter::measure(|| found = Some(read(&mut from, file.len() as u64)));
    let size = file.len() as u64;
    if from.bytes > size {
        return Err(format!("{} bytes were read of {size}", from.bytes));
    }
    // As a part of a model it is read for where things lie.
    let mut outline = None;
    let also_taken = allocation_counter::measure(|| outline = Some(Outline::read(Cursor::new(file), size)));
    let taken = taken.bytes_max.max(also_taken.bytes_max);
    if taken > size + TABLES {
        return Err(format!("{taken} bytes were allocated at once for {size}"));
    }
    if let Some(Ok(outline)) = outline {
        let ends = outline.tensors.iter().flat_map(|tensor| [&tensor.described, &tensor.place]).chain(&outline.pairs);
        if let Some(beyond) = ends.clone().find(|place| place.start > place.end || place.end > size) {
            return Err(format!("{beyond:?} lies beyond {size}"));
        }
    }
    match found.ok_or("nothing was read")? {
        Ok(header) => {
            let claimed: u64 = header.types.iter().map(|(_, bytes)| bytes).sum();
            if claimed > size {
                return Err(format!("{claimed} bytes of weights in {size}"));
            }
            Ok(Looked { good: true, taken })
        }
        Err(Fault::Foreign) if file.starts_with(b"GGUF") => Err("it begins like a GGUF".to_owned()),
        Err(Fault::Io(error)) => Err(format!("memory can be read: {error}")),
        Err(fault) => {
            named(fault, file)?;
            Ok(Looked { good: false, taken })
        }
    }
}

struct Looked {
    good: bool,
    /// Most bytes that were allocated at once.
    taken: u64,
}

#[test]
fn no_mutant_panics_hangs_reads_past_the_end_takes_more_memory_than_its_file_or_is_refused_without_naming_a_field() {
    let count = std::env::var("TAKI_MUTATIONS").map_or(USUAL, |count| count.parse().unwrap());
    // One with a template so long that it is stepped over, and one that is hardly more than names and numbers.
    let mut short = Gguf::small();
    short.pairs[8] = pair("tokenizer.chat_template", 8, &text("{{ messages }}"));
    let files = [Gguf::small(), short].map(|gguf| (gguf.header().len(), gguf.bytes()));
    let (mut passed, mut most, mut longest, began) = (0, 0, Duration::ZERO, Instant::now());
    for seed in 0..count as u64 {
        let (header, whole) = &files[seed as usize % 2];
        let file = mutant(whole, *header, seed);
        let looking = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| check(&file))) {
            Ok(Ok(looked)) => {
                passed += usize::from(looked.good);
                most = most.max(looked.taken);
            }
            Ok(Err(fault)) => panic!("mutant {seed}: {fault}"),
            Err(panic) => {
                println!("mutant {seed} panics");
                resume_unwind(panic);
            }
        }
        longest = longest.max(looking.elapsed());
    }
    // Milliseconds on a quiet computer.
    assert!(longest < Duration::from_secs(10), "a mutant takes {longest:?}");
    let (refused, took) = (count - passed, began.elapsed());
    println!(
        "{count} mutants in {took:.1?}: {refused} refused, {passed} accepted, at most {most} bytes allocated at once"
    );
    assert!(passed > count / 100, "mutations of names and texts are harmless: {passed}");
    assert!(passed < count, "others are not");
}
