use std::io::{BufRead, Error, ErrorKind, Seek, SeekFrom};

use super::fault::{Fault, Field};

/// No honest header has a count or length beyond this; it is a lie, not the sign of a cut file.
const ABSURD: u64 = 1 << 40;

/// A reader that knows where the file ends and refuses to go there, so that no count or length in the file can make
/// it allocate or loop beyond the file's own size. It knows what it reads, too, so that every fault can name it.
pub(super) struct Bounded<R> {
    from: R,
    at: u64,
    end: u64,
    field: Field,
}

impl<R: BufRead + Seek> Bounded<R> {
    pub(super) fn new(from: R, end: u64) -> Self {
        Self { from, at: 0, end, field: Field::Magic }
    }

    /// What is read from here on.
    pub(super) fn enter(&mut self, field: Field) {
        self.field = field;
    }

    /// Fails for `reason`, in what is read now.
    pub(super) fn refused<T>(&self, reason: impl Into<String>) -> Result<T, Fault> {
        Err(Fault::Refused(self.field.clone(), reason.into()))
    }

    /// The file ends in what is read now.
    pub(super) fn truncated(&self) -> Fault {
        Fault::Truncated(self.field.clone())
    }

    fn failed(&self, error: Error) -> Fault {
        // The length was checked before: the file shrank meanwhile.
        if error.kind() == ErrorKind::UnexpectedEof { self.truncated() } else { Fault::Io(error) }
    }

    /// Bytes read so far.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Fails unless `count` items of at least `size` bytes can still follow.
    pub(super) fn room(&self, count: u64, size: u64) -> Result<(), Fault> {
        match count.checked_mul(size) {
            Some(bytes) if bytes <= self.end - self.at => Ok(()),
            Some(bytes) if bytes < ABSURD => Err(self.truncated()),
            _ => self.refused(format!("it claims to hold {count} items")),
        }
    }

    pub(super) fn skip(&mut self, bytes: u64) -> Result<(), Fault> {
        self.room(bytes, 1)?;
        // Small steps stay in the buffer; a seek would throw it away.
        let mut left = bytes;
        while left > 0 {
            let have = self.from.fill_buf().map(<[u8]>::len);
            let have = have.map_err(|error| self.failed(error))? as u64;
            if have == 0 {
                return Err(self.truncated());
            }
            let step = have.min(left);
            self.from.consume(step as usize);
            left -= step;
            if left > 1 << 20 {
                let sought = self.from.seek(SeekFrom::Current(left as i64));
                sought.map_err(|error| self.failed(error))?;
                left = 0;
            }
        }
        self.at += bytes;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.room(N as u64, 1)?;
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(|error| self.failed(error))?;
        self.at += N as u64;
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn magic(&mut self) -> Result<[u8; 4], Fault> {
        self.array()
    }

    /// The bytes of a string; `None` if it is longer than `keep` and was skipped.
    pub(super) fn string(&mut self, keep: u64) -> Result<Option<Vec<u8>>, Fault> {
        let length = self.u64()?;
        self.room(length, 1)?;
        if length > keep {
            self.skip(length)?;
            return Ok(None);
        }
        self.bytes(length).map(Some)
    }

    /// The same as text; bytes that are none are question marks.
    pub(super) fn text(&mut self, keep: u64) -> Result<Option<String>, Fault> {
        Ok(self.string(keep)?.map(lossy))
    }

    /// So many bytes; no more than a header may hold at once.
    pub(super) fn bytes(&mut self, length: u64) -> Result<Vec<u8>, Fault> {
        self.room(length, 1)?;
        let mut bytes = vec![0; length as usize];
        self.from.read_exact(&mut bytes).map_err(|error| self.failed(error))?;
        self.at += length;
        Ok(bytes)
    }
}

/// `bytes` as text, in the memory that they have: those that are none become question marks.
pub(super) fn lossy(mut bytes: Vec<u8>) -> String {
    let mut good = 0;
    while let Err(error) = std::str::from_utf8(&bytes[good..]) {
        good += error.valid_up_to();
        bytes[good] = b'?';
    }
    String::from_utf8(bytes).unwrap_or_default()
}
