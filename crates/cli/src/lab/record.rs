use std::time::Instant;

use engine::Ask;
use lab::{Recorded, Trace};
use protocol::Problem;
use protocol::ladder::EngineSettings;
use protocol::worker::{Message, Record as Said, Speaker};
use serde_json::json;

use super::unusable;
use crate::args::{Costs, Record};
use crate::costs;
use crate::interrupt::{self, stoppable};
use crate::output::Output;
use crate::result;
use crate::setup::{self, Setup};
use crate::suite::{self, Limit, Question};

/// Asks every question once and writes down what the models say.
pub(super) fn run(args: &Record, output: &Output) -> Result<(), Problem> {
    let max_tokens = args.questions.max_tokens()?;
    let setup = Setup::new()?;
    let settings = args.running.measuring(false, &setup.places.rules)?;
    let questions = suite::read(&args.questions.suite, Limit::OfEach(args.questions.limit()?))?;
    // A folder that does not exist is better known now than after an hour, and an older trace stays until this one is whole.
    let out = result::file(&args.out, &[&args.questions.suite])?;
    let part = out.with_added_extension("part");
    Trace::default().save(&part).map_err(|error| unusable(&args.out, &error))?;
    let mut trace = Trace::default();
    let recorded = record(args, &setup, (max_tokens, settings), &questions, output, &mut trace);
    let save = || trace.save(&part).map_err(|error| unusable(&args.out, &error));
    match (&recorded, trace.questions.len()) {
        (Ok(_), _) => save()?,
        (Err(_), 0) => {
            // Nobody could use it.
            let _ = std::fs::remove_file(&part);
        }
        (Err(_), done) => {
            save()?;
            let (all, place) = (questions.len(), part.display());
            output.note(format_args!(
                "{done} of {all} questions were recorded; they are in {place}, to be used as they are."
            ));
        }
    }
    let (id, tokens) = recorded?;
    std::fs::rename(&part, &out).map_err(|error| {
        let reason = format!("{error}; what was recorded is in {}", part.display());
        unusable(&args.out, &reason)
    })?;
    output.line(format_args!(
        "{} questions, {tokens} tokens of {} recorded in {}.",
        trace.questions.len(),
        trace.rungs.join(" ← "),
        args.out.display()
    ));
    output.json(&json!({ "ladder": id, "rungs": trace.rungs, "prompts": trace.questions.len(), "tokens": tokens }));
    Ok(())
}

/// Fills `trace` with what the models of the ladder say to all questions; with the ladder comes how many tokens that is. What was recorded before
/// it failed or was stopped stays in `trace`.
fn record(
    args: &Record,
    setup: &Setup,
    (max_tokens, settings): (u32, EngineSettings),
    questions: &[Question],
    output: &Output,
    trace: &mut Trace,
) -> Result<(String, usize), Problem> {
    let id = setup.chosen(args.running.ladder.as_deref(), output);
    let ladder = setup.ladder_as(&id, &args.running)?;
    let (engine, loaded) = setup::engine(&ladder, settings, output)?;
    trace.rungs = loaded.rungs[..loaded.pass_times.len()].to_vec();
    let began = Instant::now();
    let mut tokens = 0;
    let all = || {
        for (index, question) in questions.iter().enumerate() {
            let messages = vec![Message { speaker: Speaker::User, text: question.text.clone() }];
            let said = engine.record(&Ask { max_tokens: Some(max_tokens), ..Ask::plain(messages) })?;
            interrupt::go_on()?;
            tokens += said.answer.len();
            trace.questions.extend(recorded(question, &said));
            let done = index + 1;
            tracing::debug!(done, "a question was recorded");
            let left = began.elapsed().as_secs_f64() / done as f64 * (questions.len() - done) as f64;
            output.progress(format_args!(
                "Recorded {done} of {} questions, about {:.0} min left",
                questions.len(),
                left / 60.0
            ));
        }
        Ok(())
    };
    let stop = engine.clone();
    let ended = stoppable(move || stop.cancel(), all);
    output.progress_done();
    ended.map(|()| (id, tokens))
}

/// What the laboratory keeps of what was said to `question`; None if nothing was.
pub(crate) fn recorded(question: &Question, said: &Said) -> Option<Recorded> {
    let ends = |token| said.end_tokens.contains(&token);
    let category = question.category.clone();
    (!said.answer.is_empty())
        .then(|| Recorded::new(category, &said.prompt, &said.answer, said.ended, &said.drafts, &ends))
}

/// Loads a ladder and shows what was measured on the way.
pub(super) fn costs(args: &Costs, output: &Output) -> Result<(), Problem> {
    let setup = Setup::new()?;
    let settings = args.running.measuring(false, &setup.places.rules)?;
    let place = args.out.as_deref().map(|path| result::place(path, &[])).transpose()?;
    let id = setup.chosen(args.running.ladder.as_deref(), output);
    let ladder = setup.ladder_as(&id, &args.running)?;
    let (_, loaded) = setup::engine(&ladder, settings, output)?;
    // Passes are measured here and now; what texts add to them only answers tell.
    let learned = setup.learned().recall(&engine::conditions(&ladder, settings));
    let costs = costs::of(&loaded, learned.as_ref());
    for (rung, (name, times)) in loaded.rungs.iter().zip(&costs.models).enumerate() {
        let single = times.first().map_or(f64::NAN, |first| first.1);
        let each = times.iter().map(|(width, seconds)| format!("{width}: {:.2}", seconds / single));
        output.line(format_args!(
            "{name}: {:.1} ms for one token; for more, times that: {}",
            single * 1000.0,
            each.skip(1).collect::<Vec<_>>().join(", ")
        ));
        let longer = costs.held(rung, 1) / single;
        if longer > 0.0 {
            output.line(format_args!("{name}: a text of {:.0} tokens adds as much again to one token", 1.0 / longer));
        }
        if let Some(told) = cut_short(name, times.len()) {
            output.note(told);
        }
    }
    if costs.held.is_empty() {
        output.note(
            "What longer texts add to a pass is not known here, so it is left out: answers teach it on a processor.",
        );
    }
    let text = serde_json::to_string(&costs).unwrap_or_default();
    if let Some(place) = place {
        std::fs::write(&place, text).map_err(|error| unusable(&place, &error))?;
    }
    let lab::Costs { about, models, drafts_read, held, rows, .. } = costs;
    output.json(&json!({ "ladder": id, "about": about, "models": models, "drafts_read": drafts_read, "held": held, "rows": rows }));
    Ok(())
}

/// Fewest widths that tell how the time of a pass rises.
const FEWEST: usize = 6;

/// What is to be said of a curve of so few widths that little can be reckoned with it.
fn cut_short(name: &str, widths: usize) -> Option<String> {
    (widths < FEWEST).then(|| {
        format!(
            "{name}: only {widths} widths were measured. Passes took too long to measure more, or the computer was busy: then try again when it is quiet."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_of_few_widths_is_told() {
        let told = cut_short("Big", 2).unwrap();
        assert!(told.contains("Big: only 2 widths") && told.contains("try again when it is quiet"), "{told}");
        assert_eq!(cut_short("Big", 6), None);
    }
}
