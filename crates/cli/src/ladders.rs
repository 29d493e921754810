//! `taki ladders`: which there are, and one's own.

use std::path::Path;
use std::time::UNIX_EPOCH;

use catalog::{
    Catalog, ModelEntry, READING, Recipe, RecipeModel, Remake, Tokens, Version, begun, check_header, in_order,
    in_order_by_text, is_path, match_up_by_text, read_recipe,
};
use engine::Trial;
use protocol::chat::{Fits, LadderCard};
use protocol::ladder::EngineSettings;
use protocol::worker::Translation;
use protocol::{Code, Language, Problem, bytes_in_words};
use serde_json::{Value, json};
use store::Check;

use crate::args::{Ladders, matrix};
use crate::inspect::slow;
use crate::interrupt::stoppable;
use crate::models::{as_json, reading, take_in};
use crate::moment::moment;
use crate::output::Output;
use crate::setup::{self, Setup, in_words};

pub(crate) fn run(command: &Ladders, output: &Output) -> Result<(), Problem> {
    let setup = Setup::new()?;
    if matches!(
        command,
        Ladders::Make { .. }
            | Ladders::Copy { .. }
            | Ladders::Change { .. }
            | Ladders::Import { .. }
            | Ladders::Back { .. }
    ) {
        setup.catalog.open_to_others()?;
    }
    match command {
        Ladders::List { .. } => list(&setup, output),
        Ladders::Suggest { .. } => suggest(&setup, output),
        Ladders::Check { ladder, .. } => check(&setup, ladder.as_deref(), output),
        Ladders::Make { name, models, by_text, .. } => make(&setup, name, models, *by_text, output),
        Ladders::Copy { ladder, name, .. } => {
            let recipe = setup.recipes.recipe_of(&setup.catalog, ladder)?.named(name);
            keep(&setup, &recipe, output)
        }
        Ladders::Change { ladder, name, models, k, by_text, .. } => {
            let changes = Changes { name: name.as_deref(), models, k: k.as_deref(), by_text: *by_text };
            change(&setup, ladder, &changes, output)
        }
        Ladders::Show { ladder, .. } => {
            let recipe = setup.recipes.recipe_of(&setup.catalog, ladder)?;
            output.text(&recipe.to_toml()?);
            for line in told(&setup, &recipe) {
                output.note(line);
            }
            if let Err(problem) = setup.catalog.remakes(&setup.models, ladder) {
                output.warning(&problem);
            }
            output.json(&json!({ "recipe": recipe }));
            Ok(())
        }
        Ladders::Export { ladder, file, with_models, .. } => export(&setup, ladder, file, *with_models, output),
        Ladders::Import { file, .. } => import(&setup, file, output),
        Ladders::Versions { ladder, .. } => versions(&setup, ladder, output),
        Ladders::Back { ladder, version, .. } => back(&setup, ladder, *version, output),
        Ladders::Remove { ladder, with_files, .. } => remove(&setup, ladder, *with_files, output),
    }
}

