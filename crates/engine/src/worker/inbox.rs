use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use protocol::frame;
use protocol::worker::Command;

/// How long a worker without a parent may take to end by itself.
const ORPHAN: Duration = Duration::from_secs(2);

/// Commands, read by a thread of their own so that a cancel is seen during a pass.
#[derive(Debug)]
pub(super) struct Inbox {
    commands: Receiver<Command>,
    cancel: Arc<AtomicBool>,
}

impl Inbox {
    pub(super) fn of_standard_input() -> Self {
        let (sender, commands) = channel();
        let cancel = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&cancel);
        thread::spawn(move || {
            let mut input = std::io::stdin().lock();
            while let Ok(Some(command)) = frame::read::<Command>(&mut input) {
                // A cancel is for what was asked before it, never for what comes after.
                match &command {
                    Command::Cancel => flag.store(true, Ordering::Release),
                    Command::Load { .. } | Command::Generate(_) | Command::Record(_) => {
                        flag.store(false, Ordering::Release);
                    }
                    Command::Earlier { .. } | Command::Quit => {}
                }
                if sender.send(command).is_err() {
                    break;
                }
            }
            // The parent is gone, or talks nonsense: end between two passes, or at the latest now.
            flag.store(true, Ordering::Release);
            drop(sender);
            thread::sleep(ORPHAN);
            std::process::exit(0);
        });
        Self { commands, cancel }
    }

    /// The next command; None when there will be no more.
    pub(super) fn next(&self) -> Option<Command> {
        self.commands.recv().ok()
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
