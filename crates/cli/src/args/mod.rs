mod chats;
mod drawing;
mod ladders;
mod misunderstood;
mod models;
mod running;
mod table;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use protocol::{Code, Problem, ReviewRule};

pub(crate) use chats::Chats;
use drawing::{Drawing, Shape};
pub(crate) use ladders::Ladders;
pub(crate) use misunderstood::misunderstood;
pub(crate) use models::{Models, mixes};
pub(crate) use running::{Fixed, Running, counts, drafters, matrix};
pub(crate) use table::Table;

/// A private assistant that runs wholly on this computer and answers sooner.
#[derive(Debug, Parser)]
#[command(name = "taki", version, about)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// Whether the last line of standard output is to be one JSON object.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            Command::Chat(args) => args.json,
            Command::Prove(args) => args.json,
            Command::Bench(args) => args.json,
            Command::Chats { command } => command.json(),
            Command::Lab { command } => command.json(),
            Command::Table { command } => command.json(),
            Command::Doctor(args) => args.json,
            Command::RpcServer(_) => false,
            Command::Models { command } => command.json(),
            Command::Ladders { command } => command.json(),
            Command::Learned { command: Learned::Show { json } | Learned::Erase { json } } => *json,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Talk, or ask one question with --once
    Chat(Chat),
    /// See, search, export and import the conversations of the window
    Chats {
        #[command(subcommand)]
        command: Chats,
    },
    /// See, fetch, add and shrink model files
    Models {
        #[command(subcommand)]
        command: Models,
    },
    /// See which ladders there are, and make your own
    Ladders {
        #[command(subcommand)]
        command: Ladders,
    },
    /// Show that answers are the same with the cascade on and off
    Prove(Prove),
    /// Measure how long answers take in several ways, side by side
    Bench(Bench),
    /// Record what models say and find out what drafting would bring
    Lab {
        #[command(subcommand)]
        command: Lab,
    },
    /// See and erase what was learned on this computer: figures of ladders, and which chats are copied from
    Learned {
        #[command(subcommand)]
        command: Learned,
    },
    /// Count from text files what usually follows, so that drafts know your kind of text
    Table {
        #[command(subcommand)]
        command: Table,
    },
    /// See what this computer has, what of it is used and what could be better
    Doctor(Doctor),
    /// Lend what this computer has to compute with to a Taki on another one (llama.cpp's RPC). It listens on this computer only: the
    /// other one comes through a tunnel of yours, as in `ssh -L 50052:127.0.0.1:50052 this-computer`, and is started with
    /// `TAKI_WORKERS=127.0.0.1:50052`. Everybody who works on this computer can connect, too
    RpcServer(RpcServer),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RpcServer {
    /// Address of this computer: loopback, or its own within a VPN (an interface of the kind tun, as wg0), whose members can all connect then
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST)]
    pub(crate) listen: Ipv4Addr,
    /// Port of this computer
    #[arg(long, default_value_t = 50052, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,
    /// Threads to compute with [default: one for each core]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write everything that helps to find a fault into this new file: figures and settings, nothing that anybody wrote
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Learned {
    /// What is known of each ladder, and how much of earlier chats is copied from
    Show {
        /// Print JSON, with every figure
        #[arg(long)]
        json: bool,
    },
    /// Forget all of it; conversations stay
    Erase {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Chat {
    /// Ask this, print the answer and end; `-` reads the question from standard input
    #[arg(long, value_name = "PROMPT")]
    pub(crate) once: Option<String>,
    /// Print JSON (with --once)
    #[arg(long, requires = "once")]
    pub(crate) json: bool,
    /// Let the target work alone; =false has drafts help it though the settings have them off
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) no_cascade: Option<bool>,
    /// Draft without a look at earlier chats (the answer is the same)
    #[arg(long)]
    pub(crate) no_earlier_chats: bool,
    /// Bit for bit what the target alone would compute, a little slower; =false leaves it though the settings have it on
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) exact: Option<bool>,
    /// How proposed tokens are reviewed: coupled (the target's own answer), rejection or block (another answer of the same
    /// distribution; a difference only with a temperature)
    #[arg(long, value_name = "RULE", default_value = "coupled")]
    review_rule: String,
    /// At most this many tokens per answer
    #[arg(long)]
    max_tokens: Option<u32>,
    #[command(flatten)]
    pub(crate) running: Running,
    #[command(flatten)]
    pub(crate) drawing: Drawing,
    #[command(flatten)]
    pub(crate) shape: Shape,
}

/// Which questions are asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Questions {
    /// Questions, one JSON object with `turns` per line
    #[arg(long)]
    pub(crate) suite: PathBuf,
    /// Only the first so many questions (for bench and lab: of each category)
    #[arg(long)]
    limit: Option<usize>,
    /// At most this many tokens per answer
    #[arg(long, default_value_t = 64)]
    max_tokens: u32,
}

/// Who decides how much is drafted in a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProofPolicy {
    /// The ladder's K matrix, which always drafts
    Matrix,
    /// What chats use: it drafts where that pays on this computer
    Adaptive,
}

impl std::fmt::Display for ProofPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::Matrix { "matrix" } else { "adaptive" })
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Prove {
    #[command(flatten)]
    pub(crate) questions: Questions,
    /// Who decides how much is drafted
    #[arg(long, value_enum, default_value_t = ProofPolicy::Matrix)]
    pub(crate) policy: ProofPolicy,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) running: Running,
    #[command(flatten)]
    pub(crate) fixed: Fixed,
    #[command(flatten)]
    pub(crate) drawing: Drawing,
    #[command(flatten)]
    pub(crate) shape: Shape,
}

