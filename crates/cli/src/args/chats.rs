use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Chats {
    /// Every conversation: pinned ones first, then the latest first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Find words in messages and titles
    Search {
        /// All of these have to be there, in any order, inside words too
        #[arg(required = true)]
        words: Vec<String>,
        /// At most this many places
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a conversation as it is shown in the window
    Show {
        /// Its number in the list
        conversation: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write conversations to a file: everything to .json, what is to be read to .md
    Export {
        /// Where they go; its ending says how
        path: PathBuf,
        /// Numbers of the list [default: all of them]
        conversations: Vec<u32>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add the conversations of a file that was exported
    Import {
        /// The file
        path: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a conversation; the window wipes it for good when it starts next
    Delete {
        /// Its number in the list
        conversation: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take back a deletion
    Restore {
        /// Its number when it was in the list
        conversation: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Chats {
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::List { json }
            | Self::Search { json, .. }
            | Self::Show { json, .. }
            | Self::Export { json, .. }
            | Self::Import { json, .. }
            | Self::Delete { json, .. }
            | Self::Restore { json, .. } => *json,
        }
    }
}
