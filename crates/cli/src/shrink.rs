//! `taki models shrink`: smaller versions of a model, made here.

use std::path::PathBuf;

use catalog::{MadeFrom, ModelEntry, Recipe, RecipeModel, Remake, check_header, check_name, falling, is_path};
use engine::{Ask, Comparison, Engine, Launch};
use protocol::ladder::{EngineSettings, Rung};
use protocol::{Code, Mix, Problem, bytes_in_words};
use serde_json::{Value, json};

use crate::args::setting;
use crate::interrupt::stoppable;
use crate::models::{as_json, reading, take_in};
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
    // Known before minutes were spent.
    wanted.ladder.map_or(Ok(()), check_name)?;
    let original = ladders::rungs(setup, &[original(setup, wanted.model, output)?], false, output)?.remove(0);
    let path = setup.models.file_of(&original.sha256);
    let path = path.ok_or_else(|| original.missing(&original.id))?;
    // What is made tells of what.
    assure(setup, &original.entry(), output)?;
    let header = check_header(&path)?;
    // All of them, before minutes are spent on the first.
    drop(setup.models.room_for(wanted.to.iter().map(|mix| header.bytes_as(*mix)).fold(0, u64::saturating_add))?);
    // About is not more than that.
    let larger = wanted.to.iter().find(|mix| header.bytes_as(**mix) / 100 * 97 > original.bytes);
    if let Some(mix) = larger {
        let (is, now) = (bytes_in_words(header.bytes_as(*mix)), bytes_in_words(original.bytes));
        let reason = format!("it would have {is}, which is more than the {now} that it has now");
        return Err(setting("--to", mix.name(), &reason));
    }
    let engine = Engine::new(Launch::this_program()?);
    let mut made = Vec::<RecipeModel>::new();
    for mix in wanted.to {
        let job = Job { original: &original, path: &path, mix: *mix, bytes: header.bytes_as(*mix) };
        let model = shrink(setup, &engine, &job, output).inspect_err(|_| {
            if !made.is_empty() {
                let ids = output.joined(&made.iter().map(|model| model.id.as_str()).collect::<Vec<_>>());
                output.note(output.either(
                    format_args!("What was finished stays: {ids}."),
                    format_args!("できあがった分は残っています：{ids}。"),
                ));
            }
        })?;
        let (id, size) = (&model.id, bytes_in_words(model.bytes));
        output
            .note(output.either(format_args!("{id} is made: {size}."), format_args!("{id} を作りました（{size}）。")));
        if made.iter().all(|other| other.sha256 != model.sha256) {
            made.push(model);
        }
    }
    made.sort_by_key(|model| std::cmp::Reverse(model.bytes));
    let kept: Vec<_> = falling(original.bytes, &made).map(|model| model.id.clone()).collect();
    for model in made.iter().filter(|model| !kept.contains(&model.id)) {
        let id = &model.id;
        output.note(output.either(
            format_args!("{id} is no smaller than what there is: it is not compared, and no draft of a ladder."),
            format_args!("{id} はほかの版より小さくならないため、比較せず、下書きモデルにもしません。"),
        ));
    }
    let compared = if wanted.probe { Some(compare(setup, &original, &made, output)?) } else { None };
    let probes = table(&original, &made, compared.as_ref(), output);
    if let Some(name) = wanted.ladder {
        let all = std::iter::once(original.clone()).chain(falling(original.bytes, &made).cloned()).collect();
        ladders::keep(setup, &Recipe::new(name, all)?, output)?;
    }
    let rows: Vec<Value> = made.iter().map(as_json).collect();
    output.json(&json!({ "original": models::as_json(&original), "made": rows, "probes": probes }));
    Ok(())
}

/// Makes what the ladder or model `name` lacks and nobody offers, of what is here.
///
/// # Errors
/// Those of [`Catalog::remakes`](catalog::Catalog::remakes), of [`Call::requantize`](engine::Call::requantize) and of [`Recipes::take_remade`](catalog::Recipes::take_remade).
pub(crate) fn remake(setup: &mut Setup, name: &str, output: &Output) -> Result<(), Problem> {
    let remakes = setup.catalog.remakes(&setup.models, name)?;
    if remakes.is_empty() {
        return Ok(());
    }
    let engine = Engine::new(Launch::this_program()?);
    for Remake { model, original, mix } in remakes {
        let (made, from) = (&model.name, &original.name);
        output.note(output.either(
            format_args!("{made} is offered nowhere: it is made from {from} here."),
            format_args!("{made} はどこにも公開されていないため、{from} からこのパソコンで作成します。"),
        ));
        let path = setup.models.path_of(&original).ok_or_else(|| original.missing(&original.id))?;
        assure(setup, &original, output)?;
        let bytes = check_header(&path)?.bytes_as(mix);
        let original = RecipeModel::of(&original);
        let made = shrink(setup, &engine, &Job { original: &original, path: &path, mix, bytes }, output)?;
        if setup.recipes.take_remade(name, &model, &made)? {
            output.note(output.either(
                "What was made is not the same byte for byte: the ladder uses it from now on.",
                "作成したファイルは元のものと完全には一致しません。これからは組み合わせでこのファイルを使います。",
            ));
        }
    }
    setup.read_own();
    Ok(())
}

