use std::path::PathBuf;

use clap::Subcommand;
use protocol::{Mix, Problem};

use super::setting;

#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// Every model, its size and whether it is here
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Download what a ladder or model still lacks
    Fetch {
        /// Ladders and models of the lists, one after the other; or the address of a .gguf file, or of its page, in a Hugging Face repository
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Keep a token of the model repository in this computer's keyring, for models that are not open to all
    Token {
        /// Forget the one that is kept
        #[arg(long)]
        remove: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask the repositories whether the files of the list are what it says of them, and go together by their beginnings (some MB each)
    Check {
        /// Only these ladders and models
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take .gguf files of your own into the list (files on the same disk take no space twice)
    Add {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make smaller versions of a model, as drafts or for less memory, and say how often they agree with it
    #[command(after_help = every_mix())]
    Shrink {
        /// A model of the list, a .gguf file, or a ladder of the list: then its target
        model: String,
        /// To which mixes, for example `Q4_0,Q3_K_S`
        #[arg(long, required = true, value_delimiter = ',', value_name = "MIXES")]
        to: Vec<String>,
        /// Also make a ladder of this name: the model, and what is made of it as its drafts
        #[arg(long, value_name = "NAME")]
        ladder: Option<String>,
        /// Do not measure how often they agree and how fast they are
        #[arg(long)]
        no_probe: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete the file of a model, and what is not whole of it: a download that you gave up, a wrong file that was set aside
    Remove {
        /// A model of the list
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Read the files of a ladder or model again and check that they are whole
    Verify {
        /// A ladder or a model of the lists
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell what model files are, without reading more than their headers; with several, whether the others can draft for the first
    Inspect {
        /// A .gguf file, its address (only its beginning is downloaded), or a model of the list
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Models {
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::List { json }
            | Self::Fetch { json, .. }
            | Self::Token { json, .. }
            | Self::Check { json, .. }
            | Self::Add { json, .. }
            | Self::Shrink { json, .. }
            | Self::Remove { json, .. }
            | Self::Verify { json, .. }
            | Self::Inspect { json, .. } => *json,
        }
    }
}

/// Every mix with what it is good for.
fn every_mix() -> String {
    let line = |mix: Mix| format!("\n  {:<7} {:.1} bits: {}", mix.name(), mix.bits(), good_for(mix));
    let lines: String = Mix::ALL.into_iter().map(line).collect();
    format!("Mixes, the best first, with about how many bits each weight takes:{lines}")
}

fn good_for(mix: Mix) -> &'static str {
    match mix {
        Mix::Q8_0 => "nearly the same as the original",
        Mix::Q6K => "hardly a difference",
        Mix::Q5KM => "little is lost",
        Mix::Q5KS => "a little smaller than Q5_K_M",
        Mix::Q4KM => "the usual choice for answers",
        Mix::Q4KS => "a little smaller than Q4_K_M",
        Mix::Q4_1 => "larger than Q4_0, and loses a little less",
        Mix::Q4_0 => "fast on processors, a good first draft",
        Mix::Iq4Nl => "loses less than Q4_0 at its size, slower on some processors",
        Mix::Iq4Xs => "the smallest with four bits, slower on some processors",
        Mix::Q3KL => "something is lost",
        Mix::Q3KM => "more is lost, good for drafts",
        Mix::Q3KS => "much is lost, for drafts",
        Mix::Q2K => "the smallest: for drafts of large models",
    }
}

/// The mixes with these names, each once.
pub(crate) fn mixes(names: &[String]) -> Result<Vec<Mix>, Problem> {
    let mut mixes = Vec::new();
    for name in names {
        let mix = Mix::named(name).ok_or_else(|| {
            let known = Mix::ALL.map(Mix::name).join(", ");
            setting("--to", name, &format!("it is one of {known}"))
        })?;
        if !mixes.contains(&mix) {
            mixes.push(mix);
        }
    }
    Ok(mixes)
}
