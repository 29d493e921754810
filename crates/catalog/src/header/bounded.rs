use std::io::{self, BufRead, Seek, SeekFrom};

/// What stops the reading of a header.
#[derive(Debug)]
pub(super) enum Fault {
    /// It goes on behind the end of the file.
    Truncated,
    /// It is no GGUF.
    Foreign,
    /// It contradicts itself or the format.
    Refused(String),
    /// The file cannot be read.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        // The length was checked before: the file shrank meanwhile.
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Truncated } else { Self::Io(error) }
    }
}

/// No honest header has a count or length beyond this; it is a lie, not the sign of a cut file.
const ABSURD: u64 = 1 << 40;

/// A reader that knows where the file ends and refuses to go there, so that no count or length in the file can make
/// it allocate or loop beyond the file's own size.
pub(super) struct Bounded<R> {
    from: R,
    at: u64,
    end: u64,
}

impl<R: BufRead + Seek> Bounded<R> {
    pub(super) fn new(from: R, end: u64) -> Self {
        Self { from, at: 0, end }
    }

    /// Bytes read so far.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Fails unless `count` items of at least `size` bytes can still follow.
    pub(super) fn room(&self, count: u64, size: u64) -> Result<(), Fault> {
        match count.checked_mul(size) {
            Some(bytes) if bytes <= self.end - self.at => Ok(()),
            Some(bytes) if bytes < ABSURD => Err(Fault::Truncated),
            _ => Err(Fault::Refused(format!("it claims to hold {count} items in one place"))),
        }
    }

    pub(super) fn skip(&mut self, bytes: u64) -> Result<(), Fault> {
        self.room(bytes, 1)?;
        // Small steps stay in the buffer; a seek would throw it away.
        let mut left = bytes;
        while left > 0 {
            let have = self.from.fill_buf()?.len() as u64;
            if have == 0 {
                return Err(Fault::Truncated);
            }
            let step = have.min(left);
            self.from.consume(step as usize);
            left -= step;
            if left > 1 << 20 {
                self.from.seek(SeekFrom::Current(left as i64))?;
                left = 0;
            }
        }
        self.at += bytes;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.room(N as u64, 1)?;
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
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

    /// So many bytes; no more than a header may hold at once.
    pub(super) fn bytes(&mut self, length: u64) -> Result<Vec<u8>, Fault> {
        self.room(length, 1)?;
        let mut bytes = vec![0; length as usize];
        self.from.read_exact(&mut bytes)?;
        self.at += length;
        Ok(bytes)
    }
}
