//! Writing a model anew in another mix.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use protocol::worker::Event;
use protocol::{Code, Mix, Problem};

use super::inbox::{Inbox, end_at_once};
use super::outbox::Outbox;
use crate::llama::Llama;

/// How often is told how far it is, and looked whether it is still wanted.
const GLANCE: Duration = Duration::from_millis(100);

/// What is to be done.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) from: &'a Path,
    pub(super) to: &'a Path,
    pub(super) mix: Mix,
    /// About how many bytes that will have.
    pub(super) bytes: u64,
}

pub(super) fn run(llama: &Llama, job: Job<'_>, inbox: &Inbox, outbox: &Outbox) {
    // Half of them are left to whoever answers meanwhile.
    let threads = (num_cpus::get_physical() / 2).max(1);
    let ended = thread::scope(|scope| {
        let work = scope.spawn(|| llama.requantize(job.from, job.to, job.mix, threads));
        while !work.is_finished() {
            if inbox.cancelled() {
                // llama.cpp cannot be stopped in the middle of a tensor, and nothing else is held here.
                end_at_once();
            }
            let done = fs::metadata(job.to).map_or(0, |about| about.len());
            let fraction = (done as f64 / job.bytes.max(1) as f64).min(0.99) as f32;
            outbox.send(&Event::Requantizing { fraction });
            thread::sleep(GLANCE);
        }
        work.join().unwrap_or_else(|_| Err(Problem::new(Code::Internal).with("reason", "requantizing failed")))
    });
    outbox.send(&match ended {
        Ok(()) => Event::Requantized,
        Err(problem) => Event::Failed { id: None, problem },
    });
}