/// Removes a ladder, and `with_files` what no other one has.
fn remove(setup: &Setup, ladder: &str, with_files: bool, output: &Output) -> Result<(), Problem> {
    if let Ok(models) = Catalog::builtin().models_of(ladder) {
        let models = models.iter().map(|model| model.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Problem::new(Code::LadderStays).with("ladder", ladder).with("models", models));
    }
    let recipe = setup.recipes.get(ladder)?;
    if store::load_settings(&setup.places).0.ladder == ladder {
        return Err(Problem::new(Code::LadderInUse).with("ladder", ladder));
    }
    // In a folder that the administrator shares out others have ladders of their own.
    let shared = setup.places.rules.models().is_some();
    let files = if shared { Vec::new() } else { setup.models.files_only_of(&setup.recipes, ladder) };
    let needed = if with_files { needed(setup, &recipe, &files) } else { Vec::new() };
    let going = if with_files { files.as_slice() } else { &[] };
    let removed = setup.models.remove_with_files(&setup.recipes, ladder, going)?;
    let one = |file: &ModelEntry| format!("{} ({})", file.id, bytes_in_words(file.bytes));
    let named = |files: &[&ModelEntry]| files.iter().map(|file| one(file)).collect::<Vec<_>>().join(", ");
    let (deleted, stay): (Vec<_>, Vec<_>) = files.iter().partition(|file| removed.deleted.contains(&file.sha256));
    if !deleted.is_empty() {
        output.note(format_args!("Deleted: {}.", named(&deleted)));
    }
    if !stay.is_empty() {
        let named = named(&stay);
        output.note(format_args!("Files that no other ladder uses stay: {named}. `taki models remove` deletes them."));
    }
    let without = if deleted.is_empty() { "" } else { ", without the files" };
    for (model, others) in &needed {
        let (id, size) = (&model.id, bytes_in_words(model.bytes));
        output.note(format_args!(
            "{id} ({size}) stays: ladders that were removed, or earlier versions, have it too ({others}). `taki models remove` deletes it."
        ));
    }
    output.line(format_args!("{ladder} is removed. `taki ladders back {ladder}` brings it back{without}."));
    let deleted: Vec<_> = deleted.into_iter().map(|file| as_json(&RecipeModel::of(file))).collect();
    output.json(&json!({ "removed": ladder, "deleted": deleted, "problems": removed.problems }));
    // It is gone all the same.
    output.last_of(removed.problems)
}

/// What somebody's own of a ladder stays though no ladder of the list has it besides, and which ones may need it.
fn needed(setup: &Setup, recipe: &Recipe, going: &[ModelEntry]) -> Vec<(RecipeModel, String)> {
    let (all, _) = setup.recipes.all();
    let has = |other: &Recipe, model: &RecipeModel| other.models.iter().any(|of| of.sha256 == model.sha256);
    let is_free = |model: &&RecipeModel| {
        model.sources.is_empty()
            && going.iter().all(|file| file.sha256 != model.sha256)
            && setup.models.file_of(&model.sha256).is_some()
            && all.iter().all(|other| other.id == recipe.id || !has(other, model))
    };
    let others = |model: &RecipeModel| {
        let mut had = setup.recipes.had(&model.sha256);
        had.retain(|id| *id != recipe.id);
        (model.clone(), had.join(", "))
    };
    recipe.models.iter().filter(is_free).map(others).filter(|(_, others)| !others.is_empty()).collect()
}

fn list(setup: &Setup, output: &Output) -> Result<(), Problem> {
    setup.tell_unread(output);
    let mut rows = Vec::new();
    for card in setup.cards()? {
        let missing = bytes_in_words(card.missing_bytes as u64);
        let there = begun(&setup.catalog, &setup.models, &card.id).map_or(0, |(there, _)| there);
        let models = setup.catalog.models_of(&card.id).unwrap_or_default();
        let lost: Vec<_> = setup.models.lost(&models).map(|model| model.name.as_str()).collect();
        let state = match (card.missing_bytes > 0.0, card.offered) {
            (false, _) => "ready".to_owned(),
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
        let whose = if card.own { ", your own" } else { "" };
        let by_text = if card.by_text { ", drafts by text where tokens differ" } else { "" };
        let suggested = if card.suggested { ", suggested for this computer" } else { "" };
        let (memory, rungs) = (memory(&card), card.rungs.join(" ← "));
        let pace = card.pace.map(|pace| format!(", about {} tokens/s", in_figures(pace))).unwrap_or_default();
        let id = &card.id;
        output.line(format_args!("{id:<18} {rungs}  ({state}, {memory}{pace}{by_text}{whose}{suggested})"));
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
            "fetchable": card.fetchable, "to_make": card.to_make,
        }));
    }
    output.json(&json!({ "ladders": rows }));
    Ok(())
}

/// About how much memory a ladder takes, and whether that is here.
fn memory(card: &LadderCard) -> String {
    let room = match card.fits {
        Fits::Well => "",
        Fits::Tight => ", which is tight here",
        Fits::Not => ", more than there is here",
    };
    format!("about {} of memory{room}", bytes_in_words(card.memory_bytes as u64))
}

