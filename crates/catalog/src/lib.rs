//! Models on disk and to fetch: the catalogue of ladders and the user's own, the store of verified files, downloads, and a look at a
//! GGUF file before llama.cpp sees it.
//!
//! The only crate that opens outgoing connections, and only inside [`fetch`], [`fetch_model`], [`look`], [`facts`], what asks by them ([`look_for`], [`settle`], [`settle_at`], [`misfits`]) and
//! [`UpdateSource`]. It knows nothing of llama.cpp or of the window.

mod address;
mod cards;
mod check;
mod entry;
mod fetch;
mod fit;
mod hand_over;
mod header;
mod headers;
mod in_time;
mod intake;
mod join;
mod manifest;
mod mark;
mod match_up;
mod misfits;
mod name;
mod offer;
mod own;
mod recipe;
mod recipes;
mod recommend;
mod remake;
mod removal;
mod resolve;
mod smaller;
mod store;
mod summary;
mod tables;
mod whole;
mod workplace;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod sample;

pub use address::settle_at;
pub use cards::Lists;
pub use entry::{LadderEntry, Licence, MadeFrom, ModelEntry, PackageParts, Sha256, Source, Words};
pub use fetch::{
    Disk, Facts, FetchOptions, FetchProgress, Retry, SourceChoice, SourceKind, SystemTime, Time, Token, UpdateSource,
    begun, discard, discardable, facts, fetch, fetch_model, look, partial,
};
pub use fit::{Fit, Shed, fit, fit_about, foretold, parts, shed, to_fit};
pub use hand_over::write_recipe;
pub use header::{Header, Kind, Tokenizer, check_header};
pub use join::{first_part, without_further_parts};
pub use manifest::{Catalog, CatalogError};
pub use match_up::{SLOW, Tokens, in_order, in_order_by_text, match_up, match_up_by_text};
pub use misfits::{Misfit, misfits};
pub use name::{check_name, in_one_line};
pub use offer::{About, Offer, Settled, look_for, settle};
pub use recipe::{Recipe, RecipeModel};
pub use recipes::{Recipes, Version, read as read_recipe};
pub use recommend::{Candidate, Machine, READING, Room};
pub use remake::Remake;
pub use removal::Removed;
pub use resolve::{is_path, resolve, target_place, with_drafts};
pub use smaller::falling;
pub use store::ModelStore;
pub use summary::Summary;
pub use workplace::Workplace;
