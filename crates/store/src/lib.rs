//! What stays on this computer: conversations with their receipts in one SQLite file, settings in a TOML file, and where
//! both lie. SQL is written here and nowhere else.

mod database;
mod messages;
mod places;
mod settings;

pub use database::Store;
pub use places::Places;
pub use settings::{load_settings, save_settings};
