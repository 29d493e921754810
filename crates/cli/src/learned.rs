//! `taki learned`: what was measured and learned of ladders on this computer, and which chats are copied from.

use cascade::policy::Knowledge;
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
                for line in in_words(learned) {
                    output.line(line);
                }
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
            let records = if erased == 1 { "1 record".to_owned() } else { format!("{erased} records") };
            output.line(format_args!(
                "Erased {records}. Everything will be measured and learned anew, and no chat up to now is copied from. \
                 Conversations stay."
            ));
            output.json(&json!({ "erased": erased }));
        }
    }
    Ok(())
}

/// How long passes of a model take that are worth telling: single tokens and two sizes of review.
const WIDTHS: [usize; 3] = [1, 4, 8];

/// How sure a draft is of the tokens that are told of.
const SURE: [f64; 2] = [0.5, 0.9];

/// Lengths of matches that are told of.
const MATCHED: [usize; 3] = [1, 4, 16];

/// What it holds for, then what is known of each model and of Max-Gram.
fn in_words(learned: &Learned) -> Vec<String> {
    let (conditions, threads) = (&learned.conditions, learned.lessons.threads);
    let mut lines = vec![format!(
        "{}{}{} on {}: {} for one token, {} for more",
        learned.ladder,
        if conditions.exact { " in exact mode" } else { "" },
        if conditions.threads.is_some() { " with threads as asked for" } else { "" },
        conditions.processor,
        count(threads.single, "thread"),
        threads.wide
    )];
    let known = serde_json::from_value::<Knowledge>(learned.lessons.policy.clone()).ok();
    let Some(knowledge) = known.filter(|known| known.check(conditions.files.len()).is_ok()) else {
        lines.push("  nothing that this version can read".to_owned());
        return lines;
    };
    for (rung, file) in conditions.files.iter().enumerate() {
        let passes = knowledge.curve(rung).map(|curve| WIDTHS.map(|width| curve.at(width).map(|time| (width, time))));
        let passes = passes.into_iter().flatten().flatten();
        let passes = passes.map(|(width, time)| format!("{} {:.1} ms", count(width, "token"), 1000.0 * time));
        let kept = SURE.map(|sure| knowledge.kept(rung, sure).map(|kept| (sure, kept))).into_iter().flatten();
        let kept =
            kept.map(|(sure, kept)| format!("{:.0} of 100 kept where it is {:.0}% sure", 100.0 * kept, 100.0 * sure));
        let what = if rung == 0 { "target".to_owned() } else { format!("draft {rung}") };
        let told = passes.chain(kept).collect::<Vec<_>>().join(", ");
        lines.push(format!("  {what} ({}): {told}", short(&file.name)));
    }
    let copied = MATCHED.map(|length| knowledge.copied(length).map(|kept| (length, kept))).into_iter().flatten();
    let copied =
        copied.map(|(length, kept)| format!("{:.0} of 100 behind {}", 100.0 * kept, count(length, "matching token")));
    let copied = copied.collect::<Vec<_>>().join(", ");
    if !copied.is_empty() {
        lines.push(format!("  Max-Gram's copies: kept {copied}"));
    }
    lines
}

fn count<N: Into<usize>>(number: N, what: &str) -> String {
    match number.into() {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

/// A file of the model store is named by its checksum, of which the beginning will do.
fn short(name: &str) -> &str {
    if name.len() > 64 { name.get(..12).unwrap_or(name) } else { name }
}
