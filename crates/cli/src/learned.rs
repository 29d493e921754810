//! `taki learned`: what was measured and learned of ladders on this computer.

use protocol::Problem;
use protocol::learned::Learned;
use serde_json::json;

use crate::args::Learned as Command;
use crate::output::Output;
use crate::setup::Setup;

pub(crate) fn run(command: &Command, output: &Output) -> Result<(), Problem> {
    let folder = Setup::new()?.learned();
    match command {
        Command::Show { .. } => {
            let all = folder.all();
            for learned in &all {
                output.line(in_words(learned));
            }
            if all.is_empty() {
                output.note("Nothing was learned yet. It begins with the first answer.");
            }
            output.json(&json!({ "learned": all }));
        }
        Command::Erase { .. } => {
            let erased = folder.erase()?;
            output.line(format_args!("Erased {erased} records. Everything will be measured and learned anew."));
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
