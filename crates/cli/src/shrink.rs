//! `taki models shrink`: smaller versions of a model, made here.

use std::path::PathBuf;

use catalog::{Made, MadeFrom, Recipe, RecipeModel, check_header};
use engine::{Agreement, Ask, Engine, Launch};
use protocol::ladder::{EngineSettings, Rung};
use protocol::{Code, Mix, Problem, bytes_in_words};
use serde_json::{Value, json};

use crate::interrupt::stoppable;
use crate::models::{as_json, take_in};
use crate::output::Output;
use crate::setup::{self, Setup};
use crate::{ladders, models};

/// What is to be made.
pub(crate) struct Wanted<'a> {
    pub(crate) model: &'a str,
    pub(crate) to: &'a [Mix],
    pub(crate) ladder: Option<&'a str>,
    pub(crate) probe: bool,
}

pub(crate) fn run(setup: &Setup, wanted: &Wanted<'_>, output: &Output) -> Result<(), Problem> {
    if wanted.ladder.is_some_and(|name| name.trim().is_empty()) {
        // Known before minutes were spent.
        return Err(Problem::new(Code::LadderInvalid).with("reason", "its name is empty"));
    }
    let original = ladders::rungs(setup, &[wanted.model.to_owned()], false, output)?.remove(0);
    let path = setup.models.file_of(&original.sha256);
    let path = path.ok_or_else(|| Problem::new(Code::NotInstalled).with("ladder", &original.id))?;
    let header = check_header(&path)?;
    let engine = Engine::new(Launch::this_program()?);
    let mut made = Vec::new();
    for mix in wanted.to {
        let model = shrink(
            setup,
            &engine,
            &Job { original: &original, path: &path, mix: *mix, bytes: header.bytes_as(*mix) },
            output,
        )?;
        let share = 100.0 * model.bytes as f64 / original.bytes as f64;
        output.line(format_args!("{}: {} ({share:.0}% of {})", model.id, bytes_in_words(model.bytes), original.name));
        made.push(model);
    }
    made.sort_by_key(|model| std::cmp::Reverse(model.bytes));
    let kept: Vec<_> = falling(&original, &made).map(|model| model.id.clone()).collect();
    for model in made.iter().filter(|model| !kept.contains(&model.id)) {
        let id = &model.id;
        output
            .note(format_args!("{id} is no smaller than what there is: it is not compared, and no draft of a ladder."));
    }
    let probes = if wanted.probe { probe(setup, &original, &made, output)? } else { Vec::new() };
    if let Some(name) = wanted.ladder {
        let all = std::iter::once(original.clone()).chain(falling(&original, &made).cloned()).collect();
        ladders::keep(setup, &Recipe::new(name, all)?, output)?;
    }
    let rows: Vec<Value> = made.iter().map(as_json).collect();
    output.json(&json!({ "original": models::as_json(&original), "made": rows, "probes": probes }));
    Ok(())
}

/// One version.
struct Job<'a> {
    original: &'a RecipeModel,
    path: &'a PathBuf,
    mix: Mix,
    /// About how many it will have.
    bytes: u64,
}

fn shrink(setup: &Setup, engine: &Engine, job: &Job<'_>, output: &Output) -> Result<RecipeModel, Problem> {
    let bytes = job.bytes;
    // What is left of a version that was stopped goes with its place.
    let place = setup.models.room_for(bytes)?;
    let to = place.path();
    let (call, stop) = (engine.begin()?, engine.clone());
    let name = job.mix.name();
    let mut on = |fraction: f32| {
        output.progress(format_args!("Writing {} as {name} … {:.0}%", job.original.name, fraction * 100.0));
    };
    let written = stoppable(move || stop.cancel(), || call.requantize(job.path, &to, job.mix, bytes, &mut on));
    output.progress_done();
    // llama.cpp does not tell that the disk is full.
    written.map_err(|problem| setup.models.room_for(bytes / 8).err().unwrap_or(problem))?;
    let from = MadeFrom { sha256: job.original.sha256.clone(), mix: name.to_owned() };
    take_in(setup, &to, Some(Made { from, name: &job.original.name }), output)
}

/// Of versions in falling order those that are smaller than all before: some mixes come to the same in small models, whose rows are too short for
/// them.
fn falling<'m>(original: &RecipeModel, made: &'m [RecipeModel]) -> impl Iterator<Item = &'m RecipeModel> {
    let mut least = original.bytes;
    made.iter().filter(move |model| {
        let smaller = model.bytes < least;
        least = least.min(model.bytes);
        smaller
    })
}

/// How often smaller versions say what the original says, and how much faster they say it.
fn probe(setup: &Setup, original: &RecipeModel, made: &[RecipeModel], output: &Output) -> Result<Vec<Value>, Problem> {
    let smaller: Vec<&RecipeModel> = falling(original, made).collect();
    let rung = |model: &RecipeModel| {
        let path = setup.models.file_of(&model.sha256);
        path.map(|path| Rung { name: model.id.clone(), path })
            .ok_or_else(|| Problem::new(Code::NotInstalled).with("ladder", &model.id))
    };
    let rungs = std::iter::once(original).chain(smaller.iter().copied()).map(rung).collect::<Result<Vec<_>, _>>()?;
    let ladder = engine::versions(&original.id, rungs);
    let (engine, loaded) = setup::engine(&ladder, EngineSettings::default(), output)?;
    let mut record = |ask: &Ask| {
        let (mut call, stop) = (engine.begin()?, engine.clone());
        stoppable(move || stop.cancel(), || call.record(ask))
    };
    let compared = engine::compare(&loaded, &mut record, &mut |share| {
        output.progress(format_args!("Comparing … {:.0}%", 100.0 * share));
    });
    output.progress_done();
    let mut rows = Vec::new();
    for (model, Agreement { share, places, faster }) in smaller.iter().zip(compared?) {
        let pace = faster.map(|faster| format!(", {faster:.2} times as fast")).unwrap_or_default();
        output.line(format_args!("{}: says the same word in {:.0}% of {places} places{pace}", model.id, 100.0 * share));
        rows.push(json!({ "model": model.id, "agreement": share, "tokens": places, "speed": faster }));
    }
    Ok(rows)
}