/// A speed in few figures.
fn in_figures(pace: f64) -> String {
    if pace < 10.0 { format!("{pace:.1}") } else { format!("{pace:.0}") }
}

fn suggest(setup: &Setup, output: &Output) -> Result<(), Problem> {
    let cards = setup.cards()?;
    let Some(card) = cards.iter().find(|card| card.suggested) else {
        output.line("None of the ladders fits into this computer's memory with room for other programs.");
        output.json(&json!({ "ladder": null }));
        return Ok(());
    };
    let memory = bytes_in_words(card.memory_bytes as u64);
    let all = engine::memory_of_this_computer().map(|all| format!(" of {}", bytes_in_words(all))).unwrap_or_default();
    output.line(format_args!("{}: {}", card.id, card.rungs.join(" ← ")));
    output.line(format_args!("It takes {memory}{all} of memory, which leaves room for other programs."));
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

/// Tries how fast a ladder is here, and keeps that.
fn check(setup: &Setup, id: Option<&str>, output: &Output) -> Result<(), Problem> {
    let id = setup.chosen(id, output);
    let ladder = setup.ladder(&id)?;
    let (settings, learned) = (EngineSettings::default(), setup.learned());
    let known = learned.recall(&engine::conditions(&ladder, settings));
    let (engine, _) = setup::engine_knowing(&ladder, settings, known, output)?;
    let mut answer = |ask: &engine::Ask| {
        let (call, stop) = (engine.begin()?, engine.clone());
        stoppable(move || stop.cancel(), || engine::answer_anew(call, ask))
    };
    let mut on =
        |share: f32| output.progress(format_args!("Answering a few questions in both ways … {:.0}%", 100.0 * share));
    let tried = engine::try_out(&mut answer, &mut on);
    output.progress_done();
    let Trial { alone, cascade, ratio } = tried?;
    if let Some(Err(problem)) = engine.learned().map(|lessons| learned.keep(&lessons)) {
        output.warning(&problem);
    }
    let models = setup.catalog.hashes_of(&id);
    store::keep_check(&setup.places, &id, &Check { models, alone, cascade, ratio })?;
    let (with, without) = (in_figures(cascade), in_figures(alone));
    output.line(format_args!(
        "{id} writes {with} tokens a second here, {without} without the cascade: {ratio:.2} times as fast."
    ));
    let cards = setup.cards_of(&setup.catalog, engine.device_memory())?;
    let better = cards.into_iter().find(|card| card.id == id).and_then(|card| card.checked?.better);
    if let Some(better) = &better {
        let why =
            if cascade < READING { "would write faster here" } else { "would answer better and still be fast here" };
        output.line(format_args!("{better} {why}: taki models fetch {better}"));
    }
    output.json(&json!({ "ladder": id, "alone": alone, "cascade": cascade, "ratio": ratio, "better": better }));
    Ok(())
}

fn make(setup: &Setup, name: &str, models: &[String], by_text: bool, output: &Output) -> Result<(), Problem> {
    let models = rungs(setup, models, by_text, output)?;
    let mut recipe = Recipe::new(name, models)?;
    recipe.by_text = by_text;
    for line in told(setup, &recipe) {
        output.note(line);
    }
    keep(setup, &recipe, output)
}

/// What is to be told of drafts, as far as they are here: whose tokens are not quite the target's, and which read hardly less than the one
/// above them.
fn told(setup: &Setup, recipe: &Recipe) -> Vec<String> {
    let header = |model: &RecipeModel| setup.models.file_of(&model.sha256).and_then(|path| check_header(&path).ok());
    let mut models = recipe.in_rungs();
    let target = models.next().and_then(|target| Some((target, header(target)?)));
    let Some((target, of_target)) = target else { return Vec::new() };
    let (mut lines, mut above) = (Vec::new(), (target, of_target.clone()));
    for draft in models {
        let Some(of_draft) = header(draft) else { continue };
        let how = match match_up_by_text(&of_target, &of_draft, &draft.name) {
            Ok(Tokens::Nearly(_)) => Some(Translation::Nearly),
            Ok(Tokens::ByText) if recipe.by_text => Some(Translation::ByText),
            _ => None,
        };
        lines.extend(how.map(|how| in_words(&draft.name, how)));
        let (reviewer, of_reviewer) = &above;
        let slow = slow(&reviewer.name, of_draft.reads_beside(of_reviewer));
        lines.extend(slow.map(|slow| format!("{}: {slow}", draft.name)));
        above = (draft, of_draft);
    }
    lines
}

/// Keeps a new ladder, and tells what it takes.
pub(crate) fn keep(setup: &Setup, recipe: &Recipe, output: &Output) -> Result<(), Problem> {
    let kept = setup.recipes.add(recipe)?;
    output.line(format_args!(
        "The ladder {} is in the list as {}. Talk with it: taki chat --ladder {1}",
        kept.name, kept.id
    ));
    let (catalog, _) = Catalog::builtin().with_own(&setup.models, &setup.recipes);
    // It is kept, whatever is wrong with a list.
    let card = setup.cards_of(&catalog, 0).ok().and_then(|cards| cards.into_iter().find(|card| card.id == kept.id));
    if let Some(card) = &card {
        output.line(format_args!("It takes {}.", memory(card)));
    }
    output.json(&json!({
        "ladder": kept.id, "models": kept.models.iter().map(as_json).collect::<Vec<_>>(),
        "memory_bytes": card.as_ref().map(|card| card.memory_bytes as u64), "fits": card.map(|card| card.fits),
    }));
    Ok(())
}

/// The models with these names or of these files, the target first and the drafts in falling size, if they go together.
pub(crate) fn rungs(
    setup: &Setup,
    names: &[String],
    by_text: bool,
    output: &Output,
) -> Result<Vec<RecipeModel>, Problem> {
    let models = names.iter().map(|name| model(setup, name.trim(), output)).collect::<Result<Vec<_>, _>>()?;
    let brought = models.clone();
    let ordered = if by_text { in_order_by_text(&setup.models, models) } else { in_order(&setup.models, models) };
    ordered.inspect_err(|_| {
        // Files that were brought for it alone are not left in the list.
        let is_new = |model: &&RecipeModel| setup.catalog.models().iter().all(|known| known.sha256 != model.sha256);
        for model in brought.iter().filter(is_new) {
            if let Err(problem) = setup.models.remove(&model.sha256) {
                output.warning(&problem);
            }
        }
    })
}

fn model(setup: &Setup, name: &str, output: &Output) -> Result<RecipeModel, Problem> {
    match setup.catalog.model(name) {
        Ok(model) => Ok(RecipeModel::of(model)),
        Err(_) if is_path(name) => take_in(setup, Path::new(name), None, output),
        Err(_) if setup.catalog.offers_named(name) => Err(Problem::new(Code::NotInstalled).with("ladder", name)),
        Err(problem) => Err(problem),
    }
}

/// The recipe of a ladder that may be changed.
fn own(setup: &Setup, id: &str) -> Result<Recipe, Problem> {
    if Catalog::builtin().ladder(id).is_ok() {
        return Err(Problem::new(Code::LadderBuiltIn).with("ladder", id));
    }
    setup.recipes.get(id)
}

/// What is to be different.
struct Changes<'a> {
    name: Option<&'a str>,
    models: &'a [String],
    k: Option<&'a str>,
    by_text: Option<bool>,
}

