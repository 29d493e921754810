//! The side that has the document: it starts the child, waits for it and ends it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use protocol::{Code, Problem, frame, rerun};

use crate::child::{ARGUMENT, Reply, Request};
use crate::output::Output;
use crate::{Extract, Limits, Trouble, limits};

/// Reads documents, each in a child process of its own.
#[derive(Debug, Clone)]
pub struct Reader {
    program: PathBuf,
}

impl Reader {
    /// Children are this very program with the argument [`ARGUMENT`].
    ///
    /// # Errors
    /// [`Code::Internal`]: the system does not tell which file this program is.
    pub fn this_program() -> Result<Self, Problem> {
        std::env::current_exe().map(Self::program).map_err(|error| Problem::new(Code::Internal).with("reason", error))
    }

    /// Children are another program that does the same.
    pub fn program(path: impl Into<PathBuf>) -> Self {
        Self { program: path.into() }
    }

    /// Takes the text out of a document, as [`extract`](crate::extract) does, in a child. Blocks until it is done.
    ///
    /// # Errors
    /// What `extract` refuses; [`Code::DocumentSlow`] after [`Limits::seconds`]; [`Code::DocumentReaderEnded`] if the child
    /// cannot be started, crashes, runs out of memory or answers nonsense.
    pub fn extract(&self, name: &str, bytes: &[u8], limits: &Limits) -> Result<Extract, Problem> {
        let name = limits::short(name);
        if bytes.len() as u64 > limits.file_bytes {
            return Err(Trouble::TooLarge(limits.file_bytes).problem(name));
        }
        let request = Request { name: name.to_owned(), bytes: bytes.len() as u64, limits: limits.clone() };
        let ended = |reason: &dyn std::fmt::Display| {
            Problem::new(Code::DocumentReaderEnded).with("name", name).with("reason", reason)
        };
        let mut child = self.command().spawn().map_err(|error| ended(&error))?;
        let heard = converse(&mut child, &request, bytes);
        // Whatever it said: nothing of it goes on.
        let _ = child.kill();
        let status = child.wait().map_err(|error| ended(&error))?;
        match heard {
            Heard::Reply(reply) => {
                tracing::info!(bytes = bytes.len(), refused = reply.is_err(), "document read");
                believe(reply, name, limits)
            }
            Heard::Nothing => {
                tracing::warn!(bytes = bytes.len(), %status, "the reader of documents ended");
                Err(ended(&status))
            }
            Heard::TooLate => {
                tracing::warn!(bytes = bytes.len(), "the reader of documents took too long");
                Err(Problem::new(Code::DocumentSlow).with("name", name).with("seconds", limits.seconds))
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = rerun(&self.program, ARGUMENT);
        // A panic may repeat what is in the document: that is for nobody's log.
        command.stderr(Stdio::null()).env("RUST_BACKTRACE", "0");
        command
    }
}

enum Heard {
    Reply(Reply),
    Nothing,
    TooLate,
}

/// Asks the child and hears it, both at once: it may answer before it has read everything.
fn converse(child: &mut Child, request: &Request, bytes: &[u8]) -> Heard {
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else { return Heard::Nothing };
    let (sender, heard) = channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            // A child that is gone is noticed by the other thread.
            let _ = frame::write(&mut input, request).and_then(|()| input.write_all(bytes));
        });
        scope.spawn(move || sender.send(frame::read::<Reply>(&mut output)));
        let heard = match heard.recv_timeout(Duration::from_secs(request.limits.seconds.into())) {
            Ok(Ok(Some(reply))) => Heard::Reply(reply),
            Ok(Ok(None) | Err(_)) | Err(RecvTimeoutError::Disconnected) => Heard::Nothing,
            Err(RecvTimeoutError::Timeout) => Heard::TooLate,
        };
        // Both threads end with it.
        let _ = child.kill();
        heard
    })
}

/// The answer, held to the limits once more: whoever broke the parser wrote it.
fn believe(reply: Reply, name: &str, limits: &Limits) -> Result<Extract, Problem> {
    let extract = reply.map_err(|problem| {
        let details = problem.details.iter();
        let told = details.fold(Problem::new(problem.code), |told, (key, value)| told.with(key, limits::short(value)));
        told.with("name", name)
    })?;
    let mut out = Output::new(limits.characters);
    out.push(&extract.text);
    let (text, cut) = out.finish();
    Ok(Extract { text, cut: cut || extract.cut, ..extract })
}
