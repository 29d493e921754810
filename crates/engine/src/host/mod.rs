//! The app's half: a handle on the worker that outlives every worker.

mod answer;
mod call;
mod compare;
mod computer;
mod conditions;
mod devices;
mod earlier;
mod engine;
mod everyday;
mod knows;
mod launch;
mod load;
mod lost;
mod process;
mod repeats;
mod trial;

pub use answer::{Answering, Ask};
pub use call::Call;
pub use compare::{Agreement, Comparison, compare, versions};
pub use computer::{cores, free_memory, memory_of_this_computer, memory_speed};
pub use conditions::conditions;
pub use engine::{Engine, LoadProgress};
pub use knows::{bytes_a_second, uses};
pub use launch::Launch;
pub use trial::{Answered, Trial, answer_anew, try_out};