/// Makes sure that the file of `model` is what it was, which takes a while where it looks different.
fn assure(setup: &Setup, model: &ModelEntry, output: &Output) -> Result<(), Problem> {
    let name = &model.name;
    output.progress(output.either(format_args!("Checking {name} …"), format_args!("{name} を確認しています…")));
    reading(output, "", |cancel, _| setup.models.assure(model, cancel))
}

/// The model that `name` means: of a ladder its target.
fn original(setup: &Setup, name: &str, output: &Output) -> Result<String, Problem> {
    if setup.catalog.model(name).is_ok() || is_path(name) {
        return Ok(name.to_owned());
    }
    if setup.catalog.offers_named(name) {
        return Err(Problem::new(Code::ModelNotHere).with("name", name));
    }
    let target = setup.catalog.models_named(name)?.first().map_or_else(String::new, |target| target.id.clone());
    output.note(output.either(
        format_args!("{name} is a ladder: its target {target} is made smaller."),
        format_args!("{name} は組み合わせなので、その回答するモデル {target} の小さい版を作ります。"),
    ));
    Ok(target)
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
        let (from, percent) = (&job.original.name, fraction * 100.0);
        output.progress(output.either(
            format_args!("Writing {from} as {name} … {percent:.0}%"),
            format_args!("{from} の小さい版（{name}）を作っています… {percent:.0}%"),
        ));
    };
    let written = stoppable(move || stop.cancel(), || call.requantize(job.path, &to, job.mix, bytes, &mut on));
    output.progress_done();
    written.map_err(|problem| setup.models.unmade(bytes, problem))?;
    let RecipeModel { name: of, sha256, .. } = job.original.clone();
    take_in(setup, &to, Some(MadeFrom::new(of, sha256, name)), output)
}

/// How often smaller versions say what the original says, and how fast they say it.
fn compare(
    setup: &Setup,
    original: &RecipeModel,
    made: &[RecipeModel],
    output: &Output,
) -> Result<Comparison, Problem> {
    let rung = |model: &RecipeModel| {
        let path = setup.models.file_of(&model.sha256);
        path.map(|path| Rung { name: model.id.clone(), path }).ok_or_else(|| model.missing(&model.id))
    };
    let all = std::iter::once(original).chain(falling(original.bytes, made));
    let ladder = engine::versions(&original.id, all.map(rung).collect::<Result<_, _>>()?);
    let settings = setup.places.rules.limit(EngineSettings::default());
    let (engine, loaded) = setup::engine(&ladder, settings, output)?;
    let mut record = |ask: &Ask| {
        let (mut call, stop) = (engine.begin()?, engine.clone());
        stoppable(move || stop.cancel(), || call.record(ask))
    };
    let compared = engine::compare(&loaded, &mut record, &mut |share| {
        let percent = 100.0 * share;
        output.progress(
            output.either(format_args!("Comparing … {percent:.0}%"), format_args!("比較しています… {percent:.0}%")),
        );
    });
    output.progress_done();
    compared
}

/// The versions beside their original, a line for each; as JSON those that were compared.
fn table(original: &RecipeModel, made: &[RecipeModel], compared: Option<&Comparison>, output: &Output) -> Vec<Value> {
    // What is said above the speeds in Japanese is broader than they are.
    let broad = output.either(9, 11);
    let row = |id: &str, bytes: u64, same: Option<f64>, pace: Option<f64>| {
        let figure = |figure: Option<String>| figure.unwrap_or_else(|| "–".to_owned());
        let same = figure(same.map(|same| format!("{:.0}%", 100.0 * same)));
        let pace = figure(pace.map(|pace| format!("{pace:.1}")));
        output.line(format_args!("{id:<40} {:>8} {same:>11} {pace:>broad$}", bytes_in_words(bytes)));
    };
    output.line(output.either(
        format_args!("{:<40} {:>8} {:>11} {:>9}", "", "size", "same word", "tokens/s"),
        // Each of these letters is as broad as two others.
        format_args!("{:<40} {:>5} {:>8} トークン/秒", "", "サイズ", "同じ語"),
    ));
    row(&original.id, original.bytes, None, compared.and_then(|compared| compared.pace));
    let mut rows = Vec::new();
    for model in made {
        let found = compared.and_then(|compared| compared.versions.iter().find(|version| version.rung == model.id));
        row(&model.id, model.bytes, found.map(|found| found.share), found.and_then(|found| found.pace));
        if let Some(found) = found {
            let whole = compared.and_then(|compared| compared.pace);
            let faster = found.pace.zip(whole).map(|(small, whole)| small / whole);
            rows.push(json!({
                "model": model.id, "agreement": found.share, "tokens": found.places, "pace": found.pace, "speed": faster,
            }));
        }
    }
    rows
}
