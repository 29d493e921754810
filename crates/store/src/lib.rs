//! What stays on this computer: conversations with their receipts in one SQLite file, settings in a TOML file, what was
//! learned of ladders, and where it all lies. SQL is written here and nowhere else.

mod alone;
mod attachments;
mod bounded;
mod checks;
mod conversations;
mod damage;
mod database;
mod downloads;
mod earlier;
mod exchange;
mod fold;
mod learned;
mod looked;
mod messages;
mod migrations;
mod passages;
mod places;
mod rules;
mod search;
mod settings;
mod title;
mod token;
mod tree;

pub use alone::Alone;
pub use attachments::Attachment;
pub use bounded::text_of_file;
pub use checks::{Check, checked, keep_check};
pub use database::Store;
pub use downloads::{Wanted, keep_wanted, wanted};
pub use earlier::{ChatsFrom, Earlier};
pub use exchange::fence;
pub use learned::LearnedFolder;
pub use looked::{is_look_due, keep_look};
pub use messages::{Given, Said};
pub use passages::{Passages, beginning};
pub use places::{Places, now_ms};
pub use rules::Rules;
pub use settings::{chosen_ladder, load_settings, peek_settings, save_settings};
pub use token::{forget_token, keep_token, token};
