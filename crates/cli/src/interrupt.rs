//! Being told to stop (Ctrl+C) or to end: that stops the work in progress; with none the program ends.

use std::io;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use protocol::{Code, Problem};

use crate::terminal;

/// The same said again within this time is meant once, as a signal to the program and to its group is.
const ONCE: Duration = Duration::from_millis(50);

type Stop = Box<dyn FnOnce() + Send>;

/// What the program was told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(windows, allow(dead_code, reason = "Windows only has Ctrl+C"))]
pub(crate) enum Told {
    /// To stop what it does: Ctrl+C.
    Stop,
    /// To end: SIGTERM.
    End,
    /// That its terminal is gone: SIGHUP.
    HungUp,
}

impl Told {
    /// What a program ends with that was told this: 128 and the signal's number.
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::HungUp => 129,
            Self::Stop => 130,
            Self::End => 143,
        }
    }
}

struct State {
    /// How to stop the work in progress; None once it was asked to.
    stop: Option<Stop>,
    told: Option<Told>,
    /// What last stopped something, and when.
    stopped: Option<(Told, Instant)>,
}

static STATE: Mutex<State> = Mutex::new(State { stop: None, told: None, stopped: None });
/// A program can have only one handler.
static HANDLER: Once = Once::new();

/// Does `work`. What the program is told first meanwhile calls `stop`, what it is told next ends it, as anything does
/// without work.
pub(crate) fn stoppable<T>(stop: impl FnOnce() + Send + 'static, work: impl FnOnce() -> T) -> T {
    HANDLER.call_once(|| {
        // Without it a signal simply ends the program.
        let _ = listen();
    });
    state().stop = Some(Box::new(stop));
    let result = work();
    state().stop = None;
    result
}

/// What the program was told last, unless that is forgotten.
pub(crate) fn told() -> Option<Told> {
    state().told
}

/// Refuses to go on once the program was told something.
///
/// # Errors
/// [`Code::Cancelled`].
pub(crate) fn go_on() -> Result<(), Problem> {
    if told().is_some() { Err(Problem::new(Code::Cancelled)) } else { Ok(()) }
}

/// Ctrl+C that reached the program as a key.
pub(crate) fn tell(told: Told) {
    state().told = Some(told);
}

/// What was stopped was all that was meant.
pub(crate) fn forget() {
    state().told = None;
}

/// What is to be done about something that the program was told.
enum Next {
    Stop(Stop),
    End,
    Nothing,
}

impl State {
    fn hear(&mut self, told: Told, now: Instant) -> Next {
        if let Some(stop) = self.stop.take() {
            (self.told, self.stopped) = (Some(told), Some((told, now)));
            return Next::Stop(stop);
        }
        if self.stopped.is_some_and(|(same, at)| same == told && now.saturating_duration_since(at) < ONCE) {
            return Next::Nothing;
        }
        self.told = Some(told);
        Next::End
    }
}

fn hear(told: Told) {
    // What stops may take its time: nothing is held then.
    let next = state().hear(told, Instant::now());
    match next {
        Next::Stop(stop) => stop(),
        Next::Nothing => {}
        Next::End => {
            terminal::restore();
            std::process::exit(i32::from(told.status()));
        }
    }
}

#[cfg(unix)]
fn listen() -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        signals.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(signals)?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            hear(match signal {
                SIGHUP => Told::HungUp,
                SIGTERM => Told::End,
                _ => Told::Stop,
            });
        }
    });
    Ok(())
}

/// Whether whoever started the program wants it to outlive its terminal (`nohup`). Only Linux tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(windows)]
fn listen() -> io::Result<()> {
    ctrlc::set_handler(|| hear(Told::Stop)).map_err(io::Error::other)
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_said_twice_at_once_is_said_once() {
        let began = Instant::now();
        let stopped = |again: Told, after: u64| {
            let mut state = State { stop: Some(Box::new(|| {})), told: None, stopped: None };
            assert!(matches!(state.hear(Told::Stop, began), Next::Stop(_)));
            (matches!(state.hear(again, began + Duration::from_millis(after)), Next::End), state.told)
        };
        assert_eq!(stopped(Told::Stop, 20), (false, Some(Told::Stop)));
        assert_eq!(stopped(Told::Stop, 60), (true, Some(Told::Stop)), "meant");
        assert_eq!(stopped(Told::End, 1), (true, Some(Told::End)), "something else");
        let mut idle = State { stop: None, told: None, stopped: None };
        assert!(matches!(idle.hear(Told::Stop, began), Next::End));
    }
}
