//! The person's terminal during a conversation.

/// While this lives, keys are not shown and not gathered into lines by the terminal: what is typed while an answer is
/// written stays out of it and waits for the editor of the next line. Ctrl+C goes on to be a signal.
#[derive(Debug)]
pub(crate) struct Quiet(());

impl Quiet {
    pub(crate) fn begin() -> Self {
        system::begin();
        Self(())
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        restore();
    }
}

/// Leaves the terminal as it was found, whoever changed it since.
pub(crate) fn restore() {
    system::restore();
}

#[cfg(unix)]
mod system {
    use std::sync::{Mutex, PoisonError};

    use rustix::stdio::stdin;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    static FOUND: Mutex<Option<Termios>> = Mutex::new(None);

    pub(super) fn begin() {
        // A terminal that refuses shows keys in the middle of answers, no more.
        let Ok(found) = tcgetattr(stdin()) else { return };
        let mut quiet = found.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
        // Ctrl+C stops the answer; what was typed ahead of it stays.
        quiet.local_modes |= LocalModes::NOFLSH;
        if tcsetattr(stdin(), OptionalActions::Now, &quiet).is_ok() {
            *FOUND.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        }
    }

    pub(super) fn restore() {
        if let Some(found) = FOUND.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = tcsetattr(stdin(), OptionalActions::Now, &found);
        }
    }
}

/// Its console shows keys only while a line is being read.
#[cfg(windows)]
mod system {
    pub(super) fn begin() {}

    pub(super) fn restore() {}
}
