//! Cascade speculative drafting (arXiv 2312.11462): small models and statistics propose, bigger ones review, the target
//! has the last word on every token.
//!
//! The crate is pure: no I/O, no clock, no threads, no llama.cpp. Models come in through [`LanguageModel`], time through
//! [`Clock`], and each decision about who drafts how much through [`Policy`]. What comes out equals the target alone,
//! token for token, greedy and sampled, because every rung draws with the same counter-based noise (coupled sampling)
//! and a token is only kept if the target would have drawn it too. [`ReviewRule`] has two other rules, which keep the
//! target's distribution instead of its very tokens.
//!
//! The way in is [`Cascade::run`].

mod ahead;
mod automaton;
mod branching;
mod constraint;
mod glance;
mod ladder;
mod maxgram;
mod model;
mod personal;
mod phrases;
pub mod policy;
mod random;
mod reading;
mod request;
mod review;
mod row;
mod rule;
mod run;
mod rung;
mod sampler;
mod share;
mod successors;
mod table;
#[cfg(any(test, feature = "toy"))]
pub mod toy;

pub use constraint::{Constraint, TokenMask};
pub use ladder::{Cascade, Rejected};
pub use maxgram::{Drafter, Match, MaxGram};
pub use model::{Branch, Clock, LanguageModel, Logits, Meanwhile, Token, VocabId};
pub use personal::Personal;
pub use policy::{FixedPolicy, KError, Policy};
pub use random::Noise;
pub use reading::Reading;
pub use request::{Finish, Outcome, Request, RunError, Sink, Step, StoodAside, Tally};
pub use rule::ReviewRule;
pub use sampler::{Breakers, Dry, SamplerSettings};
pub use table::{NgramTable, TableError};
