use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Ladders {
    /// Every ladder and its rungs
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Which ladder suits this computer, and why
    Suggest {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Try how fast a ladder is here, with the cascade and without; takes about a minute
    Check {
        /// A ladder of the list [default: the one chosen in the window]
        ladder: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a ladder of your own
    Make {
        /// How it is to be called
        name: String,
        /// Its target, then its draft models: models of the list or .gguf files
        #[arg(required = true, value_name = "MODEL")]
        models: Vec<String>,
        /// Let draft models whose tokens are others than the target's draft by text, which is slower
        #[arg(long)]
        by_text: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a ladder of your own that is the same as another one
    Copy {
        /// A ladder of the list
        ladder: String,
        /// How the copy is to be called
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a ladder of your own; what it was before is kept
    Change {
        /// A ladder of the list
        ladder: String,
        /// How it is to be called from now on
        #[arg(long)]
        name: Option<String>,
        /// Its target, then its draft models, separated by commas
        #[arg(long, value_delimiter = ',', value_name = "MODELS")]
        models: Vec<String>,
        /// How many tokens each model drafts for each reviewer in fixed ways of drafting: rows of a K matrix, as in `4,4;0,4`
        #[arg(long, value_name = "ROWS")]
        k: Option<String>,
        /// Whether draft models whose tokens are others than the target's draft by text, which is slower
        #[arg(long, value_name = "YES", value_parser = clap::builder::BoolishValueParser::new())]
        by_text: Option<bool>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a ladder as the recipe that can be kept and handed on
    Show {
        /// A ladder of the list
        ladder: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a ladder's recipe to a file, to hand on
    Export {
        /// A ladder of the list
        ladder: String,
        /// The file
        file: PathBuf,
        /// Put its model files beside it, for computers without a network
        #[arg(long)]
        with_models: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a recipe in, and the model files that lie beside it
    Import {
        /// The file
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// What a ladder of your own was before
    Versions {
        /// The ladder, or one that was removed
        ladder: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Ladders of your own that were removed; `back` brings one back
    Removed {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Bring back what a ladder of your own was before, or one that was removed
    Back {
        /// The ladder, or one that was removed
        ladder: String,
        /// Which version [default: the latest before now]
        version: Option<u32>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a ladder of your own; its model files stay unless you say so
    Remove {
        /// A ladder of the list
        ladder: String,
        /// Also delete those of its model files that no other ladder uses; they cannot be brought back
        #[arg(long)]
        with_files: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Ladders {
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::List { json }
            | Self::Suggest { json }
            | Self::Removed { json }
            | Self::Check { json, .. }
            | Self::Make { json, .. }
            | Self::Copy { json, .. }
            | Self::Change { json, .. }
            | Self::Show { json, .. }
            | Self::Export { json, .. }
            | Self::Import { json, .. }
            | Self::Versions { json, .. }
            | Self::Back { json, .. }
            | Self::Remove { json, .. } => *json,
        }
    }
}
