//! What window, app, terminal program and their children say to each other: plain serde types, error codes and their words,
//! the frames they travel in and the command line of a child. Nothing here acts by itself.
//!
//! Three conversations use these types: app → worker and back (framed JSON over pipes, [`worker`]),
//! app → window ([`chat`], through generated TypeScript bindings) and terminal → scripts (`--json`, [`Receipt`]).

pub mod chat;
pub mod frame;
pub mod ladder;
pub mod learned;
mod mix;
mod problem;
mod reason;
mod receipt;
mod rerun;
mod sampling;
mod size;
pub mod worker;

pub use mix::Mix;
pub use problem::{Code, Language, Problem, folder_unwritable};
pub use receipt::{FinishReason, Receipt, Role as RungRole, RungReceipt, StoodAside};
pub use rerun::rerun;
pub use sampling::{LogitBias, ReviewRule, Sampling};
pub use size::bytes_in_words;
