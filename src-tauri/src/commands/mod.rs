//! What the window can call. Every error is a [`Problem`](protocol::Problem).

#![allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "Tauri hands values over and wants results"
)]

pub(crate) mod address;
pub(crate) mod attachments;
pub(crate) mod chat;
pub(crate) mod checking;
pub(crate) mod context;
pub(crate) mod conversations;
pub(crate) mod downloads;
pub(crate) mod dragged;
pub(crate) mod dropped;
pub(crate) mod earlier;
pub(crate) mod engine;
pub(crate) mod exchange;
pub(crate) mod ladders;
pub(crate) mod models;
pub(crate) mod opened;
pub(crate) mod recipes;
pub(crate) mod settings;
pub(crate) mod token;
pub(crate) mod tray;
pub(crate) mod unseen;
pub(crate) mod updates;

use protocol::{Code, Problem};

/// Runs `work` where it may take its time.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tauri::async_runtime::spawn_blocking(work)
        .await
        .map_err(|error| Problem::new(Code::Internal).with("reason", error))?
}
