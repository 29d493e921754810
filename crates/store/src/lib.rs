//! What stays on this computer: conversations with their receipts in one SQLite file, settings in a TOML file, what was
//! learned of ladders, and where it all lies. SQL is written here and nowhere else.

mod database;
mod learned;
mod messages;
mod places;
mod settings;

pub use database::Store;
pub use learned::LearnedFolder;
pub use places::Places;
pub use settings::{load_settings, save_settings};
