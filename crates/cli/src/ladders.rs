//! `taki ladders`: which there are, and one's own.

mod exchange;
mod list;
mod removal;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use catalog::{
    Catalog, READING, Recipe, RecipeModel, Tokens, Version, in_order, in_order_by_text, is_path, match_up_by_text,
};
use engine::Trial;
use protocol::worker::Translation;
use protocol::{Code, Problem};
use serde_json::{Value, json};
use store::Check;

use crate::args::{Ladders, drafters, matrix};
use crate::inspect::slow;
use crate::interrupt::stoppable;
use crate::models::{as_json, take_in};
use crate::moment::moment;
use crate::output::Output;
use crate::setup::{self, Setup, in_words};
use exchange::{export, import};
use list::{in_figures, list, memory, suggest};
use removal::{remove, removed};

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
            let recipe = setup.recipes.recipe_of(&setup.catalog, &setup.called(ladder))?.named(name);
            keep(&setup, &recipe, output)
        }
        Ladders::Change { ladder, name, models, k, by_text, .. } => {
            let changes = Changes { name: name.as_deref(), models, k: k.as_deref(), by_text: *by_text };
            change(&setup, &setup.called(ladder), &changes, output)
        }
        Ladders::Show { ladder, .. } => {
            let ladder = &setup.called(ladder);
            let recipe = setup.recipes.recipe_of(&setup.catalog, ladder)?;
            output.text(&recipe.to_toml()?);
            for line in told(&setup, &recipe, output) {
                output.note(line);
            }
            if let Err(problem) = setup.catalog.remakes(&setup.models, ladder) {
                output.warning(&problem);
            }
            output.json(&json!({ "recipe": with_dates(json!(recipe)) }));
            Ok(())
        }
        Ladders::Export { ladder, file, with_models, .. } => {
            export(&setup, &setup.called(ladder), file, *with_models, output)
        }
        Ladders::Import { file, .. } => import(&setup, file, output),
        Ladders::Versions { ladder, .. } => versions(&setup, &setup.called(ladder), output),
        Ladders::Removed { .. } => {
            removed(&setup, output);
            Ok(())
        }
        Ladders::Back { ladder, version, .. } => back(&setup, &setup.called(ladder), *version, output),
        Ladders::Remove { ladder, with_files, .. } => remove(&setup, &setup.called(ladder), *with_files, output),
    }
}

/// With dates of fields that are not known here as they are written, where their reader has them in a field of its own.
fn with_dates(value: Value) -> Value {
    match value {
        Value::Object(mut fields) => fields.remove("$__toml_private_datetime").unwrap_or_else(|| {
            Value::Object(fields.into_iter().map(|(key, value)| (key, with_dates(value))).collect())
        }),
        Value::Array(values) => values.into_iter().map(with_dates).collect(),
        value => value,
    }
}

/// Tries how fast a ladder is here, and keeps that.
fn check(setup: &Setup, id: Option<&str>, output: &Output) -> Result<(), Problem> {
    let id = setup.chosen(id, output);
    let ladder = setup.ladder(&id)?;
    // As chats run here: it is these that the figures are of.
    let (settings, learned) = (store::peek_settings(&setup.places).running(), setup.learned());
    let known = learned.recall(&engine::conditions(&ladder, settings));
    let (engine, _) = setup::engine_knowing(&ladder, settings, known, output)?;
    let mut answer = |ask: &engine::Ask| {
        let (call, stop) = (engine.begin()?, engine.clone());
        stoppable(move || stop.cancel(), || engine::answer_anew(call, ask))
    };
    let mut on = |share: f32| {
        let percent = 100.0 * share;
        output.progress(output.either(
            format_args!("Answering a few questions in both ways … {percent:.0}%"),
            format_args!("高速化ありとなしで、いくつかの質問に回答しています… {percent:.0}%"),
        ));
    };
    let tried = engine::try_out(&mut answer, &mut on);
    output.progress_done();
    let Trial { alone, cascade, ratio } = tried?;
    if let Some(Err(problem)) = engine.learned().map(|lessons| learned.keep(&lessons)) {
        output.warning(&problem);
    }
    let models = setup.catalog.hashes_of(&id);
    store::keep_check(&setup.places, &id, &Check { models, alone, cascade, ratio })?;
    let (with, without) = (in_figures(cascade), in_figures(alone));
    output.line(output.either(
        format_args!("{id} writes {with} tokens a second here, {without} without the cascade: {ratio:.2} times as fast."),
        format_args!(
            "{id} は、このパソコンでは毎秒 {with} トークン、高速化なしでは毎秒 {without} トークンで書きます：{ratio:.2} 倍の速さです。"
        ),
    ));
    let cards = setup.cards_of(&setup.catalog, engine.device_memory())?;
    let better = cards.into_iter().find(|card| card.id == id).and_then(|card| card.checked?.better);
    if let Some(better) = &better {
        let (why, because) = if cascade < READING {
            ("would write faster here", "のほうが、このパソコンでは速く書けます")
        } else {
            (
                "would answer better and still be fast here",
                "のほうが良い回答ができ、このパソコンでも十分な速さで書けます",
            )
        };
        output.line(output.either(
            format_args!("{better} {why}: taki models fetch {better}"),
            format_args!("{better} {because}：taki models fetch {better}"),
        ));
    }
    output.json(&json!({ "ladder": id, "alone": alone, "cascade": cascade, "ratio": ratio, "better": better }));
    Ok(())
}

fn make(setup: &Setup, name: &str, models: &[String], by_text: bool, output: &Output) -> Result<(), Problem> {
    let models = rungs(setup, models, by_text, output)?;
    let mut recipe = Recipe::new(name, models)?;
    recipe.by_text = by_text;
    for line in told(setup, &recipe, output) {
        output.note(line);
    }
    keep(setup, &recipe, output)
}

