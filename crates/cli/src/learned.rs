//! `taki learned`: what was measured and learned of ladders on this computer, and which chats are copied from.

use protocol::Problem;
use protocol::chat::EarlierChats;
use protocol::learned::Learned;
use serde_json::json;
use store::{ChatsFrom, Store, now_ms};

use crate::args::Learned as Command;
use crate::output::Output;
use crate::setup::Setup;

pub(crate) fn run(command: &Command, output: &Output) -> Result<(), Problem> {
    let setup = Setup::new()?;
    let (folder, from) = (setup.learned(), ChatsFrom::of(&setup.places));
    match command {
        Command::Show { .. } => {
            let all = folder.all();
            for learned in &all {
                output.line(in_words(learned));
            }
            if all.is_empty() {
                output.note("Nothing was learned yet. It begins with the first answer.");
            }
            let chats = EarlierChats::of(&setup.earlier(true, output).texts());
            let size = protocol::bytes_in_words(chats.bytes as u64);
            output.line(format_args!("Earlier chats to copy from: {} messages, {size}", chats.messages));
            output.json(&json!({ "learned": all, "earlier_chats": chats }));
        }
        Command::Erase { .. } => {
            let erased = folder.erase()?;
            if from.any() {
                from.begin_anew(&Store::open_beside(&setup.places)?, now_ms())?;
            }
            output.line(format_args!(
                "Erased {erased} records. Everything will be measured and learned anew, and no chat up to now is copied from. \
                 Conversations stay."
            ));
            output.json(&json!({ "erased": erased }));
        }
    }
    Ok(())
}

fn in_words(learned: &Learned) -> String {
    let (conditions, threads) = (&learned.conditions, learned.lessons.threads);
    format!(
        "{}{} on {}: {} threads for one token, {} for more",
        learned.ladder,
        if conditions.exact { " in exact mode" } else { "" },
        conditions.processor,
        threads.single,
        threads.wide
    )
}
