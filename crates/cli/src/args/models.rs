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
        /// Ladders and models of the lists, one after the other
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
    /// Ask the repositories whether the files of the list are what it says of them
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
    Shrink {
        /// A model of the list, or a .gguf file
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
    /// Delete the file of a model
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
