//! The worker process: commands come in over standard input, events go out over standard output.

mod answer;
mod computers;
mod cut;
mod drawing;
mod earlier;
mod heard;
mod hold;
mod inbox;
mod kept;
mod knowing;
mod measure;
mod memory;
mod outbox;
mod paces;
mod placing;
mod receipt;
mod record;
mod requantize;
mod rethread;
mod shelf;
mod table;
mod threads;

use std::net::{Ipv4Addr, SocketAddrV4};

use protocol::Problem;
use protocol::worker::{Command, Event, Generate};

use crate::VERSION;
use crate::llama::Llama;
pub(crate) use computers::{WORKERS, named_in_environment};
use inbox::Inbox;
use kept::Kept;
use outbox::Outbox;
use placing::Along;

/// Runs the worker until its parent says [`Command::Quit`]; returns the exit status. Where the parent closes the pipe or is
/// gone the process ends at once, in the middle of whatever it does.
///
/// Call it first thing in `main` when the first argument is `worker`: before threads, windows and other libraries.
pub fn worker_main() -> i32 {
    // First of all: nothing that a library prints may get between the frames.
    let Ok(outbox) = Outbox::of_standard_output() else { return 3 };
    leave_no_core();
    let inbox = Inbox::of_standard_input();
    let llama = match Llama::start() {
        Ok(llama) => llama,
        Err(problem) => return fail(&outbox, problem),
    };
    outbox.send(&Event::Ready { version: VERSION.to_owned() });
    let mut next = inbox.next();
    let mut kept = Kept::default();
    loop {
        if matches!(next, Some(Command::Requantize { .. })) {
            // It needs the memory itself.
            kept.clear();
        }
        next = match next {
            Some(Command::Load { ladder, settings, known, without_others }) => {
                let along = if without_others { Along::Lost } else { Along::Asked };
                hold::ladder(&llama, &ladder, settings, (known.as_deref(), along), &mut kept, (&inbox, &outbox))
            }
            Some(
                Command::Generate(Generate { id, .. })
                | Command::Record(Generate { id, .. })
                | Command::Tokenize { id, .. },
            ) => {
                outbox.send(&Event::Failed { id: Some(id), problem: Problem::new(protocol::Code::NothingLoaded) });
                inbox.next()
            }
            Some(Command::Requantize { from, to, mix, bytes }) => {
                requantize::run(&llama, requantize::Job { from: &from, to: &to, mix, bytes }, &inbox, &outbox);
                inbox.next()
            }
            Some(Command::Look) => {
                outbox.send(&Event::Looked(Box::new(placing::hardware(&[]))));
                inbox.next()
            }
            Some(Command::Foresee { ladder, settings }) => {
                outbox.send(&Event::Foreseen { devices: placing::foreseen(&ladder, settings, &[]) });
                inbox.next()
            }
            Some(Command::Cancel | Command::Earlier { .. }) => inbox.next(),
            Some(Command::Quit) | None => return 0,
        };
    }
}

/// Lends what this computer has to compute with to another one's Taki, which comes through a tunnel: listens `at` an address that [`may_serve_rpc`]
/// allows, serves one at a time, and ends with the process. llama.cpp may end the process.
///
/// # Errors
/// [`protocol::Code::RemoteUnusable`]: it cannot or must not listen there.
pub fn serve_rpc(at: SocketAddrV4, threads: Option<u16>) -> Result<(), Problem> {
    let _llama = Llama::start()?;
    let threads = threads.map_or_else(num_cpus::get_physical, usize::from).max(1);
    crate::llama::serve(at, threads)
}

/// Whether this computer's address `own` is one at which only itself, or who comes through a tunnel, can reach it.
pub fn may_serve_rpc(own: Ipv4Addr) -> bool {
    crate::llama::may_serve(own)
}

/// A worker that a library ends leaves no copy of its memory on the disk: what was said is in it.
fn leave_no_core() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        if let Err(error) = setrlimit(Resource::Core, none) {
            tracing::warn!(%error, "a copy of the memory may be left on the disk when the engine ends");
        }
    }
}

fn fail(outbox: &Outbox, problem: Problem) -> i32 {
    outbox.send(&Event::Failed { id: None, problem });
    1
}
