use serde::{Deserialize, Serialize};
use specta::Type;

use crate::Problem;
use crate::chat::FetchShare;

/// The version that runs, and where newer ones are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct UpdatesAbout {
    /// The version that runs.
    pub version: String,
    /// Where newer ones are looked for.
    pub from: UpdatesFrom,
}

/// Where newer versions are looked for, or why they are looked for nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UpdatesFrom {
    /// They are switched off.
    Off,
    /// This program was not installed from a package: there is nothing that could be replaced.
    NoPackage,
    /// Nobody has said where.
    Nowhere,
    /// There is no key to check them with.
    NoKey,
    /// In a folder.
    Folder {
        /// Its path.
        path: String,
    },
    /// At an address.
    Address {
        /// Of the list of what there is.
        address: String,
    },
}

/// What is known of a newer version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UpdateState {
    /// Nobody has looked yet.
    Unknown,
    /// It is being looked for.
    Looking,
    /// There is none.
    Latest,
    /// There is one.
    Found {
        /// Its version.
        version: String,
        /// What is said to be new in it: plain text, which nobody vouches for.
        notes: String,
    },
    /// It comes in.
    Fetching {
        /// Its version.
        version: String,
        /// How much of it is here; None at the beginning.
        progress: Option<FetchShare>,
    },
    /// It is put in place.
    Installing {
        /// Its version.
        version: String,
    },
    /// It is in place and runs from the next start on.
    Installed {
        /// Its version.
        version: String,
    },
    /// That did not work; what is installed is as it was.
    Failed {
        /// What is wrong and what to do.
        problem: Problem,
    },
}
