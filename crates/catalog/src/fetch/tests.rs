//! Fetching from a real HTTP server on loopback, from a pip that is made up, and from a folder.

mod access;
pub(super) mod bench;
mod http;
mod look;
mod misfits;
mod offers;
mod packages;
mod pieces;
mod server;
mod updates;
