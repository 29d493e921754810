//! Ladders as files: handed on, and taken in.

use std::path::Path;

use catalog::{Catalog, Recipe, Remake, read_recipe};
use protocol::{Problem, bytes_in_words};
use serde_json::json;

use crate::models::{reading, reads};
use crate::output::Output;
use crate::setup::Setup;

pub(super) fn export(setup: &Setup, id: &str, file: &Path, with_models: bool, output: &Output) -> Result<(), Problem> {
    let recipe = setup.recipes.recipe_of(&setup.catalog, id)?;
    let what = output.either("Copying", "コピーしています");
    let written_bytes =
        reading(output, what, |cancel, on| setup.models.hand_over(recipe, file, with_models, cancel, on))?;
    let (place, size) = (file.display(), bytes_in_words(written_bytes));
    output.line(if with_models {
        output.either(
            format!("Written to {place}, with {size} of models beside it."),
            format!("{place} に書き出しました。モデルファイル（{size}）も隣に置きました。"),
        )
    } else {
        output.either(format!("Written to {place}."), format!("{place} に書き出しました。"))
    });
    output.json(&json!({ "file": file, "model_bytes": written_bytes }));
    Ok(())
}

pub(super) fn import(setup: &Setup, file: &Path, output: &Output) -> Result<(), Problem> {
    let recipe = read_recipe(file)?;
    // What lies beside it first: a file that is another one than it should be leaves no ladder behind.
    let missing =
        reading(output, &reads(file, output), |cancel, on| setup.models.take_beside(&recipe, file, cancel, on))?;
    let is_new = setup.recipes.same(&recipe).is_none();
    let kept = setup.recipes.add_once(&recipe)?;
    let Recipe { id, name, .. } = &kept;
    output.line(if is_new {
        output.either(
            format!("The ladder {name} is in the list as {id}."),
            format!("組み合わせ「{name}」を {id} として一覧に追加しました。"),
        )
    } else {
        output.either(
            format!("The ladder {name} is in the list already as {id}."),
            format!("組み合わせ「{name}」はすでに {id} として一覧にあります。"),
        )
    });
    let (catalog, _) = Catalog::builtin().with_own(&setup.models, &setup.recipes);
    let models = catalog.models_of(&kept.id).unwrap_or_default();
    let remakes = catalog.remakes(&setup.models, &kept.id);
    let lost: Vec<_> = setup.models.lost(&models).filter(|_| remakes.is_err()).collect();
    for model in &lost {
        output.warning(&model.missing(&kept.id));
    }
    for Remake { model, original, mix } in remakes.iter().flatten() {
        let (made, from, mix) = (&model.name, &original.name, mix.name());
        output.note(output.either(
            format_args!("{made} is made here, from {from} to {mix}."),
            format_args!("{made} は {from} からこのパソコンで作成します（{mix}）。"),
        ));
    }
    let to_fetch = missing.saturating_sub(lost.iter().map(|model| model.bytes).sum());
    if to_fetch > 0 {
        let size = bytes_in_words(to_fetch);
        // With one that nobody offers nothing is fetched.
        let next = lost.is_empty().then(|| {
            output.either(
                format!(" To get them: taki models fetch {id}"),
                format!("入手するには：taki models fetch {id}"),
            )
        });
        let next = next.unwrap_or_default();
        output.note(output.either(
            format_args!("{size} of models are not here yet.{next}"),
            format_args!("モデル {size} がまだありません。{next}"),
        ));
    }
    output.json(&json!({
        "ladder": kept.id, "missing_bytes": to_fetch, "lost": lost, "already": !is_new,
    }));
    Ok(())
}
