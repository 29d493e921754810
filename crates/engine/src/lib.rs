//! llama.cpp behind [`cascade::LanguageModel`], in a process of its own.
//!
//! Two halves. The *host* half ([`Engine`]) lives in the app or the terminal program: it starts the worker, talks to it
//! over pipes and starts another one when it dies. The *worker* half ([`worker_main`]) is the same binary re-run with the
//! argument `worker`: it owns models, KV caches and the cascade, and is the only process that llama.cpp can abort.

mod best;
mod branches;
mod by_text;
mod exact;
mod fnv;
mod host;
mod llama;
mod member;
mod place;
mod shape;
mod template;
mod utf8;
mod worker;

pub use host::{
    Agreement, Answered, Answering, Ask, Call, Comparison, Engine, Launch, LoadProgress, Trial, answer_anew,
    bytes_a_second, compare, conditions, cores, free_memory, memory_of_this_computer, memory_speed, try_out, uses,
    versions,
};
pub use worker::{may_serve_rpc, serve_rpc, worker_main};

/// What the two halves have to have in common: a window that still runs while its package is replaced starts workers of the new program.
const VERSION: &str = env!("CARGO_PKG_VERSION");
