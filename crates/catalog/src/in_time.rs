//! Work that waits for others, done where nobody who cancels has to wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use protocol::{Code, Problem};

use crate::fetch::{FetchProgress, GLANCE};

/// What is heard of work that goes on elsewhere.
enum Heard<T> {
    Progress(FetchProgress),
    Done(Result<T, Problem>),
}

/// Does what waits for others on a thread of its own, so that nobody who cancels has to wait for an answer; `work` is told when nobody waits any more, and tells `on` how far it is.
///
/// # Errors
/// Those of `work`; [`Code::Cancelled`].
pub(crate) fn in_time<T: Send + 'static>(
    cancel: &AtomicBool,
    on: &mut dyn FnMut(FetchProgress),
    work: impl FnOnce(&AtomicBool, &mut dyn FnMut(FetchProgress)) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    if cancel.load(Ordering::Acquire) {
        return Err(Problem::new(Code::Cancelled));
    }
    let (answer, answered) = mpsc::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    thread::spawn(move || {
        // Nobody may wait for it any more.
        let done = work(&stopped, &mut |progress| drop(answer.send(Heard::Progress(progress))));
        let _ = answer.send(Heard::Done(done));
    });
    loop {
        let heard = answered.recv_timeout(GLANCE);
        // Whoever stops it just then has stopped it.
        if cancel.load(Ordering::Acquire) {
            stop.store(true, Ordering::Release);
            return Err(Problem::new(Code::Cancelled));
        }
        match heard {
            Ok(Heard::Done(done)) => return done,
            Ok(Heard::Progress(progress)) => on(progress),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Problem::new(Code::Internal).with("reason", "nobody asked for the files"));
            }
        }
    }
}
