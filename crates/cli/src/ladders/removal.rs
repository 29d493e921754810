//! A ladder that is removed, and its files.

use catalog::{Catalog, ModelEntry, Recipe, RecipeModel, Version};
use protocol::{Code, Problem, bytes_in_words};
use serde_json::json;

use super::{in_a_row, milliseconds};
use crate::models::as_json;
use crate::moment::moment;
use crate::output::Output;
use crate::setup::Setup;

/// Removes a ladder, and `with_files` what no other one has.
pub(super) fn remove(setup: &Setup, ladder: &str, with_files: bool, output: &Output) -> Result<(), Problem> {
    if let Ok(models) = Catalog::builtin().models_of(ladder) {
        let models = models.iter().map(|model| model.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Problem::new(Code::LadderStays).with("ladder", ladder).with("models", models));
    }
    let recipe = match setup.recipes.get(ladder) {
        // One that cannot be read any more can be removed all the same.
        Err(problem) if problem.code == Code::FileUnusable => None,
        found => Some(found?),
    };
    if store::peek_settings(&setup.places).ladder == ladder {
        return Err(Problem::new(Code::LadderInUse).with("ladder", ladder));
    }
    // In a folder that the administrator shares out others have ladders of their own.
    let shared = setup.places.rules.models().is_some();
    let files = if shared { Vec::new() } else { setup.models.files_only_of(&setup.recipes, ladder) };
    let needed = recipe.filter(|_| with_files).map(|recipe| needed(setup, &recipe, &files)).unwrap_or_default();
    let going = if with_files { files.as_slice() } else { &[] };
    let removed = setup.models.remove_with_files(&setup.recipes, ladder, going)?;
    let one = |file: &ModelEntry| {
        let (id, size) = (&file.id, bytes_in_words(file.bytes));
        output.either(format!("{id} ({size})"), format!("{id}（{size}）"))
    };
    let named = |files: &[&ModelEntry]| output.joined(&files.iter().map(|file| one(file)).collect::<Vec<_>>());
    let (deleted, stay): (Vec<_>, Vec<_>) = files.iter().partition(|file| removed.deleted.contains(&file.sha256));
    if !deleted.is_empty() {
        let named = named(&deleted);
        output.note(output.either(format_args!("Deleted: {named}."), format_args!("削除したファイル：{named}。")));
    }
    if !stay.is_empty() {
        let named = named(&stay);
        output.note(output.either(
            format_args!("Files that no other ladder uses stay: {named}. `taki models remove` deletes them."),
            format_args!(
                "ほかの組み合わせで使われていないファイルは残っています：{named}。「taki models remove」で削除できます。"
            ),
        ));
    }
    let without = if deleted.is_empty() {
        ""
    } else {
        output.either(", without the files", "（ファイルは戻りません）")
    };
    for (model, others) in &needed {
        let (id, size, others) = (&model.id, bytes_in_words(model.bytes), output.joined(others));
        output.note(output.either(
            format_args!(
                "{id} ({size}) stays: ladders that were removed, or earlier versions, have it too ({others}). `taki models remove` deletes it."
            ),
            format_args!(
                "{id}（{size}）は残っています。削除した組み合わせか以前のバージョンでも使われています（{others}）。「taki models remove」で削除できます。"
            ),
        ));
    }
    output.line(output.either(
        format_args!("{ladder} is removed. `taki ladders back {ladder}` brings it back{without}."),
        format_args!("{ladder} を削除しました。「taki ladders back {ladder}」で元に戻せます{without}。"),
    ));
    let deleted: Vec<_> = deleted.into_iter().map(|file| as_json(&RecipeModel::of(file))).collect();
    output.json(&json!({ "removed": ladder, "deleted": deleted, "problems": removed.problems }));
    // It is gone all the same.
    output.last_of(removed.problems)
}

/// The ladders that were removed, the latest first.
pub(super) fn removed(setup: &Setup, output: &Output) {
    let removed = setup.catalog.removed(&setup.recipes);
    for Version { saved, recipe, .. } in &removed {
        let when = saved.map(moment).map(|when| output.either(format!(", removed {when}"), format!("、{when} に削除")));
        let (id, name, row, when) = (&recipe.id, &recipe.name, in_a_row(recipe), when.unwrap_or_default());
        output.line(
            output.either(format_args!("{id:<18} {name}: {row}{when}"), format_args!("{id:<18} {name}：{row}{when}")),
        );
    }
    match removed.first().map(|latest| &latest.recipe.id) {
        Some(id) => output.note(output.either(
            format_args!("Bring one back: taki ladders back {id}"),
            format_args!("一覧に戻すには：taki ladders back {id}"),
        )),
        None => {
            output.note(output.either("No ladder of your own was removed.", "削除した自分の組み合わせはありません。"));
        }
    }
    let row = |Version { saved, recipe, .. }: &Version| {
        let models: Vec<_> = recipe.in_rungs().map(|model| &model.name).collect();
        json!({ "ladder": recipe.id, "name": recipe.name, "models": models, "removed_ms": saved.and_then(milliseconds) })
    };
    output.json(&json!({ "removed": removed.iter().map(row).collect::<Vec<_>>() }));
}

/// What somebody's own of a ladder stays though no ladder of the list has it besides, and which ones may need it.
fn needed(setup: &Setup, recipe: &Recipe, going: &[ModelEntry]) -> Vec<(RecipeModel, Vec<String>)> {
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
        (model.clone(), had)
    };
    recipe.models.iter().filter(is_free).map(others).filter(|(_, others)| !others.is_empty()).collect()
}
