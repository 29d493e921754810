use std::io;
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use protocol::frame;
use protocol::worker::{Command, Event};
use protocol::{Code, Problem};

use super::launch::Launch;
use crate::VERSION;

/// How long a worker may take to stop after it was asked to.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long one may take to end once its pipe is closed: a driver may have much to give back.
const ENDING: Duration = Duration::from_secs(15);

/// How often one that ends is looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// Whether a program ended itself in the way of C's `abort`.
fn is_abort(status: ExitStatus) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        status.signal() == Some(libc::SIGABRT)
    }
    // Windows: the exit code of `abort`, or of a fast failure.
    #[cfg(not(unix))]
    {
        matches!(status.code(), Some(3)) || status.code() == Some(0xC000_0409_u32 as i32)
    }
}

/// What the waiting side can hear.
#[derive(Debug)]
pub(super) enum Heard {
    Event(Box<Event>),
    /// The worker's pipe is closed: it is dead.
    Ended,
    /// Someone cancelled.
    Nudge,
}

/// A way to reach a running worker from another thread.
#[derive(Debug, Clone)]
pub(super) struct Line {
    input: Arc<Mutex<ChildStdin>>,
    nudge: Sender<Heard>,
}

impl Line {
    /// Sends a command. One that cannot be sent at all is refused; a worker that is gone is noticed by the next read.
    pub(super) fn ask(&self, command: &Command) -> Result<(), Problem> {
        match self.say(command) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Err(Problem::new(Code::Internal).with("reason", error))
            }
            _ => Ok(()),
        }
    }

    fn say(&self, command: &Command) -> io::Result<()> {
        frame::write(&mut *self.input.lock().unwrap_or_else(PoisonError::into_inner), command)
    }

    /// Asks the worker to stop what it does and tells the waiting side to expect that.
    pub(super) fn cancel(&self) {
        // A worker that is gone has stopped.
        let _ = self.say(&Command::Cancel);
        let _ = self.nudge.send(Heard::Nudge);
    }
}

/// A running worker. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    line: Line,
    heard: Receiver<Heard>,
    /// Set by a cancel: when patience ends.
    deadline: Option<Instant>,
    /// It died between two requests.
    ended: bool,
    /// It ended itself: a library found something that it cannot go on with. Or it waited too long for a device, and said nothing.
    aborted: bool,
    silent: bool,
    /// How long it may say nothing at a time.
    silence: Option<Duration>,
    /// The version that it says it is of, if that is another one than this program's: nothing else that it says is understood.
    other: Option<String>,
}

impl Process {
    pub(super) fn start(launch: &Launch, workers: Option<&[String]>) -> Result<Self, Problem> {
        let missing = |reason: &dyn std::fmt::Display| Problem::new(Code::WorkerMissing).with("reason", reason);
        let mut child = launch.command(workers).spawn().map_err(|error| missing(&error))?;
        let (Some(input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(missing(&"its pipes are missing"));
        };
        let (sender, heard) = channel();
        let line = Line { input: Arc::new(Mutex::new(input)), nudge: sender.clone() };
        thread::spawn(move || {
            while let Ok(Some(event)) = frame::read::<Event>(&mut output) {
                if sender.send(Heard::Event(Box::new(event))).is_err() {
                    return;
                }
            }
            let _ = sender.send(Heard::Ended);
        });
        tracing::info!(pid = child.id(), "worker started");
        let (deadline, silence, other) = (None, None, None);
        Ok(Self { child, line, heard, deadline, ended: false, aborted: false, silent: false, silence, other })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    /// Forgets what came for something that is over, a cancel above all: it would end the worker in the middle of the
    /// next request.
    pub(super) fn begin(&mut self) {
        self.deadline = None;
        while let Ok(heard) = self.heard.try_recv() {
            match heard {
                Heard::Event(event) => self.meet(&event),
                Heard::Ended => self.ended = true,
                Heard::Nudge => {}
            }
        }
    }

    /// Looks whether a worker that introduces itself is of this program.
    fn meet(&mut self, event: &Event) {
        if let Event::Ready { version } = event
            && version != VERSION
        {
            tracing::warn!(pid = self.pid(), version, "the program was replaced by another version");
            self.other = Some(version.clone());
        }
    }

    /// The next event; None if the worker is dead. One that does not stop in time after a cancel is killed. One of another version only fails.
    pub(super) fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(version) = &self.other {
                let replaced = Problem::new(Code::ProgramReplaced);
                // The oldest ones do not tell theirs.
                let problem = if version.is_empty() { replaced } else { replaced.with("version", version) };
                return Some(Event::Failed { id: None, problem });
            }
            let limit = match self.deadline {
                Some(deadline) => Some(deadline.saturating_duration_since(Instant::now())),
                None => self.silence,
            };
            let heard = match limit {
                _ if self.ended => Heard::Ended,
                None => self.heard.recv().unwrap_or(Heard::Ended),
                Some(limit) => match self.heard.recv_timeout(limit) {
                    Ok(heard) => heard,
                    Err(RecvTimeoutError::Disconnected) => Heard::Ended,
                    Err(RecvTimeoutError::Timeout) => {
                        // Nobody cancelled: it waits for a device.
                        self.silent = self.deadline.is_none();
                        self.aborted = self.silent;
                        tracing::warn!(pid = self.pid(), cancelled = !self.aborted, "worker says nothing in time");
                        self.kill();
                        return None;
                    }
                },
            };
            match heard {
                Heard::Event(event) => {
                    self.meet(&event);
                    if self.other.is_none() {
                        return Some(*event);
                    }
                }
                Heard::Nudge => self.deadline = Some(Instant::now() + PATIENCE),
                Heard::Ended => {
                    self.aborted = self.ends_by_itself().is_some_and(is_abort);
                    self.kill();
                    return None;
                }
            }
        }
    }

    /// How it ends, now that its pipe is closed; None if that takes too long.
    fn ends_by_itself(&mut self) -> Option<ExitStatus> {
        let began = Instant::now();
        while began.elapsed() < ENDING {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(GLANCE),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
        None
    }

    /// From now on it is ended when it says nothing for so long; None waits.
    pub(super) fn may_be_silent(&mut self, silence: Option<Duration>) {
        self.silence = silence;
    }

    /// Whether it ended itself because a library found something that it cannot go on with, or waited too long for a device.
    pub(super) fn has_aborted(&self) -> bool {
        self.aborted
    }

    /// Whether it waited too long for a device.
    pub(super) fn was_silent(&self) -> bool {
        self.silent
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        if let Ok(status) = self.child.wait() {
            tracing::info!(pid = self.child.id(), %status, "worker ended");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It keeps nothing that could be lost.
        self.kill();
    }
}
