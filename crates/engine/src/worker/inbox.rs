use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use protocol::frame;
use protocol::worker::Command;

/// Commands, read by a thread of their own so that a cancel is seen during a pass.
#[derive(Debug)]
pub(super) struct Inbox {
    commands: Receiver<Command>,
    /// How many came that were not taken yet.
    waiting: Arc<AtomicUsize>,
    cancel: Arc<AtomicBool>,
}

impl Inbox {
    pub(super) fn of_standard_input() -> Self {
        let (sender, commands) = channel();
        let cancel = Arc::new(AtomicBool::new(false));
        let waiting = Arc::new(AtomicUsize::new(0));
        let (flag, count) = (Arc::clone(&cancel), Arc::clone(&waiting));
        thread::spawn(move || {
            let mut input = std::io::stdin().lock();
            while let Ok(Some(command)) = frame::read::<Command>(&mut input) {
                // A cancel is for what was asked before it, never for what comes after.
                match &command {
                    Command::Cancel => flag.store(true, Ordering::Release),
                    Command::Load { .. }
                    | Command::Generate(_)
                    | Command::Record(_)
                    | Command::Tokenize { .. }
                    | Command::Requantize { .. } => {
                        flag.store(false, Ordering::Release);
                    }
                    Command::Earlier { .. } | Command::Look | Command::Foresee { .. } | Command::Quit => {}
                }
                count.fetch_add(1, Ordering::AcqRel);
                if sender.send(command).is_err() {
                    break;
                }
            }
            // The parent is gone, or talks nonsense: nobody waits for anything any more.
            end_at_once();
        });
        Self { commands, waiting, cancel }
    }

    /// The next command; None when there will be no more.
    pub(super) fn next(&self) -> Option<Command> {
        let command = self.commands.recv().ok()?;
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        Some(command)
    }

    /// Whether somebody waits for something already.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Whether what is being done was cancelled.
    pub(super) fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Acquire)
    }

    /// The same as a thing of its own, for callbacks.
    pub(super) fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }
}

/// Ends the process while other threads compute. The worker keeps nothing that could be lost.
///
/// An ordinary exit would run the destructors of llama.cpp's globals, and a pass in progress on other threads looks into
/// them: it crashed there.
#[cfg(unix)]
#[allow(unsafe_code, reason = "the standard library ends a process only through its destructors")]
pub(super) fn end_at_once() -> ! {
    // SAFETY: it takes a plain number and never returns; nothing of this process is looked at afterwards.
    unsafe { libc::_exit(0) }
}

/// Ends the process while other threads compute: the system ends these before anything is destroyed.
#[cfg(windows)]
pub(super) fn end_at_once() -> ! {
    std::process::exit(0)
}