/// What is to be told of drafts, as far as they are here or were looked at elsewhere: whose tokens are not quite the target's, and which read hardly less than the one
/// above them.
fn told(setup: &Setup, recipe: &Recipe, output: &Output) -> Vec<String> {
    let summary = |model: &RecipeModel| setup.models.summary_of(&model.entry());
    let mut models = recipe.in_rungs();
    let target = models.next().and_then(|target| Some((target, summary(target)?)));
    let Some((target, of_target)) = target else { return Vec::new() };
    let (mut lines, mut above) = (Vec::new(), (target, of_target.clone()));
    for draft in models {
        let Some(of_draft) = summary(draft) else { continue };
        let how = match match_up_by_text(&of_target, &of_draft, &draft.name) {
            Ok(Tokens::Nearly(_)) => Some(Translation::Nearly),
            Ok(Tokens::ByText) if recipe.by_text => Some(Translation::ByText),
            _ => None,
        };
        lines.extend(how.map(|how| in_words(&draft.name, how, output)));
        let (reviewer, of_reviewer) = &above;
        let slow = slow(&reviewer.name, of_draft.reads_beside(of_reviewer), output);
        lines.extend(slow.map(|slow| format!("{}{}{slow}", draft.name, output.either(": ", "："))));
        above = (draft, of_draft);
    }
    lines
}

/// Keeps a new ladder, and tells what it takes.
pub(crate) fn keep(setup: &Setup, recipe: &Recipe, output: &Output) -> Result<(), Problem> {
    let kept = setup.recipes.add(recipe)?;
    let Recipe { id, name, .. } = &kept;
    output.line(output.either(
        format_args!("The ladder {name} is in the list as {id}. Talk with it: taki chat --ladder {id}"),
        format_args!("組み合わせ「{name}」を {id} として一覧に追加しました。会話するには：taki chat --ladder {id}"),
    ));
    let (catalog, _) = Catalog::builtin().with_own(&setup.models, &setup.recipes);
    // It is kept, whatever is wrong with a list.
    let card = setup
        .cards_of(&catalog, setup.device_memory())
        .ok()
        .and_then(|cards| cards.into_iter().find(|card| card.id == kept.id));
    if let Some(card) = &card {
        let memory = memory(card, output);
        output.line(output.either(format_args!("It takes {memory}."), format_args!("必要量：{memory}。")));
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
    let mut brought = Vec::new();
    let all = names.iter().try_for_each(|name| model(setup, name.trim(), output).map(|model| brought.push(model)));
    let in_order = if by_text { in_order_by_text } else { in_order };
    let ordered = all.and_then(|()| in_order(&setup.models, brought.clone()));
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
        Err(_) if setup.catalog.offers_named(name) => Err(Problem::new(Code::ModelNotHere).with("name", name)),
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
        let of = drafters(recipe.in_rungs().map(|model| model.name.as_str()), recipe.max_gram);
        recipe.k = Some(matrix(text, &of)?);
    }
    if recipe == before {
        output.line(output.either(
            format_args!("{id} stays as it is: nothing else was asked for."),
            format_args!("{id} はそのままです。変わる内容は指定されていません。"),
        ));
    } else {
        setup.recipes.change(&recipe)?;
        output.line(output.either(
            format_args!("{id} is changed. `taki ladders back {id}` brings back what it was."),
            format_args!("{id} を変更しました。「taki ladders back {id}」で変更前の内容に戻せます。"),
        ));
    }
    output.json(&json!({ "changed": id }));
    Ok(())
}

/// The names of a recipe's models, the target first.
fn in_a_row(recipe: &Recipe) -> String {
    recipe.in_rungs().map(|model| model.name.as_str()).collect::<Vec<_>>().join(" ← ")
}

/// Milliseconds since 1970.
fn milliseconds(time: SystemTime) -> Option<u64> {
    time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_millis() as u64)
}

fn versions(setup: &Setup, id: &str, output: &Output) -> Result<(), Problem> {
    let versions = setup.recipes.versions(id);
    if versions.is_empty() && !setup.recipes.has(id) {
        // One that came with the program was never different; any other name is none.
        setup.catalog.ladder(id)?;
    }
    let rows: Vec<Value> = versions
        .iter()
        .map(|Version { number, saved, recipe }| {
            let when = saved.map(moment).map(|when| output.either(format!("until {when}  "), format!("{when} まで  ")));
            let (when, name, row) = (when.unwrap_or_default(), &recipe.name, in_a_row(recipe));
            output.line(output.either(
                format_args!("{number:>3}  {when}{name}: {row}"),
                format_args!("{number:>3}  {when}{name}：{row}"),
            ));
            json!({ "version": number, "saved_ms": saved.and_then(milliseconds), "name": recipe.name, "models": recipe.rungs, "k": recipe.k })
        })
        .collect();
    if rows.is_empty() {
        output.note(
            output.either(format_args!("{id} was never different."), format_args!("{id} はまだ変更されていません。")),
        );
    }
    output.json(&json!({ "versions": rows }));
    Ok(())
}

fn back(setup: &Setup, id: &str, version: Option<u32>, output: &Output) -> Result<(), Problem> {
    if setup.recipes.versions(id).is_empty() && setup.catalog.ladder(id).is_ok() {
        return Err(Problem::new(Code::NeverChanged).with("ladder", id));
    }
    let recipe = setup.recipes.back(id, version)?;
    let name = &recipe.name;
    output.line(
        output.either(
            format_args!("{id} is what it was: {name}."),
            format_args!("{id} を元の内容（{name}）に戻しました。"),
        ),
    );
    output.json(&json!({ "ladder": recipe.id }));
    Ok(())
}
