//! What window, app, terminal program and worker say to each other: plain serde types and error codes, nothing else.
//!
//! Three conversations use these types: app → worker and back (framed JSON over pipes, [`worker`]),
//! app → window ([`chat`], through generated TypeScript bindings) and terminal → scripts (`--json`, [`Receipt`]).

pub mod chat;
pub mod frame;
pub mod ladder;
pub mod learned;
mod problem;
mod receipt;
mod sampling;
mod size;
pub mod worker;

pub use problem::{Code, Language, Problem};
pub use receipt::{FinishReason, Receipt, Role as RungRole, RungReceipt, StoodAside};
pub use sampling::{LogitBias, ReviewRule, Sampling};
pub use size::bytes_in_words;
