//! The store as its users see it: one folder, opened again and again.

#![allow(clippy::unwrap_used)]

mod branches;
mod conversations;
mod damage;
mod earlier;
mod exchange;
mod kill;
mod migration;
mod parts;
mod search;
mod support;
