//! The real program, run as a person or a script runs it.
//!
//! `problems`, `chats` and `tables_of_parts` need no model. `answers`, `devices`, `japanese`, `keys`, `lab`, `ladders`, `peers`, `pipes`, `proofs`, `rules`, `stops` and `tables`
//! need the SmolLM2 ladder where the program keeps its models; without
//! it they fail and say so. `proofs` also plays the Qwen ladder with `FULL=1`.
//! Every run has a home folder of its own, so that nobody's settings and conversations are touched.

#![allow(clippy::unwrap_used)]

mod answers;
mod brought;
mod chats;
mod devices;
mod doctor;
mod files;
mod japanese;
#[cfg(unix)]
mod keys;
mod lab;
mod ladders;
#[cfg(unix)]
mod peers;
#[cfg(unix)]
mod pipes;
mod problems;
mod proofs;
mod rules;
mod run;
#[cfg(unix)]
mod stops;
mod tables;
#[cfg(unix)]
mod tables_of_parts;
