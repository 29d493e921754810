use std::path::PathBuf;
use std::process::{Command, Stdio};

use protocol::{Code, Problem};

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
        let mut command = Command::new(&self.program);
        command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped());
        // On an abort ggml would otherwise run a debugger on itself.
        command.env("GGML_NO_BACKTRACE", "1");
        // Waiting threads sleep soon instead of spinning: on few cores the window needs them.
        if std::env::var_os("OMP_WAIT_POLICY").is_none() && std::env::var_os("GOMP_SPINCOUNT").is_none() {
            command.env("GOMP_SPINCOUNT", "10000");
        }
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // Ctrl+C in a terminal is for the program that owns the conversation, which then cancels.
            command.process_group(0);
        }
        #[cfg(windows)]
        {
            use std::os::windows::process::CommandExt;
            const CREATE_NO_WINDOW: u32 = 0x0800_0000;
            const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
            command.creation_flags(CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP);
        }
        command
    }
}
