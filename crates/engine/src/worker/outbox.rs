use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::rc::Rc;

use protocol::frame;
use protocol::worker::Event;

/// The way to the parent.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    pipe: Rc<RefCell<File>>,
}

impl Outbox {
    /// Takes standard output for frames alone; whatever else writes to it goes to standard error from now on.
    ///
    /// # Errors
    /// The system's.
    #[cfg(unix)]
    pub(super) fn of_standard_output() -> io::Result<Self> {
        let pipe = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        Ok(Self { pipe: Rc::new(RefCell::new(File::from(pipe))) })
    }

    /// Takes a second handle of standard output; nothing else in this process prints there.
    ///
    /// # Errors
    /// The system's.
    #[cfg(windows)]
    pub(super) fn of_standard_output() -> io::Result<Self> {
        use std::os::windows::io::AsHandle;
        let pipe = io::stdout().as_handle().try_clone_to_owned()?;
        Ok(Self { pipe: Rc::new(RefCell::new(File::from(pipe))) })
    }

    /// Sends an event. A parent that is gone is noticed by the inbox, which ends the process.
    pub(super) fn send(&self, event: &Event) {
        if let Err(error) = frame::write(&mut *self.pipe.borrow_mut(), event) {
            tracing::debug!(%error, "nobody listens");
        }
    }
}
