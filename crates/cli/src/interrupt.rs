//! Ctrl+C: stops the work in progress; with none it ends the program.

use std::sync::{Mutex, MutexGuard, Once, PoisonError};

type Stop = Box<dyn FnOnce() + Send>;

/// How to stop the work in progress; None once it was asked to.
static STOP: Mutex<Option<Stop>> = Mutex::new(None);
/// A program can have only one handler.
static HANDLER: Once = Once::new();

/// Does `work`. The first Ctrl+C meanwhile calls `stop`, the second ends the program, as any does without work.
pub(crate) fn stoppable<T>(stop: impl FnOnce() + Send + 'static, work: impl FnOnce() -> T) -> T {
    HANDLER.call_once(|| {
        // Without it Ctrl+C simply ends the program.
        let _ = ctrlc::set_handler(|| {
            let stop = held().take();
            match stop {
                Some(stop) => stop(),
                None => std::process::exit(130),
            }
        });
    });
    *held() = Some(Box::new(stop));
    let result = work();
    *held() = None;
    result
}

fn held() -> MutexGuard<'static, Option<Stop>> {
    STOP.lock().unwrap_or_else(PoisonError::into_inner)
}