fn change(setup: &Setup, id: &str, changes: &Changes<'_>, output: &Output) -> Result<(), Problem> {
    let before = own(setup, id)?;
    let mut recipe = before.clone();
    if let Some(name) = changes.name {
        name.clone_into(&mut recipe.name);
    }
    recipe.by_text = changes.by_text.unwrap_or(recipe.by_text);
    if !changes.models.is_empty() {
        recipe.set_models(rungs(setup, changes.models, recipe.by_text, output)?);
    }
    if let Some(text) = changes.k {
        recipe.k = Some(matrix(text)?);
    }
    if recipe == before {
        output.line(format_args!("{id} stays as it is: nothing else was asked for."));
    } else {
        setup.recipes.change(&recipe)?;
        output.line(format_args!("{id} is changed. `taki ladders back {id}` brings back what it was."));
    }
    output.json(&json!({ "changed": id }));
    Ok(())
}

fn export(setup: &Setup, id: &str, file: &Path, with_models: bool, output: &Output) -> Result<(), Problem> {
    let recipe = setup.recipes.recipe_of(&setup.catalog, id)?;
    let what = "Copying";
    let written_bytes =
        reading(output, what, |cancel, on| setup.models.hand_over(recipe, file, with_models, cancel, on))?;
    let models = if with_models {
        format!(", with {} of models beside it", bytes_in_words(written_bytes))
    } else {
        String::new()
    };
    output.line(format_args!("Written to {}{models}.", file.display()));
    output.json(&json!({ "file": file, "model_bytes": written_bytes }));
    Ok(())
}

