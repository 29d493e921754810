use std::path::PathBuf;

use protocol::Problem;
use protocol::ladder::EngineSettings;

use super::setting;

/// How the engine is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Running {
    /// A ladder of the list, or the path of a .gguf file [default: the one chosen in the window]
    #[arg(long)]
    pub(crate) ladder: Option<String>,
    /// A .gguf file as a draft model in place of the ladder's; can be given again, the largest first
    #[arg(long, value_name = "FILE")]
    pub(crate) draft: Vec<PathBuf>,
    /// Context length in tokens
    #[arg(long)]
    context: Option<u32>,
    /// Threads to compute with [default: the fastest, found by trying]
    #[arg(long)]
    threads: Option<u16>,
}

impl Running {
    pub(crate) fn engine(&self, exact: bool) -> Result<EngineSettings, Problem> {
        let refuse = |name: &str, value: u32, reason: &str| Err(setting(name, value, reason));
        if let Some(context @ ..64) = self.context {
            return refuse("--context", context, "an answer needs at least 64 tokens");
        }
        if let Some(0) = self.threads {
            return refuse("--threads", 0, "at least one is needed");
        }
        if let Some(threads @ 513..) = self.threads {
            return refuse("--threads", threads.into(), "the engine can use 512 at most");
        }
        Ok(EngineSettings { exact, threads: self.threads, context: self.context })
    }
}

/// How much is drafted where that is fixed.
#[derive(Debug, clap::Args)]
pub(crate) struct Fixed {
    /// How many tokens each model drafts for each reviewer (bench: in the way called cascade): rows of a K matrix, as in `4,4;0,4`
    #[arg(long, value_name = "ROWS")]
    k: Option<String>,
}

impl Fixed {
    /// The K matrix that was asked for; whether it goes with the ladder is seen when that is loaded.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`]: something in it is no number.
    pub(crate) fn k(&self) -> Result<Option<Vec<Vec<u32>>>, Problem> {
        let Some(text) = &self.k else { return Ok(None) };
        let rows = text.split(';').map(|row| row.split(',').map(|entry| entry.trim().parse()).collect());
        let rows: Result<_, std::num::ParseIntError> = rows.collect();
        rows.map(Some).map_err(|_| setting("--k", text, "it must be rows of whole numbers, as in 4,4;0,4"))
    }
}
