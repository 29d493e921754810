//! The cascade in the laboratory: what real models said is recorded once, and any ladder, policy and cost is then played
//! through on it, with the very code that answers and a clock that only moves as the costs say.
//!
//! Everything here is deterministic: the same trace and costs give the same figures on every machine.

mod bounds;
mod costs;
mod oracle;
mod replay;
mod replayed;
mod statistics;
mod swi;
mod trace;
mod weather;

pub use bounds::{Bound, Copying, acceptance, ceiling, copy_limit, free_draft};
pub use cascade::KError;
pub use costs::{Costs, CostsError};
pub use oracle::least_cost;
pub use replay::{Plan, Played, play};
pub use statistics::{Interval, interval, median, paired};
pub use swi::{Best, Category, Study, best_fixed, categories, study};
pub use trace::{Recorded, Trace, TraceError};
pub use weather::Weather;
