//! Frames on the worker's pipes: four bytes of length (little endian), then that many bytes of JSON.

use std::io::{self, ErrorKind, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest frame in bytes. A conversation that fills a 128k context stays far below.
pub const MAX_BYTES: u32 = 64 << 20;

/// Writes one frame and flushes.
///
/// # Errors
/// The pipe's error; `InvalidInput` if the frame is larger than [`MAX_BYTES`].
pub fn write<T: Serialize>(to: &mut impl Write, value: &T) -> io::Result<()> {
    let body = serde_json::to_vec(value)?;
    let length = u32::try_from(body.len())
        .ok()
        .filter(|n| *n <= MAX_BYTES)
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "frame too large"))?;
    let mut frame = Vec::with_capacity(body.len() + 4);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&body);
    to.write_all(&frame)?;
    to.flush()
}

/// Reads one frame; `None` at a clean end of the pipe.
///
/// # Errors
/// The pipe's error; `UnexpectedEof` inside a frame; `InvalidData` if it is too large or no valid `T`.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0_u8; 4];
    let mut have = 0;
    while have < 4 {
        match from.read(&mut length[have..]) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => have += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let length = u32::from_le_bytes(length);
    if length > MAX_BYTES {
        return Err(io::Error::new(ErrorKind::InvalidData, "frame too large"));
    }
    // Grows with what arrives: a lying length must not reserve 64 MiB.
    let mut body = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut body)?;
    if body.len() < length as usize {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_slice(&body).map(Some).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::Event;

    fn ready() -> Event {
        Event::Ready { version: "0.1.0".to_owned() }
    }

    #[test]
    fn a_frame_survives_the_pipe() {
        let mut pipe = Vec::new();
        write(&mut pipe, &ready()).unwrap();
        write(&mut pipe, &Event::Loading { rung: "日本".into(), fraction: 0.5 }).unwrap();
        let mut from = pipe.as_slice();
        assert_eq!(read::<Event>(&mut from).unwrap(), Some(ready()));
        assert!(matches!(read(&mut from).unwrap(), Some(Event::Loading { .. })));
        assert_eq!(read::<Event>(&mut from).unwrap(), None, "the end of the pipe is no error");
    }

    #[test]
    fn cut_lying_and_hostile_frames_are_errors() {
        let mut pipe = Vec::new();
        write(&mut pipe, &ready()).unwrap();
        for cut in 1..pipe.len() {
            assert!(read::<Event>(&mut &pipe[..cut]).is_err(), "cut at {cut}");
        }
        let huge = (MAX_BYTES + 1).to_le_bytes();
        assert_eq!(read::<Event>(&mut huge.as_slice()).unwrap_err().kind(), ErrorKind::InvalidData);
        let lying = [MAX_BYTES.to_le_bytes().as_slice(), b"{}"].concat();
        assert_eq!(read::<Event>(&mut lying.as_slice()).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
