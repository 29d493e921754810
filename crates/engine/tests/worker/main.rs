//! Workers die, hang and are cancelled; the answer survives.

#![allow(clippy::unwrap_used)]

mod answers;
#[cfg(unix)]
mod cards;
mod compare;
mod ends;
mod loads;
mod recurrent;
mod stops;
#[path = "../support/mod.rs"]
mod support;

use std::process::Command;

const PROMPT: &str = "Write a long story about a river and a waterfall.";

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}
