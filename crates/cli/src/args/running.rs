use std::path::PathBuf;

use protocol::Problem;
use protocol::ladder::{CacheType, EngineSettings};

use super::setting;

/// Type of keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum KvType {
    /// 16 bits
    F16,
    /// About half of that
    #[value(name = "q8_0")]
    Q8,
    /// About a quarter of that
    #[value(name = "q4_0")]
    Q4,
}

impl KvType {
    fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Q8 => "q8_0",
            Self::Q4 => "q4_0",
        }
    }
}

/// How the engine is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Running {
    /// A ladder of the list, or the path of a .gguf file [default: the one chosen in the window]
    #[arg(long)]
    pub(crate) ladder: Option<String>,
    /// A .gguf file as a draft model in place of the ladder's; can be given again, the largest first
    #[arg(long, value_name = "FILE")]
    pub(crate) draft: Vec<PathBuf>,
    /// Let draft models whose tokens are others than the target's draft by text, which is slower
    #[arg(long)]
    pub(crate) by_text: bool,
    /// Context length in tokens
    #[arg(long)]
    context: Option<u32>,
    /// Type of keys and values that models hold of a text: smaller ones save memory, and cost time and some exactness
    #[arg(long, value_enum, default_value_t = KvType::F16)]
    kv: KvType,
    /// Threads to compute with [default: the fastest, found by trying]
    #[arg(long)]
    threads: Option<u32>,
    /// Layers of the target on graphics cards, the output counted as one; 0 leaves everything to the processor [default: as many as answers
    /// are soonest with]
    #[arg(long, allow_negative_numbers = true)]
    gpu_layers: Option<u16>,
}

impl Running {
    pub(crate) fn engine(&self, exact: bool) -> Result<EngineSettings, Problem> {
        let refuse = |name: &str, value: u32, reason: &str| Err(setting(name, value, reason));
        if let Some(context @ ..64) = self.context {
            return refuse("--context", context, "an answer needs at least 64 tokens");
        }
        let threads = match self.threads {
            Some(0) => return refuse("--threads", 0, "at least one is needed"),
            Some(threads @ 513..) => return refuse("--threads", threads, "the engine can use 512 at most"),
            threads => threads.and_then(|threads| u16::try_from(threads).ok()),
        };
        if exact && self.kv != KvType::F16 {
            return Err(setting("--kv", self.kv.name(), "exact mode knows 16 bits only"));
        }
        let cache = match self.kv {
            KvType::F16 => CacheType::F16,
            KvType::Q8 => CacheType::Q8,
            KvType::Q4 => CacheType::Q4,
        };
        Ok(EngineSettings { exact, threads, context: self.context, cache, gpu_layers: self.gpu_layers })
    }
}

/// How much is drafted where that is fixed.
#[derive(Debug, clap::Args)]
pub(crate) struct Fixed {
    /// How many tokens each model drafts for each reviewer (bench: in the way called cascade; lab swi: in one called given): rows of a K
    /// matrix, as in `4,4;0,4`
    #[arg(long, value_name = "ROWS")]
    k: Option<String>,
}

impl Fixed {
    /// The K matrix that was asked for; whether it goes with the ladder is seen when that is loaded.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`]: something in it is no number.
    pub(crate) fn k(&self) -> Result<Option<Vec<Vec<u32>>>, Problem> {
        self.k.as_deref().map(matrix).transpose()
    }
}

/// The K matrix that somebody wrote.
///
/// # Errors
/// [`Code::SettingInvalid`](protocol::Code::SettingInvalid): something in it is no number.
pub(crate) fn matrix(text: &str) -> Result<Vec<Vec<u32>>, Problem> {
    let rows = text.split(';').map(|row| row.split(',').map(|entry| entry.trim().parse()).collect());
    let rows: Result<_, std::num::ParseIntError> = rows.collect();
    rows.map_err(|_| setting("--k", text, "it must be rows of whole numbers, as in 4,4;0,4"))
}