#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(crate) questions: Questions,
    /// How often each question is answered in each way; the median counts
    #[arg(long, default_value_t = 3)]
    repeats: u32,
    /// Long answers that seem slower than the target alone are given so many times more in both ways, with an interval
    #[arg(long, default_value_t = 0, value_name = "TIMES")]
    again: u32,
    /// About so many tokens of other text stand before every question, read once: how speed and memory are in a long conversation
    #[arg(long, default_value_t = 0, value_name = "TOKENS")]
    pub(crate) held: usize,
    /// Every answer begins with nothing learned of the ladder but what passes took when it was loaded: as the very first one
    #[arg(long)]
    pub(crate) cold: bool,
    /// In exact mode
    #[arg(long)]
    pub(crate) exact: bool,
    /// What is measured besides the target alone: adaptive, cascade (the ladder's K matrix), speculative-N (N tokens of the
    /// largest draft at a time), max-gram-N, each with -waiting if no draft is to go ahead, adaptive-line (without second
    /// choices beside a draft); with --peers also llama-server/none, /draft-simple, /ngram-simple,
    /// /ngram-map-k, /ngram-mod, /ngram-cache, all of them if none is named
    #[arg(long, value_delimiter = ',', default_value = "adaptive")]
    pub(crate) configs: Vec<String>,
    /// A llama-server to measure beside Taki, on the same files, threads and prompts
    #[arg(long, env = "TAKI_LLAMA_SERVER", value_name = "LLAMA_SERVER")]
    pub(crate) peers: Option<PathBuf>,
    /// Also record what the models say and tell what the laboratory would have predicted for each of Taki's ways
    #[arg(long)]
    pub(crate) predict: bool,
    /// Also write the table to this file, as comma-separated values
    #[arg(long)]
    pub(crate) csv: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) running: Running,
    #[command(flatten)]
    pub(crate) fixed: Fixed,
    #[command(flatten)]
    pub(crate) drawing: Drawing,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Lab {
    /// Record what every model of a ladder says to questions
    Record(Record),
    /// Show how long a pass of each model takes on this computer, as a file of costs
    Costs(Costs),
    /// Standardised walltime improvement on a recorded trace: the best fixed ways of drafting and the adaptive one
    Swi(Swi),
}

impl Lab {
    fn json(&self) -> bool {
        match self {
            Self::Record(args) => args.json,
            Self::Costs(args) => args.json,
            Self::Swi(args) => args.json,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Record {
    #[command(flatten)]
    pub(crate) questions: Questions,
    /// Where the trace goes
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Costs {
    /// Where the costs go [default: only on screen]
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Swi {
    /// A trace of `taki lab record`
    #[arg(long)]
    pub(crate) trace: PathBuf,
    /// Cost of a call of each model, the target first, whatever its width; those of models that the trace does not have are left out
    #[arg(long, value_delimiter = ',', default_value = "1,0.04,0.02")]
    pub(crate) coefficients: Vec<f64>,
    /// A file of costs by width instead, as `taki lab costs` writes it
    #[arg(long, conflicts_with = "coefficients")]
    pub(crate) costs: Option<PathBuf>,
    /// How much the drafts' own reviews may let pass, 1 is nothing
    #[arg(long, default_value_t = 1.0)]
    pub(crate) lenience: f32,
    /// Play only the first so many models of the trace, as a ladder of its own; 1 is the target with Max-Gram
    #[arg(long)]
    models: Option<usize>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) fixed: Fixed,
}

impl Swi {
    /// How many models are wanted of a trace that has so many.
    pub(crate) fn models(&self, recorded: usize) -> Result<usize, Problem> {
        match at_least_one("--models", self.models.unwrap_or(recorded))? {
            models if models <= recorded => Ok(models),
            models => Err(setting("--models", models, &format!("the trace has {recorded} of them"))),
        }
    }
}

impl Chat {
    pub(crate) fn max_tokens(&self) -> Result<Option<u32>, Problem> {
        self.max_tokens.map(|count| at_least_one("--max-tokens", count)).transpose()
    }

    /// The rule that was asked for, in exact mode or not.
    pub(crate) fn review_rule(&self, exact: bool) -> Result<ReviewRule, Problem> {
        let refuse = |reason| setting("--review-rule", &self.review_rule, reason);
        let rule = ReviewRule::named(&self.review_rule).ok_or_else(|| refuse("it is coupled, rejection or block"))?;
        if exact && rule != ReviewRule::Coupled {
            return Err(refuse("exact mode gives the target's own answer, which only coupled does"));
        }
        Ok(rule)
    }
}

impl Bench {
    pub(crate) fn repeats(&self) -> Result<u32, Problem> {
        at_least_one("--repeats", self.repeats)
    }

    pub(crate) fn again(&self) -> Result<u32, Problem> {
        if self.again == 1 {
            return Err(setting("--again", 1, "an interval needs two pairs of answers or more"));
        }
        Ok(self.again)
    }
}

impl Questions {
    pub(crate) fn max_tokens(&self) -> Result<u32, Problem> {
        at_least_one("--max-tokens", self.max_tokens)
    }

    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        at_least_one("--limit", self.limit.unwrap_or(usize::MAX))
    }
}

/// Nothing at all would look like a success.
fn at_least_one<T: Default + PartialEq + std::fmt::Display>(name: &str, value: T) -> Result<T, Problem> {
    if value == T::default() { Err(setting(name, value, "at least one is needed")) } else { Ok(value) }
}

pub(crate) fn setting(name: &str, value: impl std::fmt::Display, reason: &str) -> Problem {
    Problem::new(Code::SettingInvalid).with("name", name).with("value", value).with("reason", reason)
}
