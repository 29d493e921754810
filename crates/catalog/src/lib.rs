//! Models on disk and to fetch: the catalogue of ladders and the user's own, the store of verified files, downloads, and a look at a
//! GGUF file before llama.cpp sees it.
//!
//! The only crate that opens outgoing connections, and only inside [`fetch`], [`fetch_model`] and [`look`]. It knows nothing
//! of llama.cpp or of the window.

mod entry;
mod fetch;
mod fit;
mod header;
mod manifest;
mod mark;
mod match_up;
mod own;
mod recipe;
mod recipes;
mod resolve;
mod store;
mod tables;
mod whole;

#[cfg(test)]
mod sample;

pub use entry::{LadderEntry, Licence, ModelEntry, PackageParts, Sha256, Source, Words};
pub use fetch::{
    FetchOptions, FetchProgress, Retry, SourceChoice, SourceKind, SystemTime, Time, fetch, fetch_model, look,
};
pub use fit::{Fit, fit};
pub use header::{Header, Kind, Tokenizer, check_header};
pub use manifest::{Catalog, CatalogError};
pub use match_up::{Tokens, in_order, in_order_by_text, match_up, match_up_by_text};
pub use own::Made;
pub use recipe::{MadeFrom, Recipe, RecipeModel};
pub use recipes::{Recipes, read as read_recipe};
pub use resolve::{is_path, resolve, target_place, with_drafts};
pub use store::{ModelStore, Workplace};
