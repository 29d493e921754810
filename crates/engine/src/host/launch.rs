use std::path::PathBuf;
use std::process::Command;

use protocol::{Code, Problem, rerun};

use crate::worker::WORKERS;

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

    /// With these other computers to compute along; None leaves that to the environment (`TAKI_WORKERS`).
    pub(super) fn command(&self, workers: Option<&[String]>) -> Command {
        let mut command = rerun(&self.program, "worker");
        // On an abort ggml would otherwise run a debugger on itself.
        command.env("GGML_NO_BACKTRACE", "1");
        if let Some(workers) = workers {
            command.env(WORKERS, workers.join(","));
        }
        command.env(TUNABLES, with_huge_pages(std::env::var(TUNABLES).ok()));
        command
    }
}

/// What glibc (2.35 and newer) reads at a program's start; every other system ignores it.
const TUNABLES: &str = "GLIBC_TUNABLES";

/// Asks the system for huge pages: a pass reads all weights once, and with pages of 4 KiB the processor spends a good part of it
/// on looking up where they are. What somebody has set already comes later and so has the last word.
fn with_huge_pages(set: Option<String>) -> String {
    let asked = "glibc.malloc.hugetlb=1";
    set.filter(|set| !set.is_empty()).map_or_else(|| asked.to_owned(), |set| format!("{asked}:{set}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_asked_for_beside_what_is_set() {
        let given = |set: &str| with_huge_pages(Some(set.to_owned()));
        assert_eq!(with_huge_pages(None), "glibc.malloc.hugetlb=1");
        assert_eq!(given(""), "glibc.malloc.hugetlb=1");
        assert_eq!(given("glibc.malloc.hugetlb=0"), "glibc.malloc.hugetlb=1:glibc.malloc.hugetlb=0");
    }
}