fn import(setup: &Setup, file: &Path, output: &Output) -> Result<(), Problem> {
    let recipe = read_recipe(file)?;
    // What lies beside it first: a file that is another one than it should be leaves no ladder behind.
    let missing = reading(output, &format!("Reading {}", file.display()), |cancel, on| {
        setup.models.take_beside(&recipe, file, cancel, on)
    })?;
    let already = if setup.recipes.same(&recipe).is_some() { " already" } else { "" };
    let kept = setup.recipes.add_once(&recipe)?;
    output.line(format_args!("The ladder {} is in the list{already} as {}.", kept.name, kept.id));
    let (catalog, _) = Catalog::builtin().with_own(&setup.models, &setup.recipes);
    let models = catalog.models_of(&kept.id).unwrap_or_default();
    let remakes = catalog.remakes(&setup.models, &kept.id);
    let lost: Vec<_> = setup.models.lost(&models).filter(|_| remakes.is_err()).collect();
    for model in &lost {
        output.warning(&model.missing(&kept.id));
    }
    for Remake { model, original, mix } in remakes.iter().flatten() {
        output.note(format_args!("{} is made here, from {} to {}.", model.name, original.name, mix.name()));
    }
    let to_fetch = missing.saturating_sub(lost.iter().map(|model| model.bytes).sum());
    if to_fetch > 0 {
        let size = bytes_in_words(to_fetch);
        // With one that nobody offers nothing is fetched.
        let next = if lost.is_empty() { format!(" To get them: taki models fetch {}", kept.id) } else { String::new() };
        output.note(format_args!("{size} of models are not here yet.{next}"));
    }
    output.json(&json!({
        "ladder": kept.id, "missing_bytes": to_fetch, "lost": lost, "already": !already.is_empty(),
    }));
    Ok(())
}

fn versions(setup: &Setup, id: &str, output: &Output) -> Result<(), Problem> {
    let versions = setup.recipes.versions(id);
    if versions.is_empty() && !setup.recipes.has(id) {
        // One that came with the program was never different; any other name is none.
        setup.catalog.ladder(id)?;
    }
    let names = |recipe: &Recipe| recipe.in_rungs().map(|model| model.name.as_str()).collect::<Vec<_>>().join(" ← ");
    let rows: Vec<Value> = versions
        .iter()
        .map(|Version { number, saved, recipe }| {
            let when = saved.map(|saved| format!("until {}  ", moment(saved))).unwrap_or_default();
            output.line(format_args!("{number:>3}  {when}{}: {}", recipe.name, names(recipe)));
            let saved_ms = saved.and_then(|saved| saved.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_millis());
            json!({ "version": number, "saved_ms": saved_ms.map(|ms| ms as u64), "name": recipe.name, "models": recipe.rungs, "k": recipe.k })
        })
        .collect();
    if rows.is_empty() {
        output.note(format_args!("{id} was never different."));
    }
    output.json(&json!({ "versions": rows }));
    Ok(())
}

fn back(setup: &Setup, id: &str, version: Option<u32>, output: &Output) -> Result<(), Problem> {
    let recipe = setup.recipes.back(id, version)?;
    output.line(format_args!("{id} is what it was: {}.", recipe.name));
    output.json(&json!({ "ladder": recipe.id }));
    Ok(())
}
