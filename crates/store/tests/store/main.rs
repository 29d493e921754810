//! The store as its users see it: one folder, opened again and again.

#![allow(clippy::unwrap_used)]

mod branches;
mod conversations;
mod damage;
mod exchange;
mod kill;
mod migration;
mod search;
mod support;
