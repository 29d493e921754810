//! The list of ladders, and which of them suits this computer.

use catalog::{READING, begun};
use protocol::chat::{Fits, LadderCard};
use protocol::{Language, Problem, bytes_in_words};
use serde_json::json;

use crate::output::Output;
use crate::setup::Setup;

pub(super) fn list(setup: &Setup, output: &Output) -> Result<(), Problem> {
    setup.tell_unread(output);
    let mut rows = Vec::new();
    for card in setup.cards_of(&setup.catalog, setup.device_memory())? {
        let missing = bytes_in_words(card.missing_bytes as u64);
        let there = begun(&setup.catalog, &setup.models, &card.id).map_or(0, |(there, _)| there);
        let models = setup.catalog.models_of(&card.id).unwrap_or_default();
        let damaged: u64 = models.iter().map(|model| setup.models.bytes_aside(&model.sha256)).sum();
        let lost: Vec<_> = setup.models.lost(&models).map(|model| model.name.as_str()).collect();
        let state = match (card.missing_bytes > 0.0, card.offered) {
            (false, _) => "ready".to_owned(),
            (true, _) if !card.fetchable && (lost.is_empty() || !card.to_make.is_empty()) => {
                format!("{missing} are missing, not all of it in the folder that models come from")
            }
            (true, _) if !card.to_make.is_empty() => {
                format!(
                    "{missing} to fetch or make, {} of it here: taki models fetch {}",
                    card.to_make.join(", "),
                    card.id
                )
            }
            (true, _) if !lost.is_empty() => {
                format!("without its file, to be made or added again: {}", lost.join(", "))
            }
            (true, false) if there > 0 => format!("{missing} to fetch, {} of it are here", bytes_in_words(there)),
            (true, false) => format!("{missing} to fetch"),
            (true, true) => format!("offered, about {missing} to fetch"),
        };
        let comes = damaged > 0 && card.missing_bytes > 0.0;
        let anew = if comes { ", once more, for what was here before was damaged" } else { "" };
        let whose = if card.own { ", your own" } else { "" };
        let by_text = if card.by_text { ", drafts by text where tokens differ" } else { "" };
        let suggested = if card.suggested { ", suggested for this computer" } else { "" };
        let (memory, rungs) = (memory(&card), card.rungs.join(" ← "));
        let pace = card.pace.map(|pace| format!(", about {} tokens/s", in_figures(pace))).unwrap_or_default();
        let id = &card.id;
        output.line(format_args!("{id:<18} {rungs}  ({state}{anew}, {memory}{pace}{by_text}{whose}{suggested})"));
        let about = match output.language {
            Language::English => &card.about.en,
            Language::Japanese => &card.about.ja,
        };
        output.line(format_args!("{:<18} {}", "", if about.is_empty() { &card.name } else { about }));
        let k = setup.catalog.ladder(id).ok().or_else(|| setup.catalog.offered(id)).map(|ladder| &ladder.k);
        rows.push(json!({
            "id": id, "name": card.name, "rungs": card.rungs, "missing_bytes": card.missing_bytes as u64, "partial_bytes": there, "k": k,
            "own": card.own, "by_text": card.by_text, "offered": card.offered, "memory_bytes": card.memory_bytes as u64, "fits": card.fits,
            "pace": card.pace, "suggested": card.suggested, "checked": card.checked,
            "fetchable": card.fetchable, "to_make": card.to_make, "damaged_bytes": damaged,
        }));
    }
    output.json(&json!({ "ladders": rows }));
    Ok(())
}

/// About how much memory a ladder takes, and whether that is here.
pub(super) fn memory(card: &LadderCard) -> String {
    let room = match card.fits {
        Fits::Well => "",
        Fits::Tight => ", which is tight here",
        Fits::Not => ", more than there is here",
    };
    format!("about {} of memory{room}", bytes_in_words(card.memory_bytes as u64))
}

/// A speed in few figures.
pub(super) fn in_figures(pace: f64) -> String {
    if pace < 10.0 { format!("{pace:.1}") } else { format!("{pace:.0}") }
}

pub(super) fn suggest(setup: &Setup, output: &Output) -> Result<(), Problem> {
    let devices = setup.device_memory();
    let cards = setup.cards_of(&setup.catalog, devices)?;
    let Some(card) = cards.iter().find(|card| card.suggested) else {
        output.line("None of the ladders fits into this computer's memory with room for other programs.");
        output.json(&json!({ "ladder": null }));
        return Ok(());
    };
    let memory = bytes_in_words(card.memory_bytes as u64);
    let all = engine::memory_of_this_computer().map(|all| all.saturating_add(devices));
    let all = all.map(|all| format!(" of {}", bytes_in_words(all))).unwrap_or_default();
    let counted = match (devices, setup.borrows()) {
        (0, _) => "",
        (_, false) => ", that of graphics cards counted",
        (_, true) => ", that of other computers and graphics cards counted",
    };
    output.line(format_args!("{}: {}", card.id, card.rungs.join(" ← ")));
    output.line(format_args!("It takes {memory}{all} of memory{counted}, which leaves room for other programs."));
    output.line(match card.pace {
        Some(pace) if pace < READING => format!(
            "Its target would write about {} tokens a second here. That is slow, but none is faster.",
            in_figures(pace)
        ),
        Some(pace) => format!(
            "Its target would write about {} tokens a second here, as fast as one reads: of such ladders it is the largest.",
            in_figures(pace)
        ),
        None => "It is the largest that writes as fast as one reads on most computers; nothing was measured here yet.".to_owned(),
    });
    let next = if card.missing_bytes > 0.0 { "taki models fetch" } else { "taki ladders check" };
    output.note(format_args!("Next: {next} {}", card.id));
    output.json(
        &json!({ "ladder": card.id, "memory_bytes": card.memory_bytes as u64, "pace": card.pace, "fits": card.fits }),
    );
    Ok(())
}
