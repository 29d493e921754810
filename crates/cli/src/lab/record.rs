use std::time::Instant;

use engine::Ask;
use lab::{Recorded, Trace};
use protocol::Problem;
use protocol::worker::{Message, Record as Said, Speaker};
use serde_json::json;

use super::unusable;
use crate::args::{Costs, Record};
use crate::output::Output;
use crate::setup::{self, Setup};
use crate::suite::{self, Limit, Question};

/// Asks every question once and writes down what the models say.
pub(super) fn run(args: &Record, output: &Output) -> Result<(), Problem> {
    let max_tokens = args.questions.max_tokens()?;
    let settings = args.running.engine(false)?;
    let questions = suite::read(&args.questions.suite, Limit::OfEach(args.questions.limit()?))?;
    // A folder that does not exist is better known now than after an hour, and an older trace stays until this one is whole.
    let mut trace = Trace::default();
    let part = args.out.with_added_extension("part");
    trace.save(&part).map_err(|error| unusable(&part, &error))?;
    let setup = Setup::new()?;
    let id = setup.chosen(args.running.ladder.as_deref(), output);
    let ladder = setup.ladder(&id)?;
    let (engine, loaded) = setup::engine(&ladder, settings, output)?;
    trace.rungs = loaded.rungs[..loaded.pass_times.len()].to_vec();
    let began = Instant::now();
    let mut tokens = 0;
    for (index, question) in questions.iter().enumerate() {
        let messages = vec![Message { speaker: Speaker::User, text: question.text.clone() }];
        let said = engine.record(&Ask { max_tokens: Some(max_tokens), ..Ask::plain(messages) })?;
        tokens += said.answer.len();
        trace.questions.extend(recorded(question, &said));
        let done = index + 1;
        let left = began.elapsed().as_secs_f64() / done as f64 * (questions.len() - done) as f64;
        output.progress(format_args!(
            "Recorded {done} of {} questions, about {:.0} min left",
            questions.len(),
            left / 60.0
        ));
    }
    output.progress_done();
    trace.save(&part).map_err(|error| unusable(&part, &error))?;
    std::fs::rename(&part, &args.out).map_err(|error| unusable(&args.out, &error))?;
    output.line(format_args!(
        "{} questions, {tokens} tokens of {} recorded in {}.",
        trace.questions.len(),
        trace.rungs.join(" ← "),
        args.out.display()
    ));
    output.json(&json!({ "ladder": id, "rungs": trace.rungs, "prompts": trace.questions.len(), "tokens": tokens }));
    Ok(())
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
    let settings = args.running.engine(false)?;
    let setup = Setup::new()?;
    let id = setup.chosen(args.running.ladder.as_deref(), output);
    let (_, loaded) = setup::engine(&setup.ladder(&id)?, settings, output)?;
    let costs = setup::costs(&loaded);
    for (name, times) in loaded.rungs.iter().zip(&costs.models) {
        let single = times.first().map_or(f64::NAN, |first| first.1);
        let each = times.iter().map(|(width, seconds)| format!("{width}: {:.2}", seconds / single));
        output.line(format_args!(
            "{name}: {:.1} ms for one token; for more, times that: {}",
            single * 1000.0,
            each.skip(1).collect::<Vec<_>>().join(", ")
        ));
    }
    let text = serde_json::to_string(&costs).unwrap_or_default();
    if let Some(path) = &args.out {
        std::fs::write(path, text).map_err(|error| unusable(path, &error))?;
    }
    output.json(&json!({ "ladder": id, "about": costs.about, "models": costs.models }));
    Ok(())
}
