use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Table {
    /// Count the table of a ladder anew from text files (UTF-8); the ladder drafts from it from then on
    Build {
        /// A ladder of the list, or the path of a .gguf file [default: the one chosen in the window]
        #[arg(long)]
        ladder: Option<String>,
        /// The text
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Every table and its size
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove tables
    Erase {
        /// Only the one of this ladder
        #[arg(long)]
        ladder: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Table {
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Build { json, .. } | Self::Show { json } | Self::Erase { json, .. } => *json,
        }
    }
}
