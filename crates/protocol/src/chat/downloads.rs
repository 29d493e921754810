use serde::{Deserialize, Serialize};
use specta::Type;

use crate::Problem;

/// A ladder in the queue of what is fetched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Download {
    /// Its id.
    pub ladder: String,
    /// Its display name.
    pub name: String,
    /// What is done with it.
    pub state: DownloadState,
    /// How much of it is here; None before that is known.
    pub progress: Option<FetchShare>,
    /// Why drafts of it are left out and not fetched: once their files' facts were known they did not go with the target.
    pub left_out: Vec<Problem>,
    /// Whether what had come in of a file was damaged, so that all of it is fetched once more.
    pub anew: bool,
}

/// What is done with a ladder that is to be fetched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DownloadState {
    /// Others come first.
    Waiting,
    /// Its files' facts are asked for where they lie.
    Asking,
    /// It comes in.
    Running,
    /// Its source failed and is asked again soon.
    Interrupted {
        /// What is wrong.
        problem: Problem,
    },
    /// What is here is read to check it.
    Checking,
    /// What nobody offers is made of what has come in.
    Making,
    /// Somebody wants it to wait.
    Paused,
    /// It could not be fetched; what came in is kept.
    Failed {
        /// What is wrong and what to do.
        problem: Problem,
    },
    /// It is whole, and used as soon as no answer is written.
    Ready,
}

/// How much of a ladder is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FetchShare {
    /// Bytes fetched so far.
    pub done_bytes: f64,
    /// Bytes in all.
    pub total_bytes: f64,
    /// About how many seconds are left; None before it can be told.
    pub seconds_left: Option<f64>,
}
