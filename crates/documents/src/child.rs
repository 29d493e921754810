//! The child process: it reads one request, takes the text out of one document, answers and ends.

use std::io::{self, Read, Write};

use protocol::{Problem, frame};
use serde::{Deserialize, Serialize};

use crate::{Extract, Limits, extract};

/// The argument that makes a program the child; its `main` must hand over to [`child_main`] before anything else.
pub const ARGUMENT: &str = "extract";

/// What the child is asked: a frame, then the bytes of the document.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) name: String,
    /// How many bytes follow the frame.
    pub(crate) bytes: u64,
    pub(crate) limits: Limits,
}

/// What the child answers, in one frame.
pub(crate) type Reply = Result<Extract, Problem>;

/// The child's whole life, over its standard input and output. The result is its exit code; 0 means that it answered.
pub fn child_main() -> i32 {
    match serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => 0,
        Err(_) => 1,
    }
}

fn serve(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let request: Request = frame::read(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    confine(&request.limits)?;
    let mut bytes = Vec::new();
    from.take(request.bytes).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != request.bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let reply: Reply = extract(&request.name, &bytes, &request.limits);
    frame::write(to, &reply)
}

/// Takes away what reading a document does not need. What is in use already stays in use.
#[cfg(unix)]
fn confine(limits: &Limits) -> io::Result<()> {
    use rlimit::Resource;

    let lower = |resource: Resource, value: u64| {
        let most = value.min(resource.get_hard()?);
        resource.set(most, most)
    };
    // Only Linux counts what is mapped as data; elsewhere time is what ends a document that grows.
    #[cfg(target_os = "linux")]
    lower(Resource::DATA, data_in_use()?.saturating_add(limits.memory_bytes))?;
    // Should nobody be left to end it: it ends by itself.
    lower(Resource::CPU, u64::from(limits.seconds) + 1)?;
    lower(Resource::CORE, 0)?;
    lower(Resource::FSIZE, 0)?;
    // Standard input, output and error are open; no file and no connection can be opened beside them.
    lower(Resource::NOFILE, 3)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on the systems that can")]
fn confine(_: &Limits) -> io::Result<()> {
    Ok(())
}

/// Bytes of data that the program has mapped before it did anything.
#[cfg(target_os = "linux")]
fn data_in_use() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmData:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes << 10).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
