use std::path::PathBuf;
use std::process::Command;

use protocol::{Code, Problem, rerun};

/// How a worker is started.
#[derive(Debug, Clone)]
pub struct Launch {
    program: PathBuf,
}

impl Launch {
    /// This very program with the argument `worker`; its `main` must hand over to [`worker_main`](crate::worker_main).
    ///
    /// # Errors
    /// [`Code::WorkerMissing`]: the system does not tell which file this program is.
    pub fn this_program() -> Result<Self, Problem> {
        std::env::current_exe()
            .map(Self::program)
            .map_err(|error| Problem::new(Code::WorkerMissing).with("reason", error))
    }

    /// Another program that does the same.
    pub fn program(path: impl Into<PathBuf>) -> Self {
        Self { program: path.into() }
    }

    pub(super) fn command(&self) -> Command {
        let mut command = rerun(&self.program, "worker");
        // On an abort ggml would otherwise run a debugger on itself.
        command.env("GGML_NO_BACKTRACE", "1");
        command
    }
}
