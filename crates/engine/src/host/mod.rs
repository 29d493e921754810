//! The app's half: a handle on the worker that outlives every worker.

mod answer;
mod call;
mod computer;
mod conditions;
mod engine;
mod launch;
mod process;

pub use answer::{Answering, Ask};
pub use call::Call;
pub use computer::memory_of_this_computer;
pub use conditions::conditions;
pub use engine::{Engine, LoadProgress};
pub use launch::Launch;
